//! Go's regular expression syntax (`regexp/syntax` with the flags of `regexp.Compile`) to `regex-syntax`'s form.

use std::fmt;

use regex_syntax::hir::{Capture, Class, ClassUnicode, Dot, Hir, Look, Repetition};

use super::class;

/// The largest count of a repetition, also of nested ones together.
const MAX_REPEAT: u32 = 1_000;

/// How deep expressions may nest.
const MAX_HEIGHT: usize = 1_000;

/// Why a pattern is none, as Go names it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Code {
    ClassRange,
    Escape,
    NamedCapture,
    PerlOp,
    RepeatOp,
    RepeatSize,
    Utf8,
    MissingBracket,
    MissingParen,
    MissingArgument,
    TrailingBackslash,
    UnexpectedParen,
    Depth,
}

impl Code {
    fn text(self) -> &'static str {
        match self {
            Self::ClassRange => "invalid character class range",
            Self::Escape => "invalid escape sequence",
            Self::NamedCapture => "invalid named capture",
            Self::PerlOp => "invalid or unsupported Perl syntax",
            Self::RepeatOp => "invalid nested repetition operator",
            Self::RepeatSize => "invalid repeat count",
            Self::Utf8 => "invalid UTF-8",
            Self::MissingBracket => "missing closing ]",
            Self::MissingParen => "missing closing )",
            Self::MissingArgument => "missing argument to repetition operator",
            Self::TrailingBackslash => "trailing backslash at end of expression",
            Self::UnexpectedParen => "unexpected )",
            Self::Depth => "expression nests too deeply",
        }
    }
}

/// Why a pattern is none, and the piece of it that shows it.
#[derive(Debug)]
pub(super) struct Error(Code, String);

impl Error {
    pub(super) fn new(code: Code, piece: &str) -> Self {
        Self(code, piece.to_owned())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: `{}`", self.0.text(), self.1)
    }
}

type Result<T = ()> = std::result::Result<T, Error>;

/// `(?imsU)`
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flags {
    /// `i`: case does not count.
    pub(super) fold: bool,
    /// `m`: `^` and `$` match at lines.
    lines: bool,
    /// `s`: `.` matches newlines.
    dot_newline: bool,
    /// `U`: repetitions are lazy, those with `?` greedy.
    lazy: bool,
}

/// A part of an expression.
struct Node {
    hir: Hir,
    height: usize,
    /// The product of the counts of nested repetitions.
    repeats: u32,
}

impl Node {
    fn leaf(hir: Hir) -> Self {
        Self { hir, height: 1, repeats: 1 }
    }

    /// One node of several; a single one stays what it is.
    fn of(mut nodes: Vec<Self>, make: fn(Vec<Hir>) -> Hir) -> Self {
        if nodes.len() == 1 {
            return nodes.remove(0);
        }
        let height = 1 + nodes.iter().map(|node| node.height).max().unwrap_or(0);
        let repeats = nodes.iter().map(|node| node.repeats).max().unwrap_or(1);
        Self { hir: make(nodes.into_iter().map(|node| node.hir).collect()), height, repeats }
    }
}

/// A group that is open, or the whole expression.
#[derive(Default)]
struct Group {
    /// Its number; `None` for a group that does not capture.
    capture: Option<u32>,
    /// The flags outside of it.
    flags: Flags,
    alternatives: Vec<Node>,
    sequence: Vec<Node>,
}

impl Group {
    fn end_alternative(&mut self) {
        let sequence = std::mem::take(&mut self.sequence);
        self.alternatives.push(Node::of(sequence, Hir::concat));
    }

    fn close(mut self) -> Node {
        self.end_alternative();
        let node = Node::of(self.alternatives, Hir::alternation);
        let Some(index) = self.capture else { return node };
        let capture = Capture { index, name: None, sub: Box::new(node.hir) };
        Node { hir: Hir::capture(capture), height: node.height + 1, repeats: node.repeats }
    }
}

