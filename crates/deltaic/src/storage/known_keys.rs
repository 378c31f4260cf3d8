//! Every storage option that deltaic knows, as one table: what looks options up, what warns of unknown ones and what the
//! documentation lists all read it.

/// A family of storage, as its options see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Service {
    /// Amazon S3 and everything that speaks its protocol.
    Aws,
    /// Azure Blob Storage, Data Lake Storage and OneLake.
    Azure,
    /// Google Cloud Storage.
    Google,
    /// Every store that is reached over HTTP, the three above included.
    Any,
}

impl Service {
    /// What the service's options begin with, in lower case, `_` included.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Aws => "aws_",
            Self::Azure => "azure_",
            Self::Google => "google_",
            Self::Any => "",
        }
    }
}

/// What an option's value is worth to a thief, and how it mixes with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// How to reach the store. Shown as it is; falls back to the environment one by one.
    Setting,
    /// A setting that must never be shown.
    Sealed,
    /// Who asks: the public half of credentials. Shown as it is; see [`Role::Secret`] for the environment.
    Identity,
    /// What must never be shown. Once one identity or secret is given explicitly, the environment's are left alone:
    /// halves of two credentials are never put together.
    Secret,
}

/// Who carries an option out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Handler {
    /// The store's client.
    Client,
    /// The retry policy of the store's client.
    Retry,
    /// The search for AWS credentials beyond keys: profiles, single sign-on, assumed roles (feature `aws-profiles`).
    Profiles,
    /// Whoever commits to the table. Reading is concerned by the lock table alone: it finishes half-done commits.
    Commit,
}

/// One option: its name, other spellings, and what it means.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct KnownKey {
    /// The service whose option it is.
    pub service: Service,
    /// The name, in lower case. Where it begins with the service's prefix, that may be left out.
    pub name: &'static str,
    /// Other full spellings, in lower case.
    pub aliases: &'static [&'static str],
    /// Whether its value is a setting or part of credentials.
    pub role: Role,
    /// Who carries it out.
    pub handler: Handler,
    /// What it means, in a few words.
    pub meaning: &'static str,
}

impl KnownKey {
    /// Whether `key`, in lower case, spells this option when the store belongs to `service`.
    pub(super) fn is_spelled(&self, key: &str, service: Service) -> bool {
        let bare = key.strip_prefix(service.prefix()).unwrap_or(key);
        match self.service {
            Service::Any => self.name == bare || self.aliases.contains(&bare),
            own => {
                let spells = |name: &str| name == key || name.strip_prefix(own.prefix()) == Some(key);
                spells(self.name) || self.aliases.iter().any(|alias| spells(alias))
            }
        }
    }

    /// The environment variables that hold this option for a store of `service`, the first one set winning.
    pub(super) fn variables(&self, service: Service) -> impl Iterator<Item = String> {
        let full = move |name: &str| match self.service {
            Service::Any => format!("{}{name}", service.prefix()).to_ascii_uppercase(),
            _ => name.to_ascii_uppercase(),
        };
        std::iter::once(&self.name).chain(self.aliases).map(move |name| full(name))
    }
}

const fn key(
    service: Service,
    name: &'static str,
    aliases: &'static [&'static str],
    meaning: &'static str,
) -> KnownKey {
    KnownKey { service, name, aliases, role: Role::Setting, handler: Handler::Client, meaning }
}

