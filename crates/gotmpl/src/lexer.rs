//! Source text → tokens. Works on demand: the parser asks for one token at a time.
//!
//! Behaviour: Go 1.26 `text/template/parse/lex.go`, as described by its documentation and measured with helm.

use crate::token::{Keyword, Kind, Token};

const LEFT: &str = "{{";
const RIGHT: &str = "}}";

/// Splits a template into tokens.
#[derive(Debug)]
pub(crate) struct Lexer<'s> {
    source: &'s str,
    at: usize,
    /// Inside `{{ }}`.
    inside: bool,
    /// How many parentheses are open in this action.
    parens: usize,
    /// Why [`Kind::Error`] was given.
    message: String,
    /// The next text loses its leading white space: the last delimiter had a trim mark.
    trim_next: bool,
}

impl<'s> Lexer<'s> {
    pub(crate) fn new(source: &'s str) -> Self {
        Self { source, at: 0, inside: false, parens: 0, message: String::new(), trim_next: false }
    }

    /// The next token; [`Kind::Eof`] for ever at the end.
    pub(crate) fn next(&mut self) -> Token {
        if self.inside { self.in_action() } else { self.in_text() }
    }

    fn rest(&self) -> &'s str {
        &self.source[self.at..]
    }

    fn token(&mut self, kind: Kind, length: usize) -> Token {
        let start = self.at;
        self.at += length;
        Token { kind, start, end: self.at }
    }

    fn error(&mut self, message: impl Into<String>) -> Token {
        self.message = message.into();
        self.token(Kind::Error, 0)
    }

    /// Text up to the next `{{`; comments are passed over, so text around one comes as two tokens.
    fn in_text(&mut self) -> Token {
        loop {
            if std::mem::take(&mut self.trim_next) {
                self.at += space_length(self.rest());
            }
            let Some(length) = find_left(self.rest()) else {
                let length = self.rest().len();
                return if length > 0 { self.token(Kind::Text, length) } else { self.token(Kind::Eof, 0) };
            };
            let delim = self.at + length;
            let trims = trims_left(&self.source[delim + LEFT.len()..]);
            let text = &self.rest()[..length];
            let kept = if trims { text.trim_end_matches(is_space).len() } else { length };
            if kept > 0 {
                let token = Token { kind: Kind::Text, start: self.at, end: self.at + kept };
                self.at = delim;
                return token;
            }
            self.at = delim;
            let inner = delim + LEFT.len() + if trims { 2 } else { 0 };
            if self.source[inner..].starts_with("/*") {
                if let Some(error) = self.comment(inner) {
                    return error;
                }
                continue;
            }
            return self.open(inner);
        }
    }

    fn open(&mut self, inner: usize) -> Token {
        self.inside = true;
        self.parens = 0;
        self.token(Kind::LeftDelim, inner - self.at)
    }

    /// Passes over a comment; a token only when it is malformed.
    fn comment(&mut self, inner: usize) -> Option<Token> {
        self.at = inner;
        let Some(length) = self.rest().find("*/").map(|end| end + 2) else {
            return Some(self.error("unclosed comment"));
        };
        let Some((delim, trims)) = right_delim(&self.rest()[length..]) else {
            return Some(self.error("comment ends before closing delimiter"));
        };
        self.at += length + delim;
        self.trim_next = trims;
        None
    }

    fn in_action(&mut self) -> Token {
        if let Some((length, trims)) = right_delim(self.rest()) {
            if self.parens > 0 {
                return self.error("unclosed left paren");
            }
            self.inside = false;
            self.trim_next = trims;
            self.at += length - RIGHT.len();
            return self.token(Kind::RightDelim, RIGHT.len());
        }
        let Some(first) = self.rest().chars().next() else { return self.error("unclosed action") };
        match first {
            ' ' | '\t' | '\r' | '\n' => self.space(),
            '=' => self.token(Kind::Assign, 1),
            ':' => self.declare(),
            '|' => self.token(Kind::Pipe, 1),
            '"' => self.quoted(b'"', Kind::String, "unterminated quoted string"),
            '\'' => self.quoted(b'\'', Kind::Char, "unterminated character constant"),
            '`' => self.raw(),
            '$' => self.variable(),
            '.' if !self.digit_follows() => self.field(),
            '(' => self.paren(true),
            ')' if self.parens == 0 => self.error("unexpected right paren"),
            ')' => self.paren(false),
            '.' | '+' | '-' | '0'..='9' => self.number(),
            c if is_word(c) => self.word(),
            c if c.is_ascii_graphic() => self.token(Kind::Char1, 1),
            c => self.error(format!("unrecognized character in action: {}", unicode(c))),
        }
    }

    /// A run of white space; its last character belongs to a right delimiter with a trim mark.
    fn space(&mut self) -> Token {
        let rest = self.rest();
        let run = space_length(rest);
        let length = if rest[run..].starts_with("-}}") { run - 1 } else { run };
        self.token(Kind::Space, length)
    }

    fn declare(&mut self) -> Token {
        if self.rest().starts_with(":=") {
            return self.token(Kind::Declare, 2);
        }
        self.error("expected :=")
    }

    fn paren(&mut self, open: bool) -> Token {
        if open {
            self.parens += 1;
            self.token(Kind::LeftParen, 1)
        } else {
            self.parens -= 1;
            self.token(Kind::RightParen, 1)
        }
    }

    fn quoted(&mut self, quote: u8, kind: Kind, unterminated: &str) -> Token {
        // All that matters is ASCII, which is never part of another character.
        let mut bytes = self.rest().bytes().enumerate().skip(1);
        while let Some((index, byte)) = bytes.next() {
            match byte {
                b'\\' => match bytes.next() {
                    Some((_, escaped)) if escaped != b'\n' => {}
                    _ => break,
                },
                b'\n' => break,
                byte if byte == quote => return self.token(kind, index + 1),
                _ => {}
            }
        }
        self.error(unterminated)
    }

    fn raw(&mut self) -> Token {
        match self.rest()[1..].find('`') {
            Some(end) => self.token(Kind::RawString, end + 2),
            None => self.error("unterminated raw quoted string"),
        }
    }

    fn variable(&mut self) -> Token {
        let length = 1 + word_length(&self.rest()[1..]);
        self.ended(Kind::Variable, length)
    }

    fn field(&mut self) -> Token {
        let length = word_length(&self.rest()[1..]);
        if length == 0 { self.ended(Kind::Dot, 1) } else { self.ended(Kind::Field, 1 + length) }
    }

    fn digit_follows(&self) -> bool {
        self.rest().as_bytes().get(1).is_some_and(u8::is_ascii_digit)
    }

    fn word(&mut self) -> Token {
        let length = word_length(self.rest());
        let word = &self.rest()[..length];
        let kind = match word {
            "true" | "false" => Kind::Bool,
            "nil" => Kind::Nil,
            word => Keyword::of(word).map_or(Kind::Identifier, Kind::Keyword),
        };
        self.ended(kind, length)
    }

    /// A word must be followed by something that can end one.
    fn ended(&mut self, kind: Kind, length: usize) -> Token {
        let after = &self.rest()[length..];
        let fine = match after.chars().next() {
            None => true,
            Some(c) => {
                matches!(c, ' ' | '\t' | '\r' | '\n' | '.' | ',' | '|' | ':' | ')' | '(')
                    || after.starts_with(RIGHT)
            }
        };
        if fine {
            return self.token(kind, length);
        }
        let bad = after.chars().next().unwrap_or_default();
        self.at += length;
        self.error(format!("bad character {}", unicode(bad)))
    }

    fn number(&mut self) -> Token {
        let length = number_length(self.rest());
        let next = self.rest()[length..].chars().next();
        if next.is_some_and(is_word) {
            let whole = length + next.map_or(0, char::len_utf8);
            return self.error(format!("bad number syntax: {:?}", &self.rest()[..whole]));
        }
        let sign = self.rest()[length..].starts_with(['+', '-']);
        if !sign {
            return self.token(Kind::Number, length);
        }
        // A complex constant: `1+2i`.
        let whole = length + number_length(&self.rest()[length..]);
        if self.rest()[..whole].ends_with('i') {
            return self.token(Kind::Number, whole);
        }
        self.error(format!("bad number syntax: {:?}", &self.rest()[..whole]))
    }

    /// Why the last token was [`Kind::Error`].
    pub(crate) fn message(&self) -> &str {
        &self.message
    }
}

