//! Tokens in, events out: the grammar of YAML 1.1 as libyaml has it.

mod block;
mod flow;

use std::borrow::Cow;
use std::collections::HashMap;

use crate::error::{Dialect, Error, Fault, Mark};
use crate::event::{Event, EventKind, Properties, Props, ScalarStyle};
use crate::input::Source;
use crate::limits::Limits;
use crate::scan::{Scanner, Token, TokenKind};

type Parse<T> = Result<T, Box<Fault>>;

/// Reads events off a source. A plain pull parser without recursion.
pub struct Parser<'a> {
    scanner: Scanner<'a>,
    source: &'a Source<'a>,
    dialect: Dialect,
    state: State,
    states: Vec<State>,
    /// Where the collections we are in began.
    starts: Vec<Mark>,
    /// Prefixes by handle.
    tag_directives: HashMap<Cow<'a, str>, Cow<'a, str>>,
}

/// A comment and where it stands; line and column count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comment<'a> {
    /// The comment with its `#`, without the line break.
    pub text: &'a str,
    /// Its line.
    pub line: u32,
    /// The column of the `#`.
    pub column: u32,
}

/// What a `%TAG` takes beside its prefix while the table grows.
const DIRECTIVE_BYTES: usize = 4 * size_of::<(Cow<'_, str>, Cow<'_, str>)>();

/// What may come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    ImplicitDocumentStart,
    DocumentStart,
    DocumentContent,
    DocumentEnd,
    BlockNode,
    BlockSequenceFirst,
    BlockSequence,
    IndentlessSequence,
    BlockMappingFirst,
    BlockMappingKey,
    BlockMappingValue,
    FlowSequenceFirst,
    FlowSequence,
    FlowPairKey,
    FlowPairValue,
    FlowPairEnd,
    FlowMappingFirst,
    FlowMappingKey,
    FlowMappingValue,
    FlowMappingEmptyValue,
    End,
}

/// Which nodes are allowed at a place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Block,
    /// A value of a block mapping, where a sequence need not be indented.
    BlockOrIndentless,
    Flow,
}

impl<'a> Parser<'a> {
    /// A parser at the start of `source`.
    pub fn new(source: &'a Source<'a>, dialect: Dialect, limits: &Limits) -> Self {
        Self {
            scanner: Scanner::new(source, dialect, limits),
            source,
            dialect,
            state: State::ImplicitDocumentStart,
            states: Vec::new(),
            starts: Vec::new(),
            tag_directives: HashMap::new(),
        }
    }

