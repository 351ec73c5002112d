//! The objects of one repository, read side by side by any number of threads: blobs, and folders decoded once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use gix::ObjectId;
use gix::objs::tree::EntryKind;
use gix::objs::{Exists, Find, FindHeader, Kind as ObjectKind};
use gix::odb::pack::cache::lru::MemoryCappedHashmap;
use tree::{ContentId, Kind, Named, TreePath};

/// The largest blob that is read, in bytes, as large as any that is fetched: no manifest, chart or values file comes
/// near it.
const MAX_BLOB: u64 = 256 << 20;

/// The largest tree object that is decoded, in bytes: a folder of some 200,000 entries.
const MAX_FOLDER: u64 = 8 << 20;

/// How many entries of decoded folders are kept per generation; there are two, and an entry takes about 100 bytes.
const KEPT_ENTRIES: usize = 50_000;

/// How many bytes of objects one handle keeps that others are stored as differences to. There are as many handles as
/// threads that read at the same moment.
const PACK_CACHE: usize = 4 << 20;

/// Why an object could not be read, for the user and without host paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// The repository is not whole, or its files cannot be read.
    Lost(Arc<str>),
    /// It is there, and will never be read.
    Refused(Arc<str>),
}

/// The objects of one repository.
pub struct Objects {
    repo: gix::ThreadSafeRepository,
    /// Handles no thread uses right now: a handle keeps what it learned of the packs.
    idle: Mutex<Vec<gix::OdbHandle>>,
    folders: Mutex<Generations>,
    /// Whether something was missing or could not be read.
    lost: AtomicBool,
}

/// A decoded tree object.
#[derive(Debug)]
pub(super) struct Folder {
    /// The entries, sorted by name bytewise (git sorts folders differently).
    pub(super) names: Arc<[Named]>,
    /// The id of each entry, in the same order.
    ids: Vec<ObjectId>,
}

/// Decoded folders: what was used in this generation or the one before is kept.
#[derive(Default)]
struct Generations {
    young: HashMap<ObjectId, Arc<Folder>>,
    old: HashMap<ObjectId, Arc<Folder>>,
    young_entries: usize,
}

impl Reason {
    pub(super) fn refused(why: impl Into<Arc<str>>) -> Self {
        Self::Refused(why.into())
    }

    fn lost(why: impl Into<Arc<str>>) -> Self {
        Self::Lost(why.into())
    }

    /// The error of a tree that read the object for `path`.
    pub(super) fn at(self, path: &TreePath) -> tree::Error {
        match self {
            Self::Lost(why) => tree::Error::store(path, why),
            Self::Refused(why) => tree::Error::refused(path, why),
        }
    }
}

impl Objects {
    /// The objects of `repo`.
    #[must_use]
    pub fn new(repo: gix::ThreadSafeRepository) -> Arc<Self> {
        Arc::new(Self {
            repo,
            idle: Mutex::default(),
            folders: Mutex::default(),
            lost: AtomicBool::new(false),
        })
    }

    /// The tree a commit holds.
    pub(super) fn root_of(&self, commit: ObjectId) -> Result<ObjectId, Reason> {
        let content = self.read(commit, ObjectKind::Commit, MAX_BLOB)?;
        let mut fields = gix::objs::CommitRefIter::from_bytes(&content, commit.kind());
        fields.tree_id().map_err(|_| Reason::refused(format!("the commit {commit} is damaged")))
    }

    /// The folder with this id.
    pub(super) fn folder(&self, id: ObjectId) -> Result<Arc<Folder>, Reason> {
        let known = self.folders.lock().unwrap_or_else(PoisonError::into_inner).get(&id);
        if let Some(folder) = known {
            return Ok(folder);
        }
        let folder = Arc::new(Folder::decode(id, &self.read(id, ObjectKind::Tree, MAX_FOLDER)?)?);
        self.folders.lock().unwrap_or_else(PoisonError::into_inner).insert(id, &folder);
        Ok(folder)
    }

    /// The content of the blob with this id.
    pub(super) fn blob(&self, id: ObjectId) -> Result<Bytes, Reason> {
        self.read(id, ObjectKind::Blob, MAX_BLOB).map(Bytes::from)
    }

    /// The size of the blob with this id in bytes, without reading it.
    pub(super) fn blob_size(&self, id: ObjectId) -> Result<u64, Reason> {
        self.noting(self.with(|objects| size(objects, id, ObjectKind::Blob)))
    }

    /// Fails unless the object with this id is in this repository. Looks into the indexes of its packs only.
    pub(super) fn check_present(&self, id: ObjectId) -> Result<(), Reason> {
        if self.with(|objects| objects.exists(&id)) { Ok(()) } else { self.noting(Err(missing(id))) }
    }