/// Where the next `{{` is. The standard library's search for a text takes longer to set up than most texts are long.
fn find_left(text: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + text[from..].find('{')?;
        if text[at..].starts_with(LEFT) {
            return Some(at);
        }
        from = at + 1;
    }
}

/// White space that trim marks take away.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn space_length(text: &str) -> usize {
    text.bytes().take_while(|byte| is_space(char::from(*byte))).count()
}

/// Whether what follows `{{` is a trim mark: `-` and white space.
fn trims_left(after: &str) -> bool {
    matches!(after.as_bytes(), [b'-', space, ..] if is_space(char::from(*space)))
}

/// The length of the right delimiter at the beginning of `text` and whether it trims, or `None`.
fn right_delim(text: &str) -> Option<(usize, bool)> {
    match text.as_bytes() {
        [b'}', b'}', ..] => Some((RIGHT.len(), false)),
        [space, b'-', b'}', b'}', ..] if is_space(char::from(*space)) => Some((4, true)),
        _ => None,
    }
}

/// Go's alphanumeric: letters and digits of any script, and the underscore.
fn is_word(c: char) -> bool {
    c == '_' || c.is_alphabetic() || c.is_numeric()
}

fn word_length(text: &str) -> usize {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let length = text.bytes().take_while(|byte| plain(*byte)).count();
    match text.as_bytes().get(length) {
        Some(byte) if !byte.is_ascii() => {
            length + text[length..].find(|c| !is_word(c)).unwrap_or(text.len() - length)
        }
        _ => length,
    }
}

/// How much of `text` looks like a number; whether it is one is the parser's to say.
fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let mut hex = false;
    let mut digits: &[u8] = b"0123456789_";
    if bytes.get(at) == Some(&b'0') {
        at += 1;
        match bytes.get(at).map(u8::to_ascii_lowercase) {
            Some(b'x') => (hex, digits) = (true, b"0123456789abcdefABCDEF_"),
            Some(b'o') => digits = b"01234567_",
            Some(b'b') => digits = b"01_",
            _ => at -= 1,
        }
        at += usize::from(digits != b"0123456789_");
    }
    let run = |mut at: usize, set: &[u8]| {
        while bytes.get(at).is_some_and(|byte| set.contains(byte)) {
            at += 1;
        }
        at
    };
    at = run(at, digits);
    if bytes.get(at) == Some(&b'.') {
        at = run(at + 1, digits);
    }
    let exponent: &[u8] = if hex { b"pP" } else { b"eE" };
    if (hex || digits.len() == 11) && bytes.get(at).is_some_and(|byte| exponent.contains(byte)) {
        at += 1;
        at += usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
        at = run(at, b"0123456789_");
    }
    at + usize::from(bytes.get(at) == Some(&b'i'))
}

/// Go's `%#U`: the code point, and the character in quotes where it can be printed.
fn unicode(c: char) -> String {
    let code = format!("U+{:04X}", u32::from(c));
    if c.is_control() { code } else { format!("{code} '{c}'") }
}
