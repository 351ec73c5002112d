//! Lists merged by keys, item by item: the patch's items first, the others behind them, with the quirks of kustomize.
//!
//! The quirks follow from three rules. Items are paired by what the keys say, and a key that no item has is left out.
//! What a pair became goes into the result unless nothing is left of it, and then the other item goes too. At the end
//! every item that was there is put into the result once more, over one of the same identity: that is why a `$patch:
//! replace` in an item does nothing, and why items without their key upset their siblings.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::error::Result;
use crate::node::{Node, Scalar};
use crate::strategic::{self, Merged, Side};

/// One merge.
pub(crate) struct Merge<'m> {
    /// The merge keys; none for plain values.
    pub(crate) keys: &'m [String],
    pub(crate) dest: Vec<Node>,
    /// The patch's items; `None` where the list was the patch's and is merged with itself.
    pub(crate) patch: Option<&'m [Node]>,
}

/// From this many items on it matters that each is looked for among all others.
const LONG: usize = 64;

/// Merges two items.
type Walk<'w> = dyn FnMut(Option<Node>, Side<'_>) -> Result<Merged> + 'w;

/// What an item says for each key, empty where it says nothing.
type Identity = Vec<String>;

/// What tells the items of a list apart.
enum By<'k> {
    /// The item itself.
    Value,
    /// The values of some of its fields.
    Fields(Vec<&'k str>),
}

/// Items on their way into the result, or out of the list they were in.
struct Items(Vec<Node>);

impl Merge<'_> {
    /// The merged items.
    pub(crate) fn run(self, walk: &mut Walk<'_>) -> Result<Vec<Node>> {
        let Self { keys, dest, patch } = self;
        if let [key] = keys
            && dest.len() + patch.map_or(0, <[Node]>::len) >= LONG
            && let Some(long) = Long::of(key, &dest, patch)
        {
            return long.merge(dest, patch, walk);
        }
        let all =
            if keys.is_empty() { By::Value } else { By::Fields(keys.iter().map(String::as_str).collect()) };
        let mut identities: Vec<Identity> = Vec::new();
        for item in patch.into_iter().flatten().chain(&dest) {
            budget::work(identities.len())?;
            let identity = all.identity(item);
            if !identities.contains(&identity) {
                identities.push(identity);
            }
        }
        if identities.is_empty() {
            return Ok(dest);
        }
        if keys.len() > 1 {
            complete(&mut identities)?;
        }
        let (by, identities) = all.in_use(&identities);
        let mut pairs =
            Pairs { by: &by, old: Items(dest), patch, spent: Vec::new(), merged: Items(Vec::new()) };
        identities.iter().try_for_each(|identity| pairs.merge(identity, walk))?;
        let Pairs { old, mut merged, .. } = pairs;
        for item in old.0 {
            budget::work(merged.0.len())?;
            merged.put_again(&by, item);
        }
        Ok(merged.0)
    }
}

/// A long list whose items are all told apart by one key: each meets at most one other, so that none of the quirks
/// applies and a table finds it.
struct Long<'m> {
    key: &'m str,
    /// Where in the old list an item of this value is.
    places: HashMap<Arc<str>, usize>,
}

impl<'m> Long<'m> {
    /// `None` where an item has no value for the key, or two of one list have the same.
    fn of(key: &'m str, dest: &[Node], patch: Option<&[Node]>) -> Option<Self> {
        let mut theirs = HashSet::new();
        for item in patch.into_iter().flatten() {
            theirs.insert(value_of(item, key)?).then_some(())?;
        }
        let mut places = HashMap::with_capacity(dest.len());
        for (at, item) in dest.iter().enumerate() {
            places.insert(value_of(item, key)?, at).is_none().then_some(())?;
        }
        Some(Self { key, places })
    }

    /// The patch's items first, then the others. An item the patch replaces as a whole stays what it was, as everywhere.
    fn merge(self, dest: Vec<Node>, patch: Option<&[Node]>, walk: &mut Walk<'_>) -> Result<Vec<Node>> {
        budget::charge((dest.len() + patch.map_or(0, <[Node]>::len)) * ITEM_BYTES)?;
        let mut old: Vec<Option<Node>> = dest.into_iter().map(Some).collect();
        let mut merged = Vec::with_capacity(old.len());
        for item in patch.into_iter().flatten() {
            let value = value_of(item, self.key).unwrap_or_else(|| "".into());
            let ours = self.places.get(&value).and_then(|&at| old[at].take());
            merged.extend(self.item(ours, Side::Patch(item), &value, walk)?);
        }
        for item in old.into_iter().flatten() {
            let value = value_of(&item, self.key).unwrap_or_else(|| "".into());
            let side = if patch.is_none() { Side::Same } else { Side::Absent };
            merged.extend(self.item(Some(item), side, &value, walk)?);
        }
        Ok(merged)
    }

