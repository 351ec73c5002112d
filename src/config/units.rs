//! Durations such as `3m` and sizes such as `20GiB`, as people write them in flags.

use std::time::Duration;

/// A duration: numbers with units `ms`, `s`, `m`, `h`, `d`, such as `90s` or `1h30m`; or `0`.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let (number, unit, tail) = leading(rest)?;
        let unit = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        total = total.checked_add(Duration::from_millis(number.checked_mul(unit)?))?;
        rest = tail;
    }
    (!text.is_empty()).then_some(total)
}

/// A size in bytes: a number with one of `B`, `kB`, `MB`, `GB`, `TB` (thousands), `Ki`, `KiB`, `Mi`, `MiB` and so on
/// (1024s), or no unit at all.
pub(super) fn size(text: &str) -> Option<u64> {
    let (number, unit, tail) = leading(text)?;
    let unit: u64 = match unit.strip_suffix('B').unwrap_or(unit) {
        "" => 1,
        "k" | "K" => 1_000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        "T" => 1_000_000_000_000,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        "Ti" => 1 << 40,
        _ => return None,
    };
    tail.is_empty().then(|| number.checked_mul(unit)).flatten()
}

/// Splits off a number and the letters behind it.
fn leading(text: &str) -> Option<(u64, &str, &str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at(digits);
    let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
    let (unit, tail) = rest.split_at(letters);
    Some((number.parse().ok()?, unit, tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let table = [
            ("3m", Some(180_000)),
            ("1h30m", Some(5_400_000)),
            ("250ms", Some(250)),
            ("2d", Some(172_800_000)),
            ("0", Some(0)),
            ("0s", Some(0)),
            ("", None),
            ("5", None),
            ("m", None),
            ("5 m", None),
            ("-5m", None),
            ("5w", None),
            ("1.5h", None),
            ("18446744073709551615d", None),
            ("99999999999999999999s", None),
        ];
        for (text, milliseconds) in table {
            assert_eq!(duration(text), milliseconds.map(Duration::from_millis), "{text}");
        }
    }

    #[test]
    fn sizes() {
        let table = [
            ("20GiB", Some(20 << 30)),
            ("20Gi", Some(20 << 30)),
            ("100MB", Some(100_000_000)),
            ("1kB", Some(1000)),
            ("0", Some(0)),
            ("4096", Some(4096)),
            ("7B", Some(7)),
            ("", None),
            ("GiB", None),
            ("1 GiB", None),
            ("-1", None),
            ("1XB", None),
            ("1GiBs", None),
            ("1MiB2", None),
            ("18446744073709551615TiB", None),
        ];
        for (text, bytes) in table {
            assert_eq!(size(text), bytes, "{text}");
        }
    }
}
