//! Fetched objects on disk: one bare repository per remote, and per way to reach it, under the data folder.
//!
//! ```text
//! version                    the layout's version
//! lock                       held while a process starts
//! work/<process>/            unfinished things, gone with their process
//! stores/<remote>/lock       held by whoever adds to the store or removes it
//! stores/<remote>/used       touched when the store is used
//! stores/<remote>/g-<n>/     a generation: a bare repository, with a lease its readers share
//! ```
//!
//! Nothing here is ever half done: everything is written in `work` and renamed into place, and a commit is here only
//! when its own ref (`refs/manifestd/<id>`) says so, which is written last. Several processes may share the folder.

mod evict;
mod files;
mod generation;
mod name;

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use gix::ObjectId;
use tempfile::TempDir;

use crate::credentials::Credential;
use crate::error::{Error, Kind, Result};

use super::remote::Remote;

pub(super) use generation::{Generation, scratch};

/// The layout this code reads and writes.
const VERSION: &str = "manifestd data 1\n";

/// Above this many packs a store is begun anew: every pack costs each lookup a little.
const MAX_PACKS: usize = 50;

/// Above this many stores, those that nobody uses are closed: each keeps some files open.
const MOST_OPEN: usize = 256;

/// How often the time of use is written down.
const TOUCH: Duration = Duration::from_secs(60);

/// All stores of a data folder.
pub struct Stores {
    root: PathBuf,
    max_bytes: u64,
    /// This process's folder for unfinished things.
    work: Arc<Workshop>,
    open: Mutex<HashMap<String, Arc<Store>>>,
}

/// A process's folder for unfinished things, and the lease that says the process lives.
struct Workshop {
    folder: TempDir,
    _lease: File,
}

/// The objects of one remote.
pub(super) struct Store {
    folder: PathBuf,
    work: Arc<Workshop>,
    current: Mutex<Option<Arc<Generation>>>,
    touched: Mutex<Option<Instant>>,
}

/// What a fetch builds on.
pub(super) struct Plan {
    /// The generation whose objects the remote is told about.
    pub(super) base: Option<Arc<Generation>>,
    /// Whether a new generation is to be begun after `newest`.
    anew: bool,
    /// The number of the newest generation, 0 when there is none.
    newest: u64,
}

impl Plan {
    /// The same without telling the remote about anything: what it sends is whole in itself.
    pub(super) fn whole(self) -> Self {
        Self { base: None, ..self }
    }
}

impl Stores {
    /// Opens the data folder `root`, makes it where it is missing, and sweeps what dead processes left.
    ///
    /// # Errors
    /// [`Kind::Unavailable`] when it cannot be used, [`Kind::Precondition`] when another version wrote it.
    pub fn open(root: &Path, max_bytes: u64) -> Result<Self> {
        for folder in ["stores", "work"] {
            files::done(std::fs::create_dir_all(root.join(folder)))?;
        }
        let lock = files::lock(&root.join("lock"))?;
        check_version(root)?;
        files::sweep_work(&root.join("work"))?;
        let folder = files::done(tempfile::Builder::new().prefix("p-").tempdir_in(root.join("work")))?;
        let lease = files::lock(&folder.path().join("lease"))?;
        drop(lock);
        let work = Arc::new(Workshop { folder, _lease: lease });
        let stores = Self { root: root.to_owned(), max_bytes, work, open: Mutex::default() };
        stores.sweep();
        Ok(stores)
    }

    /// The store of `remote` as it is reached with `by`; it may be empty.
    pub(super) fn store(&self, remote: &Remote, by: &Credential) -> Arc<Store> {
        let name = name::store_name(remote, by);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || {
            let folder = self.root.join("stores").join(&name);
            let (current, touched) = (Mutex::default(), Mutex::default());
            Arc::new(Store { folder, work: self.work.clone(), current, touched })
        };
        if open.len() >= MOST_OPEN {
            open.retain(|_, store| Arc::strong_count(store) > 1);
        }
        open.entry(name.clone()).or_insert_with(make).clone()
    }
}

impl Store {
    /// The generation that has `commit`, if any has.
    ///
    /// # Errors
    /// [`Kind::Unavailable`] when the store cannot be read.
    pub(super) fn find(&self, commit: ObjectId) -> Result<Option<Arc<Generation>>> {
        let newest = self.newest()?;
        let found = newest.filter(|generation| generation.has(commit));
        if found.is_some() {
            self.touch();
        }
        Ok(found)
    }

