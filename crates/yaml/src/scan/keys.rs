//! Simple keys: keys that show as such only when their `:` comes.

use crate::error::Mark;

use super::{Scan, Scanner};

/// Characters a simple key may be long, counted from its start to the `:`.
const SIMPLE_KEY_LENGTH: usize = 1024;

/// A place that turns out to be a key if a `:` follows.
#[derive(Clone, Copy, Default)]
pub(super) struct SimpleKey {
    pub(super) possible: bool,
    pub(super) required: bool,
    pub(super) token: usize,
    pub(super) at: Mark,
}

impl Scanner<'_> {
    /// The key that the token at the head may turn out to be.
    pub(super) fn head_key(&mut self) -> Option<SimpleKey> {
        self.head_key_index().and_then(|index| self.keys.get(index).copied())
    }

    pub(super) fn head_key_index(&mut self) -> Option<usize> {
        while self.waiting.front().is_some_and(|&(token, _)| token < self.taken) {
            self.waiting.pop_front();
        }
        self.waiting.front().filter(|&&(token, _)| token == self.taken).map(|&(_, index)| index)
    }

    pub(super) fn head_key_still_valid(&mut self) -> Scan<bool> {
        match self.head_key_index() {
            Some(index) if index < self.keys.len() => self.key_is_valid(index),
            _ => Ok(false),
        }
    }

    pub(super) fn forget(&mut self, token: usize) {
        if let Some(place) = self.waiting.iter().rposition(|&(t, _)| t == token) {
            self.waiting.remove(place);
        }
    }

    pub(super) fn key_is_valid(&mut self, index: usize) -> Scan<bool> {
        let key = self.keys[index];
        if !key.possible {
            return Ok(false);
        }
        if key.at.line == self.cursor.line() && !self.cursor.farther_than(key.at, SIMPLE_KEY_LENGTH) {
            return Ok(true);
        }
        if key.required {
            return Err(self.fault(Some(key.at), "could not find expected ':'"));
        }
        self.keys[index].possible = false;
        Ok(false)
    }

    /// Notes that a simple key may start here.
    pub(super) fn save_key(&mut self) -> Scan {
        if !self.key_allowed {
            return Ok(());
        }
        let required = self.flow_level == 0 && self.indent == self.cursor.column() as isize;
        let token = self.taken + self.queue.len();
        let key = SimpleKey { possible: true, required, token, at: self.cursor.mark() };
        self.drop_key()?;
        *self.top_key() = key;
        self.waiting.push_back((token, self.keys.len() - 1));
        Ok(())
    }

    /// Gives up the possible key of this level.
    pub(super) fn drop_key(&mut self) -> Scan {
        let key = *self.top_key();
        if key.possible && key.required {
            return Err(self.fault(Some(key.at), "could not find expected ':'"));
        }
        if key.possible {
            self.top_key().possible = false;
            self.forget(key.token);
        }
        Ok(())
    }

    pub(super) fn top_key(&mut self) -> &mut SimpleKey {
        self.keys.last_mut().expect("the block level always has an entry")
    }
}
