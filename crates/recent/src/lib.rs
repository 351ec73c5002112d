//! A map within a weight, that gives up what nobody asked for lately: what the engines keep of texts they have parsed.
//!
//! It holds two generations. What comes in, or is asked for, belongs to the young one; when that one is full it becomes
//! the old one, and what was old is given up. Nothing is ordered and nothing else is counted, so looking something up
//! costs no more than in a plain map.
//!
//! ```
//! let mut kept = manifestd_recent::Recent::new(100);
//! kept.put("a.yaml", "parsed", 40);
//! assert_eq!(kept.get(&"a.yaml"), Some("parsed"));
//! ```

use std::collections::HashMap;
use std::hash::Hash;
use std::mem;

/// Values by key, those used lately. Twice `most` is the weight it never exceeds.
#[derive(Debug)]
pub struct Recent<K, V> {
    young: HashMap<K, (V, u64)>,
    old: HashMap<K, (V, u64)>,
    /// What the young generation weighs.
    weight: u64,
    /// The most that one generation may weigh.
    most: u64,
}

impl<K: Eq + Hash + Clone, V: Clone> Recent<K, V> {
    /// Nothing yet; each of the two generations may weigh `most`, in whatever unit [`Recent::put`] is told.
    #[must_use]
    pub fn new(most: u64) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), weight: 0, most }
    }

    /// The value of `key`, which counts as used.
    pub fn get(&mut self, key: &K) -> Option<V> {
        if let Some((value, _)) = self.young.get(key) {
            return Some(value.clone());
        }
        let (value, weight) = self.old.remove(key)?;
        self.put(key.clone(), value.clone(), weight);
        Some(value)
    }

    /// Gives up everything.
    pub fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
        self.weight = 0;
    }

    /// Keeps `value`, unless it alone weighs more than a generation may.
    pub fn put(&mut self, key: K, value: V, weight: u64) {
        if weight > self.most {
            return;
        }
        if self.weight + weight > self.most {
            self.old = mem::take(&mut self.young);
            self.weight = 0;
        }
        match self.young.insert(key, (value, weight)) {
            Some((_, before)) => self.weight = self.weight - before + weight,
            None => self.weight += weight,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_the_rest_goes() {
        let mut kept = Recent::new(10);
        kept.put("often", 1, 4);
        for number in 0..20 {
            kept.put(["a", "b", "c"][number % 3], 2, 4);
            assert_eq!(kept.get(&"often"), Some(1), "{number}");
        }
        kept.put("large", 3, 11);
        assert_eq!(kept.get(&"large"), None);
        for name in ["d", "e", "f", "g", "h"] {
            kept.put(name, 4, 4);
        }
        assert_eq!((kept.get(&"often"), kept.get(&"h")), (None, Some(4)));
        assert!(kept.young.len() + kept.old.len() <= 4);
    }

    #[test]
    fn a_value_put_again_weighs_what_it_weighs_now() {
        let mut kept = Recent::new(10);
        kept.put("a", 1, 8);
        kept.put("a", 2, 1);
        kept.put("b", 3, 9);
        assert_eq!((kept.get(&"a"), kept.get(&"b")), (Some(2), Some(3)));
        assert!(kept.old.is_empty(), "both fit one generation");
    }
}
