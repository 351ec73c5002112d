//! Bytes in, checked text out: byte order marks, UTF-16, invalid UTF-8 and control characters.
//!
//! go-yaml checks characters in blocks of 512 bytes while it reads, so a bad character is reported only when
//! the scanner comes near it, and before any mistake in the same block. [`Source`] keeps the good part
//! and the fault; the scanner asks [`Source::barrier`] how far it may go.

use std::borrow::Cow;

use budget::Exhausted;

use crate::bytes::find;
use crate::error::{Error, Fault, Layer, Mark};
use crate::limits::Limits;

/// The block size in which go-yaml decodes its input.
const BLOCK: usize = 512;

/// Decoded text of one input, ready to be scanned.
pub struct Source<'a> {
    text: Cow<'a, str>,
    fault: Option<BadCharacter>,
}

/// The first character that may not be in a YAML stream.
struct BadCharacter {
    /// Length of the good text before it.
    at: usize,
    problem: &'static str,
}

impl<'a> Source<'a> {
    /// Decodes `bytes` (UTF-8, or UTF-16 with a byte order mark).
    ///
    /// # Errors
    /// Only when the input is larger than the limit, or its text than the thread's budget; bad characters surface while scanning.
    pub fn new(bytes: &'a [u8], limits: &Limits) -> Result<Self, Error> {
        let most = limits.bytes.min(u32::MAX as usize - 1);
        if bytes.len() > most {
            let text =
                format!("yaml: document of {} bytes is larger than the limit of {most} bytes", bytes.len());
            return Err(Error::limit(text, None));
        }
        match bytes {
            [0xEF, 0xBB, 0xBF, rest @ ..] => Ok(Self::utf8(rest)),
            [0xFF, 0xFE, rest @ ..] => Ok(Self::utf16(rest, u16::from_le_bytes)?),
            [0xFE, 0xFF, rest @ ..] => Ok(Self::utf16(rest, u16::from_be_bytes)?),
            _ => Ok(Self::utf8(bytes)),
        }
    }

    /// The good text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The offset from which a scanner has to report [`Source::fault`] instead of what it sees.
    pub(crate) fn barrier(&self) -> usize {
        match &self.fault {
            None => usize::MAX,
            // That something is missing shows only at the end.
            Some(bad) if bad.problem.starts_with("incomplete") => bad.at,
            Some(bad) => bad.at / BLOCK * BLOCK,
        }
    }

    /// The fault of the reader, once the scanner has come to the barrier.
    pub(crate) fn fault(&self) -> Option<Fault> {
        let bad = self.fault.as_ref()?;
        let before = &self.text.as_bytes()[..bad.at];
        let line_start = before.iter().rposition(|&b| b == b'\n').map_or(0, |i| i + 1);
        let line = before.iter().filter(|&&b| b == b'\n').count();
        let column = self.text[line_start..bad.at].chars().count();
        let at = Mark { pos: bad.at as u32, line: line as u32, column: column as u32 };
        Some(Fault { layer: Layer::Reader, context: None, at, problem: bad.problem.to_owned(), limit: false })
    }

    fn utf8(bytes: &'a [u8]) -> Self {
        let (text, invalid) = match std::str::from_utf8(bytes) {
            Ok(text) => (text, None),
            Err(e) => {
                let (good, bad) = bytes.split_at(e.valid_up_to());
                (
                    std::str::from_utf8(good).expect("valid_up_to is a boundary of valid text"),
                    Some(utf8_problem(bad)),
                )
            }
        };
        let fault = match first_control(text) {
            Some(at) => Some(BadCharacter { at, problem: "control characters are not allowed" }),
            None => invalid.map(|problem| BadCharacter { at: text.len(), problem }),
        };
        Self::cut(Cow::Borrowed(text), fault)
    }

    fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<Self, Exhausted> {
        // Two bytes become three at most.
        budget::charge(bytes.len() / 2 * 3)?;
        let mut text = String::with_capacity(bytes.len());
        let (pairs, odd) = bytes.as_chunks::<2>();
        let mut problem = None;
        let mut units = pairs.iter().map(|&pair| unit(pair)).peekable();
        while let Some(first) = units.next() {
            budget::work(2)?;
            match utf16_character(first, || units.next()) {
                Ok(c) => text.push(c),
                Err(e) => {
                    problem = Some(e);
                    break;
                }
            }
        }
        if problem.is_none() && !odd.is_empty() {
            problem = Some("incomplete UTF-16 character");
        }
        let fault = match first_control(&text) {
            Some(at) => Some(BadCharacter { at, problem: "control characters are not allowed" }),
            None => problem.map(|problem| BadCharacter { at: text.len(), problem }),
        };
        Ok(Self::cut(Cow::Owned(text), fault))
    }

