//! Whether a store keeps two writers apart: found out by trying, once for each store and process.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::Bytes;
use deltaic_log::context::Location;
use deltaic_log::file_name::LOG_DIR;
use deltaic_log::{Error, ErrorKind, Result, TableStore};
use futures::lock::Mutex as AsyncMutex;
use object_store::{ObjectStore, ObjectStoreExt};

use super::PutOutcome;
use super::put_if_absent::create;

/// Finds out whether the table's store keeps two writers apart, unless this process knows that already. `asked` is called for
/// each request.
///
/// # Errors
/// [`ErrorKind::UnsafeStorage`] where it does not; [`ErrorKind::Storage`] where it cannot be told, which is no verdict: the
/// next call tries again.
pub(super) async fn check(store: &TableStore, asked: &(dyn Fn() + Sync)) -> Result<()> {
    let location = store.locate(&format!("{LOG_DIR}/.put-if-absent.{}.tmp", store.context().ids.uuid()))?;
    let verdict = verdict(store, &location.store);
    // Whoever comes while the store is tried out waits for what comes of it.
    let mut is_safe = verdict.lock().await;
    if !*is_safe {
        let tried = try_out(&location, asked).await;
        tried.map_err(|error| error.with("table", store.root()))?;
        *is_safe = true;
    }
    Ok(())
}

/// What tells one store from another.
enum Identity {
    /// Its name, where the context knows one that no two stores share.
    Name(String),
    /// Its client, as long as that lives. The weak reference keeps the address from being given to another.
    Client(Weak<dyn ObjectStore>),
}

impl Identity {
    fn is(&self, name: Option<&str>, client: &Arc<dyn ObjectStore>) -> bool {
        match self {
            Self::Name(known) => name == Some(known),
            Self::Client(known) => name.is_none() && std::ptr::addr_eq(known.as_ptr(), Arc::as_ptr(client)),
        }
    }

    fn may_come_again(&self) -> bool {
        match self {
            Self::Name(_) => true,
            Self::Client(client) => client.strong_count() > 0,
        }
    }
}

type Verdict = Arc<AsyncMutex<bool>>;

/// What this process knows of the store.
fn verdict(store: &TableStore, client: &Arc<dyn ObjectStore>) -> Verdict {
    static KNOWN: Mutex<Vec<(Identity, Verdict)>> = Mutex::new(Vec::new());
    let name = store.context().stores.identity(store.root());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, verdict)) = known.iter().find(|(identity, _)| identity.is(name.as_deref(), client)) {
        return verdict.clone();
    }
    known.retain(|(identity, _)| identity.may_come_again());
    let verdict = Verdict::default();
    let identity = name.map_or_else(|| Identity::Client(Arc::downgrade(client)), Identity::Name);
    known.push((identity, verdict.clone()));
    verdict
}

/// Puts one file twice: the second put must fail. The file's name is none that the log knows, and it is deleted again.
async fn try_out(location: &Location, asked: &(dyn Fn() + Sync)) -> Result<()> {
    let body = Bytes::from_static(
        b"Whether this store keeps two writers apart is tried out with this file. It may be deleted.",
    );
    let put = async || {
        asked();
        create(location, body.clone()).await
    };
    let verdict = match put().await {
        PutOutcome::Committed => of_second(put().await),
        // The client has put it twice by itself, as the answer to its first request was no good.
        PutOutcome::Conflict => {
            asked();
            location
                .store
                .head(&location.path)
                .await
                .map(drop)
                .map_err(|error| taken_before_it_was_put().because(error))
        }
        PutOutcome::Ambiguous(error) | PutOutcome::Refused(error) => Err(error),
    };
    asked();
    if let Err(error) = location.store.delete(&location.path).await {
        tracing::warn!(%error, file = %location.path, "a file that tried out the store could not be deleted; it does no harm");
    }
    verdict
}

fn of_second(second: PutOutcome) -> Result<()> {
    match second {
        PutOutcome::Conflict => Ok(()),
        PutOutcome::Committed => {
            let message = "the store ignores the condition \"only if absent\" and overwrites, so that two writers would \
                           lose each other's rows: commit through a lock table or a catalog";
            Err(Error::new(ErrorKind::UnsafeStorage, message))
        }
        PutOutcome::Ambiguous(error) | PutOutcome::Refused(error) => Err(error),
    }
}

fn taken_before_it_was_put() -> Error {
    let message = "the store claims that a file exists whose name was never used: it does not keep its word";
    Error::new(ErrorKind::UnsafeStorage, message)
}
