//! A tree that notes every answer it gives, so that a later render can ask whether the answers are still the same.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use crate::reads::{Fact, Reads, names_digest};
use crate::{ContentId, Error, Kind, Named, PresentId, Tree, TreePath};

/// A tree that notes every answer it gives. Answers come from the tree it wraps.
///
/// A failure of the store, or anything else that cannot be checked later, is noted as a fact that never holds.
pub struct Recorder {
    tree: Arc<dyn Tree>,
    seen: Mutex<BTreeMap<TreePath, Seen>>,
}

/// Everything seen of one path.
#[derive(Clone, Debug, Default)]
struct Seen {
    stands: Option<Option<Kind>>,
    id: Option<ContentId>,
    link: Option<Arc<str>>,
    names: Option<[u8; 32]>,
    failed: bool,
}

impl Recorder {
    /// Records what is asked of `tree`.
    #[must_use]
    pub fn new(tree: Arc<dyn Tree>) -> Self {
        Self { tree, seen: Mutex::default() }
    }

    /// Every fact seen so far, without those that follow from others.
    #[must_use]
    pub fn reads(&self) -> Reads {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        Reads::from_facts(seen.iter().flat_map(|(path, seen)| seen.facts(path)))
    }

    fn note(&self, path: &TreePath, note: impl FnOnce(&mut Seen)) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match seen.get_mut(path) {
            Some(seen) => note(seen),
            None => note(seen.entry(path.clone()).or_default()),
        }
    }

    fn note_error(&self, path: &TreePath, error: &Error) {
        self.note(path, |seen| match error {
            Error::NotFound(_) => seen.stands(None),
            Error::WrongKind { found, .. } => seen.stands(Some(*found)),
            _ => seen.failed = true,
        });
    }

    /// Notes kind and content id of `path`, after an answer that depends on both.
    fn note_entry(&self, path: &TreePath, kind: Kind) -> Result<(), Error> {
        let id = self.tree.id(path);
        self.note(path, |seen| {
            seen.stands(Some(kind));
            match &id {
                Ok(Some(id)) => seen.has_id(*id),
                _ => seen.failed = true,
            }
        });
        id.map(drop)
    }

    /// The answer, with the note an error leaves.
    fn noting<T>(&self, path: &TreePath, answer: Result<T, Error>) -> Result<T, Error> {
        answer.inspect_err(|error| self.note_error(path, error))
    }
}

impl Tree for Recorder {
    fn kind(&self, path: &TreePath) -> Result<Option<Kind>, Error> {
        let kind = self.noting(path, self.tree.kind(path))?;
        self.note(path, |seen| seen.stands(kind));
        Ok(kind)
    }

    fn id(&self, path: &TreePath) -> Result<Option<ContentId>, Error> {
        let Some(kind) = self.kind(path)? else { return Ok(None) };
        let id = self.noting(path, self.tree.id(path))?;
        self.note(path, |seen| match id {
            Some(id) => seen.has_id(id),
            None => seen.failed = true,
        });
        debug_assert!(id.is_some(), "{path}: a {kind} has an id");
        Ok(id)
    }

    fn present_id(&self, path: &TreePath) -> Result<PresentId, Error> {
        let present = self.noting(path, self.tree.present_id(path))?;
        self.note(path, |seen| {
            seen.stands(Some(Kind::File));
            seen.has_id(present.id());
        });
        Ok(present)
    }

    fn list(&self, path: &TreePath) -> Result<Arc<[Named]>, Error> {
        let names = self.noting(path, self.tree.list(path))?;
        let digest = names_digest(&names);
        self.note(path, |seen| {
            seen.stands(Some(Kind::Folder));
            seen.names = seen.agree(seen.names, digest);
        });
        Ok(names)
    }

    fn size(&self, path: &TreePath) -> Result<u64, Error> {
        let size = self.noting(path, self.tree.size(path))?;
        self.note_entry(path, Kind::File)?;
        Ok(size)
    }

    fn read(&self, path: &TreePath) -> Result<Bytes, Error> {
        let content = self.noting(path, self.tree.read(path))?;
        self.note_entry(path, Kind::File)?;
        Ok(content)
    }

    fn link(&self, path: &TreePath) -> Result<Arc<str>, Error> {
        let text = self.noting(path, self.tree.link(path))?;
        self.note(path, |seen| {
            seen.stands(Some(Kind::Link));
            seen.link = Some(Arc::clone(&text));
        });
        Ok(text)
    }
}

impl Seen {
    fn stands(&mut self, kind: Option<Kind>) {
        self.stands = self.agree(self.stands, kind);
    }

    fn has_id(&mut self, id: ContentId) {
        self.id = self.agree(self.id, id);
    }

    /// The newest answer; when the tree said something else before, it is not immutable and nothing can be trusted.
    fn agree<T: PartialEq>(&mut self, before: Option<T>, now: T) -> Option<T> {
        self.failed |= before.is_some_and(|before| before != now);
        Some(now)
    }

