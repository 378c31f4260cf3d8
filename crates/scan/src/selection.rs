//! What a caller wants of some columns: which of them, and of which rows. A scan and the change data feed ask alike.

use arrow_schema::Schema;
use deltaic_log::Result;
use deltaic_log::feature::ColumnSource;
use deltaic_log::schema::{ColumnPath, StructType};
use url::Url;

use crate::expr::{BoundExpr, EvalContext, Expr};
use crate::plan::ReadSpec;
use crate::projection::project;

/// Columns as text, all where it is `None`; and a condition.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    pub(crate) columns: Option<Vec<String>>,
    pub(crate) predicate: Option<Expr>,
}

impl Selection {
    /// The columns, and the rows for which all of `predicates` are true. They are typed against `schema` once, so that what
    /// is wrong with them is said now.
    pub(crate) fn new(
        columns: Option<Vec<String>>,
        predicates: Vec<Expr>,
        schema: &Schema,
        eval: &EvalContext,
    ) -> Result<Self> {
        let predicate = (!predicates.is_empty()).then(|| Expr::all(predicates));
        if let Some(predicate) = &predicate {
            BoundExpr::bind_predicate(predicate, schema, eval)?;
        }
        Ok(Self { columns, predicate })
    }

    /// How it is read from `sources`, of which `schema` is the schema.
    pub(crate) fn read_spec(&self, root: &Url, schema: &StructType, sources: &[ColumnSource]) -> Result<ReadSpec> {
        let select = |paths: &[ColumnPath]| project(schema, sources, paths);
        let columns = match &self.columns {
            None => sources.to_vec(),
            Some(names) => select(&names.iter().map(|name| ColumnPath::parse(name)).collect::<Result<Vec<_>>>()?)?,
        };
        let mut spec = ReadSpec::new(root.clone(), columns);
        if let Some(predicate) = &self.predicate {
            let named = predicate.columns().into_iter().map(|column| ColumnPath::from(column.top()));
            spec.predicate_columns = select(&named.collect::<Vec<_>>())?;
            spec.predicate = Some(predicate.clone());
        }
        Ok(spec)
    }
}
