//! A folder of this machine as a [`Tree`]: the files as they are, read when asked for, on the command line only.
//!
//! Nothing outside the folder is ever opened: every name of a path is opened by itself, beneath the one before, and
//! never through a link. What was seen once is what the tree says until its end; a file or folder that changes
//! meanwhile is an error, not another answer.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use foldhash::quality::RandomState as Prints;
use rustix::buffer::spare_capacity;
use rustix::fs::{AtFlags, Dir, DirEntry, FileType, Mode, OFlags, Stat, fstat, openat, readlinkat, statat};
use rustix::io::{Errno, read, retry_on_intr};
use tree::{ContentId, Error, Kind, MAX_LINK_TEXT, Named, Tree, TreePath};

use crate::error;
use crate::git::is_lfs_pointer;

use super::{Access, Pinned, Scope};

/// The largest file that is read, in bytes: no manifest, chart or values file comes near it.
const MAX_FILE: u64 = 1 << 30;

/// The deepest path that is looked at; what walks a tree may recurse.
const MAX_DEPTH: usize = 512;

/// How many folders are kept open, from the root down.
const MAX_OPEN: usize = 32;

/// The most entries of one folder.
const MAX_ENTRIES: usize = 1 << 20;

/// A folder of this machine as a tree. Folders and files called `.git` are left out.
#[derive(Debug)]
pub(crate) struct Disk {
    root: Arc<OwnedFd>,
    seen: Mutex<Seen>,
    /// Makes the prints of contents, by numbers of this tree alone.
    prints: Prints,
    /// The names on the way to the folder opened last, and what they open: files are mostly read folder by folder.
    way: Mutex<Vec<(Box<str>, Arc<OwnedFd>)>>,
}

/// What the tree has said, and says again.
#[derive(Debug, Default)]
struct Seen {
    names: ByPath<Arc<[Named]>>,
    links: ByPath<Arc<str>>,
    files: ByPath<SeenFile>,
}

type ByPath<T> = HashMap<TreePath, T, Prints>;

/// What is known of a file: its size from a look at it, a print of its content once it was read, and its id once that was
/// asked for, which takes many times as long to find.
#[derive(Clone, Copy, Debug)]
struct SeenFile {
    size: u64,
    print: Option<u64>,
    id: Option<ContentId>,
}

impl Disk {
    /// The folder at `path`; links on the way to it are followed.
    ///
    /// # Errors
    /// [`error::Kind::NotFound`] when it is not a folder or cannot be opened.
    pub(crate) fn open(path: &Path) -> error::Result<Self> {
        let opened =
            openat(rustix::fs::CWD, path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
        let root = opened.map_err(|why| {
            error::Error::new(
                error::Kind::NotFound,
                format!("the local folder cannot be opened: {}", words(why)),
            )
        })?;
        Ok(Self {
            root: Arc::new(root),
            seen: Mutex::default(),
            prints: Prints::default(),
            way: Mutex::default(),
        })
    }

    /// The folder as a pinned source. Its revision is made up and never the same: a digest would have to read every
    /// file there is, so results of a folder are never answered from the cache.
    pub(super) fn pin(self) -> Pinned {
        let once = RandomState::new();
        let revision = format!("worktree-{:016x}{:016x}", once.hash_one(1), once.hash_one(2));
        Pinned {
            identity: Arc::from("local folder"),
            revision: Arc::from(revision),
            scope: Scope([0; 32]),
            access: Access::Folder(Arc::new(self)),
        }
    }

    /// What was seen at `path` before, or what `look` sees now.
    fn once<T: Clone>(
        &self,
        path: &TreePath,
        of: impl Fn(&mut Seen) -> &mut ByPath<T>,
        look: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        if let Some(known) = of(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner)).get(path) {
            return Ok(known.clone());
        }
        let now = look()?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(of(&mut seen).entry(path.clone()).or_insert(now).clone())
    }

    /// The entries of a folder that is known to be one.
    fn names(&self, path: &TreePath) -> Result<Arc<[Named]>, Error> {
        self.once(
            path,
            |seen| &mut seen.names,
            || {
                let folder = self.folder(path)?;
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
                let folder = openat(&*folder, ".", flags, Mode::empty()).map_err(|why| failed(path, why))?;
                entries(path, Dir::new(folder).map_err(|why| failed(path, why))?)
            },
        )
    }

