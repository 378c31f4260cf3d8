//! Plain HTTP, by WsgiDAV, which serves the fixtures themselves.

use deltaic::StorageOptions;

use crate::server::{request, send};
use crate::{TABLES, absent, same};

#[tokio::test]
#[ignore = "needs a WebDAV server: `cargo xtask test` starts one"]
async fn http_tables_are_read_as_local_ones() {
    let server = std::env::var("DELTAIC_TEST_HTTP").expect("the address of a WebDAV server of the fixtures");
    send(&server, &request("OPTIONS", &server), "");
    let options = StorageOptions::new();
    for case in TABLES {
        same(&format!("{server}/{case}/table"), case, &options).await;
    }
    absent(&format!("{server}/no/such"), &options).await;
    absent(&format!("{server}/change_data_feed"), &options).await;
}
