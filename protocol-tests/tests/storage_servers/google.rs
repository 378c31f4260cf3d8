//! Google Cloud Storage, by fake-gcs-server, whose buckets are the folders of the fixtures: it takes no uploads of the kind that
//! the client makes.

use deltaic::StorageOptions;

use crate::server::{request, send};
use crate::{TABLES, absent, same};

#[tokio::test]
#[ignore = "needs a Google storage server: `cargo xtask test` starts one"]
async fn google_tables_are_read_as_local_ones() {
    let server = std::env::var("DELTAIC_TEST_GOOGLE").expect("the address of a Google storage server of the fixtures");
    send(&server, &request("GET", &format!("{server}/storage/v1/b")), "");
    let account = format!(
        r#"{{"gcs_base_url":"{server}","disable_oauth":true,"client_email":"","private_key":"","private_key_id":""}}"#
    );
    let by_account = StorageOptions::from_iter([("google_service_account_key", account.as_str()), ("allow_http", "1")]);
    let anonymous = StorageOptions::from_iter([
        ("google_base_url", server.as_str()),
        ("google_skip_signature", "true"),
        ("allow_http", "true"),
    ]);
    for (scheme, options) in [("gs", by_account), ("gcs", anonymous)] {
        for case in TABLES {
            same(&format!("{scheme}://{case}/table"), case, &options).await;
        }
        absent(&format!("{scheme}://checkpoints/no/such"), &options).await;
    }
}
