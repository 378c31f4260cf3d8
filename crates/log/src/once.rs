//! A value that is made asynchronously, once, by whoever needs it first.

use std::fmt;
use std::future::Future;

use futures::lock::Mutex;

use crate::error::Result;

/// An empty place for a value, or the value. Whoever comes while it is being made waits; a failure leaves it empty.
pub(crate) struct AsyncOnce<T>(Mutex<Option<T>>);

impl<T: Clone> AsyncOnce<T> {
    pub(crate) fn with(value: Option<T>) -> Self {
        Self(Mutex::new(value))
    }

    pub(crate) async fn get_or_try_init(&self, make: impl Future<Output = Result<T>>) -> Result<T> {
        let mut place = self.0.lock().await;
        if let Some(value) = &*place {
            return Ok(value.clone());
        }
        let value = make.await?;
        *place = Some(value.clone());
        Ok(value)
    }

    /// The value, if it is made and nobody is just making it.
    pub(crate) fn get(&self) -> Option<T> {
        self.0.try_lock()?.clone()
    }
}

impl<T> Default for AsyncOnce<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T> fmt::Debug for AsyncOnce<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AsyncOnce")
    }
}
