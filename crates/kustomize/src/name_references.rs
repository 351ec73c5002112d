//! References by name follow the resources that were renamed.
//!
//! Sources: kustomize 5.8.1 `api/internal/accumulator/namereferencetransformer.go`, `api/filters/nameref/nameref.go`.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use yaml::v2;

use crate::configurations::NameReference;
use crate::error::{Error, Result};
use crate::fieldspec::{self, Create, FieldSpec};
use crate::id::{CLUSTER, Gvk, ResId};
use crate::node::{Map, Node, Scalar};
use crate::resmap::ResMap;
use crate::resource::Resource;

/// Updates every reference.
///
/// # Errors
/// A name fits several resources.
pub(crate) fn transform(map: &mut ResMap, config: &[NameReference]) -> Result<()> {
    let mut candidates = Vec::new();
    for (at, resource) in map.list.iter().enumerate() {
        candidates.push(Candidate::of(at, resource)?);
    }
    map.list.iter().try_for_each(check_subjects)?;
    let index = Index::of(&candidates)?;
    for at in 0..map.list.len() {
        budget::look()?;
        let nothing = Resource::new(Node::map(), map.list[at].profile);
        let mut referrer = std::mem::replace(&mut map.list[at], nothing);
        let done = index.update(&mut referrer, at, config);
        map.list[at] = referrer;
        done.map_err(|ambiguous| ambiguous.explain(map, at))?;
    }
    Ok(())
}

/// What is known of a resource while names are compared.
struct Candidate {
    at: usize,
    id: ResId,
    /// The namespace it is in now, and the one it was in when it was read.
    namespace: String,
    original_namespace: String,
    previous: Vec<ResId>,
    prefixes: Vec<Arc<str>>,
    suffixes: Vec<Arc<str>>,
}

/// Where to look for resources: there may be thousands of one name, and thousands of references to it.
struct Index<'c> {
    candidates: &'c [Candidate],
    by_name: HashMap<Arc<str>, Named<'c>>,
    /// The namespaces that resources are in now, by the one they were in when they were read.
    moved: HashMap<&'c str, HashSet<&'c str>>,
}

/// The resources that once had one name, in order.
#[derive(Default)]
struct Named<'c> {
    all: Vec<usize>,
    by_namespace: HashMap<&'c str, Vec<usize>>,
    by_original: HashMap<&'c str, Vec<usize>>,
}

/// What a resource takes in the index.
const INDEX_BYTES: usize = 256;

/// One reference being looked up.
struct Lookup<'c> {
    index: &'c Index<'c>,
    referrer: &'c Candidate,
    /// Namespaces of its service accounts, if it is a role binding.
    subjects: HashSet<String>,
    role: Option<Gvk>,
    target: Gvk,
}

/// What comparing with a candidate costs.
const CANDIDATE_WORK: usize = 16;

/// A failure, possibly with the resources that all fit.
struct Failure {
    error: Error,
    fits: Vec<usize>,
}

impl Failure {
    /// Adds what the resources look like.
    fn explain(self, map: &ResMap, referrer: usize) -> Error {
        if self.fits.is_empty() {
            return self.error;
        }
        let show = |at: usize| {
            map.list[at].shown().ok().and_then(|value| v2::marshal(&value).ok()).unwrap_or_default()
        };
        let mut text = format!(
            "{}\n\n**** Too many possible referral targets to referrer:\n{}\n",
            self.error,
            show(referrer)
        );
        for (number, &at) in self.fits.iter().enumerate() {
            text.push_str(&format!("--- possible referral {number}:\n{}\n", show(at)));
        }
        Error::new(text)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, fits: Vec::new() }
    }
}

impl Candidate {
    fn of(at: usize, resource: &Resource) -> Result<Self> {
        let id = resource.id();
        let previous: Vec<_> = resource.previous_ids().collect();
        let namespace = id.effective_namespace(resource.profile).to_owned();
        let original_namespace =
            previous.first().unwrap_or(&id).effective_namespace(resource.profile).to_owned();
        let ids = size_of::<ResId>() * previous.len();
        budget::charge(INDEX_BYTES + ids + 2 * (namespace.len() + original_namespace.len()))?;
        Ok(Self {
            at,
            id,
            namespace,
            original_namespace,
            previous,
            prefixes: resource.history.prefixes.clone(),
            suffixes: resource.history.suffixes.clone(),
        })
    }

    fn is_cluster_scoped(&self) -> bool {
        self.namespace == CLUSTER
    }
}

impl<'c> Index<'c> {
    fn of(candidates: &'c [Candidate]) -> Result<Self> {
        let mut by_name: HashMap<Arc<str>, Named<'c>> = HashMap::new();
        let mut moved: HashMap<&str, HashSet<&str>> = HashMap::new();
        for candidate in candidates {
            moved.entry(&candidate.original_namespace).or_default().insert(&candidate.namespace);
            for id in &candidate.previous {
                budget::charge(INDEX_BYTES)?;
                budget::work(id.name.len() + candidate.namespace.len() + candidate.original_namespace.len())?;
                by_name.entry(id.name.clone()).or_default().add(candidate);
            }
        }
        Ok(Self { candidates, by_name, moved })
    }
}

