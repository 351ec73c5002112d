//! Large random primes, for the keys of RSA that charts ask for.
//!
//! What no small prime divides (`sieve.rs`) is tested by Fermat, eight numbers at once where the processor can
//! (`lanes.rs`), and what passes by Miller and Rabin (`miller_rabin.rs`). Every processor tests numbers of its own. The
//! prime that is found depends on the random numbers alone, not on the processors.
//!
//! ```
//! use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
//!
//! let prime = manifestd_primes::prime(&mut ChaCha20Rng::seed_from_u64(1), 512, &|| false).unwrap();
//! assert_eq!(prime.len(), 64);
//! ```

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crypto_bigint::BoxedUint;
use openssl::bn::{BigNum, BigNumRef};
use openssl::error::ErrorStack;
use rand_chacha::rand_core::Rng;

use lanes::{Lanes, WIDTH};
use miller_rabin::Test;

#[cfg(target_arch = "x86_64")]
mod lanes;
#[cfg(not(target_arch = "x86_64"))]
#[path = "no_lanes.rs"]
mod lanes;
mod miller_rabin;
mod sieve;

/// The most threads that look for one prime.
const MAX_THREADS: usize = 4;

/// The shortest primes. The sieve would rule out shorter ones.
const MIN_BITS: u32 = 64;

/// A random prime of `bits` bits, a multiple of 8 from 64 on, with its two highest bits set, so that the product of two
/// has twice as many. Its bytes, most significant first. `None` for other lengths, when OpenSSL has no memory left, and
/// when `stop` says so, which is asked every few milliseconds.
pub fn prime(random: &mut impl Rng, bits: u32, stop: &dyn Fn() -> bool) -> Option<Vec<u8>> {
    if bits < MIN_BITS || !bits.is_multiple_of(8) {
        return None;
    }
    let mut bytes = vec![0; usize::try_from(bits / 8).ok()?];
    loop {
        random.fill_bytes(&mut bytes);
        *bytes.first_mut()? |= 0b1100_0000;
        *bytes.last_mut()? |= 1;
        let offsets: Vec<u32> = sieve::candidates(&BoxedUint::from_be_slice_vartime(&bytes)).collect();
        let search = Search::new(&bytes, &offsets, random.next_u64()).ok()?;
        let found = search.first_prime(stop).ok()?;
        if stop() {
            return None;
        }
        if let Some(found) = found.filter(|found| u32::try_from(found.num_bits()) == Ok(bits)) {
            return Some(found.to_vec());
        }
    }
}

/// Looks for the first of some numbers that is prime. Several threads look, and all of them come to the same.
struct Search<'a> {
    start: BigNum,
    /// What to add to `start` for the numbers, in rising order.
    offsets: &'a [u32],
    seed: u64,
    /// The place of the first number nobody has taken yet.
    next: AtomicUsize,
    /// The place of the first prime known so far; 0 when all are to stop.
    first: AtomicUsize,
}

impl<'a> Search<'a> {
    fn new(start: &[u8], offsets: &'a [u32], seed: u64) -> Result<Self, ErrorStack> {
        let start = BigNum::from_slice(start)?;
        Ok(Self { start, offsets, seed, next: AtomicUsize::new(0), first: AtomicUsize::new(offsets.len()) })
    }

    fn first_prime(self, stop: &dyn Fn() -> bool) -> Result<Option<BigNum>, ErrorStack> {
        thread::scope(|scope| {
            // A machine that has no thread left has this one still.
            let spawn = |_| thread::Builder::new().spawn_scoped(scope, || self.look(&|| false)).ok();
            let helpers: Vec<_> = (1..threads()).filter_map(spawn).collect();
            let looked = self.look(stop);
            let joined =
                helpers.into_iter().map(|helper| helper.join().unwrap_or_else(|_| Err(ErrorStack::get())));
            joined.fold(looked, Result::and)
        })?;
        let place = self.first.into_inner();
        self.offsets.get(place).map(|offset| sum(&self.start, *offset)).transpose()
    }