    /// What a fetch of a commit that is not here builds on.
    ///
    /// # Errors
    /// As [`Store::find`].
    pub(super) fn plan(&self) -> Result<Plan> {
        let base = self.newest()?;
        let newest = base.as_ref().map_or(0, |generation| generation.number);
        let base = match base {
            Some(generation) if generation.packs()? <= MAX_PACKS => Some(generation),
            _ => None,
        };
        Ok(Plan { anew: base.is_none(), base, newest })
    }

    /// An empty folder for unfinished things, on the same file system as the store.
    ///
    /// # Errors
    /// [`Kind::Unavailable`].
    pub(super) fn workplace(&self) -> Result<TempDir> {
        self.work.place("f-")
    }

    /// Puts the fetched packs of `folder` in place and then says that `commit` is here. `None` when the generation
    /// the fetch was built on is not the newest any more: it must be fetched again.
    ///
    /// # Errors
    /// [`Kind::NotFound`] when the packs and the store together do not hold the commit and its tree.
    pub(super) fn install(
        &self,
        plan: &Plan,
        folder: &Path,
        commit: ObjectId,
    ) -> Result<Option<Arc<Generation>>> {
        let _lock = self.lock()?;
        let newest = self.newest()?;
        let number = newest.as_ref().map_or(0, |generation| generation.number);
        let generation = match (&plan.base, newest) {
            (Some(base), Some(newest)) if base.number == newest.number => newest,
            (Some(_), _) => return Ok(None),
            // Whole in itself: it also fits what another process has begun meanwhile.
            (None, Some(newest)) if !plan.anew || number > plan.newest => newest,
            (None, _) => {
                let begun = generation::begin(&self.work, folder, commit)?;
                return self.begin(begun, number + 1).map(Some);
            }
        };
        generation.add(&self.work, folder, commit)?;
        self.touch();
        Ok(Some(generation))
    }

    /// Renames a finished generation into place and reads from it from now on.
    fn begin(&self, begun: TempDir, number: u64) -> Result<Arc<Generation>> {
        let folder = self.folder.join(format!("g-{number}"));
        files::done(std::fs::rename(begun.path(), &folder))?;
        // The folder has moved: there is nothing left to remove where it was.
        drop(begun.keep());
        let generation = self.newest()?.ok_or_else(files::broken)?;
        self.touch();
        Ok(generation)
    }

    /// The newest generation, opened.
    ///
    /// # Errors
    /// As [`Store::find`].
    pub(super) fn newest(&self) -> Result<Option<Arc<Generation>>> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let number = generation::numbers(&self.folder)?.into_iter().max();
        let fits =
            |generation: &Arc<Generation>| Some(generation.number) == number && generation.is_in_place();
        if current.as_ref().is_some_and(fits) {
            return Ok(current.clone());
        }
        *current = match number {
            Some(number) => Generation::open(&self.folder, number)?.map(Arc::new),
            None => None,
        };
        Ok(current.clone())
    }

    /// The right to add to the store. The store may be removed between finding and locking its lock, then it is
    /// made again.
    fn lock(&self) -> Result<File> {
        loop {
            files::done(std::fs::create_dir_all(&self.folder))?;
            let path = self.folder.join("lock");
            if let Ok(lock) = files::lock(&path)
                && files::is_at(&lock, &path)
            {
                return Ok(lock);
            }
            files::writable(&self.folder)?;
        }
    }

    /// Lets go of what is open, so that it can be removed when nobody else uses it.
    fn close(&self) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn touch(&self) {
        let mut touched = self.touched.lock().unwrap_or_else(PoisonError::into_inner);
        if touched.is_none_or(|at| at.elapsed() > TOUCH) {
            *touched = Some(Instant::now());
            // Only the order of eviction depends on it.
            let _ = std::fs::write(self.folder.join("used"), "");
        }
    }
}

impl Workshop {
    fn place(&self, prefix: &str) -> Result<TempDir> {
        files::done(tempfile::Builder::new().prefix(prefix).tempdir_in(self.folder.path()))
    }
}

fn check_version(root: &Path) -> Result<()> {
    let path = root.join("version");
    match std::fs::read_to_string(&path) {
        Ok(version) if version == VERSION => Ok(()),
        Ok(_) => {
            Err(Error::new(Kind::Precondition, "the data folder was written by another version of manifestd")
                .help("give another data folder, or empty this one: it only holds what can be fetched again"))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => files::write(root, &path, VERSION),
        Err(error) => Err(files::failed(&error)),
    }
}
