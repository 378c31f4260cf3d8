//! Where a table is: a URI or a local path, parsed once.

use std::fmt;
use std::path::{Component, Path as FilePath, PathBuf};

use deltaic_log::{Error, ErrorKind, Result};
use object_store::path::Path;
use url::Url;

/// Who keeps the bytes of a location.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Backend {
    Local,
    /// A store in this process's memory, by name.
    Memory(String),
    S3 {
        bucket: String,
    },
    Google {
        bucket: String,
    },
    Azure {
        container: String,
        account: Option<String>,
        /// The endpoint of an account outside of the public cloud.
        endpoint: Option<String>,
        onelake: bool,
    },
    /// An `https` address of one of the clouds, whose client takes it apart itself.
    CloudUrl(Cloud, Url),
    Http(Url),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Cloud {
    Aws,
    Azure,
}

/// A place in a store: the URL that names it, who keeps it, and the path there.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// Ends with a slash, so that what the log names relative to it joins on.
    pub(super) url: Url,
    pub(super) backend: Backend,
    pub(super) path: Path,
}

impl Address {
    /// Parses a URI, or a path of the local file system.
    ///
    /// In a URI percent-encoding is undone; a local path is taken as it is, made absolute, and its `~/` is the home
    /// directory. A `?` or `#` in a URI must be percent-encoded where it belongs to the name.
    pub(super) fn parse(text: &str) -> Result<Self> {
        match scheme(text) {
            Some(_) => {
                Self::from_url(&Url::parse(text).map_err(|e| invalid(text, "the URI cannot be parsed").because(e))?)
            }
            None => Self::from_file_path(&expand_home(text)?),
        }
    }

    /// The location that `url` names.
    pub(super) fn from_url(url: &Url) -> Result<Self> {
        let text = without_password(url);
        if url.query().is_some() || url.fragment().is_some() {
            return Err(invalid(
                &text,
                "a URI with `?` or `#`: write them as %3F and %23 if they are part of the name",
            ));
        }
        if matches!(url.scheme(), "http" | "https") && (!url.username().is_empty() || url.password().is_some()) {
            return Err(invalid(
                &text,
                "the address holds a user or password, which would show up in logs: leave them out",
            ));
        }
        let host = || match url.host_str() {
            Some(host) if !host.is_empty() => Ok(percent_decoded(host)),
            _ => Err(invalid(&text, "the URI names no bucket or container")),
        };
        let backend = match url.scheme() {
            "file" => return Self::from_file_url(url, &text),
            "memory" => Backend::Memory(url.host_str().unwrap_or_default().to_owned()),
            "s3" | "s3a" | "s3n" => Backend::S3 { bucket: host()? },
            "gs" | "gcs" => Backend::Google { bucket: host()? },
            "az" | "azure" | "adl" | "abfs" | "abfss" | "wasb" | "wasbs" => azure(url, host()?),
            "https" => {
                cloud_of(url).map_or_else(|| Backend::Http(origin(url)), |cloud| Backend::CloudUrl(cloud, url.clone()))
            }
            "http" => Backend::Http(origin(url)),
            other => {
                let known = "file, memory, s3, s3a, gs, az, abfs, abfss, wasb, wasbs, adl, http, https";
                return Err(invalid(&text, "the scheme is not known; use one of these")
                    .with("scheme", other)
                    .with("known", known));
            }
        };
        let path = Path::from_url_path(in_container(url, &backend))
            .map_err(|e| invalid(&text, "the URI's path is not valid").because(e))?;
        Ok(Self { url: as_directory(url.clone()), backend, path })
    }

    fn from_file_url(url: &Url, text: &str) -> Result<Self> {
        match url.to_file_path() {
            Ok(path) => Self::from_file_path(&path),
            Err(()) => Err(invalid(text, "a file URI names a host: begin it with three slashes, as file:///")),
        }
    }

    fn from_file_path(path: &FilePath) -> Result<Self> {
        let text = path.to_string_lossy();
        let path = absolute(path).map_err(|e| invalid(&text, "the path cannot be made absolute").because(e))?;
        let url = Url::from_directory_path(&path).map_err(|()| invalid(&text, "the path is not valid"))?;
        let path = Path::from_absolute_path(&path).map_err(|e| invalid(&text, "the path is not valid").because(e))?;
        Ok(Self { url, backend: Backend::Local, path })
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_password(&self.url))
    }
}

