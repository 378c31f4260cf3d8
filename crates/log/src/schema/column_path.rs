use crate::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The way to a column, from the top of the schema: one name for each level.
///
/// As text, names are parted by dots, and a name that holds anything but letters, digits and `_` stands in backticks
/// (a backtick in it doubled). Inside of lists and maps, the steps are `element`, `key` and `value`.
///
/// ```
/// use deltaic_log::schema::ColumnPath;
/// let path = ColumnPath::parse("address.`zip code`")?;
/// assert_eq!(path.names(), ["address", "zip code"]);
/// assert_eq!(path.to_string(), "address.`zip code`");
/// # Ok::<(), deltaic_log::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ColumnPath(Vec<String>);

impl ColumnPath {
    /// A path of these names, taken as they are: a dot in a name is part of it.
    pub fn new(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self(names.into_iter().map(Into::into).collect())
    }

    /// The empty path: the schema itself.
    pub fn root() -> Self {
        Self::default()
    }

    /// The path that this text spells. An empty name or an unclosed backtick is [`ErrorKind::UnknownColumn`].
    pub fn parse(text: &str) -> Result<Self> {
        let mut names = Vec::new();
        let mut rest = text;
        loop {
            let (name, after) = first_name(rest).ok_or_else(|| malformed(text))?;
            names.push(name);
            match after.strip_prefix('.') {
                Some(next) => rest = next,
                None if after.is_empty() => return Ok(Self(names)),
                None => return Err(malformed(text)),
            }
        }
    }

    /// The names, from the top.
    pub fn names(&self) -> &[String] {
        &self.0
    }

    /// The name of the top-level column; empty for the schema itself.
    pub fn top(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    /// Whether this is the schema itself.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The path of this one's child.
    #[must_use]
    pub fn child(&self, name: impl Into<String>) -> Self {
        let mut names = Vec::with_capacity(self.0.len() + 1);
        names.extend_from_slice(&self.0);
        names.push(name.into());
        Self(names)
    }
}

/// The first name of a path's text, unquoted, and the text after it.
fn first_name(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('`') else {
        let end = text.find(['.', '`']).unwrap_or(text.len());
        let name = text[..end].trim();
        return (!name.is_empty()).then(|| (name.to_owned(), &text[end..]));
    };
    let mut name = String::new();
    let mut rest = quoted;
    loop {
        let end = rest.find('`')?;
        name.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('`') {
            Some(after) => rest = after,
            None => return (!name.is_empty()).then_some((name, rest)),
        }
        name.push('`');
    }
}

fn malformed(text: &str) -> Error {
    Error::new(
        ErrorKind::UnknownColumn,
        format!("{text:?} is no column path: part names with dots, and put a name with other characters in backticks"),
    )
}

impl fmt::Display for ColumnPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, name) in self.0.iter().enumerate() {
            let separator = if i == 0 { "" } else { "." };
            match !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_') {
                true => write!(f, "{separator}{name}")?,
                false => write!(f, "{separator}`{}`", name.replace('`', "``"))?,
            }
        }
        Ok(())
    }
}

impl From<&str> for ColumnPath {
    /// A top-level column of exactly this name.
    fn from(name: &str) -> Self {
        Self::new([name])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("a", &["a"])]
    #[case("a.b.c", &["a", "b", "c"])]
    #[case("a.`b.c`", &["a", "b.c"])]
    #[case("`a``b`.c", &["a`b", "c"])]
    #[case(" a . b ", &["a", "b"])]
    #[case("zip code", &["zip code"])]
    fn paths(#[case] text: &str, #[case] names: &[&str]) {
        assert_eq!(ColumnPath::parse(text).unwrap().names(), names);
    }

    #[rstest]
    fn no_paths(#[values("", "a.", ".a", "a..b", "`a", "``", "a`b`", "`a`b")] text: &str) {
        assert_eq!(ColumnPath::parse(text).unwrap_err().kind(), ErrorKind::UnknownColumn);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(names in proptest::collection::vec("[a-zA-Z0-9_`. é-]{1,8}", 1..5)) {
            let path = ColumnPath::new(names);
            prop_assert_eq!(ColumnPath::parse(&path.to_string()).unwrap(), path);
        }
    }
}
