//! What a checkout does to a file's content on its way out of the repository (gitattributes(5)): keywords, line
//! ends, encodings. Done on reading, since there is no checkout.

use std::fmt::Write;
use std::sync::Arc;

use gix::ObjectId;

use super::objects::Reason;

/// What is done to a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Conversion {
    /// Line ends.
    pub(super) lines: Lines,
    /// `$Id$` becomes `$Id: <blob id> $`.
    pub(super) ident: bool,
    /// The encoding of the file outside the repository.
    pub(super) encoding: Encoding,
}

/// What is done to line ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Lines {
    /// Nothing.
    #[default]
    Kept,
    /// Every line ends in CR LF.
    Crlf,
    /// The same if the content looks like text and has no CR yet.
    CrlfIfText,
}

/// How text is encoded. Inside the repository it is UTF-8.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Encoding {
    /// UTF-8.
    #[default]
    Kept,
    /// UTF-16 or UTF-32: bytes of a unit, the order, whether a byte order mark comes first.
    Wide {
        /// Bytes of a unit: 2 or 4.
        unit: usize,
        /// The highest byte first.
        big: bool,
        /// Begin with a byte order mark.
        mark: bool,
    },
    /// One byte a character, up to this one: ASCII or ISO 8859-1.
    Narrow(char),
    /// Not one of these; its name.
    Unknown(Arc<str>),
}

impl Conversion {
    /// Whether the content stays as it is, whatever it is.
    pub(super) fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// What is done, as a text that differs wherever the result may.
    pub(super) fn describe(&self) -> String {
        format!("{self:?}")
    }

    /// The content as a checkout writes it; `id` is the blob's.
    pub(super) fn apply(&self, id: ObjectId, content: &[u8]) -> Result<Vec<u8>, Reason> {
        let mut content = if self.ident { expand_ident(id, content) } else { content.to_vec() };
        if self.lines.converts(&content) {
            content = to_crlf(&content);
        }
        self.encoding.encode(content)
    }
}

impl Lines {
    fn converts(self, content: &[u8]) -> bool {
        match self {
            Self::Kept => false,
            Self::Crlf => true,
            Self::CrlfIfText => !content.contains(&b'\r') && looks_like_text(content),
        }
    }
}

impl Encoding {
    /// The encoding git means by `name`, as iconv of glibc reads it. Others are not known here.
    pub(super) fn named(name: &str) -> Self {
        let wide = |unit, big, mark| Self::Wide { unit, big, mark };
        match name.to_ascii_uppercase().as_str() {
            "UTF-8" | "UTF8" => Self::Kept,
            // Without a named order: the machine's (little on everything this runs on), said by a mark.
            "UTF-16" | "UTF16" | "UTF-16LE-BOM" => wide(2, false, true),
            "UTF-16LE" => wide(2, false, false),
            "UTF-16BE" => wide(2, true, false),
            "UTF-32" | "UTF32" => wide(4, false, true),
            "UTF-32LE" => wide(4, false, false),
            "UTF-32BE" => wide(4, true, false),
            "ISO-8859-1" | "ISO8859-1" | "LATIN1" | "LATIN-1" => Self::Narrow('\u{ff}'),
            "US-ASCII" | "ASCII" => Self::Narrow('\u{7f}'),
            _ => Self::Unknown(Arc::from(name)),
        }
    }

    fn encode(&self, content: Vec<u8>) -> Result<Vec<u8>, Reason> {
        if *self == Self::Kept || content.is_empty() {
            return Ok(content);
        }
        let text = std::str::from_utf8(&content).map_err(|_| {
            Reason::refused("its .gitattributes give it an encoding, but it is not UTF-8 in the repository")
        })?;
        match self {
            Self::Wide { unit, big, mark } => Ok(encode_wide(text, *unit, *big, *mark)),
            Self::Narrow(last) => encode_narrow(text, *last),
            Self::Kept | Self::Unknown(_) => Err(self.unknown()),
        }
    }

    fn unknown(&self) -> Reason {
        let name = if let Self::Unknown(name) = self { name } else { "UTF-8" };
        Reason::refused(format!(
            "its .gitattributes give it the working-tree-encoding {name:?}, which is not supported; \
             UTF-8, UTF-16, UTF-32 and ISO-8859-1 are"
        ))
    }
}

fn encode_wide(text: &str, unit: usize, big: bool, mark: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() * unit);
    let mut put = |number: u32| match big {
        true => out.extend_from_slice(&number.to_be_bytes()[4 - unit..]),
        false => out.extend_from_slice(&number.to_le_bytes()[..unit]),
    };
    for char in mark.then_some('\u{feff}').into_iter().chain(text.chars()) {
        match unit {
            2 => char.encode_utf16(&mut [0; 2]).iter().for_each(|half| put(u32::from(*half))),
            _ => put(u32::from(char)),
        }
    }
    out
}

fn encode_narrow(text: &str, last: char) -> Result<Vec<u8>, Reason> {
    let byte = |char: char| u8::try_from(u32::from(char)).ok().filter(|_| char <= last);
    let all: Option<Vec<u8>> = text.chars().map(byte).collect();
    all.ok_or_else(|| {
        Reason::refused("it holds a character that the encoding its .gitattributes give it has not")
    })
}

