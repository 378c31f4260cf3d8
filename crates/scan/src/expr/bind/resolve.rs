//! Names to columns: case-insensitive, never guessed.

use super::{BoundExpr, Node};
use arrow_schema::{DataType, Fields};
use deltaic_log::schema::{ColumnPath, near_names, same_name};
use deltaic_log::{Error, ErrorKind, Result};

/// The column or nested field of a path.
pub(super) fn column(path: &ColumnPath, fields: &Fields) -> Result<BoundExpr> {
    let index = find(path.top(), fields, path)?;
    let root = &fields[index];
    let mut expr = BoundExpr::new(Node::Column(index), root.data_type().clone(), root.is_nullable());
    for name in path.names().iter().skip(1) {
        expr = field(expr, name, &|| path.to_string())?;
    }
    Ok(expr)
}

/// The field `name` of a struct.
pub(super) fn field(base: BoundExpr, name: &str, whole: &dyn Fn() -> String) -> Result<BoundExpr> {
    let DataType::Struct(fields) = base.data_type().clone() else {
        let message = format!("`{}` has no field `{name}`: only structs have fields", whole());
        return Err(Error::new(ErrorKind::UnknownColumn, message));
    };
    let index = find(name, &fields, &ColumnPath::from(name))?;
    let nullable = base.nullable() || fields[index].is_nullable();
    let data_type = fields[index].data_type().clone();
    Ok(BoundExpr::new(Node::Field { base: Box::new(base), index }, data_type, nullable))
}

/// The one field of a name, in any case. An exact match goes before others.
fn find(name: &str, fields: &Fields, path: &ColumnPath) -> Result<usize> {
    if let Some((index, _)) = fields.find(name) {
        return Ok(index);
    }
    let matching: Vec<usize> = (0..fields.len()).filter(|i| same_name(fields[*i].name(), name)).collect();
    match matching.as_slice() {
        [index] => Ok(*index),
        [] => Err(unknown(name, fields, path)),
        several => {
            let names: Vec<_> = several.iter().map(|i| fields[*i].name().as_str()).collect();
            let message = format!("`{path}` is ambiguous: it may mean {}", names.join(" or "));
            Err(Error::new(ErrorKind::UnknownColumn, message).with("column", path))
        }
    }
}

fn unknown(name: &str, fields: &Fields, path: &ColumnPath) -> Error {
    let hint = match near_names(name, fields.iter().map(|field| (field.name().clone(), field.name().as_str()))) {
        near if !near.is_empty() => format!("did you mean {}?", near.join(" or ")),
        _ if fields.is_empty() => "there are no columns here".to_owned(),
        _ => {
            let shown: Vec<_> = fields.iter().take(20).map(|field| field.name().as_str()).collect();
            format!("there are {}{}", shown.join(", "), if fields.len() > 20 { ", …" } else { "" })
        }
    };
    Error::new(ErrorKind::UnknownColumn, format!("there is no column `{path}`: {hint}")).with("column", path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_schema::{Field, Schema};

    #[test]
    fn names_resolve_or_explain() {
        let inner = Fields::from(vec![Field::new("Street", DataType::Utf8, true)]);
        let schema = Schema::new(vec![
            Field::new("amount", DataType::Int32, true),
            Field::new("Twin", DataType::Int32, true),
            Field::new("tWIN", DataType::Int32, true),
            Field::new("address", DataType::Struct(inner), false),
        ]);
        let message = |names: &[&str]| match column(&ColumnPath::new(names.iter().copied()), &schema.fields) {
            Ok(bound) => bound.data_type().to_string(),
            Err(error) => format!("{}: {}", error.kind(), error.message()),
        };
        assert_eq!(message(&["AMOUNT"]), "Int32");
        assert_eq!(message(&["address", "street"]), "Utf8");
        assert_eq!(message(&["amuont"]), "unknown_column: there is no column `amuont`: did you mean amount?");
        assert_eq!(message(&["Twin"]), "Int32");
        assert_eq!(message(&["twin"]), "unknown_column: `twin` is ambiguous: it may mean Twin or tWIN");
        assert_eq!(message(&["amount", "x"]), "unknown_column: `amount.x` has no field `x`: only structs have fields");
    }
}
