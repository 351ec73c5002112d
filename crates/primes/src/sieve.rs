//! The first step to a prime: which numbers no small prime divides.

use std::sync::LazyLock;

use crypto_bigint::{BoxedUint, Limb, NonZero, Reciprocal};

/// The primes the sieve knows are below this. More of them would cost more than the tests they save.
const SIEVED: usize = 1 << 18;

/// How many odd numbers are sieved together. Among 2,048-bit numbers one in 710 odd ones is a prime.
const WINDOW: usize = 1 << 13;

/// The odd primes below [`SIEVED`] in rising order, in groups whose product fits a word: one long division serves a whole
/// group.
static GROUPS: LazyLock<Vec<Group>> = LazyLock::new(|| groups(&small_primes()));

struct Group {
    divisor: Reciprocal,
    primes: Box<[u32]>,
}

/// What to add to the odd number `start` for numbers that no small prime divides, in rising order.
///
/// `start` has to be larger than the square of the largest small prime, or a small prime would rule itself out.
pub(crate) fn candidates(start: &BoxedUint) -> impl Iterator<Item = u32> {
    let mut divided = vec![false; WINDOW];
    for group in &*GROUPS {
        let rest = start.rem_limb_with_reciprocal(&group.divisor).0;
        for prime in &group.primes {
            let prime = u64::from(*prime);
            let rest = rest % prime;
            // The smallest i with start + 2i divisible: half of what is missing, which has to be even.
            let missing = (prime - rest) % prime;
            let first = if missing.is_multiple_of(2) { missing / 2 } else { (missing + prime) / 2 };
            let steps = (first..WINDOW as u64).step_by(usize::try_from(prime).unwrap_or(WINDOW));
            steps.for_each(|index| divided[usize::try_from(index).unwrap_or_default()] = true);
        }
    }
    divided.into_iter().zip((0..).step_by(2)).filter_map(|(divided, offset)| (!divided).then_some(offset))
}

/// The odd primes below [`SIEVED`], by the sieve of Eratosthenes.
fn small_primes() -> Vec<u32> {
    let mut divided = vec![false; SIEVED];
    let mut primes = Vec::new();
    for number in (3..SIEVED).step_by(2) {
        if divided[number] {
            continue;
        }
        primes.extend(u32::try_from(number));
        for multiple in (number * number..SIEVED).step_by(2 * number) {
            divided[multiple] = true;
        }
    }
    primes
}

fn groups(primes: &[u32]) -> Vec<Group> {
    let mut groups = Vec::new();
    let mut rest = primes;
    while !rest.is_empty() {
        let mut product = 1_u64;
        let fits = |prime: &&u32| {
            let joined = product.checked_mul(u64::from(**prime));
            joined.inspect(|joined| product = *joined).is_some()
        };
        let (group, others) = rest.split_at(rest.iter().take_while(fits).count());
        rest = others;
        let divisor = NonZero::new(Limb(product)).into_option();
        groups
            .extend(divisor.map(|divisor| Group { divisor: Reciprocal::new(divisor), primes: group.into() }));
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sieve_keeps_what_small_primes_do_not_divide() {
        // Larger than the square of no sieved prime, so what is kept below that square is prime itself.
        let start = 1_000_000_007_u32;
        let kept: Vec<u32> =
            candidates(&BoxedUint::from(start)).take(5).map(|offset| start + offset).collect();
        assert_eq!(kept, [1_000_000_007, 1_000_000_009, 1_000_000_021, 1_000_000_033, 1_000_000_087]);
    }

    #[test]
    fn small_primes_are_all_there() {
        let primes = small_primes();
        assert_eq!((&primes[..5], primes.last()), (&[3, 5, 7, 11, 13][..], Some(&262_139)));
        let grouped: Vec<u32> = GROUPS.iter().flat_map(|group| group.primes.iter().copied()).collect();
        assert_eq!((primes.len(), &primes), (22_999, &grouped));
    }
}
