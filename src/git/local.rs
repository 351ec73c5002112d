//! Repositories of this machine, opened where they are: never written, never fetched, their configuration never
//! obeyed beyond what reading needs.

use std::path::Path;
use std::sync::Arc;

use gix::ObjectId;
use gix::odb::store::init::Slots;
use tree::Tree;

use crate::error::{Error, Kind, Result};

use super::objects::Objects;
use super::refs::Listing;
use super::resolve;
use super::snapshot::Snapshot;

/// The longest chain of annotated tags followed; real ones have one or two links.
const MAX_TAGS: usize = 32;

/// gix's own limit of the size of objects in untrusted repositories, turned off.
const NO_ALLOCATION_LIMIT: &str = "gitoxide.objects.allocLimitIfReducedTrust=0";

/// What gix says of ids that it was not built to read.
const UNKNOWN_FORMAT: &str = "Object format is not enabled";

/// A repository of this machine.
pub struct Local {
    repo: gix::ThreadSafeRepository,
}

impl Local {
    /// Opens the bare repository, work tree, or linked work tree at `path`.
    ///
    /// # Errors
    /// [`Kind::NotFound`] when there is none.
    pub fn open(path: &Path) -> Result<Self> {
        // Isolated: no configuration of the system or the user. Who owns the folder does not matter for reading, and
        // what an untrusted configuration could start is not read either.
        let options = gix::open::Options::isolated()
            .with(gix::sec::Trust::Reduced)
            // gix gives untrusted repositories 32 packs and objects below 16 MiB. Our own limits (`objects.rs`) hold for
            // all repositories alike.
            .object_store_slots(Slots::AsNeededByDiskState { multiplier: 1.1, minimum: 32 })
            .config_overrides([NO_ALLOCATION_LIMIT]);
        let repo = gix::ThreadSafeRepository::open_opts(path, options).map_err(|error| not_opened(&error))?;
        Ok(Self { repo })
    }

    /// The tree of a commit.
    ///
    /// # Errors
    /// [`Kind::NotFound`] when there is no such commit, [`Kind::Unavailable`] when it cannot be read.
    pub fn tree(&self, commit: ObjectId) -> Result<Arc<dyn Tree>> {
        if !is_commit(&self.repo.to_thread_local(), commit) {
            return Err(Error::new(Kind::NotFound, format!("the local repository has no commit {commit}")));
        }
        Ok(Arc::new(Snapshot::open(Objects::new(self.repo.clone()), commit)?))
    }

    /// What the repository lists under names that begin with one of `prefixes`; everything when there are none.
    ///
    /// # Errors
    /// [`Kind::Unavailable`] when its refs cannot be read.
    pub fn list(&self, prefixes: &[String], max: usize) -> Result<Listing> {
        let repo = self.repo.to_thread_local();
        let unreadable = |_| Error::new(Kind::Unavailable, "the refs of the local repository cannot be read");
        let mut listing = Listing::default();
        let refs = repo.references().map_err(unreadable)?;
        // A broken ref is no reason to refuse the others: it is then simply not there.
        for mut reference in refs.all().map_err(unreadable)?.flatten().take(max + 1) {
            let name = reference.name().as_bstr().to_string();
            if !prefixes.is_empty() && !prefixes.iter().any(|prefix| name.starts_with(prefix)) {
                continue;
            }
            let target = reference.follow_to_object().ok().map(gix::Id::detach);
            if let Some(id) = target.and_then(|id| peel(&repo, id)) {
                listing.insert(&name, id);
            }
        }
        listing.head_name = repo.head_name().ok().flatten().map(|name| name.as_bstr().to_string());
        listing.head = repo.head_id().ok().map(gix::Id::detach);
        listing.within(max)
    }

    /// The one commit whose id begins with `prefix`.
    ///
    /// # Errors
    /// [`Kind::Invalid`] when there are several.
    pub fn abbreviated(&self, prefix: &gix::hash::Prefix) -> Result<Option<ObjectId>> {
        abbreviated(&self.repo.to_thread_local(), prefix)
    }
}

/// Why gix does not open a repository.
fn not_opened(error: &gix::Error) -> Error {
    let is_other_format =
        |error: &(dyn std::error::Error + 'static)| error.to_string().contains(UNKNOWN_FORMAT);
    match error.iter_errors().any(is_other_format) {
        true => other_object_format(),
        false => Error::new(Kind::NotFound, "there is no git repository at the local path"),
    }
}

/// The ids of a repository are not those that everything here is built on.
pub(super) fn other_object_format() -> Error {
    Error::new(
        Kind::Precondition,
        "the repository's object ids are SHA-256, and only SHA-1 repositories are read",
    )
    .help("convert it: `git init --object-format=sha1`, then `git fast-export` into `git fast-import`")
}

/// The one commit of `repo` whose id begins with `prefix`.
///
/// # Errors
/// [`Kind::Invalid`] when there are several, [`Kind::Unavailable`] when the objects cannot be read.
pub(super) fn abbreviated(repo: &gix::Repository, prefix: &gix::hash::Prefix) -> Result<Option<ObjectId>> {
    let mut found = std::collections::HashSet::new();
    repo.objects
        .lookup_prefix(*prefix, Some(&mut found))
        .map_err(|_| Error::new(Kind::Unavailable, "the objects of the repository cannot be read"))?;
    let commits = found.into_iter().filter(|id| is_commit(repo, *id));
    resolve::one(prefix, commits)
}

fn is_commit(repo: &gix::Repository, id: ObjectId) -> bool {
    repo.find_header(id).is_ok_and(|header| header.kind() == gix::objs::Kind::Commit)
}

/// What a tag stands for in the end; `None` when that is missing, or the chain is too long.
fn peel(repo: &gix::Repository, mut id: ObjectId) -> Option<ObjectId> {
    for _ in 0..MAX_TAGS {
        let object = repo.find_object(id).ok()?;
        if object.kind != gix::objs::Kind::Tag {
            return Some(id);
        }
        id = object.try_to_tag_ref().ok()?.target();
    }
    None
}
