//! The command line, as types.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use deltaic::{StorageOptions, Version};

/// Show, read, check and keep Delta tables.
#[derive(Debug, Parser)]
#[command(name = "deltaic", version, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) verb: Verb,

    /// When to colour what is printed.
    #[arg(long, global = true, value_enum, default_value_t = When::Auto)]
    pub(crate) color: When,

    /// Draw no progress bars.
    #[arg(long, global = true)]
    pub(crate) no_progress: bool,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  `check` has findings
  2  the arguments are wrong: an option, a column, an expression
  3  there is no such table or version
  4  the table is damaged: a file is missing or breaks the protocol
  5  the table needs a feature that deltaic does not support
  6  storage refused or failed
  7  the data do not allow it: a value overflows, a limit is reached
  8  a fault of deltaic itself
  130  interrupted

DELTAIC_LOG=debug writes what deltaic does to standard error.";

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Show what a table is: version, protocol, features, schema, properties, size, health of the log.
    Show(At),
    /// List the data files that make up the table.
    Files(Files),
    /// List the versions that the log holds, newest first.
    History(History),
    /// Read rows.
    Read(Read),
    /// Read the rows that commits inserted, updated and deleted.
    Changes(Changes),
    /// Show the schema.
    Schema(At),
    /// Show the actions of one commit, as the log holds them.
    Log(Log),
    /// Verify the table against the protocol.
    Check(Check),
    /// Write a checkpoint, from which readers begin instead of at the first commit.
    Checkpoint(Checkpoint),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// A table, and how to reach it.
#[derive(Debug, Args)]
pub(crate) struct Table {
    /// A path or a URI: file://, s3://, gs://, abfss://, https://, …
    pub(crate) table: String,

    /// An option of the storage, such as AWS_REGION=eu-west-1. May be repeated.
    #[arg(long = "storage-option", value_name = "KEY=VALUE", value_parser = key_value)]
    storage_options: Vec<(String, String)>,
}

impl Table {
    pub(crate) fn storage_options(&self) -> StorageOptions {
        self.storage_options.iter().cloned().collect()
    }
}

/// Which of the table's versions.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct AsOf {
    /// The version; by default the newest.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = version)]
    pub(crate) version: Option<Version>,

    /// The newest version at that time: 2026-08-01, '2026-08-01 12:30:00', 2026-08-01T12:30:00+02:00. UTC where no offset is given.
    #[arg(long, value_name = "TIME")]
    pub(crate) timestamp: Option<String>,
}

/// A table at a version, shown as text or as JSON.
#[derive(Debug, Args)]
pub(crate) struct At {
    #[command(flatten)]
    pub(crate) table: Table,
    #[command(flatten)]
    pub(crate) as_of: AsOf,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Files {
    #[command(flatten)]
    pub(crate) at: At,
    /// Only files that may hold rows for which this SQL expression is true.
    #[arg(long = "where", value_name = "SQL")]
    pub(crate) predicate: Option<String>,
    /// At most that many files.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) limit: Option<usize>,
}

#[derive(Debug, Args)]
pub(crate) struct History {
    #[command(flatten)]
    pub(crate) table: Table,
    /// At most that many versions.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) limit: Option<usize>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which rows are read, and what of them.
#[derive(Debug, Args)]
pub(crate) struct Rows {
    /// Only these columns, in this order; nested ones as a.b.
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    pub(crate) columns: Option<Vec<String>>,
    /// Only rows for which this SQL expression is true.
    #[arg(long = "where", value_name = "SQL")]
    pub(crate) predicate: Option<String>,
    /// At most that many rows.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) limit: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct Read {
    #[command(flatten)]
    pub(crate) table: Table,
    #[command(flatten)]
    pub(crate) as_of: AsOf,
    #[command(flatten)]
    pub(crate) rows: Rows,
    #[command(flatten)]
    pub(crate) output: Output,
    /// Read every file whole: skip nothing by partition values or statistics.
    #[arg(long)]
    pub(crate) no_pruning: bool,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("start").args(["from", "from_timestamp"]).required(true))]
pub(crate) struct Changes {
    #[command(flatten)]
    pub(crate) table: Table,
    /// The first version.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = version)]
    pub(crate) from: Option<Version>,
    /// The last version, included; by default the newest.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = version, conflicts_with = "to_timestamp")]
    pub(crate) to: Option<Version>,
    /// Commits at or after that time.
    #[arg(long, value_name = "TIME")]
    pub(crate) from_timestamp: Option<String>,
    /// Commits at or before that time.
    #[arg(long, value_name = "TIME")]
    pub(crate) to_timestamp: Option<String>,
    #[command(flatten)]
    pub(crate) rows: Rows,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct Log {
    #[command(flatten)]
    pub(crate) table: Table,
    /// The version; by default the newest.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = version)]
    pub(crate) version: Option<Version>,
    /// Print the commit's lines as they are.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) table: Table,
    /// Read the data too: compare statistics with the rows, and row counts with the files.
    #[arg(long)]
    pub(crate) deep: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Checkpoint {
    #[command(flatten)]
    pub(crate) at: At,
    /// The form; by default as the table's properties say.
    #[arg(long, value_enum)]
    pub(crate) form: Option<CheckpointForm>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckpointForm {
    /// One parquet file, which every reader knows.
    Classic,
    /// A parquet file with a unique name, and sidecar files.
    V2,
    /// A JSON file with a unique name, and sidecar files.
    V2Json,
    /// As v2, under the classic name.
    V2Classic,
}

/// How rows are written, and where.
#[derive(Debug, Args)]
pub(crate) struct Output {
    /// How rows are written.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// The same as --format json.
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Write to this file instead of standard output. It appears when it is complete.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

impl Output {
    pub(crate) fn format(&self) -> Format {
        if self.json { Format::Json } else { self.format }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Aligned columns, for people.
    Table,
    /// One JSON object a line.
    Json,
    /// Comma-separated values, with a header; nested values as JSON.
    Csv,
    /// One parquet file with the table's schema.
    Parquet,
    /// Arrow IPC: the file format with --output, the stream format without.
    Arrow,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("a storage option is written as KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

fn version(text: &str) -> Result<Version, String> {
    text.parse().map(Version).map_err(|_| "a version is a whole number from 0 on".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn arguments_are_parsed_or_refused() {
        for (line, accepted) in [
            ("show t", true),
            ("show t --version 3 --json", true),
            ("show t --version 3 --timestamp 2026-01-01", false),
            ("show t --version -1", false),
            ("read t --columns a,b.c --where a>1 --limit 5 --format csv --output f", true),
            ("read t --format xml", false),
            ("read t --json", true),
            ("read t --json --format csv", false),
            ("read t --storage-option A=b=c --storage-option D=", true),
            ("read t --storage-option A", false),
            ("changes t", false),
            ("changes t --from 1 --to 2", true),
            ("changes t --from 1 --from-timestamp 2026-01-01", false),
            ("changes t --from-timestamp 2026-01-01 --to 7", true),
            ("checkpoint t --version 3 --form v2-json --json", true),
            ("checkpoint t --form multi-part", false),
            ("completions bash", true),
            ("frobnicate t", false),
        ] {
            let parsed = Cli::try_parse_from(std::iter::once("deltaic").chain(line.split(' ')));
            assert_eq!(parsed.is_ok(), accepted, "{line}");
        }
    }
}