    /// The next event; [`EventKind::StreamEnd`] again and again at the end.
    ///
    /// # Errors
    /// The text is not YAML as the dialect reads it, or nests deeper than the limits allow.
    pub fn next_event(&mut self) -> Result<Event<'a>, Error> {
        self.advance().map_err(|fault| fault.into_error(self.dialect))
    }

    /// The comments passed so far, with their `#`, in order. Those inside of directives
    /// are not among them.
    pub fn comments(&self) -> impl Iterator<Item = Comment<'a>> {
        let text = self.source.text();
        self.scanner.comments().iter().map(move |(start, end)| Comment {
            text: &text[start.pos as usize..end.pos as usize],
            line: start.line + 1,
            column: start.column + 1,
        })
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    fn advance(&mut self) -> Parse<Event<'a>> {
        match self.state {
            State::ImplicitDocumentStart => self.document_start(true),
            State::DocumentStart => self.document_start(false),
            State::DocumentContent => self.document_content(),
            State::DocumentEnd => self.document_end(),
            State::BlockNode => self.node(Place::Block),
            State::BlockSequenceFirst => self.block_sequence(true),
            State::BlockSequence => self.block_sequence(false),
            State::IndentlessSequence => self.indentless_sequence(),
            State::BlockMappingFirst => self.block_mapping_key(true),
            State::BlockMappingKey => self.block_mapping_key(false),
            State::BlockMappingValue => self.block_mapping_value(),
            State::FlowSequenceFirst => self.flow_sequence(true),
            State::FlowSequence => self.flow_sequence(false),
            State::FlowPairKey => self.flow_pair_key(),
            State::FlowPairValue => self.flow_pair_value(),
            State::FlowPairEnd => self.flow_pair_end(),
            State::FlowMappingFirst => self.flow_mapping_key(true),
            State::FlowMappingKey => self.flow_mapping_key(false),
            State::FlowMappingValue => self.flow_mapping_value(false),
            State::FlowMappingEmptyValue => self.flow_mapping_value(true),
            State::End => Ok(Event { kind: EventKind::StreamEnd, at: Mark::default() }),
        }
    }

    fn document_start(&mut self, implicit_allowed: bool) -> Parse<Event<'a>> {
        while !implicit_allowed && matches!(self.scanner.peek()?.kind, TokenKind::DocumentEnd) {
            self.scanner.next()?;
        }
        let token = self.scanner.peek()?;
        let at = token.at;
        let explicit = matches!(
            token.kind,
            TokenKind::VersionDirective(..) | TokenKind::TagDirective(..) | TokenKind::DocumentStart
        );
        if matches!(token.kind, TokenKind::StreamEnd) {
            self.scanner.next()?;
            self.state = State::End;
            return Ok(Event { kind: EventKind::StreamEnd, at });
        }
        self.directives()?;
        self.states.push(State::DocumentEnd);
        self.state = State::BlockNode;
        if explicit || !implicit_allowed {
            self.expect_document_start()?;
            self.state = State::DocumentContent;
        }
        Ok(Event { kind: EventKind::DocumentStart, at })
    }

    fn expect_document_start(&mut self) -> Parse<()> {
        let token = self.scanner.peek()?;
        if !matches!(token.kind, TokenKind::DocumentStart) {
            return Err(parse_fault(None, token.at, "did not find expected <document start>"));
        }
        self.scanner.next()?;
        Ok(())
    }

    fn document_content(&mut self) -> Parse<Event<'a>> {
        let token = self.scanner.peek()?;
        let empty = matches!(
            token.kind,
            TokenKind::VersionDirective(..)
                | TokenKind::TagDirective(..)
                | TokenKind::DocumentStart
                | TokenKind::DocumentEnd
                | TokenKind::StreamEnd
        );
        if !empty {
            return self.node(Place::Block);
        }
        let at = token.at;
        self.pop_state();
        Ok(empty_scalar(at))
    }

    fn document_end(&mut self) -> Parse<Event<'a>> {
        let token = self.scanner.peek()?;
        let at = token.at;
        if matches!(token.kind, TokenKind::DocumentEnd) {
            self.scanner.next()?;
        }
        self.tag_directives.clear();
        self.state = State::DocumentStart;
        Ok(Event { kind: EventKind::DocumentEnd, at })
    }

    fn directives(&mut self) -> Parse<()> {
        let mut version = false;
        loop {
            let token = self.scanner.peek()?;
            let at = token.at;
            match &token.kind {
                TokenKind::VersionDirective(..) if version => {
                    return Err(parse_fault(None, at, "found duplicate %YAML directive"));
                }
                TokenKind::VersionDirective(1, 1) => version = true,
                TokenKind::VersionDirective(..) => {
                    return Err(parse_fault(None, at, "found incompatible YAML document"));
                }
                TokenKind::TagDirective(handle, _) if self.tag_directives.contains_key(handle) => {
                    return Err(parse_fault(None, at, "found duplicate %TAG directive"));
                }
                TokenKind::TagDirective(..) => {}
                _ => return Ok(()),
            }
            if let TokenKind::TagDirective(handle, prefix) = self.scanner.next()?.kind {
                budget::charge(DIRECTIVE_BYTES + prefix.len()).map_err(|why| Fault::exhausted(why, at))?;
                self.tag_directives.insert(handle, prefix);
            }
        }
    }

    fn node(&mut self, place: Place) -> Parse<Event<'a>> {
        let token = self.scanner.peek()?;
        let at = token.at;
        match token.kind {
            TokenKind::Alias(name) => {
                self.scanner.next()?;
                self.pop_state();
                Ok(Event { kind: EventKind::Alias(name), at })
            }
            TokenKind::Anchor(_) | TokenKind::Tag(_) => {
                let props = self.properties(at)?;
                self.node_content(place, at, props)
            }
            _ => self.node_content(place, at, None),
        }
    }

    /// An anchor and a tag in either order.
    fn properties(&mut self, at: Mark) -> Parse<Props<'a>> {
        let mut props = Properties::default();
        let mut tag = None;
        for _ in 0..2 {
            match &self.scanner.peek()?.kind {
                TokenKind::Anchor(_) if props.anchor.is_none() => {}
                TokenKind::Tag(_) if tag.is_none() => {}
                _ => break,
            }
            match self.scanner.next()? {
                Token { kind: TokenKind::Anchor(name), .. } => props.anchor = Some(name),
                Token { kind: TokenKind::Tag(parts), at, .. } => tag = Some((parts, at)),
                _ => {}
            }
        }
        // What follows is looked at before the tag is: a scanner's mistake there comes first.
        self.scanner.peek()?;
        if let Some((parts, tag_at)) = tag {
            props.tag = self
                .resolve_tag(*parts)
                .ok_or_else(|| parse_fault(Some(at), tag_at, "found undefined tag handle"))?;
        }
        Ok(Some(Box::new(props)))
    }

    fn resolve_tag(&self, (handle, suffix): (Cow<'a, str>, Cow<'a, str>)) -> Option<Cow<'a, str>> {
        if handle.is_empty() {
            return Some(suffix);
        }
        let declared = self.tag_directives.get(&handle).map(AsRef::as_ref);
        let prefix = declared.or(match handle.as_ref() {
            "!" => Some("!"),
            "!!" => Some("tag:yaml.org,2002:"),
            _ => None,
        })?;
        Some(Cow::Owned(format!("{prefix}{suffix}")))
    }

    fn node_content(&mut self, place: Place, at: Mark, props: Props<'a>) -> Parse<Event<'a>> {
        let token = self.scanner.peek()?;
        let block = place != Place::Flow;
        let kind = match token.kind {
            TokenKind::BlockEntry if place == Place::BlockOrIndentless => {
                self.state = State::IndentlessSequence;
                EventKind::SequenceStart { flow: false, props }
            }
            TokenKind::Scalar(..) => return self.scalar(at, props),
            TokenKind::FlowSequenceStart => {
                self.state = State::FlowSequenceFirst;
                EventKind::SequenceStart { flow: true, props }
            }
            TokenKind::FlowMappingStart => {
                self.state = State::FlowMappingFirst;
                EventKind::MappingStart { flow: true, props }
            }
            TokenKind::BlockSequenceStart if block => {
                self.state = State::BlockSequenceFirst;
                EventKind::SequenceStart { flow: false, props }
            }
            TokenKind::BlockMappingStart if block => {
                self.state = State::BlockMappingFirst;
                EventKind::MappingStart { flow: false, props }
            }
            _ if props.is_some() => {
                self.pop_state();
                EventKind::Scalar { value: Cow::Borrowed(""), style: ScalarStyle::Plain, props }
            }
            _ => return Err(parse_fault(Some(at), token.at, "did not find expected node content")),
        };
        Ok(Event { kind, at })
    }

    fn scalar(&mut self, at: Mark, props: Props<'a>) -> Parse<Event<'a>> {
        self.pop_state();
        match self.scanner.next()?.kind {
            TokenKind::Scalar(value, style) => {
                Ok(Event { kind: EventKind::Scalar { value, style, props }, at })
            }
            _ => Ok(empty_scalar(at)),
        }
    }

    /// Goes into a collection: its first token says where it began.
    fn enter(&mut self) -> Parse<()> {
        let at = self.scanner.next()?.at;
        self.starts.push(at);
        Ok(())
    }

    /// Leaves a collection with the token that ends it.
    fn leave(&mut self, kind: EventKind<'a>) -> Parse<Event<'a>> {
        self.starts.pop();
        self.pop_state();
        let at = self.scanner.next()?.at;
        Ok(Event { kind, at })
    }

    /// A node at this place, and then `next`.
    fn node_then(&mut self, next: State, place: Place) -> Parse<Event<'a>> {
        self.states.push(next);
        self.node(place)
    }

    /// An absent node, and then `next`.
    fn empty_then(&mut self, next: State, at: Mark) -> Event<'a> {
        self.state = next;
        empty_scalar(at)
    }

    fn pop_state(&mut self) {
        self.state = self.states.pop().unwrap_or(State::End);
    }

    fn unexpected(&mut self, problem: &str) -> Box<Fault> {
        let start = self.starts.pop();
        match self.scanner.peek() {
            Ok(token) => parse_fault(start, token.at, problem),
            Err(fault) => fault,
        }
    }
}

fn empty_scalar<'a>(at: Mark) -> Event<'a> {
    Event { kind: EventKind::Scalar { value: Cow::Borrowed(""), style: ScalarStyle::Plain, props: None }, at }
}

fn parse_fault(context: Option<Mark>, at: Mark, problem: &str) -> Box<Fault> {
    Box::new(Fault::parser(context, at, problem))
}
