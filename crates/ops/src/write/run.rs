//! The rows come: checked, written, committed.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use arrow_select::concat::concat_batches;
use deltaic_commit::Transaction;
use deltaic_log::schema::column_metadata::key;
use deltaic_log::{Error, ErrorKind, Result, TableConfiguration, TableStore, cpu};
use futures::future::join;
use futures::stream::{BoxStream, StreamExt};

use super::prepare::Prepared;
use crate::data::row_pipeline::RowPipeline;
use crate::data::table_writer::{TableWriter, WrittenFiles};
use crate::finish::{commit, discarding};
use crate::input::Input;
use crate::report::Report;
use crate::target::Target;

/// How many rows are worth a step; smaller batches are put together, larger ones cut.
const ROWS_MIN: usize = 8 << 10;
const ROWS_MAX: usize = 64 << 10;

/// What marks a commit that moves an identity column's mark and changes nothing else of the metadata.
const IDENTITY_TAG: &str = "delta.identity.schemaUpdate";

pub(super) async fn run(target: Target, input: Input, prepared: Prepared) -> Result<Report> {
    let Some(work) = prepared.work else {
        return Ok(Report::unchanged(prepared.plan.unchanged.unwrap_or_default()));
    };
    let store = target.store;
    let mut writer = TableWriter::new(&store, work.layout.clone(), &work.schema)?;
    let schema = input.schema().clone();
    let batches = Batches { schema, batches: input.into_stream(&store.context().cpu) };
    let filled = fill(&mut writer, work.pipeline, batches, &store).await;
    let mut paths = writer.paths().to_vec();
    let staged = match filled {
        Ok((written, pipeline)) => {
            let staging = Staging { transaction: work.transaction, table: &work.table, paths: &mut paths };
            staging.stage(&written, &pipeline, work.overwritten, &work.eval).await
        }
        Err(error) => Err(error),
    };
    match staged {
        Ok((transaction, metrics)) => commit(transaction, metrics, &store, paths).await,
        Err(error) => {
            writer.abort().await;
            Err(discarding(error, &store, paths).await)
        }
    }
}

/// Writes all rows. The next ones are fetched while those before are encoded.
async fn fill(
    writer: &mut TableWriter,
    mut pipeline: RowPipeline,
    mut batches: Batches,
    store: &TableStore,
) -> Result<(WrittenFiles, RowPipeline)> {
    let mut next = batches.next().await?;
    while let Some(batch) = next {
        let (following, written) = join(batches.next(), write(writer, pipeline, batch, store)).await;
        pipeline = written?;
        next = following?;
    }
    Ok((writer.finish().await?, pipeline))
}

async fn write(
    writer: &mut TableWriter,
    mut pipeline: RowPipeline,
    batch: RecordBatch,
    store: &TableStore,
) -> Result<RowPipeline> {
    let mut start = 0;
    while start < batch.num_rows() {
        let rows = batch.slice(start, ROWS_MAX.min(batch.num_rows() - start));
        start += rows.num_rows();
        let process = move || {
            let columns = pipeline.process(&rows)?;
            Ok((pipeline, columns))
        };
        let (processed, columns) = cpu::run(&store.context().cpu, process).await?;
        pipeline = processed;
        writer.write(columns).await?;
    }
    Ok(pipeline)
}

/// The input's batches, of a size that is worth a step.
struct Batches {
    schema: SchemaRef,
    batches: BoxStream<'static, Result<RecordBatch>>,
}

impl Batches {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        let (mut gathered, mut rows) = (Vec::new(), 0);
        while rows < ROWS_MIN {
            let Some(batch) = self.batches.next().await.transpose()? else { break };
            self.check(&batch)?;
            rows += batch.num_rows();
            gathered.push(batch);
        }
        match gathered.len() {
            0 => Ok(None),
            1 => Ok(gathered.pop()),
            _ => Ok(Some(concat_batches(&gathered[0].schema(), &gathered)?)),
        }
    }

    fn check(&self, batch: &RecordBatch) -> Result<()> {
        let schema = batch.schema();
        let types = |schema: &SchemaRef| -> Vec<_> {
            schema.fields().iter().map(|field| (field.name().clone(), field.data_type().clone())).collect()
        };
        if *schema == *self.schema || types(&schema) == types(&self.schema) {
            return Ok(());
        }
        let message = "a batch of the input has another schema than the input says: hand in batches of one schema";
        Err(Error::new(ErrorKind::InvalidArgument, message))
    }
}

/// The transaction, to be told of what was written.
struct Staging<'a> {
    transaction: Transaction,
    table: &'a TableConfiguration,
    /// Every file that was written.
    paths: &'a mut Vec<String>,
}

impl Staging<'_> {
    async fn stage(
        mut self,
        written: &WrittenFiles,
        pipeline: &RowPipeline,
        overwritten: super::overwritten::Overwritten,
        eval: &deltaic_scan::expr::EvalContext,
    ) -> Result<(Transaction, BTreeMap<String, u64>)> {
        let mut metrics = BTreeMap::new();
        let mut count = |name: &str, value: u64| metrics.insert(name.to_owned(), value);
        count("numFiles", written.adds.len() as u64);
        count("numOutputRows", pipeline.rows());
        count("numOutputBytes", written.bytes());
        let removed = overwritten.stage(&mut self.transaction, &written.adds, eval, self.paths).await?;
        metrics.extend(removed);
        written.adds.iter().for_each(|add| self.transaction.add(add.clone()));
        let transaction = self.with_marks(&pipeline.high_water_marks())?;
        Ok((transaction, metrics))
    }

    /// Moves the marks of identity columns on.
    fn with_marks(mut self, marks: &[(String, i64)]) -> Result<Transaction> {
        if marks.is_empty() {
            return Ok(self.transaction);
        }
        let mut schema = self.table.schema().clone();
        for (column, mark) in marks {
            for field in schema.fields.iter_mut().filter(|field| field.name == *column) {
                field.metadata.insert(key::IDENTITY_HIGH_WATER_MARK.to_owned(), (*mark).into());
            }
        }
        let mut metadata = self.table.metadata().clone();
        metadata.schema_string = Some(schema.to_json());
        self.transaction.set_metadata(metadata)?;
        Ok(self.transaction.with_tag(IDENTITY_TAG, "true"))
    }
}
