//! Numbers as Go's `strconv` reads them: base prefixes, underscores, hexadecimal floats.

use crate::ast::Number;
use crate::quote;

/// A constant of a template, as every kind of number it can be; the error is Go's message.
pub(crate) fn constant(text: &str) -> Result<Number, String> {
    let mut number = Number { text: text.into(), int: None, uint: None, float: None, complex: None };
    if let Some(imaginary) = text.strip_suffix('i') {
        return complex(number, imaginary);
    }
    number.uint = parse_uint(text);
    number.int = parse_int(text);
    if number.int == Some(0) {
        number.uint = Some(0);
    }
    if let Some(int) = number.int {
        number.float = Some(int as f64);
    } else if let Some(uint) = number.uint {
        number.float = Some(uint as f64);
    } else if let Some(float) = parse_float(text) {
        if !text.contains(['.', 'e', 'E', 'p', 'P']) {
            return Err(format!("integer overflow: {}", quote::quoted(text.as_bytes())));
        }
        number.float = Some(float);
        number.int = whole(float);
        number.uint = number.int.and_then(|int| u64::try_from(int).ok());
    }
    if number.float.is_none() {
        return Err(format!("illegal number syntax: {}", quote::quoted(text.as_bytes())));
    }
    Ok(number)
}

/// A character constant: an integer.
pub(crate) fn character(text: &str) -> Result<Number, String> {
    let code = quote::unquote_char(text)?;
    let value = i64::from(code);
    Ok(Number {
        text: text.into(),
        int: Some(value),
        uint: u64::try_from(value).ok(),
        float: Some(f64::from(code)),
        complex: None,
    })
}

/// Complex constants are numbers to the parser, but only zero has another kind.
fn complex(mut number: Number, imaginary: &str) -> Result<Number, String> {
    let split = imaginary.rfind(['+', '-']).filter(|at| *at > 0);
    let (real, imaginary) = imaginary.split_at(split.unwrap_or(0));
    let parse = |part: &str| if part.is_empty() { Some(0.0) } else { parse_float(part) };
    let (Some(real), Some(imaginary)) = (parse(real), parse_float(imaginary)) else {
        return Err(format!("illegal number syntax: {}", quote::quoted(number.text.as_bytes())));
    };
    number.complex = (imaginary != 0.0).then_some((real, imaginary));
    if number.complex.is_none() {
        number.float = Some(real);
        number.int = whole(real);
        number.uint = number.int.and_then(|int| u64::try_from(int).ok());
    }
    Ok(number)
}

fn whole(float: f64) -> Option<i64> {
    let int = float as i64;
    (int as f64 == float).then_some(int)
}

/// `strconv.ParseInt(text, 0, 64)`.
#[must_use]
pub fn parse_int(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let magnitude = parse_uint(digits)?;
    if negative {
        return (magnitude <= 1 << 63).then(|| (magnitude as i64).wrapping_neg());
    }
    i64::try_from(magnitude).ok()
}

/// `strconv.ParseUint(text, 0, 64)`: the prefixes `0x`, `0o`, `0b` and `0`, underscores between digits.
#[must_use]
pub fn parse_uint(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let (base, digits) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'o', ..] => (8, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        _ => (10, &lower[..]),
    };
    let prefixed = base != 10;
    if !underscores_fit(digits, prefixed) || digits.starts_with(['+', '-']) {
        return None;
    }
    u64::from_str_radix(&digits.replace('_', ""), base).ok()
}

/// An underscore may only stand between digits, or between a base prefix and a digit.
fn underscores_fit(digits: &str, prefixed: bool) -> bool {
    !digits.is_empty()
        && !digits.ends_with('_')
        && !digits.contains("__")
        && (prefixed || !digits.starts_with('_'))
}

/// `strconv.ParseFloat(text, 64)`, with underscores only where a base prefix allows them; an overflow is no number.
#[must_use]
pub fn parse_float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let value = match unsigned.to_ascii_lowercase().as_str() {
        "inf" | "infinity" => f64::INFINITY,
        "nan" => return Some(f64::NAN),
        lower if lower.starts_with("0x") => hex_float(&lower[2..])?,
        lower if lower.bytes().all(|b| b.is_ascii_digit() || b".e+-".contains(&b)) => decimal(lower)?,
        _ => return None,
    };
    Some(if text.starts_with('-') { -value } else { value })
}

fn decimal(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|value| value.is_finite())
}

/// Mantissa and mandatory binary exponent: `1.8p+1`.
fn hex_float(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once('p')?;
    let exponent: i32 = exponent.parse().ok()?;
    let mantissa = mantissa.replace('_', "");
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((&mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut value = 0.0_f64;
    for digit in whole.chars().chain(fraction.chars()) {
        value = value * 16.0 + f64::from(digit.to_digit(16)?);
    }
    let scale = exponent - 4 * i32::try_from(fraction.len()).ok()?;
    Some(value * 2.0_f64.powi(scale)).filter(|value| value.is_finite())
}
