//! AWS credentials beyond keys: profiles, single sign-on, credential processes and assumed roles, found as the AWS tools
//! find them.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use aws_config::environment::{EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider};
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use deltaic_log::{Clock, SystemClock, TimestampMs};
use futures::lock::Mutex;
use object_store::aws::{AwsCredential, AwsCredentialProvider};
use object_store::{CredentialProvider, Error, Result};

use super::options::{Resolved, Secrets};

/// Where credentials come from when keys are not enough: `None` where the options hold keys and no role is to be assumed
/// with them, or ask for a source that the store's client knows itself. What is found is added to `secrets`.
pub(super) fn credentials(resolved: &Resolved, secrets: &Secrets) -> Option<AwsCredentialProvider> {
    let has_keys = resolved.get("aws_access_key_id").is_some() || resolved.get("aws_secret_access_key").is_some();
    let is_anonymous = matches!(resolved.flag("aws_skip_signature"), Ok(Some(true)));
    let is_known_to_client =
        ["aws_web_identity_token_file", "aws_container_credentials_relative_uri", "aws_container_credentials_full_uri"]
            .iter()
            .any(|name| resolved.get(name).is_some());
    let settings = Settings::of(resolved);
    let is_needed = settings.role.is_some() || !(has_keys || is_known_to_client);
    let secrets = secrets.clone();
    (is_needed && !is_anonymous)
        .then(|| Arc::new(SharedConfiguration { settings, secrets, found: Mutex::default() }) as _)
}

/// What the options say of the search.
#[derive(Clone)]
struct Settings {
    keys: Option<Credentials>,
    region: Option<String>,
    profile: Option<String>,
    config_file: Option<String>,
    credentials_file: Option<String>,
    role: Option<Role>,
    sts_endpoint: Option<String>,
    /// The instance metadata service is never asked.
    without_metadata: bool,
}

#[derive(Clone)]
struct Role {
    arn: String,
    session_name: String,
    external_id: Option<String>,
}

impl Settings {
    fn of(resolved: &Resolved) -> Self {
        let get = |name| resolved.get(name).map(str::to_owned);
        let web_identity = resolved.get("aws_web_identity_token_file").is_some();
        let arn = get("aws_iam_role_arn").or_else(|| get("aws_role_arn").filter(|_| !web_identity));
        Self {
            keys: get("aws_access_key_id")
                .zip(get("aws_secret_access_key"))
                .map(|(id, secret)| Credentials::new(id, secret, get("aws_session_token"), None, "storage options")),
            region: get("aws_region").or_else(|| get("aws_default_region")),
            profile: get("aws_profile"),
            config_file: get("aws_config_file"),
            credentials_file: get("aws_shared_credentials_file"),
            role: arn.map(|arn| Role {
                arn,
                session_name: get("aws_role_session_name").unwrap_or_else(|| "deltaic".to_owned()),
                external_id: get("aws_role_external_id"),
            }),
            sts_endpoint: get("aws_endpoint_url_sts"),
            without_metadata: matches!(resolved.flag("aws_ec2_metadata_disabled"), Ok(Some(true))),
        }
    }

    /// The chain of sources that the AWS tools try, with what the options say put first.
    async fn chain(&self) -> Option<SharedCredentialsProvider> {
        let config = self.configuration().await;
        let Some(role) = &self.role else { return config.credentials_provider() };
        let mut assumed = AssumeRoleProvider::builder(&role.arn).session_name(&role.session_name).configure(&config);
        if let Some(id) = &role.external_id {
            assumed = assumed.external_id(id);
        }
        let base = config.credentials_provider()?;
        Some(SharedCredentialsProvider::new(assumed.build_from_provider(base).await))
    }

    async fn configuration(&self) -> SdkConfig {
        let mut loader = aws_config::defaults(BehaviorVersion::latest());
        if let Some(files) = self.profile_files() {
            loader = loader.profile_files(files);
        }
        if let Some(profile) = &self.profile {
            loader = loader.profile_name(profile);
        }
        loader = match &self.region {
            Some(region) => loader.region(Region::new(region.clone())),
            None if self.without_metadata => loader.region(self.local_region()),
            None => loader,
        };
        loader = match &self.keys {
            Some(keys) => loader.credentials_provider(keys.clone()),
            None if self.without_metadata => loader.credentials_provider(self.local_credentials().await),
            None => loader,
        };
        if let (Some(_), Some(endpoint)) = (&self.role, &self.sts_endpoint) {
            loader = loader.endpoint_url(endpoint);
        }
        loader.load().await
    }

