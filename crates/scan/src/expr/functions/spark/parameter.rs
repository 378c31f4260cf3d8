//! What a parameter takes: the types that convert to it without a cast being written, by Spark's ANSI rules.

use super::super::ArgType;
use crate::expr::bind::coerce::{is_integral, is_numeric, widest};
use crate::expr::sql_type::{timestamp, timestamp_ntz};
use arrow_schema::DataType;

/// The kind of value that a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Param {
    Boolean,
    Int,
    Long,
    Double,
    /// Any number, as it is; a string as double.
    Number,
    /// An integer of any width, as it is; nothing else.
    Integral,
    /// A decimal as it is; nothing else.
    Decimal,
    /// Any number as decimal.
    AsDecimal,
    /// Any number, cut to a bigint.
    WholeSeconds,
    Text,
    /// A string as it is; nothing else.
    ExactText,
    /// Binary; a string as its bytes.
    Binary,
    /// Binary as it is; nothing else.
    Bytes,
    Date,
    /// A moment: dates and wall clocks are read in the session's zone.
    Instant,
    /// As [`Instant`](Self::Instant), but no string.
    Moment,
    /// A wall clock: moments are shown in the session's zone.
    WallClock,
    Array,
    Map,
    /// The type that all arguments for such parameters convert to.
    Common,
    /// As [`Common`](Self::Common), of arrays.
    CommonArray,
    /// Anything, as it is.
    Any,
}

impl Param {
    /// The type that an argument is cast to, if the parameter takes it.
    pub(super) fn accept(self, given: &DataType, common: Option<&DataType>) -> Option<DataType> {
        use DataType as T;
        let text = matches!(given, T::Utf8 | T::Null);
        let number = is_numeric(given);
        let moment = matches!(given, T::Date32 | T::Timestamp(..));
        match self {
            Self::Boolean => (text || *given == T::Boolean).then_some(T::Boolean),
            Self::Int => (text || matches!(given, T::Int8 | T::Int16 | T::Int32)).then_some(T::Int32),
            Self::Long => (text || is_integral(given)).then_some(T::Int64),
            Self::WholeSeconds => (text || number).then_some(T::Int64),
            Self::Double => (text || number).then_some(T::Float64),
            Self::Number if text => Some(T::Float64),
            Self::Number => number.then(|| given.clone()),
            Self::Integral => is_integral(given).then(|| given.clone()),
            Self::Decimal => matches!(given, T::Decimal128(..)).then(|| given.clone()),
            Self::AsDecimal => as_decimal(given),
            Self::Text => (text || number || moment || matches!(given, T::Boolean | T::Binary)).then_some(T::Utf8),
            Self::ExactText => (*given == T::Utf8).then_some(T::Utf8),
            Self::Binary => (text || *given == T::Binary).then_some(T::Binary),
            Self::Bytes => (*given == T::Binary).then_some(T::Binary),
            Self::Date => (text || moment).then_some(T::Date32),
            Self::Instant => (text || moment).then(timestamp),
            Self::Moment => moment.then(timestamp),
            Self::WallClock => (text || moment).then(timestamp_ntz),
            Self::Array => matches!(given, T::List(_)).then(|| given.clone()),
            Self::Map => matches!(given, T::Map(..)).then(|| given.clone()),
            Self::Common => common.cloned(),
            Self::CommonArray => common.filter(|common| matches!(common, T::List(_))).cloned(),
            Self::Any => Some(given.clone()),
        }
    }

    /// The kind as messages name it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Int => "int",
            Self::Long | Self::WholeSeconds => "bigint",
            Self::Double => "double",
            Self::Number => "number",
            Self::Integral => "integer",
            Self::Decimal | Self::AsDecimal => "decimal",
            Self::Text | Self::ExactText => "string",
            Self::Binary | Self::Bytes => "binary",
            Self::Date => "date",
            Self::Instant | Self::Moment => "timestamp",
            Self::WallClock => "timestamp_ntz",
            Self::Array | Self::CommonArray => "array",
            Self::Map => "map",
            Self::Common => "value of one type",
            Self::Any => "value",
        }
    }
}

/// The decimal that every value of a number type fits; of doubles, 30 digits with 15 after the point.
fn as_decimal(given: &DataType) -> Option<DataType> {
    Some(match given {
        DataType::Decimal128(..) => given.clone(),
        DataType::Int8 => DataType::Decimal128(3, 0),
        DataType::Int16 => DataType::Decimal128(5, 0),
        DataType::Int32 => DataType::Decimal128(10, 0),
        DataType::Int64 => DataType::Decimal128(20, 0),
        DataType::Float32 => DataType::Decimal128(14, 7),
        DataType::Float64 => DataType::Decimal128(30, 15),
        _ => return None,
    })
}

/// The type that all arguments convert to. A string beside other types has none here: functions, unlike operators, do not read it as a number.
pub(super) fn common_type<'a>(args: impl Iterator<Item = &'a ArgType<'a>>) -> Option<DataType> {
    let types: Vec<_> = args.map(|arg| arg.data_type).collect();
    let has = |wanted: &dyn Fn(&DataType) -> bool| types.iter().any(|t| wanted(t));
    let mixed = has(&|t| *t == DataType::Utf8) && has(&|t| !matches!(t, DataType::Utf8 | DataType::Null));
    if mixed { None } else { widest(types) }
}
