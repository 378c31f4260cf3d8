//! Printed expressions parse back to themselves, and text that is no expression is refused with its position.
#![allow(clippy::panic, clippy::unwrap_used, unreachable_pub, reason = "what fails here is a test")]

use deltaic_log::ErrorKind;
use deltaic_log::schema::{DecimalType, PrimitiveType};
use deltaic_scan::expr::{BinaryOp, ColumnPath, Expr, LikeKind, OnCastFailure, Scalar, Test, UnaryOp, parse};
use proptest::prelude::*;

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z]{1,4}",
        1 => prop::sample::select(vec!["date", "interval", "case", "not", "end", "trim", "left", "map", "array", "struct", "true",
            "current_date", "timestamp", "from", "x'", "a`b", "a.b", "1a", "ü", "", " ", "div", "cast", "exists", "r"])
            .prop_map(str::to_owned),
    ]
    .prop_filter("names are not empty", |name| !name.is_empty())
}

fn primitive() -> impl Strategy<Value = PrimitiveType> {
    use PrimitiveType as P;
    // SQL has no cast to the others.
    let named = |primitive: &P| !matches!(primitive, P::Void | P::IntervalYearMonth | P::IntervalDaySecond);
    prop_oneof![
        prop::sample::select(P::ALL_BUT_DECIMALS.into_iter().filter(named).collect::<Vec<_>>()),
        (1u8..=38)
            .prop_flat_map(|precision| (Just(precision), 0..=precision))
            .prop_map(|(precision, scale)| P::Decimal(DecimalType { precision, scale })),
    ]
}

fn scalar() -> impl Strategy<Value = Scalar> {
    prop_oneof![
        Just(Scalar::Null),
        any::<bool>().prop_map(Scalar::Boolean),
        any::<i8>().prop_map(Scalar::Byte),
        any::<i16>().prop_map(Scalar::Short),
        any::<i32>().prop_map(Scalar::Integer),
        any::<i64>().prop_map(Scalar::Long),
        any::<f32>().prop_map(Scalar::Float),
        any::<f64>().prop_map(Scalar::Double),
        Just(Scalar::Double(f64::NAN)),
        Just(Scalar::Float(f32::NEG_INFINITY)),
        (any::<i64>(), 19u8..=38, 0u8..=19).prop_map(|(v, p, s)| Scalar::decimal(v.into(), p, s).unwrap()),
        (0i64..1000, 0u8..=3).prop_map(|(v, s)| Scalar::decimal(v.into(), 3, s).unwrap()),
        ".*".prop_map(Scalar::String),
        prop::collection::vec(any::<u8>(), 0..4).prop_map(Scalar::Binary),
        (-4_000_000i32..4_000_000).prop_map(Scalar::Date),
        any::<i32>().prop_map(|v| Scalar::Timestamp(i64::from(v) * 1_000_003)),
        any::<i32>().prop_map(|v| Scalar::TimestampNtz(i64::from(v) * 1_000_003)),
        any::<i32>().prop_map(Scalar::YearMonthInterval),
        any::<i64>().prop_map(Scalar::DayTimeInterval),
    ]
}

fn operator() -> impl Strategy<Value = BinaryOp> {
    use BinaryOp as B;
    prop::sample::select(vec![
        B::Eq,
        B::NotEq,
        B::Lt,
        B::LtEq,
        B::Gt,
        B::GtEq,
        B::NullSafeEq,
        B::Add,
        B::Subtract,
        B::Multiply,
        B::Divide,
        B::IntegralDivide,
        B::Remainder,
        B::Concat,
        B::BitAnd,
        B::BitOr,
        B::BitXor,
    ])
}

fn like_kind() -> impl Strategy<Value = (LikeKind, Option<char>)> {
    prop_oneof![
        (Just(LikeKind::Like), prop::option::of(prop::sample::select(vec!['\\', '!', '\'']))),
        (Just(LikeKind::ILike), prop::option::of(Just('#'))),
        (Just(LikeKind::RLike), Just(None)),
    ]
}

