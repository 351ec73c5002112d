//! Fetched objects on disk: one bare repository per remote, and per way to reach it, under the data folder.
//!
//! ```text
//! version                    the layout's version
//! lock                       held while a process starts
//! work/<process>/            unfinished things, gone with their process
//! stores/<remote>/lock       held by whoever adds to the store or removes it
//! stores/<remote>/used       touched when the store is used
//! stores/<remote>/g-<n>/     a generation: a bare repository, with a lease its readers share
//! damaged/                   the last few things that could not be read any more
//! ```
//!
//! Nothing here is ever half done: everything is written in `work` and renamed into place, and a commit is here only
//! when its own ref (`refs/manifestd/<id>`) says so, which is written last. Several processes may share the folder.
//! Everything can be fetched again: what is damaged is put aside, what has vanished is made again.

mod damage;
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

use damage::Aside;
pub(super) use generation::{Generation, scratch};

/// The layout this code reads and writes.
const VERSION: &str = "manifestd data 1\n";

/// How the file begins whatever the version.
const VERSION_BEGINS: &[u8] = b"manifestd data ";

/// Above this many packs a store is begun anew: every pack costs each lookup a little.
const MAX_PACKS: usize = 50;

/// Above this many stores, those that nobody uses are closed: each keeps some files open.
const MOST_OPEN: usize = 256;

/// How often a store is put aside although its packs are whole: an object that is missing may never have been sent, and
/// would not be sent the next time either.
const MISSING_AGAIN: Duration = Duration::from_secs(600);

/// How often all packs of a store are read to see whether they are whole.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// How often the time of use is written down.
const TOUCH: Duration = Duration::from_secs(60);

/// All stores of a data folder.
pub struct Stores {
    root: PathBuf,
    max_bytes: u64,
    /// This process's folder for unfinished things.
    work: Arc<Workshop>,
    aside: Arc<Aside>,
    open: Mutex<HashMap<String, Arc<Store>>>,
}

/// A process's folder for unfinished things, and the lease that says the process lives.
struct Workshop {
    folder: TempDir,
    lease: Mutex<File>,
}

/// The objects of one remote.
pub(super) struct Store {
    folder: PathBuf,
    work: Arc<Workshop>,
    aside: Arc<Aside>,
    current: Mutex<Option<Arc<Generation>>>,
    /// When it was last put aside for a missing object.
    missed: Mutex<Option<Instant>>,
    /// When its packs were last read as a whole.
    looked: Mutex<Option<Instant>>,
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
        let aside = Arc::new(Aside::new(root, max_bytes));
        for folder in ["stores", "work"] {
            let folder = root.join(folder);
            if folder.exists() && !folder.is_dir() {
                aside.put(&folder, "it is no folder");
            }
            files::done(std::fs::create_dir_all(&folder))?;
        }
        let lock = lock_file(&root.join("lock"), &aside)?;
        check_version(root, &aside)?;
        files::sweep_work(&root.join("work"))?;
        let folder = files::done(tempfile::Builder::new().prefix("p-").tempdir_in(root.join("work")))?;
        let lease = files::lock(&folder.path().join("lease"))?;
        drop(lock);
        let work = Arc::new(Workshop { folder, lease: Mutex::new(lease) });
        let stores = Self { root: root.to_owned(), max_bytes, work, aside, open: Mutex::default() };
        stores.sweep();
        Ok(stores)
    }

    /// The store of `remote` as it is reached with `by`; it may be empty.
    pub(super) fn store(&self, remote: &Remote, by: &Credential) -> Arc<Store> {
        let name = name::store_name(remote, by);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || {
            let folder = self.root.join("stores").join(&name);
            let (work, aside) = (self.work.clone(), self.aside.clone());
            let (current, missed, looked) = (Mutex::default(), Mutex::default(), Mutex::default());
            Arc::new(Store { folder, work, aside, current, missed, looked, touched: Mutex::default() })
        };
        if open.len() >= MOST_OPEN {
            open.retain(|_, store| Arc::strong_count(store) > 1);
        }
        open.entry(name.clone()).or_insert_with(make).clone()
    }
}

impl Store {
    /// The generation that has `commit`, if any has.
    pub(super) fn find(&self, commit: ObjectId) -> Option<Arc<Generation>> {
        let found = self.newest().filter(|generation| generation.has(commit));
        if found.is_some() {
            self.touch();
        }
        found
    }

    /// What a fetch of a commit that is not here builds on.
    pub(super) fn plan(&self) -> Plan {
        let base = self.newest();
        let newest = base.as_ref().map_or(0, |generation| generation.number);
        let base = match base {
            Some(generation) if generation.packs().is_ok_and(|packs| packs <= MAX_PACKS) => Some(generation),
            _ => None,
        };
        Plan { anew: base.is_none(), base, newest }
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
        let newest = self.newest();
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
        let generation = self.newest().ok_or_else(files::broken)?;
        self.touch();
        Ok(generation)
    }

