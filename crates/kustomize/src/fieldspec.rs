//! Field specs: the places in resources that a transformer changes, and the walk that reaches them.
//!
//! Sources: kustomize 5.8.1 `api/types/fieldspec.go`, `api/filters/fieldspec/fieldspec.go`.

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::id::Gvk;
use crate::node::{List, Map, Node, Scalar};
use crate::resource::Resource;
use crate::strict::record;

record! {
    /// A path in resources of some kinds.
    FieldSpec as "FieldSpec" {
        group: String = "group" in "Gvk",
        version: String = "version" in "Gvk",
        kind: String = "kind" in "Gvk",
        path: String = "path",
        create: bool = "create",
    }
}

/// What a missing field becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Create {
    /// Nothing is made, whatever the spec says.
    Never,
    Scalar,
    Map,
}

impl FieldSpec {
    pub(crate) fn new(path: &str, create: bool) -> Self {
        Self { path: path.to_owned(), create, ..Self::default() }
    }

    pub(crate) fn gvk(&self) -> Gvk {
        Gvk {
            group: self.group.as_str().into(),
            version: self.version.as_str().into(),
            kind: self.kind.as_str().into(),
        }
    }

    /// Whether the spec is about resources of this kind.
    pub(crate) fn fits(&self, gvk: &Gvk) -> bool {
        self.fits_parts(&gvk.group, &gvk.version, &gvk.kind)
    }

    fn fits_resource(&self, resource: &Resource) -> bool {
        let (group, version) = resource.group_and_version();
        self.fits_parts(group, version, resource.kind())
    }

    fn fits_parts(&self, group: &str, version: &str, kind: &str) -> bool {
        let fits = |wanted: &str, have: &str| wanted.is_empty() || wanted == have;
        fits(&self.kind, kind) && fits(&self.group, group) && fits(&self.version, version)
    }
}

/// Adds specs to others; one that says the same as an earlier one is left out. Answers whether any was added.
///
/// # Errors
/// The same place with another `create`.
pub(crate) fn merge(into: &mut Vec<FieldSpec>, more: &[FieldSpec]) -> Result<bool> {
    let before = into.len();
    if more.len() < FEW {
        return merge_few(into, more);
    }
    let mut places = Places::default();
    into.iter().enumerate().for_each(|(at, spec)| places.add(spec, at));
    for spec in more {
        let same = |old: &FieldSpec| spec.fits_parts(&old.group, &old.version, &old.kind);
        let candidates = places.of(spec);
        budget::charge(SPEC_BYTES + candidates.len())?;
        match candidates.iter().map(|&at| &into[at]).find(|old| same(old)) {
            Some(old) if old.create != spec.create => return Err(Error::new("conflicting fieldspecs")),
            Some(_) => {}
            None => {
                places.add(spec, into.len());
                into.push(spec.clone());
            }
        }
    }
    Ok(into.len() > before)
}

/// For fewer specs than this no table is made of those that are there.
const FEW: usize = 8;

fn merge_few(into: &mut Vec<FieldSpec>, more: &[FieldSpec]) -> Result<bool> {
    let before = into.len();
    for spec in more {
        budget::work(into.len())?;
        let same =
            |old: &&FieldSpec| old.path == spec.path && spec.fits_parts(&old.group, &old.version, &old.kind);
        match into.iter().find(same) {
            Some(old) if old.create != spec.create => return Err(Error::new("conflicting fieldspecs")),
            Some(_) => {}
            None => into.push(spec.clone()),
        }
    }
    Ok(into.len() > before)
}

/// What a spec takes in a list and in the table of it.
const SPEC_BYTES: usize = 2 * size_of::<FieldSpec>() + 128;

/// Which specs of a list have a path, and which have it for a kind: configurations may hold them by the thousand.
#[derive(Default)]
struct Places {
    by_path: HashMap<String, Vec<usize>>,
    by_kind: HashMap<(String, String), Vec<usize>>,
}

impl Places {
    fn add(&mut self, spec: &FieldSpec, at: usize) {
        self.by_path.entry(spec.path.clone()).or_default().push(at);
        self.by_kind.entry((spec.path.clone(), spec.kind.clone())).or_default().push(at);
    }