    fn cut(text: Cow<'a, str>, fault: Option<BadCharacter>) -> Self {
        let text = match (&fault, text) {
            (Some(bad), Cow::Borrowed(text)) => Cow::Borrowed(&text[..bad.at]),
            (Some(bad), Cow::Owned(mut text)) => {
                text.truncate(bad.at);
                Cow::Owned(text)
            }
            (None, text) => text,
        };
        Self { text, fault }
    }
}

/// One character of UTF-16, taking the second half of a pair from `next`.
fn utf16_character(first: u16, next: impl FnOnce() -> Option<u16>) -> Result<char, &'static str> {
    if first & 0xFC00 == 0xDC00 {
        return Err("unexpected low surrogate area");
    }
    if first & 0xFC00 != 0xD800 {
        return char::from_u32(u32::from(first)).ok_or("unexpected low surrogate area");
    }
    let second = next().ok_or("incomplete UTF-16 surrogate pair")?;
    if second & 0xFC00 != 0xDC00 {
        return Err("expected low surrogate area");
    }
    let value = 0x10000 + (u32::from(first & 0x3FF) << 10) + u32::from(second & 0x3FF);
    char::from_u32(value).ok_or("expected low surrogate area")
}

/// What go-yaml says about the bytes at which UTF-8 stops being valid.
fn utf8_problem(bad: &[u8]) -> &'static str {
    let width = match bad[0] {
        0xC0..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF7 => 4,
        _ => return "invalid leading UTF-8 octet",
    };
    if bad.len() < width {
        return "incomplete UTF-8 octet sequence";
    }
    if bad[1..width].iter().any(|b| b & 0xC0 != 0x80) {
        return "invalid trailing UTF-8 octet";
    }
    let lead = u32::from(bad[0]) & (0x7F >> width);
    let value = bad[1..width].iter().fold(lead, |v, b| (v << 6) | u32::from(b & 0x3F));
    match (width, value) {
        (2, 0..0x80) | (3, 0..0x800) | (4, 0..0x10000) => "invalid length of a UTF-8 sequence",
        _ => "invalid Unicode character",
    }
}

/// The offset of the first character that YAML 1.1 does not allow in a stream.
fn first_control(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = find(bytes, 0, is_suspect);
    while at < bytes.len() {
        let c = text[at..].chars().next().expect("a suspect byte starts a character");
        if !allowed(c) {
            return Some(at);
        }
        at = find(bytes, at + c.len_utf8(), is_suspect);
    }
    None
}

/// Whether a byte may begin a character that is not allowed.
fn is_suspect(b: u8) -> bool {
    ((b < 0x20) & (b != b'\t') & (b != b'\n') & (b != b'\r')) | (b == 0x7F) | (b == 0xC2) | (b == 0xEF)
}

fn allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{A0}'..='\u{FFFD}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(bytes: &[u8]) -> Option<&'static str> {
        Source::new(bytes, &Limits::default()).unwrap().fault.map(|bad| bad.problem)
    }

    #[test]
    fn bad_characters_are_named_as_go_names_them() {
        assert_eq!(problem("a: ü\t\u{85}\u{A0}\u{FEFF}😀".as_bytes()), None);
        for text in ["a\u{7}", "a\u{7f}", "a\u{80}", "a\u{9f}", "a\u{fffe}", "a\0"] {
            assert_eq!(problem(text.as_bytes()), Some("control characters are not allowed"), "{text:?}");
        }
        assert_eq!(problem(b"a\xff"), Some("invalid leading UTF-8 octet"));
        assert_eq!(problem(b"a\xe2\x82"), Some("incomplete UTF-8 octet sequence"));
        assert_eq!(problem(b"a\xe2\x82a"), Some("invalid trailing UTF-8 octet"));
        assert_eq!(problem(b"a\xc0\x80"), Some("invalid length of a UTF-8 sequence"));
        assert_eq!(problem(b"a\xed\xa0\x80"), Some("invalid Unicode character"));
    }

    #[test]
    fn utf16_is_decoded_by_its_mark() {
        let source = Source::new(b"\xff\xfea\x00:\x00 \x00\x3d\xd8\x00\xde", &Limits::default()).unwrap();
        assert_eq!(source.text(), "a: 😀");
        let source = Source::new(b"\xfe\xff\x00a", &Limits::default()).unwrap();
        assert_eq!(source.text(), "a");
        assert_eq!(problem(b"\xfe\xff\xdc\x00"), Some("unexpected low surrogate area"));
        assert_eq!(problem(b"\xfe\xff\xd8\x00\x00a"), Some("expected low surrogate area"));
        assert_eq!(problem(b"\xfe\xff\xd8\x00"), Some("incomplete UTF-16 surrogate pair"));
        assert_eq!(problem(b"\xfe\xff\x00"), Some("incomplete UTF-16 character"));
    }

    #[test]
    fn size_is_a_budget() {
        let tiny = Limits { bytes: 3, ..Limits::default() };
        let error = Source::new(b"abcd", &tiny).err().unwrap();
        assert!(error.is_limit());
    }
}
