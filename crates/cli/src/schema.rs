//! `deltaic schema`: the columns, as a tree or as the JSON that the log holds.

use std::io::Write;

use deltaic::DeltaTable;
use deltaic::log::schema::{DataType, StructField, StructType};

use crate::arguments::At;
use crate::failure::Outcome;
use crate::{open, output};

pub(crate) async fn run(arguments: At) -> Outcome {
    let table = open::at(&arguments.table, &arguments.as_of).await?;
    let mut out = output::standard();
    match arguments.json {
        true => output::json(&mut out, table.schema())?,
        false => out.write_all(tree(&table).as_bytes())?,
    }
    Ok(out.flush()?)
}

/// The table's columns, a line each, nested ones below theirs.
pub(crate) fn tree(table: &DeltaTable) -> String {
    let mut lines = Vec::new();
    for field in &table.schema().fields {
        let note = if table.configuration().is_partition_column(&field.name) { "  (partition column)" } else { "" };
        add_field(&mut lines, "", field, note);
    }
    lines.into_iter().map(|line| line + "\n").collect()
}

fn add_field(lines: &mut Vec<String>, indent: &str, field: &StructField, note: &str) {
    let null = if field.nullable { "" } else { " not null" };
    lines.push(format!("{indent}{}: {}{null}{note}", field.name, name(&field.data_type)));
    add_parts(lines, &format!("{indent}  "), &field.data_type);
}

fn add_parts(lines: &mut Vec<String>, indent: &str, data_type: &DataType) {
    match data_type {
        DataType::Struct(fields) => add_fields(lines, indent, fields),
        DataType::Array(array) => add_part(lines, indent, "element", &array.element_type, array.contains_null),
        DataType::Map(map) => {
            add_part(lines, indent, "key", &map.key_type, true);
            add_part(lines, indent, "value", &map.value_type, map.value_contains_null);
        }
        _ => {}
    }
}

fn add_fields(lines: &mut Vec<String>, indent: &str, fields: &StructType) {
    fields.fields.iter().for_each(|field| add_field(lines, indent, field, ""));
}

/// Elements, keys and values: a line where they have parts of their own or are never null; their type says the rest.
fn add_part(lines: &mut Vec<String>, indent: &str, what: &str, data_type: &DataType, nullable: bool) {
    let null = if nullable { "" } else { " not null" };
    lines.push(format!("{indent}<{what}>: {}{null}", name(data_type)));
    add_parts(lines, &format!("{indent}  "), data_type);
}

/// The type without its parts, which follow on lines of their own.
fn name(data_type: &DataType) -> String {
    match data_type {
        DataType::Struct(_) => "struct".to_owned(),
        DataType::Array(_) => "array".to_owned(),
        DataType::Map(_) => "map".to_owned(),
        other => other.to_string(),
    }
}
