//! Versions: read loosely or strictly, compared, printed in normal form.

use std::cmp::Ordering;
use std::fmt;

use crate::Error;
use crate::scan::{Numbers, Pieces, identifier, version};

const MAX_BYTES: usize = 256;

/// A semantic version. Ordered as semver 2.0 orders: build metadata counts for nothing, also not for equality.
#[derive(Clone, Debug)]
pub struct Version {
    /// The first number.
    pub major: u64,
    /// The second number.
    pub minor: u64,
    /// The third number.
    pub patch: u64,
    /// What stands behind `-`; empty when nothing does.
    pub pre: String,
    /// What stands behind `+`; empty when nothing does.
    pub metadata: String,
    original: String,
}

impl Version {
    /// Reads a version loosely: with or without `v`, minor and patch may be missing, numbers may begin with 0.
    ///
    /// # Errors
    /// [`Error`], in the words of the Go library's `NewVersion`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_BYTES {
            return Err(Error::TooLong);
        }
        match version(text, Numbers::Digits) {
            Some((pieces, "")) => Self::from_pieces(text, pieces),
            _ => Err(Error::Invalid),
        }
    }

    fn from_pieces(text: &str, pieces: Pieces<'_>) -> Result<Self, Error> {
        let version = Self {
            major: loose_number(pieces.major)?,
            minor: loose_number(pieces.minor)?,
            patch: loose_number(pieces.patch)?,
            pre: pieces.pre.to_owned(),
            metadata: pieces.metadata.to_owned(),
            original: text.to_owned(),
        };
        if !version.pre.is_empty() {
            check_pre(&version.pre)?;
        }
        Ok(version)
    }

    /// Reads a version that is one to the letter of semver 2.0.
    ///
    /// # Errors
    /// [`Error`], in the words of the Go library's `StrictNewVersion`.
    pub fn parse_strict(text: &str) -> Result<Self, Error> {
        match text.len() {
            0 => return Err(Error::Empty),
            len if len > MAX_BYTES => return Err(Error::TooLong),
            _ => {}
        }
        let mut parts = text.splitn(3, '.');
        let (Some(major), Some(minor), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Error::Invalid);
        };
        let (rest, metadata) = cut(rest, '+', check_metadata)?;
        let (patch, pre) = cut(rest, '-', check_pre)?;
        [major, minor, patch].into_iter().try_for_each(check_number)?;
        Ok(Self {
            major: number(major, true)?,
            minor: number(minor, true)?,
            patch: number(patch, true)?,
            pre: pre.to_owned(),
            metadata: metadata.to_owned(),
            original: text.to_owned(),
        })
    }

    /// The text it was read from.
    #[must_use]
    pub fn original(&self) -> &str {
        &self.original
    }
}

/// What stands before and behind `mark`; behind is checked if the mark is there.
fn cut(text: &str, mark: char, check: fn(&str) -> Result<(), Error>) -> Result<(&str, &str), Error> {
    let Some((before, behind)) = text.split_once(mark) else { return Ok((text, "")) };
    check(behind)?;
    Ok((before, behind))
}

fn loose_number(text: &str) -> Result<u64, Error> {
    if text.is_empty() { Ok(0) } else { number(text, false) }
}

fn number(text: &str, strict: bool) -> Result<u64, Error> {
    text.parse().map_err(|_| Error::Number { text: text.to_owned(), strict })
}

fn check_number(text: &str) -> Result<(), Error> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::Characters);
    }
    if text.len() > 1 && text.starts_with('0') { Err(Error::LeadingZero) } else { Ok(()) }
}

fn check_pre(text: &str) -> Result<(), Error> {
    text.split('.').try_for_each(|part| {
        if part.is_empty() || !part.bytes().all(identifier) {
            return Err(Error::Prerelease);
        }
        let number = part.bytes().all(|byte| byte.is_ascii_digit());
        if number && part.len() > 1 && part.starts_with('0') { Err(Error::LeadingZero) } else { Ok(()) }
    })
}

fn check_metadata(text: &str) -> Result<(), Error> {
    let good = |part: &str| !part.is_empty() && part.bytes().all(identifier);
    if text.split('.').all(good) { Ok(()) } else { Err(Error::Metadata) }
}

impl fmt::Display for Version {
    /// The normal form: three numbers, no `v`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.pre.is_empty() {
            write!(f, "-{}", self.pre)?;
        }
        if !self.metadata.is_empty() {
            write!(f, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let numbers = |version: &Self| (version.major, version.minor, version.patch);
        numbers(self).cmp(&numbers(other)).then_with(|| compare_pre(&self.pre, &other.pre))
    }
}

/// Compares pre-releases; a release is above all of them.
pub(crate) fn compare_pre(left: &str, right: &str) -> Ordering {
    match (left.is_empty(), right.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let (mut left, mut right) = (left.split('.'), right.split('.'));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (left, right) => compare_part(left.unwrap_or(""), right.unwrap_or("")),
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// Numbers are below words, and a missing part is below all; numbers beyond 64 bits count as words.
fn compare_part(left: &str, right: &str) -> Ordering {
    if left.is_empty() || right.is_empty() {
        return left.len().cmp(&right.len());
    }
    match (left.parse::<u64>(), right.parse::<u64>()) {
        (Ok(left), Ok(right)) => left.cmp(&right),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Err(_), Err(_)) => left.cmp(right),
    }
}
