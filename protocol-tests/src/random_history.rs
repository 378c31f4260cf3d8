//! Random legal histories of a table, and the files that a writer may leave beside its commits.

use deltaic_log::action::{
    Action, Add, CommitInfo, DomainMetadata, Format, Metadata, Protocol, Remove, SetTransaction,
};
use deltaic_log::deletion_vector::{DeletionVectorDescriptor, StorageType};

use crate::model::Model;
use crate::rng::Rng;

/// Makes commits, each legal after those before it.
#[derive(Debug)]
pub struct Historian {
    rng: Rng,
    state: Model,
    next_file: u64,
    next_vector: u64,
    versions: u64,
    keeps_tombstones: bool,
}

/// Spellings of one file's name that a reader must take for the same file: percent-encoding more or less of it.
const SPELLINGS: [(&str, &str); 3] =
    [("p=1/f-", "-a b.parquet"), ("p=1/f-", "-a%20b.parquet"), ("p%3D1/f-", "-a%20b.parquet")];

impl Historian {
    /// A history that this seed determines.
    pub fn new(seed: u64) -> Self {
        Self {
            rng: Rng::new(seed),
            state: Model::default(),
            next_file: 0,
            next_vector: 0,
            versions: 0,
            keeps_tombstones: seed % 2 == 0,
        }
    }

    /// The state after the commits made so far.
    pub fn state(&self) -> &Model {
        &self.state
    }

    /// The next commit.
    pub fn commit(&mut self) -> Vec<Action> {
        let mut commit = match self.versions {
            0 => vec![Action::Protocol(self.protocol()), Action::Metadata(self.metadata())],
            _ => Vec::new(),
        };
        if self.rng.chance(70) {
            commit
                .push(Action::CommitInfo(CommitInfo { operation: Some("WRITE".to_owned()), ..CommitInfo::default() }));
        }
        let mut touched = Vec::new();
        for _ in 0..self.rng.below(7) {
            let actions = self.change(&mut touched, self.versions == 0);
            commit.extend(actions);
        }
        self.rng.shuffle(&mut commit);
        self.state.apply(&commit);
        self.versions += 1;
        commit
    }

    /// One change that is about nothing in `touched`.
    fn change(&mut self, touched: &mut Vec<String>, is_first: bool) -> Vec<Action> {
        match self.rng.below(20) {
            0..=6 => {
                self.next_file += 1;
                let number = self.next_file;
                touched.push(number.to_string());
                vec![Action::Add(self.add(number))]
            }
            7..=10 => self.of_live(touched, |this, add| vec![Action::Remove(this.remove(&add))]),
            11 => self.re_add(touched),
            12 => self.of_live(touched, |this, add| vec![Action::Add(this.rewritten(add))]),
            13..=15 => self.of_live(touched, Self::new_vector),
            16 => self.once(touched, "app", |this, name| {
                let version = i64::try_from(this.rng.below(9)).unwrap_or(0);
                Action::SetTransaction(SetTransaction {
                    app_id: name,
                    version,
                    last_updated: this.rng.chance(50).then_some(5),
                })
            }),
            17 => self.once(touched, "domain", |this, domain| {
                let configuration = format!("{{\"n\":\"{}\"}}", this.rng.below(99));
                Action::DomainMetadata(DomainMetadata { domain, configuration, removed: this.rng.chance(40) })
            }),
            18 if !is_first && !touched.contains(&"metadata".to_owned()) => {
                touched.push("metadata".to_owned());
                vec![Action::Metadata(self.metadata())]
            }
            19 if !is_first && !touched.contains(&"protocol".to_owned()) => {
                touched.push("protocol".to_owned());
                vec![Action::Protocol(self.protocol())]
            }
            _ => self.unknown_file(touched),
        }
    }

    fn once(
        &mut self,
        touched: &mut Vec<String>,
        kind: &str,
        action: impl FnOnce(&mut Self, String) -> Action,
    ) -> Vec<Action> {
        let name = format!("{kind}{}", self.rng.below(3));
        if touched.contains(&name) {
            return Vec::new();
        }
        touched.push(name.clone());
        vec![action(self, name)]
    }

    /// A change of a live file, if there is one that this commit has not changed yet.
    fn of_live(
        &mut self,
        touched: &mut Vec<String>,
        change: impl FnOnce(&mut Self, Add) -> Vec<Action>,
    ) -> Vec<Action> {
        let free = self.state.files.iter().filter(|((number, _), _)| !touched.contains(&number.to_string()));
        let live: Vec<_> = free.map(|((number, _), add)| (*number, add.clone())).collect();
        let Some((number, add)) = self.rng.pick(&live).cloned() else { return Vec::new() };
        touched.push(number.to_string());
        change(self, add)
    }

    /// A file that was removed comes back.
    fn re_add(&mut self, touched: &mut Vec<String>) -> Vec<Action> {
        let is_live = |number: &u64| self.state.files.keys().any(|(live, _)| live == number);
        let gone = self.state.removed.keys().map(|(number, _)| *number).filter(|number| !is_live(number));
        let gone: Vec<_> = gone.filter(|number| !touched.contains(&number.to_string())).collect();
        let Some(number) = self.rng.pick(&gone).copied() else { return Vec::new() };
        touched.push(number.to_string());
        vec![Action::Add(self.add(number))]
    }

