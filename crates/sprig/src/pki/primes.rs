//! Large random primes, for keys of RSA: a sieve, a quick test that drops nearly everything else, a full test.
//!
//! `crypto-primes` judges whether a number is prime; its own search takes several times as long.

use std::sync::LazyLock;

use crypto_bigint::{BoxedUint, Limb, NonZero};
use crypto_primes::{Flavor, is_prime};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::number::{number, power};

/// The primes the sieve knows are below this. More of them would cost more than the tests they save.
const SIEVED: u32 = 1 << 17;

/// How many odd numbers are sieved together. Among 2,048-bit numbers one in 710 odd ones is a prime.
const WINDOW: usize = 1 << 13;

/// The odd primes below [`SIEVED`], in groups whose product fits a word: one long division serves a whole group.
static GROUPS: LazyLock<Vec<Group>> = LazyLock::new(|| groups(&small_primes()));

struct Group {
    product: NonZero<Limb>,
    primes: Vec<u32>,
}

/// Two random primes of `bits` bits, a multiple of 8, each with its two highest bits set, so that their product has
/// twice as many. They are looked for at the same time.
pub(super) fn two_primes(random: &mut ChaCha20Rng, bits: u32) -> Option<[BoxedUint; 2]> {
    let [mut one, mut other] = [(); 2].map(|()| ChaCha20Rng::from_rng(random));
    std::thread::scope(|scope| {
        let helper = std::thread::Builder::new().spawn_scoped(scope, || prime(&mut one, bits));
        let second = prime(&mut other, bits)?;
        // A machine that has no thread left has the first one still to find.
        let first = helper.ok().and_then(|helper| helper.join().ok().flatten());
        Some([first?, second])
    })
}

fn prime(random: &mut ChaCha20Rng, bits: u32) -> Option<BoxedUint> {
    let mut bytes = vec![0; usize::try_from(bits / 8).ok()?];
    loop {
        random.fill_bytes(&mut bytes);
        *bytes.first_mut()? |= 0b1100_0000;
        *bytes.last_mut()? |= 1;
        let start = number(&bytes);
        let found = candidates(&start)
            .map(|candidate| start.clone() + BoxedUint::from(candidate))
            .find(|candidate| passes_fermat(candidate) && is_prime(Flavor::Any, candidate));
        if let Some(found) = found.filter(|found| found.bits_vartime() == bits) {
            return Some(found);
        }
    }
}

/// What to add to the odd number `start` for numbers that no small prime divides, in rising order.
fn candidates(start: &BoxedUint) -> impl Iterator<Item = u64> {
    let mut divided = vec![false; WINDOW];
    for group in &*GROUPS {
        let rest = start.rem_limb(group.product).0;
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

/// Whether `2 ^ (candidate - 1) mod candidate` is 1, as it is for every odd prime and next to no other number.
fn passes_fermat(candidate: &BoxedUint) -> bool {
    let exponent = candidate.clone() - &BoxedUint::one();
    power(&BoxedUint::from(2_u8), &exponent, candidate).is_some_and(|power| power == BoxedUint::one())
}

/// The odd primes below [`SIEVED`].
fn small_primes() -> Vec<u32> {
    let mut primes: Vec<u32> = Vec::new();
    for candidate in (3..SIEVED).step_by(2) {
        let mut smaller = primes.iter().take_while(|prime| **prime * **prime <= candidate);
        if smaller.all(|prime| !candidate.is_multiple_of(*prime)) {
            primes.push(candidate);
        }
    }
    primes
}

fn groups(primes: &[u32]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for prime in primes {
        let alone = Limb::from(*prime);
        let joined = groups.last_mut().and_then(|group| {
            let product = group.product.get().0.checked_mul(alone.0)?;
            Some((group, NonZero::new(Limb(product)).into_option()?))
        });
        match joined {
            Some((group, product)) => {
                group.product = product;
                group.primes.push(*prime);
            }
            None => {
                if let Some(product) = NonZero::new(alone).into_option() {
                    groups.push(Group { product, primes: vec![*prime] });
                }
            }
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use crypto_bigint::ConcatenatingMul;

    use super::*;

    #[test]
    fn the_sieve_keeps_what_small_primes_do_not_divide() {
        // Larger than the square of no sieved prime, so what is kept below that square is prime itself.
        let start = 1_000_000_007_u64;
        let kept: Vec<u64> =
            candidates(&BoxedUint::from(start)).take(5).map(|offset| start + offset).collect();
        assert_eq!(kept, [1_000_000_007, 1_000_000_009, 1_000_000_021, 1_000_000_033, 1_000_000_087]);
    }

    #[test]
    fn only_primes_pass() {
        let passes = |number: u64| passes_fermat(&BoxedUint::from(number));
        assert!(passes(1_000_000_007) && passes(65_537));
        assert!(!passes(1_000_000_005) && !passes(65_539 * 65_537) && !passes(10));
    }

    #[test]
    fn primes_are_as_long_as_asked_for_and_the_same_for_a_seed() {
        let make = || two_primes(&mut ChaCha20Rng::seed_from_u64(7), 256).unwrap();
        let [p, q] = make();
        assert_eq!(make(), [p.clone(), q.clone()]);
        assert_ne!(p, q);
        assert_eq!(p.concatenating_mul(&q).bits_vartime(), 512);
        assert!(is_prime(Flavor::Any, &p) && is_prime(Flavor::Any, &q));
    }
}
