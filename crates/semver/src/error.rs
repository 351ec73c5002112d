//! Why a text is no version or constraint, in the words of the Go library, which helm shows to its users.

use std::fmt;

/// Why a text is no version or constraint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not a version at all.
    #[error("invalid semantic version")]
    Invalid,
    /// Nothing, where a strict version is wanted.
    #[error("version string empty")]
    Empty,
    /// Longer than 256 bytes.
    #[error("version string is too long (max 256 bytes)")]
    TooLong,
    /// Something else than digits in major, minor or patch of a strict version.
    #[error("invalid characters in version")]
    Characters,
    /// A number that begins with 0 where that is not allowed.
    #[error("version segment starts with 0")]
    LeadingZero,
    /// A pre-release with an empty part or forbidden characters.
    #[error("invalid prerelease string")]
    Prerelease,
    /// Build metadata with an empty part or forbidden characters.
    #[error("invalid metadata string")]
    Metadata,
    /// A number that is empty or beyond 64 bits.
    #[error("{}strconv.ParseUint: parsing {}: {}", if *.strict { "" } else { "error parsing version segment: " },
        Quoted(.text), if .text.is_empty() { "invalid syntax" } else { "value out of range" })]
    Number {
        /// The number as it was written.
        text: String,
        /// Whether a strict version was wanted.
        strict: bool,
    },
    /// Not a constraint. Holds the part between `||`, hyphen ranges already rewritten.
    #[error("improper constraint: {}", Quoted(.0))]
    Constraint(String),
    /// It looks like a constraint, but its version is none.
    #[error("constraint parser error")]
    ConstraintVersion,
    /// Longer than 512 bytes.
    #[error("constraint string is too long (max 512 bytes)")]
    ConstraintTooLong,
    /// More than 32 alternatives.
    #[error("too many constraint groups (max 32)")]
    TooManyGroups,
}

/// A text in Go's quotes (`%q`).
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        self.0.chars().try_for_each(|char| quote(f, char))?;
        f.write_str("\"")
    }
}

fn quote(f: &mut fmt::Formatter<'_>, char: char) -> fmt::Result {
    match char {
        '"' | '\\' => write!(f, "\\{char}"),
        '\x07' => f.write_str("\\a"),
        '\x08' => f.write_str("\\b"),
        '\x0b' => f.write_str("\\v"),
        '\x0c' => f.write_str("\\f"),
        '\n' => f.write_str("\\n"),
        '\r' => f.write_str("\\r"),
        '\t' => f.write_str("\\t"),
        char if char.is_ascii_control() => write!(f, "\\x{:02x}", u32::from(char)),
        char if char.is_control() => write!(f, "\\u{:04x}", u32::from(char)),
        char => write!(f, "{char}"),
    }
}
