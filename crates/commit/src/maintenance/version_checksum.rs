//! Spec: [Version Checksum File](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#version-checksum-file): what is
//! written beside a commit.
//!
//! ```text
//!   checksum of an older version, or its whole state      the commits since then
//!                     └──────────────► apply each ◄──────────────┘ ──► checksum of this version ──► put, if absent
//! ```
//!
//! A checksum must be right: other engines refuse tables whose state differs from it. So a commit is counted only where what
//! it does to the live files is certain, and a file of which it is not is looked up among those that are read already, or can
//! be read for little. Where that cannot be done, the version gets no checksum; readers do without.

use std::collections::BTreeMap;
use std::sync::Arc;

use deltaic_log::action::{Add, DomainMetadata, Remove, SetTransaction};
use deltaic_log::action_reconciliation::canonical_path;
use deltaic_log::deletion_vector::DeletionVectorDescriptor;
use deltaic_log::feature::{DELETION_VECTORS, IN_COMMIT_TIMESTAMP};
use deltaic_log::table_properties::property;
use deltaic_log::version_checksum::{DeletedRecordCountsHistogram, FileSizeHistogram, VersionChecksum};
use deltaic_log::{FileSet, Result, Snapshot, TableConfiguration, TableStore, Version};

use super::log_files::{self, Existing};
use crate::winner::Winner;

/// A table's state is read for its checksum where its log is no larger than this: 4 MiB in 32 files, some ten thousand
/// entries. The next checksum is made from this one.
const LOG_BYTES_MAX: u64 = 4 << 20;
const LOG_FILES_MAX: usize = 32;
/// With more transaction identifiers, or domains, a checksum does not list them: it is read whenever the table is opened.
const LISTED_MAX: usize = 1_000;

/// A version that was just committed, and what is known of those before it.
#[derive(Debug)]
pub(crate) struct Landed<'a> {
    pub(crate) store: &'a TableStore,
    /// Where the transaction began; none for a new table.
    pub(crate) base: Option<&'a Snapshot>,
    /// The commits between `base` and this one, without gaps.
    pub(crate) passed: &'a [Winner],
    pub(crate) commit: &'a Winner,
    /// The table's configuration before this version.
    pub(crate) before: &'a TableConfiguration,
}

/// Writes the version's checksum, if it can be made. None where it cannot, or where there is one already.
///
/// # Errors
/// [`deltaic_log::ErrorKind::Storage`]; as [`Snapshot::files`].
pub(crate) async fn write(landed: &Landed<'_>) -> Result<Option<Arc<VersionChecksum>>> {
    let Some(checksum) = landed.checksum().await? else { return Ok(None) };
    let path = VersionChecksum::path(landed.commit.version);
    let is_new = log_files::put(landed.store, &path, checksum.to_text()?, Existing::Stays).await?;
    Ok(is_new.then(|| Arc::new(checksum)))
}

/// A version's checksum, and what its protocol and metadata mean.
#[derive(Clone, Debug)]
struct Point {
    checksum: VersionChecksum,
    table: TableConfiguration,
}

