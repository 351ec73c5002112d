//! The entries of a mapping after kyaml has merged what `<<` names into it.

use std::collections::{HashMap, HashSet};

use crate::error::Error;
use crate::node::{Kind, NodeRef};
use crate::resolve::{self, Scalar};
use crate::{Dialect, ScalarStyle};

/// A key and its value.
pub(super) type Field<'d, 'a> = (NodeRef<'d, 'a>, NodeRef<'d, 'a>);

/// Entries under construction: kyaml sets by the text of the key and keeps equal keys that were there.
struct Fields<'d, 'a> {
    list: Vec<Field<'d, 'a>>,
    first: HashMap<&'d str, usize>,
}

/// The entries of a mapping, its own first; those that `<<` brings in give way to its own.
///
/// Every entry is set once more by the text of its key. A null key that is written (`~`) has no text, is not found,
/// and so appears twice, which is reported as a duplicate later, as in kustomize.
pub(super) fn of<'d, 'a>(mapping: NodeRef<'d, 'a>) -> Result<Vec<Field<'d, 'a>>, Error> {
    let merged = merged_mappings(mapping)?;
    let mut fields = Fields { list: Vec::new(), first: HashMap::new() };
    for (key, value) in own(mapping) {
        budget::work(1)?;
        fields.add(key, value);
    }
    let mut sets = 0_usize;
    for source in merged {
        for (key, value) in source.pairs() {
            sets += 1;
            check_sets(sets, mapping)?;
            fields.set(key, value);
        }
    }
    let own = own(mapping).collect::<Vec<_>>();
    let mut named = HashSet::with_capacity(own.len());
    for (key, value) in own {
        // kyaml looks fields up by name: of equal keys it sees the first only.
        if named.insert(key.value()) {
            fields.set(key, value);
        }
    }
    Ok(fields.list)
}

/// The most entries that one `<<` may set, again and again the same ones included: a list of aliases to one large map.
const MAX_SETS: usize = 4_000_000;

fn check_sets(sets: usize, mapping: NodeRef<'_, '_>) -> Result<(), Error> {
    budget::work(1)?;
    if sets > MAX_SETS {
        let text = format!("yaml: a merge key sets more than {MAX_SETS} entries");
        return Err(Error::limit(text, Some(mapping.mark())));
    }
    Ok(())
}

/// Whether a key is a merge key by its tag; a quoted `"<<"` is none, but is dropped all the same.
pub(super) fn is_merge(key: NodeRef<'_, '_>) -> bool {
    let untagged = matches!(key.tag(), "" | "!") && key.scalar_style() == ScalarStyle::Plain;
    key.kind() == Kind::Scalar
        && (resolve::shorten(key.tag()) == "!!merge" || key.value() == "<<" && untagged)
}

/// The maps that a value of `<<` names, the one that wins last.
pub(super) fn merge_sources<'d, 'a>(value: NodeRef<'d, 'a>) -> Result<Vec<NodeRef<'d, 'a>>, Error> {
    match value.kind() {
        Kind::Mapping => Ok(vec![value]),
        Kind::Alias if value.resolved().kind() == Kind::Mapping => Ok(vec![value.resolved()]),
        Kind::Alias => Err(bad_merge(value, "invalid map merge: received alias for a non-map value")),
        Kind::Sequence => {
            let mut sources = Vec::new();
            for item in value.children() {
                if item.kind() == Kind::Sequence {
                    return Err(bad_merge(item, "invalid map merge: received a nested sequence"));
                }
                sources.extend(merge_sources(item)?);
            }
            sources.reverse();
            Ok(sources)
        }
        Kind::Scalar => Err(bad_merge(value, "map merge requires map or sequence of maps as the value")),
    }
}

fn merged_mappings<'d, 'a>(mapping: NodeRef<'d, 'a>) -> Result<Vec<NodeRef<'d, 'a>>, Error> {
    let mut merges = mapping.pairs().filter(|(key, _)| is_merge(*key));
    match (merges.next(), merges.next()) {
        (None, _) => Ok(Vec::new()),
        (Some((_, value)), None) => merge_sources(value),
        (Some(_), Some((key, _))) => Err(bad_merge(key, "duplicate merge key")),
    }
}

fn own<'d, 'a>(mapping: NodeRef<'d, 'a>) -> impl Iterator<Item = Field<'d, 'a>> {
    mapping.pairs().filter(|(key, _)| key.value() != "<<" || key.kind() != Kind::Scalar)
}

fn bad_merge(node: NodeRef<'_, '_>, text: &str) -> Error {
    Error::new(text, Some(node.mark()))
}

impl<'d, 'a> Fields<'d, 'a> {
    fn add(&mut self, key: NodeRef<'d, 'a>, value: NodeRef<'d, 'a>) {
        self.first.entry(key.value()).or_insert(self.list.len());
        self.list.push((key, value));
    }

    fn set(&mut self, key: NodeRef<'d, 'a>, value: NodeRef<'d, 'a>) {
        let is_null =
            key.kind() == Kind::Scalar && matches!(resolve::node(key, Dialect::V3), Ok(Scalar::Null));
        let name = if is_null { "" } else { key.value() };
        match self.first.get(name) {
            Some(&place) => self.list[place] = (key, value),
            None => self.add(key, value),
        }
    }
}
