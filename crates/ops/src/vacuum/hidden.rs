use deltaic_log::Snapshot;
use deltaic_log::file_name::LOG_DIR;

/// Which paths are none of a vacuum's business.
#[derive(Clone, Debug)]
pub(super) struct Hidden {
    /// How the folders of partition columns begin.
    partition_prefixes: Vec<String>,
}

/// Folders of this beginning are the table's own, though they begin with an underscore.
const SHOWN: [&str; 2] = ["_change_data", "_delta_index"];

impl Hidden {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        Self::new(snapshot.configuration().partition_columns())
    }

    fn new(partition_columns: &[String]) -> Self {
        Self { partition_prefixes: partition_columns.iter().map(|column| format!("{column}=")).collect() }
    }

    /// Whether a file or folder of this name, in whatever folder, is passed over.
    pub(super) fn is_hidden(&self, name: &str) -> bool {
        let begins_with = |prefix: &str| name.starts_with(prefix);
        name.starts_with(['_', '.'])
            && !SHOWN.into_iter().any(begins_with)
            && !self.partition_prefixes.iter().any(|prefix| begins_with(prefix))
    }

    /// Whether a part of the path is hidden.
    pub(super) fn hides(&self, path: &str) -> bool {
        path.split('/').any(|name| self.is_hidden(name))
    }
}

/// Whether a path is one of the log, which nobody's word makes deletable.
pub(super) fn is_of_log(path: &str) -> bool {
    path.split('/').next() == Some(LOG_DIR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_passed_over() {
        let hidden = Hidden::new(&["_p".to_owned(), "day".to_owned()]);
        for (path, expected) in [
            ("part-0.parquet", false),
            ("day=1/part-0.parquet", false),
            ("_p=1/part-0.parquet", false),
            ("_q=1/part-0.parquet", true),
            ("_change_data/cdc-0.parquet", false),
            ("day=1/_change_data/x", false),
            ("_delta_index/x", false),
            ("_delta_log/00000000000000000000.json", true),
            ("_symlink_format_manifest/manifest", true),
            ("day=1/_temporary/x", true),
            ("day=1/.part-0.parquet.crc", true),
            ("_started", true),
            (".hidden/x", true),
            ("deletion_vector_61d16c75.bin", false),
            ("a.b/c_d", false),
        ] {
            assert_eq!(hidden.hides(path), expected, "{path}");
        }
        assert!(is_of_log("_delta_log/x") && is_of_log("_delta_log") && !is_of_log("_delta_logs/x"));
    }
}
