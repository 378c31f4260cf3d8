//! The fast reader of one text of statistics.
//!
//! It takes plain JSON, or JSON that is still escaped as the string literal it is in a commit: the two differ, in all
//! that real statistics hold, by how a quote is written only. Whatever else is escaped, repeated or malformed makes it
//! give up, and [`super::shape`] decides; of a text that is JSON, it never gives a value that `shape` would not.
//!
//! Most of a text is bounds of columns that nobody asked for. They are passed over at the speed of a search for the brace
//! that ends them ([`ends_flat`]), without a look at what stands between: where that is damaged, what was asked for is
//! still what the text says of it.

use super::wanted::{Found, Section, Token, Wanted};
use std::ops::Range;

/// Nesting beyond this is left to `shape`.
const DEPTH_MAX: usize = 32;

/// Reads the whole text; `None` where it gives up. `ESCAPED` says that each quote is preceded by a backslash.
pub(super) fn scan<const ESCAPED: bool>(text: &[u8], wanted: &Wanted, found: &mut Found) -> Option<()> {
    let mut scanner = Scanner::<ESCAPED> { text, at: 0 };
    scanner.space();
    scanner.statistics(wanted, found)?;
    scanner.space();
    (scanner.at == text.len()).then_some(())
}

struct Scanner<'t, const ESCAPED: bool> {
    text: &'t [u8],
    at: usize,
}

impl<'t, const ESCAPED: bool> Scanner<'t, ESCAPED> {
    fn statistics(&mut self, wanted: &Wanted, found: &mut Found) -> Option<()> {
        self.object(|scanner, key| {
            match &scanner.text[key] {
                b"minValues" => scanner.node(Section::Min, Wanted::ROOT, wanted, found, DEPTH_MAX)?,
                b"maxValues" => scanner.node(Section::Max, Wanted::ROOT, wanted, found, DEPTH_MAX)?,
                b"nullCount" => scanner.node(Section::NullCount, Wanted::ROOT, wanted, found, DEPTH_MAX)?,
                b"numRecords" => scanner.once(&mut found.num_records)?,
                b"tightBounds" => scanner.once(&mut found.tight_bounds)?,
                _ => {
                    scanner.value(DEPTH_MAX)?;
                }
            }
            Some(Rest::Wanted)
        })
    }

    fn once(&mut self, place: &mut Option<Token>) -> Option<()> {
        let token = self.value(DEPTH_MAX)??;
        place.replace(token).is_none().then_some(())
    }

    /// A value of which something is wanted.
    fn node(&mut self, section: Section, node: usize, wanted: &Wanted, found: &mut Found, depth: usize) -> Option<()> {
        found.visit(section, node).ok()?;
        if let Some(column) = wanted.column(node) {
            if let Some(token) = self.value(depth)? {
                found.put(section, column, token);
            }
            return Some(());
        }
        if self.text.get(self.at) != Some(&b'{') {
            return self.value(depth).map(|_| ());
        }
        let depth = depth.checked_sub(1)?;
        let mut missing = wanted.children(node);
        if missing == 0 {
            return self.value(depth).map(|_| ());
        }
        self.object(|scanner, key| {
            let Some(child) = wanted.child(node, scanner.text, key) else {
                return scanner.value(depth).map(|_| Rest::Wanted);
            };
            scanner.node(section, child, wanted, found, depth)?;
            missing = missing.saturating_sub(1);
            Some(if missing == 0 { Rest::Without(wanted, node) } else { Rest::Wanted })
        })
    }

    /// Any value, past its end: its token, if it has no parts.
    #[inline]
    fn value(&mut self, depth: usize) -> Option<Option<Token>> {
        let start = self.at;
        match *self.text.get(start)? {
            b'"' | b'\\' => return self.string().map(|range| Some(Token { range, quoted: true })),
            b'{' => {
                self.at += 1;
                if self.skip_flat(|_| true).is_some() {
                    return Some(None);
                }
                self.at = start;
                let depth = depth.checked_sub(1)?;
                return self.object(|scanner, _| scanner.value(depth).map(|_| Rest::Wanted)).map(|()| None);
            }
            b'[' => return self.array(depth.checked_sub(1)?).map(|()| None),
            b't' => self.word(b"true")?,
            b'f' => self.word(b"false")?,
            b'n' => self.word(b"null")?,
            _ => self.number()?,
        }
        Some(Some(Token { range: start..self.at, quoted: false }))
    }

    /// Past the brace that ends the object whose inside this is, where that is plain to see and nothing in between is
    /// `wanted`; else nowhere.
    #[inline]
    fn skip_flat(&mut self, is_unwanted: impl FnOnce(&[u8]) -> bool) -> Option<()> {
        let rest = &self.text[self.at..];
        let inside = &rest[..memchr::memchr(b'}', rest)?];
        (ends_flat::<ESCAPED>(inside) && is_unwanted(inside)).then(|| self.at += inside.len() + 1)
    }

