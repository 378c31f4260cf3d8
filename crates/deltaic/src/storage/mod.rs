//! Storage: from a URI and a user's options to an object store.
//!
//! | location | served by |
//! |---|---|
//! | a path, `file:///path` | the local file system, read directly |
//! | `memory://name/path` | a store in this process's memory |
//! | `s3://bucket/path`, `s3a://`, `s3n://` | Amazon S3 and compatible stores (feature `aws`) |
//! | `gs://bucket/path`, `gcs://` | Google Cloud Storage (feature `gcp`) |
//! | `az://container/path`, `abfs[s]://container@account.dfs.core.windows.net/path`, `wasb[s]://`, `adl://`, `azure://` | Azure storage, OneLake (feature `azure`) |
//! | `http://host/path`, `https://host/path` | any server that lists directories by WebDAV; read-only (feature `http`) |
//!
//! The options are those of [`KNOWN_KEYS`]. They say, too, how a table on S3 is committed to: [`CommitRoute`].

mod address;
#[cfg(feature = "aws-profiles")]
mod aws_profiles;
mod clients;
mod commit_route;
mod guarded;
mod http_listing;
mod known_keys;
#[cfg(feature = "aws")]
mod lock_table;
mod network;
mod options;
mod stores;

pub use commit_route::CommitRoute;
pub use known_keys::{Handler, KNOWN_KEYS, KnownKey, Role, Service};
pub use options::StorageOptions;
pub use stores::{ConfiguredStores, table_url};
