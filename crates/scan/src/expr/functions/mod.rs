//! Scalar functions: the contract that each one fulfils, and the registry that finds them by name.
//!
//! The conditional forms (`coalesce`, `if`, `nullif`, `nvl`, `nvl2`, `ifnull`, `CASE`) are no functions: they leave arguments unevaluated,
//! so binding knows them itself.
//!
#![doc = include_str!("README.md")]

#[cfg(feature = "functions")]
mod spark;

use super::context::EvalContext;
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use deltaic_log::Result;
use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Arc, LazyLock};

/// A function from the values of one row to a value.
///
/// Binding calls [`resolve`](Self::resolve) once with the types of the arguments and casts the arguments to the types that it asks for;
/// evaluation then calls [`evaluate`](Self::evaluate) once a batch.
///
/// ```
/// use arrow_schema::DataType;
/// use arrow_array::{ArrayRef, Int64Array, cast::AsArray, types::Int64Type};
/// use deltaic_log::{Error, ErrorKind, Result};
/// use deltaic_scan::expr::*;
/// use std::sync::Arc;
///
/// #[derive(Debug)]
/// struct Twice;
///
/// impl ScalarFunction for Twice {
///     fn name(&self) -> &str {
///         "twice"
///     }
///
///     fn resolve(&self, args: &[ArgType<'_>], _: &EvalContext) -> Result<Signature> {
///         let [arg] = args else { return Err(Error::new(ErrorKind::InvalidExpression, "twice takes one argument")) };
///         Ok(Signature { arg_types: vec![DataType::Int64], return_type: DataType::Int64, nullable: arg.nullable })
///     }
///
///     fn evaluate(&self, args: &[ColumnarArg], call: &Invocation<'_>) -> Result<ColumnarArg> {
///         let numbers = args[0].to_array(call.rows)?;
///         let twice: Int64Array = numbers.as_primitive::<Int64Type>().unary(|n| n.wrapping_mul(2));
///         Ok(ColumnarArg::Array(Arc::new(twice)))
///     }
/// }
///
/// let mut registry = FunctionRegistry::builtin();
/// registry.register(Arc::new(Twice));
/// assert!(registry.get("TWICE").is_some());
/// ```
pub trait ScalarFunction: Debug + Send + Sync {
    /// The name in SQL; any case finds it.
    fn name(&self) -> &str;

    /// Further names.
    fn aliases(&self) -> &[&str] {
        &[]
    }

    /// When two calls with the same arguments give the same result.
    fn volatility(&self) -> Volatility {
        Volatility::Immutable
    }

    /// The types that the arguments are cast to and the type of the result, for arguments of these types.
    ///
    /// Errors are [`ErrorKind::InvalidExpression`](deltaic_log::ErrorKind::InvalidExpression) and say what the function takes; binding adds the call's text.
    fn resolve(&self, args: &[ArgType<'_>], context: &EvalContext) -> Result<Signature>;

    /// The results for the rows of a batch: an array of `call.rows` values, or a constant, of type `call.return_type`.
    ///
    /// Errors are [`ErrorKind::Evaluation`](deltaic_log::ErrorKind::Evaluation) and name the value at fault; evaluation adds the call's text.
    fn evaluate(&self, args: &[ColumnarArg], call: &Invocation<'_>) -> Result<ColumnarArg>;
}

/// When two calls of a function with the same arguments give the same result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Volatility {
    /// Always: the call on constants is a constant, and pruning may compute with it.
    Immutable,
    /// Within one [`EvalContext`]: it depends on the clock or the session's time zone.
    Stable,
    /// Never.
    Volatile,
}

/// What binding knows of an argument.
#[derive(Clone, Copy, Debug)]
pub struct ArgType<'a> {
    /// Its type before any cast; `Null` for the literal `NULL`.
    pub data_type: &'a DataType,
    /// Whether it may be null.
    pub nullable: bool,
    /// Its value, an array of one row, if it is the same on every row.
    pub constant: Option<&'a ArrayRef>,
}

/// The types of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Signature {
    /// What each argument is cast to, implicitly and by the rules of `CAST`: as many as there are arguments.
    pub arg_types: Vec<DataType>,
    /// The type of the result.
    pub return_type: DataType,
    /// Whether the result may be null.
    pub nullable: bool,
}

