//! The step between sieve and last test, where the processor can: Fermat's test of eight numbers at once, each in a lane
//! of its vectors of 512 bits (AVX-512 IFMA). It takes a fourth of the time OpenSSL takes for the same eight.
//!
//! Numbers are cut in limbs of 52 bits, since that is what the instructions multiply: a vector holds one limb of each of
//! the eight numbers. Powers are calculated in Montgomery's form, with `R = 2 ^ (52 · limbs)`. Sums are kept in the 64 bits
//! of a lane without carrying: they are of fewer than `10 · limbs` parts below `2 ^ 52`, which up to 400 limbs fit.

use std::arch::x86_64::__m512i as Vector;

use openssl::bn::{BigNum, BigNumContext, BigNumRef};
use openssl::error::ErrorStack;
use pulp::{NullaryFnOnce, bytemuck};

/// How many numbers are tested at once.
pub(crate) const WIDTH: usize = 8;

const LIMB_BITS: usize = 52;
const LIMB_MASK: u64 = (1 << LIMB_BITS) - 1;

/// Two limbs are as many bytes exactly.
const PAIR_BYTES: usize = 2 * LIMB_BITS / 8;

/// The longest numbers whose sums fit.
const MAX_BITS: usize = 400 * LIMB_BITS;

/// After so many squares the test looks whether anybody still wants to know.
const BETWEEN_LOOKS: usize = 128;

pulp::simd_type! {
    /// What shows that the processor has these instructions.
    struct Instructions {
        basic: "avx512f",
        multiply: "avx512ifma",
    }
}

/// Fermat's test to the base 2, of eight numbers.
pub(crate) struct Lanes(Instructions);

impl Lanes {
    /// `None` where the processor lacks the instructions, or for numbers too long for them.
    pub(crate) fn for_bits(bits: usize) -> Option<Self> {
        Instructions::try_new().filter(|_| bits < MAX_BITS).map(Self)
    }

    /// Which of these odd numbers, at most [`WIDTH`], may be primes; none, as soon as they are `unwanted`.
    pub(crate) fn may_be_prime(
        &self,
        numbers: &[BigNum],
        unwanted: impl Fn() -> bool,
    ) -> Result<[bool; WIDTH], ErrorStack> {
        let bits = numbers.iter().map(|number| number.num_bits()).max().unwrap_or_default();
        let limbs = limbs_for(usize::try_from(bits).unwrap_or_default());
        let ones = montgomery_ones(numbers, limbs)?;
        let mut batch = Batch::new(numbers, &ones, limbs)?;
        let doubled: Vec<Vector> = (0..bits).rev().map(|bit| where_set(numbers, bit)).collect();
        for doubled in doubled.chunks(BETWEEN_LOOKS) {
            if unwanted() {
                return Ok([false; WIDTH]);
            }
            self.0.vectorize(Squares { instructions: self.0, batch: &mut batch, doubled });
        }
        batch.equal(numbers, &ones)
    }
}

/// An even number of limbs, for four bits more than the number has: from a power below four times the modulus comes one
/// that is below it again, even if doubled, as long as `R` is more than 16 times the modulus.
fn limbs_for(bits: usize) -> usize {
    (bits + 4).div_ceil(2 * LIMB_BITS) * 2
}

/// `R` modulo each number: what 1 is in Montgomery's form.
fn montgomery_ones(numbers: &[BigNum], limbs: usize) -> Result<Vec<BigNum>, ErrorStack> {
    let (mut whole, mut context) = (BigNum::new()?, BigNumContext::new()?);
    whole.set_bit(i32::try_from(limbs * LIMB_BITS).unwrap_or(i32::MAX))?;
    let rest = |number: &BigNum| {
        let mut rest = BigNum::new()?;
        rest.nnmod(&whole, number, &mut context)?;
        Ok(rest)
    };
    numbers.iter().map(rest).collect()
}

/// All ones in the lanes of the numbers whose exponent, the number less 1, has this bit.
fn where_set(numbers: &[BigNum], bit: i32) -> Vector {
    let is_set = |number: &BigNum| bit > 0 && number.is_bit_set(bit);
    lanes(numbers.iter().map(|number| if is_set(number) { u64::MAX } else { 0 }))
}

