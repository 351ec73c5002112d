//! Go's numbers: what `strconv` reads and how it writes.

/// An integer as `strconv.ParseInt(…, 0, 64)` and then `ParseUint` read it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Integer {
    Int(i64),
    Uint(u64),
}

/// Reads an integer with Go's base prefixes (`0x`, `0b`, `0o`, leading `0`); a sign only within `i64`.
pub(crate) fn parse_integer(text: &str) -> Option<Integer> {
    let (sign, digits) = split_sign(text);
    let (radix, digits) = split_radix(digits);
    let magnitude = parse_magnitude(digits, radix)?;
    signed(sign, magnitude)
}

/// Reads the digits after `0b` or `0o`, where Go also takes a sign.
pub(crate) fn parse_after_prefix(text: &str, radix: u32) -> Option<Integer> {
    let (sign, digits) = split_sign(text);
    signed(sign, parse_magnitude(digits, radix)?)
}

fn split_sign(text: &str) -> (Option<char>, &str) {
    match text.as_bytes().first() {
        Some(b'-') => (Some('-'), &text[1..]),
        Some(b'+') => (Some('+'), &text[1..]),
        _ => (None, text),
    }
}

fn split_radix(digits: &str) -> (u32, &str) {
    match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    }
}

fn parse_magnitude(digits: &str, radix: u32) -> Option<u64> {
    let alphanumeric = digits.bytes().all(|b| b.is_ascii_alphanumeric());
    if alphanumeric { u64::from_str_radix(digits, radix).ok() } else { None }
}

fn signed(sign: Option<char>, magnitude: u64) -> Option<Integer> {
    match sign {
        Some('-') => 0_i64.checked_sub_unsigned(magnitude).map(Integer::Int),
        Some(_) => i64::try_from(magnitude).ok().map(Integer::Int),
        None => Some(i64::try_from(magnitude).map_or(Integer::Uint(magnitude), Integer::Int)),
    }
}

/// Whether the text is a float as YAML writes it: `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`.
fn is_yaml_float(text: &str) -> bool {
    let (_, rest) = split_sign(text);
    let whole = digits(rest);
    let mut rest = &rest[whole..];
    if let Some(fraction) = rest.strip_prefix('.') {
        let n = digits(fraction);
        if whole + n == 0 {
            return false;
        }
        rest = &fraction[n..];
    } else if whole == 0 {
        return false;
    }
    match rest.strip_prefix(['e', 'E']) {
        None => rest.is_empty(),
        Some(exponent) => {
            let exponent = split_sign(exponent).1;
            !exponent.is_empty() && digits(exponent) == exponent.len()
        }
    }
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

/// Reads a float as YAML writes it; too large is no float.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    if !is_yaml_float(text) {
        return None;
    }
    text.parse().ok().filter(|x: &f64| x.is_finite())
}

/// Reads a float that begins with a point, as `strconv.ParseFloat` does: single underscores may part digits.
pub(crate) fn parse_point_float(text: &str) -> Option<f64> {
    let bytes = text.as_bytes();
    let is_digit = |i: usize| bytes.get(i).is_some_and(u8::is_ascii_digit);
    let parts_digits = |(i, &b): (usize, &u8)| b != b'_' || (i > 0 && is_digit(i - 1) && is_digit(i + 1));
    if !bytes.iter().enumerate().all(parts_digits) {
        return None;
    }
    parse_float(&text.replace('_', ""))
}

/// The shortest digits that give a number back, and its decimal exponent (`d.ddd × 10^exponent`).
struct Shortest {
    negative: bool,
    digits: String,
    exponent: i32,
}

impl Shortest {
    /// The digits of a finite number. Of two that are equally near Go takes the even one, which is what Rust does
    /// for a given count of digits, but not for the shortest.
    fn of(x: f64) -> Self {
        let digits = Self::new(&format!("{x:e}")).digits.len();
        Self::new(&format!("{x:.*e}", digits - 1))
    }

    fn of_narrow(x: f32) -> Self {
        let digits = Self::new(&format!("{x:e}")).digits.len();
        Self::new(&format!("{x:.*e}", digits - 1))
    }

    /// Takes apart what `{:e}` writes for a finite number.
    fn new(text: &str) -> Self {
        let (mantissa, exponent) = text.split_once('e').expect("{:e} of a finite number has an exponent");
        Self {
            negative: mantissa.starts_with('-'),
            digits: mantissa.chars().filter(char::is_ascii_digit).collect(),
            exponent: exponent.parse().expect("{:e} writes a number after e"),
        }
    }

