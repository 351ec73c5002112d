//! Where a version ends in a text. Versions and constraints share all but the characters of their numbers.

/// What a number of a version may be made of.
#[derive(Clone, Copy)]
pub(crate) enum Numbers {
    /// Digits.
    Digits,
    /// Digits and wildcards; the Go library's set happens to hold `|` too.
    Wild,
}

impl Numbers {
    fn holds(self, byte: u8) -> bool {
        byte.is_ascii_digit() || matches!(self, Self::Wild) && matches!(byte, b'x' | b'X' | b'*' | b'|')
    }
}

/// The pieces of a version at the beginning of a text; missing ones are empty.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pieces<'a> {
    pub(crate) major: &'a str,
    pub(crate) minor: &'a str,
    pub(crate) patch: &'a str,
    pub(crate) pre: &'a str,
    pub(crate) metadata: &'a str,
}

/// The longest version at the beginning of `text`, and what is behind it: `v?1(.2)?(.3)?(-pre)?(+meta)?`.
pub(crate) fn version(text: &str, numbers: Numbers) -> Option<(Pieces<'_>, &str)> {
    let rest = text.strip_prefix('v').unwrap_or(text);
    let (major, rest) = run(rest, |byte| numbers.holds(byte))?;
    let (minor, rest) = dotted(rest, numbers);
    let (patch, rest) = dotted(rest, numbers);
    let (pre, rest) = behind(rest, '-');
    let (metadata, rest) = behind(rest, '+');
    Some((Pieces { major, minor, patch, pre, metadata }, rest))
}

/// The longest run of bytes, if it is not empty, and the rest.
fn run(text: &str, holds: impl Fn(u8) -> bool) -> Option<(&str, &str)> {
    let end = text.bytes().position(|byte| !holds(byte)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

fn dotted(text: &str, numbers: Numbers) -> (&str, &str) {
    text.strip_prefix('.').and_then(|rest| run(rest, |byte| numbers.holds(byte))).unwrap_or(("", text))
}

/// Identifiers with dots between, behind `mark`.
fn behind(text: &str, mark: char) -> (&str, &str) {
    text.strip_prefix(mark).and_then(identifiers).unwrap_or(("", text))
}

fn identifiers(text: &str) -> Option<(&str, &str)> {
    let (_, mut rest) = run(text, identifier)?;
    while let Some((_, next)) = rest.strip_prefix('.').and_then(|next| run(next, identifier)) {
        rest = next;
    }
    Some(text.split_at(text.len() - rest.len()))
}

/// Whether an identifier of a pre-release or of build metadata may hold the byte.
pub(crate) fn identifier(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

/// What the Go library's regular expressions take for white space.
pub(crate) fn space(char: char) -> bool {
    matches!(char, ' ' | '\t' | '\n' | '\r' | '\x0c')
}
