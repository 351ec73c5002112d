//! The facts a render depended on, and the check whether they still hold for another tree.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::{ContentId, Error, Inputs, Kind, Named, Tree, TreePath};

/// One thing a render saw.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    /// An input that is not a file had the value with this SHA-256.
    Input {
        /// What it is, as the user would say it: "kube version".
        name: Arc<str>,
        /// SHA-256 of the value.
        digest: [u8; 32],
    },
    /// Nothing stood at the path.
    Absent {
        /// The path.
        path: TreePath,
    },
    /// Something of this kind stood at the path; what was in it did not matter.
    Kind {
        /// The path.
        path: TreePath,
        /// What stood there.
        kind: Kind,
    },
    /// This stood at the path, with this content; for a folder with everything beneath.
    Entry {
        /// The path.
        path: TreePath,
        /// What stood there.
        kind: Kind,
        /// The id of its content.
        id: ContentId,
    },
    /// A link with this text stood at the path.
    Link {
        /// The path.
        path: TreePath,
        /// The text of the link.
        text: Arc<str>,
    },
    /// A folder with these names stood at the path.
    Names {
        /// The path.
        path: TreePath,
        /// SHA-256 over the names and kinds of its entries.
        digest: [u8; 32],
    },
    /// The path could not be read: a fact that never holds again, so that a failure is never reused.
    Failed {
        /// The path.
        path: TreePath,
    },
}

/// The facts a render depended on, each once, without those that follow from others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    facts: Vec<Fact>,
}

/// The first fact that no longer holds, in words: `apps/web/values.yaml changed`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken(String);

impl Reads {
    /// These facts, sorted, without those that follow from others.
    #[must_use]
    pub fn from_facts(facts: impl IntoIterator<Item = Fact>) -> Self {
        let mut facts: Vec<Fact> = facts.into_iter().collect();
        facts.sort_by(order);
        facts.dedup();
        Self { facts: without_implied_folders(without_covered(facts)) }
    }

    /// These facts and the inputs that were looked at.
    #[must_use]
    pub fn with_inputs(self, inputs: &Inputs) -> Self {
        let seen = inputs.seen().into_iter();
        let inputs = seen.map(|(name, value)| Fact::Input { name, digest: Sha256::digest(value).into() });
        Self::from_facts(inputs.chain(self.facts))
    }

    /// The facts, inputs first, then by path.
    pub fn facts(&self) -> impl Iterator<Item = &Fact> {
        self.facts.iter()
    }

    /// Whether the facts can hold for any tree; they cannot once something failed.
    #[must_use]
    pub fn can_hold(&self) -> bool {
        !self.facts.iter().any(|fact| matches!(fact, Fact::Failed { .. }))
    }

    /// The first fact that does not hold for `tree` and the inputs `input` answers, or `None` when all hold: then
    /// whatever was recorded would come out the same. Reads no file where the tree knows its ids; the cheap facts
    /// come first.
    ///
    /// # Errors
    /// [`Error::Store`] when the tree's store fails: then nothing is known.
    pub fn check(
        &self,
        tree: &dyn Tree,
        input: &dyn Fn(&str) -> Option<Vec<u8>>,
    ) -> Result<Option<Broken>, Error> {
        for cost in [Cost::Nothing, Cost::Entry, Cost::Folder] {
            for fact in self.facts.iter().filter(|fact| fact.cost() == cost) {
                if let Some(broken) = fact.broken(tree, input)? {
                    return Ok(Some(Broken(broken)));
                }
            }
        }
        Ok(None)
    }
}

/// What checking a fact takes.
#[derive(PartialEq)]
enum Cost {
    Nothing,
    Entry,
    Folder,
}

impl Fact {
    /// The path it is about, if it is about one.
    #[must_use]
    pub fn path(&self) -> Option<&TreePath> {
        match self {
            Self::Input { .. } => None,
            Self::Absent { path }
            | Self::Kind { path, .. }
            | Self::Entry { path, .. }
            | Self::Link { path, .. }
            | Self::Names { path, .. }
            | Self::Failed { path } => Some(path),
        }
    }

    fn cost(&self) -> Cost {
        match self {
            Self::Input { .. } | Self::Failed { .. } => Cost::Nothing,
            Self::Absent { .. } | Self::Kind { .. } | Self::Entry { .. } | Self::Link { .. } => Cost::Entry,
            Self::Names { .. } => Cost::Folder,
        }
    }

    /// Whether it says that something stands at its path, and so that a folder stands above.
    fn is_positive(&self) -> bool {
        !matches!(self, Self::Input { .. } | Self::Absent { .. } | Self::Failed { .. })
    }

