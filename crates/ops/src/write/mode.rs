use serde::Serialize;

/// What becomes of the rows that a table has already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum WriteMode {
    /// They stay, and the operation fails, where there is a table already.
    #[default]
    ErrorIfExists,
    /// They stay, and nothing is done, where there is a table already.
    Ignore,
    /// They stay, and the new ones join them.
    Append,
    /// They go: all of them, or those that [`super::WriteBuilder::replace_where`] or
    /// [`super::WriteBuilder::overwrite_partitions`] say.
    Overwrite,
}

impl WriteMode {
    /// What the table's history calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ErrorIfExists => "ErrorIfExists",
            Self::Ignore => "Ignore",
            Self::Append => "Append",
            Self::Overwrite => "Overwrite",
        }
    }
}

/// What becomes of an input's columns that are not the table's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum SchemaMode {
    /// The operation fails. Columns that the input lacks are computed, defaulted, or null.
    #[default]
    Strict,
    /// They become the table's, behind its own, at every depth; the rows that are there have null in them.
    Merge,
    /// The input's schema takes the place of the table's. Only an overwrite of all rows can do that.
    Overwrite,
}
