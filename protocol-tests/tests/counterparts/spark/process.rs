//! A Spark process, and what it reads.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use deltaic_log::Snapshot;
use deltaic_protocol_tests::fixture::{Content, Expected};
use deltaic_protocol_tests::reading::{check_content, check_row_ids, check_state};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::script;

/// A Spark process, which takes some seconds to start: one serves all tests.
pub(super) struct Spark {
    _process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Spark {
    /// The process, for one test at a time.
    pub(super) fn get() -> MutexGuard<'static, Self> {
        static SPARK: OnceLock<Mutex<Spark>> = OnceLock::new();
        SPARK.get_or_init(|| Mutex::new(Self::start())).lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start() -> Self {
        let python = std::env::var("DELTAIC_TEST_SPARK").expect("a Python that has pyspark and delta-spark");
        let mut command = Command::new(python);
        command.arg(script("spark_server.py")).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let (input, output) = (process.stdin.take().unwrap(), BufReader::new(process.stdout.take().unwrap()));
        let mut spark = Self { _process: process, input, output };
        spark.answer();
        spark
    }

    /// Tells it what to do, and waits for the answer.
    pub(super) fn ask(&mut self, command: &Value) -> Box<RawValue> {
        self.tell(command);
        self.answer()
    }

    pub(super) fn tell(&mut self, command: &Value) {
        writeln!(self.input, "{command}").unwrap();
        self.input.flush().unwrap();
    }

    pub(super) fn answer(&mut self) -> Box<RawValue> {
        let mut line = String::new();
        loop {
            line.clear();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "Spark has ended");
            if let Some(answer) = line.strip_prefix("ANSWER ") {
                assert!(!answer.starts_with("{\"refused\":"), "{answer}");
                return serde_json::from_str(answer.trim()).unwrap();
            }
        }
    }

    pub(super) fn sql(&mut self, table: &Path, statement: &str) {
        self.ask(&json!({"do": "sql", "table": table, "statements": [statement]}));
    }

    /// The newest version has a checksum, and Spark finds it right.
    pub(super) fn check_checksum(&mut self, table: &Path) {
        let answer = self.ask(&json!({"do": "checksum", "table": table}));
        assert_eq!(answer.get(), "[true, true]");
    }

    /// Spark reads of the table what `snapshot` shows.
    pub(super) fn check(&mut self, table: &Path, snapshot: &Snapshot) {
        let answer = self.ask(&json!({"do": "read", "table": table}));
        let expected: Expected = serde_json::from_str(answer.get()).unwrap();
        let content: Content = serde_json::from_str(answer.get()).unwrap();
        assert_eq!(content.error, None, "Spark does not read the table");
        check_state(&expected, snapshot);
        check_content(snapshot, &content);
        if let Some(row_ids) = &expected.row_ids {
            check_row_ids(snapshot, row_ids);
        }
    }
}