/// Lanes without a number hold 0.
fn lanes(values: impl Iterator<Item = u64>) -> Vector {
    let mut lanes = [0; WIDTH];
    lanes.iter_mut().zip(values).for_each(|(lane, value)| *lane = value);
    bytemuck::cast(lanes)
}

/// Limb by limb, the lowest first.
fn to_vectors(numbers: &[BigNum], limbs: usize) -> Result<Vec<Vector>, ErrorStack> {
    let mut lanes = vec![[0; WIDTH]; limbs];
    for (lane, number) in numbers.iter().enumerate() {
        let bytes = number.to_vec_padded(i32::try_from(limbs / 2 * PAIR_BYTES).unwrap_or(i32::MAX))?;
        for (pair, bytes) in lanes.chunks_exact_mut(2).zip(bytes.rchunks(PAIR_BYTES)) {
            let both = bytes.iter().fold(0_u128, |both, byte| both << 8 | u128::from(*byte));
            pair[0][lane] = both as u64 & LIMB_MASK;
            pair[1][lane] = (both >> LIMB_BITS) as u64;
        }
    }
    Ok(lanes.into_iter().map(bytemuck::cast).collect())
}

/// The number in a lane.
fn from_lane(vectors: &[Vector], lane: usize) -> Result<BigNum, ErrorStack> {
    let limb = |vector: &Vector| u128::from(bytemuck::cast::<Vector, [u64; WIDTH]>(*vector)[lane]);
    let pair = |pair: &[Vector]| pair.iter().rev().fold(0, |both, vector| both << LIMB_BITS | limb(vector));
    let bytes = |both: u128| both.to_be_bytes().into_iter().skip(size_of::<u128>() - PAIR_BYTES);
    let bytes: Vec<u8> = vectors.chunks_exact(2).rev().flat_map(|both| bytes(pair(both))).collect();
    BigNum::from_slice(&bytes)
}

/// What takes `number` times itself to -1 modulo `2 ^ 52`, by Newton's steps: each doubles the bits that are right.
fn negated_inverse(number: &BigNumRef) -> u64 {
    let lowest =
        number.to_vec().iter().rev().take(8).rev().fold(0_u64, |lowest, byte| lowest << 8 | u64::from(*byte));
    let step = |inverse: u64| inverse.wrapping_mul(2_u64.wrapping_sub(lowest.wrapping_mul(inverse)));
    // An odd number is its own inverse modulo 8.
    let inverse = (0..5).fold(lowest, |inverse, _| step(inverse));
    inverse.wrapping_neg() & LIMB_MASK
}

/// Eight moduli, and a power modulo each.
struct Batch {
    modulus: Vec<Vector>,
    negated_inverse: Vector,
    /// In Montgomery's form, below four times the modulus.
    power: Vec<Vector>,
    /// Space for a square.
    square: Vec<Vector>,
}

impl Batch {
    fn new(moduli: &[BigNum], power: &[BigNum], limbs: usize) -> Result<Self, ErrorStack> {
        Ok(Self {
            modulus: to_vectors(moduli, limbs)?,
            negated_inverse: lanes(moduli.iter().map(|modulus| negated_inverse(modulus))),
            power: to_vectors(power, limbs)?,
            square: vec![bytemuck::cast([0_u64; WIDTH]); 2 * limbs],
        })
    }

    /// In which lanes the power is one of `residues`, which are below the modulus.
    fn equal(&self, moduli: &[BigNum], residues: &[BigNum]) -> Result<[bool; WIDTH], ErrorStack> {
        let (mut rest, mut context) = (BigNum::new()?, BigNumContext::new()?);
        let mut equal = [false; WIDTH];
        for (lane, (modulus, residue)) in moduli.iter().zip(residues).enumerate() {
            rest.nnmod(&*from_lane(&self.power, lane)?, modulus, &mut context)?;
            equal[lane] = rest == *residue;
        }
        Ok(equal)
    }
}

/// Squares the powers of a batch once for each of `doubled`, and doubles those in the lanes it names.
struct Squares<'a> {
    instructions: Instructions,
    batch: &'a mut Batch,
    doubled: &'a [Vector],
}

