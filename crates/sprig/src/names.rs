//! Naming conventions: `snake_case`, `kebab-case`, `PascalCase`, as huandu/xstrings 1.5 makes them.

use std::iter::Peekable;

use gotmpl::TextBuffer;

use crate::case::{lower, upper};

/// What kind of run a word is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Word {
    /// `-`, `_` and white space.
    Connector,
    Punctuation,
    /// Begins in upper case: `HTTP`, `Server`.
    Upper,
    /// Letters, none of them in upper case.
    Letters,
    Digits,
    Other,
}

fn is_connector(c: char) -> bool {
    c == '-' || c == '_' || c.is_whitespace()
}

/// Letters of scripts whose words are written with several of them.
fn is_letter(c: char) -> bool {
    let ideograph = matches!(u32::from(c), 0x3400..=0x4db5 | 0x4e00..=0x9fcc | 0x2_0000..=0x2_b81d);
    c.is_alphabetic() && !ideograph
}

/// General punctuation beyond ASCII is recognised by its blocks.
fn is_punctuation(c: char) -> bool {
    let symbol = matches!(c, '$' | '+' | '<' | '=' | '>' | '^' | '`' | '|' | '~');
    let beyond = matches!(c, '¡' | '§' | '«' | '¶' | '·' | '»' | '¿' | '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}'
        | '\u{3001}'..='\u{3003}' | '\u{3008}'..='\u{3011}');
    (c.is_ascii_punctuation() && !symbol) || beyond
}

fn word_of(c: char) -> Word {
    match c {
        c if is_connector(c) => Word::Connector,
        c if is_punctuation(c) => Word::Punctuation,
        c if c.is_uppercase() => Word::Upper,
        c if is_letter(c) => Word::Letters,
        c if c.is_numeric() => Word::Digits,
        _ => Word::Other,
    }
}

/// The words of `text`. An upper case letter begins a word; of several, the last one belongs to the letters in lower
/// case behind them: `HTTPServer` is `HTTP`, `Server`.
fn words(text: &str) -> impl Iterator<Item = (Word, &str)> + Clone {
    let mut rest = text;
    std::iter::from_fn(move || {
        let word = word_of(rest.chars().next()?);
        let length = if word == Word::Upper { upper_length(rest) } else { run_length(rest, word) };
        let (piece, behind) = rest.split_at(length);
        rest = behind;
        Some((word, piece))
    })
}

/// Hyphens and underscores behind punctuation count as such.
fn run_length(text: &str, word: Word) -> usize {
    let belongs = |c: char| if word == Word::Punctuation { is_punctuation(c) } else { word_of(c) == word };
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

fn upper_length(text: &str) -> usize {
    let uppers = run_length(text, Word::Upper);
    let letters = run_length(&text[uppers..], Word::Letters);
    let last = text[..uppers].char_indices().next_back().map_or(0, |(at, _)| at);
    match (last, letters) {
        (0, letters) => uppers + letters,
        (_, 0) => uppers,
        (last, _) => last,
    }
}

/// `snakecase` and `kebabcase`: words in lower case with `connector` between. Digits belong to the word before them,
/// unless letters in lower case follow: then they begin one.
pub(crate) fn put_joined(text: &str, connector: char, out: &mut TextBuffer<'_>) {
    let mut words = words(text).peekable();
    let apart = |word: Option<Word>| !matches!(word, None | Some(Word::Connector | Word::Punctuation));
    let glued = |word: Option<Word>| matches!(word, Some(Word::Letters | Word::Digits));
    while let Some((word, piece)) = words.next() {
        put_word(word, piece, connector, out);
        if matches!(word, Word::Connector | Word::Punctuation) {
            continue;
        }
        let mut sticks = word == Word::Digits;
        if !sticks && let Some((_, digits)) = words.next_if(|(word, _)| *word == Word::Digits) {
            sticks = next_word(&mut words) == Some(Word::Letters);
            if sticks {
                out.put_char(connector);
            }
            put_word(Word::Digits, digits, connector, out);
        }
        while sticks && let Some((word, piece)) = words.next_if(|(word, _)| glued(Some(*word))) {
            put_word(word, piece, connector, out);
        }
        if apart(next_word(&mut words)) {
            out.put_char(connector);
        }
    }
}

fn next_word<'t>(words: &mut Peekable<impl Iterator<Item = (Word, &'t str)>>) -> Option<Word> {
    words.peek().map(|(word, _)| *word)
}

fn put_word(word: Word, piece: &str, connector: char, out: &mut TextBuffer<'_>) {
    match word {
        Word::Connector => piece.chars().for_each(|_| out.put_char(connector)),
        Word::Upper => piece.chars().for_each(|c| out.put_char(lower(c))),
        _ => out.put(piece.as_bytes()),
    }
}

/// `camelcase`: each word begins in upper case, upper case right behind its first letter goes, and so does one
/// connector between words. Connectors at the beginning stay; where there is nothing else, the last one is doubled.
pub(crate) fn put_pascal(text: &str, out: &mut TextBuffer<'_>) {
    let body = text.trim_start_matches(is_connector);
    out.put(&text.as_bytes()[..text.len() - body.len()]);
    let mut chars = body.chars();
    let Some(first) = chars.next() else {
        return text.chars().next_back().into_iter().for_each(|c| out.put_char(c));
    };
    let (mut before, mut lowers) = (upper(first), first.is_uppercase());
    for c in chars {
        let mut next = c;
        match (is_connector(before), is_connector(c)) {
            (true, true) => out.put_char(before),
            (true, false) => {
                lowers = c.is_uppercase();
                next = upper(c);
            }
            (false, _) => {
                out.put_char(before);
                lowers = lowers && c.is_uppercase();
                next = if lowers { lower(c) } else { c };
            }
        }
        before = next;
    }
    out.put_char(before);
}
