//! From resolved options to the lock table of S3.

use std::sync::Arc;

use deltaic_commit::committer::dynamodb::{BillingMode, DynamoDbOptions, DynamoDbTable};
use deltaic_log::{Context, Error, ErrorKind, Result};
use object_store::aws::{AwsCredential, AwsCredentialProvider};
use object_store::client::{HttpClient, HttpConnector, ReqwestConnector};
use object_store::{ClientOptions, StaticCredentialProvider};

use super::address::Backend;
use super::clients::{aws_credentials, duration, encrypted_or_allowed, invalid, refused};
use super::known_keys::Handler;
use super::options::Resolved;

/// The lock table that the options name, for tables in `backend`. Nothing is asked of it yet.
pub(super) fn open(backend: &Backend, resolved: &Resolved, context: &Context) -> Result<DynamoDbTable> {
    encrypted_or_allowed(resolved, &["aws_endpoint_url_dynamodb", "aws_endpoint_url"])?;
    DynamoDbTable::new(options(resolved)?, credentials(backend, resolved)?, http(resolved)?, context.clone())
}

fn options(resolved: &Resolved) -> Result<DynamoDbOptions> {
    let first = |names: &[&str]| names.iter().find_map(|name| resolved.get(name)).map(str::to_owned);
    let region = first(&["aws_region_dynamodb", "aws_region", "aws_default_region"]);
    let mut options = DynamoDbOptions::new(region.unwrap_or_else(|| "us-east-1".to_owned()));
    if let Some(name) = resolved.get("delta_dynamo_table_name") {
        options.table_name = name.to_owned();
    }
    // An endpoint for all services is one for this, too.
    options.endpoint = first(&["aws_endpoint_url_dynamodb", "aws_endpoint_url"]);
    let billing = billing_mode(resolved)?;
    options.create_table = (resolved.flag("delta_dynamo_create_table")? == Some(true)).then_some(billing);
    let timeout = "delta_dynamo_max_elapsed_request_time";
    if let Some(text) = resolved.get(timeout) {
        options.retry_timeout = duration(timeout, text)?;
    }
    Ok(options)
}

fn billing_mode(resolved: &Resolved) -> Result<BillingMode> {
    let name = "delta_dynamo_billing_mode";
    match resolved.get(name).unwrap_or_default().to_ascii_uppercase().as_str() {
        "" | "PAY_PER_REQUEST" => Ok(BillingMode::PayPerRequest),
        "PROVISIONED" => Ok(BillingMode::Provisioned),
        _ => Err(invalid("the billing mode is `PAY_PER_REQUEST` or `PROVISIONED`", name)),
    }
}

/// The lock table's own keys, or else the bucket's credentials, wherever those come from.
fn credentials(backend: &Backend, resolved: &Resolved) -> Result<AwsCredentialProvider> {
    let (id, secret, token) =
        ("aws_access_key_id_dynamodb", "aws_secret_access_key_dynamodb", "aws_session_token_dynamodb");
    let same_place = |name| resolved.is_explicit(name) == resolved.is_explicit(id);
    match (resolved.get(id), resolved.get(secret)) {
        (None, None) => aws_credentials(backend, resolved),
        (Some(key_id), Some(secret_key)) if same_place(secret) => {
            let credential = AwsCredential {
                key_id: key_id.to_owned(),
                secret_key: secret_key.to_owned(),
                token: resolved.get(token).filter(|_| same_place(token)).map(str::to_owned),
            };
            Ok(Arc::new(StaticCredentialProvider::new(credential)))
        }
        _ => {
            let message = "the lock table's access key and its secret are not given together: give both as options, or both \
                           in the environment";
            Err(Error::new(ErrorKind::InvalidArgument, message).with("option", id))
        }
    }
}

/// A client with the options that hold for every server.
fn http(resolved: &Resolved) -> Result<HttpClient> {
    let known = resolved.of(Handler::Client).filter_map(|(name, value)| Some((name.parse().ok()?, value)));
    let options = known.fold(ClientOptions::new(), |options, (key, value)| options.with_config(key, value));
    ReqwestConnector::default().connect(&options).map_err(|error| refused(&error, resolved))
}

#[cfg(test)]
mod tests {
    use super::super::known_keys::Service;
    use super::super::options::StorageOptions;
    use super::*;
    use futures::executor::block_on;
    use std::time::Duration;

    fn resolved(given: &[(&str, &str)], environment: &[(&str, &str)]) -> Resolved {
        let find = |name: &str| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        StorageOptions::from_iter(given.iter().copied()).resolve(Service::Aws, &find).unwrap()
    }

