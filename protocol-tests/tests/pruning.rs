//! Pruning changes no result: of every golden table, predicates on every column give the same rows with it and without.
#![allow(clippy::panic, clippy::unwrap_used, unreachable_pub, reason = "what fails here is a test")]

use arrow_array::RecordBatch;
use deltaic_log::{Result, Snapshot, SnapshotOptions};
use deltaic_protocol_tests::Rng;
use deltaic_protocol_tests::canonical_rows::canonical_rows;
use deltaic_protocol_tests::golden::Golden;
use deltaic_protocol_tests::local::{Route, directory_url, local_context};
use deltaic_scan::ScanBuilder;
use deltaic_scan::expr::{BinaryOp, Expr, Scalar};
use futures::executor::block_on;
use futures::stream::TryStreamExt;

const OPERATORS: [BinaryOp; 7] =
    [BinaryOp::Eq, BinaryOp::NotEq, BinaryOp::Lt, BinaryOp::LtEq, BinaryOp::Gt, BinaryOp::GtEq, BinaryOp::NullSafeEq];

/// Tables with more rows say nothing that smaller ones do not.
const ROWS_MAX: usize = 20_000;

#[test]
fn predicates_on_golden_tables() {
    let Some(golden) = Golden::find() else { return };
    let (mut scans, mut pruned) = (0, 0);
    for (name, expected) in golden.tables() {
        let is_small = expected.num_rows.is_some_and(|rows| (1..ROWS_MAX).contains(&rows));
        if expected.data_readable == Some(false) || !is_small {
            continue;
        }
        let (url, context) = (directory_url(&golden.path(name)), local_context(Route::Files));
        let snapshot = block_on(Snapshot::open(&url, context, SnapshotOptions::new()));
        let snapshot = snapshot.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let rows = read(ScanBuilder::new(snapshot.clone())).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        for predicate in predicates(&rows, &mut Rng::new(7)) {
            scans += 1;
            pruned += usize::from(
                check(&snapshot, &predicate).unwrap_or_else(|error| panic!("{name}, {predicate}: {error:?}")),
            );
        }
    }
    println!("{scans} predicates, of which {pruned} left files aside");
    assert!(scans > 500 && pruned > 100, "{scans} predicates, of which {pruned} left files aside");
}

/// Whether the predicate left files aside.
fn check(snapshot: &Snapshot, predicate: &Expr) -> Result<bool> {
    let scan = || ScanBuilder::new(snapshot.clone()).filter(predicate.clone());
    let with = canonical_rows(&read(scan())?);
    let without = canonical_rows(&read(scan().pruning(false))?);
    assert_eq!(with, without, "{predicate} on {}", snapshot.store().root());
    let (all, kept) = block_on(scan().build()?.count_files())?;
    Ok(kept < all)
}

fn read(scan: ScanBuilder) -> Result<Vec<RecordBatch>> {
    block_on(scan.build()?.stream().try_collect())
}

/// Some comparisons of every column of a type without parts with values that it has.
fn predicates(rows: &[RecordBatch], rng: &mut Rng) -> Vec<Expr> {
    let Some(first) = rows.first() else { return Vec::new() };
    let schema = first.schema();
    let simple = schema
        .fields()
        .iter()
        .enumerate()
        .filter(|(_, field)| !field.data_type().is_nested() && !field.data_type().is_null());
    let mut predicates = Vec::new();
    for (column, field) in simple {
        let name = Expr::column(field.name());
        predicates.extend([false, true].map(|negated| Expr::is_null(name.clone(), negated)));
        for _ in 0..3 {
            let Some(batch) = rng.pick(rows).filter(|batch| batch.num_rows() > 0) else { continue };
            let value = Scalar::from_array(batch.column(column), rng.below(batch.num_rows()))
                .expect("a simple type has scalars");
            let operator = *rng.pick(&OPERATORS).expect("there are some");
            predicates.push(Expr::binary(name.clone(), operator, Expr::literal(value)));
        }
    }
    let last = predicates.len().saturating_sub(1);
    if last > 1 {
        predicates.push(Expr::any(vec![predicates[0].clone(), predicates[last].clone()]));
        predicates.push(Expr::all(vec![predicates[1].clone(), predicates[last].clone()]));
    }
    predicates
}
