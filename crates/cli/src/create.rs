//! `deltaic create`: a table without rows.

use deltaic::log::schema::{DataType, StructField, StructType};
use deltaic::ops::CreateBuilder;
use deltaic::ops::create::CreateMode;
use deltaic::{DeltaTable, Error, ErrorKind, Result};

use crate::arguments::Create;
use crate::failure::Outcome;
use crate::{input, output};

pub(crate) async fn run(arguments: Create) -> Outcome {
    let builder = DeltaTable::builder(&arguments.table.table).with_storage_options(arguments.table.storage_options());
    let mode = match (arguments.if_not_exists, arguments.or_replace) {
        (true, _) => CreateMode::IfNotExists,
        (_, true) => CreateMode::OrReplace,
        _ => CreateMode::ErrorIfExists,
    };
    let mut create = CreateBuilder::new(builder.target().await?, schema(&arguments)?)
        .mode(mode)
        .partition_by(arguments.partition_by.clone())
        .cluster_by(arguments.cluster_by.clone())
        .properties(arguments.properties.clone());
    for (name, sql) in &arguments.constraints {
        create = create.constraint(name, sql);
    }
    if let Some(text) = &arguments.description {
        create = create.description(text);
    }
    if arguments.dry_run {
        return output::print_plan(&create.plan().await?);
    }
    output::print_report(&create.execute().await?, arguments.json)
}

fn schema(arguments: &Create) -> Result<StructType> {
    match (&arguments.columns, &arguments.schema, &arguments.like) {
        (Some(columns), ..) => columns.iter().map(|text| column(text)).collect(),
        (_, Some(file), _) => {
            let unreadable = |error| {
                let message = "the schema cannot be read: check the path";
                Error::new(ErrorKind::InvalidArgument, message).because(error).with("file", file.display())
            };
            let text = std::fs::read_to_string(file).map_err(unreadable)?;
            StructType::from_json(&text).map_err(|error| {
                Error::new(ErrorKind::InvalidArgument, "the file holds no schema in the log's JSON").because(error)
            })
        }
        (_, _, Some(file)) => input::schema_of(file, arguments.format),
        _ => Err(Error::new(ErrorKind::InvalidArgument, "a table needs columns: give --columns, --schema or --like")),
    }
}

/// `name:type`, with `!` behind the type of a column that may not be null.
fn column(text: &str) -> Result<StructField> {
    let malformed = || {
        let message = format!("{text:?} is no column: write name:type, such as id:long! or price:decimal(10,2)");
        Error::new(ErrorKind::InvalidArgument, message)
    };
    let (name, data_type) = text.rsplit_once(':').ok_or_else(malformed)?;
    let (data_type, nullable) = match data_type.strip_suffix('!') {
        Some(data_type) => (data_type, false),
        None => (data_type, true),
    };
    let data_type: DataType = data_type.trim().parse().map_err(|_| malformed())?;
    Ok(StructField::new(name.trim(), data_type, nullable))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_parsed_or_refused() {
        for (text, expected) in [
            ("id:long", Some(("id", "long", true))),
            ("id:bigint!", Some(("id", "long", false))),
            ("a:b:decimal(10,2)", Some(("a:b", "decimal(10,2)", true))),
            ("id", None),
            ("id:number", None),
        ] {
            let found =
                column(text).ok().map(|field| (field.name.clone(), field.data_type.to_string(), field.nullable));
            let expected = expected.map(|(name, data_type, null)| (name.to_owned(), data_type.to_owned(), null));
            assert_eq!(found, expected, "{text}");
        }
    }
}
