//! Floats as Go's `strconv.FormatFloat` writes them.

/// From this decimal exponent on the shortest `%g` takes the exponent form (`encoding/json` waits until 21).
const SHORTEST_EXPONENT: i32 = 6;

/// `FormatFloat(value, 'g', -1, 64)`: what `%v` and templates print.
#[must_use]
pub fn shortest(value: f64) -> String {
    general(value, None)
}

/// The shortest digits that read back as `value`, and the decimal exponent of the first one.
#[must_use]
pub fn digits(value: f64) -> (String, i32) {
    let text = format!("{:e}", value.abs());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    (mantissa.replace('.', ""), exponent.parse().unwrap_or(0))
}

/// One of `e E f F g G` with a precision; `None` is the shortest that reads back.
#[must_use]
pub fn format(value: f64, verb: char, precision: Option<usize>) -> String {
    if let Some(text) = special(value) {
        return text;
    }
    let text = match verb {
        'e' | 'E' => exponential(value, precision),
        'f' | 'F' => fixed(value, precision),
        _ => general(value, precision),
    };
    if verb.is_uppercase() { text.to_uppercase() } else { text }
}

fn special(value: f64) -> Option<String> {
    let text = if value.is_nan() {
        "NaN"
    } else if value == f64::INFINITY {
        "+Inf"
    } else if value == f64::NEG_INFINITY {
        "-Inf"
    } else {
        return None;
    };
    Some(text.to_owned())
}

/// No float has more digits behind its point: the rest are zeros. Rust refuses very large precisions.
const EXACT: usize = 1_074;

fn fixed(value: f64, precision: Option<usize>) -> String {
    match precision {
        Some(precision) => {
            let exact = precision.min(EXACT);
            format!("{value:.exact$}") + &"0".repeat(precision - exact)
        }
        None => format!("{value}"),
    }
}

/// Rust's exponent has neither a sign nor two digits.
fn exponential(value: f64, precision: Option<usize>) -> String {
    let text = match precision {
        Some(precision) => format!("{value:.*e}", precision.min(EXACT)),
        None => format!("{value:e}"),
    };
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    let zeros = "0".repeat(precision.unwrap_or(0).saturating_sub(EXACT));
    format!("{mantissa}{zeros}e{sign}{:02}", exponent.abs())
}

fn general(value: f64, precision: Option<usize>) -> String {
    if let Some(text) = special(value) {
        return text;
    }
    let Some(precision) = precision else {
        let (_, exponent) = digits(value);
        let plain = value == 0.0 || (-4..SHORTEST_EXPONENT).contains(&exponent);
        return if plain { fixed(value, None) } else { exponential(value, None) };
    };
    let precision = precision.max(1);
    let rounded = format!("{value:.*e}", (precision - 1).min(EXACT));
    let exponent: i32 = rounded.split_once('e').and_then(|(_, exponent)| exponent.parse().ok()).unwrap_or(0);
    let limit = i32::try_from(precision).unwrap_or(i32::MAX);
    if exponent < -4 || exponent >= limit {
        strip_zeros(&exponential(value, Some(precision - 1)))
    } else {
        let decimals = usize::try_from(limit - 1 - exponent).unwrap_or(0);
        strip_zeros(&fixed(value, Some(decimals)))
    }
}

/// `%g` writes no zeros at the end of the fraction.
fn strip_zeros(text: &str) -> String {
    let (mantissa, exponent) = text.find(['e', 'E']).map_or((text, ""), |at| text.split_at(at));
    if !mantissa.contains('.') {
        return text.to_owned();
    }
    format!("{}{exponent}", mantissa.trim_end_matches('0').trim_end_matches('.'))
}

/// `FormatFloat(value, 'x', precision, 64)`: `0x1.8p+01`.
#[must_use]
pub fn hexadecimal(value: f64, upper: bool, precision: Option<usize>) -> String {
    let text = special(value).unwrap_or_else(|| hexadecimal_finite(value, precision));
    if upper { text.to_uppercase() } else { text }
}

fn hexadecimal_finite(value: f64, precision: Option<usize>) -> String {
    let bits = value.to_bits();
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let biased = i64::try_from((bits >> 52) & 0x7ff).unwrap_or(0);
    let mut mantissa = bits & ((1 << 52) - 1);
    let mut exponent = biased - 1023;
    if biased == 0 && mantissa != 0 {
        // A subnormal number is shifted until its first bit is the one before the point.
        let shift = mantissa.leading_zeros() - 11;
        mantissa = (mantissa << shift) & ((1 << 52) - 1);
        exponent = -1022 - i64::from(shift);
    }
    let lead = u64::from(value != 0.0);
    let exponent = if value == 0.0 { 0 } else { exponent };
    let (lead, fraction) = round_hex(lead, mantissa, precision);
    // Rounding up may have gone past the last digit: half of 2 is 1.
    let (lead, exponent) = if lead > 1 { (1, exponent + 1) } else { (lead, exponent) };
    let point = if fraction.is_empty() { "" } else { "." };
    let direction = if exponent < 0 { '-' } else { '+' };
    format!("{sign}0x{lead}{point}{fraction}p{direction}{:02}", exponent.abs())
}

/// `FormatFloat(value, 'b', -1, 64)`: `5629499534213120p-51`, the mantissa as a whole number.
#[must_use]
pub fn binary(value: f64) -> String {
    special(value).unwrap_or_else(|| {
        let bits = value.to_bits();
        let sign = if value.is_sign_negative() { "-" } else { "" };
        let biased = i64::try_from((bits >> 52) & 0x7ff).unwrap_or(0);
        let mantissa = bits & ((1 << 52) - 1) | u64::from(biased != 0) << 52;
        format!("{sign}{mantissa}p{:+}", biased.max(1) - 1023 - 52)
    })
}

/// The fraction's hexadecimal digits, rounded half to even to `precision` digits.
fn round_hex(lead: u64, mantissa: u64, precision: Option<usize>) -> (u64, String) {
    let Some(precision) = precision else {
        let digits = format!("{mantissa:013x}");
        return (lead, digits.trim_end_matches('0').to_owned());
    };
    if precision >= 13 {
        return (lead, format!("{mantissa:013x}{}", "0".repeat(precision - 13)));
    }
    let shift = 52 - 4 * precision;
    let whole = (lead << 52) | mantissa;
    let (kept, lost) = (whole >> shift, whole & ((1 << shift) - 1));
    let half = 1 << (shift - 1);
    let kept = kept + u64::from(lost > half || (lost == half && kept & 1 == 1));
    let lead = kept >> (4 * precision);
    let fraction = kept & ((1 << (4 * precision)) - 1);
    (lead, if precision == 0 { String::new() } else { format!("{fraction:0precision$x}") })
}