/// The scheme of a URI; a local path has none, even if it holds a colon.
fn scheme(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once(':')?;
    let mut letters = scheme.chars();
    let is_scheme = letters.next().is_some_and(|c| c.is_ascii_alphabetic())
        && letters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    let is_uri = rest.starts_with("//") || matches!(scheme, "file" | "memory") && rest.starts_with('/');
    (is_scheme && is_uri).then_some(scheme)
}

fn expand_home(text: &str) -> Result<PathBuf> {
    let Some(rest) = text.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with('/')) else {
        return match text {
            "" => Err(invalid(text, "the location is empty")),
            path => Ok(PathBuf::from(path)),
        };
    };
    match std::env::var_os("HOME") {
        Some(home) => Ok(PathBuf::from(home).join(rest.trim_start_matches('/'))),
        None => Err(invalid(text, "`~` is used, but there is no home directory: give the full path")),
    }
}

/// The path from the root, links resolved where it exists, `.` and `..` resolved in any case.
fn absolute(path: &FilePath) -> std::io::Result<PathBuf> {
    match path.canonicalize() {
        Ok(path) => Ok(path),
        Err(_) => Ok(normalised(&std::path::absolute(path)?)),
    }
}

fn normalised(path: &FilePath) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut path, component| {
        match component {
            Component::ParentDir => drop(path.pop()),
            Component::CurDir => {}
            other => path.push(other),
        }
        path
    })
}

/// `container@account.host` as Hadoop writes it, or the container alone.
fn azure(url: &Url, host: String) -> Backend {
    if url.username().is_empty() {
        return Backend::Azure { container: host, account: None, endpoint: None, onelake: false };
    }
    let (account, domain) = host.split_once('.').unwrap_or((&host, ""));
    let onelake = domain.ends_with("fabric.microsoft.com");
    let public = onelake || matches!(domain, "" | "dfs.core.windows.net" | "blob.core.windows.net");
    let endpoint = (!public).then(|| format!("https://{account}.{}", domain.replacen("dfs.", "blob.", 1)));
    let container = percent_decoded(url.username());
    Backend::Azure { container, account: Some(account.to_owned()), endpoint, onelake }
}

fn cloud_of(url: &Url) -> Option<Cloud> {
    let host = url.host_str()?;
    let ends = |domains: &[&str]| domains.iter().any(|domain| host.ends_with(domain));
    if ends(&[".amazonaws.com", ".r2.cloudflarestorage.com"]) {
        Some(Cloud::Aws)
    } else if ends(&[".core.windows.net", ".fabric.microsoft.com"]) {
        Some(Cloud::Azure)
    } else {
        None
    }
}

/// The URL's path within its bucket or container. Where the address holds the bucket as its first segment, that is cut.
fn in_container<'u>(url: &'u Url, backend: &Backend) -> &'u str {
    let host = url.host_str().unwrap_or_default();
    let bucket_in_path = match backend {
        Backend::CloudUrl(Cloud::Aws, _) => host.starts_with("s3") || host.ends_with(".r2.cloudflarestorage.com"),
        Backend::CloudUrl(Cloud::Azure, _) => true,
        _ => false,
    };
    let path = url.path();
    match bucket_in_path {
        true => path.trim_start_matches('/').split_once('/').map_or("", |(_, rest)| rest),
        false => path,
    }
}

fn origin(url: &Url) -> Url {
    let mut url = url.clone();
    url.set_path("/");
    url
}

fn as_directory(mut url: Url) -> Url {
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    url
}

fn percent_decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The URL fit to be shown: a password, or a query that may hold a signature, is left out.
pub(super) fn without_password(url: &Url) -> String {
    let mut shown = url.clone();
    if url.password().is_some() && shown.set_password(Some("***")).is_err() {
        shown.set_path("***");
    }
    if matches!(url.scheme(), "http" | "https") && !url.username().is_empty() {
        // It cannot fail where a user was there already.
        let _ = shown.set_username("***");
    }
    if url.query().is_some() {
        shown.set_query(Some("***"));
    }
    shown.into()
}

