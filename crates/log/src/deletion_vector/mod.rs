//! Spec: [Deletion Vectors](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#deletion-vectors): the rows of a
//! data file that are no longer part of the table.
//!
//! ```text
//! descriptor (in the log) --location()--> Inline   the bytes themselves, Z85            --+
//!                                         Relative deletion_vector_<uuid>.bin  --fetch--+ |
//!                                         Absolute a URI                       --fetch--+ |
//!                                                       file::unframe: size, data, CRC -+ |
//!                                                                                       v v
//!                                       DeletionVector <--descriptor.decode: magic, roaring, cardinality
//! ```
//!
//! Everything here is sync and pure: whoever fetches bytes asks [`DeletionVectorDescriptor::location`] what to fetch and
//! hands the bytes to [`DeletionVectorDescriptor::decode_inline`] or [`DeletionVectorDescriptor::decode_fetched`].

mod bitmap;
mod descriptor;
mod file;
mod z85;

pub use bitmap::{DeletionVector, Ranges};
pub use descriptor::{DeletionVectorDescriptor, DeletionVectorLocation, StorageType};
pub use file::{DeletionVectorFileBuilder, FILE_FORMAT_VERSION};