    /// What stands at `path`, as the lists of the folders above say.
    fn find(&self, path: &TreePath) -> Result<Option<Kind>, Error> {
        let names = path.parent().and_then(|folder| {
            self.seen.lock().unwrap_or_else(PoisonError::into_inner).names.get(&folder).cloned()
        });
        match (names, path.name()) {
            (Some(names), Some(name)) if path.names().count() <= MAX_DEPTH => Ok(kind_in(&names, name)),
            _ => self.walk(path),
        }
    }

    /// What stands at `path`, looked up from the root.
    fn walk(&self, path: &TreePath) -> Result<Option<Kind>, Error> {
        let (mut at, mut kind) = (TreePath::root(), Kind::Folder);
        for (depth, name) in path.names().enumerate() {
            if kind != Kind::Folder {
                return Ok(None);
            }
            if depth == MAX_DEPTH {
                return Err(Error::refused(path, format!("it lies deeper than {MAX_DEPTH} folders")));
            }
            let Some(found) = kind_in(&self.names(&at)?, name) else { return Ok(None) };
            kind = found;
            at = at.child(name);
        }
        Ok(Some(kind))
    }

    /// Checks that a `wanted` stands at `path`.
    fn existing(&self, path: &TreePath, wanted: Kind) -> Result<(), Error> {
        match self.find(path)? {
            Some(kind) if kind == wanted => Ok(()),
            Some(kind) => Err(Error::wrong(path, wanted, kind)),
            None => Err(Error::NotFound(path.clone())),
        }
    }

    /// Opens a folder, one name at a time, from where the way to it leaves the way to the one before.
    fn folder(&self, path: &TreePath) -> Result<Arc<OwnedFd>, Error> {
        let mut way = self.way.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = path.names().zip(way.iter()).take_while(|(name, (known, _))| *name == &**known).count();
        way.truncate(shared);
        let mut at = way.last().map_or_else(|| self.root.clone(), |(_, folder)| folder.clone());
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        for name in path.names().skip(shared) {
            at = Arc::new(
                openat(&*at, &*tree::name_to_bytes(name), flags, Mode::empty())
                    .map_err(|why| failed(path, why))?,
            );
            if way.len() < MAX_OPEN {
                way.push((Box::from(name), at.clone()));
            }
        }
        Ok(at)
    }

    /// The folder that holds `path`, which is not the root, and the name in it.
    fn place<'a>(&self, path: &'a TreePath) -> Result<(Arc<OwnedFd>, Cow<'a, [u8]>), Error> {
        let folder = path.parent().unwrap_or_else(TreePath::root);
        Ok((self.folder(&folder)?, tree::name_to_bytes(path.name().unwrap_or("."))))
    }

    /// The content of a file as it is now; `size` is what it was seen to have.
    fn content(&self, path: &TreePath, size: Option<u64>) -> Result<Vec<u8>, Error> {
        let (folder, name) = self.place(path)?;
        // What has become a pipe or a device since the folder was listed must neither block nor react.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = openat(&*folder, &*name, flags, Mode::empty()).map_err(|why| failed(path, why))?;
        let look = || file_size(path, fstat(&file));
        let size = size.map_or_else(look, Ok)?;
        check_size(path, size)?;
        let length = usize::try_from(size).map_err(|_| changed(path))?;
        // One byte more than there should be: a file that is as long as it was needs no second look for its end.
        let mut content = Vec::with_capacity(length + 1);
        loop {
            let got = retry_on_intr(|| read(&file, spare_capacity(&mut content)));
            if got.map_err(|why| failed(path, why))? == 0 || content.len() >= length {
                break;
            }
        }
        if content.len() == length { Ok(content) } else { Err(changed(path)) }
    }

    /// The content of a file; an error when it is not what was seen before.
    fn known_content(&self, path: &TreePath) -> Result<Vec<u8>, Error> {
        self.existing(path, Kind::File)?;
        let known = self.seen_file(path);
        let content = self.content(path, known.map(|known| known.size))?;
        let (size, print) = (content.len() as u64, self.prints.hash_one(&content));
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let known = seen.files.entry(path.clone()).or_insert(SeenFile { size, print: None, id: None });
        match known.size == size && *known.print.get_or_insert(print) == print {
            true => Ok(content),
            false => Err(changed(path)),
        }
    }

    fn seen_file(&self, path: &TreePath) -> Option<SeenFile> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).files.get(path).copied()
    }

    fn file_id(&self, path: &TreePath) -> Result<ContentId, Error> {
        if let Some(id) = self.seen_file(path).and_then(|known| known.id) {
            return Ok(id);
        }
        let id = ContentId::of_content(&self.known_content(path)?);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.files.entry(path.clone()).and_modify(|known| known.id = Some(id));
        Ok(id)
    }

    fn folder_id(&self, path: &TreePath) -> Result<ContentId, Error> {
        let entries = self.names(path)?;
        let ids: Vec<ContentId> = entries
            .iter()
            .map(|entry| self.id_of(&path.child(&entry.name), entry.kind))
            .collect::<Result<_, _>>()?;
        Ok(ContentId::of_folder(entries.iter().zip(ids).map(|(entry, id)| (&*entry.name, entry.kind, id))))
    }

    fn id_of(&self, path: &TreePath, kind: Kind) -> Result<ContentId, Error> {
        match kind {
            Kind::File => self.file_id(path),
            Kind::Folder => self.find(path).and_then(|_| self.folder_id(path)),
            Kind::Link => Ok(ContentId::of_content(self.link(path)?.as_bytes())),
            Kind::Submodule | Kind::Other => Ok(ContentId::of_parts("special file", [])),
        }
    }
}

