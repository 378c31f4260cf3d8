//! Bytes that somebody else wrote: damaged, truncated, made to harm. No panic, no unbounded allocation, named errors.
//!
//! Inputs are valid ones, mutated at random from a seed. `DELTAIC_INPUTS=<n>` tries more of them for each entry point;
//! `DELTAIC_SEED=<seed>` tries one alone.
#![allow(clippy::panic, clippy::unwrap_used, unreachable_pub, reason = "what fails here is a test")]
#![expect(clippy::panic, reason = "a test's helpers fail the test")]

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use deltaic_log::ErrorKind;
use deltaic_log::deletion_vector::DeletionVector;
use deltaic_protocol_tests::Rng;
use deltaic_protocol_tests::checkpoint_writer::{Form, Style, checkpoint, encode};
use deltaic_protocol_tests::counting_allocator::CountingAllocator;
use deltaic_protocol_tests::entry_points;
use deltaic_protocol_tests::mutation::mutated;
use deltaic_protocol_tests::random_history::Historian;
use deltaic_protocol_tests::test_log::{METADATA, PROTOCOL, ndjson};
use parquet::basic::Compression;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator::new();

/// The most that one request for memory may be: inputs are a few kilobytes.
const REQUEST_BYTES_MAX: usize = 64 << 20;

#[test]
fn damaged_input_gives_named_errors() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let seeds = match number("DELTAIC_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("DELTAIC_INPUTS").unwrap_or(400),
    };
    for (name, enter) in entry_points::ALL {
        let valid = valid_inputs(name);
        for input in &valid {
            let outcome = enter(input);
            assert!(
                outcome.is_ok() || name == "deletion_vector" || name == "partition_value" || name == "table_property",
                "{name}: {outcome:?}"
            );
        }
        for seed in seeds.clone() {
            let input = mutated(&valid, &mut Rng::new(seed));
            ALLOCATOR.reset();
            let outcome = catch_unwind(AssertUnwindSafe(|| enter(&input)));
            let largest = ALLOCATOR.largest_bytes();
            let about = || format!("{name}, DELTAIC_SEED={seed}: {:?}", String::from_utf8_lossy(&input));
            match outcome {
                Ok(Err(error)) => assert!(
                    error.kind() != ErrorKind::Internal && !error.message().is_empty(),
                    "{error:?}\n{}",
                    about()
                ),
                Ok(Ok(())) => {}
                Err(panic) => {
                    eprintln!("{}", about());
                    resume_unwind(panic);
                }
            }
            assert!(largest <= REQUEST_BYTES_MAX, "{largest} bytes were asked for at once by {}", about());
        }
    }
}

/// Inputs to begin with.
fn valid_inputs(entry_point: &str) -> Vec<Vec<u8>> {
    let texts = |texts: &[&str]| texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    match entry_point {
        "commit" | "compaction" => {
            let mut historian = Historian::new(1);
            (0..12).map(|_| ndjson(&historian.commit()).into_bytes()).skip(1).collect()
        }
        "checkpoint" => of_checkpoint(Form::Classic, |name| name.ends_with(".parquet")),
        "json_checkpoint" => of_checkpoint(Form::V2Json(0), |name| name.ends_with(".json")),
        "sidecar" => of_checkpoint(Form::V2Json(1), |name| name.starts_with("_sidecars")),
        "version_checksum" => vec![state(2).checksum().to_string().into_bytes()],
        "last_checkpoint" => texts(&[
            r#"{"version":1,"size":3}"#,
            r#"{"version":1,"size":3,"parts":2,"sizeInBytes":99,"numOfAddFiles":1,"checkpointSchema":{"type":"struct","fields":[]}}"#,
            r#"{"version":0,"checksum":"6a92d155a59bf2eecbd4b4ec7fd1f875"}"#,
        ]),
        "deletion_vector" => {
            let mut dense = DeletionVector::new();
            dense.insert_range(100..70_000);
            let sparse: DeletionVector = [3, 4, 7, 1 << 33].into_iter().collect();
            let inline = "^Bg9^0rr910000000000iXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L".as_bytes().to_vec();
            vec![dense.to_bytes(), sparse.to_bytes(), inline, b"ab^-aqEH.-t@S}K{vb[*k^".to_vec()]
        }
        "schema" => texts(&[SCHEMA]),
        "partition_value" => texts(&[
            "1",
            "-12.50",
            "2026-01-31",
            "2026-01-31 23:59:59.123456",
            "1969-12-31T23:59:59Z",
            "true",
            "1e10",
            "NaN",
        ]),
        "table_property" => {
            texts(&["true", "10", "interval 2 weeks", "interval 1 day 3 hours", "name", "classic", "a,b.c,`d e`"])
        }
        "file_name" => texts(&[
            "00000000000000000042.json",
            "00000000000000000042.crc",
            "00000000000000000042.checkpoint.0000000001.0000000003.parquet",
            "00000000000000000042.checkpoint.3a0d65cd-4056-49b8-937b-95f9e3ee90e5.json",
            "00000000000000000004.00000000000000000006.compacted.json",
        ]),
        "expression" => texts(&EXPRESSIONS),
        "data_file" => data_files(),
        "variant" => variants(),
        other => panic!("no inputs for {other}"),
    }
}

