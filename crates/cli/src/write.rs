//! `deltaic write`: rows from a file or standard input into a table.

use deltaic::DeltaTable;
use deltaic::ops::WriteBuilder;
use deltaic::ops::write::{SchemaMode, WriteMode};

use crate::arguments::{Mode, SchemaChange, Write};
use crate::failure::Outcome;
use crate::output::Progress;
use crate::{input, output};

pub(crate) async fn run(arguments: Write) -> Outcome {
    let builder = DeltaTable::builder(&arguments.table.table).with_storage_options(arguments.table.storage_options());
    let target = builder.target().await?;
    let known = target.snapshot().filter(|_| arguments.schema_mode != Some(SchemaChange::Overwrite));
    let rows = input::open(&arguments.from, arguments.format, known.map(|snapshot| snapshot.schema()))?;
    let mut write = WriteBuilder::new(target, rows).mode(match arguments.mode {
        Mode::Error => WriteMode::ErrorIfExists,
        Mode::Ignore => WriteMode::Ignore,
        Mode::Append => WriteMode::Append,
        Mode::Overwrite => WriteMode::Overwrite,
    });
    write = match arguments.schema_mode {
        None => write,
        Some(SchemaChange::Merge) => write.schema_mode(SchemaMode::Merge),
        Some(SchemaChange::Overwrite) => write.schema_mode(SchemaMode::Overwrite),
    };
    if let Some(columns) = arguments.partition_by {
        write = write.partition_by(columns);
    }
    for (key, value) in arguments.properties {
        write = write.property(key, value);
    }
    if let Some(predicate) = &arguments.replace_where {
        write = write.replace_where_sql(predicate)?;
    }
    if arguments.overwrite_partitions {
        write = write.overwrite_partitions();
    }
    if let (Some(app_id), Some(app_version)) = (arguments.app_id, arguments.app_version) {
        write = write.transaction(app_id, app_version);
    }
    if let Some(text) = arguments.user_metadata {
        write = write.user_metadata(text);
    }
    if arguments.dry_run {
        return output::print_plan(&write.plan().await?);
    }
    let report = {
        let _progress = Progress::spinner("writing");
        write.execute().await?
    };
    output::print_report(&report, arguments.json)
}