fn invalid(location: &str, message: &str) -> Error {
    Error::new(ErrorKind::InvalidArgument, message).with("location", location)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, backend: Backend, path: &str) {
        let address = Address::parse(text).unwrap();
        assert_eq!((address.backend, address.path.as_ref()), (backend, path), "{text}");
        assert!(address.url.path().ends_with('/'), "{text}");
    }

    fn refused(text: &str, message: &str) {
        let error = Address::parse(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{text}");
        assert!(error.to_string().contains(message), "{text}: {error}");
    }

    #[test]
    fn local_paths_are_taken_as_they_are() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        for name in
            ["plain", "with space", "per%20cent", "100%", "a=b,c", "que?ry#3", "ünï", "a:b", "back\\slash", "[x]{y}"]
        {
            let folder = root.join(name);
            let expect = format!("{}/{name}", root.to_str().unwrap().trim_start_matches('/'));
            check(folder.to_str().unwrap(), Backend::Local, &expect);
            check(&format!("{}/", folder.to_str().unwrap()), Backend::Local, &expect);
            check(Url::from_directory_path(&folder).unwrap().as_str(), Backend::Local, &expect);
            std::fs::create_dir(&folder).unwrap();
            check(folder.to_str().unwrap(), Backend::Local, &expect);
        }
    }

    #[test]
    fn local_paths_are_made_absolute() {
        let here = std::env::current_dir().unwrap();
        let expect = here.join("no/such").to_str().unwrap().trim_start_matches('/').to_owned();
        check("no/such", Backend::Local, &expect);
        check("./no/x/../such/.", Backend::Local, &expect);
        check("file:///no/such%20table", Backend::Local, "no/such table");
        check("file:/no/such%20table/", Backend::Local, "no/such table");
        check("file://localhost/no/such", Backend::Local, "no/such");
        let home = std::env::var("HOME").unwrap();
        check("~/no/such", Backend::Local, &format!("{}/no/such", home.trim_matches('/')));
    }

    #[test]
    fn clouds() {
        let s3 = || Backend::S3 { bucket: "b".into() };
        check("s3://b/t/x", s3(), "t/x");
        check("s3a://b/t/x/", s3(), "t/x");
        check("s3://b", s3(), "");
        check("s3://b/a%20b/c d/100%25", s3(), "a b/c d/100%");
        check("gs://b/t", Backend::Google { bucket: "b".into() }, "t");
        check("memory:///t", Backend::Memory(String::new()), "t");
        check("memory://one/t", Backend::Memory("one".into()), "t");
        check("http://localhost:80/a/t", Backend::Http("http://localhost/".parse().unwrap()), "a/t");
        let https = "https://b.s3.eu-west-1.amazonaws.com/t";
        check(https, Backend::CloudUrl(Cloud::Aws, https.parse().unwrap()), "t");
        let https = "https://s3.eu-west-1.amazonaws.com/b/t";
        check(https, Backend::CloudUrl(Cloud::Aws, https.parse().unwrap()), "t");
        let https = "https://a.blob.core.windows.net/c/t";
        check(https, Backend::CloudUrl(Cloud::Azure, https.parse().unwrap()), "t");
    }

    #[test]
    fn azure_in_each_spelling() {
        let azure = |account: Option<&str>, endpoint: Option<&str>, onelake| Backend::Azure {
            container: "c".into(),
            account: account.map(Into::into),
            endpoint: endpoint.map(Into::into),
            onelake,
        };
        for scheme in ["az", "azure", "adl", "abfs", "abfss", "wasb", "wasbs"] {
            check(&format!("{scheme}://c/t"), azure(None, None, false), "t");
            check(&format!("{scheme}://c@a.dfs.core.windows.net/t"), azure(Some("a"), None, false), "t");
        }
        let china = "https://a.blob.core.chinacloudapi.cn";
        check("abfss://c@a.dfs.core.chinacloudapi.cn/t", azure(Some("a"), Some(china), false), "t");
        check("abfss://c@onelake.dfs.fabric.microsoft.com/t", azure(Some("onelake"), None, true), "t");
    }

    #[test]
    fn what_cannot_be_a_location_is_refused() {
        refused("", "empty");
        refused("ftp://host/x", "scheme");
        refused("s3:///x", "bucket");
        refused("s3://b/x?y=1", "%3F");
        refused("gs://b/x#y", "%23");
        refused("file://host/x", "three slashes");
        refused("s3://b/a//b", "path is not valid");
    }

    #[test]
    fn passwords_are_not_shown() {
        for text in
            ["https://me:s3cr3t@host/x", "https://host/x?sig=s3cr3t", "http://s3cr3t@host/x", "s3://a:s3cr3t@b/x?y"]
        {
            let error = Address::parse(text).unwrap_err();
            assert!(!format!("{error:?}").contains("s3cr3t"), "{error:?}");
        }
        let address = Address::parse("abfss://c:s3cr3t@a.dfs.core.windows.net/x").unwrap();
        assert!(!format!("{address:?}").contains("s3cr3t"));
    }
}
