//! Tokens, printed with a space around each, as people write them.

/// The same tokens with the spaces that nobody writes taken out.
pub(super) fn tidy(tokens: &str) -> String {
    const TIGHT: &[(&str, &str)] = &[
        (" :: ", "::"),
        (":: ", "::"),
        (" <", "<"),
        ("< ", "<"),
        (" >", ">"),
        ("& ", "&"),
        (" ,", ","),
        (" (", "("),
        ("( ", "("),
        (" )", ")"),
        (" [", "["),
        ("[ ", "["),
        (" ]", "]"),
        (" ;", ";"),
        (" :", ":"),
        (" ?", "?"),
        ("->", " -> "),
        ("-> (", "-> ("),
        ("  ", " "),
        (",)", ")"),
        (",>", ">"),
        ("dyn::", "dyn "),
        ("=&", "= &"),
        (",&", ", &"),
        // How a function keeps its arguments is its own affair.
        ("(mut ", "("),
    ];
    let text = tokens.split_whitespace().collect::<Vec<_>>().join(" ");
    TIGHT.iter().fold(text, |text, (loose, tight)| text.replace(loose, tight)).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::tidy;

    #[test]
    fn tokens_read_as_people_write_them() {
        for (loose, expect) in [
            ("limit (mut self , rows : u64) -> Self", "limit(self, rows: u64) -> Self"),
            ("with (self , key : & 'static str) -> Self", "with(self, key: &'static str) -> Self"),
            (
                "run < T : Send > (cpu : & Arc < dyn Cpu >) -> Result < T >",
                "run<T: Send>(cpu: &Arc<dyn Cpu>) -> Result<T>",
            ),
            ("Option < (u64 , Vec < [u8 ; 4] >) >", "Option<(u64, Vec<[u8; 4]>)>"),
            ("f (x : std :: ops :: Range < u64 > ,) -> & [u8]", "f(x: std::ops::Range<u64>) -> &[u8]"),
        ] {
            assert_eq!(tidy(loose), expect);
        }
    }
}