/// Git's guess whether content is text: no NUL, no lone CR (ruled out before), and at most one byte in 128 that is
/// not printable. A Ctrl-Z at the very end, as DOS wrote it, does not count.
fn looks_like_text(content: &[u8]) -> bool {
    let content = content.strip_suffix(b"\x1a").unwrap_or(content);
    let ends = |byte: &u8| *byte == b'\n';
    let odd =
        |byte: &u8| *byte == 0x7f || (*byte < 0x20 && !matches!(byte, b'\x08' | b'\t' | b'\x1b' | b'\x0c'));
    let all = content.len() - content.iter().filter(|byte| ends(byte)).count();
    let odd = content.iter().filter(|byte| !ends(byte) && odd(byte)).count();
    !content.contains(&0) && (all - odd) >> 7 >= odd
}

/// LF becomes CR LF where there is no CR before it.
fn to_crlf(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len() + content.len() / 16);
    let mut before = 0;
    for &byte in content {
        if byte == b'\n' && before != b'\r' {
            out.push(b'\r');
        }
        out.push(byte);
        before = byte;
    }
    out
}

/// `$Id$` and `$Id: … $` become `$Id: <blob id> $`, except where the second is another system's keyword.
fn expand_ident(id: ObjectId, content: &[u8]) -> Vec<u8> {
    let mut keyword = String::new();
    let _ = write!(keyword, "$Id: {id} $");
    let mut out = Vec::with_capacity(content.len() + keyword.len());
    let mut rest = content;
    while let Some(at) = find(rest, b"$Id") {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        match keyword_length(rest) {
            Some(length) => {
                out.extend_from_slice(keyword.as_bytes());
                rest = &rest[length..];
            }
            None => {
                out.extend_from_slice(&rest[..3]);
                rest = &rest[3..];
            }
        }
    }
    out.extend_from_slice(rest);
    out
}

/// The length of the keyword that `text` begins with, if it is one of ours.
fn keyword_length(text: &[u8]) -> Option<usize> {
    match text.get(3)? {
        b'$' => Some(4),
        b':' => {
            let end = 4 + text[4..].iter().position(|byte| matches!(byte, b'$' | b'\n'))?;
            // A blank inside, other than before the closing dollar, is how other systems write theirs.
            let inner = text.get(5..end.saturating_sub(1)).unwrap_or_default();
            (text[end] == b'$' && !inner.contains(&b' ')).then_some(end + 1)
        }
        _ => None,
    }
}

fn find(content: &[u8], wanted: &[u8]) -> Option<usize> {
    content.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> ObjectId {
        ObjectId::from([0xab; 20])
    }

    fn ident(text: &str) -> String {
        String::from_utf8(expand_ident(id(), text.as_bytes())).unwrap()
    }

    #[test]
    fn keywords_are_expanded() {
        let full = format!("$Id: {} $", "ab".repeat(20));
        assert_eq!(ident("a $Id$ b $Id$"), format!("a {full} b {full}"));
        assert_eq!(ident("$Id: old $"), full);
        for kept in ["$Id: x.c 1.2 2020 $", "$Id: open\n$", "$Identity$", "$Id", "$Id:", "$ID$"] {
            assert_eq!(ident(kept), kept);
        }
    }

    #[test]
    fn lines_end_in_crlf_once() {
        assert_eq!(to_crlf(b"a\nb\r\n\n"), b"a\r\nb\r\n\r\n");
        assert!(Lines::CrlfIfText.converts(b"a\n"));
        assert!(!Lines::CrlfIfText.converts(b"a\r\nb\n"));
        assert!(!Lines::CrlfIfText.converts(b"a\0\n"));
        assert!(!Lines::CrlfIfText.converts(b"a\x01\n"));
        assert!(Lines::CrlfIfText.converts(b"a\n\x1a"));
    }

    #[test]
    fn text_is_encoded() {
        let encode = |name: &str, text: &str| Encoding::named(name).encode(text.into());
        assert_eq!(encode("utf-16", "é").unwrap(), b"\xff\xfe\xe9\0");
        assert_eq!(encode("UTF-16BE", "a😀").unwrap(), b"\0a\xd8\x3d\xde\0");
        assert_eq!(encode("UTF-32LE", "a").unwrap(), b"a\0\0\0");
        assert_eq!(encode("latin1", "é").unwrap(), b"\xe9");
        assert_eq!(encode("UTF-16", "").unwrap(), b"");
        let why =
            |name: &str, text: &str| encode(name, text).unwrap_err().at(&tree::TreePath::root()).to_string();
        assert!(why("ASCII", "é").contains("character"));
        assert!(why("KOI8-R", "a").contains("not supported"));
        assert!(Encoding::named("UTF-16").encode(vec![0xff]).is_err());
    }

    #[test]
    fn what_differs_is_described_differently() {
        let described =
            |lines, ident, name| Conversion { lines, ident, encoding: Encoding::named(name) }.describe();
        let all = [
            described(Lines::Kept, false, "UTF-8"),
            described(Lines::Crlf, false, "UTF-8"),
            described(Lines::CrlfIfText, false, "UTF-8"),
            described(Lines::Kept, true, "UTF-8"),
            described(Lines::Kept, false, "UTF-16LE"),
            described(Lines::Kept, false, "UTF-16BE"),
            described(Lines::Kept, false, "X"),
            described(Lines::Kept, false, "Y"),
        ];
        assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), all.len());
    }
}
