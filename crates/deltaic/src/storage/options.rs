//! Storage options: what a user gives, resolved for one service against the table of known keys and the environment.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use deltaic_log::{Error, ErrorKind, Result};

use super::known_keys::{Handler, KNOWN_KEYS, KnownKey, Role, Service};

/// Options for storage as a user gives them: keys in any case, with or without the service's prefix, and their values.
///
/// What is not given is taken from the environment. A key that no service knows is reported as a warning with the nearest
/// one that is known; a key of another service is ignored. `Debug` shows no secrets, and neither do errors.
///
/// ```
/// use deltaic::StorageOptions;
/// let options = StorageOptions::from_iter([("aws_region", "eu-west-1"), ("AWS_SECRET_ACCESS_KEY", "hidden")]);
/// assert_eq!(format!("{options:?}"), r#"{"AWS_SECRET_ACCESS_KEY": "***", "aws_region": "eu-west-1"}"#);
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct StorageOptions(BTreeMap<String, String>);

impl StorageOptions {
    /// No options: the environment alone.
    pub fn new() -> Self {
        Self::default()
    }

    /// These options with one more. A key given twice has its last value.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.insert(key.into(), value.into());
        self
    }

    /// Whether nothing was given.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys that no service knows, each with the nearest known key.
    ///
    /// ```
    /// let options = deltaic::StorageOptions::new().with("AWS_REGOIN", "eu-west-1");
    /// assert_eq!(options.unknown_keys(), [("AWS_REGOIN", "aws_region")]);
    /// ```
    pub fn unknown_keys(&self) -> Vec<(&str, &'static str)> {
        let unknown = self.0.keys().filter(|key| find(&normalise(key), None).is_none());
        unknown.map(|key| (key.as_str(), nearest(&normalise(key)))).collect()
    }

    /// What holds for a store of `service`: the options given, then what `environment` says.
    pub(super) fn resolve(&self, service: Service, environment: &Environment<'_>) -> Result<Resolved> {
        let mut resolved = Resolved::default();
        for (spelled, value) in &self.0 {
            if let Some(key) = find(&normalise(spelled), Some(service)) {
                resolved.give(key, spelled, value)?;
            }
        }
        resolved.fall_back(service, environment);
        Ok(resolved)
    }
}

impl fmt::Debug for StorageOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.iter().map(|(key, value)| (key, shown(key, value)))).finish()
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for StorageOptions {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(options: I) -> Self {
        Self(options.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}

/// Looks up an environment variable.
pub(super) type Environment<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Options by their known names.
#[derive(Default)]
pub(super) struct Resolved(BTreeMap<&'static str, Value>);

struct Value {
    key: &'static KnownKey,
    text: String,
    explicit: bool,
}

impl Resolved {
    /// The value of the option of that name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.text.as_str())
    }

    /// The option of that name as a Boolean, if it is given; an error where it is neither true nor false.
    pub(super) fn flag(&self, name: &'static str) -> Result<Option<bool>> {
        self.get(name).map(|text| parse_flag(name, text)).transpose()
    }

    /// Whether the option of that name was given, and not found in the environment.
    #[cfg(feature = "aws")]
    pub(super) fn is_explicit(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| value.explicit)
    }

    /// The options that `handler` carries out, by name.
    pub(super) fn of(&self, handler: Handler) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.values().filter(move |v| v.key.handler == handler).map(|v| (v.key.name, v.text.as_str()))
    }

    /// The values that must never be shown.
    pub(super) fn secrets(&self) -> Secrets {
        let secrets = Secrets::default();
        self.0.values().filter(|v| is_hidden(v.key)).for_each(|v| secrets.learn(&v.text));
        secrets
    }

    fn give(&mut self, key: &'static KnownKey, spelled: &str, text: &str) -> Result<()> {
        let value = Value { key, text: text.to_owned(), explicit: true };
        match self.0.insert(key.name, value) {
            Some(other) if other.text != text => Err(Error::new(
                ErrorKind::InvalidArgument,
                "two spellings of one storage option have different values: give it once",
            )
            .with("option", key.name)
            .with("spelled", spelled)),
            _ => Ok(()),
        }
    }

    /// Takes what is not given from the environment: settings one by one, credentials only if none of them was given.
    fn fall_back(&mut self, service: Service, environment: &Environment<'_>) {
        let has_credentials = self.0.values().any(|v| v.explicit && is_credential(v.key));
        let wanted = |key: &&'static KnownKey| {
            (key.service == service || key.service == Service::Any) && !(has_credentials && is_credential(key))
        };
        for key in KNOWN_KEYS.iter().filter(wanted) {
            if let Some(text) = key.variables(service).find_map(|variable| environment(&variable)) {
                self.0.entry(key.name).or_insert(Value { key, text, explicit: false });
            }
        }
    }
}

