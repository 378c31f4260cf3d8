//! Commits to S3 through a lock table in DynamoDB, together with every other writer that uses the table: Spark's
//! `S3DynamoDBLogStore` above all.
//!
//! Reference: `BaseExternalLogStore` and `S3DynamoDBLogStore` of
//! [delta-storage](https://github.com/delta-io/delta/tree/master/storage-s3-dynamodb), whose layout and order of steps this
//! keeps. The protocol of Delta itself knows nothing of lock tables.
//!
//! The lock table holds one item for each commit, kept until it expires:
//!
//! | attribute | key | type | meaning |
//! |---|---|---|---|
//! | `tablePath` | hash | S | the table, as [`table_path`] spells it |
//! | `fileName` | range | S | the commit's file name, `<v>.json` |
//! | `tempPath` | | S | the commit's text, relative to `_delta_log`: `.tmp/<v>.json.<uuid>` |
//! | `complete` | | S | `"true"` or `"false"`: whether `<v>.json` stands |
//! | `expireTime` | | N | when the item may go, in seconds since 1970; complete items only |
//!
//! A commit of version N:
//!
//! ```text
//!   S3                                      DynamoDB
//!   1  N.json exists? ─► conflict
//!   2                                       E(N-1) incomplete? ─► finish it: copy its text, mark it complete
//!   3  put .tmp/N.json.<uuid>
//!   4                                       put E(N, incomplete) if there is no E(N) ─► else conflict
//!   ─────────────── from here on the commit is made: whoever meets E(N) finishes it ───────────────
//!   5  put N.json
//!   6                                       mark E(N) complete, to expire in a day
//!   7  delete E(N-1)'s text
//! ```
//!
//! Step 4 alone keeps two writers apart. Step 2 keeps everything but the newest entry complete, so that a reader has one entry
//! to look at ([`LockTableSource`]). Whoever finishes an entry puts the same bytes, so any number may do it at once.
//!
//! **Why entries live for a day.** Once E(N) is gone, only step 1 keeps a late writer from putting version N again: it must see
//! `N.json`. S3 shows what was put at once, but other stores may take their time, and a request that was signed long ago may
//! still be on its way: a signature is good for minutes, a day is far beyond that. An entry that expired after seconds would let
//! a writer that looked before step 5 put E(N) anew after step 6, and overwrite the commit. Entries are removed only by a time to
//! live on `expireTime`, if the owner of the lock table has switched that on.
//!
//! **Two ways to commit do not exclude each other.** A writer that knows nothing of the lock table and one that uses it can both
//! win a version. So both look, before their first commit to a table, for traces of the other: [`LockTableCommitter`] for a
//! newest commit that has no entry although it is younger than a day, and for entries under another spelling of the table's
//! scheme; [`LockAware`] for the newest commit's text under `.tmp`, which is left there for this, and for entries in the lock
//! table, where one is named. Each refuses to commit then ([`UnsafeStorage`](deltaic_log::ErrorKind::UnsafeStorage)), unless
//! [`Others::Ignored`]. What this cannot see: another way that begins after the first commit of this process; and, without the
//! name of the lock table, writers that leave nothing under `.tmp`. Where the store has conditional puts, step 5 uses one:
//! then a version that a stranger took by a conditional put is a conflict, never overwritten by this committer.

mod answer;
mod client;
mod committer;
mod entry;
mod finish;
mod in_memory;
mod lock_table;
mod others;
mod request;
mod source;
mod table_path;

pub use client::{BillingMode, DynamoDbOptions, DynamoDbTable};
pub use committer::LockTableCommitter;
pub use entry::{EntryState, LockEntry};
pub use in_memory::InMemoryLockTable;
pub use lock_table::LockTable;
pub use others::{LockAware, Others};
pub use source::LockTableSource;
pub use table_path::table_path;
