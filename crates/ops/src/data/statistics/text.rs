//! Strings as bounds: cut, so that a long text does not fill the log.
//!
//! A cut least value is still not above the values; a cut greatest one would be below some, so that a character is put
//! behind it which is above all that was cut off.

/// What is put behind a cut text whose rest begins with ASCII.
const ASCII_LAST: char = '\u{7f}';
/// The greatest character that there is.
const UNICODE_LAST: char = char::MAX;

/// The first `length` characters.
pub(super) fn prefix(text: &str, length: usize) -> &str {
    text.char_indices().nth(length).map_or(text, |(end, _)| &text[..end])
}

/// A text that is not below `text`, of about `length` UTF-16 units; `None` where there is none of twice that length.
pub(super) fn prefix_above(text: &str, length: usize) -> Option<String> {
    let mut units = 0;
    // The first character that begins at or behind the cut.
    let Some((mut end, _)) = text.char_indices().find(|(_, character)| {
        let is_behind = units >= length;
        units += character.len_utf16();
        is_behind
    }) else {
        return Some(text.to_owned());
    };
    let limit = length.saturating_mul(2);
    let mut length_so_far: usize = text[..end].chars().map(char::len_utf16).sum();
    for next in text[end..].chars() {
        if next < UNICODE_LAST {
            let tie_breaker = if next < ASCII_LAST { ASCII_LAST } else { UNICODE_LAST };
            return Some(format!("{}{tie_breaker}", &text[..end]));
        }
        end += next.len_utf8();
        length_so_far += next.len_utf16();
        if length_so_far > limit {
            return None;
        }
    }
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn cuts() {
        for (text, above) in [
            ("abc", Some("abc")),
            ("abcd", Some("abc\u{7f}")),
            ("abc\u{7f}", Some("abc\u{10ffff}")),
            ("ab😀d", Some("ab😀\u{7f}")),
            ("abc\u{10ffff}", Some("abc\u{10ffff}")),
            ("abc\u{10ffff}d", Some("abc\u{10ffff}\u{7f}")),
            ("abc\u{10ffff}\u{10ffff}d", None),
        ] {
            assert_eq!(prefix_above(text, 3).as_deref(), above, "{text:?}");
        }
        assert_eq!(prefix("a😀c", 2), "a😀");
    }

    proptest! {
        #[test]
        fn a_bound_bounds(text in "[a-c\u{7f}é😀\u{10ffff}]{0,12}", length in 0_usize..6) {
            prop_assert!(prefix(&text, length) <= text.as_str());
            if let Some(above) = prefix_above(&text, length) {
                prop_assert!(above.as_str() >= text.as_str());
            }
        }
    }
}
