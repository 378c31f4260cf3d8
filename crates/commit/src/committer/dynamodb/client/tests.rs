use std::sync::{Arc, Mutex};

use deltaic_log::{Clock, ManualClock, SingleStore, TimestampMs, Version};
use futures::executor::block_on;
use object_store::StaticCredentialProvider;
use object_store::aws::AwsCredential;
use object_store::client::{HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService};

use super::*;
use crate::committer::dynamodb::EntryState;

/// Gives the answers of a script, and keeps what it was asked.
#[derive(Clone, Debug, Default)]
struct Script {
    answers: Arc<Mutex<Vec<Answer>>>,
    asked: Arc<Mutex<Vec<(String, Value, HttpRequest)>>>,
}

#[derive(Clone, Debug)]
enum Answer {
    Says(u16, &'static str),
    Lost(HttpErrorKind),
}
use Answer::{Lost, Says};

#[async_trait::async_trait]
impl HttpService for Script {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let operation = request.headers()["x-amz-target"].to_str().unwrap().to_owned();
        let body = serde_json::from_slice(request.body().as_bytes().unwrap()).unwrap();
        self.asked.lock().unwrap().push((operation, body, request));
        match self.answers.lock().unwrap().remove(0) {
            Lost(kind) => Err(HttpError::new(kind, std::io::Error::other("no answer"))),
            Says(status, text) => {
                let mut response = HttpResponse::new(Vec::from(text).into());
                *response.status_mut() = status.try_into().unwrap();
                Ok(response)
            }
        }
    }
}

const MISSING: &str = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"}"#;
const EXISTS: &str = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ResourceInUseException"}"#;
const FAILED: &str = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"}"#;
const SLOW: &str = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"}"#;
const DENIED: &str = r#"{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"you may not"}"#;

struct Fixture {
    table: DynamoDbTable,
    script: Script,
    clock: Arc<ManualClock>,
}

impl Fixture {
    fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self::with_options(DynamoDbOptions::new("eu-west-1"), answers)
    }

    fn with_options(options: DynamoDbOptions, answers: impl IntoIterator<Item = Answer>) -> Self {
        let script = Script::default();
        script.answers.lock().unwrap().extend(answers);
        let clock = Arc::new(ManualClock::new(TimestampMs(0)));
        let stores = SingleStore::new(Arc::new(object_store::memory::InMemory::new()));
        let context = Context::new(Arc::new(stores)).with_clock(clock.clone());
        let keys = AwsCredential { key_id: "AKID".into(), secret_key: "s3cr3t".into(), token: Some("t0ken".into()) };
        let credentials = Arc::new(StaticCredentialProvider::new(keys));
        let table = DynamoDbTable::new(options, credentials, HttpClient::new(script.clone()), context).unwrap();
        Self { table, script, clock }
    }

    fn operations(&self) -> Vec<String> {
        let asked = self.script.asked.lock().unwrap();
        asked.iter().map(|(operation, ..)| operation.split_once('.').unwrap().1.to_owned()).collect()
    }

    fn body(&self, call: usize) -> Value {
        self.script.asked.lock().unwrap()[call].1.clone()
    }
}

fn entry() -> LockEntry {
    LockEntry::new("s3a://b/t", Version(3), "id")
}

