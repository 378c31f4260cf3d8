//! Single sign-on to AWS: the token that `aws sso login` leaves in the home directory is traded for keys.

#![cfg(feature = "aws-profiles")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output};

const CONFIG: &str = "\
[profile signed-on]
sso_start_url = https://example.awsapps.com/start
sso_region = us-east-1
sso_account_id = 123456789012
sso_role_name = reader
region = us-east-1
";

/// Named after the SHA-1 of the start URL.
const TOKEN_FILE: &str = ".aws/sso/cache/e8be5486177c5b5392bd9aa76563515b29358e6e.json";
const TOKEN: &str = r#"{"accessToken":"t0ken-of-login","expiresAt":"2999-01-01T00:00:00Z"}"#;

const KEYS: &str = r#"{"roleCredentials":{"accessKeyId":"ASIAEXAMPLE","secretAccessKey":"s3cr3t-of-role",
    "sessionToken":"t0ken-of-role","expiration":32503680000000}}"#;

#[test]
fn a_login_is_traded_for_keys_that_no_message_shows() {
    let home = tempfile::tempdir().unwrap();
    write(home.path(), ".aws/config", CONFIG);
    write(home.path(), TOKEN_FILE, TOKEN);
    let output = show(home.path());
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(6), "{message}");
    assert!(message.contains("check the credentials") && message.contains("signed by ASIAEXAMPLE"), "{message}");
    assert!(!message.contains("t0ken") && !message.contains("s3cr3t"), "{message}");
}

#[test]
fn without_a_login_the_message_says_how_to_log_in() {
    let home = tempfile::tempdir().unwrap();
    write(home.path(), ".aws/config", CONFIG);
    let output = show(home.path());
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(6), "{message}");
    assert!(message.contains("aws sso login") && message.contains("signed-on"), "{message}");
}

/// `deltaic show` of a table on S3, whose server and sign-on portal are one.
fn show(home: &Path) -> Output {
    let address = format!("http://{}", portal_and_store());
    let mut command = Command::new(env!("CARGO_BIN_EXE_deltaic"));
    command.args(["show", "s3://bucket/table", "--storage-option", "allow_http=true"]);
    command.env_clear().env("HOME", home).env("AWS_PROFILE", "signed-on").env("AWS_EC2_METADATA_DISABLED", "true");
    command.env("AWS_ENDPOINT_URL_SSO", &address).env("AWS_ENDPOINT_URL_S3", &address).output().unwrap()
}

fn write(home: &Path, name: &str, text: &str) {
    std::fs::create_dir_all(home.join(name).parent().unwrap()).unwrap();
    std::fs::write(home.join(name), text).unwrap();
}

/// A server that gives keys for the token of a login. As a store it refuses everybody, and says back what it was sent.
fn portal_and_store() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || listener.incoming().for_each(|stream| answer(stream.unwrap())));
    address
}

fn answer(stream: TcpStream) {
    let mut stream = BufReader::new(stream);
    let lines = stream.by_ref().lines().map(Result::unwrap).take_while(|line| !line.is_empty());
    let request = lines.collect::<Vec<_>>().join("\n");
    let (status, body) = if !request.starts_with("GET /federation/credentials?") {
        let by = if request.contains("Credential=ASIAEXAMPLE/") { "signed by ASIAEXAMPLE" } else { "" };
        let token = if request.contains("t0ken-of-role") { "t0ken-of-role" } else { "" };
        ("403 Forbidden", format!("<Error><Code>InvalidToken</Code><Token>{token}</Token>{by}</Error>"))
    } else if request.contains("t0ken-of-login") {
        ("200 OK", KEYS.to_owned())
    } else {
        ("401 Unauthorized", "{}".to_owned())
    };
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    stream.get_mut().write_all(format!("{head}{body}").as_bytes()).unwrap();
}
