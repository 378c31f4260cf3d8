//! Logs written by hand, in memory.

use std::sync::Arc;

use deltaic_log::{Context, SingleStore};
use futures::executor::block_on;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use url::Url;

pub const PROTOCOL: &str = r#"{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}"#;
pub const METADATA: &str = r#"{"metaData":{"id":"0","format":{"provider":"parquet","options":{}},"schemaString":"{\"type\":\"struct\",\"fields\":[]}","partitionColumns":[],"configuration":{}}}"#;

pub fn add(path: &str) -> String {
    format!(r#"{{"add":{{"path":"{path}","partitionValues":{{}},"size":1,"modificationTime":1,"dataChange":true}}}}"#)
}

pub fn remove(path: &str) -> String {
    format!(r#"{{"remove":{{"path":"{path}","deletionTimestamp":1,"dataChange":true}}}}"#)
}

/// A table in memory whose log is written file by file.
#[derive(Debug)]
pub struct Log(Arc<InMemory>);

impl Log {
    pub fn new() -> Self {
        Self(Arc::new(InMemory::new()))
    }

    pub fn commit(self, version: u64, lines: &[&str]) -> Self {
        self.file(&format!("{version:020}.json"), &lines.join("\n"))
    }

    /// Writes a file.
    pub fn file(self, name: &str, content: &str) -> Self {
        let path = Path::from(format!("table/_delta_log/{name}"));
        block_on(self.0.put(&path, content.to_owned().into())).unwrap();
        self
    }

    /// The same log, apart: what is written here is not seen there.
    pub fn fork(&self) -> Self {
        Self(Arc::new(self.0.fork()))
    }

    pub fn root(&self) -> Url {
        "memory:///table/".parse().unwrap()
    }

    pub fn context(&self) -> Context {
        Context::new(Arc::new(SingleStore::new(self.0.clone() as Arc<dyn ObjectStore>)))
    }
}
