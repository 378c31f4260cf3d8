use serde_json::{Map, Value};

use crate::row_tracking_backfill::BACKFILL;

/// What a commit does, as its history tells: a name, and parameters.
///
/// ```
/// use deltaic_commit::Operation;
/// let write = Operation::new("WRITE").with_parameter("mode", "Append").with_parameter("partitionBy", "[]");
/// assert_eq!(write.name(), "WRITE");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    name: String,
    parameters: Map<String, Value>,
    effect: Effect,
}

/// What an operation may do to the table's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    MayChangeRows,
    /// Rows are only stored otherwise.
    Rearranges,
    /// Files are given row ids.
    Backfills,
}

impl Operation {
    /// An operation that may change the table's rows: `WRITE`, `DELETE`, `MERGE`.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), parameters: Map::new(), effect: Effect::MayChangeRows }
    }

    /// An operation that only stores rows otherwise: `OPTIMIZE`, `REORG`. Under the isolation level `WriteSerializable` it
    /// conflicts with fewer commits.
    pub fn rearranging(name: impl Into<String>) -> Self {
        Self { effect: Effect::Rearranges, ..Self::new(name) }
    }

    /// The operation that gives row ids to files which were there before the table tracked its rows: it adds them once more,
    /// with `dataChange` false. Concurrent commits do not disturb it; what they touched, it leaves alone.
    pub fn row_tracking_backfill() -> Self {
        Self { effect: Effect::Backfills, ..Self::new(BACKFILL) }
    }

    /// The same operation with one more parameter. Other engines expect text, whose content is often JSON.
    #[must_use]
    pub fn with_parameter(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.parameters.insert(name.into(), value.into());
        self
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The parameters, by name.
    pub fn parameters(&self) -> &Map<String, Value> {
        &self.parameters
    }

    pub(crate) fn effect(&self) -> Effect {
        self.effect
    }
}
