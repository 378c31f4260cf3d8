//! From resolved options to a client of a cloud, through the builders of `object_store`.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use deltaic_log::{Error, ErrorKind, Result};
use object_store::{ObjectStore, RetryConfig};

use super::address::{Backend, Cloud};
use super::guarded::{Guarded, Permission};
use super::known_keys::{Handler, Service};
#[cfg(feature = "aws")]
use super::options::Secrets;
use super::options::{Environment, Resolved, StorageOptions};

/// A client for `backend`.
pub(super) fn open(
    backend: &Backend,
    options: &StorageOptions,
    environment: &Environment<'_>,
) -> Result<Arc<dyn ObjectStore>> {
    let service = service_of(backend);
    let resolved = options.resolve(service, environment)?;
    match service {
        #[cfg(feature = "aws")]
        Service::Aws => aws(backend, &resolved),
        #[cfg(feature = "azure")]
        Service::Azure => azure(backend, &resolved),
        #[cfg(feature = "gcp")]
        Service::Google => google(backend, &resolved),
        #[cfg(feature = "http")]
        Service::Any => http(backend, &resolved),
        #[allow(unreachable_patterns, reason = "reached only where a service's feature is off")]
        _ => {
            Err(Error::new(ErrorKind::InvalidArgument, "deltaic was built without the feature that serves this scheme")
                .with("service", format!("{service:?}").to_lowercase()))
        }
    }
}

/// What a client for `backend` is told, as a number; `None` where it is told nonsense.
pub(super) fn fingerprint(backend: &Backend, options: &StorageOptions, environment: &Environment<'_>) -> Option<u64> {
    let resolved = options.resolve(service_of(backend), environment).ok()?;
    let mut hasher = DefaultHasher::new();
    resolved.of(Handler::Client).for_each(|option| option.hash(&mut hasher));
    Some(hasher.finish())
}

pub(super) fn service_of(backend: &Backend) -> Service {
    match backend {
        Backend::S3 { .. } | Backend::CloudUrl(Cloud::Aws, _) => Service::Aws,
        Backend::Azure { .. } | Backend::CloudUrl(Cloud::Azure, _) => Service::Azure,
        Backend::Google { .. } => Service::Google,
        Backend::Http(_) | Backend::Local | Backend::Memory(_) => Service::Any,
    }
}

/// Hands each option that the client carries out to its builder.
macro_rules! configure {
    ($builder:expr, $resolved:expr) => {
        $resolved.of(Handler::Client).fold($builder, |builder, (name, value)| match name.parse() {
            Ok(key) => builder.with_config(key, value),
            // Options of ours that are no option of the client, such as the addressing style in words.
            Err(_) => builder,
        })
    };
}

/// The built client behind its guard; errors show no secret.
macro_rules! build {
    ($builder:expr, $permission:expr, $resolved:expr) => {
        build!($builder, $permission, $resolved, $resolved.secrets())
    };
    ($builder:expr, $permission:expr, $resolved:expr, $secrets:expr) => {
        match $builder.with_retry(retry($resolved)?).build() {
            Ok(client) => Ok(Arc::new(Guarded::new(client, $permission, $secrets)) as Arc<dyn ObjectStore>),
            Err(error) => Err(refused(&error, $resolved)),
        }
    };
}

#[cfg(feature = "aws")]
fn aws(backend: &Backend, resolved: &Resolved) -> Result<Arc<dyn ObjectStore>> {
    let secrets = resolved.secrets();
    build!(aws_builder(backend, resolved, &secrets)?, Permission::ReadAndWrite, resolved, secrets)
}

/// Where the credentials of that client come from.
#[cfg(feature = "aws")]
pub(super) fn aws_credentials(
    backend: &Backend,
    resolved: &Resolved,
) -> Result<object_store::aws::AwsCredentialProvider> {
    let builder = aws_builder(backend, resolved, &resolved.secrets())?;
    let client = builder.with_retry(retry(resolved)?).build().map_err(|error| refused(&error, resolved))?;
    Ok(client.credentials().clone())
}

#[cfg(feature = "aws")]
fn aws_builder(
    backend: &Backend,
    resolved: &Resolved,
    secrets: &Secrets,
) -> Result<object_store::aws::AmazonS3Builder> {
    use object_store::aws::AmazonS3Builder;
    let mut builder = configure!(AmazonS3Builder::new(), resolved);
    builder = match backend {
        Backend::S3 { bucket } => builder.with_bucket_name(bucket),
        Backend::CloudUrl(_, url) => builder.with_url(url.as_str()),
        _ => builder,
    };
    if let Some(style) = resolved.get("aws_s3_addressing_style") {
        builder = builder.with_virtual_hosted_style_request(is_virtual(style)?);
    }
    if resolved.get("aws_region").is_none()
        && let Some(region) = resolved.get("aws_default_region")
    {
        builder = builder.with_region(region);
    }
    encrypted_or_allowed(resolved, &["aws_endpoint_url_s3", "aws_endpoint_url"])?;
    #[cfg(feature = "aws-profiles")]
    if let Some(credentials) = super::aws_profiles::credentials(resolved, secrets) {
        builder = builder.with_credentials(credentials);
    }
    let _ = secrets;
    Ok(builder)
}

