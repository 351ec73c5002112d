//! Decimal numbers for the functions that end in `f`: digits and a power of ten.
//!
//! Behaviour: shopspring/decimal as sprig uses it; a quotient has 16 decimals.

/// How many decimals a quotient has.
const QUOTIENT_DECIMALS: i32 = 16;

/// The most digits kept; more than a float can say, and far more than any chart wants.
const MAX_DIGITS: usize = 700;

/// `digits × 10^exponent`, digits most significant first.
#[derive(Clone, Debug)]
pub(crate) struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    exponent: i32,
}

type Result = std::result::Result<Decimal, &'static str>;

impl Decimal {
    /// The shortest decimal that reads back as `value`; what is no number counts as zero.
    pub(crate) fn from_float(value: f64) -> Self {
        if !value.is_finite() {
            return Self { negative: false, digits: Vec::new(), exponent: 0 };
        }
        let (digits, exponent) = gotmpl::float::digits(value);
        let digits: Vec<u8> = digits.bytes().map(|byte| byte - b'0').collect();
        let exponent = exponent - i32::try_from(digits.len()).unwrap_or(0) + 1;
        Self { negative: value < 0.0, digits, exponent }.trimmed()
    }

    /// The nearest float.
    pub(crate) fn to_float(&self) -> f64 {
        let digits: String = self.digits.iter().map(|digit| char::from(b'0' + digit)).collect();
        let text =
            format!("{}{}e{}", if self.negative { "-" } else { "" }, zero_if_empty(&digits), self.exponent);
        text.parse().unwrap_or(0.0)
    }

    pub(crate) fn add(self, other: &Self) -> Result {
        let (a, b) = align(self, other.clone())?;
        let (negative, digits) = if a.negative == b.negative {
            (a.negative, add(&a.digits, &b.digits))
        } else if less(&a.digits, &b.digits) {
            (b.negative, subtract(&b.digits, &a.digits))
        } else {
            (a.negative, subtract(&a.digits, &b.digits))
        };
        Ok(Self { negative, digits, exponent: a.exponent }.trimmed())
    }

    pub(crate) fn sub(self, other: &Self) -> Result {
        self.add(&Self { negative: !other.negative, ..other.clone() })
    }

    pub(crate) fn mul(self, other: &Self) -> Result {
        let negative = self.negative != other.negative;
        let digits = multiply(&self.digits, &other.digits);
        Ok(Self { negative, digits, exponent: self.exponent + other.exponent }.trimmed())
    }

    pub(crate) fn div(self, other: &Self) -> Result {
        if other.digits.is_empty() {
            return Err("decimal division by 0");
        }
        // One digit more than is kept, for rounding half away from zero.
        let scale = QUOTIENT_DECIMALS + 1 + self.exponent - other.exponent;
        let mut digits = self.digits.clone();
        let mut divisor = other.digits.clone();
        let zeros = usize::try_from(scale.unsigned_abs()).unwrap_or(usize::MAX);
        if zeros > MAX_DIGITS {
            return Ok(Self { negative: false, digits: Vec::new(), exponent: 0 });
        }
        if scale >= 0 {
            digits.resize(digits.len() + zeros, 0);
        } else {
            divisor.resize(divisor.len() + zeros, 0);
        }
        let mut quotient = divide(&digits, &divisor);
        let last = quotient.pop().unwrap_or(0);
        if last >= 5 {
            quotient = add(&quotient, &[1]);
        }
        let negative = self.negative != other.negative;
        Ok(Self { negative, digits: quotient, exponent: -QUOTIENT_DECIMALS }.trimmed())
    }

    fn trimmed(mut self) -> Self {
        let zeros = self.digits.iter().take_while(|digit| **digit == 0).count();
        self.digits.drain(..zeros);
        while self.digits.last() == Some(&0) {
            self.digits.pop();
            self.exponent += 1;
        }
        if self.digits.is_empty() {
            (self.negative, self.exponent) = (false, 0);
        }
        self
    }
}

fn zero_if_empty(digits: &str) -> &str {
    if digits.is_empty() { "0" } else { digits }
}

/// Both with the smaller exponent.
fn align(a: Decimal, b: Decimal) -> std::result::Result<(Decimal, Decimal), &'static str> {
    let exponent = a.exponent.min(b.exponent);
    Ok((lowered(a, exponent)?, lowered(b, exponent)?))
}

fn lowered(mut decimal: Decimal, exponent: i32) -> Result {
    let zeros = usize::try_from(decimal.exponent.saturating_sub(exponent)).unwrap_or(0);
    if !decimal.digits.is_empty() {
        if zeros > MAX_DIGITS {
            return Err("decimal: the numbers lie too far apart");
        }
        decimal.digits.resize(decimal.digits.len() + zeros, 0);
    }
    decimal.exponent = exponent;
    Ok(decimal)
}

fn padded(digits: &[u8], length: usize) -> impl DoubleEndedIterator<Item = u8> + '_ {
    std::iter::repeat_n(0, length - digits.len()).chain(digits.iter().copied())
}

fn less(a: &[u8], b: &[u8]) -> bool {
    let length = a.len().max(b.len());
    padded(a, length).lt(padded(b, length))
}

fn add(a: &[u8], b: &[u8]) -> Vec<u8> {
    let length = a.len().max(b.len()) + 1;
    let mut carry = 0;
    let mut out: Vec<u8> = Vec::with_capacity(length);
    for (a, b) in padded(a, length).rev().zip(padded(b, length).rev()) {
        let sum = a + b + carry;
        out.push(sum % 10);
        carry = sum / 10;
    }
    out.reverse();
    out
}

/// `a - b` where `a` is not less.
fn subtract(a: &[u8], b: &[u8]) -> Vec<u8> {
    let length = a.len().max(b.len());
    let mut borrow = 0;
    let mut out: Vec<u8> = Vec::with_capacity(length);
    for (a, b) in padded(a, length).rev().zip(padded(b, length).rev()) {
        let difference = 10 + a - b - borrow;
        out.push(difference % 10);
        borrow = 1 - difference / 10;
    }
    out.reverse();
    out
}

fn multiply(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut out = vec![0_u32; a.len() + b.len()];
    for (i, x) in a.iter().rev().enumerate() {
        for (j, y) in b.iter().rev().enumerate() {
            out[i + j] += u32::from(*x) * u32::from(*y);
        }
    }
    let mut carry = 0;
    for digit in &mut out {
        let sum = *digit + carry;
        (*digit, carry) = (sum % 10, sum / 10);
    }
    out.iter().rev().map(|digit| u8::try_from(*digit).unwrap_or(0)).collect()
}

/// The whole part of `a / b`, digit by digit.
fn divide(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut rest: Vec<u8> = Vec::new();
    let mut out = Vec::with_capacity(a.len());
    for digit in a {
        rest.push(*digit);
        let mut times = 0;
        while !less(significant(&rest), significant(b)) {
            rest = subtract(significant(&rest), significant(b));
            times += 1;
        }
        out.push(times);
    }
    out
}

fn significant(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|digit| **digit == 0).count();
    &digits[zeros..]
}