impl Landed<'_> {
    async fn checksum(&self) -> Result<Option<VersionChecksum>> {
        let (mut point, commits) = match self.commit.version.previous() {
            None => (Point::before_the_first(self.before), vec![self.commit]),
            Some(previous) => match self.start(previous).await? {
                Some(start) => start,
                None => return Ok(None),
            },
        };
        let Some(mut lookup) = self.lookup(&commits).await? else { return Ok(None) };
        for commit in commits {
            match point.after(commit, &mut lookup) {
                Some(next) => point = next,
                None => return Ok(None),
            }
        }
        Ok(Some(point.checksum))
    }

    /// A point to go out from, and the commits since.
    async fn start(&self, previous: Version) -> Result<Option<(Point, Vec<&Winner>)>> {
        let base = self.base.filter(|base| base.version().0 + self.passed.len() as u64 == previous.0);
        let since_base = || self.passed.iter().chain([self.commit]).collect::<Vec<_>>();
        if let Some(point) = base.and_then(|base| Point::of(base.checksum()?.clone(), base.configuration())) {
            return Ok(Some((point, since_base())));
        }
        if let Some((base, files)) = base.and_then(|base| Some((base, base.files_if_read()?))) {
            return Ok(Some((Point::of_state(base, &files).await?, since_base())));
        }
        let read = VersionChecksum::read(self.store, previous).await?;
        if let Some(point) = read.and_then(|checksum| Point::of(checksum, self.before)) {
            return Ok(Some((point, vec![self.commit])));
        }
        match base.filter(|base| is_small(base)) {
            Some(base) => Ok(Some((Point::of_state(base, &base.files().await?).await?, since_base()))),
            None => Ok(None),
        }
    }

    /// What the live files were of which the commits do not say it for certain; none where that cannot be told.
    async fn lookup(&self, commits: &[&Winner]) -> Result<Option<Lookup>> {
        let files: Vec<FileRef<'_>> = commits.iter().flat_map(|commit| uncertain(commit)).collect();
        if files.is_empty() || commits.first().is_some_and(|commit| commit.version == Version(0)) {
            return Ok(Some(Lookup::default()));
        }
        let first = commits.first().map(|commit| commit.version);
        let Some(base) = self.base.filter(|base| Some(base.version().next()) == first) else { return Ok(None) };
        let live = match base.files_if_read() {
            Some(live) => live,
            None if is_small(base) => base.files().await?,
            None => return Ok(None),
        };
        Ok(Some(Lookup::of(&files, &live)))
    }
}

fn is_small(snapshot: &Snapshot) -> bool {
    let segment = snapshot.segment();
    let checkpoint = segment.checkpoint.iter().flat_map(|checkpoint| &checkpoint.files);
    let sizes = checkpoint.chain(segment.deltas.iter().map(|delta| &delta.file)).map(|file| file.size);
    sizes.clone().count() <= LOG_FILES_MAX && sizes.fold(0, u64::saturating_add) <= LOG_BYTES_MAX
}

impl Point {
    fn before_the_first(table: &TableConfiguration) -> Self {
        Self::of_files(table, std::iter::empty(), Vec::new(), Vec::new())
    }

    /// A checksum that speaks of this protocol and metadata: else it is another version's, or wrong.
    fn of(checksum: VersionChecksum, table: &TableConfiguration) -> Option<Self> {
        let is_of_table = checksum.protocol == *table.protocol() && checksum.metadata == *table.metadata();
        is_of_table.then(|| Self { checksum, table: table.clone() })
    }

    /// A whole state, but for what its own commit says.
    async fn of_state(snapshot: &Snapshot, files: &FileSet) -> Result<Self> {
        let facts = files.iter().map(|file| FileFacts::new(file.size(), file.deletion_vector()));
        let transactions = snapshot.transactions().await?.into_values().collect();
        let domains = snapshot.domains().await?.into_values().collect();
        Ok(Self::of_files(snapshot.configuration(), facts, transactions, domains))
    }

    fn of_files(
        table: &TableConfiguration,
        files: impl Iterator<Item = FileFacts>,
        transactions: Vec<SetTransaction>,
        domains: Vec<DomainMetadata>,
    ) -> Self {
        let mut numbers = Numbers::of_no_files();
        files.for_each(|file| numbers.change(file, 1));
        let (protocol, metadata) = (table.protocol().clone(), table.metadata().clone());
        let mut checksum = VersionChecksum {
            txn_id: None,
            table_size_bytes: 0,
            num_files: 0,
            num_deleted_records_opt: None,
            num_deletion_vectors_opt: None,
            num_metadata: 1,
            num_protocol: 1,
            in_commit_timestamp_opt: None,
            set_transactions: (!forgets_transactions(table)).then_some(transactions).filter(|list| is_short(list)),
            domain_metadata: Some(domains).filter(|list| is_short(list)),
            metadata,
            protocol,
            file_size_histogram: None,
            deleted_record_counts_histogram_opt: None,
            all_files: None,
        };
        numbers.write_into(&mut checksum, table);
        Self { checksum, table: table.clone() }
    }

