//! Letter case: upper, lower, title, and the naming conventions.

use gotmpl::{Function, Type, Value};

use crate::args::{bytes, text};
use crate::names;

const S: &[Type] = &[Type::String];

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::new("upper", S, |_, args| {
        Ok(Value::from(text(args, 0).chars().map(upper).collect::<String>()))
    }),
    Function::new("lower", S, |_, args| {
        Ok(Value::from(text(args, 0).chars().map(lower).collect::<String>()))
    }),
    Function::new("title", S, |_, args| Ok(Value::from(title(&text(args, 0))))),
    Function::new("untitle", S, |_, args| Ok(Value::from(untitle(&text(args, 0))))),
    Function::new("swapcase", S, |_, args| Ok(Value::from(swap(&text(args, 0))))),
    Function::new("initials", S, |_, args| Ok(Value::from(initials(bytes(args, 0))))),
    Function::new("snakecase", S, |_, args| Ok(Value::from(names::joined(&text(args, 0), '_')))),
    Function::new("kebabcase", S, |_, args| Ok(Value::from(names::joined(&text(args, 0), '-')))),
    Function::new("camelcase", S, |_, args| Ok(Value::from(names::pascal(&text(args, 0))))),
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

fn title(text: &str) -> String {
    let mut before = ' ';
    let map = |c: char| {
        let mapped = if separates(before) { title_case(c) } else { c };
        before = c;
        mapped
    };
    text.chars().map(map).collect()
}

fn untitle(text: &str) -> String {
    let mut start = true;
    let map = |c: char| {
        let mapped = if start { lower(c) } else { c };
        start = c.is_whitespace();
        mapped
    };
    text.chars().map(map).collect()
}

/// A letter in lower case that begins a word gets title case, which shows in letters made of two.
fn swap(text: &str) -> String {
    let mut start = true;
    let map = |c: char| {
        let mapped = match c {
            c if c.is_lowercase() && start => title_case(c),
            c if c.is_lowercase() => upper(c),
            c => lower(c),
        };
        start = c.is_whitespace();
        mapped
    };
    text.chars().map(map).collect()
}

/// The first byte of each word, taken for a character.
fn initials(text: &[u8]) -> String {
    let chars: String = text.iter().map(|byte| char::from(*byte)).collect();
    chars.split_whitespace().filter_map(|word| word.chars().next()).collect()
}
