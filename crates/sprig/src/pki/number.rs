//! Large numbers: reading, writing and powers, for keys of RSA and DSA.

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, NonZero, Resize};
use crypto_primes::{Flavor, is_prime};

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

/// Whether `number` is prime, for what chance can say.
pub(super) fn is_probably_prime(number: &BoxedUint) -> bool {
    is_prime(Flavor::Any, number)
}
