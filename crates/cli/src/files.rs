//! `deltaic files`: the data files that make up the table.

use std::collections::HashSet;
use std::io::Write;

use deltaic::log::FileView;
use deltaic::scan::location::file_url;
use deltaic::{DeltaTable, Result};
use serde_json::{Value, json};
use url::Url;

use crate::arguments::Files;
use crate::failure::Outcome;
use crate::{open, output};

pub(crate) async fn run(arguments: Files) -> Outcome {
    let table = open::at(&arguments.at.table, &arguments.at.as_of).await?;
    let files = table.files().await?;
    let matching = match &arguments.predicate {
        Some(predicate) => Some(matching(&table, predicate).await?),
        None => None,
    };
    let is_wanted = |file: &FileView<'_>| {
        let url = file_url(table.url(), file.path());
        matching.as_ref().is_none_or(|matching| url.is_ok_and(|url| matching.contains(&url)))
    };
    let listed = files.iter().filter(is_wanted).take(arguments.limit.unwrap_or(usize::MAX));
    let mut out = output::standard();
    if arguments.at.json {
        for file in listed {
            serde_json::to_writer(&mut out, &as_json(&file))?;
            writeln!(out)?;
        }
    } else {
        let rows: Vec<_> = listed.map(|file| row(&file)).collect();
        output::grid(&mut out, &["path", "bytes", "partition", "deleted rows"], &rows)?;
    }
    Ok(out.flush()?)
}

/// The files that may hold rows for which the predicate is true.
async fn matching(table: &DeltaTable, predicate: &str) -> Result<HashSet<Url>> {
    let reads = table.scan().filter_sql(predicate)?.build()?.plan().await?;
    Ok(reads.into_iter().map(|read| read.location).collect())
}

fn as_json(file: &FileView<'_>) -> Value {
    json!({
        "path": file.path(),
        "size": file.size(),
        "modificationTime": file.modification_time(),
        "partitionValues": file.partition_values(),
        "deletionVector": file.deletion_vector(),
        "baseRowId": file.base_row_id(),
        "defaultRowCommitVersion": file.default_row_commit_version(),
    })
}

fn row(file: &FileView<'_>) -> Vec<String> {
    let values = file.partition_values();
    let partition = values.iter().map(|(name, value)| format!("{name}={}", value.as_deref().unwrap_or("null")));
    let deleted = file.deletion_vector().map_or_else(String::new, |vector| vector.cardinality.to_string());
    vec![file.path().to_owned(), file.size().to_string(), partition.collect::<Vec<_>>().join("/"), deleted]
}
