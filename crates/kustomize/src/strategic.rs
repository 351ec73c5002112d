//! Strategic merge: a patch in the shape of a resource, lists merged by the keys of the schema.
//!
//! A port of behaviour, quirks included: lists get the patch's items first, items without their key upset their
//! siblings, `field:` without a value disappears. Sources: kustomize 5.8.1 `kyaml/yaml/merge2`, `kyaml/yaml/walk`.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::merge_list;
use crate::namespace::wrong_kind;
use crate::node::{List, Map, Node, Scalar};
use crate::schema::{Hinted, Place, Schema};

/// What became of a place.
pub(crate) enum Merged {
    /// Nothing is there.
    Gone,
    /// What was there, changed.
    Kept(Node),
    /// Something of the patch.
    New(Node),
}

/// What `$patch` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Directive {
    Merge,
    Replace,
    Delete,
}

const DIRECTIVE: &str = "$patch";

/// Merges a patch into a resource; `None` when the patch deletes it.
///
/// `$patch: replace` at the root changes nothing: kustomize drops the document it would put in place.
///
/// # Errors
/// Kinds of nodes differ; `unknown patch strategy`.
pub(crate) fn merge(schema: &Hinted, dest: Node, patch: &Node) -> Result<Option<Node>> {
    let merger = Merger { schema: &schema.schema, hints: &schema.places, path: RefCell::default() };
    if let Node::Map(map) = patch
        && map_directive(map)? == Directive::Replace
    {
        return Ok(Some(dest));
    }
    Ok(match merger.walk(Some(dest), Side::Patch(patch), None)? {
        Merged::Gone => None,
        Merged::Kept(node) | Merged::New(node) => Some(node),
    })
}

pub(crate) struct Merger<'s> {
    schema: &'s Schema,
    hints: &'s HashMap<Vec<String>, Place>,
    /// The names on the way to where the merge is; kept up only where there are hints.
    path: RefCell<Vec<String>>,
}

/// What a place is merged with.
#[derive(Clone, Copy)]
pub(crate) enum Side<'p> {
    /// Nothing.
    Absent,
    /// A part of the patch.
    Patch(&'p Node),
    /// Itself: it was the patch's alone and has taken its place. kustomize goes through such parts like through all
    /// others, and what it takes out of one side is gone from the other.
    Same,
}

impl<'p> Side<'p> {
    fn of(node: Option<&'p Node>) -> Self {
        node.map_or(Self::Absent, Self::Patch)
    }

    fn node(self) -> Option<&'p Node> {
        match self {
            Self::Patch(node) => Some(node),
            Self::Absent | Self::Same => None,
        }
    }
}

fn present(node: Option<&Node>) -> Option<&Node> {
    node.filter(|node| !node.is_null())
}

/// What merging a node costs.
const NODE_WORK: usize = 32;

/// What a field takes in the table of a map's fields.
const FIELD_BYTES: usize = 64;

