//! Go's `filepath.Match`: `*` and `?` within one name, `[a-z]` and `[^a-z]`, `\` before any character.

use std::str::Chars as Text;

use crate::nfa::{Chars, Machine, State};
use crate::{Error, error};

/// A compiled pattern.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// What every match begins with.
    prefix: String,
    /// What every match ends with.
    suffix: String,
    /// `None` when the pattern is its prefix and nothing else.
    machine: Option<Machine>,
}

enum Token {
    Star,
    One(Chars),
}

/// Whether `name` as a whole matches `pattern`.
///
/// # Errors
/// [`Error`] when the pattern is malformed.
pub fn matches(pattern: &str, name: &str) -> Result<bool, Error> {
    Ok(Pattern::compile(pattern)?.matches(name))
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`Error`] when it is malformed anywhere, even where no name would get to.
    pub fn compile(text: &str) -> Result<Self, Error> {
        error::check(text)?;
        let tokens = tokens(text)?;
        let prefix: String = tokens.iter().map_while(Token::literal).collect();
        let suffix: Vec<char> = tokens.iter().rev().map_while(Token::literal).collect();
        let suffix = suffix.into_iter().rev().collect();
        let is_literal = tokens.iter().all(|token| token.literal().is_some());
        let machine = (!is_literal).then(|| machine(tokens));
        Ok(Self { prefix, suffix, machine })
    }

    /// Whether `name` as a whole matches.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        match &self.machine {
            None => self.prefix == name,
            // Most names are told apart by their ends.
            Some(machine) => {
                name.starts_with(&self.prefix) && name.ends_with(&self.suffix) && machine.run(name)
            }
        }
    }
}

fn machine(tokens: Vec<Token>) -> Machine {
    let mut machine = Machine::default();
    let end = machine.stop(true);
    let start = tokens.into_iter().rev().fold(end, |next, token| token.before(&mut machine, next));
    machine.start(start);
    machine
}

impl Token {
    /// The one character it stands for.
    fn literal(&self) -> Option<char> {
        match self {
            Self::One(Chars::One(char)) => Some(*char),
            _ => None,
        }
    }

    fn before(self, machine: &mut Machine, next: State) -> State {
        match self {
            Self::Star => machine.repeat(Chars::Except(vec!['/']), next),
            Self::One(chars) => machine.one(chars, next),
        }
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, Error> {
    let mut tokens = Vec::new();
    let mut rest = text.chars();
    while let Some(char) = rest.next() {
        let at = text.len() - rest.as_str().len() - char.len_utf8();
        tokens.push(match char {
            '*' => Token::Star,
            '?' => Token::One(Chars::Except(vec!['/'])),
            '[' => Token::One(class(&mut rest).ok_or(Error::Class { at })?),
            '\\' => Token::One(Chars::One(rest.next().ok_or(Error::Escape)?)),
            char => Token::One(Chars::One(char)),
        });
    }
    Ok(tokens)
}

/// What follows a `[`, its `]` included.
fn class(rest: &mut Text<'_>) -> Option<Chars> {
    let not = skip(rest, '^');
    let mut ranges = Vec::new();
    while ranges.is_empty() || !skip(rest, ']') {
        let low = member(rest)?;
        let high = if skip(rest, '-') { member(rest)? } else { low };
        ranges.push((low, high));
    }
    Some(Chars::Ranges { ranges, not })
}

/// One end of a range; `-` and `]` stand for themselves only behind a backslash.
fn member(rest: &mut Text<'_>) -> Option<char> {
    match rest.next()? {
        '-' | ']' => None,
        '\\' => rest.next(),
        char => Some(char),
    }
}

fn skip(rest: &mut Text<'_>, char: char) -> bool {
    let found = rest.as_str().starts_with(char);
    if found {
        rest.next();
    }
    found
}