    /// The point after one more commit; none where the numbers contradict each other.
    fn after(&self, commit: &Winner, lookup: &mut Lookup) -> Option<Self> {
        let before = &self.checksum;
        let table = commit.configuration_after(&self.table).ok()?;
        let mut numbers = Numbers::of(before, &self.table);
        numbers.apply(commit, lookup)?;
        let has_times = table.is_active(&IN_COMMIT_TIMESTAMP);
        let forgets = forgets_transactions(&self.table) || forgets_transactions(&table);
        let transactions = before.set_transactions.as_deref().filter(|_| !forgets);
        let mut checksum = VersionChecksum {
            txn_id: commit.commit_info.as_ref().and_then(|info| info.txn_id.clone()),
            in_commit_timestamp_opt: commit.in_commit_timestamp().filter(|_| has_times).map(|time| time.0),
            set_transactions: transactions.map(|list| transactions_after(list, commit)).filter(|list| is_short(list)),
            domain_metadata: before
                .domain_metadata
                .as_deref()
                .map(|list| domains_after(list, commit))
                .filter(|list| is_short(list)),
            metadata: table.metadata().clone(),
            protocol: table.protocol().clone(),
            all_files: None,
            ..before.clone()
        };
        numbers.write_into(&mut checksum, &table);
        Some(Self { checksum, table })
    }
}

/// Where identifiers are forgotten with time, a list of them would be right only for a while.
fn forgets_transactions(table: &TableConfiguration) -> bool {
    table.properties().text(property::SET_TRANSACTION_RETENTION_DURATION.spec.key).is_some()
}

fn is_short<T>(list: &[T]) -> bool {
    list.len() <= LISTED_MAX
}

fn transactions_after(before: &[SetTransaction], commit: &Winner) -> Vec<SetTransaction> {
    let all = before.iter().chain(&commit.transactions);
    all.map(|transaction| (&transaction.app_id, transaction))
        .collect::<BTreeMap<_, _>>()
        .into_values()
        .cloned()
        .collect()
}

fn domains_after(before: &[DomainMetadata], commit: &Winner) -> Vec<DomainMetadata> {
    let all = before.iter().chain(&commit.domains);
    let newest = all.map(|domain| (&domain.domain, domain)).collect::<BTreeMap<_, _>>();
    newest.into_values().filter(|domain| !domain.removed).cloned().collect()
}

/// What is counted of a live file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileFacts {
    size: i64,
    deleted_rows: Option<i64>,
}

impl FileFacts {
    fn new(size: i64, vector: Option<&DeletionVectorDescriptor>) -> Self {
        Self { size, deleted_rows: vector.map(|vector| vector.cardinality) }
    }
}

/// What is counted of all live files.
#[derive(Clone, Debug)]
struct Numbers {
    files: i64,
    bytes: i64,
    sizes: Option<FileSizeHistogram>,
    vectors: Option<Vectors>,
}

#[derive(Clone, Debug)]
struct Vectors {
    count: i64,
    rows: i64,
    histogram: Option<DeletedRecordCountsHistogram>,
}

impl Numbers {
    fn of_no_files() -> Self {
        Self { files: 0, bytes: 0, sizes: Some(FileSizeHistogram::empty()), vectors: Some(Vectors::of_whole_files(0)) }
    }

    fn of(checksum: &VersionChecksum, table: &TableConfiguration) -> Self {
        let (files, bytes) = (checksum.num_files, checksum.table_size_bytes);
        if (files, bytes) == (0, 0) {
            return Self::of_no_files();
        }
        let vectors = match (checksum.num_deletion_vectors_opt, checksum.num_deleted_records_opt) {
            // Without the feature no file has a deletion vector, whether it is said or not.
            _ if !table.protocol().supports(&DELETION_VECTORS) => Some(Vectors::of_whole_files(files)),
            (Some(count), Some(rows)) => {
                let histogram = checksum.deleted_record_counts_histogram_opt.clone();
                Some(Vectors { count, rows, histogram: histogram.filter(|histogram| histogram.is_of(files)) })
            }
            _ => None,
        };
        let sizes = checksum.file_size_histogram.clone().filter(|sizes| sizes.is_of(files, bytes));
        Self { files, bytes, sizes, vectors }
    }