const fn aws(name: &'static str, aliases: &'static [&'static str], meaning: &'static str) -> KnownKey {
    key(Service::Aws, name, aliases, meaning)
}

const fn azure(name: &'static str, aliases: &'static [&'static str], meaning: &'static str) -> KnownKey {
    key(Service::Azure, name, aliases, meaning)
}

const fn google(name: &'static str, aliases: &'static [&'static str], meaning: &'static str) -> KnownKey {
    key(Service::Google, name, aliases, meaning)
}

const fn any(name: &'static str, meaning: &'static str) -> KnownKey {
    key(Service::Any, name, &[], meaning)
}

impl KnownKey {
    const fn is(mut self, role: Role) -> Self {
        self.role = role;
        self
    }

    const fn by(mut self, handler: Handler) -> Self {
        self.handler = handler;
        self
    }
}

/// Every storage option that deltaic knows.
#[rustfmt::skip]
pub const KNOWN_KEYS: &[KnownKey] = {
    use Handler::{Commit, Profiles, Retry};
    use Role::{Identity, Sealed, Secret};
    &[
        aws("aws_access_key_id", &[], "access key").is(Identity),
        aws("aws_secret_access_key", &[], "secret of the access key").is(Secret),
        aws("aws_session_token", &["aws_token"], "token of temporary credentials").is(Secret),
        aws("aws_region", &[], "region of the bucket"),
        aws("aws_default_region", &[], "region, where `AWS_REGION` is not given"),
        aws("aws_endpoint_url", &["aws_endpoint"], "endpoint of an S3-compatible store"),
        aws("aws_endpoint_url_s3", &[], "the same, for S3 alone"),
        aws("aws_endpoint_url_sts", &[], "endpoint of the token service"),
        aws("aws_virtual_hosted_style_request", &[], "bucket in the host name instead of the path"),
        aws("aws_s3_addressing_style", &[], "`virtual` or `path`: the same choice, in words"),
        aws("aws_s3_express", &[], "the bucket is an S3 Express bucket"),
        aws("aws_skip_signature", &[], "anonymous requests, for public buckets"),
        aws("aws_unsigned_payload", &[], "leave the payload out of the signature"),
        aws("aws_checksum_algorithm", &[], "checksum of uploads: `sha256`"),
        aws("aws_request_payer", &[], "the requester pays"),
        aws("aws_disable_tagging", &[], "send no object tags"),
        aws("aws_copy_if_not_exists", &[], "how the store copies without overwriting"),
        aws("aws_conditional_put", &[], "how the store puts without overwriting: `etag` or `disabled`"),
        aws("aws_server_side_encryption", &[], "`AES256`, `aws:kms`, `aws:kms:dsse` or `sse-c`"),
        aws("aws_sse_kms_key_id", &[], "key of `aws:kms`"),
        aws("aws_sse_bucket_key_enabled", &[], "use the bucket's own key"),
        aws("aws_sse_customer_key_base64", &[], "key of `sse-c`").is(Sealed),
        aws("aws_imdsv1_fallback", &[], "allow the first version of the instance metadata service"),
        aws("aws_metadata_endpoint", &[], "endpoint of the instance metadata service"),
        aws("aws_container_credentials_relative_uri", &[], "where a container asks for credentials").is(Identity),
        aws("aws_container_credentials_full_uri", &[], "the same, as a full address").is(Identity),
        aws("aws_container_authorization_token_file", &[], "file with the token for that address").is(Identity),
        aws("aws_web_identity_token_file", &[], "file with a web identity token").is(Identity),
        aws("aws_role_arn", &[], "role of the web identity").is(Identity),
        aws("aws_role_session_name", &["aws_iam_role_session_name", "aws_s3_role_session_name"], "name of the role's session"),
        aws("aws_iam_role_arn", &["aws_assume_role_arn", "aws_s3_assume_role_arn"], "role to assume with the credentials found").by(Profiles),
        aws("aws_role_external_id", &["aws_external_id"], "external id of the assumed role").by(Profiles),
        aws("aws_profile", &[], "profile of the shared configuration").is(Identity).by(Profiles),
        aws("aws_config_file", &[], "file of the shared configuration, instead of `~/.aws/config`").by(Profiles),
        aws("aws_shared_credentials_file", &[], "file of shared credentials, instead of `~/.aws/credentials`").by(Profiles),
        aws("aws_ec2_metadata_disabled", &[], "never ask the instance metadata service").by(Profiles),
        aws("aws_s3_locking_provider", &[], "`dynamodb`: commits are ordered by a lock table").by(Commit),
        aws("aws_s3_allow_unsafe_rename", &[], "commit without any protection against concurrent writers").by(Commit),
        aws("aws_s3_allow_mixed_commits", &[], "commit even where others commit in another way, with or without the lock table").by(Commit),
        aws("delta_dynamo_table_name", &["dynamo_lock_table_name"], "name of the lock table").by(Commit),
        aws("delta_dynamo_create_table", &[], "make the lock table where there is none").by(Commit),
        aws("delta_dynamo_billing_mode", &[], "`PAY_PER_REQUEST` or `PROVISIONED`, for a lock table that is made").by(Commit),
        aws("delta_dynamo_max_elapsed_request_time", &[], "how long a call to the lock table is tried again, as `60s`").by(Commit),
        aws("aws_endpoint_url_dynamodb", &[], "endpoint of the lock table").by(Commit),
        aws("aws_region_dynamodb", &["delta_dynamo_region"], "region of the lock table").by(Commit),
        aws("aws_access_key_id_dynamodb", &[], "access key of the lock table").by(Commit),
        aws("aws_secret_access_key_dynamodb", &[], "secret of that access key").is(Sealed).by(Commit),
        aws("aws_session_token_dynamodb", &[], "token of that access key").is(Sealed).by(Commit),

        azure("azure_storage_account_name", &["azure_account_name", "account_name"], "account"),
        azure("azure_storage_account_key", &["azure_storage_access_key", "azure_storage_master_key", "account_key", "access_key", "master_key"], "key of the account").is(Secret),
        azure("azure_storage_sas_key", &["azure_storage_sas_token", "azure_sas_token", "sas_key", "sas_token"], "shared access signature").is(Secret),
        azure("azure_storage_token", &["bearer_token", "token"], "bearer token").is(Secret),
        azure("azure_storage_client_id", &["azure_client_id"], "application that asks").is(Identity),
        azure("azure_storage_client_secret", &["azure_client_secret"], "secret of the application").is(Secret),
        azure("azure_storage_tenant_id", &["azure_tenant_id", "azure_storage_authority_id", "azure_authority_id"], "directory of the application").is(Identity),
        azure("azure_storage_authority_host", &["azure_authority_host"], "host that gives tokens"),
        azure("azure_federated_token_file", &[], "file with a workload identity token").is(Identity),
        azure("azure_msi_endpoint", &["azure_identity_endpoint", "identity_endpoint"], "endpoint of the managed identity"),
        azure("azure_object_id", &[], "managed identity, by object").is(Identity),
        azure("azure_msi_resource_id", &[], "managed identity, by resource").is(Identity),
        azure("azure_use_azure_cli", &[], "ask the Azure command line for a token").is(Identity),
        azure("azure_skip_signature", &[], "anonymous requests, for public containers"),
        azure("azure_storage_use_emulator", &["azure_use_emulator", "use_emulator"], "talk to a local Azurite"),
        azure("azure_storage_endpoint", &["azure_endpoint"], "endpoint of a compatible store or another cloud"),
        azure("azure_use_fabric_endpoint", &[], "talk to OneLake"),
        azure("azure_container_name", &[], "container, where the address names none"),
        azure("azure_disable_tagging", &[], "send no object tags"),
        azure("azure_fabric_token_service_url", &[], "OneLake's token service"),
        azure("azure_fabric_workload_host", &[], "OneLake's workload host"),
        azure("azure_fabric_session_token", &[], "OneLake's session token").is(Secret),
        azure("azure_fabric_cluster_identifier", &[], "OneLake's cluster"),

        google("google_service_account", &["google_service_account_path"], "file with a service account").is(Identity),
        google("google_service_account_key", &[], "service account, as JSON").is(Secret),
        google("google_application_credentials", &[], "file with application credentials").is(Identity),
        google("google_base_url", &[], "endpoint of a compatible store"),
        google("google_skip_signature", &[], "anonymous requests, for public buckets"),

        any("allow_http", "permit connections without TLS"),
        any("allow_invalid_certificates", "accept any certificate; for tests alone"),
        any("connect_timeout", "longest wait for a connection, as `5s`"),
        any("timeout", "longest time of one request, as `30s`"),
        any("default_content_type", "content type of uploads"),
        any("http1_only", "speak HTTP/1 alone"),
        any("http2_only", "speak HTTP/2 alone"),
        any("http2_keep_alive_interval", "time between HTTP/2 pings"),
        any("http2_keep_alive_timeout", "longest wait for the answer to a ping"),
        any("http2_keep_alive_while_idle", "ping idle connections too"),
        any("http2_max_frame_size", "largest HTTP/2 frame, in bytes"),
        any("pool_idle_timeout", "how long an idle connection is kept"),
        any("pool_max_idle_per_host", "how many idle connections are kept"),
        any("proxy_url", "proxy; may hold a password").is(Sealed),
        any("proxy_ca_certificate", "certificate of the proxy, as PEM"),
        any("proxy_excludes", "hosts that are reached without the proxy"),
        any("randomize_addresses", "spread connections over the addresses of a host"),
        any("user_agent", "what requests call themselves"),
        any("max_retries", "how often a failed request is tried again").by(Retry),
        any("retry_timeout", "how long it is tried again, as `180s`").by(Retry),
        any("backoff_config.init_backoff", "first wait before another try").by(Retry),
        any("backoff_config.max_backoff", "longest wait before another try").by(Retry),
        any("backoff_config.base", "factor from one wait to the next").by(Retry),
    ]
};

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// Every spelling of a key, as far as one service sees it.
    fn spellings(key: &KnownKey) -> impl Iterator<Item = &'static str> {
        std::iter::once(key.name).chain(key.aliases.iter().copied())
    }

    #[test]
    fn no_two_keys_of_a_service_share_a_spelling() {
        for service in [Service::Aws, Service::Azure, Service::Google] {
            let mut seen = HashSet::new();
            for key in KNOWN_KEYS.iter().filter(|key| key.service == service || key.service == Service::Any) {
                for name in spellings(key) {
                    let bare = name.strip_prefix(service.prefix()).unwrap_or(name);
                    assert!(seen.insert(bare) || spellings(key).filter(|n| n.ends_with(bare)).count() > 1, "{name}");
                }
            }
        }
    }

    #[cfg(all(feature = "aws", feature = "azure", feature = "gcp"))]
    #[test]
    fn every_key_of_a_client_is_one_that_the_client_knows() {
        use object_store::{ClientConfigKey, aws::AmazonS3ConfigKey, azure::AzureConfigKey, gcp::GoogleConfigKey};
        for key in KNOWN_KEYS.iter().filter(|key| key.handler == Handler::Client) {
            let known = match key.service {
                Service::Aws => key.name == "aws_s3_addressing_style" || key.name.parse::<AmazonS3ConfigKey>().is_ok(),
                Service::Azure => key.name.parse::<AzureConfigKey>().is_ok(),
                Service::Google => key.name.parse::<GoogleConfigKey>().is_ok(),
                Service::Any => key.name.parse::<ClientConfigKey>().is_ok(),
            };
            assert!(known, "{}", key.name);
        }
    }
}