    /// What each thread does: takes the next few numbers until they lie behind a prime. One of them knows when to stop
    /// and tells the others.
    fn look(&self, stop: &dyn Fn() -> bool) -> Result<(), ErrorStack> {
        let mut test = Test::new(self.seed)?;
        let lanes = Lanes::for_bits(usize::try_from(self.start.num_bits()).unwrap_or(usize::MAX));
        loop {
            let place = self.next.fetch_add(WIDTH, Ordering::Relaxed);
            if self.is_over(place, stop) {
                return Ok(());
            }
            let offsets = self.offsets.iter().skip(place).take(WIDTH);
            let numbers = offsets.map(|offset| sum(&self.start, *offset)).collect::<Result<Vec<_>, _>>()?;
            let may_be_prime = match &lanes {
                Some(lanes) => lanes.may_be_prime(&numbers, || self.is_over(place, stop))?,
                None => [true; WIDTH],
            };
            for ((place, number), _) in (place..).zip(&numbers).zip(may_be_prime).filter(|(_, may)| *may) {
                // Where there are no lanes, nothing has sorted them out yet.
                let may_be = !self.is_over(place, stop) && (lanes.is_some() || test.may_be_prime(number)?);
                if may_be && test.is_prime(number)? {
                    self.first.fetch_min(place, Ordering::Relaxed);
                }
            }
        }
    }

    /// Whether a number behind this place is no longer wanted.
    fn is_over(&self, place: usize, stop: &dyn Fn() -> bool) -> bool {
        if stop() {
            self.first.store(0, Ordering::Relaxed);
        }
        place >= self.first.load(Ordering::Relaxed)
    }
}

fn sum(number: &BigNumRef, more: u32) -> Result<BigNum, ErrorStack> {
    let mut sum = number.to_owned()?;
    sum.add_word(more)?;
    Ok(sum)
}

fn threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS)
}

#[cfg(test)]
mod tests {
    use crypto_primes::{Flavor, is_prime};
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    #[test]
    fn the_first_prime_is_found_whoever_finds_it() {
        let start = 1_000_000_007_u32;
        let first = |offsets: &[u32]| {
            let search = Search::new(&start.to_be_bytes(), offsets, 1).unwrap();
            search.first_prime(&|| false).unwrap().map(|prime| prime.to_dec_str().unwrap().to_string())
        };
        let odd: Vec<u32> = (2..200).step_by(2).collect();
        assert_eq!(first(&odd).as_deref(), Some("1000000009"));
        assert_eq!(first(&odd[1..]).as_deref(), Some("1000000021"));
        assert_eq!((first(&[4, 6, 8]), first(&[])), (None, None));
    }

    #[test]
    fn primes_are_as_long_as_asked_for_and_the_same_for_a_seed() {
        for bits in [64, 256, 1_024] {
            let make = || {
                let mut random = ChaCha20Rng::seed_from_u64(7);
                [prime(&mut random, bits, &|| false).unwrap(), prime(&mut random, bits, &|| false).unwrap()]
            };
            let [p, q] = make();
            assert_eq!(make(), [p.clone(), q.clone()]);
            assert_ne!(p, q);
            let [p, q] = [p, q].map(|prime| BoxedUint::from_be_slice_vartime(&prime));
            assert!(is_prime(Flavor::Any, &p) && is_prime(Flavor::Any, &q));
            assert!(p.bits_vartime() == bits && q.bits_vartime() == bits);
        }
    }

    #[test]
    fn a_search_that_is_to_stop_finds_nothing() {
        let mut random = ChaCha20Rng::seed_from_u64(7);
        assert!(prime(&mut random, 2_048, &|| true).is_none());
        let asked = std::cell::Cell::new(0);
        let later = || {
            asked.set(asked.get() + 1);
            asked.get() > 2
        };
        assert!(prime(&mut random, 2_048, &later).is_none());
    }

    #[test]
    fn other_lengths_are_refused() {
        let mut random = ChaCha20Rng::seed_from_u64(7);
        assert!([0, 8, 56, 100].iter().all(|bits| prime(&mut random, *bits, &|| false).is_none()));
    }
}
