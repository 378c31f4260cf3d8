//! The statistics of a chunk's files: read when a predicate first needs a column, parsed for that column alone, and kept
//! as typed bounds.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use arrow_array::{BooleanArray, Int64Array};

use super::FileChunk;
use super::chunk::Origin;
use crate::checkpoint::{read_bounds, read_texts};
use crate::cpu;
use crate::error::Result;
use crate::schema::{ColumnPath, DataType, StructType};
use crate::statistics::{BoundsBatch, ColumnBounds, StatsExtractor};
use crate::store::TableStore;

/// The bounds read so far. A column's type is part of its key: it may be widened later, while the chunk is still shared.
#[derive(Default)]
pub(crate) struct BoundsCache(Mutex<Cached>);

#[derive(Default)]
struct Cached {
    records: Option<(Int64Array, BooleanArray)>,
    columns: HashMap<(ColumnPath, String), ColumnBounds>,
}

impl FileChunk {
    /// The statistics of the chunk's rows, live or not, for some columns by their physical paths; from memory, where they
    /// were asked for before.
    ///
    /// # Errors
    /// [`crate::ErrorKind::CorruptLog`], [`crate::ErrorKind::MissingFile`], [`crate::ErrorKind::Storage`] where a
    /// checkpoint cannot be read any more; [`crate::ErrorKind::UnknownColumn`] where a path is not in `schema`, the table's
    /// physical schema. Statistics that are broken are unknown, never an error.
    pub async fn bounds(&self, store: &TableStore, schema: &StructType, columns: &[ColumnPath]) -> Result<BoundsBatch> {
        let keys = columns.iter().map(|path| key(schema, path)).collect::<Result<Vec<_>>>()?;
        let missing = self.bounds.missing(columns, &keys);
        if let Some(missing) = missing {
            let read = self.read_bounds(store, schema, missing.clone()).await?;
            let keys = missing.iter().map(|path| key(schema, path)).collect::<Result<Vec<_>>>()?;
            self.bounds.keep(keys, read);
        }
        Ok(self.bounds.get(&keys, self.rows()))
    }

    /// The statistics of the chunk's rows, live or not, as text. A checkpoint that holds them typed only gives none.
    ///
    /// # Errors
    /// As [`Self::bounds`].
    pub async fn statistics(&self, store: &TableStore) -> Result<Vec<Option<String>>> {
        match &self.origin {
            Origin::RowGroup(origin) => read_texts(store, origin).await,
            Origin::Commits => {
                let text = |row| serde_json::from_slice(self.columns.escaped_stats(row)?).ok();
                Ok((0..self.rows()).map(text).collect())
            }
        }
    }

    async fn read_bounds(
        &self,
        store: &TableStore,
        schema: &StructType,
        columns: Vec<ColumnPath>,
    ) -> Result<BoundsBatch> {
        let Origin::RowGroup(origin) = &self.origin else {
            let (chunk, mut extractor) = (self.columns.clone(), StatsExtractor::new(schema, &columns)?);
            return cpu::run(&store.context().cpu, move || {
                (0..chunk.len()).for_each(|row| extractor.push_literal(chunk.escaped_stats(row)));
                Ok(extractor.finish())
            })
            .await;
        };
        read_bounds(store, origin, schema, &columns).await
    }
}

fn key(schema: &StructType, path: &ColumnPath) -> Result<(ColumnPath, String)> {
    let column = schema.resolve(path)?;
    let data_type: &DataType = column.data_type;
    Ok((column.path, format!("{data_type:?}")))
}

impl BoundsCache {
    /// The columns that are not kept yet; `None` where nothing is to be read.
    fn missing(&self, columns: &[ColumnPath], keys: &[(ColumnPath, String)]) -> Option<Vec<ColumnPath>> {
        let cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = columns.iter().zip(keys).filter(|(_, key)| !cached.columns.contains_key(key));
        let missing: Vec<_> = missing.map(|(path, _)| path.clone()).collect();
        (cached.records.is_none() || !missing.is_empty()).then_some(missing)
    }

    fn keep(&self, keys: Vec<(ColumnPath, String)>, read: BoundsBatch) {
        let mut cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cached.records = Some((read.num_records, read.tight));
        cached.columns.extend(keys.into_iter().zip(read.columns));
    }

    fn get(&self, keys: &[(ColumnPath, String)], rows: usize) -> BoundsBatch {
        let cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (num_records, tight) = cached
            .records
            .clone()
            .unwrap_or_else(|| (Int64Array::new_null(rows), BooleanArray::from(vec![true; rows])));
        BoundsBatch {
            num_records,
            tight,
            columns: keys.iter().filter_map(|key| cached.columns.get(key).cloned()).collect(),
        }
    }

    /// How many columns are kept.
    fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).columns.len()
    }
}

impl fmt::Debug for BoundsCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BoundsCache({} columns)", self.len())
    }
}