impl Merger<'_> {
    pub(crate) fn walk(&self, dest: Option<Node>, side: Side<'_>, place: Option<Place>) -> Result<Merged> {
        budget::work(NODE_WORK)?;
        let patch = side.node();
        let place = place.or_else(|| self.kind_of(dest.as_ref())).or_else(|| self.kind_of(patch));
        let Some(first) = present(dest.as_ref()).or(present(patch)) else {
            return self.walk_map(dest, side, place.as_ref());
        };
        let wanted = first.kind_name();
        for node in [present(dest.as_ref()), present(patch)].into_iter().flatten() {
            if node.kind_name() != wanted {
                return Err(wrong_kind(wanted, node));
            }
        }
        match first {
            Node::Map(_) => self.walk_map(dest, side, place.as_ref()),
            Node::List(_) => match place.as_ref().filter(|place| place.keys.is_some()) {
                Some(place) => self.walk_list(dest, side, place),
                None => Ok(chosen(dest, patch)),
            },
            Node::Scalar(_) => Ok(chosen(dest, patch)),
        }
    }

    /// The place of something that names its own kind.
    fn kind_of(&self, node: Option<&Node>) -> Option<Place> {
        let node = node?;
        let (api_version, kind) = (node.get("apiVersion")?.raw(), node.get("kind")?.raw());
        self.schema.kind(api_version, kind)
    }

    fn walk_map(&self, dest: Option<Node>, side: Side<'_>, place: Option<&Place>) -> Result<Merged> {
        let Some(dest) = dest.filter(|dest| !dest.is_null() || matches!(side, Side::Absent)) else {
            return self.adopt(side.node(), place);
        };
        match (dest, side) {
            // A null that is written stays, a field without a value goes.
            (Node::Scalar(null), _) if null.is_null() && null.text.is_empty() => Ok(Merged::Gone),
            (Node::Scalar(null), _) if null.is_null() => {
                Ok(Merged::New(Node::Scalar(Scalar::tagged(&null.text, "!!null"))))
            }
            (Node::Map(map), Side::Same) => match map_directive(&map)? {
                Directive::Delete => Ok(Merged::Gone),
                _ => self.merge_fields(map, None, place).map(Node::Map).map(Merged::Kept),
            },
            (_, Side::Patch(patch)) if patch.is_null() => Ok(Merged::Gone),
            (Node::Map(map), Side::Patch(Node::Map(patch))) => match map_directive(patch)? {
                Directive::Delete => Ok(Merged::Gone),
                Directive::Replace => {
                    self.merge_fields(patch.clone(), None, place).map(Node::Map).map(Merged::New)
                }
                Directive::Merge => {
                    self.merge_fields(map, Some(patch), place).map(Node::Map).map(Merged::Kept)
                }
            },
            (Node::Map(map), _) => {
                self.merge_fields(map, Some(&Map::default()), place).map(Node::Map).map(Merged::Kept)
            }
            (dest, _) => Ok(Merged::Kept(dest)),
        }
    }

    /// Something only the patch has. A directive that is none is an ordinary field here.
    fn adopt(&self, patch: Option<&Node>, place: Option<&Place>) -> Result<Merged> {
        match patch {
            Some(Node::Map(map)) if matches!(map_directive(map), Ok(Directive::Delete)) => Ok(Merged::Gone),
            Some(Node::Map(map)) => {
                budget::charge(map.entries.len() * size_of::<(Scalar, Node)>())?;
                self.merge_fields(map.clone(), None, place).map(Node::Map).map(Merged::New)
            }
            Some(patch) if !patch.is_null() => {
                budget::charge(patch.weight())?;
                Ok(Merged::New(patch.clone()))
            }
            _ => Ok(Merged::Gone),
        }
    }

    /// Merges the fields of a map with those of a patch, or with themselves where there is none.
    fn merge_fields(&self, mut dest: Map, patch: Option<&Map>, place: Option<&Place>) -> Result<Map> {
        let directive = map_directive(patch.unwrap_or(&dest));
        let has_directive = patch.unwrap_or(&dest).get(DIRECTIVE).is_some() && directive.is_ok();
        if has_directive {
            dest.remove(DIRECTIVE);
        }
        let mut names: Vec<_> = dest.entries.iter().map(|(key, _)| key.text.clone()).collect();
        let added = patch.into_iter().flat_map(|patch| &patch.entries).map(|(key, _)| &key.text);
        names.extend(added.filter(|name| !has_directive || &***name != DIRECTIVE).cloned());
        budget::charge(names.len() * FIELD_BYTES)?;
        names.sort_unstable();
        names.dedup();
        let their_places = patch.map(|patch| Places::of(&patch.entries));
        let mut fields = Fields::new(dest);
        for name in names {
            let place = self.enter(&name).or_else(|| place.and_then(|place| self.schema.field(place, &name)));
            let theirs = patch.zip(their_places.as_ref());
            let theirs =
                theirs.map(|(patch, places)| places.find(&patch.entries, &name).map(|at| &patch.entries[at]));
            self.merge_field(&mut fields, &name, theirs, place)?;
            self.path.borrow_mut().pop();
        }
        Ok(fields.finish())
    }

    /// Goes on to a field; answers what a comment says about it.
    fn enter(&self, name: &str) -> Option<Place> {
        if self.hints.is_empty() {
            return None;
        }
        let mut path = self.path.borrow_mut();
        path.push(name.to_owned());
        self.hints.get(&*path).cloned()
    }

    /// Merges a field with that of a patch, if the patch has it, or with itself where there is no patch at all.
    fn merge_field(
        &self,
        dest: &mut Fields,
        name: &str,
        patch: Option<Option<&(Scalar, Node)>>,
        place: Option<Place>,
    ) -> Result<()> {
        let side = patch.map_or(Side::Same, |field| Side::of(field.map(|(_, value)| value)));
        let at = dest.places.find(&dest.entries, name);
        let ours = at.map(|at| std::mem::replace(&mut dest.entries[at].1, Node::untagged("")));
        let style = ours.as_ref().map(style_of);
        match (self.walk(ours, side, place)?, at, style) {
            (Merged::Gone, Some(at), _) => dest.gone.push(at),
            (Merged::Gone, None, _) => {}
            (Merged::Kept(node), Some(at), _) => dest.entries[at].1 = node,
            (Merged::Kept(node), None, _) => dest.entries.push((Scalar::untagged(name), node)),
            (Merged::New(node), Some(at), Some(style)) => {
                dest.entries[at].1 = style;
                dest.entries[at].1.replace(node);
            }
            // A new key is written as the patch wrote it.
            (Merged::New(node), ..) => {
                let key = patch.flatten().map_or_else(|| Scalar::text(name), |(key, _)| key.clone());
                dest.entries.push((key, node));
            }
        }
        Ok(())
    }

    fn walk_list(&self, dest: Option<Node>, side: Side<'_>, place: &Place) -> Result<Merged> {
        let patch = side.node().and_then(Node::as_list);
        let Some(Node::List(dest)) = dest else {
            let Some(list) = patch else { return Ok(Merged::Gone) };
            return self.merge_items(list.clone(), None, place).map(Merged::New);
        };
        if side.node().is_some_and(Node::is_null) {
            return Ok(Merged::Gone);
        }
        let nothing = List::default();
        let (directive, rest) = list_directive(match side {
            Side::Same => &dest,
            _ => patch.unwrap_or(&nothing),
        })?;
        match (directive, side) {
            (Directive::Delete, _) => Ok(Merged::Gone),
            (_, Side::Same) => self.merge_items(rest.unwrap_or(dest), None, place).map(Merged::Kept),
            (Directive::Replace, _) => {
                self.merge_items(rest.unwrap_or_default(), None, place).map(Merged::New)
            }
            (Directive::Merge, _) => {
                let patch = rest.as_ref().or(patch).unwrap_or(&nothing);
                self.merge_items(dest, Some(patch), place).map(Merged::Kept)
            }
        }
    }

    /// Merges the items of a list with those of a patch, or with themselves where there is none.
    fn merge_items(&self, dest: List, patch: Option<&List>, place: &Place) -> Result<Node> {
        let items = self.schema.items(place);
        let keys = place.keys.as_deref().unwrap_or_default();
        let patch = patch.map(|patch| patch.items.as_slice());
        let flow = dest.flow;
        let merge = merge_list::Merge { keys, dest: dest.items, patch };
        let items = merge.run(&mut |dest, side| self.walk(dest, side, items.clone()))?;
        Ok(Node::List(List { items, flow }))
    }
}

