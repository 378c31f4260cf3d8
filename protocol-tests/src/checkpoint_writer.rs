//! Writes checkpoints in every form of the specification, and in the ways in which writers differ.
//!
//! Spec: [Checkpoints](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#checkpoints). Actions go through their
//! JSON into Arrow's JSON reader, so that nothing of the code under test is used.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_json::ReaderBuilder;
use arrow_schema::{DataType, Field, Schema};
use bytes::Bytes;
use deltaic_log::action::{Action, Add, Sidecar};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use crate::model::Model;
use crate::rng::Rng;
use crate::test_log::ndjson;

/// A file to be put below `_delta_log`.
#[derive(Clone, Debug)]
pub struct CheckpointFile {
    /// The path below `_delta_log`.
    pub name: String,
    /// The content.
    pub bytes: Bytes,
}

/// The forms of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `<v>.checkpoint.parquet`, of the V1 spec.
    Classic,
    /// `<v>.checkpoint.<i>.<n>.parquet`, in so many parts.
    MultiPart(usize),
    /// `<v>.checkpoint.<uuid>.parquet`, with so many sidecars; files are in the checkpoint itself where there are none.
    V2Parquet(usize),
    /// `<v>.checkpoint.<uuid>.json`, as above.
    V2Json(usize),
    /// A checkpoint of the V2 spec under the classic name.
    V2Classic(usize),
}

/// Where writers differ.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Strings as Arrow's `LargeUtf8`.
    pub large_strings: bool,
    /// Columns, and fields within columns, that no specification has.
    pub extra_columns: bool,
    /// Columns for actions and fields that no row has are left out.
    pub sparse_columns: bool,
    /// Without statistics of row groups, which tell where a column is null throughout.
    pub without_statistics: bool,
    /// The most rows of a row group.
    pub row_group_rows: usize,
    /// The compression of pages.
    pub compression: Compression,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            large_strings: false,
            extra_columns: false,
            sparse_columns: false,
            without_statistics: false,
            row_group_rows: 1 << 20,
            compression: Compression::SNAPPY,
        }
    }
}

impl Style {
    /// Some way of writing.
    pub fn random(rng: &mut Rng) -> Self {
        let compressions = [Compression::SNAPPY, Compression::UNCOMPRESSED, Compression::ZSTD(Default::default())];
        Self {
            large_strings: rng.chance(30),
            extra_columns: rng.chance(30),
            sparse_columns: rng.chance(50),
            without_statistics: rng.chance(20),
            row_group_rows: *rng.pick(&[1, 2, 3, 7, 1 << 20]).expect("there are some"),
            compression: *rng.pick(&compressions).expect("there are some"),
        }
    }
}

impl Form {
    /// Some form.
    pub fn random(rng: &mut Rng) -> Self {
        let sidecars = rng.below(4);
        match rng.below(5) {
            0 => Self::Classic,
            1 => Self::MultiPart(1 + rng.below(4)),
            2 => Self::V2Parquet(sidecars),
            3 => Self::V2Json(sidecars),
            _ => Self::V2Classic(sidecars),
        }
    }
}

/// The files of a checkpoint of `state`, sidecars first, as a writer puts them.
pub fn checkpoint(state: &Model, version: u64, form: Form, style: &Style, rng: &mut Rng) -> Vec<CheckpointFile> {
    let mut files = state.file_actions();
    rng.shuffle(&mut files);
    let small = state.small_actions();
    match form {
        Form::Classic => {
            let actions = small.into_iter().chain(files).collect::<Vec<_>>();
            vec![parquet(format!("{version:020}.checkpoint.parquet"), &actions, style)]
        }
        Form::MultiPart(parts) => {
            let mut actions = small.into_iter().chain(files).collect::<Vec<_>>();
            rng.shuffle(&mut actions);
            let name = |part| format!("{version:020}.checkpoint.{part:010}.{parts:010}.parquet");
            split(&actions, parts).enumerate().map(|(i, part)| parquet(name(i + 1), part, style)).collect()
        }
        Form::V2Parquet(sidecars) => {
            let name = format!("{version:020}.checkpoint.{}.parquet", rng.uuid());
            v2(version, small, files, sidecars, style, rng, |actions| parquet(name, actions, style))
        }
        Form::V2Classic(sidecars) => {
            let name = format!("{version:020}.checkpoint.parquet");
            v2(version, small, files, sidecars, style, rng, |actions| parquet(name, actions, style))
        }
        Form::V2Json(sidecars) => {
            let name = format!("{version:020}.checkpoint.{}.json", rng.uuid());
            v2(version, small, files, sidecars, style, rng, |actions| CheckpointFile {
                name,
                bytes: ndjson(actions).into(),
            })
        }
    }
}