impl<'c> Named<'c> {
    fn add(&mut self, candidate: &'c Candidate) {
        if self.all.last() == Some(&candidate.at) {
            return;
        }
        self.all.push(candidate.at);
        self.by_namespace.entry(&candidate.namespace).or_default().push(candidate.at);
        self.by_original.entry(&candidate.original_namespace).or_default().push(candidate.at);
    }
}

impl Index<'_> {
    fn update(&self, referrer: &mut Resource, at: usize, config: &[NameReference]) -> Result<(), Failure> {
        let original = referrer.original_id();
        for reference in config {
            budget::work(reference.referrers.len()).map_err(Error::from)?;
            for spec in reference.referrers.iter().filter(|spec| spec.fits(&original.gvk)) {
                self.update_field(referrer, at, reference.gvk(), spec)?;
            }
        }
        Ok(())
    }

    fn update_field(
        &self,
        referrer: &mut Resource,
        at: usize,
        target: Gvk,
        spec: &FieldSpec,
    ) -> Result<(), Failure> {
        if !fieldspec::may_be_there(&referrer.node, spec, Create::Never) {
            return Ok(());
        }
        let lookup = Lookup {
            index: self,
            referrer: &self.candidates[at],
            subjects: subject_namespaces(referrer),
            role: if spec.path.ends_with("roleRef/name") { role_of(referrer) } else { None },
            target,
        };
        let mut fits = Vec::new();
        let done = fieldspec::apply_to_any(referrer, spec, Create::Never, &mut |node| {
            lookup.set(node).map_err(|failure| {
                fits = failure.fits;
                failure.error
            })
        });
        done.map_err(|error| {
            let text = format!("updating name reference in '{}' field of '{}'", spec.path, referrer.id());
            Failure { error: error.under(text), fits }
        })
    }
}

impl Lookup<'_> {
    fn set(&self, node: &mut Node) -> Result<(), Failure> {
        match node {
            Node::List(list) => list.items.iter_mut().try_for_each(|item| self.set(item)),
            Node::Map(map) => self.set_map(map),
            Node::Scalar(scalar) if scalar.is_null() => Ok(()),
            Node::Scalar(scalar) => {
                let found = self.select(&scalar.text, None, |a, b| a.name == b.name)?;
                if let Some(found) = found.filter(|found| found.id.name != scalar.text) {
                    node.set_text(&found.id.name);
                }
                Ok(())
            }
        }
    }

    fn set_map(&self, map: &mut Map) -> Result<(), Failure> {
        let Some(name) = map.get("name").map(|node| node.raw().to_owned()) else {
            return Err(Error::new("path config error; no 'name' field in node").into());
        };
        let namespace = map.get("namespace").map(|node| node.raw().to_owned());
        let same = |a: &ResId, b: &ResId| a.name == b.name && a.namespace == b.namespace;
        let Some(found) = self.select(&name, namespace.as_deref(), same)? else { return Ok(()) };
        if *found.id.name == name && found.id.namespace.is_empty() {
            return Ok(());
        }
        map.set("name", Node::untagged(&found.id.name));
        if !found.id.namespace.is_empty() {
            map.set("namespace", Node::untagged(&found.id.namespace));
        }
        Ok(())
    }

    /// The one resource that is meant.
    fn select(
        &self,
        name: &str,
        namespace: Option<&str>,
        same: impl Fn(&ResId, &ResId) -> bool,
    ) -> Result<Option<&Candidate>, Failure> {
        let Some(named) = self.index.by_name.get(name) else { return Ok(None) };
        let places = match namespace {
            Some(namespace) => self.in_namespace(named, namespace),
            None => self.in_reach(named),
        };
        budget::work(places.len() * CANDIDATE_WORK).map_err(Error::from)?;
        let mut list: Vec<&Candidate> = places.iter().map(|&at| &self.index.candidates[at]).collect();
        list.retain(|candidate| self.may_refer(candidate));
        let was =
            |candidate: &Candidate, gvk: &Gvk| candidate.previous.iter().any(|id| id.gvk.is_selected(gvk));
        list.retain(|candidate| was(candidate, &self.target));
        list.retain(|candidate| self.role.as_ref().is_none_or(|role| was(candidate, role)));
        list.retain(|candidate| self.is_in_reach(candidate));
        if list.len() > 1 {
            list.retain(|candidate| same_affixes(candidate, self.referrer, true));
        }
        if list.len() > 1 {
            list.retain(|candidate| same_affixes(candidate, self.referrer, false));
        }
        match list.as_slice() {
            [] => Ok(None),
            [first, rest @ ..] if rest.iter().all(|other| same(&first.id, &other.id)) => Ok(Some(first)),
            _ => Err(ambiguous(&list)),
        }
    }

    /// Whether the referrer could refer to it at all.
    fn may_refer(&self, candidate: &Candidate) -> bool {
        self.referrer.is_cluster_scoped() || self.reaches(&candidate.namespace)
    }

    /// Whether what has a namespace, or none, could be referred to from the one of the referrer.
    fn reaches(&self, namespace: &str) -> bool {
        namespace == CLUSTER || namespace == self.referrer.namespace || self.subjects.contains(namespace)
    }

    /// Those of a name that could be referred to.
    fn in_reach<'n>(&self, named: &'n Named<'_>) -> Cow<'n, [usize]> {
        if self.referrer.is_cluster_scoped() {
            return Cow::Borrowed(&named.all);
        }
        let own = [CLUSTER, self.referrer.namespace.as_str()];
        let subjects = self.subjects.iter().map(String::as_str).filter(|namespace| !own.contains(namespace));
        let lists = own.into_iter().chain(subjects).filter_map(|namespace| named.by_namespace.get(namespace));
        let mut places: Vec<usize> = lists.flatten().copied().collect();
        places.sort_unstable();
        Cow::Owned(places)
    }

    /// Those of a name that were in the namespace, or else those that are.
    fn in_namespace<'n>(&self, named: &'n Named<'_>, namespace: &str) -> Cow<'n, [usize]> {
        let now = self.index.moved.get(namespace);
        let any = now.is_some_and(|now| {
            self.referrer.is_cluster_scoped() || now.iter().any(|namespace| self.reaches(namespace))
        });
        let lists = if any { &named.by_original } else { &named.by_namespace };
        lists.get(namespace).map_or(Cow::Borrowed(&[][..]), |places| Cow::Borrowed(places.as_slice()))
    }

    fn is_in_reach(&self, candidate: &Candidate) -> bool {
        self.referrer.is_cluster_scoped()
            || candidate.is_cluster_scoped()
            || &*candidate.id.gvk.kind == "ServiceAccount"
            || candidate.namespace == self.referrer.namespace
    }
}