/// Where the fields of a map are: maps may have them by the hundred thousand.
enum Places {
    /// So few that looking through them is quicker than a table.
    Few(usize),
    /// The first of each name.
    Many(HashMap<Arc<str>, usize>),
}

/// Up to this many fields are looked through.
const FEW: usize = 32;

impl Places {
    fn of(entries: &[(Scalar, Node)]) -> Self {
        if entries.len() <= FEW {
            return Self::Few(entries.len());
        }
        let mut places = HashMap::with_capacity(entries.len());
        for (at, (key, _)) in entries.iter().enumerate() {
            places.entry(key.text.clone()).or_insert(at);
        }
        Self::Many(places)
    }

    /// The first field of a name among those that were there from the beginning.
    fn find(&self, entries: &[(Scalar, Node)], name: &str) -> Option<usize> {
        match self {
            Self::Few(count) => entries[..*count].iter().position(|(key, _)| &*key.text == name),
            Self::Many(places) => places.get(name).copied(),
        }
    }
}

/// The fields of a map while each is merged once.
struct Fields {
    entries: Vec<(Scalar, Node)>,
    places: Places,
    /// Which are taken out at the end.
    gone: Vec<usize>,
    flow: bool,
}

impl Fields {
    fn new(map: Map) -> Self {
        let places = Places::of(&map.entries);
        Self { entries: map.entries, places, gone: Vec::new(), flow: map.flow }
    }