impl NullaryFnOnce for Squares<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for doubled in self.doubled {
            self.instructions.square(&self.batch.power, &mut self.batch.square);
            self.instructions.reduce(self.batch);
            self.instructions.carry(self.batch, *doubled);
        }
    }
}

/// Each of these has to be inlined where the instructions are allowed, or every single one of them would be a call.
impl Instructions {
    /// `square` becomes `number` times itself, its limbs not carried.
    #[inline(always)]
    fn square(self, number: &[Vector], square: &mut [Vector]) {
        let zero = self.basic._mm512_setzero_si512();
        square.fill(zero);
        // Products of different limbs, of two limbs with all above them at a time.
        for low in (0..number.len()).step_by(2) {
            let (pair, above) = number[low..].split_at(2);
            let sums = &mut square[2 * low..];
            sums[1] = self.multiply._mm512_madd52lo_epu64(sums[1], pair[0], pair[1]);
            sums[2] = self.multiply._mm512_madd52hi_epu64(sums[2], pair[0], pair[1]);
            self.add_products(&mut sums[2..], [pair[0], pair[1]], above, [zero, zero]);
        }
        // Each occurs twice, and every limb meets itself.
        for (limb, sums) in number.iter().zip(square.chunks_exact_mut(2)) {
            let twice = |sum: Vector| self.basic._mm512_add_epi64(sum, sum);
            sums[0] = self.multiply._mm512_madd52lo_epu64(twice(sums[0]), *limb, *limb);
            sums[1] = self.multiply._mm512_madd52hi_epu64(twice(sums[1]), *limb, *limb);
        }
    }

    /// Adds multiples of the modulus to the square that make its lower half a multiple of `R`, two limbs at a time: the
    /// upper half is the square divided by `R` then, its limbs not carried.
    #[inline(always)]
    fn reduce(self, batch: &mut Batch) {
        let zero = self.basic._mm512_setzero_si512();
        let (lowest, above) = batch.modulus.split_at(2);
        let factor = |sum| self.multiply._mm512_madd52lo_epu64(zero, sum, batch.negated_inverse);
        let carried = |sum, factor| {
            self.basic._mm512_srli_epi64::<52>(self.multiply._mm512_madd52lo_epu64(sum, factor, lowest[0]))
        };
        for low in (0..batch.modulus.len()).step_by(2) {
            let sums = &mut batch.square[low..];
            let first = factor(sums[0]);
            let mut next = self.multiply._mm512_madd52lo_epu64(sums[1], first, lowest[1]);
            next = self.multiply._mm512_madd52hi_epu64(next, first, lowest[0]);
            next = self.basic._mm512_add_epi64(next, carried(sums[0], first));
            let second = factor(next);
            sums[2] = self.basic._mm512_add_epi64(sums[2], carried(next, second));
            self.add_products(&mut sums[2..], [first, second], above, [lowest[1], lowest[0]]);
        }
    }

    /// Adds `limbs · factors` to `sums`, the second factor being one limb up. `below` are the two limbs beneath, the nearer
    /// one first; only what of their products reaches this high is added.
    #[inline(always)]
    fn add_products(self, sums: &mut [Vector], factors: [Vector; 2], limbs: &[Vector], below: [Vector; 2]) {
        let [mut nearest, mut second] = below;
        let (sums, ends) = sums.split_at_mut(limbs.len());
        for (sum, limb) in sums.iter_mut().zip(limbs) {
            let mut products = self.multiply._mm512_madd52lo_epu64(*sum, factors[0], *limb);
            products = self.multiply._mm512_madd52hi_epu64(products, factors[0], nearest);
            products = self.multiply._mm512_madd52lo_epu64(products, factors[1], nearest);
            *sum = self.multiply._mm512_madd52hi_epu64(products, factors[1], second);
            (nearest, second) = (*limb, nearest);
        }
        if let [end, last, ..] = ends {
            let mut products = self.multiply._mm512_madd52hi_epu64(*end, factors[0], nearest);
            products = self.multiply._mm512_madd52lo_epu64(products, factors[1], nearest);
            *end = self.multiply._mm512_madd52hi_epu64(products, factors[1], second);
            *last = self.multiply._mm512_madd52hi_epu64(*last, factors[1], nearest);
        }
    }

