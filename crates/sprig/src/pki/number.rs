//! Large numbers: reading, writing and powers, for keys of RSA and DSA.

use crypto_bigint::{BoxedUint, Integer, NonZero};
use crypto_primes::{Flavor, is_prime};
use openssl::bn::{BigNum, BigNumContext};
use openssl::error::ErrorStack;

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
    let odd: bool = modulus.is_odd().into();
    let power = odd.then(|| openssl_power([base, exponent, modulus]))?.ok()?;
    Some(number(&power.to_vec()))
}

/// The inverse of `number` modulo `modulus`; `None` when there is none.
pub(super) fn inverse(number: &BoxedUint, modulus: &BoxedUint) -> Option<BoxedUint> {
    let (mut inverse, mut context) = (BigNum::new().ok()?, BigNumContext::new().ok()?);
    inverse.mod_inverse(&*big(number).ok()?, &*big(modulus).ok()?, &mut context).ok()?;
    Some(self::number(&inverse.to_vec()))
}

/// The number that leaves these rests with these primes, first p and then q (Garner); `inverse` is that of q modulo p.
pub(super) fn combined(
    [(of_p, p), (of_q, q)]: [(&BoxedUint, &BoxedUint); 2],
    inverse: &BoxedUint,
) -> Option<BoxedUint> {
    let combine = || {
        let (p, q, of_q, mut context) = (big(p)?, big(q)?, big(of_q)?, BigNumContext::new()?);
        let [mut difference, mut steps, mut product, mut sum] =
            [BigNum::new()?, BigNum::new()?, BigNum::new()?, BigNum::new()?];
        difference.mod_sub(&*big(of_p)?, &of_q, &p, &mut context)?;
        steps.mod_mul(&difference, &*big(inverse)?, &p, &mut context)?;
        product.checked_mul(&steps, &q, &mut context)?;
        sum.checked_add(&product, &of_q)?;
        Ok::<_, ErrorStack>(sum)
    };
    Some(number(&combine().ok()?.to_vec()))
}

fn big(number: &BoxedUint) -> Result<BigNum, ErrorStack> {
    BigNum::from_slice(&bytes(number))
}

/// OpenSSL is here for ssh anyway, and its powers take less than half the time of those of `crypto-bigint`.
fn openssl_power(numbers: [&BoxedUint; 3]) -> Result<BigNum, ErrorStack> {
    let [base, exponent, modulus] = numbers.map(big);
    let (mut power, mut context) = (BigNum::new()?, BigNumContext::new()?);
    power.mod_exp(&*base?, &*exponent?, &*modulus?, &mut context)?;
    Ok(power)
}

/// `number mod modulus`; `None` for zero.
pub(super) fn remainder(number: &BoxedUint, modulus: &BoxedUint) -> Option<BoxedUint> {
    Some(number.rem_vartime(&NonZero::new(modulus.clone()).into_option()?))
}

/// Whether `number` is prime, for what chance can say.
pub(super) fn is_probably_prime(number: &BoxedUint) -> bool {
    is_prime(Flavor::Any, number)
}
