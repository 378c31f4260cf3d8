//! The command line, as types.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use deltaic::{StorageOptions, Version};

/// Show, read, check, make, change and keep Delta tables.
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
    /// Make a table, without rows.
    Create(Create),
    /// Write rows from a file or standard input into a table, which is made if there is none.
    Write(Box<Write>),
    /// Delete rows: those for which a SQL expression is true, or all.
    Delete(Delete),
    /// Change rows: those for which a SQL expression is true, or all.
    Update(Update),
    /// Make a table what it was at an older version, in a new one.
    Restore(Restore),
    /// List the files that no version within the retention needs, or delete them.
    Vacuum(Vacuum),
    /// Write a log compaction file, which readers take instead of many commits.
    CompactLogs(CompactLogs),
    /// Delete what has expired of the log: old commits, checkpoints and what belongs to them.
    Cleanup(Cleanup),
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

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what it holds").args(["columns", "schema", "like"]).required(true))]
pub(crate) struct Create {
    #[command(flatten)]
    pub(crate) table: Table,
    /// A column: id:long!, name:string, 'price:decimal(10,2)'; the ! keeps nulls out. May be repeated.
    #[arg(long = "column", value_name = "NAME:TYPE")]
    pub(crate) columns: Option<Vec<String>>,
    /// A file that holds the schema, as the log spells it.
    #[arg(long, value_name = "FILE")]
    pub(crate) schema: Option<PathBuf>,
    /// A data file whose schema the table takes.
    #[arg(long, value_name = "FILE")]
    pub(crate) like: Option<PathBuf>,
    /// The format of that file, where its name does not tell.
    #[arg(long, value_enum, requires = "like")]
    pub(crate) format: Option<InputFormat>,
    /// The columns that part the table's files, in order.
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    pub(crate) partition_by: Vec<String>,
    /// The columns by which rows are to lie together, at most four.
    #[arg(long, value_delimiter = ',', value_name = "A,B", conflicts_with = "partition_by")]
    pub(crate) cluster_by: Vec<String>,
    /// A table property, such as delta.enableDeletionVectors=true. May be repeated.
    #[arg(long = "property", value_name = "KEY=VALUE", value_parser = key_value)]
    pub(crate) properties: Vec<(String, String)>,
    /// A condition that every row fulfils, such as 'positive=id > 0'. May be repeated.
    #[arg(long = "constraint", value_name = "NAME=SQL", value_parser = key_value)]
    pub(crate) constraints: Vec<(String, String)>,
    /// What is to be known of the table.
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// Do nothing where there is a table already.
    #[arg(long, conflicts_with = "or_replace")]
    pub(crate) if_not_exists: bool,
    /// Replace the table that is there: its rows, its schema, its properties. Its history stays.
    #[arg(long)]
    pub(crate) or_replace: bool,
    /// Show what would be done, and do nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Write {
    #[command(flatten)]
    pub(crate) table: Table,
    /// The file that holds the rows; - for standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) from: PathBuf,
    /// The format of that file, where its name does not tell.
    #[arg(long, value_enum)]
    pub(crate) format: Option<InputFormat>,
    /// What becomes of a table that is there already.
    #[arg(long, value_enum, default_value_t = Mode::Error)]
    pub(crate) mode: Mode,
    /// The columns that part the files of a table that is made, in order.
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    pub(crate) partition_by: Option<Vec<String>>,
    /// A property of a table that is made. May be repeated.
    #[arg(long = "property", value_name = "KEY=VALUE", value_parser = key_value)]
    pub(crate) properties: Vec<(String, String)>,
    /// What becomes of columns that the table lacks; without it, they are refused.
    #[arg(long, value_enum)]
    pub(crate) schema_mode: Option<SchemaChange>,
    /// With --mode overwrite: replace only rows for which this SQL expression is true. It must be true for all new rows.
    #[arg(long, value_name = "SQL")]
    pub(crate) replace_where: Option<String>,
    /// With --mode overwrite: replace only the partitions that the new rows are in.
    #[arg(long, conflicts_with = "replace_where")]
    pub(crate) overwrite_partitions: bool,
    /// The application whose version this write is: it is not done twice.
    #[arg(long, value_name = "A", requires = "app_version")]
    pub(crate) app_id: Option<String>,
    /// That version.
    #[arg(long, value_name = "N", requires = "app_id", allow_negative_numbers = true)]
    pub(crate) app_version: Option<i64>,
    /// A text to be recorded with the commit.
    #[arg(long, value_name = "TEXT")]
    pub(crate) user_metadata: Option<String>,
    /// Show what would be done, and do nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Delete {
    #[command(flatten)]
    pub(crate) table: Table,
    /// Only rows for which this SQL expression is true; without it, all.
    #[arg(long = "where", value_name = "SQL")]
    pub(crate) predicate: Option<String>,
    /// A text to be recorded with the commit.
    #[arg(long, value_name = "TEXT")]
    pub(crate) user_metadata: Option<String>,
    /// Show what would be done, and do nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Update {
    #[command(flatten)]
    pub(crate) table: Table,
    /// A column and what becomes of it: 'price = price * 2'. May be repeated; all see the row as it was.
    #[arg(long, required = true, value_name = "COLUMN = SQL")]
    pub(crate) set: Vec<String>,
    /// Only rows for which this SQL expression is true; without it, all.
    #[arg(long = "where", value_name = "SQL")]
    pub(crate) predicate: Option<String>,
    /// A text to be recorded with the commit.
    #[arg(long, value_name = "TEXT")]
    pub(crate) user_metadata: Option<String>,
    /// Show what would be done, and do nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Restore {
    #[command(flatten)]
    pub(crate) table: Table,
    #[command(flatten)]
    pub(crate) as_of: AsOf,
    /// Leave out the files of that version that are gone from storage, and their rows, instead of failing.
    #[arg(long)]
    pub(crate) ignore_missing_files: bool,
    /// A text to be recorded with the commit.
    #[arg(long, value_name = "TEXT")]
    pub(crate) user_metadata: Option<String>,
    /// Show what would be done, and do nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Vacuum {
    #[command(flatten)]
    pub(crate) table: Table,
    /// Look at every file below the table's root. This is the default.
    #[arg(long, conflicts_with = "lite")]
    pub(crate) full: bool,
    /// Look at the files alone that commits since the last vacuum removed.
    #[arg(long)]
    pub(crate) lite: bool,
    #[command(flatten)]
    pub(crate) run: DryRun,
    /// Keep files for so many hours, instead of as long as the table says.
    #[arg(long, value_name = "N")]
    pub(crate) retention_hours: Option<f64>,
    /// Allow for fewer hours than the table says: readers of older versions and writers under way may fail.
    #[arg(long)]
    pub(crate) no_enforce_retention: bool,
    /// Look at the files of this inventory: a file with the columns path, length, isDir and modificationTime.
    #[arg(long, value_name = "FILE", conflicts_with = "lite")]
    pub(crate) inventory: Option<PathBuf>,
    /// Keep the files of these versions, too.
    #[arg(long, value_delimiter = ',', value_name = "N,M", value_parser = version)]
    pub(crate) keep_versions: Vec<Version>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What deletes lists first, and deletes only when told to.
#[derive(Debug, Args)]
pub(crate) struct DryRun {
    /// List what would be deleted, and delete nothing. This is the default.
    #[arg(long, conflicts_with = "no_dry_run")]
    pub(crate) dry_run: bool,
    /// Delete.
    #[arg(long)]
    pub(crate) no_dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CompactLogs {
    #[command(flatten)]
    pub(crate) table: Table,
    /// The first commit; by default the one after the newest checkpoint.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = version)]
    pub(crate) from: Option<Version>,
    /// The last commit; by default the newest.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = version)]
    pub(crate) to: Option<Version>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Cleanup {
    #[command(flatten)]
    pub(crate) table: Table,
    /// Keep so many hours of history, up to the midnight before that, instead of what delta.logRetentionDuration says.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) retain_hours: Option<u64>,
    /// Show what would be deleted, and delete nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum InputFormat {
    /// A parquet file.
    Parquet,
    /// Comma-separated values, with a header.
    Csv,
    /// One JSON object a line.
    Json,
    /// Arrow IPC, the file format or the stream format.
    Arrow,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// It stays, and the write fails.
    Error,
    /// It stays, and nothing is done.
    Ignore,
    /// The rows join those that it has.
    Append,
    /// The rows take the place of those that it has.
    Overwrite,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaChange {
    /// They become the table's, too.
    Merge,
    /// The input's columns take the place of the table's. Only with --mode overwrite.
    Overwrite,
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
            ("create t --column id:long --column p:string --partition-by p", true),
            ("create t", false),
            ("create t --column id:long --like f.csv", false),
            ("create t --column id:long --if-not-exists --or-replace", false),
            ("write t --from f.csv --mode append", true),
            ("write t --from - --format json --app-id a --app-version 1", true),
            ("write t --from - --format json --app-id a", false),
            ("write t --mode append", false),
            ("delete t --where id>3 --dry-run", true),
            ("delete t id>3", false),
            ("update t --set a=1 --set b=a+1 --where id>3 --dry-run", true),
            ("update t --where id>3", false),
            ("restore t --version 3 --dry-run", true),
            ("restore t --timestamp 2026-08-01 --ignore-missing-files", true),
            ("restore t --version 3 --timestamp 2026-08-01", false),
            ("vacuum t", true),
            ("vacuum t --full --no-dry-run --retention-hours 0 --no-enforce-retention --keep-versions 1,2", true),
            ("vacuum t --lite --dry-run", true),
            ("vacuum t --full --lite", false),
            ("vacuum t --dry-run --no-dry-run", false),
            ("vacuum t --lite --inventory f.csv", false),
            ("compact-logs t --from 3 --to 9 --json", true),
            ("compact-logs t --from x", false),
            ("cleanup t --retain-hours 48 --dry-run", true),
            ("cleanup t --retain-hours -1", false),
            ("completions bash", true),
            ("frobnicate t", false),
        ] {
            let parsed = Cli::try_parse_from(std::iter::once("deltaic").chain(line.split(' ')));
            assert_eq!(parsed.is_ok(), accepted, "{line}");
        }
    }
}