    fn bucket() -> Backend {
        Backend::S3 { bucket: "b".to_owned() }
    }

    #[test]
    fn every_option_has_its_place() {
        let given = resolved(&[("region", "eu-west-1"), ("AWS_ENDPOINT_URL", "https://s")], &[]);
        let mut expect = DynamoDbOptions::new("eu-west-1");
        expect.endpoint = Some("https://s".to_owned());
        assert_eq!(options(&given).unwrap(), expect);

        let given = resolved(
            &[
                ("AWS_REGION", "eu-west-1"),
                ("DELTA_DYNAMO_REGION", "eu-north-1"),
                ("AWS_ENDPOINT_URL", "https://s"),
                ("AWS_ENDPOINT_URL_DYNAMODB", "https://d"),
                ("DELTA_DYNAMO_TABLE_NAME", "mine"),
                ("DELTA_DYNAMO_CREATE_TABLE", "true"),
                ("DELTA_DYNAMO_BILLING_MODE", "provisioned"),
                ("DELTA_DYNAMO_MAX_ELAPSED_REQUEST_TIME", "5"),
            ],
            &[],
        );
        let mut expect = DynamoDbOptions::new("eu-north-1");
        expect.table_name = "mine".to_owned();
        expect.endpoint = Some("https://d".to_owned());
        expect.create_table = Some(BillingMode::Provisioned);
        expect.retry_timeout = Duration::from_secs(5);
        assert_eq!(options(&given).unwrap(), expect);
        assert_eq!(options(&resolved(&[], &[])).unwrap(), DynamoDbOptions::new("us-east-1"));
    }

    #[test]
    fn wrong_values_are_refused_by_name() {
        for (name, value) in [
            ("delta_dynamo_billing_mode", "free"),
            ("delta_dynamo_create_table", "perhaps"),
            ("delta_dynamo_max_elapsed_request_time", "soon"),
        ] {
            let error = options(&resolved(&[(name, value)], &[])).unwrap_err();
            assert_eq!((error.kind(), error.context("option")), (ErrorKind::InvalidArgument, Some(name)));
        }
    }

    #[test]
    fn an_endpoint_without_tls_needs_the_users_word() {
        let context = || Context::new(Arc::new(super::super::ConfiguredStores::new(StorageOptions::new())));
        let plain = ("AWS_ENDPOINT_URL_DYNAMODB", "http://d:1");
        let keys = [("aws_access_key_id", "AKID"), ("aws_secret_access_key", "s3cr3t")];
        let opened = |given: &[(&str, &str)]| open(&bucket(), &resolved(given, &[]), &context());
        assert_eq!(opened(&[keys[0], keys[1], plain]).unwrap_err().kind(), ErrorKind::InvalidArgument);
        let table = opened(&[keys[0], keys[1], plain, ("allow_http", "true")]).unwrap();
        assert!(!format!("{table:?}").contains("s3cr3t"));
    }

    #[test]
    fn the_lock_table_may_have_keys_of_its_own() {
        let found = |given: &[(&str, &str)], environment: &[(&str, &str)]| {
            let provider = credentials(&bucket(), &resolved(given, environment))?;
            let credential = block_on(provider.get_credential()).unwrap();
            Ok::<_, Error>((credential.key_id.clone(), credential.token.clone()))
        };
        let bucket = [("aws_access_key_id", "B"), ("aws_secret_access_key", "b"), ("aws_session_token", "bt")];
        let own = [
            ("AWS_ACCESS_KEY_ID_DYNAMODB", "D"),
            ("AWS_SECRET_ACCESS_KEY_DYNAMODB", "d"),
            ("AWS_SESSION_TOKEN_DYNAMODB", "dt"),
        ];
        let some = |token: &str| Some(token.to_owned());
        assert_eq!(found(&bucket, &[]).unwrap(), ("B".to_owned(), some("bt")));
        assert_eq!(found(&[bucket[0], bucket[1], own[0], own[1]], &[]).unwrap(), ("D".to_owned(), None));
        assert_eq!(found(&bucket, &own).unwrap(), ("D".to_owned(), some("dt")));
        // Halves of two credentials are never put together.
        assert_eq!(found(&own[..2], &own[2..]).unwrap(), ("D".to_owned(), None));
        for (given, environment) in [(&own[..1], &[][..]), (&own[1..2], &[]), (&own[..1], &own[1..])] {
            assert_eq!(found(given, environment).unwrap_err().kind(), ErrorKind::InvalidArgument);
        }
    }
}
