//! Names and link texts as text, also those that are not UTF-8.
//!
//! A byte that belongs to no UTF-8 character is written as one of the last 128 characters there are, U+10FF80 to U+10FFFF,
//! which nothing uses. A name that really holds such a character has each of its bytes written so; every name has one
//! text and every text of a name leads back to it.

use std::borrow::Cow;
use std::fmt::{self, Write};

/// What is added to a byte that is no part of a character.
const OFFSET: u32 = 0x0010_FF00;

/// A name or the text of a link, from its bytes.
#[must_use]
pub fn name_from_bytes(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(|c| byte_of(c).is_some()) => Cow::Borrowed(text),
        _ => Cow::Owned(escaped(bytes)),
    }
}

/// The bytes of a name or a link that [`name_from_bytes`] gave as text.
#[must_use]
pub fn name_to_bytes(name: &str) -> Cow<'_, [u8]> {
    if !name.chars().any(|c| byte_of(c).is_some()) {
        return Cow::Borrowed(name.as_bytes());
    }
    let mut bytes = Vec::with_capacity(name.len());
    for c in name.chars() {
        match byte_of(c) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Cow::Owned(bytes)
}

/// Writes a name for people: bytes that are no part of a character as `\xE9`.
pub(crate) fn show(name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for c in name.chars() {
        match byte_of(c) {
            Some(byte) => write!(f, "\\x{byte:02X}")?,
            None => f.write_char(c)?,
        }
    }
    Ok(())
}

fn escaped(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + 8);
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match byte_of(c) {
                Some(_) => text.extend(c.encode_utf8(&mut [0; 4]).bytes().map(char_of)),
                None => text.push(c),
            }
        }
        text.extend(chunk.invalid().iter().copied().map(char_of));
    }
    text
}

/// The character that stands for a byte, which is never ASCII.
fn char_of(byte: u8) -> char {
    char::from_u32(OFFSET + u32::from(byte)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// The byte that a character stands for.
fn byte_of(c: char) -> Option<u8> {
    let byte = u32::from(c).checked_sub(OFFSET).and_then(|byte| u8::try_from(byte).ok())?;
    (!byte.is_ascii()).then_some(byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TreePath;

    #[test]
    fn every_name_leads_back_to_its_bytes() {
        let names: [&[u8]; 8] = [
            b"plain.yaml",
            "caf\u{e9}.yaml".as_bytes(),
            b"caf\xe9.yaml",
            b"\xff\xfe\x80",
            b"a\xc3",
            "\u{10FFE9}".as_bytes(),
            "x\u{10FFFF}\u{10FF7F}".as_bytes(),
            b"\xf4\x8f\xbf",
        ];
        for name in names {
            assert_eq!(*name_to_bytes(&name_from_bytes(name)), *name, "{name:?}");
        }
        for (at, name) in names.iter().enumerate() {
            for other in &names[at + 1..] {
                assert_ne!(name_from_bytes(name), name_from_bytes(other));
            }
        }
    }

    #[test]
    fn names_that_are_text_stay_as_they_are() {
        assert!(matches!(name_from_bytes("caf\u{e9}".as_bytes()), Cow::Borrowed("caf\u{e9}")));
        assert!(matches!(name_to_bytes("caf\u{e9}"), Cow::Borrowed(_)));
    }

    #[test]
    fn paths_show_bytes_that_are_no_text() {
        let path = TreePath::root().child("charts").child(&name_from_bytes(b"caf\xe9.yaml"));
        assert_eq!(path.to_string(), "charts/caf\\xE9.yaml");
        assert_eq!(path, TreePath::parse(path.as_str()).unwrap());
    }
}
