//! Arrays, maps and structs.

use super::super::{ArgType, ColumnarArg};
use super::call::Call;
use super::function::{Function, Returns, function, library, overloaded, own};
use super::parameter::Param;
use crate::expr::bind::coerce::{wider, widest};
use crate::expr::cast::Cast;
use crate::expr::eval::access::map_value;
use crate::expr::eval::compare::normalised_array;
use crate::expr::expr::OnCastFailure;
use crate::expr::sql_type::describe;
use arrow_array::builder::BooleanBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{
    Array, ArrayRef, Int32Array, Int64Array, ListArray, MapArray, StructArray, UInt32Array, new_null_array,
};
use arrow_buffer::OffsetBuffer;
use arrow_ord::ord::make_comparator;
use arrow_schema::{DataType, Field, SortOptions};
use arrow_select::concat::concat;
use arrow_select::take::take;
use datafusion_functions_nested as nested;
use deltaic_log::{Error, ErrorKind, Result};
use std::cmp::Ordering;
use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

/// The functions on arrays, maps and structs.
pub(super) fn table() -> Vec<Function> {
    let mut table = look_ups();
    table.extend(constructors());
    table.extend(changes());
    table
}

fn look_ups() -> Vec<Function> {
    use Param::{Any, Array, Int, Map};
    let sized = || {
        vec![
            own(&[Array], Returns::Int, size),
            own(&[Map], Returns::Int, size),
            own(&[Any], Returns::By(size_of_null), size),
        ]
    };
    vec![
        overloaded("size", &["cardinality"], sized()),
        function("array_size", &[], own(&[Array], Returns::Int, size)),
        overloaded(
            "element_at",
            &[],
            vec![
                own(&[Array, Any], Returns::By(element_by_index), element_at),
                own(&[Map, Any], Returns::By(value_by_key), value_at),
            ],
        ),
        overloaded(
            "try_element_at",
            &[],
            vec![
                own(&[Array, Any], Returns::By(element_by_index), try_element_at),
                own(&[Map, Any], Returns::By(value_by_key), value_at),
            ],
        ),
        function("get", &[], own(&[Array, Int], Returns::By(element_by_index), get)),
        function("array_contains", &[], own(&[Array, Any], Returns::By(boolean_of_member), array_contains)),
        function("array_position", &[], own(&[Array, Any], Returns::By(long_of_member), array_position)),
        overloaded(
            "map_keys",
            &[],
            vec![own(&[Map], Returns::By(list_of_keys), map_keys), own(&[Any], Returns::By(list_of_null), nothing)],
        ),
        overloaded(
            "map_values",
            &[],
            vec![own(&[Map], Returns::By(list_of_values), map_values), own(&[Any], Returns::By(list_of_null), nothing)],
        ),
        function("map_contains_key", &[], own(&[Map, Any], Returns::By(boolean_of_key), map_contains_key)),
    ]
}

fn constructors() -> Vec<Function> {
    use Param::{Any, Common};
    vec![
        function("array", &[], own(&[Common], Returns::By(list_of_common), array).repeated()),
        function("map", &[], own(&[Any], Returns::By(map_of_pairs), map).repeated()),
        function("named_struct", &[], own(&[Any], Returns::By(struct_of_pairs), named_struct).repeated()),
    ]
}

fn changes() -> Vec<Function> {
    use Param::{Array, Boolean, Int, Text};
    vec![
        function("array_distinct", &[], library(&[Array], Returns::Argument(0), nested::set_ops::array_distinct_udf())),
        function("array_min", &[], own(&[Array], Returns::By(element), |call| extreme(call, Ordering::Less))),
        function("array_max", &[], own(&[Array], Returns::By(element), |call| extreme(call, Ordering::Greater))),
        function("sort_array", &[], own(&[Array, Boolean], Returns::Argument(0), sort_array).optional(1)),
        function("array_join", &[], own(&[Array, Text, Text], Returns::Text, array_join).optional(1)),
        function("slice", &[], own(&[Array, Int, Int], Returns::Argument(0), slice)),
    ]
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidExpression, message)
}

