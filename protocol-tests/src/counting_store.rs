//! A store that counts what is asked of it: how many requests an operation costs is part of what tests promise.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, Result,
};

/// `inner`, with its requests counted. Clones share their counts.
#[derive(Clone, Debug)]
pub struct CountingStore {
    inner: Arc<dyn ObjectStore>,
    counts: Arc<Counters>,
}

#[derive(Debug, Default)]
struct Counters {
    lists: AtomicU64,
    gets: AtomicU64,
    heads: AtomicU64,
    puts: AtomicU64,
    deletes: AtomicU64,
    bytes_read: AtomicU64,
}

/// How many requests a store has had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Listings, whatever their length.
    pub lists: u64,
    /// Reads of a file or of one range of it.
    pub gets: u64,
    /// Questions for a file's size and time.
    pub heads: u64,
    /// Writes, copies included.
    pub puts: u64,
    /// Deletions.
    pub deletes: u64,
    /// The bytes that reads asked for.
    pub bytes_read: u64,
}

impl CountingStore {
    /// Counts from zero.
    pub fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self { inner, counts: Arc::default() }
    }

    /// What was asked so far.
    pub fn counts(&self) -> Counts {
        self.each(|counter| counter.load(Ordering::SeqCst))
    }

    /// What was asked since the last call, or since the start.
    pub fn take(&self) -> Counts {
        self.each(|counter| counter.swap(0, Ordering::SeqCst))
    }

    fn each(&self, of: impl Fn(&AtomicU64) -> u64) -> Counts {
        let Counters { lists, gets, heads, puts, deletes, bytes_read } = &*self.counts;
        Counts {
            lists: of(lists),
            gets: of(gets),
            heads: of(heads),
            puts: of(puts),
            deletes: of(deletes),
            bytes_read: of(bytes_read),
        }
    }

    fn add(&self, counter: impl Fn(&Counters) -> &AtomicU64, number: u64) {
        counter(&self.counts).fetch_add(number, Ordering::SeqCst);
    }
}

impl fmt::Display for CountingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CountingStore({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for CountingStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.add(|c| &c.puts, 1);
        self.inner.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.add(|c| &c.puts, 1);
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.add(|c| if options.head { &c.heads } else { &c.gets }, 1);
        let is_head = options.head;
        let got = self.inner.get_opts(location, options).await?;
        if !is_head {
            self.add(|c| &c.bytes_read, got.range.end - got.range.start);
        }
        Ok(got)
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.add(|c| &c.gets, ranges.len() as u64);
        self.add(|c| &c.bytes_read, ranges.iter().map(|range| range.end.saturating_sub(range.start)).sum());
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let counting = self.clone();
        let counted = locations.inspect(move |_| counting.add(|c| &c.deletes, 1));
        self.inner.delete_stream(counted.boxed())
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.add(|c| &c.lists, 1);
        self.inner.list(prefix)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.add(|c| &c.lists, 1);
        self.inner.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.add(|c| &c.lists, 1);
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.add(|c| &c.puts, 1);
        self.inner.copy_opts(from, to, options).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use object_store::{ObjectStoreExt, memory::InMemory};

    #[tokio::test]
    async fn every_request_is_counted_once() {
        let store = CountingStore::new(Arc::new(InMemory::new()));
        let path = Path::from("a");
        store.put(&path, "0123456789".into()).await.unwrap();
        assert_eq!(store.take(), Counts { puts: 1, ..Counts::default() });
        store.get(&path).await.unwrap().bytes().await.unwrap();
        store.get_ranges(&path, &[0..2, 4..5]).await.unwrap();
        store.head(&path).await.unwrap();
        assert_eq!(store.take(), Counts { gets: 3, heads: 1, bytes_read: 13, ..Counts::default() });
        store.list(None).collect::<Vec<_>>().await;
        store.delete(&path).await.unwrap();
        assert_eq!(store.take(), Counts { lists: 1, deletes: 1, ..Counts::default() });
        assert_eq!(store.counts(), Counts::default());
    }
}
