//! Texts and lists that grow: charged before memory is taken, and the stop flag is looked at on the way.

use std::borrow::Cow;
use std::mem::size_of;

use crate::budget::{Budget, check_length};
use crate::function::CallError;
use crate::value::{List, ListType, Str, Value};

/// How many bytes are written between two looks at the stop flag.
const LOOK: usize = 64 << 10;

/// The first room of a text that grows.
const FIRST: usize = 64;

/// A text that is being made.
///
/// Writing cannot fail: once a budget is used up nothing more is written, and the end tells why. What could go on for
/// long asks [`Self::is_spent`] now and then.
pub struct TextBuffer<'b> {
    budget: &'b Budget<'b>,
    bytes: Vec<u8>,
    /// Up to here it may grow without asking.
    free: usize,
    /// Up to here the time to write it is accounted for.
    timed: usize,
    error: Option<CallError>,
}

impl<'b> TextBuffer<'b> {
    /// An empty text within `budget`.
    #[must_use]
    pub const fn new(budget: &'b Budget<'b>) -> Self {
        Self { budget, bytes: Vec::new(), free: 0, timed: LOOK, error: None }
    }

    /// An empty text with room for `bytes`: no more are charged while it stays within them.
    #[must_use]
    pub fn with_room(budget: &'b Budget<'b>, bytes: usize) -> Self {
        let mut text = Self::new(budget);
        text.error = text.take_room(bytes).err();
        text
    }

    /// The budget it is charged to.
    #[must_use]
    pub fn budget(&self) -> &'b Budget<'b> {
        self.budget
    }

    /// The bytes written so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing was written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether a budget is used up: nothing more is written.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.error.is_some()
    }

    /// The budget that is used up.
    #[must_use]
    pub fn error(&self) -> Option<&CallError> {
        self.error.as_ref()
    }

    /// Makes it fail: nothing more is written.
    pub fn fail(&mut self, error: CallError) {
        if self.error.is_none() {
            self.error = Some(error);
            self.free = 0;
        }
    }

    /// Writes bytes.
    pub fn put(&mut self, bytes: &[u8]) {
        if self.has_room(bytes.len()) {
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// Writes one byte.
    pub fn put_byte(&mut self, byte: u8) {
        if self.has_room(1) {
            self.bytes.push(byte);
        }
    }

    /// Writes a character.
    pub fn put_char(&mut self, c: char) {
        self.put(c.encode_utf8(&mut [0; 4]).as_bytes());
    }

    /// Writes a byte `count` times.
    pub fn put_repeated(&mut self, byte: u8, count: usize) {
        if self.has_room(count) {
            self.bytes.resize(self.bytes.len() + count, byte);
        }
    }

    fn has_room(&mut self, more: usize) -> bool {
        self.bytes.len().saturating_add(more) <= self.free || self.makes_room(more)
    }

    #[cold]
    fn makes_room(&mut self, more: usize) -> bool {
        if self.error.is_some() {
            return false;
        }
        match self.make_room(more) {
            Ok(()) => true,
            Err(error) => {
                self.fail(error);
                false
            }
        }
    }

    fn make_room(&mut self, more: usize) -> Result<(), CallError> {
        let wanted = self.bytes.len().saturating_add(more);
        if wanted > self.timed {
            self.budget.read(self.bytes.len() + LOOK.max(more) - self.timed)?;
            self.timed = self.bytes.len() + LOOK.max(more);
        }
        if wanted > self.bytes.capacity() {
            let doubled = self.bytes.capacity().saturating_mul(2);
            self.take_room(wanted.max(doubled.min(crate::budget::MAX_TEXT)).max(FIRST))?;
        }
        self.free = self.bytes.capacity().min(self.timed);
        Ok(())
    }

    fn take_room(&mut self, capacity: usize) -> Result<(), CallError> {
        check_length(capacity)?;
        self.budget.spend(capacity)?;
        self.bytes.reserve_exact(capacity - self.bytes.len());
        Ok(())
    }

    /// The bytes.
    ///
    /// # Errors
    /// The budget that was used up.
    pub fn into_bytes(self) -> Result<Vec<u8>, CallError> {
        self.error.map_or(Ok(self.bytes), Err)
    }

    /// The text, to be shared.
    ///
    /// # Errors
    /// The budget that was used up.
    pub fn into_text(self) -> Result<Str, CallError> {
        let budget = self.budget;
        let bytes = self.into_bytes()?;
        budget.spend_text(bytes.len())?;
        Ok(Str::from(bytes))
    }

    /// The text as a `string`.
    ///
    /// # Errors
    /// The budget that was used up.
    pub fn into_value(self) -> Result<Value, CallError> {
        self.into_text().map(Value::Str)
    }
}

impl std::fmt::Write for TextBuffer<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.put(text.as_bytes());
        if self.is_spent() { Err(std::fmt::Error) } else { Ok(()) }
    }
}

/// A slice that is being made.
pub struct ListBuffer<'b> {
    budget: &'b Budget<'b>,
    items: Vec<Value>,
}

impl<'b> ListBuffer<'b> {
    /// An empty slice within `budget`.
    #[must_use]
    pub const fn new(budget: &'b Budget<'b>) -> Self {
        Self { budget, items: Vec::new() }
    }

    /// The elements so far.
    #[must_use]
    pub fn items(&self) -> &[Value] {
        &self.items
    }

    /// Makes room for `more` elements.
    ///
    /// # Errors
    /// When a budget is used up.
    pub fn reserve(&mut self, more: usize) -> Result<(), CallError> {
        let wanted = self.items.len().saturating_add(more);
        if wanted > self.items.capacity() {
            let room = wanted.max(self.items.capacity().saturating_mul(2));
            self.budget.spend(room.saturating_mul(size_of::<Value>()))?;
            self.items.reserve_exact(room - self.items.len());
        }
        Ok(())
    }

    /// Adds an element.
    ///
    /// # Errors
    /// When a budget is used up.
    pub fn push(&mut self, item: Value) -> Result<(), CallError> {
        self.reserve(1)?;
        self.budget.work(u64::from(self.items.len().is_multiple_of(8)))?;
        self.items.push(item);
        Ok(())
    }

    /// Adds a copy of a text.
    ///
    /// # Errors
    /// When a budget is used up.
    pub fn push_text(&mut self, text: &[u8]) -> Result<(), CallError> {
        let text = self.budget.copied(text)?;
        self.push(text)
    }

    /// The slice.
    ///
    /// # Errors
    /// When a budget is used up.
    pub fn into_value(self, of: ListType) -> Result<Value, CallError> {
        self.budget.spend_list(0)?;
        Ok(Value::List(List::new(of, self.items)))
    }
}

impl Budget<'_> {
    /// A copy of `text` as a `string`.
    ///
    /// # Errors
    /// When a budget is used up.
    pub fn copied(&self, text: &[u8]) -> Result<Value, CallError> {
        self.spend_text(text.len())?;
        Ok(Value::Str(Str::from(text)))
    }

    /// The text, each run of invalid UTF-8 replaced by U+FFFD.
    ///
    /// # Errors
    /// When a budget is used up.
    pub fn lossy<'t>(&self, text: &'t [u8]) -> Result<Cow<'t, str>, CallError> {
        self.read(text.len())?;
        if let Ok(valid) = std::str::from_utf8(text) {
            return Ok(Cow::Borrowed(valid));
        }
        // A byte that is replaced becomes three, and the text grows by doubling.
        check_length(text.len().saturating_mul(3))?;
        self.spend(text.len().saturating_mul(8))?;
        Ok(String::from_utf8_lossy(text))
    }
}