#[cfg(feature = "aws")]
fn is_virtual(style: &str) -> Result<bool> {
    match style.to_ascii_lowercase().as_str() {
        "virtual" => Ok(true),
        "path" | "auto" => Ok(false),
        _ => Err(invalid("the addressing style is `virtual`, `path` or `auto`", "aws_s3_addressing_style")),
    }
}

#[cfg(feature = "azure")]
fn azure(backend: &Backend, resolved: &Resolved) -> Result<Arc<dyn ObjectStore>> {
    use object_store::azure::MicrosoftAzureBuilder;
    let mut builder = configure!(MicrosoftAzureBuilder::new(), resolved);
    builder = match backend {
        Backend::Azure { container, account, endpoint, onelake } => {
            builder = builder.with_container_name(container);
            if let Some(account) = account {
                builder = builder.with_account(account);
            }
            if let (Some(endpoint), None) = (endpoint, resolved.get("azure_storage_endpoint")) {
                builder = builder.with_endpoint(endpoint.clone());
            }
            if *onelake { builder.with_use_fabric_endpoint(true) } else { builder }
        }
        Backend::CloudUrl(_, url) => builder.with_url(url.as_str()),
        _ => builder,
    };
    if resolved.flag("azure_storage_use_emulator")? != Some(true) {
        encrypted_or_allowed(resolved, &["azure_storage_endpoint"])?;
    }
    build!(builder, Permission::ReadAndWrite, resolved)
}

#[cfg(feature = "gcp")]
fn google(backend: &Backend, resolved: &Resolved) -> Result<Arc<dyn ObjectStore>> {
    use object_store::gcp::GoogleCloudStorageBuilder;
    let mut builder = configure!(GoogleCloudStorageBuilder::new(), resolved);
    if let Backend::Google { bucket } = backend {
        builder = builder.with_bucket_name(bucket);
    }
    encrypted_or_allowed(resolved, &["google_base_url"])?;
    build!(builder, Permission::ReadAndWrite, resolved)
}

#[cfg(feature = "http")]
fn http(backend: &Backend, resolved: &Resolved) -> Result<Arc<dyn ObjectStore>> {
    use object_store::{ClientConfigKey, http::HttpBuilder};
    let mut builder = configure!(HttpBuilder::new(), resolved);
    if let Backend::Http(origin) = backend {
        builder = builder.with_url(origin.as_str());
        if origin.scheme() == "http" {
            // The user typed the unencrypted scheme: that is permission enough.
            builder = builder.with_config(ClientConfigKey::AllowHttp, "true");
        }
    }
    build!(builder, Permission::Read, resolved)
}

/// An endpoint without TLS needs the user's word, here and not as a failed request later.
pub(super) fn encrypted_or_allowed(resolved: &Resolved, endpoints: &[&'static str]) -> Result<()> {
    let plain = endpoints.iter().find(|name| resolved.get(name).is_some_and(|url| url.starts_with("http://")));
    match plain {
        Some(name) if resolved.flag("allow_http")? != Some(true) => {
            Err(invalid("the endpoint is not encrypted: permit that with the option `allow_http=true`", name))
        }
        _ => Ok(()),
    }
}

fn retry(resolved: &Resolved) -> Result<RetryConfig> {
    let mut retry = RetryConfig::default();
    for (name, value) in resolved.of(Handler::Retry) {
        match name {
            "max_retries" => retry.max_retries = parsed(name, value.parse())?,
            "retry_timeout" => retry.retry_timeout = duration(name, value)?,
            "backoff_config.init_backoff" => retry.backoff.init_backoff = duration(name, value)?,
            "backoff_config.max_backoff" => retry.backoff.max_backoff = duration(name, value)?,
            "backoff_config.base" => retry.backoff.base = parsed(name, value.parse())?,
            _ => return Err(Error::new(ErrorKind::Internal, "a retry option has no meaning").with("option", name)),
        }
    }
    Ok(retry)
}

fn parsed<T, E>(name: &'static str, value: Result<T, E>) -> Result<T> {
    value.map_err(|_| invalid("a storage option is no valid number", name))
}

/// `1500ms`, `30s`, `5m`, `1h`, or a number of seconds.
pub(super) fn duration(name: &'static str, text: &str) -> Result<Duration> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let ms_per_unit = match unit.trim() {
        "ms" | "millis" | "milliseconds" => 1,
        "" | "s" | "sec" | "secs" | "seconds" => 1_000,
        "m" | "min" | "minutes" => 60_000,
        "h" | "hours" => 3_600_000,
        _ => return Err(invalid("a storage option is no duration such as `30s`", name)),
    };
    let number: u64 = parsed(name, number.parse())?;
    Ok(Duration::from_millis(number.saturating_mul(ms_per_unit)))
}

