//! Operators, casts and functions against Spark's own answers: `fixtures/expressions/spark.json`, computed by Spark in ANSI mode.
//!
//! Where we differ, the lists in `spark_differences/` say so with a reason. A difference that is not listed fails the test, and so does
//! one that is listed and gone.
#![allow(clippy::panic, clippy::unwrap_used, unreachable_pub, reason = "what fails here is a test")]
#![cfg(feature = "functions")]

mod spark_case;

use spark_case::{Outcome, cases, differences, input};
use std::collections::BTreeMap;

/// Runs every case of the groups, and compares the expressions that differ with the list.
fn check(groups: &[&str], listed: &str) {
    let (input, listed) = (input(), differences(listed));
    let cases: Vec<_> = cases().into_iter().filter(|case| groups.contains(&case.group.as_str())).collect();
    let mut differing = BTreeMap::new();
    for case in &cases {
        let how = match case.run(&input) {
            Outcome::Same => continue,
            Outcome::NoSuchFunction if case.error.is_some() => continue,
            Outcome::NoSuchFunction => "there is no such function".to_owned(),
            Outcome::Different(how) => how,
        };
        differing.insert(case.sql.as_str(), format!("{}: {how}", case.describe()));
    }
    let unlisted = differing.iter().filter(|(sql, _)| !listed.contains_key(**sql)).map(|(_, how)| how.clone());
    let gone = listed.keys().filter(|sql| !differing.contains_key(sql.as_str()));
    let gone = gone.map(|sql| format!("{sql}: no longer differs from Spark, unlist it"));
    let surprises: Vec<_> = unlisted.chain(gone).collect();
    assert!(surprises.is_empty(), "{} surprises:\n{}", surprises.len(), surprises.join("\n"));
}

#[test]
fn operators_and_casts_are_spark_s() {
    check(&["operator", "cast"], "operators_and_casts");
}

#[test]
fn functions_are_spark_s() {
    check(&["function"], "functions");
}
