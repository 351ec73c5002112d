//! RSA keys: made, read and written in the form of PKCS #1, used to sign.

use crypto_bigint::{BoxedUint, ConcatenatingMul, Limb, NonZero};
use primes::prime;
use rand_chacha::ChaCha20Rng;
use sha2::{Digest, Sha256};

use super::der::{self, Reader};
use super::number::{MAX_BITS, bytes, combined, inverse, number, power, remainder};

/// The public exponent of every key made here.
const EXPONENT: u32 = 65_537;

/// The smallest modulus in bits that Go signs with.
const MIN_BITS: u32 = 1_024;

/// What says in a signature that it is of a SHA-256 digest.
const SHA256_PREFIX: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
    0x04, 0x20,
];

/// A private key.
pub(super) struct RsaKey {
    modulus: BoxedUint,
    public: BoxedUint,
    private: BoxedUint,
    primes: [BoxedUint; 2],
}

impl RsaKey {
    /// A new key of 2,048 or 4,096 bits; `None` when it is to stop.
    pub(super) fn generate(random: &mut ChaCha20Rng, bits: u32, stop: &dyn Fn() -> bool) -> Option<Self> {
        loop {
            let primes = [number(&prime(random, bits / 2, stop)?), number(&prime(random, bits / 2, stop)?)];
            if primes[0] == primes[1] {
                continue;
            }
            let [p, q] = &primes;
            let one = BoxedUint::one();
            let phi = (p.clone() - &one).concatenating_mul(&(q.clone() - &one));
            if let Some(private) = private_exponent(&phi) {
                let modulus = p.concatenating_mul(q);
                return Some(Self { modulus, public: BoxedUint::from(EXPONENT), private, primes });
            }
        }
    }

    /// Reads the form of PKCS #1.
    pub(super) fn from_der(data: &[u8]) -> Option<Self> {
        let mut key = Reader(data).sequence()?;
        if !key.integer()?.is_empty() {
            return None;
        }
        let mut next = || key.integer().map(number);
        let (modulus, public, private) = (next()?, next()?, next()?);
        let primes = [next()?, next()?];
        let bits = modulus.bits_vartime();
        let zero = primes.iter().any(|prime| prime.bits_vartime() < 2);
        let whole = bytes(&primes[0].concatenating_mul(&primes[1])) == bytes(&modulus);
        ((MIN_BITS..=MAX_BITS).contains(&bits) && whole && !zero && private.bits_vartime() <= bits)
            .then_some(Self { modulus, public, private, primes })
    }

    /// Writes the form of PKCS #1.
    pub(super) fn to_der(&self) -> Option<Vec<u8>> {
        let [p, q] = &self.primes;
        let inverse = inverse(q, p)?;
        let exponents = self.exponents()?;
        let numbers =
            [&self.modulus, &self.public, &self.private, p, q, &exponents[0], &exponents[1], &inverse];
        let numbers = numbers.map(|number| der::integer(&bytes(number)));
        Some(der::sequence(&[vec![der::integer(&[])], numbers.to_vec()].concat()))
    }

    /// The public half, as certificates hold it.
    pub(super) fn public_der(&self) -> Vec<u8> {
        der::sequence(&[der::integer(&bytes(&self.modulus)), der::integer(&bytes(&self.public))])
    }

    /// A signature of the SHA-256 digest of `message` (PKCS #1 v1.5).
    pub(super) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let length = bytes(&self.modulus).len();
        let info = [&SHA256_PREFIX[..], &Sha256::digest(message)].concat();
        let padding = vec![0xff; length.checked_sub(info.len() + 3)?];
        let block = [&[0, 1], padding.as_slice(), &[0], &info].concat();
        let signature = bytes(&self.private_power(&number(&block))?);
        Some([vec![0; length - signature.len()], signature].concat())
    }

    /// `base ^ private mod modulus`: modulo each prime first, which takes a fourth of the time.
    fn private_power(&self, base: &BoxedUint) -> Option<BoxedUint> {
        let quick = self.power_by_primes(base);
        // A key somebody wrote may hold numbers that do not belong together.
        let right = |quick: &BoxedUint| {
            power(quick, &self.public, &self.modulus).is_some_and(|whole| bytes(&whole) == bytes(base))
        };
        quick.filter(right).or_else(|| power(base, &self.private, &self.modulus))
    }

    /// The number below the modulus that is the right power modulo both primes.
    fn power_by_primes(&self, base: &BoxedUint) -> Option<BoxedUint> {
        let [p, q] = &self.primes;
        let [to_p, to_q] = self.exponents()?;
        let (of_p, of_q) = (power(base, &to_p, p)?, power(base, &to_q, q)?);
        combined([(&of_p, p), (&of_q, q)], &inverse(q, p)?)
    }

    /// What the private exponent comes to modulo each prime.
    fn exponents(&self) -> Option<[BoxedUint; 2]> {
        let one = BoxedUint::one();
        let exponent = |prime: &BoxedUint| remainder(&self.private, &(prime.clone() - &one));
        Some([exponent(&self.primes[0])?, exponent(&self.primes[1])?])
    }
}

/// The inverse of the public exponent modulo `phi`; `None` when there is none.
///
/// The exponent e is a small prime, so d = (1 + k · phi) / e, where k is what makes the division exact.
fn private_exponent(phi: &BoxedUint) -> Option<BoxedUint> {
    let exponent = NonZero::new(Limb::from(EXPONENT)).into_option()?;
    let rest = phi.rem_limb(exponent).0;
    let k = (1..u64::from(EXPONENT)).find(|k| (k * rest + 1).is_multiple_of(u64::from(EXPONENT)))?;
    let product = phi.concatenating_mul(&BoxedUint::from(k)) + &BoxedUint::one();
    let (private, _) = product.div_rem_limb(exponent);
    Some(number(&bytes(&private)))
}

#[cfg(test)]
mod tests {
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    fn key() -> RsaKey {
        RsaKey::generate(&mut ChaCha20Rng::seed_from_u64(3), 1_024, &|| false).unwrap()
    }

    #[test]
    fn powers_by_primes_are_those_of_the_whole() {
        let key = key();
        for base in [2_u32, 3, 65_537, u32::MAX] {
            let base = BoxedUint::from(base);
            let whole = power(&base, &key.private, &key.modulus).unwrap();
            assert_eq!(bytes(&key.power_by_primes(&base).unwrap()), bytes(&whole));
            assert_eq!(bytes(&power(&whole, &key.public, &key.modulus).unwrap()), bytes(&base));
        }
    }

    #[test]
    fn primes_that_do_not_fit_sign_as_the_whole_does() {
        let signature = key().sign(b"message").unwrap();
        let mut odd = key();
        odd.primes = [BoxedUint::from(65_537_u32), BoxedUint::from(257_u32)];
        assert_eq!(odd.sign(b"message").unwrap(), signature);
    }
}