    /// What is different now, in words. A path the tree cannot answer for any more (a submodule came) is a
    /// difference too; only a failing store is an error.
    fn broken(
        &self,
        tree: &dyn Tree,
        input: &dyn Fn(&str) -> Option<Vec<u8>>,
    ) -> Result<Option<String>, Error> {
        let different = match self {
            Self::Input { name, digest } => Ok(changed_input(name, digest, input(name))),
            Self::Failed { path } => Ok(Some(format!("{path} could not be read"))),
            Self::Absent { path } => tree.kind(path).map(|now| now.map(|_| format!("{path} now exists"))),
            Self::Kind { path, kind } => changed_kind(tree, path, *kind),
            Self::Entry { path, kind, id } => changed_entry(tree, path, *kind, *id),
            Self::Link { path, text } => changed_link(tree, path, text),
            Self::Names { path, digest } => changed_names(tree, path, digest),
        };
        match different {
            Err(failed @ Error::Store { .. }) => Err(failed),
            Err(other) => Ok(Some(other.to_string())),
            Ok(different) => Ok(different),
        }
    }
}

type Changed = Result<Option<String>, Error>;

fn changed_input(name: &str, digest: &[u8; 32], now: Option<Vec<u8>>) -> Option<String> {
    let same = now.is_some_and(|value| Sha256::digest(value)[..] == digest[..]);
    (!same).then(|| format!("the {name} changed"))
}

fn changed_kind(tree: &dyn Tree, path: &TreePath, kind: Kind) -> Changed {
    Ok(match tree.kind(path)? {
        None => Some(format!("{path} no longer exists")),
        Some(now) if now != kind => Some(format!("{path} is now a {now}")),
        Some(_) => None,
    })
}

fn changed_entry(tree: &dyn Tree, path: &TreePath, kind: Kind, id: ContentId) -> Changed {
    if let Some(other) = changed_kind(tree, path, kind)? {
        return Ok(Some(other));
    }
    Ok((tree.id(path)? != Some(id)).then(|| format!("{path} changed")))
}

fn changed_link(tree: &dyn Tree, path: &TreePath, text: &str) -> Changed {
    if let Some(other) = changed_kind(tree, path, Kind::Link)? {
        return Ok(Some(other));
    }
    Ok((*tree.link(path)? != *text).then(|| format!("{path}: the symbolic link now leads elsewhere")))
}

fn changed_names(tree: &dyn Tree, path: &TreePath, digest: &[u8; 32]) -> Changed {
    if let Some(other) = changed_kind(tree, path, Kind::Folder)? {
        return Ok(Some(other));
    }
    let same = names_digest(&tree.list(path)?) == *digest;
    Ok((!same).then(|| format!("{path}: a file was added or removed")))
}

/// SHA-256 over the names and kinds of a folder's entries.
pub(crate) fn names_digest(names: &[Named]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for entry in names {
        hash.update((entry.name.len() as u64).to_be_bytes());
        hash.update(entry.name.as_bytes());
        hash.update([entry.kind.tag()]);
    }
    hash.finalize().into()
}

/// Inputs first; then by path so that everything beneath a folder directly follows it.
fn order(a: &Fact, b: &Fact) -> Ordering {
    let by_path = match (a.path(), b.path()) {
        (Some(a), Some(b)) => a.names().cmp(b.names()),
        (a, b) => a.is_some().cmp(&b.is_some()),
    };
    by_path.then_with(|| a.cmp(b))
}

/// Leaves out what follows from the id of a folder above, or from the absence of one.
fn without_covered(facts: Vec<Fact>) -> Vec<Fact> {
    let mut kept: Vec<Fact> = Vec::with_capacity(facts.len());
    let mut cover: Option<Fact> = None;
    for fact in facts {
        if cover.as_ref().is_some_and(|cover| follows(&fact, cover)) {
            continue;
        }
        if matches!(fact, Fact::Entry { kind: Kind::Folder, .. } | Fact::Absent { .. }) {
            cover = Some(fact.clone());
        }
        kept.push(fact);
    }
    kept
}

/// Whether `fact` follows from `cover`, the id of a folder or an absence.
fn follows(fact: &Fact, cover: &Fact) -> bool {
    let beneath = match (fact.path(), cover.path()) {
        (Some(path), Some(cover)) => path.strip(cover).is_some(),
        _ => false,
    };
    match (cover, fact) {
        (_, Fact::Failed { .. }) => false,
        (Fact::Absent { .. }, fact) => beneath && matches!(fact, Fact::Absent { .. }),
        _ => beneath,
    }
}

