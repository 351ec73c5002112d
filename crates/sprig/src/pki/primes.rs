//! Large random primes, for keys of RSA: a sieve, then the test of Miller and Rabin.
//!
//! The powers, which take nearly all the time, are OpenSSL's; every processor tests numbers of its own.

use std::mem;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crypto_bigint::{BoxedUint, Limb, NonZero, Reciprocal};
use openssl::bn::{BigNum, BigNumContext, BigNumRef};
use openssl::error::ErrorStack;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::number::{bytes, number};

/// The primes the sieve knows are below this. More of them would cost more than the tests they save.
const SIEVED: usize = 1 << 18;

/// How many odd numbers are sieved together. Among 2,048-bit numbers one in 710 odd ones is a prime.
const WINDOW: usize = 1 << 13;

/// The most threads that look for one prime.
const MAX_THREADS: usize = 4;

/// Rounds of the test to bases by chance for numbers of so many bits, by table B.1 of FIPS 186-5.
fn rounds(bits: i32) -> usize {
    if bits < 1_536 { 5 } else { 4 }
}

/// The odd primes below [`SIEVED`] in rising order, in groups whose product fits a word: one long division serves a whole
/// group.
static GROUPS: LazyLock<Vec<Group>> = LazyLock::new(|| groups(&small_primes()));

struct Group {
    divisor: Reciprocal,
    primes: Box<[u32]>,
}

/// A random prime of `bits` bits, a multiple of 8, with its two highest bits set, so that the product of two has twice
/// as many.
pub(super) fn prime(random: &mut ChaCha20Rng, bits: u32) -> Option<BoxedUint> {
    let mut bytes = vec![0; usize::try_from(bits / 8).ok()?];
    loop {
        random.fill_bytes(&mut bytes);
        *bytes.first_mut()? |= 0b1100_0000;
        *bytes.last_mut()? |= 1;
        let start = number(&bytes);
        let offsets: Vec<u32> = candidates(&start).collect();
        let found = first_prime(&start, &offsets, random.next_u64())?;
        let found = found.map(|offset| start + BoxedUint::from(offset));
        if let Some(found) = found.filter(|found| found.bits_vartime() == bits) {
            return Some(found);
        }
    }
}

/// The first of `offsets` that makes a prime of `start`; several threads look, and all of them come to the same.
/// The outer `None` says that OpenSSL had no memory left.
fn first_prime(start: &BoxedUint, offsets: &[u32], seed: u64) -> Option<Option<u32>> {
    let start = BigNum::from_slice(&bytes(start)).ok()?;
    let (next, first) = (AtomicUsize::new(0), AtomicUsize::new(offsets.len()));
    let look = || -> Result<(), ErrorStack> {
        let mut test = Test::new(seed)?;
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= first.load(Ordering::Relaxed) {
                return Ok(());
            }
            let offset = offsets.get(index).copied().unwrap_or_default();
            if test.is_prime(&start, offset)? {
                first.fetch_min(index, Ordering::Relaxed);
            }
        }
    };
    let looked = thread::scope(|scope| {
        // A machine that has no thread left has this one still.
        let spawn = |_| thread::Builder::new().spawn_scoped(scope, look).ok();
        let helpers: Vec<_> = (1..threads()).filter_map(spawn).collect();
        let mine = look();
        mine.is_ok() && helpers.into_iter().all(|helper| matches!(helper.join(), Ok(Ok(()))))
    });
    looked.then(|| offsets.get(first.into_inner()).copied())
}

fn threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS)
}

