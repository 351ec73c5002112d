//! Uses of inputs that are not files: the revision, the cluster's versions, what else a render looked at.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Notes which inputs other than files a render looked at, with the value it saw.
#[derive(Debug, Default)]
pub struct Inputs(Mutex<BTreeMap<Arc<str>, Vec<u8>>>);

impl Inputs {
    /// Notes that the input `name` was looked at and had `value`.
    pub fn note(&self, name: &str, value: impl Into<Vec<u8>>) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.insert(Arc::from(name), value.into());
    }

    /// What was looked at so far.
    #[must_use]
    pub fn seen(&self) -> BTreeMap<Arc<str>, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
