use super::bound::{self, BoundsBuilder, Reading, TokenText};
use super::scan::scan;
use super::shape;
use super::wanted::{Found, Section, Wanted};
use crate::Result;
use crate::scalar_text;
use crate::schema::{ColumnPath, StructType};
use arrow_array::builder::{BooleanBuilder, Int64Builder};
use arrow_array::{ArrayRef, BooleanArray, Int64Array};

/// Takes the bounds of some columns out of the statistics of many files.
///
/// What a text does not say, or does not say clearly, is null: unknown. A text that is no JSON makes all of its file's
/// values unknown; at parts that nobody asked for, no more is looked than it takes to find their end.
///
/// ```
/// use deltaic_log::schema::{ColumnPath, PrimitiveType, StructField, StructType};
/// use deltaic_log::statistics::StatsExtractor;
/// let schema = StructType::new([StructField::nullable("a", PrimitiveType::Long)]);
/// let mut extractor = StatsExtractor::new(&schema, &[ColumnPath::from("a")])?;
/// extractor.push(Some(br#"{"numRecords":3,"minValues":{"a":1},"maxValues":{"a":9},"nullCount":{"a":0}}"#));
/// extractor.push(None);
/// let bounds = extractor.finish();
/// assert_eq!(bounds.num_records, vec![Some(3), None].into());
/// # Ok::<(), deltaic_log::Error>(())
/// ```
pub struct StatsExtractor {
    wanted: Wanted,
    found: Found,
    values: String,
    columns: Vec<ColumnBuilder>,
    num_records: Int64Builder,
    tight: BooleanBuilder,
    reading: Reading,
}

struct ColumnBuilder {
    path: ColumnPath,
    /// The column's number in `wanted`: the same for a column that was asked for twice.
    number: usize,
    bounds: Box<dyn BoundsBuilder>,
    null_count: Int64Builder,
}

/// The statistics of many files, one row for each text pushed.
#[derive(Clone, Debug)]
pub struct BoundsBatch {
    /// How many rows each data file holds, deleted ones included.
    pub num_records: Int64Array,
    /// Whether each file's bounds are values that stand in it, and not merely outside of all of them. Never null.
    pub tight: BooleanArray,
    /// The columns, in the order in which they were asked for.
    pub columns: Vec<ColumnBounds>,
}

/// One column's statistics.
///
/// A bound holds for every row that is not null. Floating-point bounds say nothing of NaN, which some writers leave out
/// of them; and -0.0 and 0.0 may stand for one another.
#[derive(Clone, Debug)]
pub struct ColumnBounds {
    /// The column's physical path.
    pub path: ColumnPath,
    /// No value is less; of the column's own Arrow type.
    pub min: ArrayRef,
    /// No value is greater; of the column's own Arrow type.
    pub max: ArrayRef,
    /// How many rows are null. Where bounds are wide, only 0 and the number of records say anything; all else is null.
    pub null_count: Int64Array,
}

impl StatsExtractor {
    /// An extractor for these columns, by their physical paths through structs. A path that is not in the schema is
    /// [`ErrorKind::UnknownColumn`](crate::ErrorKind::UnknownColumn).
    pub fn new(physical_schema: &StructType, columns: &[ColumnPath]) -> Result<Self> {
        Self::reading(physical_schema, columns, Reading::Safe)
    }

    /// As [`Self::new`], for this use of what is read.
    pub(crate) fn reading(physical_schema: &StructType, columns: &[ColumnPath], reading: Reading) -> Result<Self> {
        let mut wanted = Wanted::new();
        let builder = |path: &ColumnPath| {
            let column = physical_schema.resolve(path)?;
            let (number, bounds) = (wanted.insert(&column.path), bound::builder(column.field, reading));
            Ok(ColumnBuilder { path: column.path, number, bounds, null_count: Int64Builder::new() })
        };
        let columns = columns.iter().map(builder).collect::<Result<_>>()?;
        Ok(Self {
            found: Found::new(&wanted),
            wanted,
            values: String::new(),
            columns,
            num_records: Int64Builder::new(),
            tight: BooleanBuilder::new(),
            reading,
        })
    }