/// Values that must never be shown: those of the options, and what is found with their help. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Secrets(Arc<Mutex<Vec<String>>>);

impl Secrets {
    /// One more of them.
    pub(super) fn learn(&self, secret: &str) {
        let mut secrets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !secret.is_empty() && !secrets.iter().any(|known| known == secret) {
            secrets.push(secret.to_owned());
        }
    }

    /// `text` with each secret replaced by `***`.
    pub(super) fn redact(&self, text: &str) -> String {
        let secrets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret, "***"))
    }
}

fn is_credential(key: &KnownKey) -> bool {
    matches!(key.role, Role::Identity | Role::Secret)
}

fn is_hidden(key: &KnownKey) -> bool {
    matches!(key.role, Role::Sealed | Role::Secret)
}

/// A value fit to be shown: only that of a key that is known for no secret. A misspelled key may well hold one.
fn shown<'v>(key: &str, value: &'v str) -> &'v str {
    let known = KNOWN_KEYS.iter().filter(|known| known.is_spelled(&normalise(key), known.service));
    let mut roles = known.map(is_hidden).peekable();
    if roles.peek().is_some() && roles.all(|hidden| !hidden) { value } else { "***" }
}

fn normalise(key: &str) -> String {
    key.trim().to_ascii_lowercase().replace('-', "_")
}

/// The key that is spelled so: for `service`, or for any.
fn find(key: &str, service: Option<Service>) -> Option<&'static KnownKey> {
    let services: &[Service] = match service {
        Some(Service::Aws) => &[Service::Aws],
        Some(Service::Azure) => &[Service::Azure],
        Some(Service::Google) => &[Service::Google],
        Some(Service::Any) => &[Service::Any],
        None => &[Service::Aws, Service::Azure, Service::Google, Service::Any],
    };
    let fits = |known: &&KnownKey, service| {
        (known.service == service || known.service == Service::Any) && known.is_spelled(key, service)
    };
    services.iter().find_map(|service| KNOWN_KEYS.iter().find(|known| fits(known, *service)))
}

/// The known key whose name needs the fewest edits to become `key`.
fn nearest(key: &str) -> &'static str {
    let names = KNOWN_KEYS.iter().flat_map(|known| std::iter::once(&known.name).chain(known.aliases));
    names.min_by_key(|name| edits(key, name)).expect("the table of known keys is not empty")
}

/// How many characters must be inserted, removed, replaced or swapped with their neighbour to turn `a` into `b`.
fn edits(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let (mut before, mut last): (Vec<usize>, Vec<usize>) = (Vec::new(), (0..=b.len()).collect());
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        (before, last) = (last, row);
    }
    last[b.len()]
}

