//! Numbers as text, spelled as Java spells them, since that is what Spark's casts give.

/// `1.0`, `1.5E10`, `NaN`, `-Infinity`: as `Double.toString`.
pub(crate) fn double(value: f64) -> String {
    let (shortest, two_digits) = (format!("{:e}", value.abs()), format!("{:.1e}", value.abs()));
    java(value.is_nan(), value.is_infinite(), value.is_sign_negative(), &two_digits_at_least(shortest, two_digits))
}

/// Java writes two digits at least, so it may as well have the nearest two: `4.9E-324`, not `5.0E-324`.
fn two_digits_at_least(shortest: String, two_digits: String) -> String {
    if shortest.contains('.') { shortest } else { two_digits }
}

/// The same for `Float.toString`.
pub(crate) fn float(value: f32) -> String {
    let (shortest, two_digits) = (format!("{:e}", value.abs()), format!("{:.1e}", value.abs()));
    java(value.is_nan(), value.is_infinite(), value.is_sign_negative(), &two_digits_at_least(shortest, two_digits))
}

/// From the shortest digits that tell the number apart, in scientific form.
fn java(nan: bool, infinite: bool, negative: bool, scientific: &str) -> String {
    if nan {
        return "NaN".into();
    }
    let sign = if negative { "-" } else { "" };
    if infinite {
        return format!("{sign}Infinity");
    }
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits = mantissa.replace('.', "");
    let digits = if digits.len() == 2 { digits.trim_end_matches('0').to_owned() } else { digits };
    format!("{sign}{}", place_point(&digits, exponent))
}

/// Plain between 10^-3 and 10^7, else scientific.
fn place_point(digits: &str, exponent: i32) -> String {
    let zero = digits.bytes().all(|b| b == b'0');
    if zero {
        return "0.0".into();
    }
    match usize::try_from(exponent) {
        Ok(exponent) if exponent < 7 => {
            let whole = exponent + 1;
            let padded = format!("{digits:0<whole$}");
            let fraction = if padded.len() > whole { &padded[whole..] } else { "0" };
            format!("{}.{fraction}", &padded[..whole])
        }
        Err(_) if exponent >= -3 => format!("0.{}{digits}", "0".repeat(exponent.unsigned_abs() as usize - 1)),
        _ => {
            let fraction = if digits.len() > 1 { &digits[1..] } else { "0" };
            format!("{}.{fraction}E{exponent}", &digits[..1])
        }
    }
}

/// `-1.50`: all digits of the scale, never scientific.
pub(crate) fn decimal(unscaled: i128, scale: u8) -> String {
    let scale = usize::from(scale);
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if unscaled < 0 { "-" } else { "" };
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// A decimal number in text: digits without point, and the digits after the point (negative for trailing zeros that an
/// exponent stands for). Takes `[+-]digits[.digits][E[+-]digits]`; nothing for other text.
pub(crate) struct DecimalText {
    pub(crate) negative: bool,
    /// Without leading zeros.
    pub(crate) digits: String,
    pub(crate) scale: i64,
}

/// Reads a decimal number; nothing if the text is none. The size of the answer is bounded by that of the text.
pub(crate) fn parse_decimal(text: &str) -> Option<DecimalText> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.strip_prefix('+').unwrap_or(exponent).parse::<i32>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit());
    if !all_digits || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let digits = format!("{whole}{fraction}").trim_start_matches('0').to_owned();
    Some(DecimalText { negative, digits, scale: i64::try_from(fraction.len()).ok()? - i64::from(exponent) })
}

impl DecimalText {
    /// The value with `scale` digits after the point, rounded half up. Nothing if it exceeds 38 digits.
    pub(crate) fn to_unscaled(&self, scale: u8) -> Option<i128> {
        let shift = i64::from(scale) - self.scale;
        let magnitude = if self.digits.is_empty() {
            0
        } else if shift >= 0 {
            let digits = i64::try_from(self.digits.len()).ok()?;
            (digits + shift <= 38).then_some(())?;
            self.digits.parse::<i128>().ok()? * 10i128.checked_pow(u32::try_from(shift).ok()?)?
        } else {
            rounded_prefix(&self.digits, shift.unsigned_abs())?
        };
        (magnitude < 10i128.pow(38)).then_some(if self.negative { -magnitude } else { magnitude })
    }
}

/// The number that is left when the last `dropped` digits go, rounded half up.
fn rounded_prefix(digits: &str, dropped: u64) -> Option<i128> {
    let dropped = usize::try_from(dropped).ok()?;
    if dropped > digits.len() {
        return Some(0);
    }
    let (kept, gone) = digits.split_at(digits.len() - dropped);
    (kept.len() <= 38).then_some(())?;
    let kept = if kept.is_empty() { 0 } else { kept.parse::<i128>().ok()? };
    Some(kept + i128::from(gone.as_bytes().first().is_some_and(|digit| *digit >= b'5')))
}

/// The precision and scale that a literal's own digits tell: those of its digits, leading zeros aside.
pub(crate) fn decimal_shape(text: &str) -> Option<(u8, u8)> {
    let parsed = parse_decimal(text)?;
    let scale = u8::try_from(parsed.scale.max(0)).ok()?;
    let trailing = usize::try_from((-parsed.scale).max(0)).ok()?;
    let digits = if parsed.digits.is_empty() { 0 } else { parsed.digits.len().checked_add(trailing)? };
    let precision = u8::try_from(digits).ok()?.max(scale).max(1);
    (precision <= 38).then_some((precision, scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_read_as_in_java() {
        for (value, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (100.0, "100.0"),
            (1234567.0, "1234567.0"),
            (12345678.0, "1.2345678E7"),
            (1e7, "1.0E7"),
            (0.001, "0.001"),
            (0.0001, "1.0E-4"),
            (0.0123, "0.0123"),
            (123.456, "123.456"),
            (f64::MAX, "1.7976931348623157E308"),
            (f64::NEG_INFINITY, "-Infinity"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(double(value), text);
        }
        assert_eq!(float(0.1), "0.1");
    }

    #[test]
    fn decimals() {
        for (text, scale, unscaled) in [
            ("1.5", 2, Some(150)),
            ("-1.555", 2, Some(-156)),
            ("1.554", 2, Some(155)),
            ("1e3", 0, Some(1000)),
            ("15e-1", 0, Some(2)),
            ("0.0049", 2, Some(0)),
            (".5", 0, Some(1)),
            ("1e100000000", 0, None),
            ("1e-100000000", 2, Some(0)),
            ("99999999999999999999999999999999999999.5", 0, None),
        ] {
            assert_eq!(parse_decimal(text).unwrap().to_unscaled(scale), unscaled, "{text}");
        }
        for bad in ["", "-", ".", "1.2.3", "x", "1e", "1e99999999999", "--1"] {
            assert!(parse_decimal(bad).is_none(), "{bad}");
        }
        assert_eq!(decimal(-5, 2), "-0.05");
        assert_eq!(decimal_shape("1.50"), Some((3, 2)));
        assert_eq!(decimal_shape("0.001"), Some((3, 3)));
    }
}