/// What to add to the odd number `start` for numbers that no small prime divides, in rising order.
fn candidates(start: &BoxedUint) -> impl Iterator<Item = u32> {
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

/// The test of Miller and Rabin, and the space it calculates in.
struct Test {
    seed: u64,
    context: BigNumContext,
    one: BigNum,
    two: BigNum,
    power: BigNum,
    square: BigNum,
}

/// A number that may be prime, less 1: whole, and `2 ^ twos * odd`.
struct Candidate {
    number: BigNum,
    minus_one: BigNum,
    twos: i32,
    odd: BigNum,
}

impl Test {
    fn new(seed: u64) -> Result<Self, ErrorStack> {
        let [one, two] = [BigNum::from_u32(1)?, BigNum::from_u32(2)?];
        Ok(Self {
            seed,
            context: BigNumContext::new()?,
            one,
            two,
            power: BigNum::new()?,
            square: BigNum::new()?,
        })
    }

    /// Whether the odd number `start + offset` is prime, for what chance can say. The same answer for the same seed.
    fn is_prime(&mut self, start: &BigNumRef, offset: u32) -> Result<bool, ErrorStack> {
        let candidate = Candidate::new(start, offset)?;
        // Next to nothing else passes to the base 2, and OpenSSL is much faster with a base of one word.
        if !self.passes(&candidate, None)? {
            return Ok(false);
        }
        let mut random = ChaCha20Rng::seed_from_u64(self.seed ^ u64::from(offset));
        let mut base = candidate.number.to_vec();
        for _ in 0..rounds(candidate.number.num_bits()) {
            random.fill_bytes(&mut base);
            if !self.passes(&candidate, Some(&*BigNum::from_slice(&base)?))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// One round, to a base, or to 2.
    fn passes(&mut self, candidate: &Candidate, base: Option<&BigNumRef>) -> Result<bool, ErrorStack> {
        let Candidate { number, minus_one, twos, odd } = candidate;
        self.power.mod_exp(base.unwrap_or(&self.two), odd, number, &mut self.context)?;
        let mut passes = self.power == self.one || self.power == *minus_one;
        for _ in 1..*twos {
            self.square.mod_sqr(&self.power, number, &mut self.context)?;
            mem::swap(&mut self.square, &mut self.power);
            passes |= self.power == *minus_one;
        }
        Ok(passes)
    }
}

impl Candidate {
    fn new(start: &BigNumRef, offset: u32) -> Result<Self, ErrorStack> {
        let mut number = start.to_owned()?;
        number.add_word(offset)?;
        let mut minus_one = number.to_owned()?;
        minus_one.sub_word(1)?;
        let twos = (0..minus_one.num_bits()).find(|bit| minus_one.is_bit_set(*bit)).unwrap_or_default();
        let mut odd = BigNum::new()?;
        odd.rshift(&minus_one, twos)?;
        Ok(Self { number, minus_one, twos, odd })
    }
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
    use crypto_bigint::ConcatenatingMul;
    use crypto_primes::{Flavor, is_prime};

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

    #[test]
    fn only_primes_pass() {
        let number = |number: u32| BigNum::from_u32(number).unwrap();
        let passes = |text: u32| Test::new(1).unwrap().is_prime(&number(text), 0).unwrap();
        assert!(passes(1_000_000_007) && passes(65_537));
        assert!(!passes(1_000_000_005) && !passes(999_983 * 7) && !passes(561));
        // To the base 2, 2,047 looks like a prime.
        let candidate = Candidate::new(&number(2_047), 0).unwrap();
        assert!(Test::new(1).unwrap().passes(&candidate, None).unwrap());
        assert!(!passes(2_047));
    }

    #[test]
    fn the_first_prime_is_found_whoever_finds_it() {
        let start = BoxedUint::from(1_000_000_007_u32);
        let first = |offsets: &[u32]| first_prime(&start, offsets, 1).unwrap();
        let odd: Vec<u32> = (2..200).step_by(2).collect();
        assert_eq!(first(&odd), Some(2));
        assert_eq!(first(&odd[1..]), Some(14));
        assert_eq!((first(&[4, 6, 8]), first(&[])), (None, None));
    }

    #[test]
    fn primes_are_as_long_as_asked_for_and_the_same_for_a_seed() {
        let make = || {
            let mut random = ChaCha20Rng::seed_from_u64(7);
            [prime(&mut random, 256).unwrap(), prime(&mut random, 256).unwrap()]
        };
        let [p, q] = make();
        assert_eq!(make(), [p.clone(), q.clone()]);
        assert_ne!(p, q);
        assert_eq!(p.concatenating_mul(&q).bits_vartime(), 512);
        assert!(is_prime(Flavor::Any, &p) && is_prime(Flavor::Any, &q));
    }
}
