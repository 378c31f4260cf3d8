//! An S3 server that takes every put and answers that all is well, whatever the put's condition: s3rver, with its bucket
//! `unsafe`.

use crate::server::{request, send};
use crate::{commits, options};

/// A neighbour lost 20 of 32 rows on such a server, without an error.
#[tokio::test]
#[ignore = "needs an S3 server that ignores conditions: `cargo xtask test` starts one"]
async fn a_server_that_ignores_if_none_match_is_refused() {
    let server = std::env::var("DELTAIC_TEST_OVERWRITING").expect("the address of an S3 server that overwrites");
    send(&server, &request("GET", &format!("{server}/unsafe")), "");
    let given = [
        ("AWS_ENDPOINT_URL", server.as_str()),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "S3RVER"),
        ("AWS_SECRET_ACCESS_KEY", "S3RVER"),
    ];
    commits::refuse("s3://unsafe/table", &options(&given)).await;
}
