//! Strategic merge: a patch in the shape of a resource, lists merged by the keys of the schema.
//!
//! A port of behaviour, quirks included: lists get the patch's items first, items without their key upset their
//! siblings, `field:` without a value disappears. Sources: kustomize 5.8.1 `kyaml/yaml/merge2`, `kyaml/yaml/walk`.

use std::cell::RefCell;
use std::collections::HashMap;

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
    if map_directive(patch)? == Directive::Replace {
        return Ok(Some(dest));
    }
    Ok(match merger.walk(Some(dest), Some(patch), None)? {
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

fn present(node: Option<&Node>) -> Option<&Node> {
    node.filter(|node| !node.is_null())
}

impl Merger<'_> {
    pub(crate) fn walk(
        &self,
        dest: Option<Node>,
        patch: Option<&Node>,
        place: Option<Place>,
    ) -> Result<Merged> {
        let place = place.or_else(|| self.kind_of(dest.as_ref())).or_else(|| self.kind_of(patch));
        let Some(first) = present(dest.as_ref()).or(present(patch)) else {
            return self.walk_map(dest, patch, place.as_ref());
        };
        let wanted = first.kind_name();
        for node in [present(dest.as_ref()), present(patch)].into_iter().flatten() {
            if node.kind_name() != wanted {
                return Err(wrong_kind(wanted, node));
            }
        }
        match first {
            Node::Map(_) => self.walk_map(dest, patch, place.as_ref()),
            Node::List(_) => match place.as_ref().filter(|place| place.keys.is_some()) {
                Some(place) => self.walk_list(dest, patch, place),
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

    fn walk_map(&self, dest: Option<Node>, patch: Option<&Node>, place: Option<&Place>) -> Result<Merged> {
        let directive = patch.map_or(Ok(Directive::Merge), map_directive)?;
        if directive == Directive::Delete {
            return Ok(Merged::Gone);
        }
        let missing = dest.as_ref().is_none_or(Node::is_null);
        if missing {
            if let (None, Some(Node::Scalar(null))) = (patch, &dest)
                && !null.text.is_empty()
            {
                return Ok(Merged::New(Node::Scalar(Scalar::tagged(&null.text, "!!null"))));
            }
            return patch.map_or(Ok(Merged::Gone), |patch| self.adopt(patch, place));
        }
        if patch.is_some_and(Node::is_null) {
            return Ok(Merged::Gone);
        }
        match (directive, dest, patch) {
            (Directive::Replace, _, Some(patch)) => self.adopt(patch, place),
            (_, Some(Node::Map(dest)), patch) => {
                Ok(Merged::Kept(Node::Map(self.merge_fields(dest, patch.and_then(Node::as_map), place)?)))
            }
            (_, dest, _) => Ok(dest.map_or(Merged::Gone, Merged::Kept)),
        }
    }

    /// Something only the patch has: merged with itself, which takes out nulls and directives.
    fn adopt(&self, patch: &Node, place: Option<&Place>) -> Result<Merged> {
        Ok(match patch {
            Node::Map(map) => Merged::New(Node::Map(self.merge_fields(map.clone(), Some(map), place)?)),
            Node::Scalar(_) if patch.is_null() => Merged::Gone,
            _ => Merged::New(patch.clone()),
        })
    }

    fn merge_fields(&self, mut dest: Map, patch: Option<&Map>, place: Option<&Place>) -> Result<Map> {
        if patch.is_some_and(|patch| patch.get(DIRECTIVE).is_some()) {
            dest.remove(DIRECTIVE);
        }
        let mut names: Vec<_> = dest.entries.iter().map(|(key, _)| key.text.clone()).collect();
        let added = patch.into_iter().flat_map(|patch| &patch.entries).map(|(key, _)| &key.text);
        names.extend(added.filter(|name| &***name != DIRECTIVE).cloned());
        names.sort_unstable();
        names.dedup();
        for name in names {
            let place = self.enter(&name).or_else(|| place.and_then(|place| self.schema.field(place, &name)));
            let theirs = patch.and_then(|patch| patch.entries.iter().find(|(key, _)| key.text == name));
            self.merge_field(&mut dest, &name, theirs, place)?;
            self.path.borrow_mut().pop();
        }
        Ok(dest)
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

    fn merge_field(
        &self,
        dest: &mut Map,
        name: &str,
        patch: Option<&(Scalar, Node)>,
        place: Option<Place>,
    ) -> Result<()> {
        let ours = dest.get_mut(name).map(|node| std::mem::replace(node, Node::untagged("")));
        let style = ours.as_ref().map(style_of);
        match self.walk(ours, patch.map(|(_, value)| value), place)? {
            Merged::Gone => drop(dest.remove(name)),
            Merged::Kept(node) => match dest.get_mut(name) {
                Some(there) => *there = node,
                None => dest.put(name, node),
            },
            Merged::New(node) => match (dest.get_mut(name), style) {
                (Some(there), Some(style)) => {
                    *there = style;
                    there.replace(node);
                }
                // A new key is written as the patch wrote it.
                _ => dest
                    .entries
                    .push((patch.map_or_else(|| Scalar::text(name), |(key, _)| key.clone()), node)),
            },
        }
        Ok(())
    }

    fn walk_list(&self, dest: Option<Node>, patch: Option<&Node>, place: &Place) -> Result<Merged> {
        let patch_list = patch.and_then(Node::as_list);
        let dest = match dest {
            Some(Node::List(list)) => list,
            _ => {
                let Some(list) = patch_list else { return Ok(Merged::Gone) };
                return self.merge_items(list.clone(), Some(list), place).map(Merged::New);
            }
        };
        if patch.is_some_and(Node::is_null) {
            return Ok(Merged::Gone);
        }
        let (directive, rest) = list_directive(patch_list)?;
        match directive {
            Directive::Delete => Ok(Merged::Gone),
            Directive::Replace => {
                let list = rest.unwrap_or_default();
                self.merge_items(list.clone(), Some(&list), place).map(Merged::New)
            }
            Directive::Merge => self.merge_items(dest, rest.as_ref().or(patch_list), place).map(Merged::Kept),
        }
    }

    fn merge_items(&self, dest: List, patch: Option<&List>, place: &Place) -> Result<Node> {
        let items = self.schema.items(place);
        let keys = place.keys.as_deref().unwrap_or_default();
        let patch = patch.map_or(&[][..], |patch| &patch.items);
        let flow = dest.flow;
        let mut merge = merge_list::Merge { keys, dest: dest.items, patch };
        let items = merge.run(&mut |dest, patch| self.walk(dest, patch, items.clone()))?;
        Ok(Node::List(List { items, flow }))
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
        (Some(patch), _) => Merged::New(patch.clone()),
        (None, Some(dest)) => Merged::Kept(dest),
        (None, None) => Merged::Gone,
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

fn map_directive(patch: &Node) -> Result<Directive> {
    patch.get(DIRECTIVE).map_or(Ok(Directive::Merge), |node| directive_of(node.raw()))
}

/// The directive of a list stands in an item of its own; answers the other items if there is one.
fn list_directive(patch: Option<&List>) -> Result<(Directive, Option<List>)> {
    let is_directive =
        |item: &Node| item.as_map().is_some_and(|map| map.entries.len() == 1 && map.get(DIRECTIVE).is_some());
    let Some((list, found)) =
        patch.and_then(|list| Some((list, list.items.iter().find(|item| is_directive(item))?)))
    else {
        return Ok((Directive::Merge, None));
    };
    let items = list.items.iter().filter(|item| !is_directive(item)).cloned().collect();
    Ok((map_directive(found)?, Some(List { items, flow: list.flow })))
}