    fn facts(&self, path: &TreePath) -> Vec<Fact> {
        let path = || path.clone();
        let mut facts = Vec::new();
        match (self.stands, self.id) {
            (Some(Some(kind)), Some(id)) => facts.push(Fact::Entry { path: path(), kind, id }),
            (Some(Some(kind)), None) if self.link.is_none() => facts.push(Fact::Kind { path: path(), kind }),
            (Some(None), _) => facts.push(Fact::Absent { path: path() }),
            _ => {}
        }
        facts.extend(self.link.as_ref().map(|text| Fact::Link { path: path(), text: Arc::clone(text) }));
        facts.extend(self.names.map(|digest| Fact::Names { path: path(), digest }));
        facts.extend(self.failed.then(|| Fact::Failed { path: path() }));
        facts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MemoryTree, conformance, links};

    fn path(text: &str) -> TreePath {
        TreePath::parse(text).unwrap()
    }

    fn holds(reads: &Reads, tree: &dyn Tree) -> Option<String> {
        reads.check(tree, &|_| None).unwrap().map(|broken| broken.to_string())
    }

    #[test]
    fn conforms() {
        let recorder = Recorder::new(Arc::new(conformance::sample()));
        assert_eq!(conformance::violations(&recorder, &conformance::sample()), [""; 0]);
    }

    #[test]
    fn every_question_leaves_its_fact() {
        let mut builder = MemoryTree::builder();
        builder.file(path("app/values.yaml"), "a: 1").link(path("link"), "app").file(path("file"), "x");
        let recorder = Recorder::new(Arc::new(builder.build().unwrap()));
        links::read(&recorder, &path("link/values.yaml")).unwrap();
        recorder.list(&path("app")).unwrap();
        recorder.kind(&path("file")).unwrap();
        recorder.read(&path("charts/x.tgz")).unwrap_err();
        let facts: Vec<String> = recorder.reads().facts().map(ToString::to_string).collect();
        let id = ContentId::of_content(b"a: 1");
        let names = recorder.reads().facts().find_map(|fact| match fact {
            Fact::Names { digest, .. } => Some(ContentId::Sha256(*digest)),
            _ => None,
        });
        assert_eq!(
            facts,
            [
                format!("app has the names {}", names.unwrap()),
                format!("app/values.yaml is the file {id}"),
                "charts/x.tgz is absent".to_owned(),
                "file is a file".to_owned(),
                "link is a link to app".to_owned(),
            ]
        );
    }

    #[test]
    fn what_broke_is_said_in_words() {
        let one = Arc::new(MemoryTree::from_files([("a/v.yaml", "1"), ("b/x", "1")]).unwrap());
        type Case = (fn(&Recorder), &'static [(&'static str, &'static str)], &'static str);
        let cases: [Case; 5] = [
            (|r| drop(r.read(&path("a/v.yaml"))), &[("a/v.yaml", "2")], "a/v.yaml changed"),
            (
                |r| drop(r.list(&path("a"))),
                &[("a/v.yaml", "1"), ("a/w", "")],
                "a: a file was added or removed",
            ),
            (|r| drop(r.kind(&path("c.tgz"))), &[("c.tgz", "")], "c.tgz now exists"),
            (|r| drop(r.kind(&path("b"))), &[("b", "")], "b is now a file"),
            (|r| drop(r.size(&path("b/x"))), &[("a", "")], "b/x no longer exists"),
        ];
        for (ask, now, words) in cases {
            let recorder = Recorder::new(one.clone());
            ask(&recorder);
            assert_eq!(holds(&recorder.reads(), &*one), None);
            let now =
                MemoryTree::from_files(now.iter().map(|(path, text)| (*path, (*text).to_owned()))).unwrap();
            assert_eq!(holds(&recorder.reads(), &now).as_deref(), Some(words));
        }
    }

    #[test]
    fn a_failure_never_holds() {
        let mut builder = MemoryTree::builder();
        builder.submodule(path("sub"), [7; 20]);
        let tree = Arc::new(builder.build().unwrap());
        let recorder = Recorder::new(tree.clone());
        recorder.read(&path("sub/x")).unwrap_err();
        assert_eq!(holds(&recorder.reads(), &*tree).as_deref(), Some("sub/x could not be read"));
    }

    #[test]
    fn many_threads_leave_the_facts_of_one() {
        let reference = conformance::sample();
        let alone = Recorder::new(Arc::new(conformance::sample()));
        assert_eq!(conformance::violations(&alone, &reference), [""; 0]);
        let shared = Recorder::new(Arc::new(conformance::sample()));
        std::thread::scope(|scope| {
            let ask = || assert_eq!(conformance::violations(&shared, &reference), [""; 0]);
            (0..4).for_each(|_| drop(scope.spawn(ask)));
        });
        assert_eq!(shared.reads(), alone.reads());
    }

    #[test]
    fn a_folder_id_stands_for_everything_beneath() {
        let recorder = Recorder::new(Arc::new(conformance::sample()));
        recorder.read(&path("app/values.yaml")).unwrap();
        recorder.list(&path("app")).unwrap();
        assert_eq!(recorder.kind(&path("none")).unwrap(), None);
        assert_eq!(recorder.reads().facts().count(), 3);
        recorder.id(&TreePath::root()).unwrap();
        assert_eq!(recorder.reads().facts().count(), 1);
    }
}
