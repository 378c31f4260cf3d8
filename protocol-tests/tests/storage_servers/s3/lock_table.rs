//! Commits through a lock table in DynamoDB, which moto serves beside S3.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use deltaic::log::action::Action;
use deltaic::log::{Clock, Snapshot, SnapshotOptions, SystemClock, TableStore};
use deltaic::storage::{CommitRoute, ConfiguredStores, table_url};
use deltaic::{Context, DeltaTable, ErrorKind, Result, StorageOptions, Version};
use deltaic_commit::committer::conformance::{Subject, all};
use deltaic_commit::{Operation, PutOutcome, Transaction};
use deltaic_protocol_tests::commit_table::{file, metadata, txn_id};
use object_store::ObjectStoreExt;
use serde_json::{Value, json};

use super::{KEYS, Moto};
use crate::server::{request, send};

/// May do what a writer with a lock table does, and make the lock table.
const POLICY: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["s3:*","dynamodb:*"],"Resource":"*"}}"#;

impl Moto {
    /// Options of a writer with that lock table.
    fn locked(&self, lock_table: &str, keys: &[(&str, &str)]) -> StorageOptions {
        self.options(keys)
            .with("AWS_S3_LOCKING_PROVIDER", "dynamodb")
            .with("DELTA_DYNAMO_TABLE_NAME", lock_table)
            .with("DELTA_DYNAMO_CREATE_TABLE", "true")
    }

    /// A call of DynamoDB's interface, past the client that is tested.
    fn dynamodb(&self, operation: &str, body: &Value) -> Value {
        let mut call = request("POST", &self.address);
        let headers = [
            (
                "authorization",
                "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, Signature=0".to_owned(),
            ),
            ("content-type", "application/x-amz-json-1.0".to_owned()),
            ("x-amz-target", format!("DynamoDB_20120810.{operation}")),
        ];
        for (name, value) in headers {
            call.headers_mut().insert(name, value.parse().unwrap());
        }
        let answer = send(&self.address, &call, &body.to_string());
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    fn item(&self, lock_table: &str, table_path: &str, version: u64) -> Value {
        let key = json!({"tablePath": {"S": table_path}, "fileName": {"S": format!("{version:020}.json")}});
        self.dynamodb("GetItem", &json!({"TableName": lock_table, "Key": key, "ConsistentRead": true}))["Item"].clone()
    }
}

/// A table, and how it is committed to.
struct Table {
    store: TableStore,
    route: CommitRoute,
}

impl Table {
    fn at(location: &str, options: StorageOptions) -> Result<Self> {
        let stores = Arc::new(ConfiguredStores::new(options));
        let store = TableStore::new(&table_url(location)?, Context::new(stores.clone()))?;
        let route = stores.commit_route(&store)?;
        Ok(Self { store, route })
    }

    async fn create(&self) {
        let operation = Operation::new("CREATE TABLE");
        let create = Transaction::create(&self.store, self.route.committer(), metadata(json!({})), operation);
        create.await.unwrap().commit().await.into_result().unwrap();
    }

    async fn open(&self) -> Result<Snapshot> {
        let mut options = SnapshotOptions::new();
        options.source = self.route.log_source();
        Snapshot::open_in(&self.store, options).await
    }

