//! What DynamoDB answers, told apart by what may be done next.

use deltaic_log::{Error, ErrorKind};
use serde_json::{Map, Value};

/// A call that did not succeed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The condition of the call does not hold.
    ConditionFailed,
    /// There is no such table.
    TableMissing,
    /// The table is there, or being made.
    TableExists,
    /// Nothing was done; it may be later.
    Busy(Error),
    /// Nothing was done, and nothing will be.
    Refused(Error),
    /// Nobody knows whether it was done.
    Unanswered(Error),
}

/// The most that an answer may hold: an item is at most 400 KB.
pub(super) const ANSWER_BYTES_MAX: usize = 1 << 20;

/// Reads an answer.
pub(super) fn read(status: u16, body: &[u8]) -> Result<Map<String, Value>, Failure> {
    let parsed: Result<Map<String, Value>, _> = serde_json::from_slice(body);
    match (status, parsed) {
        (200, Ok(answer)) => Ok(answer),
        (200, Err(error)) => Err(Failure::Unanswered(
            Error::new(ErrorKind::Storage, "DynamoDB answered what is no JSON: something in between may have")
                .because(error),
        )),
        (status, parsed) => Err(failure(status, &parsed.unwrap_or_default())),
    }
}

const ACCESS: &str =
    "DynamoDB refuses access to the lock table: check the credentials, what they permit, and the machine's clock";

fn failure(status: u16, answer: &Map<String, Value>) -> Failure {
    let text = |names: [&str; 2]| names.into_iter().find_map(|name| answer.get(name)).and_then(Value::as_str);
    let kind = text(["__type", "code"]).unwrap_or_default();
    // `com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException`
    let kind = kind.rsplit('#').next().unwrap_or_default();
    let said = text(["message", "Message"]).unwrap_or_default();
    let error = |message: &str| {
        let said: String = said.chars().take(500).collect();
        Error::new(ErrorKind::Storage, message).with("status", status).with("code", kind).with("said", said)
    };
    match kind {
        "ConditionalCheckFailedException" => Failure::ConditionFailed,
        "ResourceNotFoundException" => Failure::TableMissing,
        "ResourceInUseException" | "TableInUseException" => Failure::TableExists,
        "ProvisionedThroughputExceededException"
        | "ThrottlingException"
        | "RequestLimitExceeded"
        | "LimitExceededException"
        | "TransactionConflictException" => Failure::Busy(error(
            "DynamoDB has no capacity left for the lock table: give the table more, or retry later",
        )),
        "AccessDeniedException"
        | "UnrecognizedClientException"
        | "InvalidSignatureException"
        | "IncompleteSignatureException"
        | "MissingAuthenticationTokenException"
        | "ExpiredTokenException" => Failure::Refused(error(ACCESS)),
        _ if matches!(status, 401 | 403) => Failure::Refused(error(ACCESS)),
        _ if (400..500).contains(&status) => {
            Failure::Refused(error("DynamoDB refused the call: check the lock table and its keys"))
        }
        _ => Failure::Unanswered(error("DynamoDB failed, and does not say whether the call was carried out")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, body: &str, expect: &str) {
        let failure = format!("{:?}", read(status, body.as_bytes()).unwrap_err());
        assert!(failure.starts_with(expect), "{status} {body}: {failure}");
    }

    #[test]
    fn failures_are_told_apart() {
        let kind = |name: &str| format!(r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{name}","message":"why"}}"#);
        check(400, &kind("ConditionalCheckFailedException"), "ConditionFailed");
        check(400, &kind("ResourceNotFoundException"), "TableMissing");
        check(400, &kind("ResourceInUseException"), "TableExists");
        check(400, &kind("ProvisionedThroughputExceededException"), "Busy");
        check(400, r#"{"__type":"com.amazon.coral.service#ThrottlingException","Message":"slow"}"#, "Busy");
        check(400, &kind("UnrecognizedClientException"), "Refused");
        check(400, &kind("ValidationException"), "Refused");
        check(403, "<html>", "Refused");
        check(500, &kind("InternalServerError"), "Unanswered");
        check(503, "", "Unanswered");
        check(302, "", "Unanswered");
        check(200, "<html>", "Unanswered");
        check(200, "[]", "Unanswered");
    }

    #[test]
    fn what_the_server_said_is_told() {
        let Err(Failure::Refused(error)) = read(400, br#"{"__type":"x#ValidationException","message":"no such key"}"#)
        else {
            unreachable!("it is refused")
        };
        assert_eq!(error.context("said"), Some("no such key"));
        assert_eq!(error.context("code"), Some("ValidationException"));
    }
}