    /// None where that many files cannot have been there.
    fn apply(&mut self, commit: &Winner, lookup: &mut Lookup) -> Option<()> {
        for remove in &commit.removes {
            let file = FileRef::of_remove(remove);
            let was = match lookup.known(&file) {
                Some(was) => was,
                None => Some(FileFacts::new(remove.size?, remove.deletion_vector.as_ref())),
            };
            if let Some(was) = was {
                self.change(was, -1);
            }
            lookup.set(&file, None);
        }
        for add in &commit.adds {
            let (file, is) = (FileRef::of_add(add), FileFacts::new(add.size, add.deletion_vector.as_ref()));
            if let Some(Some(was)) = lookup.known(&file) {
                self.change(was, -1);
            }
            self.change(is, 1);
            lookup.set(&file, Some(is));
        }
        let vectors = self.vectors.as_ref();
        let is_possible =
            self.files >= 0 && self.bytes >= 0 && vectors.is_none_or(|all| all.count >= 0 && all.rows >= 0);
        is_possible.then_some(())
    }

    fn change(&mut self, file: FileFacts, files: i64) {
        self.files = self.files.saturating_add(files);
        self.bytes = self.bytes.saturating_add(file.size.saturating_mul(files));
        if let Some(sizes) = &mut self.sizes {
            sizes.change(file.size, files);
        }
        if let Some(vectors) = &mut self.vectors {
            let rows = file.deleted_rows.unwrap_or(0);
            vectors.count = vectors.count.saturating_add(if file.deleted_rows.is_some() { files } else { 0 });
            vectors.rows = vectors.rows.saturating_add(rows.saturating_mul(files));
            if let Some(histogram) = &mut vectors.histogram {
                histogram.change(rows, files);
            }
        }
    }

    fn write_into(self, checksum: &mut VersionChecksum, table: &TableConfiguration) {
        let Self { files, bytes, sizes, vectors } = self;
        let vectors = vectors.filter(|_| table.protocol().supports(&DELETION_VECTORS));
        (checksum.num_files, checksum.table_size_bytes) = (files, bytes);
        checksum.file_size_histogram = sizes.filter(|sizes| sizes.is_of(files, bytes));
        checksum.num_deletion_vectors_opt = vectors.as_ref().map(|vectors| vectors.count);
        checksum.num_deleted_records_opt = vectors.as_ref().map(|vectors| vectors.rows);
        checksum.deleted_record_counts_histogram_opt =
            vectors.and_then(|vectors| vectors.histogram).filter(|histogram| histogram.is_of(files));
    }
}

impl Vectors {
    fn of_whole_files(files: i64) -> Self {
        Self { count: 0, rows: 0, histogram: Some(DeletedRecordCountsHistogram::of_whole_files(files)) }
    }
}

/// A logical file, as an action names it.
#[derive(Clone, Copy, Debug)]
struct FileRef<'a> {
    path: &'a str,
    vector: Option<&'a DeletionVectorDescriptor>,
}

impl<'a> FileRef<'a> {
    fn of_add(add: &'a Add) -> Self {
        Self { path: &add.path, vector: add.deletion_vector.as_ref() }
    }

    fn of_remove(remove: &'a Remove) -> Self {
        Self { path: &remove.path, vector: remove.deletion_vector.as_ref() }
    }

    fn vector_id(&self) -> Option<String> {
        self.vector.map(DeletionVectorDescriptor::unique_id)
    }
}

/// The files that a commit may or may not add to, or take from, the live ones: it does not say how large they were, or it
/// says that rows do not change although files only come, or only go. Such a commit may add a file again that is live, with
/// other statistics, or remove one that is not.
fn uncertain(commit: &Winner) -> impl Iterator<Item = FileRef<'_>> {
    let (only_adds, only_removes) = (commit.removes.is_empty(), commit.adds.is_empty());
    let adds = commit.adds.iter().filter(move |add| only_adds && !add.data_change).map(FileRef::of_add);
    let removes =
        commit.removes.iter().filter(move |remove| remove.size.is_none() || only_removes && !remove.data_change);
    adds.chain(removes.map(FileRef::of_remove))
}

/// What is known of some files by canonical path and deletion vector: what they are while they are live, or that they are not.
#[derive(Debug, Default)]
struct Lookup(BTreeMap<String, BTreeMap<Option<String>, Option<FileFacts>>>);

