//! Tables over plain HTTP, where the server is not what it should be. (How a sound one is read, the tests of
//! `storage_servers` see.)

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;

use deltaic::{DeltaTable, Error, ErrorKind, StorageOptions};

#[tokio::test]
async fn a_server_that_lists_nothing_is_named_as_such() {
    for status in ["405 Method Not Allowed", "501 Not Implemented", "400 Bad Request", "200 OK"] {
        check(status, ErrorKind::Storage, "no listing by WebDAV").await;
    }
}

#[tokio::test]
async fn refusals_say_whose_fault_they_are() {
    check("404 Not Found", ErrorKind::NotATable, "no Delta table here").await;
    check("401 Unauthorized", ErrorKind::Storage, "check the credentials").await;
    check("403 Forbidden", ErrorKind::Storage, "check the credentials").await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_no_server_without_listings() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = open(&address.to_string()).await;
    assert_eq!(error.kind(), ErrorKind::Storage, "{error:?}");
    let text = error.to_string();
    assert!(text.contains(&address.to_string()) && text.contains("refused") && !text.contains("WebDAV"), "{text}");
}

/// A server that answers requests for listings with `status`, has no files, and shows a page for people each time.
async fn check(status: &'static str, kind: ErrorKind, message: &str) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let head: Vec<_> =
                stream.by_ref().lines().map(Result::unwrap).take_while(|line| !line.is_empty()).collect();
            let status = if head[0].starts_with("PROPFIND ") { status } else { "404 Not Found" };
            let page = "<html><body><p>hello<br></body></html>";
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", page.len());
            stream.get_mut().write_all(format!("{head}{page}").as_bytes()).unwrap();
        }
    });
    let error = open(&address.to_string()).await;
    assert_eq!(error.kind(), kind, "{status}: {error:?}");
    assert!(error.to_string().contains(message), "{status}: {error}");
}

async fn open(host: &str) -> Error {
    let options = StorageOptions::from_iter([("max_retries", "0")]);
    DeltaTable::open_with(&format!("http://{host}/tables/t"), options).await.unwrap_err()
}
