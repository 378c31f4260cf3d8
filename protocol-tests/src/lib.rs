//! Shared parts of the protocol tests.

pub mod counting_store;

pub use counting_store::{CountingStore, Counts};
