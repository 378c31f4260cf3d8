//! What users do with a Delta table: verbs, each from a builder by way of a plan to one commit.
//!
//! ```text
//!   builder ──plan──► plan (data: shown, compared, asserted on) ──execute──► data files ──► Transaction ──► report
//! ```
//!
//! | to do this | begin here |
//! |---|---|
//! | make a table | [`CreateBuilder`] |
//! | change properties, constraints, columns, features | [`AlterBuilder`] |
//! | append, overwrite, replace a part | [`WriteBuilder`] |
//! | delete rows | [`DeleteBuilder`] |
//! | change rows | [`UpdateBuilder`] |
//! | go back to an older version | [`RestoreBuilder`] |
//! | delete files that nothing needs any more | [`VacuumBuilder`] |
//! | hand in rows | [`Input`] |
//!
//! This is the only crate that creates or deletes data files. A file is whole, and on disk, before a commit names it; what a
//! failed operation wrote is removed, unless nobody knows whether its commit stands.

pub mod alter;
mod clustering;
pub mod create;
mod data;
pub mod delete;
mod finish;
mod input;
mod partition_predicate;
mod remove;
mod report;
pub mod restore;
mod rows;
mod target;
pub mod update;
pub mod vacuum;
pub mod write;

pub use alter::AlterBuilder;
pub use create::CreateBuilder;
pub use data::options::FileOptions;
pub use delete::DeleteBuilder;
pub use input::Input;
pub use report::Report;
pub use restore::RestoreBuilder;
pub use target::Target;
pub use update::UpdateBuilder;
pub use vacuum::VacuumBuilder;
pub use write::WriteBuilder;
