//! Block sequences and block mappings.

use crate::event::{Event, EventKind};
use crate::scan::TokenKind;

use super::{Parse, Parser, Place, State};

impl<'a> Parser<'a> {
    pub(super) fn block_sequence(&mut self, first: bool) -> Parse<Event<'a>> {
        if first {
            self.enter()?;
        }
        match self.scanner.peek()?.kind {
            TokenKind::BlockEntry => {
                let end = self.scanner.next()?.end;
                match self.scanner.peek()?.kind {
                    TokenKind::BlockEntry | TokenKind::BlockEnd => {
                        Ok(self.empty_then(State::BlockSequence, end))
                    }
                    _ => self.node_then(State::BlockSequence, Place::Block),
                }
            }
            TokenKind::BlockEnd => self.leave(EventKind::SequenceEnd),
            _ => Err(self.unexpected("did not find expected '-' indicator")),
        }
    }

    /// A sequence at the indentation of the mapping it is a value of.
    pub(super) fn indentless_sequence(&mut self) -> Parse<Event<'a>> {
        let token = self.scanner.peek()?;
        if !matches!(token.kind, TokenKind::BlockEntry) {
            let at = token.at;
            self.pop_state();
            return Ok(Event { kind: EventKind::SequenceEnd, at });
        }
        let end = self.scanner.next()?.end;
        match self.scanner.peek()?.kind {
            TokenKind::BlockEntry | TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd => {
                Ok(self.empty_then(State::IndentlessSequence, end))
            }
            _ => self.node_then(State::IndentlessSequence, Place::Block),
        }
    }

    pub(super) fn block_mapping_key(&mut self, first: bool) -> Parse<Event<'a>> {
        if first {
            self.enter()?;
        }
        match self.scanner.peek()?.kind {
            TokenKind::Key => {
                let end = self.scanner.next()?.end;
                match self.scanner.peek()?.kind {
                    TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd => {
                        Ok(self.empty_then(State::BlockMappingValue, end))
                    }
                    _ => self.node_then(State::BlockMappingValue, Place::BlockOrIndentless),
                }
            }
            TokenKind::BlockEnd => self.leave(EventKind::MappingEnd),
            _ => Err(self.unexpected("did not find expected key")),
        }
    }

    pub(super) fn block_mapping_value(&mut self) -> Parse<Event<'a>> {
        let token = self.scanner.peek()?;
        if !matches!(token.kind, TokenKind::Value) {
            let at = token.at;
            return Ok(self.empty_then(State::BlockMappingKey, at));
        }
        let end = self.scanner.next()?.end;
        match self.scanner.peek()?.kind {
            TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd => {
                Ok(self.empty_then(State::BlockMappingKey, end))
            }
            _ => self.node_then(State::BlockMappingKey, Place::BlockOrIndentless),
        }
    }
}
