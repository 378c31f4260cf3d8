//! The lock table alone, by dynalite: another reading of DynamoDB's interface than moto's. The store is memory.

use std::sync::Arc;

use deltaic::log::{SingleStore, TableStore};
use deltaic::{Context, Version};
use deltaic_commit::PutOutcome;
use deltaic_commit::committer::conformance::{Subject, all};
use deltaic_commit::committer::dynamodb::{
    BillingMode, DynamoDbOptions, DynamoDbTable, EntryState, LockEntry, LockTable, LockTableCommitter,
};
use object_store::aws::AwsCredential;
use object_store::client::{HttpConnector, ReqwestConnector};
use object_store::memory::InMemory;
use object_store::{ClientOptions, StaticCredentialProvider};

use crate::server::{request, send};

fn lock_table(name: &str, billing: BillingMode) -> Arc<DynamoDbTable> {
    let server = std::env::var("DELTAIC_TEST_DYNAMODB").expect("the address of a DynamoDB server");
    send(&server, &request("GET", &format!("{server}/")), "");
    let mut options = DynamoDbOptions::new("us-east-1");
    options.table_name = name.to_owned();
    options.endpoint = Some(server);
    options.create_table = Some(billing);
    let keys = AwsCredential { key_id: "test".into(), secret_key: "test-secret".into(), token: None };
    let http = ReqwestConnector::default().connect(&ClientOptions::new().with_allow_http(true)).unwrap();
    Arc::new(DynamoDbTable::new(options, Arc::new(StaticCredentialProvider::new(keys)), http, context()).unwrap())
}

fn context() -> Context {
    Context::new(Arc::new(SingleStore::new(Arc::new(InMemory::new()))))
}

#[tokio::test]
#[ignore = "needs a DynamoDB server: `cargo xtask test` starts one"]
async fn the_suite_passes() {
    let table = lock_table("suite", BillingMode::PayPerRequest);
    let number = std::cell::Cell::new(0);
    let subject = || {
        let place = number.replace(number.get() + 1);
        let store = TableStore::new(&format!("memory:///t{place}").parse().unwrap(), context()).unwrap();
        Subject { committer: Arc::new(LockTableCommitter::new(table.clone())), store }
    };
    all(&subject).await;
}

#[tokio::test]
#[ignore = "needs a DynamoDB server: `cargo xtask test` starts one"]
async fn entries_are_put_once_and_completed_once() {
    let table = lock_table("entries", BillingMode::Provisioned);
    let (ours, theirs) =
        (LockEntry::new("s3a://b/t", Version(9), "ours"), LockEntry::new("s3a://b/t", Version(9), "theirs"));
    assert!(matches!(table.create(&ours).await, PutOutcome::Committed));
    assert!(matches!(table.create(&theirs).await, PutOutcome::Conflict));
    table.complete(&theirs, 5).await.unwrap();
    assert_eq!(table.entry("s3a://b/t", &ours.file_name).await.unwrap(), Some(ours.clone()));
    table.complete(&ours, 7).await.unwrap();
    table.complete(&ours, 8).await.unwrap();
    let complete = LockEntry { state: EntryState::Complete { expire_time_s: Some(7) }, ..ours };
    assert!(matches!(table.create(&LockEntry::new("s3a://b/t", Version(10), "x")).await, PutOutcome::Committed));
    assert_eq!(table.entry("s3a://b/t", &complete.file_name).await.unwrap(), Some(complete));
    assert_eq!(table.latest("s3a://b/t").await.unwrap().unwrap().version(), Some(Version(10)));
    assert_eq!(table.latest("s3a://b").await.unwrap(), None);
    assert_eq!(table.entry("s3a://b/t", "00000000000000000011.json").await.unwrap(), None);
}