    #[inline]
    fn object<'w>(&mut self, mut member: impl FnMut(&mut Self, Range<usize>) -> Option<Rest<'w>>) -> Option<()> {
        self.byte(b'{')?;
        self.space();
        if self.byte(b'}').is_some() {
            return Some(());
        }
        loop {
            let key = self.string()?;
            self.space();
            self.byte(b':')?;
            self.space();
            if let Rest::Without(wanted, node) = member(self, key)?
                && self.skip_flat(|rest| !wanted.may_name_child(node, rest)).is_some()
            {
                return Some(());
            }
            self.space();
            if self.byte(b',').is_none() {
                return self.byte(b'}');
            }
            self.space();
        }
    }

    fn array(&mut self, depth: usize) -> Option<()> {
        self.byte(b'[')?;
        self.space();
        if self.byte(b']').is_some() {
            return Some(());
        }
        loop {
            self.value(depth)?;
            self.space();
            if self.byte(b',').is_none() {
                return self.byte(b']');
            }
            self.space();
        }
    }

    /// A string in which nothing is escaped: what stands between its quotes.
    #[inline]
    fn string(&mut self) -> Option<Range<usize>> {
        self.quote()?;
        let start = self.at;
        let length = run_length(&self.text[start..], ends_of_plain_text);
        self.at = start + length;
        self.quote()?;
        Some(start..start + length)
    }

    #[inline]
    fn quote(&mut self) -> Option<()> {
        if ESCAPED {
            self.byte(b'\\')?;
        }
        self.byte(b'"')
    }

    #[inline]
    fn number(&mut self) -> Option<()> {
        let _sign = self.byte(b'-');
        if self.byte(b'0').is_none() {
            self.digits()?;
        }
        if self.byte(b'.').is_some() {
            self.digits()?;
        }
        if self.byte(b'e').or_else(|| self.byte(b'E')).is_some() {
            let _sign = self.byte(b'-').or_else(|| self.byte(b'+'));
            self.digits()?;
        }
        Some(())
    }

    #[inline]
    fn digits(&mut self) -> Option<()> {
        let length = run_length(&self.text[self.at..], not_digits);
        self.at += length;
        (length > 0).then_some(())
    }

    #[inline]
    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.text[self.at..].starts_with(word).then(|| self.at += word.len())
    }

    #[inline]
    fn byte(&mut self, byte: u8) -> Option<()> {
        (self.text.get(self.at) == Some(&byte)).then(|| self.at += 1)
    }

    #[inline]
    fn space(&mut self) {
        while let Some(byte @ ..=b' ') = self.text.get(self.at) {
            let is_space = *byte == b' ' || (!ESCAPED && matches!(byte, b'\n' | b'\r' | b'\t'));
            if !is_space {
                return;
            }
            self.at += 1;
        }
    }
}

/// What is to be done with an object's other members.
enum Rest<'w> {
    /// They are to be read.
    Wanted,
    /// Nothing new is in them, unless a child of this node stands there again.
    Without(&'w Wanted, usize),
}

/// Whether the brace behind these bytes ends the object that they are the inside of: no other begins in them, nothing is
/// escaped, and every string that begins in them ends.
#[inline]
fn ends_flat<const ESCAPED: bool>(inside: &[u8]) -> bool {
    let (mut quotes, mut escapes, mut braces) = (0, 0, 0);
    // Short enough for counts of a byte each: many are kept in one register.
    for part in inside.chunks(255) {
        let count = |byte: u8| part.iter().fold(0_u8, |count, found| count + u8::from(*found == byte));
        quotes += usize::from(count(b'"'));
        escapes += usize::from(count(b'\\'));
        braces += usize::from(count(b'{'));
    }
    braces == 0 && quotes % 2 == 0 && escapes == if ESCAPED { quotes } else { 0 }
}

/// Each byte of a word, the same.
const fn bytes(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

const HIGH_BITS: u64 = bytes(0x80);

/// How many bytes stand before the first one that `ends` flags by its high bit, eight at a time: keys and numbers are
/// short and of all lengths, so a branch for each byte would be mispredicted for each of them.
#[inline]
fn run_length(text: &[u8], ends: impl Fn(u64) -> u64) -> usize {
    let (words, rest) = text.as_chunks::<8>();
    for (i, word) in words.iter().enumerate() {
        let flags = ends(u64::from_le_bytes(*word));
        if flags != 0 {
            return 8 * i + flags.trailing_zeros() as usize / 8;
        }
    }
    // Both flag the zeros that fill up the last word.
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    8 * words.len() + ends(u64::from_le_bytes(last)).trailing_zeros() as usize / 8
}

/// Flags the first quote, backslash or control character of a word; bytes above the first may be flagged wrongly.
#[inline]
fn ends_of_plain_text(word: u64) -> u64 {
    let zeros = |word: u64| word.wrapping_sub(bytes(1)) & !word;
    let controls = word.wrapping_sub(bytes(0x20)) & !word;
    (zeros(word ^ bytes(b'"')) | zeros(word ^ bytes(b'\\')) | controls) & HIGH_BITS
}

/// Flags every byte of a word that is no digit.
#[inline]
fn not_digits(word: u64) -> u64 {
    let value = word ^ bytes(b'0');
    (((value & !HIGH_BITS) + bytes(0x80 - 10)) | value) & HIGH_BITS
}
