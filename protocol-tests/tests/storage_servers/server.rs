//! Plain requests that make a server ready.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use object_store::client::{HttpRequest, HttpRequestBody};

/// A request without headers.
pub(crate) fn request(method: &str, address: &str) -> HttpRequest {
    let mut request = HttpRequest::new(HttpRequestBody::empty());
    *request.method_mut() = method.parse().unwrap();
    *request.uri_mut() = address.parse().unwrap();
    request
}

/// Sends a request with that body, waiting for the server to come up; what the server answers.
pub(crate) fn send(server: &str, request: &HttpRequest, body: &str) -> String {
    let host = server.strip_prefix("http://").unwrap();
    let mut stream = connect(host);
    let path = request.uri().path_and_query().unwrap();
    write!(
        stream,
        "{} {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {}\r\nconnection: close\r\n",
        request.method(),
        body.len()
    )
    .unwrap();
    for (name, value) in request.headers() {
        if !matches!(name.as_str(), "host" | "content-length" | "connection") {
            write!(stream, "{name}: {}\r\n", value.to_str().unwrap()).unwrap();
        }
    }
    write!(stream, "\r\n{body}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 2"), "{answer}");
    answer
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