    fn item(
        &self,
        ours: Option<Node>,
        side: Side<'_>,
        value: &str,
        walk: &mut Walk<'_>,
    ) -> Result<Option<Node>> {
        budget::charge(ours.as_ref().map_or(0, Node::weight))?;
        let mut item = match (walk(ours.clone(), side)?, ours) {
            (Merged::Gone, _) => return Ok(None),
            (Merged::New(item), Some(ours)) if !is_gone(&item) => ours,
            (Merged::New(item) | Merged::Kept(item), _) => item,
        };
        if is_gone(&item) {
            return Ok(None);
        }
        By::Fields(vec![self.key]).name(&mut item, &vec![value.to_owned()]);
        Ok(Some(item))
    }
}

/// What an item takes in the two lists and the tables of them.
const ITEM_BYTES: usize = 4 * size_of::<Node>();

fn is_gone(item: &Node) -> bool {
    item.is_null() || item.is_empty_map()
}

/// What a map says for a key, unless that is nothing.
fn value_of(item: &Node, key: &str) -> Option<Arc<str>> {
    let Node::Map(map) = item else { return None };
    let value = map.get(key)?.as_scalar()?;
    (!value.is_null() && !value.text.is_empty()).then(|| value.text.clone())
}

/// The two lists and what has become of them.
struct Pairs<'p> {
    by: &'p By<'p>,
    old: Items,
    patch: Option<&'p [Node]>,
    /// Items of the patch whose directive has been followed; it counts once.
    spent: Vec<usize>,
    merged: Items,
}

impl<'p> Pairs<'p> {
    /// Merges the items of one identity into the result, or takes them out of the old list.
    fn merge(&mut self, identity: &Identity, walk: &mut Walk<'_>) -> Result<()> {
        budget::work(self.old.0.len() + self.merged.0.len())?;
        let place = self.old.0.iter().position(|item| self.by.names(item, identity));
        let ours = place.map(|at| self.old.0[at].clone());
        let theirs = self.theirs(identity);
        let side = match &theirs {
            Some(item) => Side::Patch(item),
            None if self.patch.is_none() && place.is_some() => Side::Same,
            None => Side::Absent,
        };
        let (mut item, kept_at) = match walk(ours, side)? {
            Merged::Gone => (Node::map(), None),
            Merged::New(item) => (item, None),
            Merged::Kept(item) => (item, place),
        };
        let is_gone = item.is_null() || item.is_empty_map();
        if !is_gone {
            self.by.name(&mut item, identity);
        }
        match (kept_at, place) {
            (Some(at), _) => self.old.0[at] = item.clone(),
            // What deletes itself loses the directive, even where its identity does not take it out.
            (None, Some(at)) if is_gone && self.patch.is_none() => {
                strategic::drop_directive(&mut self.old.0[at]);
            }
            _ => {}
        }
        if is_gone {
            self.old.put(self.by, identity, None);
        } else {
            self.merged.put(self.by, identity, Some(item));
        }
        Ok(())
    }

    /// The patch's item of an identity, without a directive that was followed before.
    fn theirs(&mut self, identity: &Identity) -> Option<Cow<'p, Node>> {
        let patch = self.patch?;
        let at = patch.iter().position(|item| self.by.names(item, identity))?;
        if !self.spent.contains(&at) {
            self.spent.push(at);
            return Some(Cow::Borrowed(&patch[at]));
        }
        let mut item = patch[at].clone();
        strategic::drop_directive(&mut item);
        Some(Cow::Owned(item))
    }
}

/// Identities that agree in one value and contradict each other in none are one; their blanks are filled.
fn complete(identities: &mut [Identity]) -> Result<()> {
    let fits = |(a, b): (&String, &String)| a == b || a.is_empty() || b.is_empty();
    let either = |(a, b): (&String, &String)| if a.is_empty() { b.clone() } else { a.clone() };
    for first in 0..identities.len() {
        // As it was when its turn came, whatever it has become since.
        let one = identities[first].clone();
        budget::work(identities.len())?;
        for second in 0..identities.len() {
            let pairs = || one.iter().zip(&identities[second]);
            if pairs().any(|(a, b)| a == b) && pairs().all(fits) {
                let both: Identity = pairs().map(either).collect();
                identities[first].clone_from(&both);
                identities[second] = both;
            }
        }
    }
    Ok(())
}

