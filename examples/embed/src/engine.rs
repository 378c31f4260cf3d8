//! What the engine brings: storage that counts requests, a clock that stands still, a few plain threads.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use async_trait::async_trait;
use deltaic::log::cpu::Cpu;
use deltaic::log::{Clock, Location, Stores};
use deltaic::{Context, Error, ErrorKind, Result, TimestampMs};
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult,
};
use url::Url;

/// The engine, as far as deltaic sees it.
pub struct Engine {
    storage: Arc<Storage>,
    threads: Arc<Threads>,
}

impl Engine {
    pub fn new() -> Self {
        Self { storage: Arc::default(), threads: Arc::new(Threads::new(2)) }
    }

    /// Everything that deltaic takes from its surroundings.
    pub fn context(&self) -> Context {
        let stores = Arc::new(EngineStores(self.storage.clone()));
        Context::new(stores).with_clock(Arc::new(StoppedClock)).with_cpu(self.threads.clone())
    }

    pub fn requests(&self) -> u64 {
        self.storage.requests.load(Ordering::SeqCst)
    }
}

/// Finds the engine's one store for every URL.
#[derive(Debug)]
struct EngineStores(Arc<Storage>);

impl Stores for EngineStores {
    fn locate(&self, url: &Url) -> Result<Location> {
        let invalid = || Error::new(ErrorKind::InvalidArgument, "the engine has local files alone").with("url", url);
        let file = url.to_file_path().map_err(|()| invalid())?;
        let path = Path::from_absolute_path(file).map_err(|error| invalid().because(error))?;
        // `local` would let deltaic read past the store, which then would see no requests.
        Ok(Location { store: self.0.clone(), path, local: None })
    }
}

/// The engine's storage: local files, each request counted.
#[derive(Debug, Default)]
struct Storage {
    files: LocalFileSystem,
    requests: AtomicU64,
}

impl Storage {
    fn counted(&self) -> &LocalFileSystem {
        self.requests.fetch_add(1, Ordering::SeqCst);
        &self.files
    }
}

impl fmt::Display for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the engine's storage")
    }
}

#[async_trait]
impl ObjectStore for Storage {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> object_store::Result<PutResult> {
        self.counted().put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        self.counted().put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> object_store::Result<GetResult> {
        self.counted().get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        self.counted().delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.counted().list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> object_store::Result<ListResult> {
        self.counted().list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> object_store::Result<()> {
        self.counted().copy_opts(from, to, options).await
    }
}

/// It is always the same moment: a run that fails can be repeated exactly.
#[derive(Debug)]
struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> TimestampMs {
        TimestampMs(1_785_542_400_000)
    }

    /// Nobody waits where time stands still.
    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }
}

type Job = Box<dyn FnOnce() + Send>;

/// Plain threads that take jobs from a queue, until the engine is gone.
struct Threads {
    jobs: Mutex<Sender<Job>>,
    width: usize,
}

impl Threads {
    fn new(width: usize) -> Self {
        let (jobs, queue) = mpsc::channel::<Job>();
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..width {
            let queue = queue.clone();
            thread::spawn(move || work(&queue));
        }
        Self { jobs: Mutex::new(jobs), width }
    }
}

fn work(queue: &Mutex<Receiver<Job>>) {
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match job {
            Ok(job) => job(),
            Err(_) => return,
        }
    }
}

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} threads", self.width)
    }
}

impl Cpu for Threads {
    fn spawn(&self, job: Job) {
        // Where no thread is left the job is dropped, and deltaic reports it as cancelled.
        let _ = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).send(job);
    }

    fn parallelism(&self) -> usize {
        self.width
    }
}
