//! From a file's bytes to text, and from a place in the text to what an error shows.

use std::borrow::Cow;

use tree::TreePath;

use crate::error::Place;
use crate::render::names_secret;

/// The longest line shown in a picture, in characters; longer ones are left out.
const MAX_LINE: usize = 500;

/// A file's text in UTF-8.
pub(super) struct Text<'a> {
    pub bytes: Cow<'a, [u8]>,
    /// Some of the file's bytes were no text and became U+FFFD.
    pub damaged: bool,
}

impl<'a> Text<'a> {
    /// Decodes as Argo CD does (utfutil, default UTF-8): a byte order mark decides between UTF-8 and UTF-16, what
    /// cannot be decoded becomes U+FFFD.
    pub(super) fn decode(bytes: &'a [u8]) -> Self {
        match bytes {
            [0xFF, 0xFE, rest @ ..] => Self::utf16(rest, u16::from_le_bytes),
            [0xFE, 0xFF, rest @ ..] => Self::utf16(rest, u16::from_be_bytes),
            [0xEF, 0xBB, 0xBF, rest @ ..] => Self::utf8(rest),
            _ => Self::utf8(bytes),
        }
    }

    fn utf8(bytes: &'a [u8]) -> Self {
        match String::from_utf8_lossy(bytes) {
            Cow::Borrowed(_) => Self { bytes: Cow::Borrowed(bytes), damaged: false },
            Cow::Owned(text) => Self { bytes: Cow::Owned(text.into_bytes()), damaged: true },
        }
    }

    fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Self {
        let (pairs, odd) = bytes.as_chunks::<2>();
        let mut damaged = !odd.is_empty();
        let text: String = char::decode_utf16(pairs.iter().map(|&pair| unit(pair)))
            .map(|found| {
                found.unwrap_or_else(|_| {
                    damaged = true;
                    char::REPLACEMENT_CHARACTER
                })
            })
            .collect();
        Self { bytes: Cow::Owned(text.into_bytes()), damaged }
    }

    /// Whether the text holds `word`, which is not empty.
    pub(super) fn contains(&self, word: &str) -> bool {
        let word = word.as_bytes();
        let mut rest = &*self.bytes;
        while let Some(at) = rest.iter().position(|byte| *byte == word[0]) {
            rest = &rest[at..];
            if rest.starts_with(word) {
                return true;
            }
            rest = &rest[1..];
        }
        false
    }

    /// Whether errors may show none of the text: some `kind` in it is that of a secret.
    pub(super) fn is_confidential(&self) -> bool {
        let after_kind =
            self.bytes.windows(4).enumerate().filter(|(_, word)| word == b"kind").map(|(at, _)| at + 4);
        after_kind
            .map(|at| first_word(&self.bytes[at..]))
            .any(|word| word.windows(6).any(|part| part == b"Secret"))
    }

    /// The place for an error, with the line unless it may be confidential.
    pub(super) fn place(&self, file: &TreePath, line: u32, column: u32) -> Place {
        let text = self.line(line).filter(|text| !self.is_confidential() && !names_secret(text));
        Place { file: file.to_string().into(), line, column, text: text.unwrap_or_default().into() }
    }

    fn line(&self, number: u32) -> Option<String> {
        let index = usize::try_from(number.checked_sub(1)?).ok()?;
        let line = self.bytes.split(|&byte| byte == b'\n').nth(index)?;
        let line = String::from_utf8_lossy(line);
        (line.chars().count() <= MAX_LINE).then(|| line.trim_end_matches('\r').to_owned())
    }
}

/// The value behind a key: `: Secret`, `": "Secret"`.
fn first_word(after: &[u8]) -> &[u8] {
    let start = after
        .iter()
        .position(|byte| !matches!(byte, b' ' | b'\t' | b'"' | b'\'' | b':'))
        .unwrap_or(after.len());
    let word = &after[start..];
    &word[..word.iter().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(word.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8]) -> (String, bool) {
        let text = Text::decode(bytes);
        (String::from_utf8(text.bytes.into_owned()).unwrap(), text.damaged)
    }

    #[test]
    fn the_byte_order_mark_decides() {
        assert_eq!(decoded(b"a\xc3\xbc"), ("aü".into(), false));
        assert_eq!(decoded(b"\xef\xbb\xbfa"), ("a".into(), false));
        assert_eq!(decoded(b"\xff\xfea\0\x3d\xd8\x00\xde"), ("a😀".into(), false));
        assert_eq!(decoded(b"\xfe\xff\0a"), ("a".into(), false));
        assert_eq!(decoded(b"a\xff"), ("a\u{fffd}".into(), true));
        assert_eq!(decoded(b"\xfe\xff\xdc\x00\0"), ("\u{fffd}".into(), true));
    }

    #[test]
    fn a_place_shows_its_line_unless_it_may_be_a_secret() {
        let file = TreePath::parse("a.yaml").unwrap();
        let text = Text::decode(b"x: 1\r\ny: 2\n");
        assert_eq!(&*text.place(&file, 1, 1).text, "x: 1");
        assert_eq!(&*text.place(&file, 0, 0).text, "");
        assert_eq!(&*text.place(&file, 9, 1).text, "");
        for secret in [
            "a: 1\nkind: Secret\n",
            "a: 1\nkind: 'SecretList'",
            "a: 1\n{\"kind\":\"SealedSecret\"}",
            "a-token: 1\n",
        ] {
            assert_eq!(&*Text::decode(secret.as_bytes()).place(&file, 1, 1).text, "", "{secret}");
        }
        let uses = Text::decode(b"kind: Pod\nspec: {imagePullSecrets: []}\n");
        assert_eq!(&*uses.place(&file, 1, 1).text, "kind: Pod");
    }
}
