//! The last step to a prime: the test of Miller and Rabin, with OpenSSL's powers.

use std::mem;

use openssl::bn::{BigNum, BigNumContext, BigNumRef};
use openssl::error::ErrorStack;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Rounds of the test to bases by chance for numbers of so many bits, by table B.1 of FIPS 186-5.
fn rounds(bits: i32) -> usize {
    if bits < 1_536 { 5 } else { 4 }
}

/// The test, and the space it calculates in.
pub(crate) struct Test {
    seed: u64,
    context: BigNumContext,
    one: BigNum,
    two: BigNum,
    power: BigNum,
    square: BigNum,
}

/// A number that may be prime, less 1: whole, and `2 ^ twos * odd`.
struct Candidate<'n> {
    number: &'n BigNumRef,
    minus_one: BigNum,
    twos: i32,
    odd: BigNum,
}

impl Test {
    /// A test whose bases follow from `seed`.
    pub(crate) fn new(seed: u64) -> Result<Self, ErrorStack> {
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

    /// Whether the odd `number` is prime, for what chance can say. The same answer for the same seed.
    pub(crate) fn is_prime(&mut self, number: &BigNumRef) -> Result<bool, ErrorStack> {
        let candidate = Candidate::new(number)?;
        // Next to nothing else passes to the base 2, and OpenSSL is much faster with a base of one word.
        if !self.passes(&candidate, None)? {
            return Ok(false);
        }
        let mut random = ChaCha20Rng::seed_from_u64(self.seed);
        let mut base = number.to_vec();
        for _ in 0..rounds(number.num_bits()) {
            random.fill_bytes(&mut base);
            if !self.passes(&candidate, Some(&*BigNum::from_slice(&base)?))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// One round, to a base, or to 2.
    fn passes(&mut self, candidate: &Candidate<'_>, base: Option<&BigNumRef>) -> Result<bool, ErrorStack> {
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

impl<'n> Candidate<'n> {
    fn new(number: &'n BigNumRef) -> Result<Self, ErrorStack> {
        let mut minus_one = number.to_owned()?;
        minus_one.sub_word(1)?;
        let twos = (0..minus_one.num_bits()).find(|bit| minus_one.is_bit_set(*bit)).unwrap_or_default();
        let mut odd = BigNum::new()?;
        odd.rshift(&minus_one, twos)?;
        Ok(Self { number, minus_one, twos, odd })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_primes_pass() {
        let number = |number: u32| BigNum::from_u32(number).unwrap();
        let passes = |number: &BigNumRef| Test::new(1).unwrap().is_prime(number).unwrap();
        assert!([1_000_000_007, 65_537].iter().all(|prime| passes(&number(*prime))));
        assert!(![1_000_000_005, 999_983 * 7, 561].iter().any(|composite| passes(&number(*composite))));
        // To the base 2, 2,047 looks like a prime.
        let pretender = number(2_047);
        let candidate = Candidate::new(&pretender).unwrap();
        assert!(Test::new(1).unwrap().passes(&candidate, None).unwrap());
        assert!(!passes(&pretender));
    }
}