fn state(seed: u64) -> deltaic_protocol_tests::Model {
    let mut historian = Historian::new(seed);
    (0..12).for_each(|_| drop(historian.commit()));
    historian.state().clone()
}

fn of_checkpoint(form: Form, wanted: impl Fn(&str) -> bool) -> Vec<Vec<u8>> {
    let mut rng = Rng::new(3);
    let styles =
        [Style::default(), Style { row_group_rows: 2, large_strings: true, sparse_columns: true, ..Style::default() }];
    let files = styles.iter().flat_map(|style| checkpoint(&state(4), 1, form, style, &mut rng)).collect::<Vec<_>>();
    files.into_iter().filter(|file| wanted(&file.name)).map(|file| file.bytes.to_vec()).collect()
}

/// Small files of a column of longs, in some encodings.
fn data_files() -> Vec<Vec<u8>> {
    let sorted: Int64Array = (0..300).map(|n| (n % 7 != 0).then_some(n / 3)).collect();
    let batch =
        RecordBatch::try_from_iter_with_nullable([("n", Arc::new(sorted) as ArrayRef, true)]).expect("one column");
    let plain = Style { compression: Compression::UNCOMPRESSED, ..Style::default() };
    let styles =
        [plain, Style { row_group_rows: 100, ..Style::default() }, Style { without_statistics: true, ..plain }];
    styles.iter().map(|style| encode(&batch, style).to_vec()).collect()
}

/// The names "", "a", "b", and objects of them without `a`; nested ones, and what there is of scalars.
fn variants() -> Vec<Vec<u8>> {
    let names = b"\x08\x01\x03\x00\x00\x01\x02ab";
    let values: [&[u8]; 4] = [
        b"\x02\x02\x00\x02\x00\x01\x03\x00\x0c\x05",
        b"\x02\x01\x02\x00\x0c\x03\x02\x00\x04\x07\x0dabc\x02\x00\x00",
        b"\x02\x02\x02\x00\x06\x00\x0c\x20\x02\x39\x30\x00\x00\x40\x01\x00\x00\x00x",
        b"\x02\x00\x00",
    ];
    values.map(|value| [names, value].concat()).to_vec()
}

const SCHEMA: &str = r#"{"type":"struct","fields":[
    {"name":"a","type":"decimal(10,2)","nullable":true,"metadata":{"delta.columnMapping.id":1,"delta.columnMapping.physicalName":"x"}},
    {"name":"b","type":{"type":"array","elementType":{"type":"map","keyType":"string","valueType":"timestamp_ntz","valueContainsNull":true},"containsNull":false},
     "nullable":false,"metadata":{"delta.columnMapping.id":2,"delta.columnMapping.physicalName":"y","delta.typeChanges":[{"toType":"long","fromType":"integer"}]}},
    {"name":"c","type":{"type":"struct","fields":[{"name":"v","type":"variant","nullable":true,"metadata":{"delta.columnMapping.id":4,"delta.columnMapping.physicalName":"v"}}]},
     "nullable":true,"metadata":{"delta.columnMapping.id":3,"delta.columnMapping.physicalName":"z"}}]}"#;

const EXPRESSIONS: [&str; 8] = [
    "n > 3 AND (s LIKE 'a%' OR x IS NOT NULL)",
    "CASE WHEN n IN (1, 2, NULL) THEN 'a' ELSE s END",
    "CAST(s AS STRING) <=> 'x'",
    "TRY_CAST(s AS DECIMAL(38,18)) BETWEEN -1 AND 1e3",
    "DATE'2026-01-31' < TIMESTAMP'2026-01-31 10:00:00'",
    "n % 7 + 2 * x / 3 - -1",
    "NOT (`n` = 1 OR s IS DISTINCT FROM '\\u0041')",
    "coalesce(n, 0) > 5 OR x <> x",
];

#[test]
fn the_shortest_log_is_valid_input() {
    // The seeds above are mutations of legal input only if the harness's own log is legal.
    assert!(entry_points::commit(format!("{PROTOCOL}\n{METADATA}").as_bytes()).is_ok());
}