    /// The sources of credentials that need no instance metadata service.
    async fn local_credentials(&self) -> CredentialsProviderChain {
        let region = match &self.region {
            Some(region) => Some(Region::new(region.clone())),
            None => self.local_region().region().await,
        };
        let mut profile = ProfileFileCredentialsProvider::builder()
            .configure(&ProviderConfig::without_region().with_region(region))
            .profile_files(self.profile_files().unwrap_or_default());
        if let Some(name) = &self.profile {
            profile = profile.profile_name(name);
        }
        CredentialsProviderChain::first_try("Environment", EnvironmentVariableCredentialsProvider::new())
            .or_else("Profile", profile.build())
    }

    fn local_region(&self) -> RegionProviderChain {
        let mut profile = ProfileFileRegionProvider::builder().profile_files(self.profile_files().unwrap_or_default());
        if let Some(name) = &self.profile {
            profile = profile.profile_name(name);
        }
        RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new()).or_else(profile.build())
    }

    fn profile_files(&self) -> Option<EnvConfigFiles> {
        if self.config_file.is_none() && self.credentials_file.is_none() && self.sts_endpoint.is_none() {
            return None;
        }
        let mut files = EnvConfigFiles::builder();
        files = match &self.config_file {
            Some(path) => files.with_file(EnvConfigFileKind::Config, path),
            None => files.include_default_config_file(true),
        };
        files = match &self.credentials_file {
            Some(path) => files.with_file(EnvConfigFileKind::Credentials, path),
            None => files.include_default_credentials_file(true),
        };
        if let Some(endpoint) = &self.sts_endpoint {
            files = files.with_contents(EnvConfigFileKind::Config, self.sts_section(endpoint));
        }
        Some(files.build())
    }

    /// The endpoint as a file of the shared configuration says it: roles that a profile names are assumed by nobody else.
    fn sts_section(&self, endpoint: &str) -> String {
        let profile = match self.profile.as_deref() {
            None | Some("default") => "default".to_owned(),
            Some(name) => format!("profile {name}"),
        };
        format!("[{profile}]\nservices = deltaic\n[services deltaic]\nsts =\n  endpoint_url = {endpoint}\n")
    }
}

/// The region that the shared configuration names for the options' profile, where the options name none.
pub(super) async fn region(resolved: &Resolved) -> Option<String> {
    let settings = Settings::of(resolved);
    match settings.region {
        Some(_) => None,
        None => settings.configuration().await.region().map(|region| region.as_ref().to_owned()),
    }
}

/// The credentials of the shared configuration, searched for when the first request is signed, kept until they expire.
struct SharedConfiguration {
    settings: Settings,
    secrets: Secrets,
    found: Mutex<Found>,
}

#[derive(Default)]
struct Found {
    chain: Option<SharedCredentialsProvider>,
    credential: Option<(Arc<AwsCredential>, Option<SystemTime>)>,
}

impl std::fmt::Debug for SharedConfiguration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedConfiguration").field("profile", &self.settings.profile).finish_non_exhaustive()
    }
}

#[async_trait]
impl CredentialProvider for SharedConfiguration {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> Result<Arc<AwsCredential>> {
        let mut found = self.found.lock().await;
        if let Some((credential, expiry)) = &found.credential
            && expiry.is_none_or(|expiry| is_fresh(expiry, SystemClock.now()))
        {
            return Ok(credential.clone());
        }
        if found.chain.is_none() {
            found.chain = self.settings.chain().await;
        }
        let chain =
            found.chain.as_ref().ok_or_else(|| self.unauthenticated("no source of AWS credentials is configured"))?;
        let given = chain.provide_credentials().await.map_err(|error| self.unauthenticated(&with_causes(&error)))?;
        self.secrets.learn(given.secret_access_key());
        self.secrets.learn(given.session_token().unwrap_or_default());
        let credential = Arc::new(AwsCredential {
            key_id: given.access_key_id().to_owned(),
            secret_key: given.secret_access_key().to_owned(),
            token: given.session_token().map(str::to_owned),
        });
        found.credential = Some((credential.clone(), given.expiry()));
        Ok(credential)
    }
}

impl SharedConfiguration {
    fn unauthenticated(&self, reason: &str) -> Error {
        let profile = self.settings.profile.as_deref().unwrap_or("default");
        let remedy = match &self.settings.role {
            Some(Role { arn, .. }) => format!(
                "the role {arn} is not given out: check its name, the credentials that ask for it, and whether it trusts them"
            ),
            None => format!(
                "no credentials were found: give keys as options or in the environment, name a profile that has some \
                 (`aws_profile`, here `{profile}`), log in with `aws sso login`, or set `aws_skip_signature=true` for a \
                 public bucket"
            ),
        };
        Error::Unauthenticated { path: "AWS".to_owned(), source: format!("{remedy}: {reason}").into() }
    }
}