/// A parsed pattern.
pub(super) struct Parsed {
    pub(super) hir: Hir,
    /// The names of the groups, the whole match first; empty for those without one.
    pub(super) names: Vec<String>,
}

struct Parser<'a> {
    whole: &'a str,
    rest: &'a str,
    flags: Flags,
    open: Vec<Group>,
    group: Group,
    names: Vec<String>,
    /// Where the repetition operator begins that was read just before.
    repeated: Option<&'a str>,
}

/// Reads a pattern.
pub(super) fn parse(pattern: &[u8]) -> Result<Parsed> {
    let text = std::str::from_utf8(pattern).map_err(|error| {
        Error(Code::Utf8, String::from_utf8_lossy(&pattern[error.valid_up_to()..]).into_owned())
    })?;
    let mut parser = Parser {
        whole: text,
        rest: text,
        flags: Flags::default(),
        open: Vec::new(),
        group: Group::default(),
        names: vec![String::new()],
        repeated: None,
    };
    while !parser.rest.is_empty() {
        parser.next()?;
    }
    if !parser.open.is_empty() {
        return Err(Error::new(Code::MissingParen, text));
    }
    let node = parser.group.close();
    if node.height > MAX_HEIGHT {
        return Err(Error::new(Code::Depth, text));
    }
    Ok(Parsed { hir: node.hir, names: parser.names })
}

impl<'a> Parser<'a> {
    fn next(&mut self) -> Result {
        let text = self.rest;
        let mut chars = text.chars();
        let Some(c) = chars.next() else { return Ok(()) };
        let repeated = self.repeated.take();
        self.rest = chars.as_str();
        match c {
            '(' if self.rest.starts_with('?') => self.perl_group(text)?,
            '(' => self.begin(Some(String::new()))?,
            '|' => self.group.end_alternative(),
            ')' => self.end()?,
            '^' => self.look(if self.flags.lines { Look::StartLF } else { Look::Start }),
            '$' => self.look(if self.flags.lines { Look::EndLF } else { Look::End }),
            '.' if self.flags.dot_newline => self.push(Hir::dot(Dot::AnyChar)),
            '.' => self.push(Hir::dot(Dot::AnyCharExceptLF)),
            '[' => self.class(class::bracketed(text, self.flags)?),
            '*' => self.repeat((0, None), text, repeated)?,
            '+' => self.repeat((1, None), text, repeated)?,
            '?' => self.repeat((0, Some(1)), text, repeated)?,
            '{' => self.counted(text, repeated)?,
            '\\' => self.escaped(text)?,
            c => self.literal(c),
        }
        Ok(())
    }

    fn push(&mut self, hir: Hir) {
        self.group.sequence.push(Node::leaf(hir));
    }

    fn look(&mut self, look: Look) {
        self.push(Hir::look(look));
    }