fn parse_flag(name: &'static str, text: &str) -> Result<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "on" | "yes" | "y" => Ok(true),
        "0" | "false" | "off" | "no" | "n" => Ok(false),
        _ => {
            Err(Error::new(ErrorKind::InvalidArgument, "a storage option is neither true nor false")
                .with("option", name))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(
        service: Service,
        given: &[(&str, &str)],
        environment: &[(&str, &str)],
    ) -> Result<Vec<(String, String)>> {
        let find = |name: &str| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let resolved = StorageOptions::from_iter(given.iter().copied()).resolve(service, &find)?;
        Ok(resolved.0.iter().map(|(name, value)| ((*name).to_owned(), value.text.clone())).collect())
    }

    fn check(service: Service, given: &[(&str, &str)], environment: &[(&str, &str)], expect: &[(&str, &str)]) {
        let resolved = resolve(service, given, environment).unwrap();
        let resolved: Vec<_> = resolved.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(resolved, expect, "{given:?} {environment:?}");
    }

    #[test]
    fn keys_are_known_in_any_case_with_and_without_their_prefix() {
        for spelled in ["AWS_REGION", "aws_region", "region", "Region", "aws-region"] {
            check(Service::Aws, &[(spelled, "x")], &[], &[("aws_region", "x")]);
        }
        for spelled in ["allow_http", "AWS_ALLOW_HTTP", "ALLOW_HTTP"] {
            check(Service::Aws, &[(spelled, "true")], &[], &[("allow_http", "true")]);
        }
        for spelled in ["AZURE_STORAGE_ACCOUNT_KEY", "account_key", "access_key", "azure_storage_access_key"] {
            check(Service::Azure, &[(spelled, "x")], &[], &[("azure_storage_account_key", "x")]);
        }
        check(Service::Azure, &[("token", "t")], &[], &[("azure_storage_token", "t")]);
        check(Service::Aws, &[("token", "t")], &[], &[("aws_session_token", "t")]);
        check(Service::Google, &[("timeout", "1s")], &[], &[("timeout", "1s")]);
    }

    #[test]
    fn another_services_keys_are_ignored() {
        check(Service::Aws, &[("azure_storage_account_key", "x"), ("google_base_url", "y")], &[], &[]);
        check(Service::Any, &[("aws_region", "x"), ("timeout", "3s")], &[], &[("timeout", "3s")]);
    }

    #[test]
    fn the_environment_is_the_fallback() {
        let environment = [("AWS_REGION", "there"), ("AWS_ALLOW_HTTP", "true"), ("AWS_ENDPOINT", "http://e")];
        let expect = [("allow_http", "true"), ("aws_endpoint_url", "http://e"), ("aws_region", "here")];
        check(Service::Aws, &[("region", "here")], &environment, &expect);
        check(Service::Azure, &[], &environment, &[]);
    }

    #[test]
    fn credentials_are_never_put_together_from_two_places() {
        let environment = [("AWS_ACCESS_KEY_ID", "env"), ("AWS_SESSION_TOKEN", "env"), ("AWS_REGION", "env")];
        let given = [("aws_access_key_id", "mine"), ("aws_secret_access_key", "mine")];
        let expect = [("aws_access_key_id", "mine"), ("aws_region", "env"), ("aws_secret_access_key", "mine")];
        check(Service::Aws, &given, &environment, &expect);
    }

    #[test]
    fn two_spellings_with_two_values_are_refused_without_showing_them() {
        let given = [("account_key", "one-secret"), ("azure_storage_account_key", "two-secret")];
        let error = resolve(Service::Azure, &given, &[]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(!format!("{error} {error:?}").contains("secret\""), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("-secret"), "{error:?}");
        check(Service::Azure, &[("account_key", "x"), ("access_key", "x")], &[], &[("azure_storage_account_key", "x")]);
    }

    #[test]
    fn unknown_keys_are_named_with_the_nearest_known_one() {
        for (spelled, expect) in [
            ("AWS_REGOIN", "aws_region"),
            ("aws_secret_acess_key", "aws_secret_access_key"),
            ("azure_storage_acount_name", "azure_storage_account_name"),
            ("allow_htp", "allow_http"),
        ] {
            assert_eq!(StorageOptions::new().with(spelled, "").unknown_keys(), [(spelled, expect)]);
        }
        for known in KNOWN_KEYS {
            let options = StorageOptions::new().with(known.name.to_ascii_uppercase(), "");
            assert!(options.unknown_keys().is_empty(), "{}", known.name);
        }
    }

    #[test]
    fn debug_shows_no_secret_and_nothing_of_unknown_keys() {
        for known in KNOWN_KEYS {
            let text = format!("{:?}", StorageOptions::new().with(known.name, "s3cr3t"));
            assert_eq!(text.contains("s3cr3t"), !is_hidden(known), "{text}");
        }
        assert!(!format!("{:?}", StorageOptions::new().with("aws_secret_acess_key", "s3cr3t")).contains("s3cr3t"));
        assert!(!format!("{:?}", StorageOptions::new().with("token", "s3cr3t")).contains("s3cr3t"));
    }
}