    /// Appends one file's statistics, as JSON text.
    pub fn push(&mut self, json: Option<&[u8]>) {
        self.push_text(json.and_then(|json| simdutf8::basic::from_utf8(json).ok()));
    }

    /// Appends one file's statistics as they stand in a commit: a JSON string literal, quotes and all.
    pub fn push_literal(&mut self, literal: Option<&[u8]>) {
        let Some(literal) = literal.and_then(|literal| simdutf8::basic::from_utf8(literal).ok()) else {
            return self.push_nothing();
        };
        self.found.clear();
        let between_quotes = literal.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        match between_quotes.filter(|text| scan::<true>(text.as_bytes(), &self.wanted, &mut self.found).is_some()) {
            Some(text) => self.append(text.as_bytes()),
            None => match serde_json::from_str::<String>(literal) {
                Ok(json) => self.push_text(Some(&json)),
                Err(_) => self.push_nothing(),
            },
        }
    }

    /// What was pushed since the last call.
    pub fn finish(&mut self) -> BoundsBatch {
        let columns = self.columns.iter_mut().map(|column| {
            let [min, max] = column.bounds.finish();
            ColumnBounds { path: column.path.clone(), min, max, null_count: column.null_count.finish() }
        });
        let columns = columns.collect();
        BoundsBatch { num_records: self.num_records.finish(), tight: self.tight.finish(), columns }
    }

    /// Appends one file's statistics, as JSON text.
    pub(crate) fn push_text(&mut self, json: Option<&str>) {
        let Some(json) = json else { return self.push_nothing() };
        self.found.clear();
        if scan::<false>(json.as_bytes(), &self.wanted, &mut self.found).is_some() {
            return self.append(json.as_bytes());
        }
        self.found.clear();
        let mut values = std::mem::take(&mut self.values);
        match shape::read(json, &self.wanted, &mut self.found, &mut values) {
            Some(()) => self.append(values.as_bytes()),
            None => self.push_nothing(),
        }
        self.values = values;
    }

    fn push_nothing(&mut self) {
        self.found.clear();
        self.append(&[]);
    }