    /// The newest generation that can be read, opened. One that cannot be is put aside.
    pub(super) fn newest(&self) -> Option<Arc<Generation>> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(damage) = current.as_ref().and_then(|generation| self.damage(generation)) {
            self.put_aside(current.as_ref().map_or(0, |generation| generation.number), &damage);
            *current = None;
        }
        let numbers = generation::numbers(&self.folder).unwrap_or_else(|error| {
            self.aside.put(&self.folder, &format!("it cannot be listed: {}", error.kind()));
            Vec::new()
        });
        let newest = numbers.iter().max().copied();
        let fits =
            |generation: &Arc<Generation>| Some(generation.number) == newest && generation.is_in_place();
        if !current.as_ref().is_some_and(fits) {
            *current = self.open_newest(numbers).map(Arc::new);
        }
        current.clone()
    }

    /// Opens the newest of these generations that is whole.
    fn open_newest(&self, mut numbers: Vec<u64>) -> Option<Generation> {
        numbers.sort_unstable();
        while let Some(number) = numbers.pop() {
            match Generation::open(&self.folder, number) {
                Ok(opened) => return opened,
                Err(damage) => self.put_aside(number, &damage),
            }
        }
        None
    }

    /// What is wrong with a generation of which something could not be read.
    fn damage(&self, generation: &Generation) -> Option<String> {
        if !generation.objects().take_lost() {
            return None;
        }
        let missing = || is_due(&self.missed, MISSING_AGAIN).then(|| "an object is missing".to_owned());
        self.look(generation).or_else(missing)
    }

    /// What is wrong with the packs of a generation, unless they were looked at a moment ago.
    fn look(&self, generation: &Generation) -> Option<String> {
        if is_due(&self.looked, LOOK_AGAIN) { generation.damage() } else { None }
    }

    fn put_aside(&self, number: u64, damage: &str) {
        self.aside.put(&generation::folder_of(&self.folder, number), damage);
    }

    /// Looks whether what a fetch was built on is damaged, and puts it aside if it is.
    pub(super) fn heal(&self, plan: &Plan) -> bool {
        let Some(base) = &plan.base else { return false };
        let Some(damage) = self.look(base) else { return false };
        self.put_aside(base.number, &damage);
        true
    }

    /// The right to add to the store. The store may be removed between finding and locking its lock, then it is
    /// made again.
    fn lock(&self) -> Result<File> {
        loop {
            files::done(std::fs::create_dir_all(&self.folder))?;
            let path = self.folder.join("lock");
            if let Ok(lock) = lock_file(&path, &self.aside)
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
        if is_due(&self.touched, TOUCH) {
            // Only the order of eviction depends on it.
            let _ = std::fs::write(self.folder.join("used"), "");
        }
    }
}

impl Workshop {
    /// An empty folder in this one, which is made again should it have vanished.
    fn place(&self, prefix: &str) -> Result<TempDir> {
        let make = || tempfile::Builder::new().prefix(prefix).tempdir_in(self.folder.path());
        match make() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let mut lease = self.lease.lock().unwrap_or_else(PoisonError::into_inner);
                files::done(std::fs::create_dir_all(self.folder.path()))?;
                *lease = files::lock(&self.folder.path().join("lease"))?;
                files::done(make())
            }
            made => files::done(made),
        }
    }
}

/// Whether the last time is so long ago, or was never; then it is now.
fn is_due(last: &Mutex<Option<Instant>>, interval: Duration) -> bool {
    let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
    let due = last.is_none_or(|at| at.elapsed() >= interval);
    if due {
        *last = Some(Instant::now());
    }
    due
}

/// The file at `path`, locked; what is no file there is put aside.
fn lock_file(path: &Path, aside: &Aside) -> Result<File> {
    if path.is_dir() {
        aside.put(path, "it is no file");
    }
    files::lock(path)
}

/// Fails when another version wrote the data folder. A file that says nothing is damaged, and written again.
fn check_version(root: &Path, aside: &Aside) -> Result<()> {
    let path = root.join("version");
    let other =
        |text: &[u8]| text != VERSION.as_bytes() && text.starts_with(VERSION_BEGINS) && text.ends_with(b"\n");
    match std::fs::read(&path) {
        Ok(version) if version == VERSION.as_bytes() => return Ok(()),
        Ok(version) if other(&version) => {
            let message = "the data folder was written by another version of manifestd";
            return Err(Error::new(Kind::Precondition, message).help(
                "give another data folder, or empty this one: it only holds what can be fetched again",
            ));
        }
        Ok(_) => aside.put(&path, "it says no version"),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => aside.put(&path, &error.kind().to_string()),
    }
    files::write(root, &path, VERSION)
}
