//! Why a text is not a pattern.

use std::fmt;

/// Why a text is not a pattern. Positions are byte offsets from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// A `[…]` class that is empty, unfinished, or runs backwards.
    Class {
        /// Where the class begins.
        at: usize,
    },
    /// A `{` without its `}`, or a `}` without its `{`.
    Braces {
        /// Where the brace stands.
        at: usize,
    },
    /// A backslash with nothing after it.
    Escape,
    /// A character no pattern may hold: NUL, or U+FFFD in gobwas patterns.
    Character {
        /// Where it stands.
        at: usize,
    },
    /// Longer than [`crate::MAX_PATTERN`].
    TooLong,
    /// Groups nested deeper than [`crate::MAX_NESTING`].
    TooDeep,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Class { at } => {
                write!(f, "syntax error in pattern: the [...] at byte {at} is not a class of characters")
            }
            Self::Braces { at } => {
                write!(f, "syntax error in pattern: the brace at byte {at} has no partner")
            }
            Self::Escape => f.write_str("syntax error in pattern: it ends in a backslash"),
            Self::Character { at } => write!(f, "syntax error in pattern: forbidden character at byte {at}"),
            Self::TooLong => write!(f, "the pattern is longer than {} bytes", crate::MAX_PATTERN),
            Self::TooDeep => write!(f, "the pattern nests {{...}} deeper than {}", crate::MAX_NESTING),
        }
    }
}

impl std::error::Error for Error {}

/// What holds for every pattern language: a bounded length and no NUL.
pub(crate) fn check(text: &str) -> Result<(), Error> {
    if text.len() > crate::MAX_PATTERN {
        return Err(Error::TooLong);
    }
    text.find('\0').map_or(Ok(()), |at| Err(Error::Character { at }))
}
