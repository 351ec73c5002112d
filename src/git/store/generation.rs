//! One bare repository of a store. It only ever grows; when it has grown too much, a new one is begun beside it, and
//! readers of the old one keep it until they are done.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gix::ObjectId;
use gix::odb::store::init::Slots;
use tempfile::TempDir;

use crate::error::{Error, Kind, Result};

use super::super::objects::Objects;
use super::damage::{self, Depth};
use super::{Workshop, files};

/// Room for packs in an open repository: [`super::MAX_PACKS`] and what concurrent fetches add before anyone counts.
const SLOTS: u16 = 256;

/// The most commits a server is told about. More help little: they share most of their files.
const MAX_HAVES: usize = 16;

/// A bare repository of a store, kept from being removed as long as this lives.
pub(in super::super) struct Generation {
    pub(super) number: u64,
    folder: PathBuf,
    repo: gix::ThreadSafeRepository,
    objects: Arc<Objects>,
    lease: File,
}

/// The numbers of the generations in a store's folder, in any order.
///
/// # Errors
/// The folder is there and cannot be read.
pub(super) fn numbers(store: &Path) -> std::io::Result<Vec<u64>> {
    let entries = match std::fs::read_dir(store) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let number = |entry: std::fs::DirEntry| entry.file_name().to_str()?.strip_prefix("g-")?.parse().ok();
    Ok(entries.flatten().filter_map(number).collect())
}

/// A new generation in `work`, with the packs of `folder` and the ref of `commit`.
pub(super) fn begin(work: &Arc<Workshop>, folder: &Path, commit: ObjectId) -> Result<TempDir> {
    let begun = work.place("g-")?;
    let path = begun.path();
    let repository = assemble(path, folder)?;
    check(&repository.to_thread_local(), commit)?;
    name(work, path, commit)?;
    Ok(begun)
}

/// The packs of `folder` as a repository inside of it, for a look at them.
///
/// # Errors
/// [`Kind::Unavailable`].
pub(in super::super) fn scratch(folder: &Path) -> Result<gix::ThreadSafeRepository> {
    let inside = folder.join("scratch");
    files::done(std::fs::create_dir_all(&inside))?;
    assemble(&inside, folder)
}

/// A bare repository at `path` with the packs of `from`.
fn assemble(path: &Path, from: &Path) -> Result<gix::ThreadSafeRepository> {
    for folder in ["objects/pack", "refs/manifestd"] {
        files::done(std::fs::create_dir_all(path.join(folder)))?;
    }
    for (file, text) in [
        ("HEAD", "ref: refs/heads/none\n"),
        ("config", "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"),
        ("lease", ""),
    ] {
        files::done(std::fs::write(path.join(file), text))?;
    }
    add(path, from)?;
    repository(path)
}

impl Generation {
    /// Opens the generation `number` of the store; `None` when it is being removed.
    ///
    /// # Errors
    /// What is damaged, in words.
    pub(super) fn open(store: &Path, number: u64) -> Result<Option<Self>, String> {
        let folder = folder_of(store, number);
        let lease =
            files::share(&folder.join("lease")).map_err(|error| format!("its lease: {}", error.kind()))?;
        let Some(lease) = lease else { return Ok(None) };
        if let Some(damage) = damage::find(&packs_of(&folder), Depth::Ends) {
            return Err(damage);
        }
        let repo = repository(&folder).map_err(|_| "its HEAD or config".to_owned())?;
        let objects = Objects::new(repo.clone());
        Ok(Some(Self { number, folder, repo, objects, lease }))
    }

    /// What is wrong with its packs, all of which are read.
    pub(super) fn damage(&self) -> Option<String> {
        damage::find(&packs_of(&self.folder), Depth::Whole)
    }

    /// The repository, for reading.
    pub(in super::super) fn repository(&self) -> &gix::ThreadSafeRepository {
        &self.repo
    }

    /// The objects, for trees.
    pub(in super::super) fn objects(&self) -> &Arc<Objects> {
        &self.objects
    }

    /// Whether `commit` is here, whole.
    pub(super) fn has(&self, commit: ObjectId) -> bool {
        self.folder.join(ref_path(commit)).is_file()
    }

    /// Whether the folder was not replaced by another of the same number.
    pub(super) fn is_in_place(&self) -> bool {
        files::is_at(&self.lease, &self.folder.join("lease"))
    }

