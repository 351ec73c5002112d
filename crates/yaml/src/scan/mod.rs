//! Text in, tokens out: indentation, simple keys and flow levels as libyaml has them, with go-yaml's changes.
//!
//! Sources of the rules: YAML 1.1 chapter 5 to 9 as libyaml reads it, and go-yaml v2.4 and v3.0 where they differ:
//! `:` and `?` start a token anywhere in a flow collection, a plain scalar there may hold `:`, and v3 keeps two
//! more tokens in the queue than it needs (for comments), so it sees mistakes earlier.

mod block;
mod cursor;
mod directive;
mod keys;
mod plain;
mod quoted;
mod tag;
mod token;

use std::collections::VecDeque;

use crate::error::{Dialect, Fault, Mark};
use crate::input::Source;
use crate::limits::Limits;

use budget::Exhausted;

use cursor::{Cursor, is_word};
use keys::SimpleKey;
pub(crate) use token::{Token, TokenKind};

type Scan<T = ()> = Result<T, Box<Fault>>;

/// What making a token costs beside passing its text.
const TOKEN_WORK: usize = 8;

/// What a comment takes while the list of them grows.
const COMMENT_BYTES: usize = 2 * size_of::<(Mark, Mark)>();

/// Reads tokens off a source, one at a time.
pub(crate) struct Scanner<'a> {
    cursor: Cursor<'a>,
    source: &'a Source<'a>,
    barrier: usize,
    dialect: Dialect,
    max_depth: usize,
    queue: VecDeque<Token<'a>>,
    /// Tokens already handed out; the number of the token at the head of the queue.
    taken: usize,
    /// Column of the block collection we are in; -1 outside of any.
    indent: isize,
    indents: Vec<isize>,
    flow_level: usize,
    /// Whether a simple key may start here.
    key_allowed: bool,
    /// The possible simple key of each flow level.
    keys: Vec<SimpleKey>,
    /// Tokens that wait for a `:`, as number and index in `keys`; the queue is kept back for them.
    ///
    /// This is go-yaml's table with its faults: a collection that closes without a key inside (`[]:`) is
    /// forgotten, so that its `Key` token comes too late; a key given up because its line ended is not, and then
    /// speaks for the next key of its level.
    waiting: VecDeque<(usize, usize)>,
    /// Comments between tokens, as far as they have been passed: where they begin and end.
    comments: Vec<(Mark, Mark)>,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(source: &'a Source<'a>, dialect: Dialect, limits: &Limits) -> Self {
        Self {
            cursor: Cursor::new(source.text()),
            source,
            barrier: source.barrier(),
            dialect,
            max_depth: limits.depth,
            queue: VecDeque::with_capacity(8),
            taken: 0,
            indent: -1,
            indents: Vec::new(),
            flow_level: 0,
            key_allowed: true,
            keys: vec![SimpleKey::default()],
            waiting: VecDeque::new(),
            comments: Vec::new(),
        }
    }

    /// The next token, without taking it.
    #[inline]
    pub(crate) fn peek(&mut self) -> Scan<&Token<'a>> {
        if self.wants_more() {
            self.fill()?;
        }
        Ok(&self.queue[0])
    }

    /// Takes the next token.
    #[inline]
    pub(crate) fn next(&mut self) -> Scan<Token<'a>> {
        self.peek()?;
        self.taken += 1;
        Ok(self.queue.pop_front().expect("peek leaves a token in the queue"))
    }

    fn wants_more(&mut self) -> bool {
        self.queue.len() <= self.keep() || self.head_key().is_some_and(|key| key.possible)
    }

    fn fill(&mut self) -> Scan {
        while self.wants_more() {
            if self.queue.len() > self.keep() && !self.head_key_still_valid()? {
                break;
            }
            if let Err(fault) = self.fetch() {
                return Err(self.reader_fault_or(fault));
            }
            if self.cursor.pos() >= self.barrier {
                self.check_barrier()?;
            }
        }
        Ok(())
    }

    /// go-yaml looks four characters ahead before it decides on a token.
    fn check_barrier(&self) -> Scan {
        match self.source.fault() {
            Some(fault) if self.cursor.pos() + 4 > self.barrier => Err(Box::new(fault)),
            _ => Ok(()),
        }
    }

    /// Tokens that stay in the queue behind the one that is asked for.
    fn keep(&self) -> usize {
        match self.dialect {
            Dialect::V2 => 0,
            Dialect::V3 => 2,
        }
    }

    /// A bad character in the block being read comes before any mistake of the scanner.
    fn reader_fault_or(&self, fault: Box<Fault>) -> Box<Fault> {
        match self.source.fault() {
            Some(bad) if self.cursor.pos() + 4 > self.barrier => Box::new(bad),
            _ => fault,
        }
    }

    fn push(&mut self, kind: TokenKind<'a>, at: Mark) {
        let end = self.cursor.mark();
        self.queue.push_back(Token { kind, at, end });
    }

    /// Scans one token (and whatever has to stand before it) into the queue.
    fn fetch(&mut self) -> Scan {
        let before = self.cursor.mark();
        self.skip_to_token()?;
        if self.cursor.pos() + 4 > self.barrier {
            self.check_barrier()?;
        }
        let block_end = match self.dialect {
            Dialect::V2 => self.cursor.mark(),
            Dialect::V3 => before,
        };
        self.unroll(self.cursor.column() as isize, block_end);
        self.fetch_token()?;
        if self.dialect == Dialect::V3 {
            self.skip_line_comment()?;
        }
        self.spent(budget::work(self.cursor.pos() - before.pos as usize + TOKEN_WORK))
    }

    fn fetch_token(&mut self) -> Scan {
        if self.cursor.at_end() {
            return self.fetch_stream_end();
        }
        if self.cursor.column() == 0 {
            if self.cursor.byte(0) == b'%' {
                return self.fetch_directive();
            }
            if self.cursor.document_marker() {
                return self.fetch_document_marker();
            }
        }
        let in_flow = self.flow_level > 0;
        match self.cursor.byte(0) {
            b'[' => self.fetch_flow_start(TokenKind::FlowSequenceStart),
            b'{' => self.fetch_flow_start(TokenKind::FlowMappingStart),
            b']' => self.fetch_flow_end(TokenKind::FlowSequenceEnd),
            b'}' => self.fetch_flow_end(TokenKind::FlowMappingEnd),
            b',' => self.fetch_flow_entry(),
            b'-' if self.cursor.is_blankz(1) => self.fetch_block_entry(),
            b'?' if in_flow || self.cursor.is_blankz(1) => self.fetch_key(),
            b':' if in_flow || self.cursor.is_blankz(1) => self.fetch_value(),
            b'*' => self.fetch_anchor(true),
            b'&' => self.fetch_anchor(false),
            b'!' => self.fetch_tag(),
            b'|' if !in_flow => self.fetch_block_scalar(true),
            b'>' if !in_flow => self.fetch_block_scalar(false),
            b'\'' => self.fetch_quoted(true),
            b'"' => self.fetch_quoted(false),
            b'\t' | b'#' | b'|' | b'>' | b'%' | b'@' | b'`' => Err(self.cannot_start_token()),
            _ => self.fetch_plain(),
        }
    }

    fn cannot_start_token(&self) -> Box<Fault> {
        let at = self.cursor.mark();
        self.fault(Some(at), "found character that cannot start any token")
    }

    /// What a budget that is used up is here.
    fn spent(&self, result: Result<(), Exhausted>) -> Scan {
        result.map_err(|why| Fault::exhausted(why, self.cursor.mark()))
    }

    fn fault(&self, context: Option<Mark>, problem: &str) -> Box<Fault> {
        Box::new(Fault::scanner(context, self.cursor.mark(), problem))
    }

    /// Passes blanks, comments and line breaks. A tab counts as a blank only where no key may start.
    fn skip_to_token(&mut self) -> Scan {
        if self.cursor.pos() == 0 && self.cursor.bytes().starts_with("\u{FEFF}".as_bytes()) {
            self.cursor.skip_char();
        }
        loop {
            let tabs = self.flow_level > 0 || !self.key_allowed;
            let passed = self.cursor.skip_while(|b| b == b' ' || (tabs && b == b'\t'));
            self.spent(passed)?;
            if self.cursor.byte(0) == b'#' {
                self.pass_comment()?;
            }
            if self.cursor.break_len(0) == 0 {
                return Ok(());
            }
            self.cursor.skip_break();
            self.spent(budget::work(1))?;
            if self.flow_level == 0 {
                self.key_allowed = true;
            }
        }
    }

    /// v3 takes a comment behind a token at once, so that a tab before it never starts a token.
    fn skip_line_comment(&mut self) -> Scan {
        if matches!(self.queue.back(), Some(Token { kind: TokenKind::BlockEntry, .. })) {
            return Ok(());
        }
        let mut ahead = 0;
        while self.cursor.is_blank(ahead) {
            ahead += 1;
        }
        self.spent(budget::work(ahead))?;
        if self.cursor.byte(ahead) == b'#' {
            self.cursor.skip(ahead);
            self.pass_comment()?;
        }
        Ok(())
    }

    fn pass_comment(&mut self) -> Scan {
        let start = self.cursor.mark();
        self.cursor.skip_line_rest();
        let end = self.cursor.mark();
        self.spent(budget::work((end.pos - start.pos) as usize))?;
        self.spent(budget::charge(COMMENT_BYTES))?;
        self.comments.push((start, end));
        Ok(())
    }

    /// Where the comments passed so far begin and end.
    pub(crate) fn comments(&self) -> &[(Mark, Mark)] {
        &self.comments
    }

    /// Opens a block collection at `column` if it is deeper than the one we are in.
    fn roll(&mut self, column: isize, kind: TokenKind<'a>, at: Mark) -> Scan {
        self.roll_before(column, kind, at, self.queue.len())
    }

    fn roll_before(&mut self, column: isize, kind: TokenKind<'a>, at: Mark, index: usize) -> Scan {
        if self.flow_level > 0 || self.indent >= column {
            return Ok(());
        }
        self.indents.push(self.indent);
        self.indent = column;
        self.check_depth()?;
        self.queue.insert(index, Token { kind, at, end: at });
        Ok(())
    }

    /// Closes block collections deeper than `column`.
    fn unroll(&mut self, column: isize, at: Mark) {
        if self.flow_level > 0 {
            return;
        }
        while self.indent > column {
            self.queue.push_back(Token { kind: TokenKind::BlockEnd, at, end: at });
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    fn check_depth(&self) -> Scan {
        if self.indents.len() + self.flow_level <= self.max_depth {
            return Ok(());
        }
        let at = self.keys.last().map(|key| key.at);
        let mut fault = self.fault(at, &format!("exceeded max depth of {}", self.max_depth));
        fault.limit = true;
        Err(fault)
    }

    fn fetch_stream_end(&mut self) -> Scan {
        self.cursor.close_line();
        self.unroll(-1, self.cursor.mark());
        self.drop_key()?;
        self.key_allowed = false;
        self.push(TokenKind::StreamEnd, self.cursor.mark());
        Ok(())
    }

    fn fetch_directive(&mut self) -> Scan {
        self.unroll(-1, self.cursor.mark());
        self.drop_key()?;
        self.key_allowed = false;
        self.scan_directive()
    }

    fn fetch_document_marker(&mut self) -> Scan {
        self.unroll(-1, self.cursor.mark());
        self.drop_key()?;
        self.key_allowed = false;
        let kind = match self.cursor.byte(0) {
            b'-' => TokenKind::DocumentStart,
            _ => TokenKind::DocumentEnd,
        };
        self.push_indicator(kind, 3);
        Ok(())
    }

    fn push_indicator(&mut self, kind: TokenKind<'a>, length: usize) {
        let at = self.cursor.mark();
        self.cursor.skip(length);
        self.push(kind, at);
    }

    fn fetch_flow_start(&mut self, kind: TokenKind<'a>) -> Scan {
        self.save_key()?;
        let token = self.taken + self.queue.len();
        self.keys.push(SimpleKey { token, at: self.cursor.mark(), ..SimpleKey::default() });
        self.flow_level += 1;
        self.check_depth()?;
        self.key_allowed = true;
        self.push_indicator(kind, 1);
        Ok(())
    }

    fn fetch_flow_end(&mut self, kind: TokenKind<'a>) -> Scan {
        self.drop_key()?;
        if self.flow_level > 0 {
            self.flow_level -= 1;
            let inner = self.keys.pop().unwrap_or_default();
            self.forget(inner.token);
        }
        self.key_allowed = false;
        self.push_indicator(kind, 1);
        Ok(())
    }

    fn fetch_flow_entry(&mut self) -> Scan {
        self.drop_key()?;
        self.key_allowed = true;
        self.push_indicator(TokenKind::FlowEntry, 1);
        Ok(())
    }

    fn fetch_block_entry(&mut self) -> Scan {
        if self.flow_level == 0 {
            self.start_block("block sequence entries", TokenKind::BlockSequenceStart)?;
        }
        self.drop_key()?;
        self.key_allowed = true;
        self.push_indicator(TokenKind::BlockEntry, 1);
        Ok(())
    }

    fn fetch_key(&mut self) -> Scan {
        if self.flow_level == 0 {
            self.start_block("mapping keys", TokenKind::BlockMappingStart)?;
        }
        self.drop_key()?;
        self.key_allowed = self.flow_level == 0;
        self.push_indicator(TokenKind::Key, 1);
        Ok(())
    }

    fn start_block(&mut self, what: &str, kind: TokenKind<'a>) -> Scan {
        if !self.key_allowed {
            return Err(self.fault(None, &format!("{what} are not allowed in this context")));
        }
        self.roll(self.cursor.column() as isize, kind, self.cursor.mark())
    }

    fn fetch_value(&mut self) -> Scan {
        if self.key_is_valid(self.keys.len() - 1)? {
            let key = *self.top_key();
            let index = key.token.checked_sub(self.taken);
            let place = index.unwrap_or(self.queue.len());
            self.queue.insert(place, Token { kind: TokenKind::Key, at: key.at, end: key.at });
            let place = index.unwrap_or(self.queue.len());
            self.roll_before(key.at.column as isize, TokenKind::BlockMappingStart, key.at, place)?;
            self.top_key().possible = false;
            self.forget(key.token);
            self.key_allowed = false;
        } else {
            if self.flow_level == 0 {
                self.start_block("mapping values", TokenKind::BlockMappingStart)?;
            }
            self.key_allowed = self.flow_level == 0;
        }
        self.push_indicator(TokenKind::Value, 1);
        Ok(())
    }

    fn fetch_anchor(&mut self, alias: bool) -> Scan {
        self.save_key()?;
        self.key_allowed = false;
        let at = self.cursor.mark();
        self.cursor.skip(1);
        let start = self.cursor.pos();
        let passed = self.cursor.skip_while(is_word);
        self.spent(passed)?;
        let name = self.cursor.slice(start, self.cursor.pos());
        let closed = self.cursor.is_blankz(0)
            || matches!(self.cursor.byte(0), b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`');
        if name.is_empty() || !closed {
            return Err(self.fault(Some(at), "did not find expected alphabetic or numeric character"));
        }
        self.push(if alias { TokenKind::Alias(name) } else { TokenKind::Anchor(name) }, at);
        Ok(())
    }

    fn fetch_tag(&mut self) -> Scan {
        self.save_key()?;
        self.key_allowed = false;
        self.scan_tag()
    }

    fn fetch_block_scalar(&mut self, literal: bool) -> Scan {
        self.drop_key()?;
        self.key_allowed = true;
        self.scan_block_scalar(literal)
    }

    fn fetch_quoted(&mut self, single: bool) -> Scan {
        self.save_key()?;
        self.key_allowed = false;
        self.scan_quoted(single)
    }

    fn fetch_plain(&mut self) -> Scan {
        self.save_key()?;
        self.key_allowed = false;
        self.scan_plain()
    }
}