fn ambiguous(list: &[&Candidate]) -> Failure {
    let ids: Vec<_> = list.iter().map(|candidate| candidate.id.to_string()).collect();
    let error = Error::new(format!("found multiple possible referrals: {}", ids.join(", ")));
    Failure { error, fits: list.iter().map(|candidate| candidate.at).collect() }
}

fn same_affixes(a: &Candidate, b: &Candidate, allow_empty: bool) -> bool {
    let free = |a: &[Arc<str>], b: &[Arc<str>]| allow_empty && (a.is_empty() || b.is_empty());
    (free(&a.prefixes, &b.prefixes) || same_end(&a.prefixes, &b.prefixes))
        && (free(&a.suffixes, &b.suffixes) || same_end(&a.suffixes, &b.suffixes))
}

/// Whether the shorter is the end of the longer.
fn same_end(a: &[Arc<str>], b: &[Arc<str>]) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if short.is_empty() { long.is_empty() } else { long.ends_with(short) }
}

fn role_of(referrer: &Resource) -> Option<Gvk> {
    let role = referrer.node.get("roleRef")?;
    Some(Gvk {
        group: role.get("apiGroup")?.raw().into(),
        kind: role.get("kind")?.raw().into(),
        ..Gvk::default()
    })
}

/// A service account's namespace in a role binding has to be a text.
fn check_subjects(referrer: &Resource) -> Result<()> {
    if referrer.kind() != "RoleBinding" {
        return Ok(());
    }
    let subjects = referrer.node.get("subjects").and_then(Node::as_list).map(|list| list.items.as_slice());
    let is_blank = |subject: &Node| {
        let of_account = subject.get("kind").is_some_and(|kind| kind.raw() == "ServiceAccount");
        let namespace = subject.get("namespace").filter(|_| of_account);
        namespace.is_some_and(|node| !node.as_scalar().is_some_and(Scalar::is_text))
    };
    if subjects.unwrap_or_default().iter().any(is_blank) {
        let id = referrer.id().to_string();
        return Err(Error::new(format!("Invalid Input: namespace is blank for resource {id:?}\n")));
    }
    Ok(())
}

fn subject_namespaces(referrer: &Resource) -> HashSet<String> {
    if referrer.kind() != "RoleBinding" {
        return HashSet::new();
    }
    let subjects = referrer.node.get("subjects").and_then(Node::as_list).map(|list| list.items.as_slice());
    let accounts = subjects.unwrap_or_default().iter();
    let accounts =
        accounts.filter(|subject| subject.get("kind").is_some_and(|kind| kind.raw() == "ServiceAccount"));
    accounts.filter_map(|subject| Some(subject.get("namespace")?.raw().to_owned())).collect()
}
