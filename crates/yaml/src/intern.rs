//! Shares the text of keys that come again and again in one document.

use std::sync::Arc;

/// Places for keys; more would not be hit more often in real manifests.
const SLOTS: usize = 128;
/// Longer keys are rare and rarely repeated.
const LONGEST: usize = 48;

/// Remembers the latest key of each slot.
pub(crate) struct Keys {
    slots: Vec<Option<Arc<str>>>,
}

impl Keys {
    pub(crate) fn new() -> Self {
        Self { slots: vec![None; SLOTS] }
    }

    /// The shared text of a key.
    pub(crate) fn share(&mut self, key: &str) -> Arc<str> {
        let bytes = key.as_bytes();
        let (Some(&first), Some(&last)) = (bytes.first(), bytes.last()) else { return Arc::from("") };
        if bytes.len() > LONGEST {
            return Arc::from(key);
        }
        let middle = bytes[bytes.len() / 2];
        let mixed =
            usize::from(first) * 7 + usize::from(middle) * 31 + usize::from(last) * 13 + bytes.len() * 3;
        let slot = &mut self.slots[mixed % SLOTS];
        match slot {
            Some(known) if **known == *key => known.clone(),
            _ => slot.insert(Arc::from(key)).clone(),
        }
    }
}
