//! Functions of DataFusion's libraries, called on columns of this project.
//!
//! They run in ANSI mode. Their errors become ours, and so would a panic: a row of a table cannot end the process.

use super::super::ColumnarArg;
use arrow_schema::{DataType, Field, FieldRef};
use datafusion_common::config::ConfigOptions;
use datafusion_common::{DataFusionError, ScalarValue};
use datafusion_expr::type_coercion::functions::fields_with_udf;
use datafusion_expr::{ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF};
use deltaic_log::{Error, ErrorKind, Result};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};

/// That the function takes arguments of these types: [`ErrorKind::InvalidExpression`] otherwise.
pub(super) fn check(udf: &ScalarUDF, types: &[DataType]) -> Result<()> {
    let invalid = |error| failure(ErrorKind::InvalidExpression, udf, &error);
    coerced(udf, types.iter()).map(drop).map_err(invalid)
}

/// The results of the function over `rows` rows.
pub(super) fn invoke(udf: &ScalarUDF, args: &[ColumnarArg], rows: usize) -> Result<ColumnarArg> {
    let guarded = catch_unwind(AssertUnwindSafe(|| try_invoke(udf, args, rows)));
    let result = guarded.unwrap_or_else(|_| Err(DataFusionError::Execution("the library panicked".into())));
    match result.map_err(|error| failure(ErrorKind::Evaluation, udf, &error))? {
        ColumnarValue::Array(values) => {
            Ok(if rows == 1 && all_constant(args) { ColumnarArg::Constant(values) } else { ColumnarArg::Array(values) })
        }
        ColumnarValue::Scalar(value) => {
            let value = value.to_array_of_size(1).map_err(|error| failure(ErrorKind::Evaluation, udf, &error))?;
            Ok(ColumnarArg::Constant(value))
        }
    }
}

fn all_constant(args: &[ColumnarArg]) -> bool {
    args.iter().all(|arg| matches!(arg, ColumnarArg::Constant(_)))
}

fn try_invoke(udf: &ScalarUDF, args: &[ColumnarArg], rows: usize) -> Result<ColumnarValue, DataFusionError> {
    let arg_fields = coerced(udf, args.iter().map(ColumnarArg::data_type))?;
    let args = args.iter().zip(&arg_fields).map(columnar_value).collect::<Result<Vec<_>, _>>()?;
    let scalars: Vec<_> = args
        .iter()
        .map(|arg| match arg {
            ColumnarValue::Scalar(value) => Some(value),
            ColumnarValue::Array(_) => None,
        })
        .collect();
    let promise = ReturnFieldArgs { arg_fields: &arg_fields, scalar_arguments: &scalars };
    let return_field = udf.return_field_from_args(promise)?;
    let config_options = Arc::clone(&CONFIG);
    udf.inner().invoke_with_args(ScalarFunctionArgs {
        args,
        arg_fields,
        number_rows: rows,
        return_field,
        config_options,
    })
}

/// An argument as the library's type.
fn columnar_value((arg, field): (&ColumnarArg, &FieldRef)) -> Result<ColumnarValue, DataFusionError> {
    let value = match arg {
        ColumnarArg::Array(values) => ColumnarValue::Array(values.clone()),
        ColumnarArg::Constant(value) => ColumnarValue::Scalar(ScalarValue::try_from_array(value, 0)?),
    };
    value.cast_to(field.data_type(), None)
}

/// What the function wants its arguments cast to.
fn coerced<'a>(udf: &ScalarUDF, types: impl Iterator<Item = &'a DataType>) -> Result<Vec<FieldRef>, DataFusionError> {
    let fields: Vec<_> = types.map(|t| Arc::new(Field::new("argument", t.clone(), true))).collect();
    fields_with_udf(&fields, udf)
}

static CONFIG: LazyLock<Arc<ConfigOptions>> = LazyLock::new(|| {
    let mut options = ConfigOptions::default();
    options.execution.enable_ansi_mode = true;
    Arc::new(options)
});

fn failure(kind: ErrorKind, udf: &ScalarUDF, error: &DataFusionError) -> Error {
    Error::new(kind, format!("{}: {}", udf.name(), error.strip_backtrace()))
}
