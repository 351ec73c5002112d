//! The verbs of `fmt.Sprintf` for texts and bytes, and the padding of everything that `format.rs` prints.

use super::{Flags, LIST, bad_verb, print_items, print_verb};
use crate::quote;
use crate::text::TextBuffer;
use crate::value::{UintType, Value};

pub(super) fn print_text(arg: &Value, text: &[u8], how: (char, Flags), out: &mut TextBuffer<'_>) {
    let (verb, flags) = how;
    match verb {
        'v' | 's' => pad(cut(text, flags.precision), flags, out),
        'x' | 'X' => put_hex(text, how, out),
        'q' => put_quoted(cut(text, flags.precision), flags, out),
        _ => bad_verb(arg, (verb, flags), out),
    }
}

pub(super) fn print_bytes(arg: &Value, bytes: &[u8], how: (char, Flags), out: &mut TextBuffer<'_>) {
    let (verb, flags) = how;
    match verb {
        's' | 'q' | 'x' | 'X' => print_text(arg, bytes, how, out),
        _ => print_items(LIST, bytes.iter(), out, |byte, out| {
            print_verb(&Value::Uint(UintType::Uint8, u64::from(*byte)), verb, flags, out);
        }),
    }
}

/// The first `precision` characters.
pub(super) fn cut(text: &[u8], precision: Option<usize>) -> &[u8] {
    let Some(precision) = precision else { return text };
    let starts = text.iter().enumerate().filter(|(_, byte)| (**byte & 0xc0) != 0x80).map(|(index, _)| index);
    starts.into_iter().nth(precision).map_or(text, |end| &text[..end])
}

pub(super) fn put_quoted(text: &[u8], flags: Flags, out: &mut TextBuffer<'_>) {
    let raw =
        flags.sharp.then(|| std::str::from_utf8(text).ok()).flatten().filter(|text| can_backquote(text));
    pad_with(flags, out, |out| match raw {
        Some(text) => {
            out.put_byte(b'`');
            out.put(text.as_bytes());
            out.put_byte(b'`');
        }
        None => quote::put_quoted(text, flags.plus, out),
    });
}

/// `strconv.CanBackquote`
pub(super) fn can_backquote(text: &str) -> bool {
    text.chars().all(|c| c != '`' && c != '\u{feff}' && c != '\x7f' && (c == '\t' || c >= ' '))
}

pub(super) fn put_hex(text: &[u8], how: (char, Flags), out: &mut TextBuffer<'_>) {
    let (verb, flags) = how;
    let text = &text[..flags.precision.unwrap_or(text.len()).min(text.len())];
    let prefix = match (flags.sharp, verb) {
        (true, 'X') => "0X",
        (true, _) => "0x",
        _ => "",
    };
    let digits: &[u8; 16] = if verb == 'X' { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
    pad_with(flags, out, |out| {
        for (index, byte) in text.iter().enumerate() {
            if index > 0 && flags.space {
                out.put_byte(b' ');
            }
            if index == 0 || flags.space {
                out.put(prefix.as_bytes());
            }
            out.put(&[digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]]);
        }
    });
}

/// The characters of a text, each byte that belongs to none counted as one.
pub(super) fn width(text: &[u8]) -> usize {
    text.utf8_chunks()
        .map(|chunk| chunk.valid().chars().count() + usize::from(!chunk.invalid().is_empty()))
        .sum()
}

pub(super) fn filler(flags: Flags) -> u8 {
    if flags.zero && !flags.minus { b'0' } else { b' ' }
}

pub(super) fn pad(text: &[u8], flags: Flags, out: &mut TextBuffer<'_>) {
    let missing = match flags.width {
        Some(wanted) => wanted.saturating_sub(width(text)),
        None => 0,
    };
    if flags.minus {
        out.put(text);
    }
    out.put_repeated(filler(flags), missing);
    if !flags.minus {
        out.put(text);
    }
}

/// The same for a text that is made in place, or beside where it has to be measured first.
pub(super) fn pad_with<'b>(flags: Flags, out: &mut TextBuffer<'b>, put: impl FnOnce(&mut TextBuffer<'b>)) {
    if flags.width.is_none() {
        return put(out);
    }
    let mut text = TextBuffer::new(out.budget());
    put(&mut text);
    match text.into_bytes() {
        Ok(text) => pad(&text, flags, out),
        Err(error) => out.fail(error),
    }
}

/// The parts of a number: zeros stand before its digits.
pub(super) struct Padded<'t> {
    pub(super) sign: &'static str,
    pub(super) prefix: &'static str,
    pub(super) zeros: usize,
    pub(super) digits: &'t str,
}

/// Zeros that fill up the width go between the sign and the digits; the prefix does not count then.
pub(super) fn pad_number(number: &Padded<'_>, flags: Flags, out: &mut TextBuffer<'_>) {
    let Padded { sign, prefix, zeros, digits } = *number;
    let length = sign.len() + zeros + digits.len();
    let missing = |length: usize| flags.width.unwrap_or(0).saturating_sub(length);
    let (mut spaces, mut zeros) = (missing(length + prefix.len()), zeros);
    if flags.zero && !flags.minus {
        (spaces, zeros) = (0, zeros + missing(length));
    }
    if !flags.minus {
        out.put_repeated(b' ', spaces);
    }
    out.put(sign.as_bytes());
    out.put(prefix.as_bytes());
    out.put_repeated(b'0', zeros);
    out.put(digits.as_bytes());
    if flags.minus {
        out.put_repeated(b' ', spaces);
    }
}
