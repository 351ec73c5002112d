//! Going through everything a value holds: measuring it, comparing it, freeing it.
//!
//! Templates make values that hold one another many times, hold themselves, or are nested deeper than the stack is.

use std::rc::Rc;

use super::{Entries, Items, List, Map, Value};

impl Value {
    /// Tells `count` of all values inside, a collection or a text at a time: how many values, how many bytes. Says
    /// whether none is nested deeper than `levels`.
    pub(crate) fn measure<E>(
        &self,
        levels: usize,
        count: &mut impl FnMut(usize, usize) -> Result<(), E>,
    ) -> Result<bool, E> {
        match self {
            Self::Str(text) | Self::Bytes(text) => count(0, text.len()).map(|()| true),
            Self::Object(object) => count(0, object.size()).map(|()| true),
            Self::List(list) => {
                count(list.len(), 0)?;
                all_fit(list.iter(), levels, count)
            }
            Self::Map(map) => {
                let Some(entries) = &map.entries else { return Ok(true) };
                let entries = entries.map.borrow();
                let keys: usize = entries.keys().map(|key| key.len()).sum();
                count(entries.len(), keys)?;
                all_fit(entries.values(), levels, count)
            }
            _ => Ok(true),
        }
    }

    /// Go's `reflect.DeepEqual`: types count, so an `int` never equals a `float64`.
    #[must_use]
    pub fn deep_equal(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Nil, Self::Nil) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(s, a), Self::Int(t, b)) => s == t && a == b,
            (Self::Uint(s, a), Self::Uint(t, b)) => s == t && a == b,
            (Self::Float(a), Self::Float(b)) => a == b,
            (Self::Str(a), Self::Str(b)) | (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::List(a), Self::List(b)) => equal_lists(a, b),
            (Self::Map(a), Self::Map(b)) => equal_maps(a, b),
            (Self::Object(a), Self::Object(b)) => a.equal(&**b),
            _ => false,
        }
    }
}

impl Drop for Items {
    fn drop(&mut self) {
        free(std::mem::take(&mut self.0).into_iter());
    }
}

impl Drop for Entries {
    fn drop(&mut self) {
        free(std::mem::take(self.map.get_mut()).into_values());
    }
}

/// Frees values one after the other: templates nest them deeper than the stack is.
fn free(values: impl Iterator<Item = Value>) {
    let is_collection = |value: &Value| matches!(value, Value::List(_) | Value::Map(_));
    let mut waiting: Vec<Value> = values.filter(is_collection).collect();
    while let Some(value) = waiting.pop() {
        match value {
            Value::List(List { items: Some(items), .. }) => {
                if let Ok(mut items) = Rc::try_unwrap(items) {
                    waiting.extend(std::mem::take(&mut items.0).into_iter().filter(is_collection));
                }
            }
            Value::Map(Map { entries: Some(entries), .. }) => {
                if let Ok(mut entries) = Rc::try_unwrap(entries) {
                    let inner = std::mem::take(entries.map.get_mut());
                    waiting.extend(inner.into_values().filter(is_collection));
                }
            }
            _ => {}
        }
    }
}

fn all_fit<'v, E>(
    values: impl Iterator<Item = &'v Value>,
    levels: usize,
    count: &mut impl FnMut(usize, usize) -> Result<(), E>,
) -> Result<bool, E> {
    let Some(levels) = levels.checked_sub(1) else { return Ok(false) };
    for value in values {
        if !value.measure(levels, count)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn equal_lists(a: &List, b: &List) -> bool {
    a.of == b.of
        && a.is_nil() == b.is_nil()
        && a.len() == b.len()
        && a.iter().zip(b.iter()).all(|(a, b)| a.deep_equal(b))
}

fn equal_maps(a: &Map, b: &Map) -> bool {
    if a.of != b.of || a.is_nil() != b.is_nil() || a.len() != b.len() {
        return false;
    }
    let mut equal = true;
    if !a.same(b) {
        a.each(|key, value| {
            equal = b.get(key).is_some_and(|other| value.deep_equal(&other));
            equal
        });
    }
    equal
}