    fn class(&mut self, (class, rest): (ClassUnicode, &'a str)) {
        self.push(Hir::class(Class::Unicode(class)));
        self.rest = rest;
    }

    fn literal(&mut self, c: char) {
        if self.flags.fold {
            self.push(Hir::class(Class::Unicode(class::single(c, self.flags))));
        } else {
            self.push(Hir::literal(c.encode_utf8(&mut [0; 4]).as_bytes()));
        }
    }

    /// Opens a group; one that captures has a name, which may be empty.
    fn begin(&mut self, name: Option<String>) -> Result {
        if self.open.len() >= MAX_HEIGHT {
            return Err(Error::new(Code::Depth, self.whole));
        }
        let capture = match name {
            Some(name) => {
                self.names.push(name);
                u32::try_from(self.names.len() - 1).ok()
            }
            None => None,
        };
        let group = Group { capture, flags: self.flags, ..Group::default() };
        self.open.push(std::mem::replace(&mut self.group, group));
        Ok(())
    }

    fn end(&mut self) -> Result {
        let Some(outer) = self.open.pop() else {
            return Err(Error::new(Code::UnexpectedParen, self.whole));
        };
        let inner = std::mem::replace(&mut self.group, outer);
        self.flags = inner.flags;
        self.group.sequence.push(inner.close());
        Ok(())
    }

    /// A repetition of the node before; `text` begins with the operator, `repeated` with the one just before it.
    fn repeat(&mut self, count: (u32, Option<u32>), text: &'a str, repeated: Option<&'a str>) -> Result {
        let lazy = match self.rest.strip_prefix('?') {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        };
        let until_here = |from: &'a str| &from[..from.len() - self.rest.len()];
        if let Some(before) = repeated {
            return Err(Error::new(Code::RepeatOp, until_here(before)));
        }
        let operator = until_here(text);
        let Some(node) = self.group.sequence.pop() else {
            return Err(Error::new(Code::MissingArgument, operator));
        };
        let (min, max) = count;
        let counts = if operator.starts_with('{') { max.unwrap_or(min) } else { 1 };
        let repeats = if counts == 0 { 1 } else { counts.saturating_mul(node.repeats) };
        if repeats > MAX_REPEAT {
            return Err(Error::new(Code::RepeatSize, operator));
        }
        let greedy = lazy == self.flags.lazy;
        let hir = Hir::repetition(Repetition { min, max, greedy, sub: Box::new(node.hir) });
        self.group.sequence.push(Node { hir, height: node.height + 1, repeats });
        self.repeated = Some(text);
        Ok(())
    }

    /// `{2}`, `{2,}`, `{2,3}`; anything else is a brace.
    fn counted(&mut self, text: &'a str, repeated: Option<&'a str>) -> Result {
        let Some((min, max, rest)) = counts(self.rest) else {
            self.literal('{');
            return Ok(());
        };
        self.rest = rest;
        let most = max.unwrap_or(min);
        if min > MAX_REPEAT || most > MAX_REPEAT || min > most {
            return Err(Error::new(Code::RepeatSize, &text[..text.len() - rest.len()]));
        }
        self.repeat((min, max), text, repeated)
    }

    fn escaped(&mut self, text: &'a str) -> Result {
        let behind = self.rest.chars().next().map_or("", |c| &self.rest[c.len_utf8()..]);
        let look = match self.rest.chars().next() {
            Some('A') => Look::Start,
            Some('z') => Look::End,
            Some('b') => Look::WordAscii,
            Some('B') => Look::WordAsciiNegate,
            Some('C') => return Err(Error::new(Code::Escape, &text[..2])),
            Some('Q') => {
                let (quoted, rest) = behind.split_once("\\E").unwrap_or((behind, ""));
                quoted.chars().for_each(|c| self.literal(c));
                self.rest = rest;
                return Ok(());
            }
            _ => return self.escaped_character(text),
        };
        self.look(look);
        self.rest = behind;
        Ok(())
    }

    fn escaped_character(&mut self, text: &'a str) -> Result {
        if let Some(found) = class::unicode(text, self.flags)? {
            self.class(found);
        } else if let Some(found) = class::perl(text, self.flags) {
            self.class(found);
        } else {
            let (c, rest) = escape(text)?;
            self.literal(c);
            self.rest = rest;
        }
        Ok(())
    }

    /// `(?P<name>`, `(?<name>`, `(?flags)`, `(?flags:`
    fn perl_group(&mut self, text: &'a str) -> Result {
        let named =
            text.strip_prefix("(?P<").or_else(|| text.strip_prefix("(?<")).filter(|name| !name.is_empty());
        let Some(inner) = named else { return self.flag_group(text) };
        let Some((name, rest)) = inner.split_once('>') else {
            return Err(Error::new(Code::NamedCapture, text));
        };
        if name.is_empty() || !name.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric()) {
            return Err(Error::new(Code::NamedCapture, &text[..text.len() - rest.len()]));
        }
        self.rest = rest;
        self.begin(Some(name.to_owned()))
    }