/// The circumstances of one evaluation.
#[derive(Clone, Copy, Debug)]
pub struct Invocation<'a> {
    /// How many rows the batch has.
    pub rows: usize,
    /// What [`ScalarFunction::resolve`] promised.
    pub return_type: &'a DataType,
    /// Clock and time zone.
    pub context: &'a EvalContext,
}

/// The values of an argument, or of a result, over the rows of a batch.
#[derive(Clone, Debug)]
pub enum ColumnarArg {
    /// A value for each row.
    Array(ArrayRef),
    /// One value for all rows: an array of one row.
    Constant(ArrayRef),
}

impl ColumnarArg {
    /// The type of the values.
    pub fn data_type(&self) -> &DataType {
        self.values().data_type()
    }

    /// The values as they are held: one for each row, or the one for all.
    pub fn values(&self) -> &ArrayRef {
        match self {
            Self::Array(values) | Self::Constant(values) => values,
        }
    }

    /// A value for each of `rows` rows.
    pub fn to_array(&self, rows: usize) -> Result<ArrayRef> {
        match self {
            Self::Array(values) => Ok(values.clone()),
            Self::Constant(value) if rows == 1 => Ok(value.clone()),
            Self::Constant(value) if value.is_null(0) || value.data_type().is_null() => {
                Ok(arrow_array::new_null_array(value.data_type(), rows))
            }
            Self::Constant(value) => {
                let zeros = arrow_array::UInt32Array::from(vec![0; rows]);
                Ok(arrow_select::take::take(value, &zeros, None)?)
            }
        }
    }
}

/// Functions by name, in any case. Open to embedding engines: [`register`](Self::register) adds and replaces.
#[derive(Clone, Debug, Default)]
pub struct FunctionRegistry {
    by_name: HashMap<String, Arc<dyn ScalarFunction>>,
}

impl FunctionRegistry {
    /// A registry without functions.
    pub fn empty() -> Self {
        Self::default()
    }

    /// The functions that come with this crate: all of Spark's that the feature `functions` brings, none without it.
    pub fn builtin() -> Self {
        static BUILTIN: LazyLock<FunctionRegistry> = LazyLock::new(|| {
            let mut registry = FunctionRegistry::empty();
            builtin_functions().into_iter().for_each(|function| registry.register(function));
            registry
        });
        BUILTIN.clone()
    }

    /// Adds a function under its name and aliases; it replaces those of the same names.
    pub fn register(&mut self, function: Arc<dyn ScalarFunction>) {
        for alias in function.aliases() {
            self.by_name.insert(alias.to_lowercase(), function.clone());
        }
        self.by_name.insert(function.name().to_lowercase(), function);
    }

    /// The function of a name, in any case.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn ScalarFunction>> {
        self.by_name.get(&name.to_lowercase())
    }

    /// Every name, in alphabetical order.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.by_name.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }
}

/// Everything that [`FunctionRegistry::builtin`] holds.
#[cfg(feature = "functions")]
fn builtin_functions() -> Vec<Arc<dyn ScalarFunction>> {
    spark::functions()
}

/// Everything that [`FunctionRegistry::builtin`] holds.
#[cfg(not(feature = "functions"))]
fn builtin_functions() -> Vec<Arc<dyn ScalarFunction>> {
    Vec::new()
}

#[cfg(all(test, feature = "functions"))]
mod tests {
    use super::*;

    #[test]
    fn every_function_is_in_the_manual() {
        let manual = include_str!("README.md");
        let registry = FunctionRegistry::builtin();
        let missing: Vec<_> =
            registry.names().into_iter().filter(|name| !manual.contains(&format!("`{name}`"))).collect();
        assert!(missing.is_empty(), "README.md lacks {missing:?}");
    }
}
