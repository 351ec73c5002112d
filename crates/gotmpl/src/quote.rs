//! Go's quoting: `strconv.Quote` (the verb `%q`) and `strconv.Unquote`.

/// `strconv.Quote`: printable text as it is, the rest escaped, invalid UTF-8 as `\xff`.
#[must_use]
pub fn quoted(text: &[u8]) -> String {
    quote_with(text, '"', false)
}

/// `strconv.QuoteToASCII`.
#[must_use]
pub fn quoted_ascii(text: &[u8]) -> String {
    quote_with(text, '"', true)
}

/// `strconv.QuoteRune`, or `QuoteRuneToASCII`.
#[must_use]
pub fn quoted_char(c: char, ascii: bool) -> String {
    quote_with(c.encode_utf8(&mut [0; 4]).as_bytes(), '\'', ascii)
}

fn quote_with(text: &[u8], quote: char, ascii: bool) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for chunk in text.utf8_chunks() {
        chunk.valid().chars().for_each(|c| escape(c, quote, ascii, &mut out));
        chunk.invalid().iter().for_each(|byte| out.push_str(&format!("\\x{byte:02x}")));
    }
    out.push(quote);
    out
}

fn escape(c: char, quote: char, ascii: bool, out: &mut String) {
    match c {
        '\\' => out.push_str("\\\\"),
        c if c == quote => out.extend(['\\', c]),
        '\x07' => out.push_str("\\a"),
        '\x08' => out.push_str("\\b"),
        '\x0c' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\x0b' => out.push_str("\\v"),
        c if is_print(c) && (!ascii || c.is_ascii()) => out.push(c),
        c if u32::from(c) < 0x20 || c == '\x7f' => out.push_str(&format!("\\x{:02x}", u32::from(c))),
        c if u32::from(c) < 0x1_0000 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
        c => out.push_str(&format!("\\U{:08x}", u32::from(c))),
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
    let mut text = String::from("a");
    text.push(c);
    text.escape_debug().count() == 2
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