    fn sign(&self) -> &'static str {
        if self.negative { "-" } else { "" }
    }

    /// `ddd.ddd`
    fn positional(&self) -> String {
        let (sign, digits) = (self.sign(), &self.digits);
        if self.exponent < 0 {
            return format!("{sign}0.{}{digits}", "0".repeat((-self.exponent - 1) as usize));
        }
        let whole = self.exponent as usize + 1;
        match digits.split_at_checked(whole) {
            Some((head, "")) => format!("{sign}{head}"),
            Some((head, tail)) => format!("{sign}{head}.{tail}"),
            None => format!("{sign}{digits}{}", "0".repeat(whole - digits.len())),
        }
    }

    /// `d.ddde+XX` with at least `width` digits in the exponent.
    fn exponential(&self, width: usize) -> String {
        let (head, tail) = self.digits.split_at(1);
        let point = if tail.is_empty() { "" } else { "." };
        let mark = if self.exponent < 0 { '-' } else { '+' };
        format!("{}{head}{point}{tail}e{mark}{:0width$}", self.sign(), self.exponent.abs())
    }

    /// Go's `%g`: in the shortest form the precision that decides is always 6.
    fn general(&self) -> String {
        if (-4..6).contains(&self.exponent) { self.positional() } else { self.exponential(2) }
    }
}

/// `strconv.FormatFloat(x, 'g', -1, 64)`: `1.2345675e+06`, `+Inf`, `NaN`.
pub(crate) fn format_g(x: f64) -> String {
    match not_finite(x) {
        Some(text) => text.to_owned(),
        None => Shortest::of(x).general(),
    }
}

/// `strconv.FormatFloat(x, 'g', -1, 32)`: the float keys of `sigs.k8s.io/yaml`.
pub(crate) fn format_g32(x: f64) -> String {
    let narrow = x as f32;
    match not_finite(f64::from(narrow)) {
        Some(text) => text.to_owned(),
        None => Shortest::of_narrow(narrow).general(),
    }
}

/// The text `encoding/json` gives a finite float: positional from 1e-6 to 1e21, else `1e-7`, `1e+21`.
pub(crate) fn format_json(x: f64) -> String {
    let shortest = Shortest::of(x);
    if x != 0.0 && !(1e-6..1e21).contains(&x.abs()) { shortest.exponential(1) } else { shortest.positional() }
}

/// Go's names for what is no number.
pub(crate) fn not_finite(x: f64) -> Option<&'static str> {
    match x {
        _ if x.is_nan() => Some("NaN"),
        f64::INFINITY => Some("+Inf"),
        f64::NEG_INFINITY => Some("-Inf"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_written_as_go_writes_them() {
        let cases = [
            (1e21, "1e+21", "1e+21"),
            (1e20, "1e+20", "100000000000000000000"),
            (123_456.5, "123456.5", "123456.5"),
            (1_234_567.5, "1.2345675e+06", "1234567.5"),
            (1e6, "1e+06", "1000000"),
            (1e5, "100000", "100000"),
            (1e-4, "0.0001", "0.0001"),
            (-1e-5, "-1e-05", "-0.00001"),
            (1e-7, "1e-07", "1e-7"),
            (1.5e300, "1.5e+300", "1.5e+300"),
            (-0.0, "-0", "-0"),
            (f64::from_bits(0x430B_DD77_D2A6_3BBA), "9.804163845180072e+14", "980416384518007.2"),
        ];
        for (x, g, json) in cases {
            assert_eq!((format_g(x).as_str(), format_json(x).as_str()), (g, json));
        }
        assert_eq!(format_g32(123_456_789.0), "1.2345679e+08");
        assert_eq!(format_g(f64::INFINITY), "+Inf");
    }

    #[test]
    fn integers_are_read_as_go_reads_them() {
        let int = |n| Some(Integer::Int(n));
        let cases = [
            ("0755", int(493)),
            ("-0x1F", int(-31)),
            ("0B11", int(3)),
            ("+5", int(5)),
            ("08", None),
            ("0x", None),
            ("", None),
            ("-", None),
            ("1e3", None),
            ("--1", None),
            ("0x-1", None),
            ("-9223372036854775808", int(i64::MIN)),
            ("-9223372036854775809", None),
            ("18446744073709551615", Some(Integer::Uint(u64::MAX))),
            ("+18446744073709551615", None),
        ];
        for (text, want) in cases {
            assert_eq!(parse_integer(text), want, "{text}");
        }
        assert_eq!(parse_after_prefix("-1", 2), int(-1));
    }

    #[test]
    fn floats_are_read_as_yaml_reads_them() {
        for text in ["1.", "+1.5", "1E5", ".5e3", "0."] {
            assert!(parse_float(text).is_some(), "{text}");
        }
        for text in ["1e", ".", "e1", "1e400", "inf", "NaN", "1.2.3", ".e1", ""] {
            assert_eq!(parse_float(text), None, "{text}");
        }
        assert_eq!(parse_point_float(".5_0"), Some(0.5));
        assert_eq!(parse_point_float("._5"), None);
    }
}