fn item_type(data_type: &DataType) -> Result<&DataType> {
    match data_type {
        DataType::List(item) => Ok(item.data_type()),
        other => Err(invalid(format!("{} has no elements", describe(other)))),
    }
}

fn key_and_value(data_type: &DataType) -> Result<(&DataType, &DataType)> {
    if let DataType::Map(entries, _) = data_type
        && let DataType::Struct(fields) = entries.data_type()
        && let [key, value] = &fields[..]
    {
        return Ok((key.data_type(), value.data_type()));
    }
    Err(invalid(format!("{} has no keys and values", describe(data_type))))
}

/// `size(NULL)` is null; other values than arrays and maps have no size.
fn size_of_null(_: &[ArgType<'_>], arg_types: &[DataType]) -> Result<DataType> {
    if arg_types[0].is_null() {
        Ok(DataType::Int32)
    } else {
        Err(invalid(format!("{} has no size", describe(&arg_types[0]))))
    }
}

fn element(_: &[ArgType<'_>], arg_types: &[DataType]) -> Result<DataType> {
    item_type(&arg_types[0]).cloned()
}

fn element_by_index(_: &[ArgType<'_>], arg_types: &[DataType]) -> Result<DataType> {
    if !matches!(arg_types[1], DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Utf8) {
        return Err(invalid(format!("an array's index is an integer, not {}", describe(&arg_types[1]))));
    }
    item_type(&arg_types[0]).cloned()
}

fn value_by_key(_: &[ArgType<'_>], arg_types: &[DataType]) -> Result<DataType> {
    let (key, value) = key_and_value(&arg_types[0])?;
    comparable(key, &arg_types[1])?;
    Ok(value.clone())
}

fn boolean_of_key(_: &[ArgType<'_>], arg_types: &[DataType]) -> Result<DataType> {
    let (key, _) = key_and_value(&arg_types[0])?;
    member(key, &arg_types[1]).map(|_| DataType::Boolean)
}

fn boolean_of_member(_: &[ArgType<'_>], arg_types: &[DataType]) -> Result<DataType> {
    member(item_type(&arg_types[0])?, &arg_types[1]).map(|_| DataType::Boolean)
}

fn long_of_member(_: &[ArgType<'_>], arg_types: &[DataType]) -> Result<DataType> {
    member(item_type(&arg_types[0])?, &arg_types[1]).map(|_| DataType::Int64)
}

/// The type in which a value and the members of a collection are compared. A string is no number here.
fn comparable(member: &DataType, value: &DataType) -> Result<DataType> {
    let mixed = (*member == DataType::Utf8) != (*value == DataType::Utf8) && !member.is_null() && !value.is_null();
    let wide = if mixed { None } else { wider(member, value) };
    wide.ok_or_else(|| {
        invalid(format!("{} and {} cannot be compared: cast one of them", describe(member), describe(value)))
    })
}

fn member(member: &DataType, value: &DataType) -> Result<DataType> {
    if value.is_null() {
        return Err(invalid("NULL is a member of nothing: use IS NULL"));
    }
    comparable(member, value)
}

fn list_of(item: &DataType, nullable: bool) -> DataType {
    DataType::List(Arc::new(Field::new("element", item.clone(), nullable)))
}

fn list_of_keys(_: &[ArgType<'_>], arg_types: &[DataType]) -> Result<DataType> {
    Ok(list_of(key_and_value(&arg_types[0])?.0, true))
}

fn list_of_values(_: &[ArgType<'_>], arg_types: &[DataType]) -> Result<DataType> {
    Ok(list_of(key_and_value(&arg_types[0])?.1, true))
}

/// `NULL` stands for a map too.
fn list_of_null(_: &[ArgType<'_>], arg_types: &[DataType]) -> Result<DataType> {
    if arg_types[0].is_null() {
        Ok(list_of(&DataType::Null, true))
    } else {
        key_and_value(&arg_types[0]).map(|(key, _)| list_of(key, true))
    }
}

fn nothing(call: &Call<'_>) -> Result<ArrayRef> {
    Ok(new_null_array(call.return_type, call.rows))
}

/// The places of a list's or map's members, row by row.
struct Places<'a> {
    offsets: &'a [i32],
}

impl<'a> Places<'a> {
    fn of(values: &'a dyn Array) -> Option<Self> {
        let offsets = match values.data_type() {
            DataType::List(_) => values.as_list::<i32>().value_offsets(),
            DataType::Map(..) => values.as_map().value_offsets(),
            _ => return None,
        };
        Some(Self { offsets })
    }

    fn of_row(&self, row: usize) -> Range<usize> {
        let at = |row: usize| usize::try_from(self.offsets[row]).unwrap_or_default();
        at(row)..at(row + 1)
    }
}

fn places<'a>(call: &Call<'a>) -> Result<Places<'a>> {
    Places::of(&*call.args[0]).ok_or_else(|| Error::new(ErrorKind::Internal, "only arrays and maps have members"))
}

fn size(call: &Call<'_>) -> Result<ArrayRef> {
    let Some(places) = Places::of(&*call.args[0]) else { return Ok(new_null_array(call.return_type, call.rows)) };
    call.collect::<Int32Array, i32>(|row| Ok(i32::try_from(places.of_row(row).len()).ok()))
}

/// Counted from 1, or from the end if negative; outside of the array is an error.
fn element_at(call: &Call<'_>) -> Result<ArrayRef> {
    one_element(call, |length, index| match from_one(length, index) {
        None if index == 0 => Err("elements count from 1, or from -1 backwards: there is none at 0".into()),
        None => Err(format!("the array has {length} elements: there is none at this index")),
        found => Ok(found),
    })
}

fn try_element_at(call: &Call<'_>) -> Result<ArrayRef> {
    one_element(call, |length, index| match index {
        0 => Err("elements count from 1, or from -1 backwards: there is none at 0".into()),
        _ => Ok(from_one(length, index)),
    })
}

/// Counted from 0; null outside of the array.
fn get(call: &Call<'_>) -> Result<ArrayRef> {
    one_element(call, |length, index| Ok(usize::try_from(index).ok().filter(|index| *index < length)))
}

fn from_one(length: usize, index: i32) -> Option<usize> {
    let distance = usize::try_from(index.unsigned_abs()).ok().filter(|distance| (1..=length).contains(distance))?;
    Some(if index > 0 { distance - 1 } else { length - distance })
}

fn one_element(call: &Call<'_>, find: fn(usize, i32) -> Result<Option<usize>, String>) -> Result<ArrayRef> {
    let (list, places) = (call.args[0].as_list::<i32>(), places(call)?);
    let indices = Cast::try_new(call.args[1].data_type(), &DataType::Int32)?;
    let indices = indices.apply(&call.args[1], OnCastFailure::Error, call.context.zone())?;
    let indices = indices.as_primitive::<arrow_array::types::Int32Type>();
    let place = |row: usize| {
        if call.any_null(row) {
            return Ok(None);
        }
        let members = places.of_row(row);
        let found = find(members.len(), indices.value(row)).map_err(|message| call.failure(row, message))?;
        Ok(found.and_then(|index| u32::try_from(members.start + index).ok()))
    };
    let chosen = (0..call.rows).map(place).collect::<Result<UInt32Array>>()?;
    Ok(take(list.values(), &chosen, None)?)
}

fn value_at(call: &Call<'_>) -> Result<ArrayRef> {
    let (key, _) = key_and_value(call.args[0].data_type())?;
    if key.is_null() || call.args[1].data_type().is_null() {
        return Ok(new_null_array(call.return_type, call.rows));
    }
    let wanted = cast(&call.args[1], key, call)?;
    let map = ColumnarArg::Array(call.args[0].clone());
    map_value(&map, &ColumnarArg::Array(wanted), call.rows)?.to_array(call.rows)
}

fn cast(values: &ArrayRef, to: &DataType, call: &Call<'_>) -> Result<ArrayRef> {
    Cast::try_new(values.data_type(), to)?.apply(values, OnCastFailure::Error, call.context.zone())
}

/// Whether, and where, each row's value is among members: `find` gets the places of the members and a test for one of them.
fn search<T>(
    call: &Call<'_>,
    members: &ArrayRef,
    mut found: impl FnMut(usize, Range<usize>, &dyn Fn(usize) -> bool) -> T,
) -> Result<Vec<T>> {
    let wide = comparable(members.data_type(), call.args[1].data_type())?;
    let places = places(call)?;
    let all = normalised_array(&cast(members, &wide, call)?);
    let wanted = normalised_array(&cast(&call.args[1], &wide, call)?);
    let order = make_comparator(&all, &wanted, SortOptions::default())?;
    Ok((0..call.rows).map(|row| found(row, places.of_row(row), &|at| order(at, row) == Ordering::Equal)).collect())
}

/// Unknown where the value is not found but the array holds nulls.
fn array_contains(call: &Call<'_>) -> Result<ArrayRef> {
    let members = call.args[0].as_list::<i32>().values();
    let found = search(call, members, |row, mut places, same| {
        if call.any_null(row) {
            return None;
        }
        let has_null = members.slice(places.start, places.len()).logical_null_count() > 0;
        if places.any(|at| members.is_valid(at) && same(at)) { Some(true) } else { (!has_null).then_some(false) }
    })?;
    Ok(Arc::new(arrow_array::BooleanArray::from(found)))
}

/// Counted from 1; 0 where it is not found.
fn array_position(call: &Call<'_>) -> Result<ArrayRef> {
    let members = call.args[0].as_list::<i32>().values();
    let found = search(call, members, |row, mut places, same| {
        let place = places.position(|at| members.is_valid(at) && same(at)).map_or(0, |at| at + 1);
        if call.any_null(row) { None } else { i64::try_from(place).ok() }
    })?;
    Ok(Arc::new(Int64Array::from(found)))
}

fn map_contains_key(call: &Call<'_>) -> Result<ArrayRef> {
    let keys = call.args[0].as_map().keys();
    let found = search(call, keys, |row, mut places, same| (!call.any_null(row)).then(|| places.any(same)))?;
    Ok(Arc::new(arrow_array::BooleanArray::from(found)))
}

fn map_keys(call: &Call<'_>) -> Result<ArrayRef> {
    let map = call.args[0].as_map();
    members(call, map, map.keys())
}

fn map_values(call: &Call<'_>) -> Result<ArrayRef> {
    let map = call.args[0].as_map();
    members(call, map, map.values())
}

fn members(call: &Call<'_>, map: &MapArray, values: &ArrayRef) -> Result<ArrayRef> {
    let item = Arc::new(Field::new("element", item_type(call.return_type)?.clone(), true));
    Ok(Arc::new(ListArray::try_new(item, map.offsets().clone(), values.clone(), map.nulls().cloned())?))
}

fn list_of_common(args: &[ArgType<'_>], arg_types: &[DataType]) -> Result<DataType> {
    let item = widest(arg_types).unwrap_or(DataType::Null);
    Ok(list_of(&item, args.iter().any(|arg| arg.nullable)))
}

/// The columns one after the other, taken row by row: the values of all rows, in the order of rows.
fn by_rows(columns: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let refs: Vec<&dyn Array> = columns.iter().map(|column| &**column).collect();
    let all = concat(&refs)?;
    let order = (0..rows).flat_map(|row| (0..refs.len()).map(move |column| u64::try_from(column * rows + row).ok()));
    Ok(take(&all, &order.collect::<arrow_array::UInt64Array>(), None)?)
}

fn array(call: &Call<'_>) -> Result<ArrayRef> {
    let DataType::List(item) = call.return_type else {
        return Err(Error::new(ErrorKind::Internal, "an array is a list"));
    };
    let values = match call.args {
        [] => new_null_array(item.data_type(), 0),
        args => by_rows(args, call.rows)?,
    };
    let offsets = OffsetBuffer::from_lengths(std::iter::repeat_n(call.args.len(), call.rows));
    Ok(Arc::new(ListArray::try_new(item.clone(), offsets, values, None)?))
}

/// Keys and values by turns, each of one type.
fn map_of_pairs(args: &[ArgType<'_>], arg_types: &[DataType]) -> Result<DataType> {
    if !arg_types.len().is_multiple_of(2) {
        return Err(invalid("a map is made of keys and values by turns: one value is missing"));
    }
    let common = |from: usize| {
        let types = arg_types.iter().skip(from).step_by(2);
        widest(types).ok_or_else(|| invalid("the keys, and the values, of a map have one type: cast them"))
    };
    let key = Field::new("key", common(0)?, false);
    let value = Field::new("value", common(1)?, args.iter().skip(1).step_by(2).any(|arg| arg.nullable));
    let entries = Field::new("key_value", DataType::Struct(vec![key, value].into()), false);
    Ok(DataType::Map(Arc::new(entries), false))
}

fn map(call: &Call<'_>) -> Result<ArrayRef> {
    let DataType::Map(entries, sorted) = call.return_type else {
        return Err(Error::new(ErrorKind::Internal, "a map is a map"));
    };
    let DataType::Struct(fields) = entries.data_type() else {
        return Err(Error::new(ErrorKind::Internal, "a map has entries"));
    };
    let columns = |from: usize| -> Result<ArrayRef> {
        let args = call.args.iter().skip(from).step_by(2).map(|arg| cast(arg, fields[from].data_type(), call));
        match args.collect::<Result<Vec<_>>>()?.as_slice() {
            [] => Ok(new_null_array(fields[from].data_type(), 0)),
            columns => by_rows(columns, call.rows),
        }
    };
    let (keys, values) = (columns(0)?, columns(1)?);
    refuse_bad_keys(call, &keys)?;
    let offsets = OffsetBuffer::from_lengths(std::iter::repeat_n(call.args.len() / 2, call.rows));
    let entries_values = StructArray::try_new(fields.clone(), vec![keys, values], None)?;
    Ok(Arc::new(MapArray::try_new(entries.clone(), offsets, entries_values, None, *sorted)?))
}

/// No key may be null, or given twice.
fn refuse_bad_keys(call: &Call<'_>, keys: &ArrayRef) -> Result<()> {
    if keys.is_empty() {
        return Ok(());
    }
    if keys.data_type().is_null() {
        return Err(call.failure(0, "a map's key cannot be null"));
    }
    let converter = arrow_row::RowConverter::new(vec![arrow_row::SortField::new(keys.data_type().clone())])?;
    let rows = converter.convert_columns(&[normalised_array(keys)])?;
    let per_row = call.args.len() / 2;
    for row in 0..call.rows {
        let mut seen = HashSet::new();
        for at in row * per_row..(row + 1) * per_row {
            if keys.is_null(at) {
                return Err(call.failure(row, "a map's key cannot be null"));
            }
            if !seen.insert(rows.row(at)) {
                return Err(call.failure(row, "a map cannot hold a key twice"));
            }
        }
    }
    Ok(())
}

/// Constant names and values by turns.
fn struct_of_pairs(args: &[ArgType<'_>], arg_types: &[DataType]) -> Result<DataType> {
    if args.is_empty() || !args.len().is_multiple_of(2) {
        return Err(invalid("a struct is made of names and values by turns"));
    }
    let field = |(index, pair): (usize, &[ArgType<'_>])| {
        let name = pair[0].constant.and_then(|name| name.as_string_opt::<i32>().filter(|name| name.is_valid(0)));
        let name = name.ok_or_else(|| invalid("the name of a field must be a constant string"))?;
        Ok(Field::new(name.value(0), arg_types[index * 2 + 1].clone(), pair[1].nullable))
    };
    let fields = args.chunks_exact(2).enumerate().map(field).collect::<Result<Vec<_>>>()?;
    Ok(DataType::Struct(fields.into()))
}

fn named_struct(call: &Call<'_>) -> Result<ArrayRef> {
    structure(call, call.args.iter().skip(1).step_by(2).cloned().collect())
}

fn structure(call: &Call<'_>, columns: Vec<ArrayRef>) -> Result<ArrayRef> {
    let DataType::Struct(fields) = call.return_type else {
        return Err(Error::new(ErrorKind::Internal, "a struct is a struct"));
    };
    Ok(Arc::new(StructArray::try_new_with_length(fields.clone(), columns, None, call.rows)?))
}

/// The least or greatest element that is not null.
fn extreme(call: &Call<'_>, wanted: Ordering) -> Result<ArrayRef> {
    let (list, places) = (call.args[0].as_list::<i32>(), places(call)?);
    let values = list.values();
    let comparable = normalised_array(values);
    let order = make_comparator(&comparable, &comparable, SortOptions::default())?;
    let place = |row: usize| {
        let members = if call.any_null(row) { 0..0 } else { places.of_row(row) };
        let best = members
            .filter(|at| values.is_valid(*at))
            .reduce(|best, at| if order(at, best) == wanted { at } else { best });
        best.and_then(|at| u32::try_from(at).ok())
    };
    Ok(take(values, &(0..call.rows).map(place).collect::<UInt32Array>(), None)?)
}

/// Each list with other members, chosen by place.
fn rebuilt(call: &Call<'_>, choose: impl Fn(usize, Range<usize>) -> Result<Vec<usize>>) -> Result<ArrayRef> {
    let (list, places) = (call.args[0].as_list::<i32>(), places(call)?);
    let (mut chosen, mut lengths, mut valid) = (Vec::new(), Vec::with_capacity(call.rows), BooleanBuilder::new());
    for row in 0..call.rows {
        let members = if call.any_null(row) { Vec::new() } else { choose(row, places.of_row(row))? };
        lengths.push(members.len());
        valid.append_value(!call.any_null(row));
        chosen.extend(members.into_iter().map(|at| u32::try_from(at).unwrap_or(u32::MAX)));
    }
    let values = take(list.values(), &UInt32Array::from(chosen), None)?;
    let nulls = arrow_buffer::NullBuffer::new(valid.finish().values().clone());
    let DataType::List(item) = call.return_type else {
        return Err(Error::new(ErrorKind::Internal, "an array is a list"));
    };
    Ok(Arc::new(ListArray::try_new(item.clone(), OffsetBuffer::from_lengths(lengths), values, Some(nulls))?))
}

/// Upwards with nulls first, or downwards with nulls last.
fn sort_array(call: &Call<'_>) -> Result<ArrayRef> {
    let values = normalised_array(call.args[0].as_list::<i32>().values());
    let order = make_comparator(&values, &values, SortOptions { descending: false, nulls_first: true })?;
    let ascending = |row: usize| !call.has(1) || call.args[1].as_boolean().value(row);
    rebuilt(call, |row, members| {
        let mut members: Vec<_> = members.collect();
        members.sort_by(|a, b| if ascending(row) { order(*a, *b) } else { order(*b, *a) });
        Ok(members)
    })
}

/// `slice(array, start, length)`; the start counts from 1, or from the end if negative.
fn slice(call: &Call<'_>) -> Result<ArrayRef> {
    let (starts, lengths) = (call.int(1), call.int(2));
    rebuilt(call, |row, members| {
        let (start, length) = (starts.value(row), lengths.value(row));
        let length = usize::try_from(length).map_err(|_| call.failure(row, "a length cannot be negative"))?;
        if start == 0 {
            return Err(call.failure(row, "elements count from 1, or from -1 backwards"));
        }
        let Some(first) = from_one(members.len(), start) else { return Ok(Vec::new()) };
        Ok(members.skip(first).take(length).collect())
    })
}

/// The elements as strings; nulls are left out, or stand as the third argument.
fn array_join(call: &Call<'_>) -> Result<ArrayRef> {
    let list = call.args[0].as_list::<i32>();
    let (texts, places) = (cast(list.values(), &DataType::Utf8, call)?, places(call)?);
    let (texts, separators) = (texts.as_string::<i32>(), call.text(1));
    let for_null = call.has(2).then(|| call.text(2));
    call.collect::<arrow_array::StringArray, String>(|row| {
        let for_null = for_null.map(|text| text.value(row));
        let part = |at: usize| if texts.is_valid(at) { Some(texts.value(at)) } else { for_null };
        Ok(Some(places.of_row(row).filter_map(part).collect::<Vec<_>>().join(separators.value(row))))
    })
}