    /// Those that may say the same as a spec, in order. One that names no kind is about every kind.
    fn of(&self, spec: &FieldSpec) -> &[usize] {
        let found = match spec.kind.as_str() {
            "" => self.by_path.get(&spec.path),
            kind => self.by_kind.get(&(spec.path.clone(), kind.to_owned())),
        };
        found.map_or(&[], Vec::as_slice)
    }
}

/// Calls `set` for every node at the places of a spec.
///
/// # Errors
/// The path leads through a scalar; whatever `set` answers. Both name the field and the resource.
pub(crate) fn apply(
    resource: &mut Resource,
    spec: &FieldSpec,
    create: Create,
    set: &mut dyn FnMut(&mut Node) -> Result<()>,
) -> Result<()> {
    if !spec.fits_resource(resource) {
        return Ok(());
    }
    apply_to_any(resource, spec, create, set)
}

/// The same for a resource that the spec's kind was compared with before.
///
/// # Errors
/// As [`apply`].
pub(crate) fn apply_to_any(
    resource: &mut Resource,
    spec: &FieldSpec,
    create: Create,
    set: &mut dyn FnMut(&mut Node) -> Result<()>,
) -> Result<()> {
    budget::work(FIELD_WORK)?;
    if !may_be_there(&resource.node, spec, create) {
        return Ok(());
    }
    let path = split_path(&spec.path);
    let mut walk = Walk { create: if spec.create { create } else { Create::Never }, set };
    let done = walk.visit(&mut resource.node, &path);
    done.map_err(|error| {
        error.under(format!("considering field '{}' of object {}", spec.path, resource.id()))
    })
}

/// What looking at a field costs.
const FIELD_WORK: usize = 8;

/// Whether the walk could come to anything: most fields are those of other kinds, and their paths need not be split.
pub(crate) fn may_be_there(node: &Node, spec: &FieldSpec, create: Create) -> bool {
    let Node::Map(map) = node else { return true };
    if spec.create && create != Create::Never || spec.path.contains('\\') {
        return true;
    }
    let Some(first) = spec.path.split('/').find(|name| !name.is_empty()) else { return true };
    map.get(first.strip_suffix("[]").unwrap_or(first)).is_some()
}

/// The names of a path; `\/` is a slash in a name.
pub(crate) fn split_path(path: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for part in path.split('/') {
        match names.last_mut() {
            Some(last) if last.ends_with('\\') => {
                last.pop();
                last.push('/');
                last.push_str(part);
            }
            _ => names.push(part.to_owned()),
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

struct Walk<'f> {
    create: Create,
    set: &'f mut dyn FnMut(&mut Node) -> Result<()>,
}

impl Walk<'_> {
    fn visit(&mut self, node: &mut Node, path: &[String]) -> Result<()> {
        budget::work(FIELD_WORK)?;
        let Some((name, rest)) = path.split_first() else { return (self.set)(node) };
        match node {
            Node::List(list) => list.items.iter_mut().try_for_each(|item| {
                let under =
                    |error: Error| error.under(format!("visit traversal on path: [{}]", path.join(" ")));
                self.visit(item, path).map_err(under)
            }),
            Node::Map(map) => self.visit_field(map, name, rest),
            Node::Scalar(scalar) if scalar.is_null() => Ok(()),
            Node::Scalar(_) => Err(Error::new("expected sequence or mapping node")),
        }
    }

    fn visit_field(&mut self, map: &mut Map, name: &str, rest: &[String]) -> Result<()> {
        let (name, is_list) = name.strip_suffix("[]").map_or((name, false), |name| (name, true));
        let is_there = map.get(name).is_some();
        if !is_there && (is_list || self.create == Create::Never) {
            return Ok(());
        }
        let create = if rest.is_empty() { self.create } else { Create::Map };
        let field = map.entry(name, || made(create));
        if field.is_null() {
            match (self.create, is_list) {
                (_, true) => *field = Node::List(List::default()),
                (Create::Never, false) if !rest.is_empty() => return Ok(()),
                (Create::Never, false) => {}
                _ => *field = made(create),
            }
        }
        self.visit(field, rest)
    }
}

fn made(create: Create) -> Node {
    match create {
        Create::Scalar | Create::Never => Node::Scalar(Scalar::untagged("")),
        Create::Map => Node::map(),
    }
}

#[cfg(test)]
mod tests;
