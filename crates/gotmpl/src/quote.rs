//! Go's quoting: `strconv.Quote` (the verb `%q`) and `strconv.Unquote`.

use std::fmt::Write;

use crate::text::TextBuffer;

/// How many bytes of a text errors quote.
const MAX_SHOWN: usize = 64 << 10;

/// `strconv.Quote`: printable text as it is, the rest escaped, invalid UTF-8 as `\xff`.
#[must_use]
pub fn quoted(text: &[u8]) -> String {
    quote_with(text, '"', false)
}

/// The same for an error: of a text that is very long only the beginning.
#[must_use]
pub fn excerpt(text: &[u8]) -> String {
    match text.get(..MAX_SHOWN) {
        Some(beginning) => format!("{}...", quoted(beginning)),
        None => quoted(text),
    }
}

/// Writes `strconv.Quote`, or `strconv.QuoteToASCII`.
pub fn put_quoted(text: &[u8], ascii: bool, out: &mut TextBuffer<'_>) {
    // What is wrong is said at the end of the text that is made.
    let _ = write_quoted(text, '"', ascii, out);
}

/// `strconv.QuoteRune`, or `QuoteRuneToASCII`.
#[must_use]
pub fn quoted_char(c: char, ascii: bool) -> String {
    quote_with(c.encode_utf8(&mut [0; 4]).as_bytes(), '\'', ascii)
}

fn quote_with(text: &[u8], quote: char, ascii: bool) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    // A string takes everything.
    let _ = write_quoted(text, quote, ascii, &mut out);
    out
}

fn write_quoted(text: &[u8], quote: char, ascii: bool, out: &mut impl Write) -> std::fmt::Result {
    out.write_char(quote)?;
    for chunk in text.utf8_chunks() {
        write_escaped(chunk.valid(), quote, ascii, out)?;
        for byte in chunk.invalid() {
            write!(out, "\\x{byte:02x}")?;
        }
    }
    out.write_char(quote)
}

/// Runs that need no escapes are written in one piece.
fn write_escaped(text: &str, quote: char, ascii: bool, out: &mut impl Write) -> std::fmt::Result {
    let mut from = 0;
    for (at, c) in text.char_indices() {
        let plain = c != '\\' && c != quote && (!ascii || c.is_ascii()) && is_print(c);
        if !plain {
            out.write_str(&text[from..at])?;
            write_escape(c, quote, out)?;
            from = at + c.len_utf8();
        }
    }
    out.write_str(&text[from..])
}

fn write_escape(c: char, quote: char, out: &mut impl Write) -> std::fmt::Result {
    match c {
        '\\' => out.write_str("\\\\"),
        c if c == quote => write!(out, "\\{c}"),
        '\x07' => out.write_str("\\a"),
        '\x08' => out.write_str("\\b"),
        '\x0c' => out.write_str("\\f"),
        '\n' => out.write_str("\\n"),
        '\r' => out.write_str("\\r"),
        '\t' => out.write_str("\\t"),
        '\x0b' => out.write_str("\\v"),
        c if u32::from(c) < 0x20 || c == '\x7f' => write!(out, "\\x{:02x}", u32::from(c)),
        c if u32::from(c) < 0x1_0000 => write!(out, "\\u{:04x}", u32::from(c)),
        c => write!(out, "\\U{:08x}", u32::from(c)),
    }
}

/// Go's `strconv.IsPrint`: letters, marks, numbers, punctuation, symbols, and the ASCII space.
///
/// Rust's escape tables are made for the same question; they differ from Go's in treating combining marks as
/// printable only after another character, so those are asked for separately.
#[must_use]
pub fn is_print(c: char) -> bool {
    if c.is_ascii() {
        return (' '..='~').contains(&c);
    }
    if c.is_whitespace() {
        return false;
    }
    // `escape_debug` of a text whose first character is a letter leaves marks alone.
    let mut bytes = *b"a\0\0\0\0";
    let length = 1 + c.encode_utf8(&mut bytes[1..]).len();
    std::str::from_utf8(&bytes[..length]).is_ok_and(|text| text.escape_debug().count() == 2)
}

/// `strconv.Unquote` of an interpreted or raw string with its quotes; the error is Go's.
pub(crate) fn unquote(text: &str) -> Result<Vec<u8>, String> {
    let inner = &text[1..text.len() - 1];
    if text.starts_with('`') {
        return Ok(inner.bytes().filter(|byte| *byte != b'\r').collect());
    }
    let mut out = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while !rest.is_empty() {
        rest = match one(rest, '"').ok_or("invalid syntax")? {
            (Piece::Char(c), rest) => {
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                rest
            }
            (Piece::Byte(byte), rest) => {
                out.push(byte);
                rest
            }
        };
    }
    Ok(out)
}

/// The code of a character constant with its quotes; the error is Go's.
pub(crate) fn unquote_char(text: &str) -> Result<u32, String> {
    let (piece, tail) = one(&text[1..], '\'').ok_or("invalid syntax")?;
    if tail != "'" {
        return Err(format!("malformed character constant: {text}"));
    }
    Ok(match piece {
        Piece::Char(c) => u32::from(c),
        Piece::Byte(byte) => u32::from(byte),
    })
}

enum Piece {
    Char(char),
    /// `\xhh` and `\ooo` are bytes, not characters.
    Byte(u8),
}

/// The first character of `text`, escapes resolved, and what follows it.
fn one(text: &str, quote: char) -> Option<(Piece, &str)> {
    let mut chars = text.chars();
    match chars.next()? {
        c if c == quote => None,
        '\\' => escaped(chars.as_str(), quote),
        c => Some((Piece::Char(c), chars.as_str())),
    }
}

fn escaped(text: &str, quote: char) -> Option<(Piece, &str)> {
    let mut chars = text.chars();
    let c = chars.next()?;
    let rest = chars.as_str();
    let plain = match c {
        'a' => '\x07',
        'b' => '\x08',
        'f' => '\x0c',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\x0b',
        '\\' => '\\',
        '\'' | '"' if c == quote => c,
        'x' => return byte(rest, 2, 16),
        '0'..='7' => return byte(text, 3, 8),
        'u' => return code_point(rest, 4),
        'U' => return code_point(rest, 8),
        _ => return None,
    };
    Some((Piece::Char(plain), rest))
}

fn byte(text: &str, digits: usize, base: u32) -> Option<(Piece, &str)> {
    let (value, rest) = digits_of(text, digits, base)?;
    Some((Piece::Byte(u8::try_from(value).ok()?), rest))
}

fn code_point(text: &str, digits: usize) -> Option<(Piece, &str)> {
    let (value, rest) = digits_of(text, digits, 16)?;
    Some((Piece::Char(char::from_u32(value)?), rest))
}

fn digits_of(text: &str, digits: usize, base: u32) -> Option<(u32, &str)> {
    let word = text.get(..digits)?;
    if !word.chars().all(|c| c.is_digit(base)) {
        return None;
    }
    Some((u32::from_str_radix(word, base).ok()?, &text[digits..]))
}
