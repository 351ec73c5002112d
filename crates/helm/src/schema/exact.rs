//! `multipleOf` by exact decimal arithmetic, as helm has it: for `boon` 0.3 is no multiple of 0.1.

use boon::{ErrorKind, ValidationError};
use serde_json::Number;

/// Whether a failure stays one when multiples are looked at exactly.
///
/// Known difference: under `not` and `if` the inexact verdict stands.
pub(super) fn is_failure(error: &ValidationError<'_, '_>) -> bool {
    let mut causes = error.causes.iter();
    match &error.kind {
        ErrorKind::MultipleOf { got, want } => !is_multiple(got, want),
        ErrorKind::Group | ErrorKind::Schema { .. } | ErrorKind::Reference { .. } | ErrorKind::AllOf => {
            causes.any(is_failure)
        }
        ErrorKind::AnyOf => causes.all(is_failure),
        ErrorKind::OneOf(None) => causes.filter(|cause| !is_failure(cause)).count() != 1,
        _ => true,
    }
}

fn is_multiple(got: &Number, of: &Number) -> bool {
    let (Some((got, got_scale)), Some((of, of_scale))) = (decimal(got), decimal(of)) else { return false };
    let scale = got_scale.max(of_scale);
    let scaled = |mantissa: i128, own: i32| {
        mantissa.checked_mul(10_i128.checked_pow(u32::try_from(scale - own).ok()?)?)
    };
    match (scaled(got, got_scale), scaled(of, of_scale)) {
        (Some(got), Some(of)) if of != 0 => got % of == 0,
        _ => false,
    }
}

/// A number as digits and how many of them stand behind the point.
fn decimal(number: &Number) -> Option<(i128, i32)> {
    let text = number.to_string();
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent.parse().ok()?)?;
    Some((format!("{whole}{fraction}").parse().ok()?, scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multiples() {
        let number = |text: &str| serde_json::from_str::<Number>(text).unwrap();
        for (got, of, is) in [
            ("0.3", "0.1", true),
            ("7", "2", false),
            ("1e3", "0.25", true),
            ("1e-7", "1", false),
            ("0", "5", true),
        ] {
            assert_eq!(is_multiple(&number(got), &number(of)), is, "{got} {of}");
        }
    }
}
