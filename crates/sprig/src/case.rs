//! Letter case: upper, lower, title, and the naming conventions.

use gotmpl::{Function, Machine, TextBuffer, Type, Value};

use crate::args::{Result, bytes, map_text, text, write_text};
use crate::names;

const S: &[Type] = &[Type::String];

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::new("upper", S, |machine, args| map_text(machine, args, upper)),
    Function::new("lower", S, |machine, args| map_text(machine, args, lower)),
    Function::new("title", S, title),
    Function::new("untitle", S, untitle),
    Function::new("swapcase", S, swap),
    Function::new("initials", S, |machine, args| write_text(machine, |out| initials(bytes(args, 0), out))),
    Function::new("snakecase", S, |machine, args| {
        let whole = text(machine, args, 0)?;
        write_text(machine, |out| names::put_joined(&whole, '_', out))
    }),
    Function::new("kebabcase", S, |machine, args| {
        let whole = text(machine, args, 0)?;
        write_text(machine, |out| names::put_joined(&whole, '-', out))
    }),
    Function::new("camelcase", S, |machine, args| {
        let whole = text(machine, args, 0)?;
        write_text(machine, |out| names::put_pascal(&whole, out))
    }),
];

/// Go maps one character to one character; where Rust's mapping has several, it stays, but for Greek letters with a
/// small iota, which have a form with a large one.
pub(crate) fn upper(c: char) -> char {
    match c {
        'ᾀ'..='ᾇ' | 'ᾐ'..='ᾗ' | 'ᾠ'..='ᾧ' => return shifted(c, 8),
        'ᾳ' | 'ῃ' | 'ῳ' => return shifted(c, 9),
        _ => {}
    }
    let mut mapped = c.to_uppercase();
    match (mapped.next(), mapped.next()) {
        (Some(single), None) => single,
        _ => c,
    }
}

fn shifted(c: char, by: u32) -> char {
    char::from_u32(u32::from(c) + by).unwrap_or(c)
}

/// Like upper case, but for letters made of two, and Georgian, which has none at the beginning of words.
fn title_case(c: char) -> char {
    match c {
        'Ǆ'..='ǆ' => 'ǅ',
        'Ǉ'..='ǉ' => 'ǈ',
        'Ǌ'..='ǌ' => 'ǋ',
        'Ǳ'..='ǳ' => 'ǲ',
        'ა'..='ჿ' => c,
        c => upper(c),
    }
}

pub(crate) fn lower(c: char) -> char {
    if c == 'İ' {
        return 'i';
    }
    let mut mapped = c.to_lowercase();
    match (mapped.next(), mapped.next()) {
        (Some(single), None) => single,
        _ => c,
    }
}

/// Go's `strings.Title`: ASCII letters, digits and `_` are parts of words; beyond ASCII, letters and digits are, and
/// of the rest only spaces separate.
fn separates(c: char) -> bool {
    match c {
        c if c.is_ascii() => !c.is_ascii_alphanumeric() && c != '_',
        c if c.is_alphanumeric() => false,
        c => c.is_whitespace(),
    }
}

fn title(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let mut before = ' ';
    map_text(machine, args, |c| {
        let mapped = if separates(before) { title_case(c) } else { c };
        before = c;
        mapped
    })
}

fn untitle(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let mut start = true;
    map_text(machine, args, |c| {
        let mapped = if start { lower(c) } else { c };
        start = c.is_whitespace();
        mapped
    })
}

/// A letter in lower case that begins a word gets title case, which shows in letters made of two.
fn swap(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let mut start = true;
    map_text(machine, args, |c| {
        let mapped = match c {
            c if c.is_lowercase() && start => title_case(c),
            c if c.is_lowercase() => upper(c),
            c => lower(c),
        };
        start = c.is_whitespace();
        mapped
    })
}

/// The first byte of each word, taken for a character.
fn initials(text: &[u8], out: &mut TextBuffer<'_>) {
    let mut start = true;
    for c in text.iter().map(|byte| char::from(*byte)) {
        if start && !c.is_whitespace() {
            out.put_char(c);
        }
        start = c.is_whitespace();
    }
}