    /// A tombstone of a file that the log has never seen: legal, and without effect.
    fn unknown_file(&mut self, touched: &mut Vec<String>) -> Vec<Action> {
        self.next_file += 1;
        touched.push(self.next_file.to_string());
        let never_added = self.add(self.next_file);
        vec![Action::Remove(self.remove(&never_added))]
    }

    fn add(&mut self, number: u64) -> Add {
        let value = match self.rng.below(4) {
            0 => None,
            1 => Some(String::new()),
            2 => Some("ä \"quoted\" %20".to_owned()),
            _ => Some(self.rng.below(5).to_string()),
        };
        let size = i64::try_from(self.rng.next_u64() >> 20).unwrap_or(0);
        Add {
            path: self.path(number),
            partition_values: [("p".to_owned(), value), ("q".to_owned(), self.rng.chance(50).then(|| "1".to_owned()))]
                .into(),
            size,
            modification_time: 1_600_000_000_000 + size % 1000,
            data_change: true,
            stats: self.rng.chance(60).then(|| format!("{{\"numRecords\":{}}}", self.rng.below(100))),
            tags: self
                .rng
                .chance(20)
                .then(|| [("t".to_owned(), Some("1".to_owned())), ("none".to_owned(), None)].into()),
            deletion_vector: self.rng.chance(10).then(|| self.vector()),
            base_row_id: self.rng.chance(30).then_some(size / 2),
            default_row_commit_version: self.rng.chance(30).then_some(3),
            clustering_provider: None,
        }
    }

    fn path(&mut self, number: u64) -> String {
        let (before, after) = *self.rng.pick(&SPELLINGS).expect("there are some");
        format!("{before}{number}{after}")
    }

    /// The same logical file, described anew.
    fn rewritten(&mut self, add: Add) -> Add {
        let number = self.next_file;
        Add { deletion_vector: add.deletion_vector, path: add.path, data_change: false, ..self.add(number) }
    }

    fn remove(&mut self, add: &Add) -> Remove {
        let number = crate::model::key(&add.path, None).0;
        let extended = self.rng.chance(50);
        Remove {
            path: self.path(number),
            deletion_timestamp: self.rng.chance(90).then_some(1_600_000_000_000),
            data_change: true,
            extended_file_metadata: extended.then_some(true),
            partition_values: extended.then(|| add.partition_values.clone()),
            size: extended.then_some(add.size),
            deletion_vector: add.deletion_vector.clone(),
            ..Remove::default()
        }
    }

    /// Spec: a new deletion vector is a `remove` of the file with the old one and an `add` with the new one.
    fn new_vector(&mut self, add: Add) -> Vec<Action> {
        let removed = self.remove(&add);
        let vector = (add.deletion_vector.is_none() || self.rng.chance(80)).then(|| self.vector());
        vec![Action::Add(Add { deletion_vector: vector, ..add }), Action::Remove(removed)]
    }

    fn vector(&mut self) -> DeletionVectorDescriptor {
        self.next_vector += 1;
        let storage_type = *self
            .rng
            .pick(&[StorageType::Inline, StorageType::RelativePath, StorageType::AbsolutePath])
            .expect("there are some");
        DeletionVectorDescriptor {
            storage_type,
            // Vectors in one file differ by their offset alone; inline ones by their text.
            path_or_inline_dv: match storage_type {
                StorageType::Inline => format!("v{}", self.next_vector),
                _ => format!("v{}", self.next_vector / 3),
            },
            offset: (storage_type != StorageType::Inline).then(|| i32::try_from(self.next_vector).unwrap_or(0)),
            size_in_bytes: 10,
            cardinality: 1,
        }
    }

    fn protocol(&mut self) -> Protocol {
        let features = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
        match self.rng.below(3) {
            0 => {
                Protocol { min_reader_version: 1, min_writer_version: 2, reader_features: None, writer_features: None }
            }
            1 => Protocol {
                min_reader_version: 2,
                min_writer_version: 7,
                reader_features: None,
                writer_features: features(&["columnMapping"]),
            },
            _ => Protocol {
                min_reader_version: 3,
                min_writer_version: 7,
                reader_features: features(&["deletionVectors", "v2Checkpoint"]),
                writer_features: features(&["deletionVectors", "v2Checkpoint", "domainMetadata"]),
            },
        }
    }

    fn metadata(&mut self) -> Metadata {
        let schema = r#"{"type":"struct","fields":[{"name":"p","type":"string","nullable":true,"metadata":{}}]}"#;
        Metadata {
            id: "5fba94ed-9794-4965-ba6e-6ee3c0d22af9".to_owned(),
            name: self.rng.chance(50).then(|| format!("name {}", self.rng.below(9))),
            description: None,
            format: Format::default(),
            schema_string: Some(schema.to_owned()),
            partition_columns: vec!["p".to_owned()],
            configuration: self.configuration(),
            created_time: self.rng.chance(50).then_some(7),
        }
    }

    /// Properties: in every other history, no tombstone has expired yet. A checkpoint forgets those that have, so this does
    /// not change.
    fn configuration(&mut self) -> std::collections::BTreeMap<String, String> {
        let retention = ("delta.deletedFileRetentionDuration".to_owned(), "interval 200 weeks".to_owned());
        let retention = self.keeps_tombstones.then_some(retention);
        [("k".to_owned(), self.rng.below(9).to_string())].into_iter().chain(retention).collect()
    }
}
