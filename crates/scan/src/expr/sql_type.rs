//! The primitive types as SQL names them, and as Arrow holds them.

use arrow_schema::{DataType as ArrowType, IntervalUnit, TimeUnit};
use deltaic_log::schema::{DecimalType, PrimitiveType};
use std::sync::Arc;

/// The time zone that Arrow timestamps of Delta's `timestamp` carry: they are instants.
pub const UTC: &str = "UTC";

/// The SQL name of a primitive type, as `CAST(x AS …)` takes it.
pub(crate) fn sql_name(primitive: PrimitiveType) -> String {
    match primitive {
        PrimitiveType::String => "STRING".into(),
        PrimitiveType::Long => "BIGINT".into(),
        PrimitiveType::Integer => "INT".into(),
        PrimitiveType::Short => "SMALLINT".into(),
        PrimitiveType::Byte => "TINYINT".into(),
        PrimitiveType::Float => "FLOAT".into(),
        PrimitiveType::Double => "DOUBLE".into(),
        PrimitiveType::Decimal(d) => format!("DECIMAL({}, {})", d.precision, d.scale),
        PrimitiveType::Boolean => "BOOLEAN".into(),
        PrimitiveType::Binary => "BINARY".into(),
        PrimitiveType::Date => "DATE".into(),
        PrimitiveType::Timestamp => "TIMESTAMP".into(),
        PrimitiveType::TimestampNtz => "TIMESTAMP_NTZ".into(),
        PrimitiveType::Void => "VOID".into(),
        _ => "UNKNOWN".into(),
    }
}

/// The primitive type of a SQL name without arguments, in any case; aliases included.
pub(crate) fn primitive_named(name: &str) -> Option<PrimitiveType> {
    Some(match name.to_ascii_uppercase().as_str() {
        "STRING" => PrimitiveType::String,
        "BIGINT" | "LONG" => PrimitiveType::Long,
        "INT" | "INTEGER" => PrimitiveType::Integer,
        "SMALLINT" | "SHORT" => PrimitiveType::Short,
        "TINYINT" | "BYTE" => PrimitiveType::Byte,
        "FLOAT" | "REAL" => PrimitiveType::Float,
        "DOUBLE" => PrimitiveType::Double,
        "DECIMAL" | "DEC" | "NUMERIC" => PrimitiveType::Decimal(DecimalType { precision: 10, scale: 0 }),
        "BOOLEAN" => PrimitiveType::Boolean,
        "BINARY" => PrimitiveType::Binary,
        "DATE" => PrimitiveType::Date,
        "TIMESTAMP" | "TIMESTAMP_LTZ" => PrimitiveType::Timestamp,
        "TIMESTAMP_NTZ" => PrimitiveType::TimestampNtz,
        "VOID" => PrimitiveType::Void,
        _ => return None,
    })
}

/// How Arrow holds a primitive type.
///
/// ```
/// use deltaic_log::schema::PrimitiveType;
/// use deltaic_scan::expr::arrow_type;
/// assert_eq!(arrow_type(PrimitiveType::Long), arrow_schema::DataType::Int64);
/// ```
pub fn arrow_type(primitive: PrimitiveType) -> ArrowType {
    match primitive {
        PrimitiveType::String => ArrowType::Utf8,
        PrimitiveType::Long => ArrowType::Int64,
        PrimitiveType::Integer => ArrowType::Int32,
        PrimitiveType::Short => ArrowType::Int16,
        PrimitiveType::Byte => ArrowType::Int8,
        PrimitiveType::Float => ArrowType::Float32,
        PrimitiveType::Double => ArrowType::Float64,
        PrimitiveType::Decimal(d) => ArrowType::Decimal128(d.precision, d.scale.cast_signed()),
        PrimitiveType::Boolean => ArrowType::Boolean,
        PrimitiveType::Binary => ArrowType::Binary,
        PrimitiveType::Date => ArrowType::Date32,
        PrimitiveType::Timestamp => timestamp(),
        PrimitiveType::TimestampNtz => timestamp_ntz(),
        _ => ArrowType::Null,
    }
}

/// The primitive type that an Arrow type holds, if it is one of the forms of [`arrow_type`].
pub fn primitive_type(arrow: &ArrowType) -> Option<PrimitiveType> {
    Some(match arrow {
        ArrowType::Utf8 => PrimitiveType::String,
        ArrowType::Int64 => PrimitiveType::Long,
        ArrowType::Int32 => PrimitiveType::Integer,
        ArrowType::Int16 => PrimitiveType::Short,
        ArrowType::Int8 => PrimitiveType::Byte,
        ArrowType::Float32 => PrimitiveType::Float,
        ArrowType::Float64 => PrimitiveType::Double,
        ArrowType::Decimal128(precision, scale) => {
            PrimitiveType::Decimal(DecimalType { precision: *precision, scale: u8::try_from(*scale).ok()? })
        }
        ArrowType::Boolean => PrimitiveType::Boolean,
        ArrowType::Binary => PrimitiveType::Binary,
        ArrowType::Date32 => PrimitiveType::Date,
        ArrowType::Timestamp(TimeUnit::Microsecond, Some(_)) => PrimitiveType::Timestamp,
        ArrowType::Timestamp(TimeUnit::Microsecond, None) => PrimitiveType::TimestampNtz,
        ArrowType::Null => PrimitiveType::Void,
        _ => return None,
    })
}

/// Arrow's form of `timestamp`.
pub(crate) fn timestamp() -> ArrowType {
    ArrowType::Timestamp(TimeUnit::Microsecond, Some(Arc::from(UTC)))
}

/// Arrow's form of `timestamp_ntz`.
pub(crate) fn timestamp_ntz() -> ArrowType {
    ArrowType::Timestamp(TimeUnit::Microsecond, None)
}

/// An Arrow type as messages show it: the SQL name where there is one.
pub(crate) fn describe(arrow: &ArrowType) -> String {
    match (primitive_type(arrow), arrow) {
        (Some(primitive), _) => sql_name(primitive),
        (None, ArrowType::Interval(IntervalUnit::YearMonth)) => "INTERVAL YEAR TO MONTH".into(),
        (None, ArrowType::Duration(_)) => "INTERVAL DAY TO SECOND".into(),
        (None, ArrowType::List(item)) => format!("ARRAY<{}>", describe(item.data_type())),
        (None, ArrowType::Map(entries, _)) => match entries.data_type() {
            ArrowType::Struct(kv) if kv.len() == 2 => {
                format!("MAP<{}, {}>", describe(kv[0].data_type()), describe(kv[1].data_type()))
            }
            other => other.to_string(),
        },
        (None, ArrowType::Struct(fields)) => {
            let inner: Vec<_> = fields.iter().map(|f| format!("{}: {}", f.name(), describe(f.data_type()))).collect();
            format!("STRUCT<{}>", inner.join(", "))
        }
        (None, other) => other.to_string(),
    }
}

/// A decimal type, if its shape is legal.
pub(crate) fn decimal_type(precision: u64, scale: u64) -> Option<PrimitiveType> {
    let (precision, scale) = (u8::try_from(precision).ok()?, u8::try_from(scale).ok()?);
    (1..=38).contains(&precision).then_some(())?;
    (scale <= precision).then_some(PrimitiveType::Decimal(DecimalType { precision, scale }))
}
