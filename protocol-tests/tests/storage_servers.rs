//! Tables on servers that speak the clouds' protocols. `cargo xtask test` starts the servers and names them in variables;
//! without one its test is left out.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use arrow_array::RecordBatch;
use deltaic::log::Stores;
use deltaic::storage::{ConfiguredStores, table_url};
use deltaic::{DeltaTable, ErrorKind, StorageOptions};
use futures::TryStreamExt;
use object_store::azure::{AzureAccessKey, AzureAuthorizer, AzureCredential};
use object_store::client::{HttpRequest, HttpRequestBody};
use object_store::{ObjectStore, ObjectStoreExt};

const TABLES: &[&str] = &[
    "change_data_feed/partitioned",
    "column_mapping/name_partitioned_special_names",
    "deltalake_package/partitioned_special_values",
    "checkpoints/classic_stats_json",
];

/// The account and key that every Azurite has.
const AZURITE: (&str, &str) =
    ("devstoreaccount1", "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==");

#[tokio::test]
#[ignore = "needs an S3 server: `cargo xtask test` starts one"]
async fn s3_tables_are_read_as_local_ones() {
    let server = std::env::var("DELTAIC_TEST_S3").expect("the address of an S3 server");
    send(&server, request("PUT", &format!("{server}/tables")));
    let options = StorageOptions::from_iter([
        ("AWS_ENDPOINT_URL", server.as_str()),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ]);
    for scheme in ["s3", "s3a"] {
        check(&format!("{scheme}://tables/{scheme} folder"), &options).await;
    }
    absent("s3://tables/no/such", &options).await;
}

#[tokio::test]
#[ignore = "needs an Azure server: `cargo xtask test` starts one"]
async fn azure_tables_are_read_as_local_ones() {
    let server = std::env::var("DELTAIC_TEST_AZURE").expect("the address of an Azure server");
    let (account, key) = AZURITE;
    let mut create = request("PUT", &format!("{server}/{account}/tables?restype=container"));
    let credential = AzureCredential::AccessKey(AzureAccessKey::try_new(key).unwrap());
    AzureAuthorizer::new(&credential, account).authorize(&mut create);
    send(&server, create);
    let endpoint = format!("{server}/{account}");
    let options = StorageOptions::from_iter([
        ("azure_storage_account_name", account),
        ("azure_storage_account_key", key),
        ("azure_storage_endpoint", endpoint.as_str()),
        ("allow_http", "true"),
    ]);
    for scheme in ["az", "abfs"] {
        check(&format!("{scheme}://tables/{scheme} folder"), &options).await;
    }
    absent("az://tables/no/such", &options).await;
}

/// Puts each table there, and reads it.
async fn check(folder: &str, options: &StorageOptions) {
    for case in TABLES {
        let local = fixture(case);
        let there = format!("{folder}/{case}");
        upload(&local, &there, options).await;
        let expected = rows(&DeltaTable::open(local.to_str().unwrap()).await.unwrap()).await;
        let table = DeltaTable::open_with(&there, options.clone()).await.unwrap();
        assert_eq!(rows(&table).await, expected, "{there}");
        assert!(!expected.is_empty(), "{case}");
    }
}

async fn absent(location: &str, options: &StorageOptions) {
    let error = DeltaTable::open_with(location, options.clone()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotATable, "{error:?}");
}

fn fixture(case: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures").join(case).join("table")
}

async fn upload(local: &Path, there: &str, options: &StorageOptions) {
    let to = ConfiguredStores::new(options.clone()).locate(&table_url(there).unwrap()).unwrap();
    let from =
        ConfiguredStores::new(StorageOptions::new()).locate(&table_url(local.to_str().unwrap()).unwrap()).unwrap();
    let files: Vec<_> = from.store.list(Some(&from.path)).try_collect().await.unwrap();
    for file in files {
        let bytes = from.store.get(&file.location).await.unwrap().bytes().await.unwrap();
        let below = file.location.as_ref().strip_prefix(from.path.as_ref()).unwrap();
        let target = object_store::path::Path::parse(format!("{}{below}", to.path)).unwrap();
        to.store.put(&target, bytes.into()).await.unwrap();
    }
}

async fn rows(table: &DeltaTable) -> Vec<String> {
    let batches: Vec<RecordBatch> = table.scan().build().unwrap().stream().try_collect().await.unwrap();
    let text = arrow_cast::pretty::pretty_format_batches(&batches).unwrap().to_string();
    let mut rows: Vec<_> = text.lines().filter(|line| line.starts_with('|')).map(str::to_owned).collect();
    rows.sort();
    rows
}

fn request(method: &str, address: &str) -> HttpRequest {
    let mut request = HttpRequest::new(HttpRequestBody::empty());
    *request.method_mut() = method.parse().unwrap();
    *request.uri_mut() = address.parse().unwrap();
    request
}

/// Sends a request without a body, waiting for the server to come up.
fn send(server: &str, request: HttpRequest) {
    let host = server.strip_prefix("http://").unwrap();
    let mut stream = connect(host);
    let path = request.uri().path_and_query().unwrap();
    write!(
        stream,
        "{} {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: 0\r\nconnection: close\r\n",
        request.method()
    )
    .unwrap();
    for (name, value) in request.headers() {
        if !matches!(name.as_str(), "host" | "content-length" | "connection") {
            write!(stream, "{name}: {}\r\n", value.to_str().unwrap()).unwrap();
        }
    }
    stream.write_all(b"\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 2"), "{answer}");
}

#[expect(clippy::disallowed_methods, reason = "a server in another process is waited for")]
fn connect(host: &str) -> TcpStream {
    for _ in 0..300 {
        match TcpStream::connect(host) {
            Ok(stream) => return stream,
            Err(_) => std::thread::sleep(Duration::from_millis(100)),
        }
    }
    panic!("no server answers at {host}");
}