    /// Appends what was found, as ranges of `text`.
    fn append(&mut self, text: &[u8]) {
        let found = &self.found;
        let count = |token: Option<&_>| {
            let text = TokenText::new(token?, text)?;
            scalar_text::integer(text.bare()?).filter(|count| *count >= 0)
        };
        let num_records = count(found.num_records.as_ref());
        let stated = found.tight_bounds.as_ref().and_then(|token| TokenText::new(token, text));
        let tight = stated.is_none_or(|token| matches!(token.bare(), Some(b"true" | b"null")));
        self.num_records.append_option(num_records);
        match self.reading {
            Reading::Safe => self.tight.append_value(tight),
            Reading::AsWritten => {
                let stated = stated.filter(|token| token.bare() != Some(b"null"));
                self.tight.append_option(stated.map(|_| tight));
            }
        }
        let as_written = self.reading == Reading::AsWritten;
        for column in &mut self.columns {
            let token = |section| TokenText::new(found.token(section, column.number)?, text);
            column.bounds.push([token(Section::Min), token(Section::Max)]);
            let null_count = count(found.token(Section::NullCount, column.number));
            let informative = |count: &i64| as_written || tight || *count == 0 || Some(*count) == num_records;
            column.null_count.append_option(null_count.filter(informative));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{PrimitiveType, StructField};
    use arrow_array::cast::AsArray;
    use arrow_array::types::{Float64Type, Int64Type};
    use arrow_array::{Array, Scalar};
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::{Map, Value, json};

    fn schema() -> StructType {
        use PrimitiveType::{Double, Long, String};
        let inner = StructType::new([StructField::nullable("b", String), StructField::nullable("c", Long)]);
        StructType::new([
            StructField::nullable("a", Long),
            StructField::nullable("s", inner),
            StructField::nullable("q\"uote", Long),
            StructField::nullable("d é", Double),
        ])
    }

    fn paths() -> Vec<ColumnPath> {
        schema().leaves().into_iter().map(|(path, _)| path).collect()
    }

    fn extractor() -> StatsExtractor {
        StatsExtractor::new(&schema(), &paths()).unwrap()
    }

    /// Everything that a text says, in a form that can be compared; the same from the plain and the escaped text.
    fn extract(text: &str) -> Vec<Value> {
        let (mut plain, mut literal) = (extractor(), extractor());
        plain.push(Some(text.as_bytes()));
        literal.push_literal(Some(serde_json::to_string(text).unwrap().as_bytes()));
        let (plain, literal) = (values(&plain.finish()), values(&literal.finish()));
        assert_eq!(plain, literal, "escaped or not, {text} says the same");
        plain
    }

    fn values(batch: &BoundsBatch) -> Vec<Value> {
        let mut values = vec![cell(&batch.num_records), json!(batch.tight.value(0))];
        for column in &batch.columns {
            values.extend([cell(column.min.as_ref()), cell(column.max.as_ref()), cell(&column.null_count)]);
        }
        values
    }

    fn cell(array: &dyn Array) -> Value {
        if array.is_null(0) {
            return Value::Null;
        }
        match array.data_type() {
            arrow_schema::DataType::Int64 => json!(array.as_primitive::<Int64Type>().value(0)),
            arrow_schema::DataType::Float64 => json!(array.as_primitive::<Float64Type>().value(0)),
            _ => json!(array.as_string::<i32>().value(0)),
        }
    }

    /// What `serde_json::Value` finds in the text, by way of nothing that the extractor uses.
    fn oracle(text: &str) -> Vec<Value> {
        let json: Value = serde_json::from_str(text).unwrap_or_default();
        let count = |value: Option<&Value>| value.and_then(Value::as_i64).filter(|n| *n >= 0);
        let num_records = count(json.get("numRecords"));
        let tight = json.get("tightBounds").is_none_or(|tight| *tight == json!(true) || tight.is_null());
        let mut values = vec![json!(num_records), json!(tight)];
        for (path, field) in schema().leaves() {
            let find = |section| path.names().iter().try_fold(json.get(section)?, |value, name| value.get(name));
            for section in ["minValues", "maxValues"] {
                values.push(
                    find(section).filter(|value| is_bound(value, field)).cloned().map_or(Value::Null, as_column(field)),
                );
            }
            let null_count = count(find("nullCount"));
            values.push(json!(null_count.filter(|count| tight || *count == 0 || Some(*count) == num_records)));
        }
        values
    }

    fn is_bound(value: &Value, field: &StructField) -> bool {
        match field.data_type.as_primitive() {
            Some(PrimitiveType::Long) => value.is_i64(),
            Some(PrimitiveType::Double) => as_double(value).is_some_and(|value| !value.is_nan()),
            _ => value.is_string(),
        }
    }

    fn as_column(field: &StructField) -> impl Fn(Value) -> Value {
        let double = field.data_type.as_primitive() == Some(PrimitiveType::Double);
        move |value| if double { json!(as_double(&value)) } else { value }
    }

    /// A number, or what stands for one that JSON has no number for.
    fn as_double(value: &Value) -> Option<f64> {
        value.as_f64().or_else(|| value.as_str()?.parse().ok())
    }

    fn any_bound() -> impl Strategy<Value = Value> {
        prop_oneof![
            4 => any::<i64>().prop_map(Value::from),
            2 => any::<i32>().prop_map(|v| json!(f64::from(v) / 16.0)),
            4 => "\\PC{0,12}".prop_map(Value::from),
            1 => "[a\\\\\"\n\u{1}é/]{0,6}".prop_map(Value::from),
            1 => Just(Value::Null),
            1 => any::<bool>().prop_map(Value::from),
            1 => Just(json!({"x": [1, {"b": "}"}, []]})),
        ]
    }

    fn any_section() -> impl Strategy<Value = Value> {
        let names = vec!["a", "s", "b", "c", "q\"uote", "d é", "unwanted", ""];
        let members = |value: BoxedStrategy<Value>| {
            let names = names.clone();
            proptest::collection::btree_map(proptest::sample::select(names), value, 0..6)
                .prop_map(|map| map.into_iter().map(|(k, v)| (k.to_owned(), v)).collect::<Map<_, _>>().into())
        };
        let inner = members(any_bound().boxed());
        members(prop_oneof![2 => any_bound(), 1 => inner].boxed())
    }

    fn any_text() -> impl Strategy<Value = String> {
        let section = || proptest::option::weighted(0.9, any_section());
        let tight =
            proptest::option::of(prop_oneof![any::<bool>().prop_map(Value::from), Just(Value::Null), Just(json!(7))]);
        let parts = (proptest::option::of(-1_i64..40), section(), section(), section(), tight, any::<bool>());
        parts.prop_map(|(num_records, min, max, null_count, tight, pretty)| {
            let members = [
                ("numRecords", num_records.map(Value::from)),
                ("minValues", min),
                ("maxValues", max),
                ("nullCount", null_count),
                ("tightBounds", tight),
            ];
            let json: Map<_, _> = members.into_iter().filter_map(|(k, v)| Some((k.to_owned(), v?))).collect();
            if pretty { serde_json::to_string_pretty(&json).unwrap() } else { serde_json::to_string(&json).unwrap() }
        })
    }

    proptest! {
        #[test]
        fn agrees_with_the_oracle(text in any_text()) {
            prop_assert_eq!(extract(&text), oracle(&text), "{}", text);
        }

        #[test]
        fn a_broken_text_says_nothing_but_where_nobody_asked(text in any_text(), at in any::<proptest::sample::Index>(), to in "[\"\\\\{}:,0-9a\\[\\] \n]{0,2}") {
            let at = at.index(text.len() + 1);
            let at = (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            let end = (at + 1..=text.len()).find(|end| text.is_char_boundary(*end)).unwrap_or(at);
            let broken = format!("{}{to}{}", &text[..at], &text[end..]);
            let found = extract(&broken);
            if serde_json::from_str::<serde::de::IgnoredAny>(&broken).is_err() {
                prop_assert!(found == oracle("{}") || found == oracle(&text), "{} gives {:?}", broken, found);
            }
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let mut extractor = extractor();
            extractor.push(Some(&bytes));
            extractor.push_literal(Some(&bytes));
            prop_assert_eq!(extractor.finish().num_records.len(), 2);
        }
    }

    #[rstest]
    #[case::section(r#"{"minValues":{"a":1},"minValues":{"a":2}}"#)]
    #[case::column(r#"{"minValues":{"a":1,"a":2}}"#)]
    #[case::escaped_column(r#"{"minValues":{"a":1,"\u0061":2}}"#)]
    #[case::nested(r#"{"minValues":{"s":{"c":1},"s":{"b":"x"}}}"#)]
    #[case::records(r#"{"numRecords":1,"numRecords":2}"#)]
    #[case::truncated(r#"{"numRecords":1,"minValues":{"a":1}"#)]
    #[case::followed(r#"{"numRecords":1} {"#)]
    #[case::no_object(r#"[1]"#)]
    fn an_unclear_text_says_nothing(#[case] text: &str) {
        assert_eq!(extract(text), oracle("{}"));
    }

    #[test]
    fn an_escaped_key_is_found() {
        assert_eq!(extract(r#"{"minValues":{"\u0061":1}}"#), oracle(r#"{"minValues":{"a":1}}"#));
    }

    #[test]
    fn a_column_may_be_asked_for_twice() {
        let mut extractor = StatsExtractor::new(&schema(), &["a".into(), "a".into()]).unwrap();
        extractor.push(Some(br#"{"minValues":{"a":1}}"#));
        assert!(extractor.finish().columns.iter().all(|column| cell(column.min.as_ref()) == json!(1)));
    }

    /// The bounds of one column, cast to text.
    fn bounds(data_type: &str, typed_changes: Value, min: &str, max: &str) -> [Option<String>; 2] {
        let field = StructField::nullable("x", data_type.parse::<crate::schema::DataType>().unwrap());
        let field = field.with_metadata("delta.typeChanges", typed_changes);
        let mut extractor = StatsExtractor::new(&StructType::new([field]), &["x".into()]).unwrap();
        extractor.push(Some(format!(r#"{{"minValues":{{"x":{min}}},"maxValues":{{"x":{max}}}}}"#).as_bytes()));
        let column = extractor.finish().columns.remove(0);
        [column.min, column.max].map(|bound| {
            let text = arrow_cast::cast(&bound, &arrow_schema::DataType::Utf8).unwrap();
            Scalar::new(text).into_inner().as_string::<i32>().iter().next().flatten().map(str::to_owned)
        })
    }

    #[rstest]
    #[case("long", "9223372036854775807", "9223372036854775807", ["9223372036854775807", "9223372036854775807"])]
    #[case("long", "9007199254740993", "1.5", ["9007199254740993", "-"])]
    #[case("byte", "-128", "128", ["-128", "-"])]
    #[case("string", r#""a""#, "7", ["a", "-"])]
    #[case("boolean", "false", "true", ["false", "true"])]
    #[case("double", r#""NaN""#, r#""Infinity""#, ["-", "inf"])]
    #[case("float", "3.4", "4.661261177E7", ["3.4", "46612612.0"])]
    #[case("date", r#""2000-01-01""#, r#""soon""#, ["2000-01-01", "-"])]
    #[case("decimal(10,2)", "1.234", "1.234", ["1.23", "1.24"])]
    #[case("decimal(10,2)", r#""-1.234""#, r#""1e2""#, ["-1.24", "100.00"])]
    #[case("decimal(4,2)", "99.999", "99.999", ["99.99", "-"])]
    #[case("decimal(38,0)", r#""12345678901234567890""#, r#""12345678901234567890""#, ["12345678901234567890", "12345678901234567890"])]
    #[case("timestamp", r#""2000-01-01T00:00:00.000-08:00""#, r#""2000-01-01T00:00:00.000-08:00""#, ["2000-01-01T08:00:00Z", "2000-01-01T08:00:00.000999Z"])]
    #[case("timestamp", r#""2000-01-01T00:00:00""#, r#""2000-01-01 00:00:00Z""#, ["-", "2000-01-01T00:00:00.000999Z"])]
    #[case("timestamp_ntz", r#""2000-01-01""#, r#""2000-01-01T00:00:00.5""#, ["2000-01-01T00:00:00", "2000-01-01T00:00:00.500999"])]
    #[case("timestamp_ntz", r#""2000-01-01T00:00:00+01:00""#, "1", ["-", "-"])]
    #[case("binary", r#""a""#, r#""b""#, ["-", "-"])]
    fn bounds_of_each_type(#[case] data_type: &str, #[case] min: &str, #[case] max: &str, #[case] expected: [&str; 2]) {
        let expected = expected.map(|bound| (bound != "-").then(|| bound.to_owned()));
        assert_eq!(bounds(data_type, Value::Null, min, max), expected);
    }

    /// A number of many digits may have come through a double, and may stand for any decimal near it.
    #[test]
    fn a_long_decimal_is_widened() {
        let [min, max] = bounds("decimal(38,0)", Value::Null, "12345678901234567000", "12345678901234567000");
        let (min, max): (i128, i128) = (min.unwrap().parse().unwrap(), max.unwrap().parse().unwrap());
        assert!(
            min < 12_345_678_901_234_566_000 && 12_345_678_901_234_568_000 < max && max - min < 100_000,
            "{min}..{max}"
        );
    }

    #[test]
    fn a_double_that_was_a_float_is_widened() {
        let changes = json!([{"fromType": "float", "toType": "double"}]);
        let [min, max] = bounds("double", changes, "3.4", "3.4");
        assert_eq!((min.as_deref(), max.as_deref()), (Some("3.4"), Some("3.4000000953674316")));
    }
}
