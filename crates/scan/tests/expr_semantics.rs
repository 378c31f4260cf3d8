//! What Spark's recorded answers do not show: which rows an operand sees, and what errors say.
#![allow(clippy::panic, clippy::unwrap_used, unreachable_pub, reason = "what fails here is a test")]

use arrow_array::cast::AsArray;
use arrow_array::{Float64Array, Int32Array, RecordBatch, StringArray};
use deltaic_log::{ErrorKind, ManualClock, TimestampMs};
use deltaic_scan::expr::{BoundExpr, EvalContext, Scalar, parse};
use std::sync::Arc;

fn batch() -> RecordBatch {
    RecordBatch::try_from_iter([
        ("a", Arc::new(Int32Array::from(vec![Some(0), Some(1), Some(2), None])) as _),
        ("f", Arc::new(Float64Array::from(vec![Some(f64::NAN), Some(-0.0), Some(1.5), None])) as _),
        ("s", Arc::new(StringArray::from(vec![Some("x"), Some("1"), Some("2"), None])) as _),
    ])
    .unwrap()
}

/// The values of an expression on the four rows, or its error.
fn check(sql: &str, expected: &str) {
    let context = EvalContext::new(&ManualClock::new(TimestampMs(0)));
    let batch = batch();
    let values = parse(sql)
        .and_then(|expr| BoundExpr::bind(&expr, &batch.schema(), &context))
        .and_then(|bound| bound.evaluate(&batch, &context));
    let shown = match values {
        Ok(values) => {
            let rows = (0..values.len()).map(|row| Scalar::from_array(&values, row).unwrap().to_string());
            rows.collect::<Vec<_>>().join(" ")
        }
        Err(error) => format!("{}: {error}", error.kind()),
    };
    assert!(shown.starts_with(expected), "{sql}\n   ours: {shown}\nwanted: {expected}");
}

#[test]
fn operands_see_only_the_rows_that_reach_them() {
    check("a <> 0 AND 10 DIV a > 5", "FALSE TRUE FALSE NULL");
    check("a = 0 OR 10 DIV a > 5", "TRUE TRUE FALSE NULL");
    check("CASE WHEN a = 0 THEN -1L ELSE 10 DIV a END", "-1L 10L 5L NULL");
    check("if(a = 0, NULL, 10 DIV a)", "NULL 10L 5L NULL");
    check("coalesce(CAST(nullif(s, 'x') AS INT), a)", "0 1 2 NULL");
    check("nvl2(a, a, 7)", "0 1 2 7");
    check("CASE a WHEN 1 THEN 'one' WHEN 2 THEN 'two' END", "NULL 'one' 'two' NULL");
    check("a > 0 AND CAST('x' AS INT) = 1", "evaluation: 'x' cannot be cast to INT");
    check("a > 5 AND CAST('x' AS INT) = 1", "evaluation: 'x' cannot be cast to INT");
    check("FALSE AND CAST('x' AS INT) = 1", "FALSE FALSE FALSE FALSE");
}

#[test]
fn null_is_neither_true_nor_false() {
    check("a = NULL", "NULL NULL NULL NULL");
    check("a <=> NULL", "FALSE FALSE FALSE TRUE");
    check("a IN (1, NULL)", "NULL TRUE NULL NULL");
    check("a NOT IN (1, NULL)", "NULL FALSE NULL NULL");
    check("a IN ()", "FALSE FALSE FALSE FALSE");
    check("NOT (a > 0)", "TRUE FALSE FALSE NULL");
    check("(a > 0) IS NOT TRUE", "TRUE FALSE FALSE TRUE");
}

#[test]
fn null_has_no_type_but_works() {
    check("CASE WHEN a = 1 THEN NULL END", "NULL NULL NULL NULL");
    check("coalesce(NULL, NULL)", "NULL NULL NULL NULL");
    check("NULL IN (NULL)", "NULL NULL NULL NULL");
    check("NULL = NULL", "NULL NULL NULL NULL");
    check("NULL + 1", "NULL NULL NULL NULL");
    check("a LIKE NULL", "NULL NULL NULL NULL");
}

#[test]
fn extremes_are_errors_and_not_panics() {
    check("DATE'1970-01-01' - INTERVAL '-9223372036854.775808' SECOND", "evaluation: the result exceeds");
    check("-(-2147483648)", "evaluation: the result exceeds INT");
    check("-9223372036854775808L DIV -1", "evaluation: the result exceeds BIGINT");
    check("-9223372036854775808L % -1", "0L 0L 0L 0L");
    check("99999999999999999999999999999999999999BD * 10", "evaluation: the result exceeds DECIMAL(38, 0)");
    check("CAST(1e300 AS TIMESTAMP)", "evaluation: 1.0E300D cannot be cast to TIMESTAMP");
    check("CAST('9999999-12-31' AS DATE)", "evaluation: '9999999-12-31' cannot be cast to DATE");
}

#[test]
fn nan_is_the_greatest_and_zero_has_no_sign() {
    check("f = f", "TRUE TRUE TRUE NULL");
    check("f > 1e300", "TRUE FALSE FALSE NULL");
    check("f = 0.0D", "FALSE TRUE FALSE NULL");
    check("f IN (0.0D, DOUBLE'NaN')", "TRUE TRUE FALSE NULL");
}

#[test]
fn errors_name_the_expression_and_the_values() {
    check(
        "10 % a",
        "evaluation: division by zero: guard it with NULLIF(divisor, 0) (expression: 10 % a, values: 10, 0)",
    );
    check(
        "a + 2147483647",
        "evaluation: the result exceeds INT: cast the operands to a wider type (expression: a + 2147483647, values: 1, 2147483647)",
    );
    check(
        "s + 1",
        "evaluation: 'x' cannot be cast to BIGINT: use TRY_CAST to get NULL (values: 'x', expression: s + 1)",
    );
    check("a + TRUE", "invalid_expression: `+` cannot combine INT and BOOLEAN");
    check("aa = 1", "unknown_column: there is no column `aa`: did you mean a");
    check("sum(a)", "invalid_expression: the aggregate `sum`");
    check("a AND TRUE", "invalid_expression: a condition must be BOOLEAN, not INT");
}

#[test]
fn session_zone_places_wall_clocks() {
    let batch = batch();
    let context = EvalContext::new(&ManualClock::default()).with_time_zone("Europe/Paris").unwrap();
    let expr =
        parse("CAST(TIMESTAMP'2026-07-01 12:00:00' AS STRING) || CAST(TIMESTAMP'2026-07-01 12:00:00Z' AS STRING)")
            .unwrap();
    let values = BoundExpr::bind(&expr, &batch.schema(), &context).unwrap().evaluate(&batch, &context).unwrap();
    assert_eq!(values.as_string::<i32>().value(0), "2026-07-01 12:00:002026-07-01 14:00:00");
    assert_eq!(
        EvalContext::new(&ManualClock::default()).with_time_zone("Mars").unwrap_err().kind(),
        ErrorKind::InvalidArgument
    );
}
