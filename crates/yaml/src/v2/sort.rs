//! The order of map keys in go-yaml's output: natural, numbers inside of text count as numbers.
//!
//! The order is not transitive (`a2 < a10 < a1b < a2`); Go's result is then random. Ours is whatever a stable
//! merge sort makes of it, always the same for the same set in the same order. The standard library's sort
//! may panic on such an order, so it is not used.
//!
//! Known difference: beyond ASCII, letters are Unicode's alphabetic characters, and only ASCII digits count.

use budget::Exhausted;

use crate::error::Dialect;

/// Whether `a` stands before `b` (go-yaml v2 `sorter.go`).
pub(super) fn less(a: &str, b: &str) -> bool {
    stands_before(a, b, Dialect::V2)
}

/// The order of v2, or that of v3, where after equal digits a letter comes before everything else.
pub(crate) fn stands_before(a: &str, b: &str, dialect: Dialect) -> bool {
    let same = common_prefix(a, b);
    let (prefix, a, b) = (&a[..same], &a[same..], &b[same..]);
    let (Some(first_a), Some(first_b)) = (a.chars().next(), b.chars().next()) else {
        return a.len() < b.len();
    };
    match (first_a.is_alphabetic(), first_b.is_alphabetic()) {
        (true, true) => first_a < first_b,
        (true, false) => letters_first(prefix, dialect),
        (false, true) => !letters_first(prefix, dialect),
        (false, false) => {
            let lead = i64::from((first_a == '0' || first_b == '0') && ends_in_number(prefix));
            let (number_a, digits_a) = number(a, lead);
            let (number_b, digits_b) = number(b, lead);
            (number_a, digits_a, first_a) < (number_b, digits_b, first_b)
        }
    }
}

fn letters_first(prefix: &str, dialect: Dialect) -> bool {
    dialect == Dialect::V3 && prefix.ends_with(|c: char| c.is_ascii_digit())
}

/// Length in bytes of the characters both begin with.
fn common_prefix(a: &str, b: &str) -> usize {
    let (x, y) = (a.as_bytes(), b.as_bytes());
    let chunks = x.chunks_exact(CHUNK).zip(y.chunks_exact(CHUNK));
    let whole = CHUNK * chunks.take_while(|(x, y)| x == y).count();
    let rest = x[whole..].iter().zip(&y[whole..]).take_while(|(x, y)| x == y).count();
    a.floor_char_boundary(whole + rest)
}

/// Bytes that are compared at once: keys may be long and begin alike.
const CHUNK: usize = 32;

/// Whether digits end the text, with one among them that is not zero.
fn ends_in_number(text: &str) -> bool {
    text.bytes().rev().take_while(u8::is_ascii_digit).any(|b| b != b'0')
}

/// The number at the start, behind `lead`, and how many digits it has; overflow wraps as in Go.
fn number(text: &str, lead: i64) -> (i64, usize) {
    let digits = text.bytes().take_while(u8::is_ascii_digit);
    digits.fold((lead, 0), |(n, count), b| (n.wrapping_mul(10).wrapping_add(i64::from(b - b'0')), count + 1))
}

/// Sorts by an order that need not be a total one. `weight` is what comparing an item may cost.
///
/// # Errors
/// The thread's budget is used up.
pub(crate) fn merge_sort<T: Copy>(
    items: &mut Vec<T>,
    weight: impl Fn(&T) -> usize,
    less: impl Fn(&T, &T) -> bool,
) -> Result<(), Exhausted> {
    let mut width = 1;
    while width < items.len() {
        let mut merged = Vec::with_capacity(items.len());
        for pair in items.chunks(width * 2) {
            let (left, right) = pair.split_at(width.min(pair.len()));
            merge(left, right, &less, &mut merged);
            budget::work(pair.iter().map(&weight).sum())?;
        }
        *items = merged;
        width *= 2;
    }
    Ok(())
}

fn merge<T: Copy>(mut left: &[T], mut right: &[T], less: impl Fn(&T, &T) -> bool, into: &mut Vec<T>) {
    while let ([l, rest_l @ ..], [r, rest_r @ ..]) = (left, right) {
        if less(r, l) {
            into.push(*r);
            right = rest_r;
        } else {
            into.push(*l);
            left = rest_l;
        }
    }
    into.extend_from_slice(left);
    into.extend_from_slice(right);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_kubernetes() {
        let want = [
            "APP-B",
            "APP_1",
            "APP_B",
            "APP1",
            "APPB",
            "app",
            "app-name",
            "app.kubernetes.io/name",
            "app_name",
            "app1",
            "appVersion",
        ];
        let mut keys = want.to_vec();
        keys.reverse();
        merge_sort(&mut keys, |_| 0, |a, b| less(a, b)).unwrap();
        assert_eq!(keys, want);
    }

    #[test]
    fn numbers_count() {
        assert!(less("a9", "a10") && less("9", "10") && less("a1", "a01") && less("a100", "a101"));
        assert!(!less("a10", "a9") && !less("é", "b") && less("", "a") && !less("a", "a"));
    }

    #[test]
    fn an_order_that_is_none_does_not_panic() {
        let mut keys: Vec<String> =
            (0..200).map(|i| format!("a{}{}", i % 13, if i % 3 == 0 { "b" } else { "" })).collect();
        keys.sort();
        let mut refs: Vec<&str> = keys.iter().map(String::as_str).collect();
        merge_sort(&mut refs, |_| 0, |a, b| less(a, b)).unwrap();
        assert_eq!(refs.len(), 200);
    }
}
