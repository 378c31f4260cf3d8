//! Where a file is that the log names. Spec: "Add File and Remove File": a path is a URI, relative to the table's root or
//! absolute.

use deltaic_log::{Error, ErrorKind, Result};
use url::Url;

/// The URL of a file, by its path in the log.
///
/// # Errors
/// [`ErrorKind::CorruptLog`] where the path is no URI, or a relative one that leaves the table.
///
/// ```
/// use deltaic_scan::location::file_url;
/// let root = "s3://bucket/table/".parse().unwrap();
/// assert_eq!(file_url(&root, "p=a%20b/f.parquet")?.as_str(), "s3://bucket/table/p=a%20b/f.parquet");
/// assert_eq!(file_url(&root, "s3://other/f.parquet")?.as_str(), "s3://other/f.parquet");
/// assert!(file_url(&root, "../other/f.parquet").is_err());
/// # Ok::<(), deltaic_log::Error>(())
/// ```
pub fn file_url(root: &Url, path: &str) -> Result<Url> {
    let broken = |why: &str| {
        Error::new(
            ErrorKind::CorruptLog,
            format!("the log names a file by a path that {why} (spec: \"Add File and Remove File\")"),
        )
        .with("path", path)
    };
    if is_absolute_uri(path) {
        return Url::parse(path).map_err(|error| broken("is no URI").because(error));
    }
    // A relative path may hold what would end a URI's path; writers that leave it unescaped mean it as part of the name.
    let escaped = path.replace('?', "%3F").replace('#', "%23");
    let mut url = root.clone();
    if escaped.starts_with('/') {
        url.set_path(&escaped);
        return Ok(url);
    }
    let leaves = |segment: &str| {
        let decoded = percent_decode(segment);
        matches!(decoded.as_str(), "" | "." | "..") || decoded.split('/').any(|part| part == "..")
    };
    if escaped.split('/').any(leaves) {
        return Err(broken("leaves the table's directory"));
    }
    url.set_path(&format!("{}{escaped}", root.path()));
    Ok(url)
}

/// Whether a path begins with a URI's scheme.
fn is_absolute_uri(path: &str) -> bool {
    let Some((scheme, rest)) = path.split_once(':') else { return false };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    is_scheme && rest.starts_with('/')
}

fn percent_decode(segment: &str) -> String {
    percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_all_kinds() {
        let root: Url = "file:///t%20t/".parse().unwrap();
        for (path, expected) in [
            ("f.parquet", Some("file:///t%20t/f.parquet")),
            ("bar=%252521/f", Some("file:///t%20t/bar=%252521/f")),
            ("a b/é", Some("file:///t%20t/a%20b/%C3%A9")),
            ("a?b#c", Some("file:///t%20t/a%3Fb%23c")),
            ("time=12:30/f", Some("file:///t%20t/time=12:30/f")),
            ("file:/other/f", Some("file:///other/f")),
            ("file:///other/f", Some("file:///other/f")),
            ("/other/f", Some("file:///other/f")),
            ("../f", None),
            ("a/../../f", None),
            ("a/%2E%2E/f", None),
            ("a%2F..%2Ff", None),
            ("", None),
            ("a//f", None),
        ] {
            assert_eq!(file_url(&root, path).ok().as_ref().map(Url::as_str), expected, "{path}");
        }
    }
}
