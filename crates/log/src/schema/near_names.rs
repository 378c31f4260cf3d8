/// At most three columns that a user may have meant by `wanted`: by the fewest edits, and no more than a third of it, in any
/// case. Each column comes as it is shown, with its own name, by which it may have been meant too.
///
/// ```
/// use deltaic_log::schema::near_names;
/// let columns = [("amount".to_owned(), "amount"), ("address.zip".to_owned(), "zip")];
/// assert_eq!(near_names("Zup", columns.clone()), ["address.zip"]);
/// assert_eq!(near_names("amuont", columns.clone()), ["amount"]);
/// assert!(near_names("price", columns).is_empty());
/// ```
pub fn near_names<'a>(wanted: &str, columns: impl IntoIterator<Item = (String, &'a str)>) -> Vec<String> {
    const NEAR_NAMES_MAX: usize = 3;
    let wanted: Vec<char> = wanted.to_lowercase().chars().collect();
    let edits_max = wanted.len().div_ceil(3);
    let near = |(shown, name): (String, &str)| {
        let edits = [edits(&wanted, &shown, edits_max), edits(&wanted, name, edits_max)].into_iter().flatten().min()?;
        Some((edits, shown))
    };
    let mut near: Vec<(usize, String)> = columns.into_iter().filter_map(near).collect();
    near.sort();
    near.into_iter().take(NEAR_NAMES_MAX).map(|(_, shown)| shown).collect()
}

/// Levenshtein's distance, one row at a time, if it is no more than `edits_max`. Names whose lengths tell that it is more
/// are not compared: a hostile schema may have very long ones.
fn edits(a: &[char], b: &str, edits_max: usize) -> Option<usize> {
    let b: Vec<char> = b.to_lowercase().chars().take(a.len() + edits_max + 1).collect();
    if a.len().abs_diff(b.len()) > edits_max {
        return None;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    Some(row[b.len()]).filter(|edits| *edits <= edits_max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("kitten", "sitting", None)]
    #[case("kitten", "Mitten", Some(1))]
    #[case("abc", "ab", Some(1))]
    #[case("abc", "abcd", Some(1))]
    #[case("abc", "acb", None)]
    #[case("straße", "STRASSE", Some(2))]
    #[case("", "", Some(0))]
    fn edits_count_up_to_a_third(#[case] wanted: &str, #[case] name: &str, #[case] expected: Option<usize>) {
        let wanted: Vec<char> = wanted.chars().collect();
        assert_eq!(edits(&wanted, name, wanted.len().div_ceil(3)), expected);
    }

    #[test]
    fn the_nearest_come_first() {
        let columns = ["total_a", "total", "totals", "tot", "other"].map(|name| (name.to_owned(), name));
        assert_eq!(near_names("totl", columns), ["tot", "total", "totals"]);
    }
}
