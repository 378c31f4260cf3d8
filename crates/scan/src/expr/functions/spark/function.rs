//! A function as data: its name, the ways to call it, and what computes it.

use super::super::{ArgType, ColumnarArg, Invocation, ScalarFunction, Signature, Volatility};
use super::call::Call;
use super::library;
use super::parameter::{Param, common_type};
use crate::expr::context::EvalContext;
use crate::expr::sql_type::{describe, timestamp, timestamp_ntz};
use arrow_array::{Array, ArrayRef, StringArray};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::DataType;
use datafusion_expr::ScalarUDF;
use deltaic_log::{Error, ErrorKind, Result};
use std::sync::Arc;

/// A named function with its forms: the first one whose parameters take the arguments is meant.
#[derive(Debug)]
pub(super) struct Function {
    name: &'static str,
    aliases: &'static [&'static str],
    volatility: Volatility,
    forms: Vec<Form>,
}

/// One way to call a function.
#[derive(Debug)]
pub(super) struct Form {
    params: &'static [Param],
    optional: usize,
    repeated: bool,
    returns: Returns,
    body: Body,
}

/// The type of a result.
#[derive(Clone, Copy, Debug)]
pub(super) enum Returns {
    Boolean,
    Int,
    Long,
    Double,
    Text,
    Binary,
    Date,
    Instant,
    WallClock,
    /// The type of an argument, after its cast.
    Argument(usize),
    /// What the rule makes of the arguments, given before and after their casts.
    By(fn(&[ArgType<'_>], &[DataType]) -> Result<DataType>),
}

/// What computes a form.
#[derive(Debug)]
enum Body {
    Own(fn(&Call<'_>) -> Result<ArrayRef>),
    Library { udf: Arc<ScalarUDF>, extra: Option<&'static str> },
}

/// A function of one form.
pub(super) fn function(name: &'static str, aliases: &'static [&'static str], form: Form) -> Function {
    overloaded(name, aliases, vec![form])
}

/// A function of several forms.
pub(super) fn overloaded(name: &'static str, aliases: &'static [&'static str], forms: Vec<Form>) -> Function {
    Function { name, aliases, volatility: Volatility::Immutable, forms }
}

/// A form that this crate computes.
pub(super) fn own(params: &'static [Param], returns: Returns, body: fn(&Call<'_>) -> Result<ArrayRef>) -> Form {
    Form { params, optional: 0, repeated: false, returns, body: Body::Own(body) }
}

/// A form that a function of DataFusion's libraries computes.
pub(super) fn library(params: &'static [Param], returns: Returns, udf: Arc<ScalarUDF>) -> Form {
    Form { params, optional: 0, repeated: false, returns, body: Body::Library { udf, extra: None } }
}

impl Function {
    /// The same, but it depends on the clock or the session's time zone.
    pub(super) fn stable(self) -> Self {
        Self { volatility: Volatility::Stable, ..self }
    }

    fn form_for(&self, args: &[ArgType<'_>]) -> Option<(&Form, Vec<DataType>)> {
        self.forms.iter().find_map(|form| Some((form, form.accept(args)?)))
    }

    fn misfit(&self, args: &[ArgType<'_>]) -> Error {
        let types: Vec<_> = args.iter().map(|arg| describe(arg.data_type)).collect();
        let usages: Vec<_> = self.forms.iter().map(|form| form.usage(self.name)).collect();
        let message =
            format!("{}({}) fits no form of the function: call {}", self.name, types.join(", "), usages.join(" or "));
        Error::new(ErrorKind::InvalidExpression, message)
    }
}

impl Form {
    /// The last `count` parameters may be left out.
    pub(super) fn optional(self, count: usize) -> Self {
        Self { optional: count, ..self }
    }

    /// The last parameter may be given any number of times, or never.
    pub(super) fn repeated(self) -> Self {
        Self { repeated: true, ..self }
    }

    /// The library's function gets one more argument, always this one.
    pub(super) fn with(mut self, argument: &'static str) -> Self {
        if let Body::Library { extra, .. } = &mut self.body {
            *extra = Some(argument);
        }
        self
    }

    /// What the arguments are cast to, if the form takes them.
    fn accept(&self, args: &[ArgType<'_>]) -> Option<Vec<DataType>> {
        let most = if self.repeated { usize::MAX } else { self.params.len() };
        let least = self.params.len() - self.optional - usize::from(self.repeated);
        if !(least..=most).contains(&args.len()) {
            return None;
        }
        let param = |index: usize| self.params.get(index).or(self.params.last());
        let shares = |index: &usize| matches!(param(*index), Some(Param::Common | Param::CommonArray));
        let common = common_type(args.iter().enumerate().filter(|(index, _)| shares(index)).map(|(_, arg)| arg));
        args.iter().enumerate().map(|(index, arg)| param(index)?.accept(arg.data_type, common.as_ref())).collect()
    }

    fn return_type(&self, args: &[ArgType<'_>], arg_types: &[DataType]) -> Result<DataType> {
        Ok(match self.returns {
            Returns::Boolean => DataType::Boolean,
            Returns::Int => DataType::Int32,
            Returns::Long => DataType::Int64,
            Returns::Double => DataType::Float64,
            Returns::Text => DataType::Utf8,
            Returns::Binary => DataType::Binary,
            Returns::Date => DataType::Date32,
            Returns::Instant => timestamp(),
            Returns::WallClock => timestamp_ntz(),
            Returns::Argument(index) => arg_types.get(index).cloned().unwrap_or(DataType::Null),
            Returns::By(rule) => rule(args, arg_types)?,
        })
    }

    fn usage(&self, name: &str) -> String {
        let required = self.params.len() - self.optional;
        let shown = self.params.iter().enumerate().map(|(index, param)| match param.name() {
            name if index >= required => format!("[{name}]"),
            name if self.repeated && index + 1 == self.params.len() => format!("{name}, …"),
            name => name.to_owned(),
        });
        format!("{name}({})", shown.collect::<Vec<_>>().join(", "))
    }

    fn evaluate(&self, args: &[ColumnarArg], call: &Invocation<'_>) -> Result<ColumnarArg> {
        let constant = args.iter().all(|arg| matches!(arg, ColumnarArg::Constant(_)));
        match &self.body {
            Body::Library { udf, extra } => {
                let extra = extra.map(|text| ColumnarArg::Constant(Arc::new(StringArray::from(vec![text]))));
                let args: Vec<_> = args.iter().cloned().chain(extra).collect();
                library::invoke(udf, &args, if constant { 1 } else { call.rows })
            }
            Body::Own(body) => {
                let rows = if constant { 1 } else { call.rows };
                let args = args.iter().map(|arg| arg.to_array(rows)).collect::<Result<Vec<_>>>()?;
                let values = body(&Call { args: &args, rows, return_type: call.return_type, context: call.context })?;
                Ok(if constant { ColumnarArg::Constant(values) } else { ColumnarArg::Array(values) })
            }
        }
    }
}

impl ScalarFunction for Function {
    fn name(&self) -> &str {
        self.name
    }

    fn aliases(&self) -> &[&str] {
        self.aliases
    }

    fn volatility(&self) -> Volatility {
        self.volatility
    }

    fn resolve(&self, args: &[ArgType<'_>], _: &EvalContext) -> Result<Signature> {
        let (form, arg_types) = self.form_for(args).ok_or_else(|| self.misfit(args))?;
        if let Body::Library { udf, extra } = &form.body {
            let given = arg_types.iter().cloned().chain(extra.map(|_| DataType::Utf8));
            library::check(udf, &given.collect::<Vec<_>>())?;
        }
        let return_type = form.return_type(args, &arg_types)?;
        Ok(Signature { arg_types, return_type, nullable: true })
    }

    fn evaluate(&self, args: &[ColumnarArg], call: &Invocation<'_>) -> Result<ColumnarArg> {
        let types: Vec<_> =
            args.iter().map(|arg| ArgType { data_type: arg.data_type(), nullable: true, constant: None }).collect();
        let (form, _) = self.form_for(&types).ok_or_else(|| self.misfit(&types))?;
        match form.evaluate(args, call)? {
            ColumnarArg::Array(values) => Ok(ColumnarArg::Array(conformed(values, call.return_type)?)),
            ColumnarArg::Constant(value) => Ok(ColumnarArg::Constant(conformed(value, call.return_type)?)),
        }
    }
}

/// The values in the form that this project gives their type: `Utf8` for every string, microseconds for every timestamp.
fn conformed(values: ArrayRef, wanted: &DataType) -> Result<ArrayRef> {
    if values.data_type() == wanted {
        return Ok(values);
    }
    let strict = CastOptions { safe: false, ..Default::default() };
    cast_with_options(&values, wanted, &strict)
        .map_err(|error| Error::new(ErrorKind::Evaluation, format!("the result does not fit its type: {error}")))
}