    /// The power becomes the upper half of the square, doubled in some lanes, its limbs carried.
    #[inline(always)]
    fn carry(self, batch: &mut Batch, doubled: Vector) {
        let mask = self.basic._mm512_set1_epi64(LIMB_MASK as i64);
        let mut carried = self.basic._mm512_setzero_si512();
        let upper = &batch.square[batch.power.len()..];
        for (limb, sum) in batch.power.iter_mut().zip(upper) {
            let again = self.basic._mm512_and_si512(*sum, doubled);
            let sum = self.basic._mm512_add_epi64(self.basic._mm512_add_epi64(*sum, again), carried);
            *limb = self.basic._mm512_and_si512(sum, mask);
            carried = self.basic._mm512_srli_epi64::<52>(sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::*;

    fn copy(number: &BigNumRef) -> BigNum {
        number.to_owned().unwrap()
    }

    /// What OpenSSL says to the same test.
    fn by_openssl(number: &BigNum) -> bool {
        let (mut power, mut exponent) = (BigNum::new().unwrap(), copy(number));
        exponent.sub_word(1).unwrap();
        let two = BigNum::from_u32(2).unwrap();
        power.mod_exp(&two, &exponent, number, &mut BigNumContext::new().unwrap()).unwrap();
        power == BigNum::from_u32(1).unwrap()
    }

    fn compare(numbers: &[BigNum; WIDTH]) -> [bool; WIDTH] {
        let bits = usize::try_from(numbers[0].num_bits()).unwrap();
        let Some(lanes) = Lanes::for_bits(bits) else {
            eprintln!("skipped: this processor has no AVX-512 IFMA");
            return numbers.each_ref().map(by_openssl);
        };
        let told = lanes.may_be_prime(numbers, || false).unwrap();
        assert_eq!(told, numbers.each_ref().map(by_openssl), "{bits} bits");
        told
    }

    #[test]
    fn the_same_as_openssl_says_of_random_numbers_and_of_primes() {
        let mut random = ChaCha20Rng::seed_from_u64(1);
        for bits in [64, 96, 104, 208, 512, 1_000, 1_024, 1_536, 2_048] {
            let mut bytes = vec![0; bits / 8];
            let mut number = |_| {
                random.fill_bytes(&mut bytes);
                bytes[0] |= 0x80;
                bytes[bits / 8 - 1] |= 1;
                BigNum::from_slice(&bytes).unwrap()
            };
            let mut numbers = std::array::from_fn(&mut number);
            compare(&numbers);
            numbers[0].generate_prime(i32::try_from(bits).unwrap(), false, None, None).unwrap();
            numbers[7] = copy(&numbers[0]);
            let told = compare(&numbers);
            assert!(told[0] && told[7]);
        }
    }

    #[test]
    fn the_largest_and_the_smallest_numbers_of_a_length() {
        for bits in [61, 89, 107, 127, 521, 607, 1_279, 2_203] {
            // These powers of two less one are primes, and all their bits are ones.
            let power = |bits: i32| {
                let mut power = BigNum::new().unwrap();
                power.set_bit(bits).unwrap();
                power
            };
            let numbers = std::array::from_fn(|lane| {
                let mut number = if lane < 4 { power(bits) } else { power(bits - 1) };
                let away = u32::try_from(2 * (lane % 4) + 1).unwrap();
                if lane < 4 {
                    number.sub_word(away).unwrap();
                } else {
                    number.add_word(away).unwrap();
                }
                number
            });
            assert!(compare(&numbers)[0]);
        }
    }

    #[test]
    fn it_stops_when_nobody_wants_to_know() {
        let numbers = [1_000_000_007, 1_000_000_008 + 1].map(|number| BigNum::from_u32(number).unwrap());
        if let Some(lanes) = Lanes::for_bits(30) {
            assert_eq!(lanes.may_be_prime(&numbers, || true).unwrap(), [false; WIDTH]);
            let told = lanes.may_be_prime(&numbers, || false).unwrap();
            assert_eq!(told, [true, true, false, false, false, false, false, false]);
        }
        assert!(Lanes::for_bits(MAX_BITS).is_none());
    }
}