/// Credentials are asked for anew five minutes before they expire: a request must not outlive them.
fn is_fresh(expiry: SystemTime, now: TimestampMs) -> bool {
    let expiry_ms = expiry.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    expiry_ms > u128::try_from(now.0).unwrap_or(0) + 300_000
}

/// The error and what caused it: the kit's own errors show the uppermost alone.
fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::super::known_keys::Service;
    use super::super::options::StorageOptions;
    use super::*;
    use std::time::Duration;

    fn resolved(given: &[(&str, &str)]) -> Resolved {
        StorageOptions::from_iter(given.iter().copied()).resolve(Service::Aws, &|_| None).unwrap()
    }

    #[test]
    fn the_search_runs_only_where_keys_are_not_enough() {
        let keys = [("aws_access_key_id", "me"), ("aws_secret_access_key", "s3cr3t")];
        let role = ("aws_iam_role_arn", "arn:aws:iam::1:role/r");
        for (given, expect) in [
            (&[][..], true),
            (&[("aws_profile", "p")][..], true),
            (&[keys[0], keys[1]][..], false),
            (&[keys[0], keys[1], role][..], true),
            (&[("aws_skip_signature", "true")][..], false),
            (&[("aws_web_identity_token_file", "f"), ("aws_role_arn", "r")][..], false),
            (&[("aws_role_arn", "r")][..], true),
        ] {
            assert_eq!(credentials(&resolved(given), &Secrets::default()).is_some(), expect, "{given:?}");
        }
    }

    #[tokio::test]
    async fn a_profile_gives_keys_and_region() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(path("config"), "[profile work]\nregion = eu-south-9\n").unwrap();
        std::fs::write(path("credentials"), "[work]\naws_access_key_id = AKID\naws_secret_access_key = s3cr3t\n")
            .unwrap();
        let (config, credentials_file) = (path("config"), path("credentials"));
        let given = resolved(&[
            ("AWS_PROFILE", "work"),
            ("AWS_CONFIG_FILE", &config),
            ("AWS_SHARED_CREDENTIALS_FILE", &credentials_file),
        ]);
        let secrets = Secrets::default();
        let provider = credentials(&given, &secrets).unwrap();
        let credential = provider.get_credential().await.unwrap();
        assert_eq!((credential.key_id.as_str(), credential.secret_key.as_str()), ("AKID", "s3cr3t"));
        assert!(Arc::ptr_eq(&credential, &provider.get_credential().await.unwrap()));
        assert_eq!(region(&given).await.as_deref(), Some("eu-south-9"));
        assert!(!format!("{provider:?}").contains("s3cr3t"));
        assert_eq!(secrets.redact("signed with s3cr3t"), "signed with ***");
    }

    #[tokio::test]
    async fn a_missing_profile_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("none").to_str().unwrap().to_owned();
        std::fs::write(&file, "").unwrap();
        let given = resolved(&[
            ("AWS_PROFILE", "absent"),
            ("AWS_CONFIG_FILE", &file),
            ("AWS_SHARED_CREDENTIALS_FILE", &file),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ]);
        let error = credentials(&given, &Secrets::default()).unwrap().get_credential().await.unwrap_err();
        assert!(matches!(error, Error::Unauthenticated { .. }), "{error:?}");
        assert!(error.to_string().contains("`absent`"), "{error}");
    }

    #[tokio::test]
    async fn the_metadata_service_is_left_alone_where_the_option_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("none").to_str().unwrap().to_owned();
        std::fs::write(&file, "[default]\n").unwrap();
        let given = resolved(&[
            ("AWS_CONFIG_FILE", &file),
            ("AWS_SHARED_CREDENTIALS_FILE", &file),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ]);
        let error = credentials(&given, &Secrets::default()).unwrap().get_credential().await.unwrap_err();
        assert!(error.to_string().contains("Profile") && !error.to_string().contains("Ec2"), "{error}");
        assert_eq!(region(&given).await, None);
    }

    #[test]
    fn credentials_are_renewed_before_they_expire() {
        let expiry = UNIX_EPOCH + Duration::from_secs(1_000);
        assert!(is_fresh(expiry, TimestampMs(699_999)));
        assert!(!is_fresh(expiry, TimestampMs(700_000)));
    }
}
