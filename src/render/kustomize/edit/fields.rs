//! The fields of a kustomization file, or of an entry of one: found whatever their case, as Go's decoder finds them.

use std::sync::Arc;

use yaml::{Map, Value};

/// A map whose keys are the names of fields.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields(Map);

impl Fields {
    pub(super) fn of(map: &Map) -> Self {
        Self(map.clone())
    }

    pub(super) fn into_value(self) -> Value {
        self.0.into()
    }

    /// The key under which a field stands. Of several the last one counts, once they are sorted.
    fn key(&self, name: &str) -> Option<Arc<str>> {
        self.0.keys().filter(|key| key.eq_ignore_ascii_case(name)).max().cloned()
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(&self.key(name)?)
    }

    /// The text of a field; empty where it has none.
    pub(super) fn text(&self, name: &str) -> &str {
        self.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether a field is true.
    pub(super) fn flag(&self, name: &str) -> bool {
        matches!(self.get(name), Some(Value::Bool(true)))
    }

    /// Takes a field out; null where it is not there.
    pub(super) fn take(&mut self, name: &str) -> Value {
        let mut taken = None;
        while let Some(key) = self.key(name) {
            taken = taken.or(self.0.remove(&key));
        }
        taken.unwrap_or_default()
    }

    /// Takes out a field that is a list, or nothing; `None`, and it stays, where it is something else.
    pub(super) fn take_list(&mut self, name: &str) -> Option<Vec<Value>> {
        match self.get(name) {
            None | Some(Value::Null) => Some(Vec::new()),
            Some(Value::List(list)) => Some(list.to_vec()),
            Some(_) => None,
        }
        .inspect(|_| drop(self.take(name)))
    }

    pub(super) fn put(&mut self, name: &'static str, value: Value) {
        self.take(name);
        self.0.insert(name, value);
    }

    /// Sets a field to a text, unless that is empty.
    pub(super) fn set_text(&mut self, name: &'static str, text: &str) {
        if !text.is_empty() {
            self.put(name, text.into());
        }
    }
}
