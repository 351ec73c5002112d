//! Stands in for `lanes.rs` on processors that cannot have its instructions.

use std::convert::Infallible;

use openssl::bn::BigNum;
use openssl::error::ErrorStack;

/// How many numbers a thread takes at once.
pub(crate) const WIDTH: usize = 8;

/// There are none here.
pub(crate) struct Lanes(Infallible);

impl Lanes {
    /// `None`, always.
    pub(crate) fn for_bits(_bits: usize) -> Option<Self> {
        None
    }

    /// Cannot be called, since there is nothing to call it on.
    pub(crate) fn may_be_prime(
        &self,
        _numbers: &[BigNum],
        _unwanted: impl Fn() -> bool,
    ) -> Result<[bool; WIDTH], ErrorStack> {
        match self.0 {}
    }
}