    fn finish(mut self) -> Map {
        if !self.gone.is_empty() {
            self.gone.sort_unstable();
            let (mut at, mut gone) = (0, self.gone.into_iter().peekable());
            self.entries.retain(|_| {
                let is_gone = gone.next_if_eq(&at).is_some();
                at += 1;
                !is_gone
            });
        }
        Map { entries: self.entries, flow: self.flow }
    }
}

/// An empty node of the same style.
fn style_of(node: &Node) -> Node {
    match node {
        Node::Scalar(scalar) => Node::Scalar(Scalar { text: "".into(), ..scalar.clone() }),
        Node::Map(map) => Node::Map(Map { entries: Vec::new(), flow: map.flow }),
        Node::List(list) => Node::List(List { items: Vec::new(), flow: list.flow }),
    }
}

/// A place that is not merged: the patch's value if it has one.
fn chosen(dest: Option<Node>, patch: Option<&Node>) -> Merged {
    match (patch, dest) {
        (Some(patch), _) if patch.is_null() => Merged::Gone,
        (Some(patch), _) => {
            budget::note(patch.weight());
            Merged::New(patch.clone())
        }
        (None, Some(dest)) => Merged::Kept(dest),
        (None, None) => Merged::Gone,
    }
}

/// Takes the directive out of a map.
pub(crate) fn drop_directive(node: &mut Node) {
    if let Node::Map(map) = node {
        map.remove(DIRECTIVE);
    }
}

fn directive_of(text: &str) -> Result<Directive> {
    match text {
        "merge" => Ok(Directive::Merge),
        "replace" => Ok(Directive::Replace),
        "delete" => Ok(Directive::Delete),
        other => Err(Error::new(format!("unknown patch strategy '{other}'"))),
    }
}

fn map_directive(patch: &Map) -> Result<Directive> {
    patch.get(DIRECTIVE).map_or(Ok(Directive::Merge), |node| directive_of(node.raw()))
}

/// The directive of a list stands in an item of its own, the first that has one; answers the items without it. All
/// items with the same directive go with it, and empty ones.
fn list_directive(list: &List) -> Result<(Directive, Option<List>)> {
    let Some(found) = list.items.iter().filter_map(Node::as_map).find(|map| map.get(DIRECTIVE).is_some())
    else {
        return Ok((Directive::Merge, None));
    };
    if found.entries.len() > 1 {
        return Ok((Directive::Merge, None));
    }
    let directive = map_directive(found)?;
    let is_directive = |item: &&Node| {
        let same = |node: &Node| directive_of(node.raw()).is_ok_and(|other| other == directive);
        item.is_null() || item.is_empty_map() || item.get(DIRECTIVE).is_some_and(same)
    };
    let items = list.items.iter().filter(|item| !is_directive(item)).cloned().collect();
    Ok((directive, Some(List { items, flow: list.flow })))
}

#[cfg(test)]
mod tests;