fn v2(
    version: u64,
    mut small: Vec<Action>,
    files: Vec<Action>,
    sidecars: usize,
    style: &Style,
    rng: &mut Rng,
    top: impl FnOnce(&[Action]) -> CheckpointFile,
) -> Vec<CheckpointFile> {
    let mut written = Vec::new();
    small.push(Model::checkpoint_metadata(version));
    match sidecars {
        0 => small.extend(files),
        _ => {
            for part in split(&files, sidecars) {
                let file = format!("{}.parquet", rng.uuid());
                written.push(parquet(format!("_sidecars/{file}"), part, style));
                let size_in_bytes = i64::try_from(written[written.len() - 1].bytes.len()).unwrap_or(i64::MAX);
                small.push(Action::Sidecar(Sidecar { path: file, size_in_bytes, modification_time: 1, tags: None }));
            }
        }
    }
    rng.shuffle(&mut small);
    written.push(top(&small));
    written
}

/// `parts` pieces, of which some may be empty.
fn split<T>(items: &[T], parts: usize) -> impl Iterator<Item = &[T]> {
    let len = items.len();
    (0..parts).map(move |part| &items[len * part / parts..len * (part + 1) / parts])
}

/// A parquet file of actions, a row each.
pub fn parquet(name: String, actions: &[Action], style: &Style) -> CheckpointFile {
    let schema = Arc::new(schema(actions, style));
    let mut decoder =
        ReaderBuilder::new(schema.clone()).with_batch_size(1 << 20).build_decoder().expect("the schema can be read");
    decoder.serialize(actions).expect("actions fit their schema");
    let batch =
        decoder.flush().expect("actions fit their schema").unwrap_or_else(|| RecordBatch::new_empty(schema.clone()));
    CheckpointFile { name, bytes: encode(&batch, style) }
}

/// A batch as a parquet file.
pub fn encode(batch: &RecordBatch, style: &Style) -> Bytes {
    let statistics = if style.without_statistics { EnabledStatistics::None } else { EnabledStatistics::Page };
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(style.row_group_rows))
        .set_statistics_enabled(statistics)
        .set_compression(style.compression)
        .build();
    let mut bytes = Vec::new();
    let mut writer =
        ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).expect("the schema can be written");
    writer.write(batch).expect("memory takes it");
    writer.close().expect("memory takes it");
    bytes.into()
}

/// Spec: [Checkpoint Schema](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#checkpoint-schema), in a style.
fn schema(actions: &[Action], style: &Style) -> Schema {
    let types = Types::new(style);
    let present = |name: &str| match name {
        "actionOfTheFuture" => style.extra_columns,
        _ => !style.sparse_columns || name == "add" || actions.iter().any(|action| wire_name(action) == name),
    };
    let columns = types.columns(actions).into_iter().filter(|(name, _)| present(name));
    Schema::new(columns.map(|(name, data_type)| Field::new(name, data_type, true)).collect::<Vec<_>>())
}

/// The types of a checkpoint's columns.
struct Types<'a> {
    style: &'a Style,
    text: DataType,
}

impl<'a> Types<'a> {
    fn new(style: &'a Style) -> Self {
        Self { style, text: if style.large_strings { DataType::LargeUtf8 } else { DataType::Utf8 } }
    }

