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

    /// One round to the base 2, which next to nothing but primes passes: OpenSSL is much faster with a base of one word.
    pub(crate) fn may_be_prime(&mut self, number: &BigNumRef) -> Result<bool, ErrorStack> {
        self.passes(&Candidate::new(number)?, None)
    }

    /// Whether an odd number that may be prime is one, for what chance can say. The same answer for the same seed.
    pub(crate) fn is_prime(&mut self, number: &BigNumRef) -> Result<bool, ErrorStack> {
        let candidate = Candidate::new(number)?;
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
        let mut test = Test::new(1).unwrap();
        let mut both =
            |number: &BigNumRef| [test.may_be_prime(number).unwrap(), test.is_prime(number).unwrap()];
        for prime in [1_000_000_007, 65_537] {
            assert_eq!(both(&number(prime)), [true, true]);
        }
        for composite in [1_000_000_005, 999_983 * 7, 561] {
            assert_eq!(both(&number(composite)), [false, false]);
        }
        // To the base 2, 2,047 looks like a prime.
        assert_eq!(both(&number(2_047)), [true, false]);
    }
}