impl<'k> By<'k> {
    fn identity(&self, item: &Node) -> Identity {
        match self {
            Self::Value => vec![item.raw().to_owned()],
            Self::Fields(keys) => {
                let field = |key: &&str| item.get(key).filter(|value| !value.is_nil_or_empty());
                keys.iter().map(|key| field(key).map_or("", Node::raw).to_owned()).collect()
            }
        }
    }

    /// The keys that at least one item has, or all when none has any, and the identities by these.
    fn in_use(self, identities: &[Identity]) -> (Self, Vec<Identity>) {
        let Self::Fields(keys) = self else { return (self, identities.to_vec()) };
        let has = |at: usize| identities.iter().any(|identity| !identity[at].is_empty());
        let any = (0..keys.len()).any(has);
        let used: Vec<usize> = (0..keys.len()).filter(|&at| !any || has(at)).collect();
        let narrow = |identity: &Identity| used.iter().map(|&at| identity[at].clone()).collect();
        let identities = identities.iter().map(narrow).collect();
        (Self::Fields(used.iter().map(|&at| keys[at]).collect()), identities)
    }

    /// Whether an item is the one that an identity names; blanks do not count, unless there is nothing else.
    fn names(&self, item: &Node, identity: &Identity) -> bool {
        let Self::Fields(keys) = self else {
            return identity.first().is_some_and(|value| item.raw() == value);
        };
        let is_blank = identity.iter().all(String::is_empty);
        let mut counting = keys.iter().zip(identity).filter(|(_, value)| is_blank || !value.is_empty());
        item.as_map().is_some()
            && counting.all(|(key, value)| item.get(key).is_some_and(|field| field.raw() == value))
    }

    /// Writes the values that a merged item lacks.
    fn name(&self, item: &mut Node, identity: &Identity) {
        let (Self::Fields(keys), Node::Map(map)) = (self, item) else { return };
        for (key, value) in keys.iter().zip(identity).filter(|(_, value)| !value.is_empty()) {
            if map.get(key).is_none() {
                map.entries.push((Scalar::text(key), Node::untagged(value)));
            }
        }
    }

    /// Whether an item gives way to one with these values. A blank fits whatever the field holds; with fewer values
    /// than keys the last one speaks for the rest, and without any nothing gives way.
    fn yields(&self, item: &Node, values: &[String]) -> bool {
        match self {
            Self::Value => values.first().is_some_and(|value| item.raw() == value),
            Self::Fields(keys) => {
                let fits = |(key, value): (&&str, &String)| {
                    item.get(key).is_some_and(|field| value.is_empty() || field.raw() == value)
                };
                !values.is_empty() && keys.iter().zip(values).all(fits)
            }
        }
    }
}

impl Items {
    /// Puts an item in place of all that give way to it, or at the end; no item takes them out. What is empty goes.
    fn put(&mut self, by: &By<'_>, values: &[String], item: Option<Node>) {
        let only_maps = matches!(by, By::Fields(_)) && values.first().is_some_and(|value| !value.is_empty());
        let mut is_placed = false;
        let mut kept = Vec::with_capacity(self.0.len() + 1);
        for old in self.0.drain(..).filter(|old| !old.is_null() && !old.is_empty_map()) {
            let is_other_sort = only_maps && old.as_map().is_none();
            if !is_other_sort && by.yields(&old, values) {
                is_placed = true;
                kept.extend(item.clone());
            } else if is_other_sort || !values.is_empty() {
                kept.push(old);
            }
        }
        if !is_placed {
            kept.extend(item.filter(|item| !item.is_null()));
        }
        self.0 = kept;
    }

    /// Puts an item that was there before over what has become of it; once more for every key it lacks.
    fn put_again(&mut self, by: &By<'_>, item: Node) {
        let By::Fields(keys) = by else {
            let value = item.raw().to_owned();
            return self.put(by, &[value], Some(item));
        };
        let fields = keys.iter().map(|key| item.get(key).map(|field| field.raw().to_owned()));
        let values: Vec<String> = fields.flatten().collect();
        self.0.extend(std::iter::repeat_n(&item, keys.len() - values.len()).cloned());
        if keys.len() > 1 {
            self.put(by, &values, None);
        }
        self.put(by, &values, Some(item));
    }
}
