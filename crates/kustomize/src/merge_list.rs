//! Lists merged by keys, item by item, in the order and with the quirks of kyaml.
//!
//! Source: kustomize 5.8.1 `kyaml/yaml/walk/associative_sequence.go`.

use crate::error::Result;
use crate::node::{Node, Scalar};
use crate::strategic::Merged;

/// One merge.
pub(crate) struct Merge<'m> {
    /// The merge keys; none for plain values.
    pub(crate) keys: &'m [String],
    pub(crate) dest: Vec<Node>,
    pub(crate) patch: &'m [Node],
}

/// Merges two items.
type Walk<'w> = dyn FnMut(Option<Node>, Option<&Node>) -> Result<Merged> + 'w;

/// Keys and the values an item is found by.
type Tuple = Vec<String>;

impl Merge<'_> {
    /// The merged items: the patch's first, then the others.
    pub(crate) fn run(&mut self, walk: &mut Walk<'_>) -> Result<Vec<Node>> {
        let whole = self.keys.to_vec();
        let (keys, tuples) = if whole.is_empty() {
            (vec![String::new()], self.plain_values())
        } else {
            (whole, self.tuples())
        };
        let used: Vec<String> = used_keys(&keys, &tuples);
        let mut added = Vec::new();
        for tuple in &tuples {
            let values = keys.iter().zip(tuple).filter(|(key, _)| used.contains(key)).map(|(_, v)| v.clone());
            let values: Tuple = values.collect();
            self.merge_one(&used, &values, &mut added, walk)?;
        }
        if tuples.is_empty() {
            return Ok(std::mem::take(&mut self.dest));
        }
        for item in std::mem::take(&mut self.dest) {
            settle(&mut added, item, &used);
        }
        Ok(added)
    }

    fn plain_values(&self) -> Vec<Tuple> {
        let mut values: Vec<Tuple> = Vec::new();
        for item in self.patch.iter().chain(&self.dest) {
            let value = vec![item.raw().to_owned()];
            if !values.contains(&value) {
                values.push(value);
            }
        }
        values
    }

    /// The key values of all items; with several keys, those that only lack some are made one.
    fn tuples(&self) -> Vec<Tuple> {
        let mut tuples: Vec<Tuple> = Vec::new();
        for item in self.patch.iter().chain(&self.dest) {
            let value = |key: &String| item.get(key).filter(|v| !v.is_nil_or_empty()).map_or("", Node::raw);
            let tuple: Tuple = self.keys.iter().map(|key| value(key).to_owned()).collect();
            if !tuples.contains(&tuple) {
                tuples.push(tuple);
            }
        }
        if self.keys.len() > 1 {
            unify(&mut tuples);
        }
        tuples
    }

    fn merge_one(
        &mut self,
        keys: &[String],
        values: &[String],
        added: &mut Vec<Node>,
        walk: &mut Walk<'_>,
    ) -> Result<()> {
        let at = find(&self.dest, keys, values);
        let theirs = find(self.patch, keys, values).map(|at| &self.patch[at]);
        let ours = at.map(|at| self.dest[at].clone());
        let mut merged = match walk(ours, theirs)? {
            Merged::Kept(node) => {
                if let Some(at) = at {
                    self.dest[at] = node.clone();
                }
                node
            }
            Merged::New(node) => node,
            Merged::Gone => Node::map(),
        };
        if merged.is_null() || merged.is_empty_map() {
            set(&mut self.dest, None, keys, values);
            return Ok(());
        }
        if let Node::Map(map) = &mut merged {
            for (key, value) in keys.iter().zip(values).filter(|(_, value)| !value.is_empty()) {
                if map.get(key).is_none() {
                    map.entries.push((Scalar::text(key), Node::untagged(value)));
                }
            }
        }
        set(added, Some(merged), keys, values);
        Ok(())
    }
}

/// Keys that at least one item has; all of them when none has any.
fn used_keys(keys: &[String], tuples: &[Tuple]) -> Vec<String> {
    let used = |at: usize| tuples.iter().any(|tuple| !tuple[at].is_empty());
    let found: Vec<_> = (0..keys.len()).filter(|&at| used(at)).map(|at| keys[at].clone()).collect();
    if found.is_empty() { keys.to_vec() } else { found }
}

/// Fills the blanks of tuples that agree otherwise.
fn unify(tuples: &mut [Tuple]) {
    for i in 0..tuples.len() {
        for j in 0..tuples.len() {
            if let Some(both) = agree(&tuples[i], &tuples[j]) {
                tuples[i].clone_from(&both);
                tuples[j] = both;
            }
        }
    }
}

fn agree(a: &Tuple, b: &Tuple) -> Option<Tuple> {
    let differ = |(a, b): (&String, &String)| a != b && !a.is_empty() && !b.is_empty();
    let shared = a.iter().zip(b).any(|(a, b)| a == b);
    if !shared || a.iter().zip(b).any(differ) {
        return None;
    }
    Some(a.iter().zip(b).map(|(a, b)| if a.is_empty() { b.clone() } else { a.clone() }).collect())
}

/// The first item with these values, looking only at the keys that have one.
fn find(items: &[Node], keys: &[String], values: &[String]) -> Option<usize> {
    if keys.first().is_none_or(String::is_empty) {
        return items.iter().position(|item| Some(item.raw()) == values.first().map(String::as_str));
    }
    let all_blank = values.iter().all(String::is_empty);
    let pairs: Vec<_> = keys.iter().zip(values).filter(|(_, value)| all_blank || !value.is_empty()).collect();
    items.iter().position(|item| {
        item.as_map().is_some_and(|map| {
            pairs.iter().all(|(key, value)| map.get(key).is_some_and(|node| node.raw() == value.as_str()))
        })
    })
}

/// Whether the setter takes an item for the one it looks for. A blank value fits any, a value that is not given too.
fn is_same(item: &Node, keys: &[String], values: &[String]) -> bool {
    let mut found = false;
    for (at, key) in keys.iter().enumerate() {
        if let Some(value) = values.get(at) {
            found = if key.is_empty() {
                item.raw() == value
            } else {
                item.get(key).is_some_and(|node| value.is_empty() || node.raw() == value)
            };
        }
        if !found {
            return false;
        }
    }
    found
}

/// Replaces the items with these values, adds one where none is, or takes them out.
fn set(items: &mut Vec<Node>, element: Option<Node>, keys: &[String], values: &[String]) {
    let for_maps =
        keys.first().is_some_and(|key| !key.is_empty()) && values.first().is_some_and(|v| !v.is_empty());
    let mut kept = Vec::with_capacity(items.len() + 1);
    let mut found = false;
    for item in items.drain(..) {
        if item.is_null() || item.is_empty_map() {
            continue;
        }
        if for_maps && item.as_map().is_none() {
            kept.push(item);
        } else if !is_same(&item, keys, values) {
            if !values.is_empty() {
                kept.push(item);
            }
        } else {
            found = true;
            kept.extend(element.clone());
        }
    }
    if !found {
        kept.extend(element);
    }
    *items = kept;
}

/// Puts an item that was there before into the result.
fn settle(added: &mut Vec<Node>, item: Node, keys: &[String]) {
    if keys.first().is_none_or(String::is_empty) {
        let value = item.raw().to_owned();
        return set(added, Some(item), keys, &[value]);
    }
    let mut values = Vec::new();
    for key in keys {
        match item.get(key) {
            Some(value) => values.push(value.raw().to_owned()),
            None => added.push(item.clone()),
        }
    }
    if keys.len() > 1 {
        set(added, None, keys, &values);
    }
    set(added, Some(item), keys, &values);
}