    /// Whether something was missing or could not be read since this was last asked.
    pub(super) fn take_lost(&self) -> bool {
        self.lost.swap(false, Ordering::Relaxed)
    }

    fn noting<T>(&self, answer: Result<T, Reason>) -> Result<T, Reason> {
        if matches!(answer, Err(Reason::Lost(_))) {
            self.lost.store(true, Ordering::Relaxed);
        }
        answer
    }

    /// Reads an object once its header says that it is of the right kind and not too large.
    fn read(&self, id: ObjectId, kind: ObjectKind, most: u64) -> Result<Vec<u8>, Reason> {
        let read = self.with(|objects| {
            let size = size(objects, id, kind)?;
            if size > most {
                return Err(Reason::refused(format!(
                    "it is {size} bytes large, and at most {most} are read"
                )));
            }
            let mut content = Vec::new();
            match objects.try_find(&id, &mut content) {
                Ok(Some(_)) => Ok(content),
                Ok(None) => Err(missing(id)),
                Err(error) => Err(unreadable(id, &error)),
            }
        });
        self.noting(read)
    }

    fn with<T>(&self, ask: impl FnOnce(&gix::OdbHandle) -> T) -> T {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let handle = idle.unwrap_or_else(|| self.handle());
        let answer = ask(&handle);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(handle);
        answer
    }

    fn handle(&self) -> gix::OdbHandle {
        let mut handle = self.repo.to_thread_local().objects;
        // An id stands for one content; `refs/replace` would change what it stands for.
        handle.ignore_replacements = true;
        handle.set_pack_cache(|| Box::new(MemoryCappedHashmap::new(PACK_CACHE)));
        handle
    }
}

impl Folder {
    /// The entry called `name`.
    pub(super) fn entry(&self, name: &str) -> Option<(Kind, ObjectId)> {
        let at = self.names.binary_search_by(|entry| (*entry.name).cmp(name)).ok()?;
        Some((self.names[at].kind, self.ids[at]))
    }

    /// Decodes a tree object. One that holds a name git itself refuses, or a name twice, is refused as a whole: what
    /// it means is anyone's guess.
    fn decode(id: ObjectId, content: &[u8]) -> Result<Self, Reason> {
        let damaged = |_| Reason::refused(format!("the tree object {id} is damaged"));
        let mut entries = Vec::new();
        for entry in gix::objs::TreeRefIter::from_bytes(content, id.kind()) {
            let entry = entry.map_err(damaged)?;
            entries.push((named(id, entry.filename, entry.mode.kind())?, entry.oid.to_owned()));
        }
        entries.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
        if let Some([(twice, _), _]) = entries.array_windows().find(|[(a, _), (b, _)]| a.name == b.name) {
            return Err(Reason::refused(format!(
                "the tree object {id} holds the name {:?} twice",
                twice.name
            )));
        }
        let (names, ids): (Vec<Named>, Vec<ObjectId>) = entries.into_iter().unzip();
        Ok(Self { names: Arc::from(names), ids })
    }
}

/// One entry of the tree `id`.
fn named(id: ObjectId, name: &[u8], kind: EntryKind) -> Result<Named, Reason> {
    let refused =
        matches!(name, b"" | b"." | b"..") || name.contains(&b'/') || name.eq_ignore_ascii_case(b".git");
    if refused {
        let name = String::from_utf8_lossy(name);
        return Err(Reason::refused(format!(
            "the tree object {id} holds the name {name:?}, which git forbids"
        )));
    }
    let kind = match kind {
        EntryKind::Tree => Kind::Folder,
        EntryKind::Blob | EntryKind::BlobExecutable => Kind::File,
        EntryKind::Link => Kind::Link,
        EntryKind::Commit => Kind::Submodule,
    };
    Ok(Named { name: Arc::from(tree::name_from_bytes(name)), kind })
}

impl Generations {
    fn get(&mut self, id: &ObjectId) -> Option<Arc<Folder>> {
        if let Some(folder) = self.young.get(id) {
            return Some(Arc::clone(folder));
        }
        let folder = self.old.remove(id)?;
        self.insert(*id, &folder);
        Some(folder)
    }

    fn insert(&mut self, id: ObjectId, folder: &Arc<Folder>) {
        self.young_entries += folder.names.len() + 1;
        self.young.insert(id, Arc::clone(folder));
        if self.young_entries > KEPT_ENTRIES {
            self.old = std::mem::take(&mut self.young);
            self.young_entries = 0;
        }
    }
}

/// The id of an object as trees know it.
pub(super) fn content_id(id: ObjectId) -> ContentId {
    match id {
        ObjectId::Sha1(id) => ContentId::Git(id),
        // The build reads SHA-1 repositories only; another hash is strong as well.
        other => ContentId::of_parts("git object", [other.as_slice()]),
    }
}

