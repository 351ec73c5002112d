//! From a pattern's text to nodes that know what follows them, also across the ends of groups.

use std::str::Chars as Text;

use crate::nfa::Chars;
use crate::{Error, MAX_NESTING};

/// The number of a node. A node is numbered after those it leads to, so numbers only fall along the way.
pub(super) type Id = usize;

/// A node of a pattern.
pub(super) enum Node {
    /// The end of the pattern: always node 0.
    End,
    /// One `*`; two in a row are a `**` wherever the second came from.
    Star(Id),
    /// A `/` that is not escaped.
    Slash(Id),
    /// One character of a set.
    One(Chars, Id),
    /// Where each alternative begins.
    Either(Vec<Id>),
}

/// A pattern as a graph.
pub(super) struct Graph {
    /// All nodes.
    pub(super) nodes: Vec<Node>,
    /// Where matching begins.
    pub(super) first: Id,
}

/// One piece of a sequence, before it is linked to what follows.
enum Piece {
    Star,
    Slash,
    One(Chars),
    Either(Vec<Vec<Piece>>),
}

/// Reads a pattern.
pub(super) fn pattern(text: &str) -> Result<Graph, Error> {
    let mut parser = Parser { text, rest: text.chars() };
    let pieces = parser.sequence(0)?;
    let mut nodes = vec![Node::End];
    let first = link(&mut nodes, pieces, 0);
    Ok(Graph { nodes, first })
}

/// Adds the nodes of a sequence that leads to `next`; returns where it begins.
fn link(nodes: &mut Vec<Node>, pieces: Vec<Piece>, next: Id) -> Id {
    pieces.into_iter().rev().fold(next, |next, piece| {
        let node = match piece {
            Piece::Star => Node::Star(next),
            Piece::Slash => Node::Slash(next),
            Piece::One(chars) => Node::One(chars, next),
            Piece::Either(all) => {
                Node::Either(all.into_iter().map(|pieces| link(nodes, pieces, next)).collect())
            }
        };
        nodes.push(node);
        nodes.len() - 1
    })
}

struct Parser<'a> {
    text: &'a str,
    rest: Text<'a>,
}

impl Parser<'_> {
    /// Pieces up to the end, or inside a group (`depth` > 0) up to the `,` or `}` that ends an alternative.
    fn sequence(&mut self, depth: usize) -> Result<Vec<Piece>, Error> {
        let mut pieces = Vec::new();
        while let Some(char) = self.peek() {
            if depth > 0 && (char == ',' || char == '}') {
                break;
            }
            let at = self.text.len() - self.rest.as_str().len();
            self.rest.next();
            pieces.push(self.piece(char, at, depth)?);
        }
        Ok(pieces)
    }

    fn piece(&mut self, char: char, at: usize, depth: usize) -> Result<Piece, Error> {
        Ok(match char {
            '*' => Piece::Star,
            '/' => Piece::Slash,
            '?' => Piece::One(Chars::Except(vec!['/'])),
            '[' => self.class(depth > 0).map(Piece::One).ok_or(Error::Class { at })?,
            '{' => self.either(at, depth + 1)?,
            '}' => return Err(Error::Braces { at }),
            '\\' => Piece::One(Chars::One(self.rest.next().ok_or(Error::Escape)?)),
            char => Piece::One(Chars::One(char)),
        })
    }

    fn either(&mut self, at: usize, depth: usize) -> Result<Piece, Error> {
        if depth > MAX_NESTING {
            return Err(Error::TooDeep);
        }
        let mut all = vec![self.sequence(depth)?];
        while self.skip(&[',']) {
            all.push(self.sequence(depth)?);
        }
        if self.skip(&['}']) { Ok(Piece::Either(all)) } else { Err(Error::Braces { at }) }
    }

    /// What follows a `[`, its `]` included. Inside a group, `,`, `{` and `}` belong to the group even here, which
    /// leaves the class unfinished.
    fn class(&mut self, grouped: bool) -> Option<Chars> {
        let not = self.skip(&['!', '^']);
        if self.peek()? == ']' {
            return None;
        }
        let mut ranges = Vec::new();
        let mut last = None;
        while !self.skip(&[']']) {
            let char = self.rest.next()?;
            let range = match (last.take(), char) {
                (_, ',' | '{' | '}') if grouped => return None,
                (Some(low), '-') if self.peek()? != ']' => (low, self.member(grouped)?),
                (_, '\\') => single(&mut last, self.rest.next()?),
                (_, char) => single(&mut last, char),
            };
            ranges.push(range);
        }
        Some(Chars::Ranges { ranges, not })
    }

    /// The high end of a range.
    fn member(&mut self, grouped: bool) -> Option<char> {
        match self.rest.next()? {
            ',' | '{' | '}' if grouped => None,
            '\\' => self.rest.next(),
            char => Some(char),
        }
    }

    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    fn skip(&mut self, wanted: &[char]) -> bool {
        let found = self.rest.as_str().starts_with(wanted);
        if found {
            self.rest.next();
        }
        found
    }
}

/// A character on its own, which a `-` may make the low end of a range.
fn single(last: &mut Option<char>, char: char) -> (char, char) {
    *last = Some(char);
    (char, char)
}