pub(super) fn refused(error: &object_store::Error, resolved: &Resolved) -> Error {
    let reason = resolved.secrets().redact(&error.to_string());
    Error::new(ErrorKind::InvalidArgument, format!("the storage options do not make a working client: {reason}"))
}

pub(super) fn invalid(message: &str, option: &'static str) -> Error {
    Error::new(ErrorKind::InvalidArgument, message).with("option", option)
}

#[cfg(test)]
#[cfg(all(feature = "aws", feature = "azure", feature = "gcp", feature = "http"))]
mod tests {
    use super::super::address::Address;
    use super::super::known_keys::{KNOWN_KEYS, Role};
    use super::*;

    fn try_open(uri: &str, given: &[(&str, &str)]) -> Result<Arc<dyn ObjectStore>> {
        let options = StorageOptions::from_iter(given.iter().copied());
        open(&Address::parse(uri)?.backend, &options, &|_| None)
    }

    /// The client behind its guard shows what it was made of.
    fn check(uri: &str, given: &[(&str, &str)], expect: &str) {
        let store = try_open(uri, given).unwrap();
        assert!(store.to_string().contains(expect), "{uri}: {store}");
    }

    #[test]
    fn each_service_has_its_client() {
        let keys = [("aws_access_key_id", "me"), ("aws_secret_access_key", "s3cr3t")];
        check("s3://bucket/t", &keys, "AmazonS3(bucket)");
        check("s3a://bucket/t", &[keys[0], keys[1], ("region", "eu-north-7")], "AmazonS3(bucket)");
        check(
            "s3://bucket/t",
            &[keys[0], keys[1], ("AWS_ENDPOINT_URL", "http://e:1"), ("allow_http", "1")],
            "AmazonS3(bucket)",
        );
        check("s3://b/t", &[keys[0], keys[1], ("aws_s3_addressing_style", "virtual"), ("region", "r")], "AmazonS3(b)");
        check("gs://bucket/t", &[("google_skip_signature", "true")], "bucket");
        let azure = [("account_name", "acc"), ("account_key", "c2VjcmV0")];
        check("az://container/t", &azure, "container");
        check("abfss://c@acc.dfs.core.chinacloudapi.cn/t", &[azure[1]], "account: acc");
        check("http://host:81/t", &[("timeout", "3s"), ("max_retries", "0")], "ReadOnly(HttpStore)");
    }

    #[test]
    fn wrong_values_are_refused_by_name() {
        let keys = [("aws_access_key_id", "me"), ("aws_secret_access_key", "s3cr3t")];
        for (name, value) in [
            ("aws_endpoint_url", "http://e:1"),
            ("aws_s3_addressing_style", "sideways"),
            ("max_retries", "many"),
            ("retry_timeout", "soon"),
            ("timeout", "soon"),
        ] {
            let error = try_open("s3://bucket/t", &[keys[0], keys[1], (name, value)]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error:?}");
        }
        let error = try_open("s3://bucket/t", &keys[..1]).unwrap_err();
        assert!(error.to_string().contains("SecretAccessKey"), "{error}");
    }

    #[test]
    fn durations() {
        for (text, ms) in [("1500ms", 1_500), ("30s", 30_000), ("30", 30_000), ("5m", 300_000), ("1 h", 3_600_000)] {
            assert_eq!(duration("timeout", text).unwrap(), Duration::from_millis(ms), "{text}");
        }
        for text in ["", "s", "-1s", "1 fortnight", "99999999999999999999s"] {
            assert!(duration("timeout", text).is_err(), "{text}");
        }
    }

    /// Each secret option in turn holds a marked value: neither the store nor an error may show it.
    #[test]
    fn no_secret_is_shown() {
        for key in KNOWN_KEYS.iter().filter(|key| matches!(key.role, Role::Secret | Role::Sealed)) {
            let uri = match key.service {
                Service::Azure => "az://container/t",
                Service::Google => "gs://bucket/t",
                Service::Aws | Service::Any => "s3://bucket/t",
            };
            for value in ["S3CR3Tkey", "http://user:S3CR3T@proxy", "{\"private_key\": \"S3CR3T\"", "sig=S3CR3T&x"] {
                let shown = match try_open(uri, &[(key.name, value), ("account_name", "a"), ("access_key_id", "a")]) {
                    Ok(store) => format!("{store} {store:?}"),
                    Err(error) => format!("{error} {error:?}"),
                };
                assert!(!shown.contains("S3CR3T"), "{}: {shown}", key.name);
            }
        }
    }
}