impl Lookup {
    fn of(files: &[FileRef<'_>], live: &FileSet) -> Self {
        let mut this = Self::default();
        for file in files {
            this.0.entry(canonical_path(file.path).into_owned()).or_default().insert(file.vector_id(), None);
        }
        for file in live.iter() {
            let facts = FileFacts::new(file.size(), file.deletion_vector());
            this.set(&FileRef { path: file.path(), vector: file.deletion_vector() }, Some(facts));
        }
        this
    }

    fn known(&self, file: &FileRef<'_>) -> Option<Option<FileFacts>> {
        self.0.get(canonical_path(file.path).as_ref())?.get(&file.vector_id()).copied()
    }

    /// Of files that nobody asks for nothing is kept.
    fn set(&mut self, file: &FileRef<'_>, facts: Option<FileFacts>) {
        let place = self.0.get_mut(canonical_path(file.path).as_ref());
        if let Some(place) = place.and_then(|vectors| vectors.get_mut(&file.vector_id())) {
            *place = facts;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use deltaic_log::action::{Action, CommitInfo, Metadata, Protocol};
    use deltaic_log::deletion_vector::StorageType;
    use deltaic_log::feature::ROW_TRACKING;
    use rstest::rstest;

    fn table(configuration: &[(&str, &str)]) -> TableConfiguration {
        let configuration = configuration.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let metadata = Metadata { id: "x".to_owned(), configuration, ..Metadata::default() };
        TableConfiguration::try_new(Protocol::weakest_with([&DELETION_VECTORS, &ROW_TRACKING]), metadata).unwrap()
    }

    fn vector(rows: i64) -> Option<DeletionVectorDescriptor> {
        let (storage_type, path_or_inline_dv) = (StorageType::Inline, format!("dv{rows}"));
        Some(DeletionVectorDescriptor {
            storage_type,
            path_or_inline_dv,
            offset: None,
            size_in_bytes: 1,
            cardinality: rows,
        })
    }

    /// `+a:9` adds a file of nine bytes, `-a:9` removes it, `-a` without telling its size; `=` in front: no row changes;
    /// `/3` behind: three of its rows are deleted.
    fn action(text: &str) -> Action {
        let (data_change, text) = text.strip_prefix('=').map_or((true, text), |text| (false, text));
        let (text, rows) = text.split_once('/').unwrap_or((text, "0"));
        let deletion_vector = Some(rows.parse().unwrap()).filter(|rows| *rows > 0).and_then(vector);
        let (path, size) = text[1..].split_once(':').unwrap_or((&text[1..], ""));
        let (path, size) = (path.to_owned(), size.parse().ok());
        match &text[..1] {
            "+" => Action::Add(Add { path, size: size.unwrap(), data_change, deletion_vector, ..Add::default() }),
            _ => Action::Remove(Remove { path, size, data_change, deletion_vector, ..Remove::default() }),
        }
    }

    fn commit(text: &str) -> Winner {
        Winner::of(Version(1), text.split_whitespace().map(action).collect())
    }

    /// After these commits: files, bytes, deletion vectors, deleted rows; or nothing, where that cannot be told.
    #[rstest]
    #[case("+a:5 +b:7", Some((2, 12, 0, 0)))]
    #[case("+a:5 +b:7 | -a:5", Some((1, 7, 0, 0)))]
    #[case("+a:5 | -a", None)]
    #[case("+a:5 | -a:5 +a:5/3", Some((1, 5, 1, 3)))]
    #[case("+a:5 | -a:5 +a:5/3 | -a:5/3 +a:5/4", Some((1, 5, 1, 4)))]
    #[case("+a:5/3 +b:1 | -a:5/3 -b:1", Some((0, 0, 0, 0)))]
    // Rearranged: some files for others.
    #[case("+a:5 +b:7 | =-a:5 =-b:7 =+c:11", Some((1, 11, 0, 0)))]
    // Files that only come or only go, though rows stay: are they there already?
    #[case("+a:5 | =+a:5", None)]
    #[case("+a:5 | =-a:5", None)]
    #[case("-a:5", None)]
    fn counted(#[case] commits: &str, #[case] expected: Option<(i64, i64, i64, i64)>) {
        let mut point = Some(Point::before_the_first(&table(&[])));
        for text in commits.split('|') {
            let commit = commit(text);
            let is_certain = uncertain(&commit).next().is_none();
            point = point.filter(|_| is_certain).and_then(|point| point.after(&commit, &mut Lookup::default()));
        }
        let found = point.map(|Point { checksum, .. }| {
            let sizes = checksum.file_size_histogram.unwrap();
            assert!(sizes.is_of(checksum.num_files, checksum.table_size_bytes));
            assert!(checksum.deleted_record_counts_histogram_opt.unwrap().is_of(checksum.num_files));
            let vectors = (checksum.num_deletion_vectors_opt.unwrap(), checksum.num_deleted_records_opt.unwrap());
            (checksum.num_files, checksum.table_size_bytes, vectors.0, vectors.1)
        });
        assert_eq!(found, expected, "{commits}");
    }

    /// A file that is added again, and one that is removed but was not there.
    #[test]
    fn what_is_looked_up_is_counted_for_what_it_is() {
        let point = Point::before_the_first(&table(&[])).after(&commit("+a:5 +b:7/2"), &mut Lookup::default()).unwrap();
        let commit = commit("=+a:6 =+b:7/2 =+c:1");
        let mut lookup = Lookup::default();
        let known = [(vec!["a"], None, Some(5)), (vec!["b"], Some(2), Some(7)), (vec!["c"], None, None)];
        for (paths, rows, size) in known {
            let id = rows.and_then(vector).map(|vector| vector.unique_id());
            let facts = size.map(|size| FileFacts { size, deleted_rows: rows });
            lookup.0.entry(paths[0].to_owned()).or_default().insert(id, facts);
        }
        let checksum = point.after(&commit, &mut lookup).unwrap().checksum;
        assert_eq!((checksum.num_files, checksum.table_size_bytes), (3, 14));
        assert_eq!(checksum.num_deleted_records_opt, Some(2));
    }

    #[test]
    fn identifiers_and_domains_are_carried_on() {
        let txn = |app_id: &str, version| SetTransaction { app_id: app_id.to_owned(), version, last_updated: None };
        let domain =
            |domain: &str, removed| DomainMetadata { domain: domain.to_owned(), configuration: String::new(), removed };
        let after = |point: &Point, transactions: Vec<SetTransaction>, domains: Vec<DomainMetadata>| {
            let info =
                CommitInfo { txn_id: Some("t".to_owned()), in_commit_timestamp: Some(7), ..CommitInfo::default() };
            let commit = Winner { transactions, domains, commit_info: Some(info), ..Winner::default() };
            point.after(&commit, &mut Lookup::default()).unwrap()
        };
        let point = Point::before_the_first(&table(&[("delta.enableInCommitTimestamps", "true")]));
        let point = after(&point, vec![txn("a", 3), txn("b", 9)], vec![domain("x", false), domain("y", false)]);
        let checksum = after(&point, vec![txn("a", 2)], vec![domain("x", true)]).checksum;
        assert_eq!(
            checksum.set_transactions,
            Some(vec![txn("a", 2), txn("b", 9)]),
            "the newest stands, not the highest"
        );
        assert_eq!(checksum.domain_metadata, Some(vec![domain("y", false)]));
        assert_eq!(checksum.txn_id.as_deref(), Some("t"));
        // The feature is not in the protocol: the property alone says nothing.
        assert_eq!(checksum.in_commit_timestamp_opt, None);

        let forgetful = Point::before_the_first(&table(&[("delta.setTransactionRetentionDuration", "interval 1 day")]));
        assert_eq!(after(&forgetful, vec![txn("a", 1)], Vec::new()).checksum.set_transactions, None);
    }

    /// What an older writer left out, or said in a form that cannot be, is left out from then on.
    #[test]
    fn what_cannot_be_right_is_not_carried_on() {
        let mut point = Point::before_the_first(&table(&[])).after(&commit("+a:5"), &mut Lookup::default()).unwrap();
        point.checksum.file_size_histogram.as_mut().unwrap().file_counts[0] = 8;
        point.checksum.num_deletion_vectors_opt = None;
        let checksum = point.after(&commit("+b:1"), &mut Lookup::default()).unwrap().checksum;
        assert_eq!(
            (checksum.num_files, checksum.file_size_histogram, checksum.num_deleted_records_opt),
            (2, None, None)
        );
        let other = table(&[("my.key", "1")]);
        assert!(Point::of(point.checksum, &other).is_none(), "it is another table's");
    }
}