fn expr() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![
        prop::collection::vec(name(), 1..4).prop_map(|names| Expr::Column(ColumnPath::new(names))),
        scalar().prop_map(Expr::Literal),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let boxed = inner.clone().prop_map(Box::new);
        let list = prop::collection::vec(inner.clone(), 2..4);
        let tests = prop::sample::select(vec![Test::Null, Test::True, Test::False, Test::Unknown]);
        prop_oneof![
            (boxed.clone(), name()).prop_map(|(base, name)| Expr::Field { base, name }),
            (boxed.clone(), boxed.clone()).prop_map(|(base, index)| Expr::Index { base, index }),
            (prop::sample::select(vec![UnaryOp::Not, UnaryOp::Negate, UnaryOp::BitNot]), boxed.clone())
                .prop_map(|(op, expr)| Expr::Unary { op, expr }),
            (inner.clone(), operator(), inner.clone()).prop_map(|(a, op, b)| Expr::binary(a, op, b)),
            list.clone().prop_map(Expr::And),
            list.clone().prop_map(Expr::Or),
            (boxed.clone(), tests, any::<bool>()).prop_map(|(expr, test, negated)| Expr::Is { expr, test, negated }),
            (boxed.clone(), boxed.clone(), like_kind(), any::<bool>()).prop_map(
                |(expr, pattern, (kind, escape), negated)| { Expr::Like { kind, expr, pattern, escape, negated } }
            ),
            (boxed.clone(), list.clone(), any::<bool>()).prop_map(|(expr, list, negated)| Expr::In {
                expr,
                list,
                negated
            }),
            (boxed.clone(), boxed.clone(), boxed.clone(), any::<bool>())
                .prop_map(|(expr, low, high, negated)| Expr::Between { expr, low, high, negated }),
            (
                prop::option::of(boxed.clone()),
                prop::collection::vec((inner.clone(), inner.clone()), 1..3),
                prop::option::of(boxed.clone())
            )
                .prop_map(|(operand, branches, otherwise)| Expr::Case { operand, branches, otherwise }),
            (boxed, primitive(), any::<bool>()).prop_map(|(expr, data_type, error)| {
                let on_failure = if error { OnCastFailure::Error } else { OnCastFailure::Null };
                Expr::Cast { expr, data_type, on_failure }
            }),
            (name(), prop::collection::vec(inner, 0..3)).prop_map(|(name, args)| Expr::call(name, args)),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn printed_expressions_parse_back(expr in expr()) {
        let sql = expr.to_string();
        match parse(&sql) {
            Ok(parsed) => prop_assert_eq!(parsed, expr, "{}", sql),
            Err(error) => prop_assert!(false, "{}: {:?}", sql, error),
        }
    }

    #[test]
    fn any_text_parses_or_fails_cleanly(text in "[a-z0-9 ()\\[\\].,'\"`<>=!+*/%|&^~:\\\\-]{0,60}") {
        if let Ok(expr) = parse(&text) {
            prop_assert_eq!(parse(&expr.to_string()).unwrap(), expr, "{}", text);
        }
    }
}

#[test]
fn a_pattern_that_begins_with_null_is_not_dropped() {
    let pattern = Expr::binary(Expr::Literal(Scalar::Null), BinaryOp::Add, Expr::column("a"));
    let like = Expr::Like {
        kind: LikeKind::RLike,
        expr: Box::new(Expr::column("a")),
        pattern: Box::new(pattern),
        escape: None,
        negated: false,
    };
    assert_eq!(like.to_string(), "a RLIKE (NULL + a)");
    assert_eq!(parse(&like.to_string()).unwrap(), like);
}

#[test]
fn expressions_travel_as_their_text() {
    let expr = parse("a.b = 'x' AND n > 1.5D").unwrap();
    let json = serde_json::to_string(&expr).unwrap();
    assert_eq!(json, r#""a.b = 'x' AND n > 1.5D""#);
    assert_eq!(serde_json::from_str::<Expr>(&json).unwrap(), expr);
}

fn check(sql: &str, printed: &str) {
    match parse(sql) {
        Ok(expr) => assert_eq!(expr.to_string(), printed, "{sql}"),
        Err(error) => panic!("{sql}: {error:?}"),
    }
}

#[test]
fn special_forms_become_calls_and_operators() {
    check("a IS NOT DISTINCT FROM b AND c", "a <=> b AND c");
    check("a IS DISTINCT FROM b", "NOT a <=> b");
    check("a::int::string", "CAST(CAST(a AS INT) AS STRING)");
    check("a DIV 2 * 3", "a DIV 2 * 3");
    check("a || b + c", "a || b + c");
    check("~a & b", "~a & b");
    check("\"text\" = 'it''s'", "'text' = 'it\\'s'");
    check("x LIKE ANY ('a%', 'b%')", "x LIKE 'a%' OR x LIKE 'b%'");
    check("m['k'].x[0]", "m['k'].x[0]");
    check("INTERVAL 3 DAYS", "INTERVAL '259200.000000' SECOND");
    check("-9223372036854775808L", "-9223372036854775808L");
}

fn refuse(sql: &str, kind: ErrorKind, message: &str) {
    let error = parse(sql).unwrap_err();
    assert_eq!(error.kind(), kind, "{error:?}");
    assert!(error.to_string().contains(message), "{error}");
}

#[test]
fn what_is_no_expression_is_refused_with_its_position() {
    use ErrorKind::{InvalidExpression, ResourceLimit};
    refuse("a +", InvalidExpression, "no valid SQL");
    refuse("a = 1 b", InvalidExpression, "position: line 1, column 7");
    refuse("a = (SELECT 1)", InvalidExpression, "subquery");
    refuse("a IN (SELECT 1)", InvalidExpression, "subquery");
    refuse("count(*)", InvalidExpression, "plain values");
    refuse("count(DISTINCT a)", InvalidExpression, "aggregate");
    refuse("rank() OVER (ORDER BY a)", InvalidExpression, "window");
    refuse("a = 'open", InvalidExpression, "no valid SQL");
    refuse("CAST(a AS DECIMAL(39, 0))", InvalidExpression, "1 to 38 digits");
    refuse("DATE'2026-02-30'", InvalidExpression, "no value of type DATE");
    refuse(&"(".repeat(5_000), ResourceLimit, "nested too deeply");
    refuse(&"NOT ".repeat(5_000), ResourceLimit, "");
    refuse(&format!("a{}", " + 1".repeat(100_000)), ResourceLimit, "in a row");
    refuse(&format!("a{}", " AND a".repeat(100_000)), ResourceLimit, "AND and OR");
    refuse(&"x".repeat(2 << 20), ResourceLimit, "bytes");
}

#[test]
fn long_lists_are_no_problem() {
    let list: Vec<_> = (0..10_000).map(|i| i.to_string()).collect();
    assert!(parse(&format!("a IN ({})", list.join(", "))).is_ok());
    let any: Vec<_> = (0..1_900).map(|i| format!("a = {i}")).collect();
    assert!(parse(&any.join(" OR ")).is_ok());
}