    /// How many packs there are.
    pub(super) fn packs(&self) -> Result<usize> {
        let entries = files::done(std::fs::read_dir(packs_of(&self.folder)))?;
        Ok(entries
            .flatten()
            .filter(|entry| entry.path().extension().is_some_and(|end| end == "pack"))
            .count())
    }

    /// The commits that are here, newest first, as many as are worth telling a server; `wanted` first of all.
    pub(in super::super) fn haves(&self, wanted: ObjectId) -> Result<Vec<ObjectId>> {
        let mut commits: Vec<_> = commits(&self.folder)?.collect();
        commits.sort_unstable_by_key(|(id, since)| (*id != wanted, std::cmp::Reverse(*since)));
        Ok(commits.into_iter().map(|(id, _)| id).take(MAX_HAVES).collect())
    }

    /// Adds the packs of `folder`, and then says that `commit` is here.
    pub(super) fn add(&self, work: &Arc<Workshop>, folder: &Path, commit: ObjectId) -> Result<()> {
        add(&self.folder, folder)?;
        check(&self.repo.to_thread_local(), commit)?;
        name(work, &self.folder, commit)
    }
}

/// The folder of the generation `number` of a store.
pub(super) fn folder_of(store: &Path, number: u64) -> PathBuf {
    store.join(format!("g-{number}"))
}

fn packs_of(folder: &Path) -> PathBuf {
    folder.join("objects/pack")
}

/// The commits that are said to be here, and since when; none where the folder that says so was lost.
fn commits(folder: &Path) -> Result<impl Iterator<Item = (ObjectId, std::time::SystemTime)> + use<>> {
    let refs = folder.join("refs/manifestd");
    files::done(std::fs::create_dir_all(&refs))?;
    let entries = files::done(std::fs::read_dir(refs))?;
    Ok(entries.flatten().filter_map(|entry| {
        let id = ObjectId::from_hex(entry.file_name().to_str()?.as_bytes()).ok()?;
        Some((id, entry.metadata().ok()?.modified().ok()?))
    }))
}

fn ref_path(commit: ObjectId) -> String {
    format!("refs/manifestd/{commit}")
}

fn repository(folder: &Path) -> Result<gix::ThreadSafeRepository> {
    let options = gix::open::Options::isolated()
        .with(gix::sec::Trust::Full)
        .open_path_as_is(true)
        .object_store_slots(Slots::Given(SLOTS));
    gix::ThreadSafeRepository::open_opts(folder, options).map_err(|_| files::broken())
}

/// Moves the packs of `from` into the repository. The index goes last: without it a pack is not seen.
fn add(repository: &Path, from: &Path) -> Result<()> {
    let packs = packs_of(repository);
    let mut found: Vec<PathBuf> =
        files::done(std::fs::read_dir(from))?.flatten().map(|entry| entry.path()).collect();
    found.retain(|path| path.extension().is_some_and(|end| end == "pack"));
    for pack in found {
        let index = pack.with_extension("idx");
        if index.is_file() {
            files::move_into(&pack, &packs)?;
            files::move_into(&index, &packs)?;
        }
    }
    Ok(())
}

/// Fails unless the commit and its tree are in the repository.
fn check(repo: &gix::Repository, commit: ObjectId) -> Result<()> {
    let missing = |_| Error::new(Kind::NotFound, format!("the remote has no commit {commit}"));
    let object = repo.find_object(commit).map_err(missing)?;
    if object.kind != gix::objs::Kind::Commit {
        return Err(Error::new(Kind::Invalid, format!("{commit} is a {}, not a commit", object.kind)));
    }
    let tree = object.try_into_commit().and_then(|commit| commit.tree());
    tree.map(drop)
        .map_err(|_| Error::new(Kind::Unavailable, format!("the remote sent {commit} without its files")))
}

/// Says that `commit` is here.
fn name(work: &Arc<Workshop>, repository: &Path, commit: ObjectId) -> Result<()> {
    // Not for us: so that git itself takes the repository for what it is, one without history.
    let shallow = repository.join("shallow");
    let mut lines: String = commits(repository)?.map(|(id, _)| format!("{id}\n")).collect();
    lines.push_str(&format!("{commit}\n"));
    files::write(work.folder.path(), &shallow, &lines)?;
    files::write(work.folder.path(), &repository.join(ref_path(commit)), &format!("{commit}\n"))
}
