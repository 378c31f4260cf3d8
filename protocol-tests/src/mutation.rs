//! Damages bytes: a little, at random, in the ways that files and attackers do.

use crate::rng::Rng;

/// Numbers that readers stumble over.
const NUMBERS: [&str; 10] = [
    "-1",
    "0",
    "2147483648",
    "9223372036854775807",
    "9223372036854775808",
    "1152921504606846976",
    "-9223372036854775808",
    "1e308",
    "1e999",
    "0.5",
];

/// JSON that is legal where something else is expected.
const VALUES: [&str; 8] = ["null", "[]", "{}", "\"\"", "\"\\u0000\"", "true", "[[[[[[[[]]]]]]]]", "\"\\ud800\""];

/// A damaged copy of one of `seeds`, or random bytes.
pub fn mutated(seeds: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
    let mut bytes = match rng.pick(seeds) {
        Some(seed) if rng.chance(97) => seed.clone(),
        _ => {
            let len = rng.below(200);
            rng.bytes(len)
        }
    };
    for _ in 0..=rng.below(4) {
        mutate(&mut bytes, rng);
    }
    bytes
}

fn mutate(bytes: &mut Vec<u8>, rng: &mut Rng) {
    let at = rng.below(bytes.len() + 1);
    let end = (at + rng.below(12)).min(bytes.len());
    match rng.below(10) {
        0 => bytes.truncate(at),
        1 => drop(bytes.drain(at..end)),
        2..=3 if at < bytes.len() => bytes[at] ^= 1 << rng.below(8),
        4 if at < bytes.len() => bytes[at] = *rng.pick(&[0, 1, 0x7f, 0x80, 0xff]).expect("there are some"),
        5 => bytes[at..end].fill(0xff),
        6 => {
            let copy = bytes[at..end].to_vec();
            drop(bytes.splice(at..at, copy));
        }
        7 => replace(bytes, rng, u8::is_ascii_digit, &NUMBERS),
        8 => replace(bytes, rng, |byte| byte.is_ascii_alphanumeric() || *byte == b'"', &VALUES),
        _ => {
            let len = rng.below(9);
            let inserted = rng.bytes(len);
            drop(bytes.splice(at..at, inserted));
        }
    }
}

/// Puts one of `replacements` where a run of such bytes is.
fn replace(bytes: &mut Vec<u8>, rng: &mut Rng, is_part: impl Fn(&u8) -> bool, replacements: &[&str]) {
    let from = rng.below(bytes.len());
    let Some(start) = bytes[from.min(bytes.len())..].iter().position(&is_part).map(|at| from + at) else { return };
    let end = bytes[start..].iter().position(|byte| !is_part(byte)).map_or(bytes.len(), |at| start + at);
    let replacement = rng.pick(replacements).expect("there are some");
    drop(bytes.splice(start..end, replacement.bytes()));
}
