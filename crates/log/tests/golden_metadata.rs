//! Every protocol and metadata of the golden tables means what it should, where those tables are at hand.
#![allow(clippy::panic, clippy::unwrap_used, unreachable_pub, reason = "what fails here is a test")]

use deltaic_log::action::{Action, Metadata, Protocol};
use deltaic_log::partition_value::parse_column;
use deltaic_log::schema::StructType;
use deltaic_log::statistics::StatsExtractor;
use deltaic_log::{Access, TableConfiguration};
use std::path::{Path, PathBuf};

/// The golden tables: `$DELTA_GOLDEN`, or `shared/golden` beside the workspace.
fn golden() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden");
    Some(std::env::var_os("DELTA_GOLDEN").map_or_else(beside, PathBuf::from)).filter(|path| path.is_dir())
}

/// The actions of each commit, over all tables: the path of the commit with it.
fn commits() -> Vec<(PathBuf, Vec<Action>)> {
    let Some(root) = golden() else {
        eprintln!("skipped: no golden tables; set DELTA_GOLDEN");
        return Vec::new();
    };
    let mut commits = Vec::new();
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let is_commit = path.extension().is_some_and(|extension| extension == "json")
                && path.file_stem().is_some_and(|stem| stem.to_string_lossy().chars().all(|c| c.is_ascii_digit()));
            if path.is_dir() {
                folders.push(path);
            } else if is_commit {
                let text = std::fs::read_to_string(&path).unwrap();
                commits.push((path, text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()));
            }
        }
    }
    commits.sort_by(|(a, _), (b, _)| a.cmp(b));
    commits
}

#[test]
fn every_schema_parses_and_comes_back() {
    for (path, actions) in commits() {
        for json in actions.into_iter().filter_map(|action| match action {
            Action::Metadata(metadata) => metadata.schema_string,
            _ => None,
        }) {
            let schema = StructType::from_json(&json).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            assert_eq!(StructType::from_json(&schema.to_json()).unwrap(), schema);
            let as_value = |json: &str| serde_json::from_str::<serde_json::Value>(json).unwrap();
            assert_eq!(as_value(&schema.to_json()), as_value(&json), "{}", path.display());
        }
    }
}

#[test]
fn every_table_is_understood() {
    let (mut protocol, mut metadata, mut folder) = (None::<Protocol>, None::<Metadata>, PathBuf::new());
    for (path, actions) in commits() {
        if path.parent() != Some(folder.as_path()) {
            (protocol, metadata, folder) = (None, None, path.parent().unwrap().to_owned());
        }
        for action in &actions {
            match action {
                Action::Protocol(newer) => protocol = Some(newer.clone()),
                Action::Metadata(newer) => metadata = Some(newer.clone()),
                _ => {}
            }
        }
        let (Some(protocol), Some(metadata)) = (protocol.clone(), metadata.clone()) else { continue };
        let refused = path.to_string_lossy().contains("deltalog-invalid-protocol-version");
        let table = TableConfiguration::try_new(protocol, metadata);
        assert_eq!(table.is_err(), refused, "{}: {table:?}", path.display());
        if let Ok(table) = table {
            table.check_access(Access::ByPath).unwrap();
            assert!(table.properties().problems().is_empty(), "{}", path.display());
            check_files(&table, &actions, &path);
        }
    }
}

/// Partition values parse, and statistics that exist give bounds for the columns that they name.
fn check_files(table: &TableConfiguration, actions: &[Action], path: &Path) {
    let schema = table.physical_schema();
    let columns: Vec<_> = schema.leaves().into_iter().map(|(path, _)| path).collect();
    let mut extractor = StatsExtractor::new(schema, &columns).unwrap();
    let mut with_stats = 0;
    for action in actions {
        let Action::Add(add) = action else { continue };
        for field in table.partition_fields() {
            let key = field.physical_name(table.column_mapping_mode());
            let value = add.partition_values.get(key).and_then(Option::as_deref);
            parse_column([value], &field.data_type).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
        if let Some(stats) = &add.stats {
            with_stats += 1;
            extractor.push(Some(stats.as_bytes()));
        }
    }
    let bounds = extractor.finish();
    assert_eq!(bounds.num_records.iter().flatten().count(), with_stats, "{}", path.display());
}