    /// Appends a file; version and id of the commit.
    async fn append(&self, snapshot: &Snapshot, path: &str) -> Result<(Version, String)> {
        let mut append = Transaction::begin(snapshot, self.route.committer(), Operation::new("WRITE"))?;
        append.add(file(path, "a", 1));
        let id = append.txn_id().to_owned();
        Ok((append.commit().await.into_result()?.unwrap().version, id))
    }
}

#[tokio::test]
#[ignore = "needs an S3 server: `cargo xtask test` starts one"]
async fn the_suite_passes() {
    let moto = Moto::start("locked-suite");
    for (number, conditional_put) in ["etag", "disabled"].into_iter().enumerate() {
        let options = moto.locked("suite", &KEYS).with("AWS_CONDITIONAL_PUT", conditional_put);
        let next = Cell::new(0);
        let subject = || {
            let place = next.replace(next.get() + 1);
            let table = Table::at(&format!("s3a://locked-suite/{number}/t {place}"), options.clone()).unwrap();
            Subject { committer: table.route.committer(), store: table.store }
        };
        all(&subject).await;
    }
}

/// The attributes of an item are those of other writers, and so is the name of the table.
#[tokio::test]
#[ignore = "needs an S3 server: `cargo xtask test` starts one"]
async fn two_tables_share_a_lock_table() {
    let moto = Moto::start("locked-two");
    let tables = ["s3a://locked-two/first%20table/", "s3a://locked-two/second"]
        .map(|place| Table::at(place, moto.locked("shared", &KEYS)).unwrap());
    for table in &tables {
        table.create().await;
    }
    for number in 0..3 {
        for table in &tables {
            let snapshot = table.open().await.unwrap();
            assert_eq!(table.append(&snapshot, &format!("f{number}")).await.unwrap().0, Version(number + 1));
        }
    }
    for path in ["s3a://locked-two/first table", "s3a://locked-two/second"] {
        let item = moto.item("shared", path, 3);
        assert_eq!(item["complete"], json!({"S": "true"}), "{path}: {item}");
        let temp_path = item["tempPath"]["S"].as_str().unwrap();
        assert!(temp_path.starts_with(".tmp/00000000000000000003.json."), "{temp_path}");
        let expire_time: i64 = item["expireTime"]["N"].as_str().unwrap().parse().unwrap();
        let left = expire_time - SystemClock.now().0 / 1000;
        assert!((86_400 - 600..=86_400).contains(&left), "{left}");
        assert_eq!(item.as_object().unwrap().len(), 5);
    }
}

/// A writer of another kind died between its entry and its file: the items as its layout has them.
#[tokio::test]
#[ignore = "needs an S3 server: `cargo xtask test` starts one"]
async fn a_reader_finishes_what_another_writer_left() {
    let moto = Moto::start("locked-left");
    let place = "s3a://locked-left/t";
    let table = Table::at(place, moto.locked("left", &KEYS)).unwrap();
    table.create().await;
    let name = "00000000000000000001.json";
    let temp_path = format!(".tmp/{name}.4b1e7a8e-3c1f-4b57-9a2f-0a6f6c1d2e3f");
    let text = table.store.locate(&format!("_delta_log/{temp_path}")).unwrap();
    let commit = "{\"commitInfo\":{\"operation\":\"WRITE\"}}\n{\"add\":{\"path\":\"theirs\",\"partitionValues\":{\"p\":\"a\"},\
                  \"size\":1,\"modificationTime\":1,\"dataChange\":true}}\n";
    text.store.put(&text.path, commit.into()).await.unwrap();
    let item = json!({"tablePath": {"S": place}, "fileName": {"S": name}, "tempPath": {"S": temp_path},
        "complete": {"S": "false"}});
    moto.dynamodb("PutItem", &json!({"TableName": "left", "Item": item}));

    // A reader without the lock table sees what is listed.
    let plain = DeltaTable::open_with(place, moto.options(&KEYS)).await.unwrap();
    assert_eq!(plain.version(), Version(0));
    let repaired = DeltaTable::open_with(place, moto.locked("left", &KEYS)).await.unwrap();
    assert_eq!(repaired.version(), Version(1));
    assert!(repaired.files().await.unwrap().iter().any(|file| file.path() == "theirs"));
    let item = moto.item("left", place, 1);
    assert_eq!((&item["complete"], &item["tempPath"]), (&json!({"S": "true"}), &json!({"S": temp_path})));
    assert!(item["expireTime"]["N"].is_string());
    assert_eq!(DeltaTable::open_with(place, moto.options(&KEYS)).await.unwrap().version(), Version(1));
}

/// The server computes the signatures anew, with Amazon's own library.
#[tokio::test]
#[ignore = "needs an S3 server: `cargo xtask test` starts one"]
async fn calls_are_signed() {
    let moto = Moto::start("locked-signed");
    let (id, secret) = moto.user("locker", POLICY);
    let own = [("AWS_ACCESS_KEY_ID", id.as_str()), ("AWS_SECRET_ACCESS_KEY", secret.as_str())];
    let _strict = moto.look_at_keys();
    let table = Table::at("s3://locked-signed/t", moto.locked("signed", &own)).unwrap();
    table.create().await;
    let snapshot = table.open().await.unwrap();
    table.append(&snapshot, "x").await.unwrap();

    let wrong = [own[0], own[1], ("AWS_ACCESS_KEY_ID_DYNAMODB", &id), ("AWS_SECRET_ACCESS_KEY_DYNAMODB", "wr0ng")];
    let error = Table::at("s3://locked-signed/t", moto.locked("signed", &wrong)).unwrap().open().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage);
    assert!(error.to_string().contains("credentials"), "{error}");
    assert!(!format!("{error} {error:?}").contains("wr0ng"), "{error:?}");
}

#[tokio::test]
#[ignore = "needs an S3 server: `cargo xtask test` starts one"]
async fn a_lock_table_is_made_only_when_asked_for() {
    let moto = Moto::start("locked-absent");
    let asked = moto.locked("absent", &KEYS);
    let unasked = asked.clone().with("DELTA_DYNAMO_CREATE_TABLE", "false");
    let table = Table::at("s3://locked-absent/t", unasked).unwrap();
    let error = table.open().await.unwrap_err();
    assert!(error.to_string().contains("delta_dynamo_create_table"), "{error}");
    Table::at("s3://locked-absent/t", asked.with("DELTA_DYNAMO_BILLING_MODE", "PROVISIONED")).unwrap().create().await;
    assert_eq!(table.open().await.unwrap().version(), Version(0));
}