/// Leaves out that something is a folder where something is known to stand in it.
fn without_implied_folders(facts: Vec<Fact>) -> Vec<Fact> {
    let mut kept: Vec<Fact> = Vec::with_capacity(facts.len());
    let mut positive: Option<TreePath> = None;
    for fact in facts.into_iter().rev() {
        if let (Fact::Kind { path, kind: Kind::Folder }, Some(inner)) = (&fact, &positive)
            && inner.strip(path).is_some()
        {
            continue;
        }
        if fact.is_positive() {
            positive = fact.path().cloned();
        }
        kept.push(fact);
    }
    kept.reverse();
    kept
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input { name, digest } => {
                write!(f, "the {name} has the digest {}", ContentId::Sha256(*digest))
            }
            Self::Absent { path } => write!(f, "{path} is absent"),
            Self::Kind { path, kind } => write!(f, "{path} is a {kind}"),
            Self::Entry { path, kind, id } => write!(f, "{path} is the {kind} {id}"),
            Self::Link { path, text } => write!(f, "{path} is a link to {text}"),
            Self::Names { path, digest } => write!(f, "{path} has the names {}", ContentId::Sha256(*digest)),
            Self::Failed { path } => write!(f, "{path} could not be read"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryTree;

    fn path(text: &str) -> TreePath {
        TreePath::parse(text).unwrap()
    }

    fn kind(text: &str, kind: Kind) -> Fact {
        Fact::Kind { path: path(text), kind }
    }

    fn kept(facts: impl IntoIterator<Item = Fact>) -> Vec<String> {
        Reads::from_facts(facts).facts().map(ToString::to_string).collect()
    }

    #[test]
    fn folders_above_a_fact_follow_from_it() {
        let facts = [
            kind("", Kind::Folder),
            kind("a", Kind::Folder),
            kind("a-b", Kind::Folder),
            Fact::Absent { path: path("a/aa") },
            kind("a/b", Kind::File),
            Fact::Absent { path: path("a-b/c") },
        ];
        assert_eq!(kept(facts), ["a/aa is absent", "a/b is a file", "a-b is a folder", "a-b/c is absent"]);
    }

    #[test]
    fn absence_above_covers_absence_beneath() {
        let facts = ["a", "a/b", "a/b/c", "ab"].map(|text| Fact::Absent { path: path(text) });
        assert_eq!(kept(facts), ["a is absent", "ab is absent"]);
    }

    #[test]
    fn a_failure_stays_whatever_covers_it() {
        let whole = Fact::Entry { path: path("a"), kind: Kind::Folder, id: ContentId::Git([1; 20]) };
        let reads = Reads::from_facts([whole, Fact::Failed { path: path("a/b") }, kind("a/c", Kind::File)]);
        assert_eq!(reads.facts().count(), 2);
        assert!(!reads.can_hold());
    }

    #[test]
    fn inputs_are_facts() {
        let inputs = Inputs::default();
        inputs.note("kube version", "1.33");
        let reads = Reads::default().with_inputs(&inputs);
        let tree = MemoryTree::from_files([("a", "x")]).unwrap();
        let check = |now: Option<&str>| {
            let now = now.map(|text| text.as_bytes().to_vec());
            reads.check(&tree, &|name| now.clone().filter(|_| name == "kube version")).unwrap()
        };
        assert_eq!(check(Some("1.33")), None);
        assert_eq!(check(Some("1.34")).unwrap().to_string(), "the kube version changed");
        assert_eq!(check(None).unwrap().to_string(), "the kube version changed");
    }

    #[test]
    fn links_and_kinds_are_compared() {
        let mut builder = MemoryTree::builder();
        let tree = builder.link(path("l"), "b").build().unwrap();
        let reads = |fact| Reads::from_facts([fact]).check(&tree, &|_| None).unwrap().map(|b| b.to_string());
        assert_eq!(reads(Fact::Link { path: path("l"), text: Arc::from("b") }), None);
        let changed = reads(Fact::Link { path: path("l"), text: Arc::from("c") });
        assert_eq!(changed.as_deref(), Some("l: the symbolic link now leads elsewhere"));
        assert_eq!(reads(kind("l", Kind::File)).as_deref(), Some("l is now a symbolic link"));
    }

    #[test]
    fn a_submodule_in_the_way_is_a_difference() {
        let mut builder = MemoryTree::builder();
        let tree = builder.submodule(path("a"), [3; 20]).build().unwrap();
        let broken = Reads::from_facts([kind("a/b", Kind::File)]).check(&tree, &|_| None).unwrap().unwrap();
        assert!(broken.to_string().contains("git submodule"), "{broken}");
    }
}