    fn columns(&self, actions: &[Action]) -> [(&'static str, DataType); 9] {
        let text = || self.text.clone();
        [
            ("txn", self.structure(&[("appId", text()), ("version", LONG), ("lastUpdated", LONG)])),
            ("add", self.add(actions)),
            ("remove", self.remove()),
            ("metaData", self.metadata()),
            ("protocol", self.protocol()),
            ("domainMetadata", self.structure(&[("domain", text()), ("configuration", text()), ("removed", BOOLEAN)])),
            ("checkpointMetadata", self.structure(&[("version", LONG), ("tags", self.map())])),
            (
                "sidecar",
                self.structure(&[
                    ("path", text()),
                    ("sizeInBytes", LONG),
                    ("modificationTime", LONG),
                    ("tags", self.map()),
                ]),
            ),
            ("actionOfTheFuture", self.structure(&[("x", text())])),
        ]
    }

    fn add(&self, actions: &[Action]) -> DataType {
        let has =
            |wanted: fn(&Add) -> bool| actions.iter().any(|action| matches!(action, Action::Add(add) if wanted(add)));
        let mut fields = vec![
            ("path", self.text.clone()),
            ("partitionValues", self.map()),
            ("size", LONG),
            ("modificationTime", LONG),
            ("dataChange", BOOLEAN),
            ("stats", self.text.clone()),
            ("tags", self.map()),
            ("deletionVector", self.vector()),
            ("baseRowId", LONG),
            ("defaultRowCommitVersion", LONG),
            ("clusteringProvider", self.text.clone()),
        ];
        fields.retain(|(name, _)| match *name {
            _ if !self.style.sparse_columns => true,
            "tags" => has(|add| add.tags.is_some()),
            "deletionVector" => has(|add| add.deletion_vector.is_some()),
            "baseRowId" => has(|add| add.base_row_id.is_some()),
            "defaultRowCommitVersion" => has(|add| add.default_row_commit_version.is_some()),
            "clusteringProvider" => false,
            _ => true,
        });
        self.structure(&fields)
    }

    fn remove(&self) -> DataType {
        self.structure(&[
            ("path", self.text.clone()),
            ("deletionTimestamp", LONG),
            ("dataChange", BOOLEAN),
            ("extendedFileMetadata", BOOLEAN),
            ("partitionValues", self.map()),
            ("size", LONG),
            ("deletionVector", self.vector()),
        ])
    }

    fn vector(&self) -> DataType {
        self.structure(&[
            ("storageType", self.text.clone()),
            ("pathOrInlineDv", self.text.clone()),
            ("offset", INTEGER),
            ("sizeInBytes", INTEGER),
            ("cardinality", LONG),
        ])
    }

    fn protocol(&self) -> DataType {
        self.structure(&[
            ("minReaderVersion", INTEGER),
            ("minWriterVersion", INTEGER),
            ("readerFeatures", self.texts()),
            ("writerFeatures", self.texts()),
        ])
    }

    fn metadata(&self) -> DataType {
        self.structure(&[
            ("id", self.text.clone()),
            ("name", self.text.clone()),
            ("description", self.text.clone()),
            ("format", self.structure(&[("provider", self.text.clone()), ("options", self.map())])),
            ("schemaString", self.text.clone()),
            ("partitionColumns", self.texts()),
            ("configuration", self.map()),
            ("createdTime", LONG),
        ])
    }

    fn texts(&self) -> DataType {
        DataType::List(Arc::new(Field::new("element", self.text.clone(), true)))
    }

    fn map(&self) -> DataType {
        let entry = [Field::new("key", self.text.clone(), false), Field::new("value", self.text.clone(), true)];
        DataType::Map(Arc::new(Field::new("key_value", DataType::Struct(entry.to_vec().into()), false)), false)
    }

    fn structure(&self, fields: &[(&str, DataType)]) -> DataType {
        let extra = self.style.extra_columns.then(|| Field::new("notOfTheSpec", LONG, true));
        let fields = fields.iter().map(|(name, data_type)| Field::new(*name, data_type.clone(), true));
        DataType::Struct(extra.into_iter().chain(fields).collect())
    }
}

const LONG: DataType = DataType::Int64;
const INTEGER: DataType = DataType::Int32;
const BOOLEAN: DataType = DataType::Boolean;

fn wire_name(action: &Action) -> &'static str {
    match action {
        Action::Metadata(_) => "metaData",
        Action::Add(_) => "add",
        Action::Remove(_) => "remove",
        Action::SetTransaction(_) => "txn",
        Action::Protocol(_) => "protocol",
        Action::DomainMetadata(_) => "domainMetadata",
        Action::Sidecar(_) => "sidecar",
        Action::CheckpointMetadata(_) => "checkpointMetadata",
        _ => "",
    }
}
