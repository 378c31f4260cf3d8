//! A store that fails as real ones do, as a script or a seed says: before a put, after it, or so that it lands only later.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use crate::Rng;
use crate::scheduler::yield_now;

/// What becomes of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a fault has to happen"]
pub enum Fault {
    /// It is done, and answered.
    None,
    /// It is not done, and fails.
    FailBefore,
    /// It is done, and its answer is lost. A read fails.
    FailAfter,
    /// It fails, but is done later, when so many more requests have come. A read fails.
    Late(usize),
    /// A part of it is done, and it fails: no store does that to a single put, but a writer that dies may.
    Torn,
    /// It is refused for want of permission.
    Refuse,
    /// It is done, but its answer is lost on the way to the store's client, which asks again by itself: and is refused then for
    /// want of permission.
    RefuseRetry,
    /// As before, but the client's second request meets what its first has put.
    MeetItself,
}

/// Before the path of a file that was deleted.
pub const DELETED: &str = "deleted/";

/// `inner`, with faults. Each request lets other tasks run first. Clones share their state.
#[derive(Clone, Debug)]
pub struct FaultStore {
    inner: Arc<dyn ObjectStore>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    puts: VecDeque<Fault>,
    gets: VecDeque<Fault>,
    deletes: VecDeque<Fault>,
    random: Option<(Rng, usize)>,
    late: Vec<LatePut>,
    ignores_conditions: bool,
}

#[derive(Clone, Debug)]
struct LatePut {
    requests: usize,
    location: Path,
    payload: PutPayload,
    options: PutOptions,
}

impl FaultStore {
    /// No faults, until some are asked for.
    pub fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self { inner, state: Arc::default() }
    }

    /// The next puts meet these faults, in turn.
    pub fn fail_puts(&self, faults: impl IntoIterator<Item = Fault>) {
        self.with(|state| state.puts.extend(faults));
    }

    /// The next reads meet these faults, in turn.
    pub fn fail_gets(&self, faults: impl IntoIterator<Item = Fault>) {
        self.with(|state| state.gets.extend(faults));
    }

    /// The next deletions meet these faults, in turn.
    pub fn fail_deletes(&self, faults: impl IntoIterator<Item = Fault>) {
        self.with(|state| state.deletes.extend(faults));
    }

    /// That many of 100 requests meet a fault, as `seed` says; 0 for none any more.
    pub fn fail_at_random(&self, seed: u64, percent: usize) {
        self.with(|state| state.random = (percent > 0).then(|| (Rng::new(seed), percent)));
    }

    /// Conditional puts overwrite, as some stores do.
    pub fn ignore_conditions(&self) {
        self.with(|state| state.ignores_conditions = true);
    }

    /// Every late put lands now.
    pub async fn land_all(&self) {
        let late = self.with(|state| std::mem::take(&mut state.late));
        for put in late {
            self.land(put).await;
        }
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A put that comes late and finds its place taken is lost without a word.
    async fn land(&self, put: LatePut) {
        let _ = self.inner.put_opts(&put.location, put.payload, put.options).await;
    }

    /// Lets others run, and late puts land whose time has come.
    async fn step(&self) {
        yield_now().await;
        let due = self.with(|state| {
            for put in &mut state.late {
                put.requests = put.requests.saturating_sub(1);
            }
            let (due, late) = std::mem::take(&mut state.late).into_iter().partition(|put| put.requests == 0);
            state.late = late;
            due
        });
        let due: Vec<LatePut> = due;
        for put in due {
            self.land(put).await;
        }
    }

    /// What is deleted is kept elsewhere, for the auditor.
    async fn delete_one(self, location: Result<Path>) -> Result<Path> {
        if self.with(|state| state.deletes.pop_front()).is_some_and(|fault| fault != Fault::None) {
            return Err(lost("a deletion"));
        }
        self.before_get().await?;
        let location = location?;
        let bytes = self.inner.get(&location).await?.bytes().await?;
        self.inner.put(&Path::from(format!("{DELETED}{location}")), bytes.into()).await?;
        self.inner.delete(&location).await?;
        Ok(location)
    }

    /// Lets others run, and tells what becomes of the next read, or of what is like one.
    pub async fn next_get(&self) -> Fault {
        self.step().await;
        self.with(|state| {
            let scripted = state.gets.pop_front();
            scripted.unwrap_or_else(|| {
                state.random.as_mut().map_or(Fault::None, |(rng, percent)| any_fault(rng, *percent / 2))
            })
        })
    }

    /// Lets others run, and tells what becomes of the next request that is like a put.
    pub async fn next_put(&self) -> Fault {
        self.put_fault(|fault| fault).await
    }

    /// The next put's fault: as scripted, or what `change` makes of a random one.
    async fn put_fault(&self, change: impl FnOnce(Fault) -> Fault) -> Fault {
        self.step().await;
        self.with(|state| {
            let scripted = state.puts.pop_front();
            let random = state.random.as_mut();
            scripted.unwrap_or_else(|| change(random.map_or(Fault::None, |(rng, percent)| any_fault(rng, *percent))))
        })
    }

    async fn before_get(&self) -> Result<()> {
        if self.next_get().await == Fault::None { Ok(()) } else { Err(lost("a read")) }
    }
}

