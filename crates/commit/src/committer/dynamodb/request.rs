//! One signed call: POST, the operation in a header, JSON in and out.

use deltaic_log::{Error, ErrorKind, Result};
use futures::TryStreamExt;
use object_store::aws::{AwsAuthorizer, AwsCredential};
use object_store::client::{HttpClient, HttpErrorKind, HttpRequest, HttpRequestBody};
use serde_json::{Map, Value};

use super::answer::{self, ANSWER_BYTES_MAX, Failure};

const SERVICE: &str = "dynamodb";
const API: &str = "DynamoDB_20120810";

/// A signed request. It is good for some minutes from now.
pub(super) fn signed(
    endpoint: &str,
    region: &str,
    operation: &str,
    body: &Value,
    credential: &AwsCredential,
) -> Result<HttpRequest> {
    check_fit_for_headers(credential, region)?;
    let mut request = HttpRequest::new(HttpRequestBody::from(body.to_string()));
    *request.method_mut() = "POST".parse().map_err(invalid)?;
    *request.uri_mut() = endpoint.parse().map_err(invalid)?;
    let headers = request.headers_mut();
    headers.insert("content-type", "application/x-amz-json-1.0".parse().map_err(invalid)?);
    headers.insert("x-amz-target", format!("{API}.{operation}").parse().map_err(invalid)?);
    AwsAuthorizer::new(credential, SERVICE, region).authorize(&mut request, None);
    Ok(request)
}

/// What is signed with becomes part of headers, which hold visible ASCII alone.
fn check_fit_for_headers(credential: &AwsCredential, region: &str) -> Result<()> {
    let parts = [credential.key_id.as_str(), credential.token.as_deref().unwrap_or_default(), region];
    if parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_graphic())) {
        return Ok(());
    }
    let message =
        "the key, token or region for the lock table holds spaces or other characters that none has: correct it";
    Err(Error::new(ErrorKind::InvalidArgument, message))
}

fn invalid(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::InvalidArgument, "the lock table's endpoint is no address such as `https://host`")
        .because(error)
}

/// Sends the request, and reads the answer.
pub(super) async fn send(client: &HttpClient, request: HttpRequest) -> Result<Map<String, Value>, Failure> {
    let response = client.execute(request).await.map_err(|error| match error.kind() {
        HttpErrorKind::Connect => Failure::Busy(unreachable(error)),
        _ => Failure::Unanswered(unreachable(error)),
    })?;
    let status = response.status().as_u16();
    let mut body = Vec::new();
    let mut chunks = response.into_body().bytes_stream();
    while let Some(chunk) = chunks.try_next().await.map_err(|error| Failure::Unanswered(unreachable(error)))? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            let message = "DynamoDB's answer is longer than any item: something in between may have given it";
            return Err(Failure::Unanswered(Error::new(ErrorKind::ResourceLimit, message)));
        }
        body.extend_from_slice(&chunk);
    }
    answer::read(status, &body)
}

fn unreachable(error: object_store::client::HttpError) -> Error {
    let message = "DynamoDB did not answer: check the network, and the lock table's endpoint and region";
    Error::new(ErrorKind::Storage, message).because(error)
}
