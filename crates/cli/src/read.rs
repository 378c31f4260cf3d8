//! `deltaic read`: rows.

use deltaic::scan::read::BatchStream;
use futures::TryStreamExt;

use crate::arguments::{Output, Read};
use crate::failure::Outcome;
use crate::open;
use crate::output::{Progress, RowWriter};

pub(crate) async fn run(arguments: Read) -> Outcome {
    let table = open::at(&arguments.table, &arguments.as_of).await?;
    let mut scan = table.scan().pruning(!arguments.no_pruning).ordered(true);
    if let Some(columns) = arguments.rows.columns {
        scan = scan.columns(columns);
    }
    if let Some(predicate) = &arguments.rows.predicate {
        scan = scan.filter_sql(predicate)?;
    }
    if let Some(rows) = arguments.rows.limit {
        scan = scan.limit(rows);
    }
    write(scan.build()?.stream(), &arguments.output).await
}

/// Writes every batch as it comes; a file appears when all are written.
pub(crate) async fn write(mut batches: BatchStream, output: &Output) -> Outcome {
    let mut writer = RowWriter::open(output, batches.schema())?;
    // Rows that run over the terminal show progress enough.
    let progress = output.output.is_some().then(|| Progress::spinner("rows"));
    while let Some(batch) = batches.try_next().await? {
        writer.write(&batch)?;
        if let Some(progress) = &progress {
            progress.add(batch.num_rows() as u64);
        }
    }
    writer.finish()
}
