//! Patterns as github.com/gobwas/glob v0.2.3 reads them.
//!
//! `*` any run without a separator, `**` any run, `?` one character that is no separator, `[abc]` and `[!abc]` one of a
//! list, `[a-z]` and `[!a-z]` one of a single range, `{a,b}` alternatives, `\` before any character. Without separators
//! `*` is `**`. A list or range may take a separator. A `{` that is never closed is closed by the end.
//!
//! The Go library turns patterns into hand-made matchers. One of them shows in everyday patterns and is kept: a text, a
//! run of anything and a text (`charts/*/values.yaml` without separators) match a name that begins with the first and
//! ends with the second even where the two overlap (`charts/values.yaml`). Others lose matches, or panic, in rare
//! combinations (`{*.yaml,*.json}*` does not match `a.yaml.bak`, `{}` next to a class panics, `[!a]?` splits letters
//! that are not ASCII); there, the language above holds.

use std::str::Chars as Text;

use crate::nfa::{Chars, Machine, State};
use crate::{Error, MAX_NESTING, error};

/// A compiled pattern.
#[derive(Clone, Debug)]
pub struct Pattern(Matcher);

#[derive(Clone, Debug)]
enum Matcher {
    /// Begins with the first, ends with the second; they may overlap.
    Around(String, String),
    Machine(Machine),
}

enum Node {
    One(Chars),
    Star(Chars),
    Either(Vec<Vec<Node>>),
}

impl Pattern {
    /// Reads a pattern; `separators` are the characters that `*` and `?` do not take.
    ///
    /// # Errors
    /// [`Error`] when the Go library would not compile it, or it is longer or deeper than ours may be.
    pub fn compile(text: &str, separators: &[char]) -> Result<Self, Error> {
        error::check(text)?;
        if let Some(at) = text.find(char::REPLACEMENT_CHARACTER) {
            return Err(Error::Character { at });
        }
        let mut parser = Parser { text, rest: text.chars(), separators };
        let nodes = parser.sequence(0)?;
        Ok(Self(around(&nodes).unwrap_or_else(|| Matcher::Machine(machine(nodes)))))
    }

    /// Whether `name` as a whole matches.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        match &self.0 {
            Matcher::Around(begin, end) => name.starts_with(&**begin) && name.ends_with(&**end),
            Matcher::Machine(machine) => machine.run(name),
        }
    }
}

/// The matcher of a text, one run of anything, and a text.
fn around(nodes: &[Node]) -> Option<Matcher> {
    let everything = |node: &Node| matches!(node, Node::Star(Chars::All));
    let first = nodes.iter().position(everything)?;
    let last = nodes.iter().rposition(everything)?;
    let run = nodes[first..=last].iter().all(everything);
    let (begin, end) = (text(&nodes[..first])?, text(&nodes[last + 1..])?);
    (run && !begin.is_empty() && !end.is_empty()).then_some(Matcher::Around(begin, end))
}

fn text(nodes: &[Node]) -> Option<String> {
    let letter = |node: &Node| if let Node::One(Chars::One(char)) = node { Some(*char) } else { None };
    nodes.iter().map(letter).collect()
}

fn machine(nodes: Vec<Node>) -> Machine {
    let mut machine = Machine::default();
    let end = machine.stop(true);
    let start = chain(&mut machine, nodes, end);
    machine.start(start);
    machine
}

fn chain(machine: &mut Machine, nodes: Vec<Node>, next: State) -> State {
    nodes.into_iter().rev().fold(next, |next, node| match node {
        Node::One(chars) => machine.one(chars, next),
        Node::Star(chars) => machine.repeat(chars, next),
        Node::Either(all) => {
            let ways: Vec<State> = all.into_iter().map(|nodes| chain(machine, nodes, next)).collect();
            machine.either(ways)
        }
    })
}

struct Parser<'a> {
    text: &'a str,
    rest: Text<'a>,
    separators: &'a [char],
}

impl Parser<'_> {
    /// Nodes up to the end, or inside a group (`depth` > 0) up to the `,` or `}` that ends an alternative.
    fn sequence(&mut self, depth: usize) -> Result<Vec<Node>, Error> {
        let mut nodes = Vec::new();
        while let Some(char) = self.peek() {
            if depth > 0 && (char == ',' || char == '}') {
                break;
            }
            let at = self.at();
            self.rest.next();
            nodes.extend(self.node(char, at, depth)?);
        }
        Ok(nodes)
    }

    fn node(&mut self, char: char, at: usize, depth: usize) -> Result<Option<Node>, Error> {
        Ok(Some(match char {
            '*' if self.skip('*') => Node::Star(Chars::All),
            '*' if self.separators.is_empty() => Node::Star(Chars::All),
            '*' => Node::Star(Chars::Except(self.separators.to_vec())),
            '?' => Node::One(Chars::Except(self.separators.to_vec())),
            '[' => Node::One(self.class().ok_or(Error::Class { at })?),
            '{' => self.either(depth + 1)?,
            // A backslash at the very end stands for nothing.
            '\\' => return Ok(self.rest.next().map(|char| Node::One(Chars::One(char)))),
            char => Node::One(Chars::One(char)),
        }))
    }

    fn either(&mut self, depth: usize) -> Result<Node, Error> {
        if depth > MAX_NESTING {
            return Err(Error::TooDeep);
        }
        let mut all = vec![self.sequence(depth)?];
        while self.skip(',') {
            all.push(self.sequence(depth)?);
        }
        self.skip('}');
        Ok(Node::Either(all))
    }

    /// What follows a `[`, its `]` included: one range, or a list in which only `\` and `]` are special.
    fn class(&mut self) -> Option<Chars> {
        let not = self.skip('!');
        let low = self.peek()?;
        let ranges = if self.rest.as_str()[low.len_utf8()..].starts_with('-') {
            let range = (low, self.rest.by_ref().nth(2)?);
            if range.1 < range.0 {
                return None;
            }
            vec![range]
        } else {
            self.list()?
        };
        self.skip(']').then_some(Chars::Ranges { ranges, not })
    }

    fn list(&mut self) -> Option<Vec<(char, char)>> {
        let mut members = Vec::new();
        while self.peek()? != ']' {
            let char = self.rest.next()?;
            let char = if char == '\\' { self.rest.next()? } else { char };
            members.push((char, char));
        }
        (!members.is_empty()).then_some(members)
    }

    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    fn skip(&mut self, char: char) -> bool {
        let found = self.peek() == Some(char);
        if found {
            self.rest.next();
        }
        found
    }

    fn at(&self) -> usize {
        self.text.len() - self.rest.as_str().len()
    }
}
