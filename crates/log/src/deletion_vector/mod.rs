//! Spec: [Deletion Vectors](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#deletion-vectors).

mod descriptor;

pub use descriptor::{DeletionVectorDescriptor, StorageType};