fn any_fault(rng: &mut Rng, percent: usize) -> Fault {
    if !rng.chance(percent) {
        return Fault::None;
    }
    match rng.below(3) {
        0 => Fault::FailBefore,
        1 => Fault::FailAfter,
        _ => Fault::Late(1 + rng.below(40)),
    }
}

fn lost(what: &str) -> Error {
    Error::Generic { store: "FaultStore", source: format!("{what} was not answered in time").into() }
}

/// As `object_store`'s clients word it, who tell nowhere else how often they asked.
fn refused(location: &Path, retries: usize) -> Error {
    let asked = if retries == 0 { String::new() } else { format!(", after {retries} retries, max_retries: 10 ") };
    let text =
        format!("Error performing PUT http://store/{location} in 1ms{asked} - Server returned non-2xx status code");
    Error::PermissionDenied { path: location.to_string(), source: format!("{text}: 403 Forbidden").into() }
}

impl fmt::Display for FaultStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FaultStore({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for FaultStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, mut options: PutOptions) -> Result<PutResult> {
        // Texts of commits that nobody has entered into a lock table yet may be of any shape.
        let may_tear = location.as_ref().contains("/.tmp/");
        let fault =
            self.put_fault(|fault| if may_tear && fault == Fault::FailAfter { Fault::Torn } else { fault }).await;
        if self.with(|state| state.ignores_conditions) {
            options.mode = PutMode::Overwrite;
        }
        match fault {
            Fault::None => self.inner.put_opts(location, payload, options).await,
            Fault::FailBefore => Err(lost("a put")),
            Fault::Refuse => Err(refused(location, 0)),
            Fault::RefuseRetry => {
                let _ = self.inner.put_opts(location, payload, options).await;
                Err(refused(location, 1))
            }
            Fault::MeetItself => {
                let _ = self.inner.put_opts(location, payload.clone(), options.clone()).await;
                self.inner.put_opts(location, payload, options).await
            }
            Fault::FailAfter => {
                let _ = self.inner.put_opts(location, payload, options).await;
                Err(lost("a put"))
            }
            Fault::Torn => {
                let whole = Bytes::from(payload);
                let part = PutPayload::from(whole.slice(..whole.len() / 2));
                let _ = self.inner.put_opts(location, part, options).await;
                Err(lost("a put"))
            }
            Fault::Late(requests) => {
                let put = LatePut { requests, location: location.clone(), payload, options };
                self.with(|state| state.late.push(put));
                Err(lost("a put"))
            }
        }
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.before_get().await?;
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.before_get().await?;
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let this = self.clone();
        locations.then(move |location| this.clone().delete_one(location)).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