fn size(objects: &gix::OdbHandle, id: ObjectId, wanted: ObjectKind) -> Result<u64, Reason> {
    match FindHeader::try_header(objects, &id) {
        Ok(Some(header)) if header.kind == wanted => Ok(header.size),
        Ok(Some(header)) => {
            Err(Reason::refused(format!("the object {id} is a {}, not a {wanted}", header.kind)))
        }
        Ok(None) => Err(missing(id)),
        Err(error) => Err(unreadable(id, &error)),
    }
}

fn missing(id: ObjectId) -> Reason {
    Reason::lost(format!("the object {id} is missing from the repository"))
}

/// The library's words may name files of the host: they go to the log only.
fn unreadable(id: ObjectId, error: &impl std::fmt::Debug) -> Reason {
    tracing::warn!(%id, ?error, "an object of a git repository cannot be read");
    Reason::lost(format!("the object {id} cannot be read"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> ObjectId {
        ObjectId::from([7; 20])
    }

    fn tree(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let entry = |(mode, name): &(&str, &[u8])| [mode.as_bytes(), b" ", name, b"\0", &[7; 20]].concat();
        entries.iter().flat_map(entry).collect()
    }

    #[test]
    fn names_are_sorted_bytewise() {
        let folder = tree(&[("100644", b"a-b"), ("40000", b"a"), ("100644", b"a0")]);
        let folder = Folder::decode(id(), &folder).unwrap();
        let names: Vec<_> = folder.names.iter().map(|entry| &*entry.name).collect();
        assert_eq!(names, ["a", "a-b", "a0"]);
        assert_eq!(folder.entry("a").unwrap().0, Kind::Folder);
        assert_eq!(folder.entry("b"), None);
    }

    #[test]
    fn forbidden_names_spoil_the_folder() {
        for name in [&b".."[..], b".", b"", b".git", b".GIT", b"a/b", b"../x", b"/"] {
            let refused = Folder::decode(id(), &tree(&[("100644", b"fine"), ("40000", name)]));
            assert!(refused.unwrap_err().at(&TreePath::root()).to_string().contains("forbids"), "{name:?}");
        }
    }

    #[test]
    fn a_name_twice_spoils_the_folder() {
        let twice = Folder::decode(id(), &tree(&[("100644", b"a"), ("100644", b"a.b"), ("40000", b"a")]));
        assert!(twice.unwrap_err().at(&TreePath::root()).to_string().contains("\"a\" twice"));
    }

    #[test]
    fn names_that_are_not_utf8_are_names_like_others() {
        let folder = Folder::decode(id(), &tree(&[("100644", b"a\xff"), ("40000", b"a\xfe")])).unwrap();
        let kinds: Vec<_> = folder.names.iter().map(|entry| entry.kind).collect();
        assert_eq!(kinds, [Kind::Folder, Kind::File]);
        assert_eq!(folder.entry(&tree::name_from_bytes(b"a\xff")).unwrap().0, Kind::File);
        assert_eq!(folder.entry("a\u{fffd}"), None);
    }

    #[test]
    fn what_is_too_large_is_refused_by_its_header() {
        let root = testkit::Root::new();
        let repo = root.repo("a.git");
        let blob = ObjectId::from_hex(repo.blob("1234").to_string().as_bytes()).unwrap();
        let objects = Objects::new(gix::ThreadSafeRepository::open(repo.path()).unwrap());
        assert_eq!(objects.read(blob, ObjectKind::Blob, 4).unwrap(), b"1234");
        assert!(matches!(objects.read(blob, ObjectKind::Blob, 3), Err(Reason::Refused(_))));
        assert!(matches!(objects.read(blob, ObjectKind::Tree, 4), Err(Reason::Refused(_))));
    }

    #[test]
    fn half_a_tree_is_damaged() {
        let whole = tree(&[("100644", b"a"), ("100644", b"b")]);
        for end in 1..whole.len() {
            let cut = Folder::decode(id(), &whole[..end]);
            assert!(cut.is_err() || end == whole.len() / 2, "cut at {end}");
        }
    }

    #[test]
    fn folders_in_use_stay() {
        let mut kept = Generations::default();
        let folder = Arc::new(Folder { names: Arc::default(), ids: Vec::new() });
        kept.insert(id(), &folder);
        for n in 0..3 * KEPT_ENTRIES {
            let mut other = [0; 20];
            other[..8].copy_from_slice(&n.to_be_bytes());
            kept.insert(ObjectId::from(other), &folder);
            assert!(n % 1000 != 0 || kept.get(&id()).is_some());
        }
        assert!(kept.young.len() + kept.old.len() <= 2 * KEPT_ENTRIES + 2);
    }
}
