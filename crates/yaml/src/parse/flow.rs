//! Flow sequences and flow mappings, and the single pairs that may stand in a flow sequence.

use crate::event::{Event, EventKind};
use crate::scan::TokenKind;

use super::{Parse, Parser, Place, State};

impl<'a> Parser<'a> {
    pub(super) fn flow_sequence(&mut self, first: bool) -> Parse<Event<'a>> {
        if first {
            self.enter()?;
        } else if !matches!(self.scanner.peek()?.kind, TokenKind::FlowSequenceEnd) {
            self.flow_separator("did not find expected ',' or ']'")?;
        }
        let token = self.scanner.peek()?;
        let at = token.at;
        match token.kind {
            TokenKind::FlowSequenceEnd => self.leave(EventKind::SequenceEnd),
            TokenKind::Key => {
                self.scanner.next()?;
                self.state = State::FlowPairKey;
                Ok(Event { kind: EventKind::MappingStart { flow: true, props: None }, at })
            }
            _ => self.node_then(State::FlowSequence, Place::Flow),
        }
    }

    fn flow_separator(&mut self, problem: &str) -> Parse<()> {
        if !matches!(self.scanner.peek()?.kind, TokenKind::FlowEntry) {
            return Err(self.unexpected(problem));
        }
        self.scanner.next()?;
        Ok(())
    }

    pub(super) fn flow_pair_key(&mut self) -> Parse<Event<'a>> {
        match self.scanner.peek()?.kind {
            TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowSequenceEnd => {
                // The token is dropped, as the reference does: `[? : x]` is a pair of two absent nodes.
                let end = self.scanner.next()?.end;
                Ok(self.empty_then(State::FlowPairValue, end))
            }
            _ => self.node_then(State::FlowPairValue, Place::Flow),
        }
    }

    pub(super) fn flow_pair_value(&mut self) -> Parse<Event<'a>> {
        let mut at = self.scanner.peek()?.at;
        if matches!(self.scanner.peek()?.kind, TokenKind::Value) {
            self.scanner.next()?;
            let token = self.scanner.peek()?;
            if !matches!(token.kind, TokenKind::FlowEntry | TokenKind::FlowSequenceEnd) {
                return self.node_then(State::FlowPairEnd, Place::Flow);
            }
            at = token.at;
        }
        Ok(self.empty_then(State::FlowPairEnd, at))
    }

    pub(super) fn flow_pair_end(&mut self) -> Parse<Event<'a>> {
        let at = self.scanner.peek()?.at;
        self.state = State::FlowSequence;
        Ok(Event { kind: EventKind::MappingEnd, at })
    }

    pub(super) fn flow_mapping_key(&mut self, first: bool) -> Parse<Event<'a>> {
        if first {
            self.enter()?;
        } else if !matches!(self.scanner.peek()?.kind, TokenKind::FlowMappingEnd) {
            self.flow_separator("did not find expected ',' or '}'")?;
        }
        match self.scanner.peek()?.kind {
            TokenKind::FlowMappingEnd => self.leave(EventKind::MappingEnd),
            TokenKind::Key => {
                self.scanner.next()?;
                let token = self.scanner.peek()?;
                let at = token.at;
                match token.kind {
                    TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowMappingEnd => {
                        Ok(self.empty_then(State::FlowMappingValue, at))
                    }
                    _ => self.node_then(State::FlowMappingValue, Place::Flow),
                }
            }
            _ => self.node_then(State::FlowMappingEmptyValue, Place::Flow),
        }
    }

    pub(super) fn flow_mapping_value(&mut self, empty: bool) -> Parse<Event<'a>> {
        let token = self.scanner.peek()?;
        let mut at = token.at;
        if !empty && matches!(token.kind, TokenKind::Value) {
            self.scanner.next()?;
            let token = self.scanner.peek()?;
            if !matches!(token.kind, TokenKind::FlowEntry | TokenKind::FlowMappingEnd) {
                return self.node_then(State::FlowMappingKey, Place::Flow);
            }
            at = token.at;
        }
        Ok(self.empty_then(State::FlowMappingKey, at))
    }
}