impl Tree for Disk {
    fn kind(&self, path: &TreePath) -> Result<Option<Kind>, Error> {
        self.find(path)
    }

    fn id(&self, path: &TreePath) -> Result<Option<ContentId>, Error> {
        self.find(path)?.map(|kind| self.id_of(path, kind)).transpose()
    }

    fn list(&self, path: &TreePath) -> Result<Arc<[Named]>, Error> {
        self.existing(path, Kind::Folder)?;
        self.names(path)
    }

    fn size(&self, path: &TreePath) -> Result<u64, Error> {
        self.existing(path, Kind::File)?;
        let look = || {
            let (folder, name) = self.place(path)?;
            let size = file_size(path, statat(&*folder, &*name, AtFlags::SYMLINK_NOFOLLOW))?;
            Ok(SeenFile { size, print: None, id: None })
        };
        Ok(self.once(path, |seen| &mut seen.files, look)?.size)
    }

    fn read(&self, path: &TreePath) -> Result<Bytes, Error> {
        let content = self.known_content(path)?;
        if is_lfs_pointer(&content) {
            return Err(Error::Elsewhere { path: path.clone(), what: "a git LFS pointer" });
        }
        Ok(Bytes::from(content))
    }

    fn link(&self, path: &TreePath) -> Result<Arc<str>, Error> {
        self.existing(path, Kind::Link)?;
        self.once(
            path,
            |seen| &mut seen.links,
            || {
                let (folder, name) = self.place(path)?;
                let text = readlinkat(&*folder, &*name, Vec::new()).map_err(|why| failed(path, why))?;
                match text.as_bytes() {
                    text if text.len() > MAX_LINK_TEXT => Err(Error::link_too_long(path)),
                    text => Ok(Arc::from(tree::name_from_bytes(text))),
                }
            },
        )
    }
}

/// What a name of a sorted list stands for.
fn kind_in(names: &[Named], name: &str) -> Option<Kind> {
    let found = names.binary_search_by(|entry| (*entry.name).cmp(name)).ok()?;
    names.get(found).map(|entry| entry.kind)
}

/// The entries of an open folder, sorted.
fn entries(path: &TreePath, mut folder: Dir) -> Result<Arc<[Named]>, Error> {
    let mut names = Vec::new();
    while let Some(entry) = folder.read() {
        let entry = entry.map_err(|why| failed(path, why))?;
        if !matches!(entry.file_name().to_bytes(), b"." | b".." | b".git") {
            names.push(named(path, &folder, &entry)?);
        }
        if names.len() > MAX_ENTRIES {
            return Err(Error::refused(path, format!("it holds more than {MAX_ENTRIES} entries")));
        }
    }
    names.sort_by(|a, b| a.name.cmp(&b.name));
    match names.array_windows().find(|[a, b]| a.name == b.name) {
        Some([twice, _]) => Err(Error::refused(path, format!("two names in it read {:?}", twice.name))),
        None => Ok(Arc::from(names)),
    }
}

/// One entry.
fn named(path: &TreePath, folder: &Dir, entry: &DirEntry) -> Result<Named, Error> {
    let name = tree::name_from_bytes(entry.file_name().to_bytes());
    let kind = match entry.file_type() {
        // Some file systems do not say in their listing.
        FileType::Unknown => {
            let about = folder.fd().and_then(|fd| statat(fd, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW));
            kind(FileType::from_raw_mode(about.map_err(|why| failed(path, why))?.st_mode))
        }
        known => kind(known),
    };
    Ok(Named { name: Arc::from(name), kind })
}

