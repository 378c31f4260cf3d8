//! A server of objects on loopback, in this process, that speaks as much of Google's protocol as `object_store` uses. The one
//! emulator there is takes no conditional puts; and this one answers as a script says, and knows what it was asked.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use deltaic_log::clock::{Clock, SystemClock};
use serde_json::json;
use url::Url;

use crate::row_table::Options;

/// What the server does with a put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scripted {
    /// It does nothing, and answers with this status.
    Fail(u16),
    /// It does as it is told, and answers with this status.
    DoAndFail(u16),
    /// It does as it is told, and closes the connection.
    DoAndHangUp,
}

/// The server. It serves as long as the process lives; clones are the same server.
#[derive(Clone, Debug)]
pub struct ObjectServer {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    objects: BTreeMap<String, Object>,
    script: VecDeque<Scripted>,
    asked: Vec<String>,
}

#[derive(Clone, Debug)]
struct Object {
    body: Vec<u8>,
    modified_ms: i64,
}

impl ObjectServer {
    /// Serves from now on. Every bucket exists, and is empty.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let this = Self { address: listener.local_addr().expect("it listens"), state: Arc::default() };
        let server = this.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = server.clone();
                std::thread::spawn(move || server.serve(&stream));
            }
        });
        this
    }

    /// The options by which a client finds it.
    pub fn options(&self) -> Options {
        // Without an account the client puts nothing, and asks for one.
        let account = json!({"gcs_base_url": format!("http://{}", self.address), "disable_oauth": true,
            "client_email": "", "private_key": "", "private_key_id": ""});
        let account = account.to_string();
        let server = [("google_service_account_key", account.as_str()), ("allow_http", "true")];
        let patience = [("backoff_config.init_backoff", "1ms"), ("backoff_config.max_backoff", "10ms")];
        server.iter().chain(&patience).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    /// The next puts go as these say, in turn.
    pub fn script(&self, puts: impl IntoIterator<Item = Scripted>) {
        self.with(|state| state.script.extend(puts));
    }

    /// What was asked since the last call: methods and paths.
    pub fn take_asked(&self) -> Vec<String> {
        self.with(|state| std::mem::take(&mut state.asked))
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Answers the requests of one connection, until either side ends it.
    fn serve(&self, stream: &TcpStream) -> Option<()> {
        stream.set_nodelay(true).ok()?;
        let mut reader = BufReader::new(stream);
        loop {
            let request = Request::read(&mut reader)?;
            let answer = self.with(|state| state.answer(&request))?;
            answer.write(stream, request.method == "HEAD")?;
        }
    }
}

impl State {
    fn answer(&mut self, request: &Request) -> Option<Answer> {
        self.asked.push(format!("{} {}", request.method, request.path));
        let is_bucket = !request.path.trim_start_matches('/').contains('/');
        match request.method.as_str() {
            "PUT" => self.put(request),
            "GET" if is_bucket => Some(self.list(request)),
            "GET" | "HEAD" => Some(self.get(request)),
            "DELETE" => Some(Answer::new(if self.objects.remove(&request.path).is_some() { 204 } else { 404 })),
            _ => Some(Answer::new(501)),
        }
    }

    /// As the script says. `None` closes the connection.
    fn put(&mut self, request: &Request) -> Option<Answer> {
        match self.script.pop_front() {
            None => Some(self.put_now(request)),
            Some(Scripted::Fail(status)) => Some(Answer::new(status)),
            Some(Scripted::DoAndFail(status)) => {
                self.put_now(request);
                Some(Answer::new(status))
            }
            Some(Scripted::DoAndHangUp) => {
                self.put_now(request);
                None
            }
        }
    }

    fn put_now(&mut self, request: &Request) -> Answer {
        let only_if_absent = request.header("x-goog-if-generation-match") == Some("0");
        if only_if_absent && self.objects.contains_key(&request.path) {
            return Answer::new(412);
        }
        let object = Object { body: request.body.clone(), modified_ms: SystemClock.now().0 };
        let answer = Answer::new(200).with("etag", object.etag());
        self.objects.insert(request.path.clone(), object);
        answer
    }

    fn get(&self, request: &Request) -> Answer {
        let Some(object) = self.objects.get(&request.path) else { return Answer::new(404) };
        let size = object.body.len();
        let (status, from, to) = match request.header("range").and_then(|range| range.strip_prefix("bytes=")) {
            None => (200, 0, size),
            Some(range) => {
                let (from, last) = range.split_once('-').unwrap_or((range, ""));
                match (from.parse::<usize>(), last.parse::<usize>()) {
                    (Ok(from), Ok(last)) if from < size => (206, from, size.min(last + 1)),
                    (Ok(from), Err(_)) if from < size => (206, from, size),
                    (Err(_), Ok(length)) => (206, size.saturating_sub(length), size),
                    _ => return Answer::new(416),
                }
            }
        };
        let mut answer = Answer::new(status).with("etag", object.etag()).with("last-modified", object.modified());
        if status == 206 {
            answer = answer.with("content-range", format!("bytes {from}-{}/{size}", to.saturating_sub(1)));
        }
        answer.body = object.body[from..to].to_vec();
        answer
    }

    /// Everything under the prefix, on one page.
    fn list(&self, request: &Request) -> Answer {
        let bucket = format!("{}/", request.path.trim_end_matches('/'));
        let (prefix, after) = (request.query("prefix"), request.query("start-after"));
        let delimiter = request.query("delimiter");
        let mut answer = Answer::new(200);
        let (mut contents, mut folders) = (String::new(), BTreeMap::new());
        for (path, object) in &self.objects {
            let Some(key) = path.strip_prefix(&bucket) else { continue };
            let Some(rest) = key.strip_prefix(&prefix).filter(|_| *key > *after) else { continue };
            match rest.split_once('/').filter(|_| !delimiter.is_empty()) {
                Some((folder, _)) => drop(folders.insert(format!("{prefix}{folder}/"), ())),
                None => contents.push_str(&object.listed(key)),
            }
        }
        let folders: String = folders
            .into_keys()
            .map(|folder| format!("<CommonPrefixes><Prefix>{}</Prefix></CommonPrefixes>", xml(&folder)))
            .collect();
        answer.body = format!("<ListBucketResult>{contents}{folders}</ListBucketResult>").into_bytes();
        answer
    }
}

impl Object {
    fn etag(&self) -> String {
        use sha2::{Digest, Sha256};
        let digest = Sha256::digest(&self.body);
        let hex: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        format!("\"{hex}\"")
    }

    fn time(&self) -> chrono::DateTime<chrono::Utc> {
        chrono::DateTime::from_timestamp_millis(self.modified_ms).unwrap_or_default()
    }

    fn modified(&self) -> String {
        self.time().format("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }

    fn listed(&self, key: &str) -> String {
        format!(
            "<Contents><Key>{}</Key><Size>{}</Size><LastModified>{}</LastModified><ETag>{}</ETag></Contents>",
            xml(key),
            self.body.len(),
            self.time().format("%Y-%m-%dT%H:%M:%S%.3fZ"),
            xml(&self.etag())
        )
    }
}

fn xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A request, its path decoded.
struct Request {
    method: String,
    path: String,
    url: Url,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Request {
    /// The next request; `None` where the other side is gone, or talks nonsense.
    fn read(reader: &mut impl BufRead) -> Option<Self> {
        let first = line(reader)?;
        let mut words = first.split(' ');
        let (method, target) = (words.next()?.to_owned(), words.next()?);
        let url = Url::parse(&format!("http://server{target}")).ok()?;
        let mut headers = BTreeMap::new();
        loop {
            let header = line(reader)?;
            match header.split_once(':') {
                Some((name, value)) => drop(headers.insert(name.to_ascii_lowercase(), value.trim().to_owned())),
                None => break,
            }
        }
        let length = headers.get("content-length").map_or(Some(0), |length| length.parse().ok())?;
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let path = object_store::path::Path::from_url_path(url.path()).ok()?;
        Some(Self { method, path: format!("/{path}"), url, headers, body })
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The value of a parameter; empty where it is absent.
    fn query(&self, name: &str) -> String {
        let found = self.url.query_pairs().find(|(known, _)| known == name);
        found.map(|(_, value)| value.into_owned()).unwrap_or_default()
    }
}

fn line(reader: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    (reader.read_line(&mut line).ok()? > 0).then(|| line.trim_end().to_owned())
}

struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Answer {
    fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    fn write(&self, mut stream: &TcpStream, without_body: bool) -> Option<()> {
        let mut text =
            format!("HTTP/1.1 {} Answer\r\ncontent-length: {}\r\n", self.status, self.body.len()).into_bytes();
        for (name, value) in &self.headers {
            text.extend(format!("{name}: {value}\r\n").bytes());
        }
        text.extend(b"\r\n");
        if !without_body {
            text.extend(&self.body);
        }
        stream.write_all(&text).ok()
    }
}
