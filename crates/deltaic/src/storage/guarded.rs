//! A cloud's client behind a guard: no secret gets out, and over plain HTTP nothing is changed and folders are listed one by
//! one.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::future;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use super::http_listing;
use super::network;
use super::options::Secrets;

/// What may be done in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Permission {
    ReadAndWrite,
    /// Plain HTTP: every put, copy and delete is refused before it is sent.
    Read,
}

/// `inner`, whose `Debug` may show credentials, without them: `Debug` is `Display` here, and an error whose text holds a
/// secret is replaced by one that does not.
pub(super) struct Guarded<S> {
    inner: Arc<S>,
    permission: Permission,
    secrets: Secrets,
}

impl<S: ObjectStore> Guarded<S> {
    pub(super) fn new(inner: S, permission: Permission, secrets: Secrets) -> Self {
        Self { inner: Arc::new(inner), permission, secrets }
    }

    fn permit(&self, operation: &str) -> Result<()> {
        match self.permission {
            Permission::ReadAndWrite => Ok(()),
            Permission::Read => Err(Error::NotImplemented {
                operation: format!("`{operation}`: tables are only read over plain HTTP"),
                implementer: self.to_string(),
            }),
        }
    }

    fn hide<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|error| hidden(network::explained(error), &self.secrets))
    }

    fn hide_all<T: 'static>(&self, results: BoxStream<'static, Result<T>>) -> BoxStream<'static, Result<T>> {
        let secrets = self.secrets.clone();
        results.map(move |result| result.map_err(|error| hidden(network::explained(error), &secrets))).boxed()
    }
}

/// The error, unless its text or a cause's holds a secret: then one of the same kind that does not. A missing file must stay a
/// missing file, even if its path happens to hold the secret.
fn hidden(error: Error, secrets: &Secrets) -> Error {
    let text = format!("{error} {error:?}");
    if secrets.redact(&text) == text {
        return error;
    }
    let shown = |source: &dyn fmt::Display| secrets.redact(&source.to_string()).into();
    match error {
        Error::NotFound { path, source } => Error::NotFound { path: secrets.redact(&path), source: shown(&source) },
        Error::AlreadyExists { path, source } => {
            Error::AlreadyExists { path: secrets.redact(&path), source: shown(&source) }
        }
        Error::Precondition { path, source } => {
            Error::Precondition { path: secrets.redact(&path), source: shown(&source) }
        }
        Error::NotModified { path, source } => {
            Error::NotModified { path: secrets.redact(&path), source: shown(&source) }
        }
        Error::PermissionDenied { path, source } => {
            Error::PermissionDenied { path: secrets.redact(&path), source: shown(&source) }
        }
        Error::Unauthenticated { path, source } => {
            Error::Unauthenticated { path: secrets.redact(&path), source: shown(&source) }
        }
        other => Error::Generic { store: "storage", source: shown(&other) },
    }
}

impl<S: ObjectStore> fmt::Display for Guarded<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.permission {
            Permission::ReadAndWrite => fmt::Display::fmt(&self.inner, f),
            Permission::Read => write!(f, "ReadOnly({})", self.inner),
        }
    }
}

impl<S: ObjectStore> fmt::Debug for Guarded<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[async_trait]
impl<S: ObjectStore> ObjectStore for Guarded<S> {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.permit("put")?;
        self.hide(self.inner.put_opts(location, payload, options).await)
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.permit("put")?;
        self.hide(self.inner.put_multipart_opts(location, options).await)
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.hide(self.inner.get_opts(location, options).await)
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.hide(self.inner.get_ranges(location, ranges).await)
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        match self.permit("delete") {
            Ok(()) => self.hide_all(self.inner.delete_stream(locations)),
            Err(refusal) => stream::iter([Err(refusal)]).boxed(),
        }
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.hide_all(match self.permission {
            Permission::ReadAndWrite => self.inner.list(prefix),
            Permission::Read => http_listing::list(self.inner.clone(), prefix),
        })
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        let offset = offset.clone();
        match self.permission {
            Permission::ReadAndWrite => self.hide_all(self.inner.list_with_offset(prefix, &offset)),
            Permission::Read => self.list(prefix).try_filter(move |file| future::ready(file.location > offset)).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.hide(self.inner.list_with_delimiter(prefix).await)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.permit("copy")?;
        self.hide(self.inner.copy_opts(from, to, options).await)
    }
}

#[cfg(test)]
mod tests {
    use super::super::known_keys::Service;
    use super::super::options::StorageOptions;
    use super::*;
    use object_store::{ObjectStoreExt, memory::InMemory};

    fn guarded(permission: Permission) -> Guarded<InMemory> {
        let options = StorageOptions::new().with("aws_secret_access_key", "S3CR3T");
        let secrets = options.resolve(Service::Aws, &|_| None).unwrap().secrets();
        Guarded::new(InMemory::new(), permission, secrets)
    }

    #[tokio::test]
    async fn nothing_is_changed_where_only_reading_is_permitted() {
        let (from, to) = (Path::from("a"), Path::from("b"));
        for (permission, expect) in [(Permission::ReadAndWrite, true), (Permission::Read, false)] {
            let store = guarded(permission);
            assert_eq!(store.put(&from, "x".into()).await.is_ok(), expect);
            assert_eq!(store.copy(&from, &to).await.is_ok(), expect);
            assert_eq!(store.delete(&from).await.is_ok(), expect);
            assert_eq!(store.list(None).collect::<Vec<_>>().await.len(), usize::from(expect));
        }
    }

    #[tokio::test]
    async fn errors_show_no_secret() {
        let error = guarded(Permission::Read).get(&Path::from("S3CR3T/x")).await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("S3CR3T"), "{error:?}");
        assert!(matches!(error, Error::NotFound { .. }), "{error:?}");
        let error = guarded(Permission::Read).get(&Path::from("x")).await.unwrap_err();
        assert!(matches!(error, Error::NotFound { .. }), "{error:?}");
    }
}