fn kind(of: FileType) -> Kind {
    match of {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Folder,
        FileType::Symlink => Kind::Link,
        _ => Kind::Other,
    }
}

/// The size of what has to be a file still.
fn file_size(path: &TreePath, about: Result<Stat, Errno>) -> Result<u64, Error> {
    let about = about.map_err(|why| failed(path, why))?;
    let size = u64::try_from(about.st_size).ok();
    let is_file = FileType::from_raw_mode(about.st_mode) == FileType::RegularFile;
    size.filter(|_| is_file).ok_or_else(|| changed(path))
}

fn check_size(path: &TreePath, size: u64) -> Result<(), Error> {
    match size > MAX_FILE {
        true => {
            Err(Error::refused(path, format!("it is {size} bytes large, and at most {MAX_FILE} are read")))
        }
        false => Ok(()),
    }
}

/// The system's answer about something that was there a moment ago.
fn failed(path: &TreePath, why: Errno) -> Error {
    match why {
        Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::INVAL | Errno::NXIO => changed(path),
        _ => Error::store(path, words(why)),
    }
}

fn changed(path: &TreePath) -> Error {
    Error::store(path, "it changed while the folder was being rendered; try again")
}

/// What the system says, without its number.
fn words(why: Errno) -> String {
    std::io::Error::from(why).kind().to_string()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use tree::conformance;

    use super::*;

    fn path(text: &str) -> TreePath {
        TreePath::parse(text).unwrap()
    }

    fn open(folder: &tempfile::TempDir) -> Disk {
        Disk::open(folder.path()).unwrap()
    }

    fn fill(folder: &Path, tree: &dyn Tree, at: &TreePath) {
        fs::create_dir_all(folder.join(at.as_str())).unwrap();
        for entry in tree.list(at).unwrap().iter() {
            let path = at.child(&entry.name);
            match entry.kind {
                Kind::Folder => fill(folder, tree, &path),
                Kind::Link => symlink(&*tree.link(&path).unwrap(), folder.join(path.as_str())).unwrap(),
                _ => fs::write(folder.join(path.as_str()), tree.read(&path).unwrap()).unwrap(),
            }
        }
    }

    #[test]
    fn conforms() {
        let folder = tempfile::tempdir().unwrap();
        let sample = conformance::sample();
        fill(folder.path(), &sample, &TreePath::root());
        assert_eq!(conformance::violations(&open(&folder), &sample), [""; 0]);
        let root = TreePath::root();
        assert_eq!(open(&folder).id(&root), sample.id(&root), "the ids are those of the same tree in memory");
    }

    #[test]
    fn what_git_keeps_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join(".git/hooks")).unwrap();
        fs::create_dir(folder.path().join("sub")).unwrap();
        fs::write(folder.path().join("sub/.git"), "gitdir: ../.git/modules/sub").unwrap();
        fs::write(folder.path().join(".gitignore"), "").unwrap();
        let disk = open(&folder);
        let names: Vec<_> =
            disk.list(&path("")).unwrap().iter().map(|entry| entry.name.to_string()).collect();
        assert_eq!(names, [".gitignore", "sub"]);
        assert_eq!(disk.kind(&path(".git/hooks")).unwrap(), None);
        assert_eq!(disk.list(&path("sub")).unwrap().len(), 0);
    }

    #[test]
    fn links_lead_nowhere_by_themselves() {
        let (outside, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(outside.path().join("secret"), "s").unwrap();
        symlink(outside.path(), folder.path().join("out")).unwrap();
        symlink("..", folder.path().join("up")).unwrap();
        let disk = open(&folder);
        assert_eq!(disk.kind(&path("out/secret")).unwrap(), None);
        assert_eq!(disk.read(&path("out/secret")), Err(Error::NotFound(path("out/secret"))));
        assert_eq!(tree::read(&disk, &path("out/secret")), Err(Error::OutOfBounds { link: path("out") }));
        assert_eq!(tree::read(&disk, &path("up/x")), Err(Error::OutOfBounds { link: path("up") }));
    }

    #[test]
    fn a_folder_that_becomes_a_link_is_not_followed() {
        let (outside, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(outside.path().join("file"), "secret").unwrap();
        fs::create_dir(folder.path().join("d")).unwrap();
        fs::write(folder.path().join("d/file"), "mine").unwrap();
        let disk = open(&folder);
        assert_eq!(disk.kind(&path("d/file")).unwrap(), Some(Kind::File));
        fs::remove_dir_all(folder.path().join("d")).unwrap();
        symlink(outside.path(), folder.path().join("d")).unwrap();
        let error = disk.read(&path("d/file")).unwrap_err();
        assert!(error.to_string().contains("changed while"), "{error}");
    }

    #[test]
    fn a_change_is_an_error_not_another_answer() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "one").unwrap();
        let disk = open(&folder);
        let id = disk.id(&path("file")).unwrap();
        fs::write(folder.path().join("new"), "").unwrap();
        assert_eq!(disk.kind(&path("new")).unwrap(), None, "the folder was listed before");
        fs::write(&file, "two").unwrap();
        assert_eq!(disk.id(&path("file")).unwrap(), id);
        assert_eq!(disk.read(&path("file")), Err(changed(&path("file"))));
        fs::remove_file(&file).unwrap();
        assert_eq!(disk.read(&path("file")), Err(changed(&path("file"))));
        assert_ne!(open(&folder).kind(&path("new")).unwrap(), None);
    }

    #[test]
    fn a_size_that_was_said_binds() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "one").unwrap();
        let disk = open(&folder);
        assert_eq!(disk.size(&path("file")).unwrap(), 3);
        fs::write(folder.path().join("file"), "longer").unwrap();
        assert_eq!(disk.read(&path("file")), Err(changed(&path("file"))));
    }

    #[test]
    fn sockets_and_pipes_are_never_opened() {
        let folder = tempfile::tempdir().unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket")).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, folder.path().join("pipe"), FileType::Fifo, Mode::RUSR, 0)
            .unwrap();
        let disk = open(&folder);
        for special in ["socket", "pipe"] {
            assert_eq!(disk.kind(&path(special)).unwrap(), Some(Kind::Other));
            assert_eq!(disk.read(&path(special)), Err(Error::wrong(&path(special), Kind::File, Kind::Other)));
        }
        assert!(disk.id(&path("")).unwrap().is_some());
    }

    #[test]
    fn a_file_that_becomes_a_pipe_does_not_block() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let disk = open(&folder);
        assert_eq!(disk.kind(&path("file")).unwrap(), Some(Kind::File));
        fs::remove_file(&file).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, &file, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        assert_eq!(disk.read(&path("file")), Err(changed(&path("file"))));
    }

    #[test]
    fn a_huge_file_is_refused_before_it_is_read() {
        let folder = tempfile::tempdir().unwrap();
        fs::File::create(folder.path().join("huge")).unwrap().set_len(MAX_FILE + 1).unwrap();
        let error = open(&folder).read(&path("huge")).unwrap_err();
        assert!(error.to_string().contains("at most"), "{error}");
    }

    #[test]
    fn names_that_are_not_utf8_can_be_listed_and_read() {
        use std::os::unix::ffi::OsStrExt;
        let folder = tempfile::tempdir().unwrap();
        let name = |bytes: &'static [u8]| folder.path().join(std::ffi::OsStr::from_bytes(bytes));
        fs::create_dir(name(b"d\xff")).unwrap();
        fs::write(name(b"d\xff/a\xff"), "first").unwrap();
        fs::write(name(b"d\xff/a\xfe"), "second").unwrap();
        symlink(std::ffi::OsStr::from_bytes(b"d\xff/a\xfe"), name(b"link")).unwrap();
        let disk = open(&folder);
        let inner = path("").child(&disk.list(&path("")).unwrap()[0].name);
        let files: Vec<_> = disk.list(&inner).unwrap().iter().map(|entry| inner.child(&entry.name)).collect();
        let read = |path| String::from_utf8(disk.read(path).unwrap().to_vec()).unwrap();
        assert_eq!((read(&files[0]), read(&files[1])), ("second".to_owned(), "first".to_owned()));
        assert_eq!(tree::read(&disk, &path("link")).unwrap(), "second");
        assert_eq!(disk.size(&files[1]).unwrap(), 5);
        assert_eq!(files[1].to_string(), "d\\xFF/a\\xFF");
    }

    #[test]
    fn errors_name_no_place_of_the_host() {
        let folder = tempfile::tempdir().unwrap();
        let missing = Disk::open(&folder.path().join("none")).unwrap_err();
        assert_eq!(missing.to_string(), "the local folder cannot be opened: entity not found");
        fs::write(folder.path().join("file"), "").unwrap();
        assert!(Disk::open(&folder.path().join("file")).is_err());
    }

    #[test]
    fn a_folder_is_never_pinned_the_same() {
        let folder = tempfile::tempdir().unwrap();
        assert_ne!(open(&folder).pin().revision, open(&folder).pin().revision);
    }
}
