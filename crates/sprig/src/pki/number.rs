//! Large numbers: primes and powers, for keys of RSA and DSA.

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, NonZero, RandomBits, RandomMod, Resize, U1024, U2048, UnsignedWithMontyForm};
use crypto_primes::hazmat::{SetBits, SmallFactorsSieveFactory};
use crypto_primes::{Flavor, is_prime, sieve_and_find};
use rand_chacha::ChaCha20Rng;

/// The largest modulus in bits. Larger ones take too long.
pub(super) const MAX_BITS: u32 = 8_192;

/// From bytes, most significant first.
pub(super) fn number(bytes: &[u8]) -> BoxedUint {
    BoxedUint::from_be_slice_vartime(bytes)
}

/// The bytes, most significant first, without zeros in front.
pub(super) fn bytes(number: &BoxedUint) -> Vec<u8> {
    number.to_be_bytes_trimmed_vartime().into_vec()
}

/// `base ^ exponent mod modulus`; `None` for an even modulus.
pub(super) fn power(base: &BoxedUint, exponent: &BoxedUint, modulus: &BoxedUint) -> Option<BoxedUint> {
    let odd = modulus.to_odd().into_option()?;
    let base = remainder(base, modulus)?.resize(modulus.bits_precision());
    let form = BoxedMontyForm::new(base, &BoxedMontyParams::new_vartime(odd));
    Some(form.pow(exponent).retrieve())
}

/// `number mod modulus`; `None` for zero.
pub(super) fn remainder(number: &BoxedUint, modulus: &BoxedUint) -> Option<BoxedUint> {
    Some(number.rem_vartime(&NonZero::new(modulus.clone()).into_option()?))
}

/// A random prime of 1,024 or 2,048 bits whose two highest bits are set, so that a product of two has twice as many.
pub(super) fn prime(random: &mut ChaCha20Rng, bits: u32) -> Option<BoxedUint> {
    if bits <= U1024::BITS {
        prime_of::<U1024>(random, bits).map(|prime| number(prime.to_be_bytes().as_ref()))
    } else {
        prime_of::<U2048>(random, bits).map(|prime| number(prime.to_be_bytes().as_ref()))
    }
}

fn prime_of<T>(random: &mut ChaCha20Rng, bits: u32) -> Option<T>
where
    T: UnsignedWithMontyForm + RandomBits + RandomMod,
{
    let sieve = SmallFactorsSieveFactory::new(Flavor::Any, bits, SetBits::TwoMsb).ok()?;
    sieve_and_find(random, sieve, |_, candidate| is_prime(Flavor::Any, candidate)).ok()?
}

/// Whether `number` is prime, for what chance can say.
pub(super) fn is_probably_prime(number: &BoxedUint) -> bool {
    is_prime(Flavor::Any, number)
}