#[test]
fn calls_are_what_the_interface_asks_for() {
    let item = r#"{"Item":{"tablePath":{"S":"s3a://b/t"},"fileName":{"S":"00000000000000000003.json"},
        "tempPath":{"S":".tmp/00000000000000000003.json.id"},"complete":{"S":"true"},"expireTime":{"N":"5"}}}"#;
    let fixture =
        Fixture::new([Says(200, item), Says(200, r#"{"Items":[],"Count":0}"#), Says(200, "{}"), Says(200, "{}")]);
    let found = block_on(fixture.table.entry("s3a://b/t", "00000000000000000003.json")).unwrap().unwrap();
    assert_eq!(found, LockEntry { state: EntryState::Complete { expire_time_s: Some(5) }, ..entry() });
    assert_eq!(block_on(fixture.table.latest("s3a://b/t")).unwrap(), None);
    assert!(matches!(block_on(fixture.table.create(&entry())), PutOutcome::Committed));
    block_on(fixture.table.complete(&entry(), 7)).unwrap();

    let key = json!({"tablePath": {"S": "s3a://b/t"}, "fileName": {"S": "00000000000000000003.json"}});
    assert_eq!(fixture.body(0), json!({"TableName": "delta_log", "Key": key, "ConsistentRead": true}));
    let expect = json!({"TableName": "delta_log", "KeyConditionExpression": "tablePath = :t",
        "ExpressionAttributeValues": {":t": {"S": "s3a://b/t"}},
        "ScanIndexForward": false, "Limit": 1, "ConsistentRead": true});
    assert_eq!(fixture.body(1), expect);
    let expect = json!({"TableName": "delta_log", "Item": entry().encode(),
        "ConditionExpression": "attribute_not_exists(fileName)"});
    assert_eq!(fixture.body(2), expect);
    assert_eq!(fixture.body(3)["ConditionExpression"], "tempPath = :temp AND complete = :false");
    assert_eq!(fixture.body(3)["ExpressionAttributeValues"][":expire"], json!({"N": "7"}));
    assert_eq!(fixture.operations(), ["GetItem", "Query", "PutItem", "UpdateItem"]);

    let asked = fixture.script.asked.lock().unwrap();
    let request = &asked[0].2;
    assert_eq!(request.uri().to_string(), "https://dynamodb.eu-west-1.amazonaws.com/");
    assert_eq!(request.headers()["content-type"], "application/x-amz-json-1.0");
    assert_eq!(request.headers()["x-amz-security-token"], "t0ken");
    let authorization = request.headers()["authorization"].to_str().unwrap();
    assert!(authorization.contains("/eu-west-1/dynamodb/aws4_request"), "{authorization}");
    for header in ["host", "x-amz-date", "x-amz-security-token", "x-amz-target", "content-type"] {
        assert!(authorization.contains(header), "{header} is not signed: {authorization}");
    }
}

#[track_caller]
fn check_create(answers: &[Answer], expect: &str, calls: usize) {
    let fixture = Fixture::new(answers.iter().cloned());
    let outcome = format!("{:?}", block_on(fixture.table.create(&entry())));
    assert!(outcome.starts_with(expect), "{answers:?}: {outcome}");
    assert_eq!(fixture.operations().len(), calls, "{answers:?}");
    assert!(!outcome.contains("s3cr3t") && !outcome.contains("t0ken"), "{outcome}");
}

#[test]
fn an_entry_is_put_again_only_where_it_was_not_put() {
    check_create(&[Says(400, FAILED)], "Conflict", 1);
    check_create(&[Says(400, SLOW), Says(400, SLOW), Says(200, "{}")], "Committed", 3);
    check_create(&[Lost(HttpErrorKind::Connect), Says(200, "{}")], "Committed", 2);
    check_create(&[Lost(HttpErrorKind::Timeout)], "Ambiguous", 1);
    check_create(&[Lost(HttpErrorKind::Interrupted)], "Ambiguous", 1);
    check_create(&[Says(500, "{}")], "Ambiguous", 1);
    check_create(&[Says(200, "<html>")], "Ambiguous", 1);
    check_create(&[Says(400, DENIED)], "Refused", 1);
    check_create(&[Says(400, MISSING)], "Refused", 1);
}

#[test]
fn questions_are_asked_again() {
    let fixture = Fixture::new([Lost(HttpErrorKind::Timeout), Says(500, ""), Says(400, SLOW), Says(200, "{}")]);
    assert_eq!(block_on(fixture.table.entry("t", "f")).unwrap(), None);
    assert!(fixture.clock.now() > TimestampMs(0), "it waits by the clock that is given");
}

#[test]
fn nobody_waits_for_ever() {
    let fixture = Fixture::new(std::iter::repeat_n(Says(400, SLOW), 1_000));
    assert!(matches!(block_on(fixture.table.create(&entry())), PutOutcome::Refused(_)));
    assert!((60_000..70_000).contains(&fixture.clock.now().0), "{:?}", fixture.clock.now());
}

#[test]
fn what_is_complete_already_is_left_alone() {
    let fixture = Fixture::new([Says(400, FAILED)]);
    block_on(fixture.table.complete(&entry(), 7)).unwrap();
}

#[test]
fn a_missing_table_is_an_error_with_its_remedies() {
    let fixture = Fixture::new([Says(400, MISSING)]);
    let error = block_on(fixture.table.latest("t")).unwrap_err();
    assert_eq!((error.kind(), error.context("lock_table")), (ErrorKind::Storage, Some("delta_log")));
    for remedy in ["tablePath", "delta_dynamo_create_table", "delta_dynamo_table_name", "aws_region_dynamodb"] {
        assert!(error.to_string().contains(remedy), "{error}");
    }
}

#[test]
fn a_missing_table_is_made_when_asked_for() {
    let mut options = DynamoDbOptions::new("eu-west-1");
    for (billing, expect) in [
        (BillingMode::PayPerRequest, json!(null)),
        (BillingMode::Provisioned, json!({"ReadCapacityUnits": 5, "WriteCapacityUnits": 5})),
    ] {
        options.create_table = Some(billing);
        let being_made = Says(200, r#"{"Table":{"TableStatus":"CREATING"}}"#);
        let made = Says(200, r#"{"Table":{"TableStatus":"ACTIVE"}}"#);
        let answers =
            [Says(400, MISSING), Says(400, EXISTS), Says(400, MISSING), being_made, made, Says(200, r#"{"Items":[]}"#)];
        let fixture = Fixture::with_options(options.clone(), answers);
        assert_eq!(block_on(fixture.table.latest("t")).unwrap(), None);
        let expected = ["Query", "CreateTable", "DescribeTable", "DescribeTable", "DescribeTable", "Query"];
        assert_eq!(fixture.operations(), expected);
        assert_eq!(fixture.body(1)["ProvisionedThroughput"], expect);
        assert_eq!(fixture.body(1)["KeySchema"][1], json!({"AttributeName": "fileName", "KeyType": "RANGE"}));
    }
}

#[test]
fn regions_have_their_addresses() {
    assert_eq!(region_endpoint("us-east-1"), "https://dynamodb.us-east-1.amazonaws.com");
    assert_eq!(region_endpoint("cn-north-1"), "https://dynamodb.cn-north-1.amazonaws.com.cn");
}

#[test]
fn keys_that_cannot_be_sent_are_refused() {
    for (id, token) in [("AK\nID", None), ("AKID", Some("to\u{e4}en"))] {
        let credential =
            AwsCredential { key_id: id.into(), secret_key: "s3cr3t".into(), token: token.map(str::to_owned) };
        let error = request::signed("https://e", "r", "GetItem", &json!({}), &credential).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
}

#[test]
fn an_endpoint_is_an_address() {
    for endpoint in ["", "e:1", "ftp://e", "https://", "https://a b"] {
        let mut options = DynamoDbOptions::new("r");
        options.endpoint = Some(endpoint.to_owned());
        let stores = SingleStore::new(Arc::new(object_store::memory::InMemory::new()));
        let keys = AwsCredential { key_id: "id".into(), secret_key: "s".into(), token: None };
        let made = DynamoDbTable::new(
            options,
            Arc::new(StaticCredentialProvider::new(keys)),
            HttpClient::new(Script::default()),
            Context::new(Arc::new(stores)),
        );
        assert!(made.is_err(), "{endpoint}");
    }
}
