//! `deltaic show`: what a table is.

use std::io::Write;

use deltaic::log::feature::{FeatureSpec, Support};
use deltaic::log::file_name::CheckpointKind;
use deltaic::log::segment::{CheckpointFiles, DeltaFile};
use deltaic::{DeltaTable, Result, TimestampMs};
use serde_json::{Value, json};

use crate::arguments::At;
use crate::failure::Outcome;
use crate::output::{self, bytes, count};
use crate::{open, schema};

pub(crate) async fn run(arguments: At) -> Outcome {
    let table = open::at(&arguments.table, &arguments.as_of).await?;
    let totals = Totals::of(&table).await?;
    let mut out = output::standard();
    match arguments.json {
        true => output::json(&mut out, &as_json(&table, &totals))?,
        false => as_text(&mut out, &table, &totals)?,
    }
    Ok(out.flush()?)
}

/// What the live files come to.
struct Totals {
    files: u64,
    size_bytes: u64,
    /// Rows that deletion vectors hide.
    deleted_rows: u64,
    /// Rows that can be read, where every file's statistics tell.
    rows: Option<u64>,
}

impl Totals {
    async fn of(table: &DeltaTable) -> Result<Self> {
        let mut totals = Self { files: 0, size_bytes: 0, deleted_rows: 0, rows: table.num_rows().await? };
        for file in table.files().await?.iter() {
            totals.files += 1;
            totals.size_bytes += u64::try_from(file.size()).unwrap_or(0);
            let deleted = file.deletion_vector().map_or(0, |vector| vector.cardinality);
            totals.deleted_rows += u64::try_from(deleted).unwrap_or(0);
        }
        Ok(totals)
    }
}

fn as_text(out: &mut impl Write, table: &DeltaTable, totals: &Totals) -> Outcome {
    let metadata = table.metadata();
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let mut facts = vec![
        ("location", table.url().to_string()),
        ("version", table.version().to_string()),
        ("id", metadata.id.clone()),
        ("name", or_none(&metadata.name)),
        ("description", or_none(&metadata.description)),
        ("created", metadata.created_time.map_or_else(|| "-".to_owned(), |time| TimestampMs(time).to_string())),
        ("files", count(totals.files)),
        ("size", bytes(totals.size_bytes)),
        ("rows", totals.rows.map_or_else(|| "not known: some files have no statistics".to_owned(), count)),
        ("partitioned by", list(table.configuration().partition_columns())),
    ];
    if totals.deleted_rows > 0 {
        facts.push(("hidden rows", format!("{}, by deletion vectors", count(totals.deleted_rows))));
    }
    output::facts(out, &facts)?;
    output::heading(out, "protocol")?;
    protocol(out, table)?;
    output::heading(out, "schema")?;
    out.write_all(schema::tree(table).as_bytes())?;
    if !metadata.configuration.is_empty() {
        output::heading(out, "properties")?;
        let properties: Vec<_> =
            metadata.configuration.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
        output::facts(out, &properties)?;
    }
    output::heading(out, "log")?;
    output::facts(out, &log_health(table))
}

fn protocol(out: &mut impl Write, table: &DeltaTable) -> Outcome {
    let protocol = table.protocol();
    let versions =
        format!("reader version {}, writer version {}", protocol.min_reader_version, protocol.min_writer_version);
    writeln!(out, "{versions}")?;
    let mut rows: Vec<_> =
        protocol.supported_features().into_iter().map(|feature| feature_row(table, feature)).collect();
    rows.extend(protocol.unknown_features().into_iter().map(|name| {
        vec![
            name.to_owned(),
            "-".to_owned(),
            "as far as readers need".to_owned(),
            "no: the feature is unknown".to_owned(),
        ]
    }));
    match rows.is_empty() {
        true => Ok(()),
        false => output::grid(out, &["feature", "in use", "read", "write"], &rows),
    }
}

fn feature_row(table: &DeltaTable, feature: &'static FeatureSpec) -> Vec<String> {
    let active = if table.configuration().is_active(feature) { "yes" } else { "no" };
    vec![feature.name.to_owned(), active.to_owned(), words(feature.read), words(feature.write)]
}

fn words(support: Support) -> String {
    match support {
        Support::Full => "yes".to_owned(),
        Support::ThroughCatalog { .. } => "through its catalog".to_owned(),
        Support::Refused { why, .. } => format!("no: {why}"),
        _ => "partly".to_owned(),
    }
}

/// How quickly the table opens: what a reader must go through.
fn log_health(table: &DeltaTable) -> Vec<(&'static str, String)> {
    let segment = table.snapshot().segment();
    let commits = segment.deltas.iter().filter(|delta| !delta.is_compaction());
    let compactions = segment.deltas.iter().filter(|delta| delta.is_compaction());
    let size = |files: &mut dyn Iterator<Item = &DeltaFile>| files.map(|delta| delta.file.size).sum();
    let commits_label = if segment.checkpoint.is_some() { "commits since" } else { "commits" };
    let checksum = segment.checksum.map_or_else(
        || "none".to_owned(),
        |version| {
            if version == table.version() { "of this version".to_owned() } else { format!("of version {version}") }
        },
    );
    vec![
        ("checkpoint", segment.checkpoint.as_ref().map_or_else(|| "none".to_owned(), checkpoint)),
        (commits_label, format!("{}, {}", commits.clone().count(), bytes(size(&mut commits.clone())))),
        ("compactions", format!("{}", compactions.count())),
        ("checksum", checksum),
    ]
}

fn checkpoint(checkpoint: &CheckpointFiles) -> String {
    let kind = match &checkpoint.kind {
        CheckpointKind::Classic => "classic".to_owned(),
        CheckpointKind::MultiPart { parts, .. } => format!("in {parts} parts"),
        CheckpointKind::Uuid { .. } => "with a unique name".to_owned(),
    };
    let size = checkpoint.files.iter().map(|file| file.size).sum();
    format!("of version {}, {kind}, {}", checkpoint.version, bytes(size))
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "-".to_owned() } else { names.join(", ") }
}

fn as_json(table: &DeltaTable, totals: &Totals) -> Value {
    let metadata = table.metadata();
    let protocol = table.protocol();
    let segment = table.snapshot().segment();
    let feature = |feature: &&'static FeatureSpec| {
        json!({
            "name": feature.name,
            "active": table.configuration().is_active(feature),
            "read": words(feature.read),
            "write": words(feature.write),
        })
    };
    json!({
        "location": table.url(),
        "version": table.version(),
        "id": metadata.id,
        "name": metadata.name,
        "description": metadata.description,
        "createdTime": metadata.created_time,
        "protocol": protocol,
        "features": protocol.supported_features().iter().map(feature).collect::<Vec<_>>(),
        "unknownFeatures": protocol.unknown_features(),
        "schema": table.schema(),
        "partitionColumns": table.configuration().partition_columns(),
        "properties": metadata.configuration,
        "files": totals.files,
        "sizeBytes": totals.size_bytes,
        "rows": totals.rows,
        "deletedRows": totals.deleted_rows,
        "log": {
            "checkpointVersion": segment.checkpoint.as_ref().map(|checkpoint| checkpoint.version),
            "commitsSinceCheckpoint": segment.deltas.iter().filter(|delta| !delta.is_compaction()).count(),
            "compactions": segment.deltas.iter().filter(|delta| delta.is_compaction()).count(),
            "checksumVersion": segment.checksum,
        },
    })
}