#[tokio::test]
#[ignore = "needs an S3 server: `cargo xtask test` starts one"]
async fn the_two_ways_to_commit_are_kept_apart() {
    let moto = Moto::start("locked-apart");
    let body = || Bytes::from_static(b"{}\n");
    let table = |options| Table::at("s3://locked-apart/t", options).unwrap();
    let refused = async |options, version| {
        let table = table(options);
        match table.route.committer().put(&table.store, Version(version), body()).await {
            PutOutcome::Refused(error) => assert_eq!(error.kind(), ErrorKind::UnsafeStorage, "{error:?}"),
            other => panic!("{other:?}"),
        }
    };
    table(moto.locked("apart", &KEYS)).create().await;
    refused(moto.options(&KEYS), 1).await;
    refused(moto.options(&KEYS).with("DELTA_DYNAMO_TABLE_NAME", "apart"), 1).await;
    let mixed = table(moto.options(&KEYS).with("AWS_S3_ALLOW_MIXED_COMMITS", "true"));
    let put = mixed.route.committer().put(&mixed.store, Version(1), body()).await;
    assert!(matches!(put, PutOutcome::Committed), "{put:?}");
    refused(moto.locked("apart", &KEYS), 2).await;
}

const PROCESSES: usize = 8;
const KILLED: usize = 3;
const APPENDS: usize = 50;
/// What a process is told: its own name.
const CHILD: &str = "DELTAIC_TEST_LOCKING_CHILD";
const SHARED: &str = "s3a://locked-many/t";

/// Many processes append to one table, some of them are killed at any moment. Every append that was reported stands exactly once.
#[tokio::test]
#[ignore = "needs an S3 server: `cargo xtask test` starts one"]
async fn processes_append_to_one_table() {
    let moto = Moto::start("locked-many");
    let table = Table::at(SHARED, moto.locked("many", &KEYS)).unwrap();
    table.create().await;
    let survivors: Vec<Child> = (0..PROCESSES).map(|number| spawn(&format!("p{number}"))).collect();
    let mut killed: Vec<Child> = (0..KILLED).map(|number| spawn(&format!("k{number}"))).collect();
    for (number, child) in killed.iter_mut().enumerate() {
        let enough = Version(40 * (number as u64 + 1));
        while table.store.list_log(enough).await.unwrap().is_empty() {
            SystemClock.sleep(Duration::from_millis(50)).await;
        }
        child.kill().unwrap();
    }
    let mut reported = BTreeSet::new();
    for child in survivors {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let lines = reports(&output.stdout);
        assert_eq!(lines.len(), APPENDS);
        reported.extend(lines);
    }
    for child in killed {
        reported.extend(reports(&child.wait_with_output().unwrap().stdout));
    }
    audit(&moto, &table, &reported).await;
}

fn spawn(name: &str) -> Child {
    let test = "s3::lock_table::a_process_that_appends";
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"]);
    command.env(CHILD, name).stdout(Stdio::piped()).spawn().unwrap()
}

/// Reports are `committed version id`. The last line of a killed process may be cut off, and says nothing then.
fn reports(output: &[u8]) -> Vec<(u64, String)> {
    let text = String::from_utf8_lossy(output);
    let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    let reports = whole.filter_map(|line| line.trim_end().split_once("committed ")?.1.split_once(' '));
    reports.map(|(version, id)| (version.parse().unwrap(), id.to_owned())).collect()
}

async fn audit(moto: &Moto, table: &Table, reported: &BTreeSet<(u64, String)>) {
    let snapshot = table.open().await.unwrap();
    let newest = snapshot.version().0;
    let (mut paths, mut ids) = (BTreeSet::new(), BTreeSet::new());
    for version in 0..=newest {
        let body = table.store.read(&format!("_delta_log/{version:020}.json")).await.unwrap();
        let actions = deltaic::log::commit_file::read_actions(&body.expect("versions are contiguous")).unwrap();
        ids.insert((version, txn_id(&actions).unwrap().to_owned()));
        for action in actions {
            if let Action::Add(add) = action {
                assert!(paths.insert(add.path.clone()), "{} was appended twice", add.path);
            }
        }
    }
    assert!(reported.is_subset(&ids), "a reported commit does not stand");
    for number in 0..PROCESSES {
        let appended = paths.iter().filter(|path| path.starts_with(&format!("p{number}-"))).count();
        assert_eq!(appended, APPENDS, "process {number}");
    }
    assert_eq!(paths.len() as u64, newest);
    assert_eq!(snapshot.files().await.unwrap().len(), paths.len());
    for version in 0..=newest {
        let item = moto.item("many", SHARED, version);
        assert_eq!(item["complete"], json!({"S": "true"}), "version {version}: {item}");
    }
}

#[tokio::test]
#[ignore = "a part of processes_append_to_one_table"]
async fn a_process_that_appends() {
    let Ok(name) = std::env::var(CHILD) else { return };
    let address = std::env::var("DELTAIC_TEST_S3").unwrap();
    let table = Table::at(SHARED, Moto { address }.locked("many", &KEYS)).unwrap();
    let mut snapshot = table.open().await.unwrap();
    for number in 0..APPENDS {
        // A handle that is older than need be, on purpose.
        if number % 4 != 0 {
            snapshot = snapshot.refresh().await.unwrap();
        }
        let (version, id) = table.append(&snapshot, &format!("{name}-{number}")).await.unwrap();
        println!("committed {version} {id}");
    }
}
