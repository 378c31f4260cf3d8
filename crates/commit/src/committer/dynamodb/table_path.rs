//! How the lock table names a table.

use percent_encoding::percent_decode_str;
use url::Url;

/// The `tablePath` of the table at `root`: scheme, bucket and path, the path decoded, without user and without the last slash.
/// Only a table that is a whole bucket keeps its slash. The scheme is part of it: whoever writes `s3a://bucket/table` shares no
/// lock with whoever writes `s3://bucket/table`.
///
/// ```
/// use deltaic_commit::committer::dynamodb::table_path;
/// assert_eq!(table_path(&"s3a://bucket/sales/2026/".parse().unwrap()), "s3a://bucket/sales/2026");
/// assert_eq!(table_path(&"s3://bucket/a%20b".parse().unwrap()), "s3://bucket/a b");
/// assert_eq!(table_path(&"s3://bucket/".parse().unwrap()), "s3://bucket/");
/// ```
pub fn table_path(root: &Url) -> String {
    in_scheme(root.scheme(), root)
}

/// The other spellings of the same place: other names of S3's scheme.
pub(super) fn other_spellings(root: &Url) -> Vec<String> {
    const SCHEMES: [&str; 3] = ["s3", "s3a", "s3n"];
    if !SCHEMES.contains(&root.scheme()) {
        return Vec::new();
    }
    SCHEMES.into_iter().filter(|scheme| *scheme != root.scheme()).map(|scheme| in_scheme(scheme, root)).collect()
}

fn in_scheme(scheme: &str, root: &Url) -> String {
    let path = percent_decode_str(root.path().trim_end_matches('/')).decode_utf8_lossy();
    let path = if path.is_empty() { "/".into() } else { path };
    let port = root.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{scheme}://{}{port}{path}", root.host_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_stays_and_the_user_goes() {
        for (url, expect) in [
            ("s3://b/t", "s3://b/t"),
            ("s3://b/t/", "s3://b/t"),
            ("s3a://b/t//", "s3a://b/t"),
            ("s3a://key:secret@b/t/u", "s3a://b/t/u"),
            ("s3n://b", "s3n://b/"),
            ("s3://b/%C3%A4%20%25/", "s3://b/ä %"),
            ("memory:///t/", "memory:///t"),
        ] {
            assert_eq!(table_path(&url.parse().unwrap()), expect, "{url}");
        }
    }

    #[test]
    fn s3_has_three_names() {
        assert_eq!(other_spellings(&"s3a://b/t/".parse().unwrap()), ["s3://b/t", "s3n://b/t"]);
        assert!(other_spellings(&"memory:///t/".parse().unwrap()).is_empty());
    }
}