    fn flag_group(&mut self, text: &'a str) -> Result {
        let (mut flags, mut on, mut said) = (self.flags, true, false);
        let mut chars = self.rest[1..].chars();
        while let Some(c) = chars.next() {
            match c {
                'i' => flags.fold = on,
                'm' => flags.lines = on,
                's' => flags.dot_newline = on,
                'U' => flags.lazy = on,
                '-' if on => on = false,
                ':' | ')' if on || said => {
                    self.rest = chars.as_str();
                    if c == ':' {
                        self.begin(None)?;
                    }
                    self.flags = flags;
                    return Ok(());
                }
                _ => break,
            }
            said = c != '-';
        }
        Err(Error::new(Code::PerlOp, &text[..text.len() - chars.as_str().len()]))
    }
}

/// Counts behind a brace, and what is behind the closing one. Numbers beyond all limits are cut.
fn counts(text: &str) -> Option<(u32, Option<u32>, &str)> {
    let (min, rest) = count(text)?;
    if let Some(rest) = rest.strip_prefix('}') {
        return Some((min, Some(min), rest));
    }
    let rest = rest.strip_prefix(',')?;
    if let Some(rest) = rest.strip_prefix('}') {
        return Some((min, None, rest));
    }
    let (max, rest) = count(rest)?;
    Some((min, Some(max), rest.strip_prefix('}')?))
}

fn count(text: &str) -> Option<(u32, &str)> {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at(end);
    if digits.is_empty() || (digits.len() > 1 && digits.starts_with('0')) {
        return None;
    }
    Some((digits.parse().unwrap_or(u32::MAX), rest))
}

/// The character that an escape stands for, and what is behind it; `text` begins with the backslash.
pub(super) fn escape(text: &str) -> Result<(char, &str)> {
    let mut chars = text[1..].chars();
    let Some(c) = chars.next() else { return Err(Error::new(Code::TrailingBackslash, "")) };
    let rest = chars.as_str();
    let octal = |text: &str| text.bytes().take_while(|byte| matches!(byte, b'0'..=b'7')).count();
    let plain = match c {
        '0'..='7' if c == '0' || octal(rest) > 0 => {
            let digits = &text[1..2 + octal(rest).min(2)];
            let code = u32::from_str_radix(digits, 8).unwrap_or(0);
            return Ok((char::from_u32(code).unwrap_or('\0'), &text[1 + digits.len()..]));
        }
        'x' if !rest.is_empty() => return hexadecimal(text, rest),
        'a' => '\x07',
        'f' => '\x0c',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\x0b',
        c if c.is_ascii() && !c.is_ascii_alphanumeric() => c,
        _ => return Err(Error::new(Code::Escape, &text[..text.len() - rest.len()])),
    };
    Ok((plain, rest))
}

/// `hh` or `{h…}` behind `\x`.
fn hexadecimal<'a>(text: &'a str, behind: &'a str) -> Result<(char, &'a str)> {
    let mut chars = behind.chars();
    let wrong = |rest: &str| Error::new(Code::Escape, &text[..text.len() - rest.len()]);
    let first = chars.next().unwrap_or_default();
    if first != '{' {
        let digits = (first.to_digit(16), chars.next().and_then(|second| second.to_digit(16)));
        let rest = chars.as_str();
        let (Some(high), Some(low)) = digits else { return Err(wrong(rest)) };
        return Ok((char::from_u32(high * 16 + low).unwrap_or('\0'), rest));
    }
    let (mut code, mut digits) = (0_u32, 0);
    while let Some(c) = chars.next() {
        match c.to_digit(16) {
            _ if c == '}' && digits > 0 => {
                // Go takes surrogates for characters, which no text holds.
                return Ok((char::from_u32(code).unwrap_or('\u{fffd}'), chars.as_str()));
            }
            Some(digit) if code * 16 + digit <= 0x10_ffff => code = code * 16 + digit,
            _ => return Err(wrong(chars.as_str())),
        }
        digits += 1;
    }
    Err(wrong(""))
}
