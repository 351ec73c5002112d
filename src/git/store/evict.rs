//! Making room: old generations, and stores that were not used for the longest time. Never what somebody reads.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::SystemTime;

use tempfile::TempDir;

use super::{Stores, files, generation};

/// A store that could go.
struct Candidate {
    name: String,
    folder: PathBuf,
    used: SystemTime,
    bytes: u64,
}

impl Stores {
    /// Removes old generations, then the stores not used for the longest time, until the rest fits the budget. What
    /// cannot be removed stays until the next time.
    pub fn evict(&self) {
        self.sweep();
        let mut candidates = self.candidates();
        let mut total: u64 = candidates.iter().map(|one| one.bytes).sum();
        candidates.sort_by_key(|one| one.used);
        for one in candidates {
            if total <= self.max_bytes {
                break;
            }
            // Dropped, and so deleted, only here: nobody waits for that.
            if let Some(_gone) = self.remove(&one) {
                tracing::info!(
                    store = one.name,
                    bytes = one.bytes,
                    "evicted a repository from the data folder"
                );
                total -= one.bytes;
            }
        }
    }

    /// Removes generations that were followed by newer ones and that nobody reads.
    pub(super) fn sweep(&self) {
        for folder in folders(&self.root.join("stores")) {
            let numbers = generation::numbers(&folder).unwrap_or_default();
            let newest = numbers.iter().max().copied().unwrap_or_default();
            for number in numbers.into_iter().filter(|number| *number < newest) {
                let old = folder.join(format!("g-{number}"));
                let lease = files::try_lock(&old.join("lease"));
                if lease.is_some() {
                    drop(self.take_away(&old));
                }
            }
        }
    }

    fn candidates(&self) -> Vec<Candidate> {
        let candidate = |folder: PathBuf| {
            let name = folder.file_name()?.to_str()?.to_owned();
            let used = std::fs::metadata(folder.join("used")).and_then(|used| used.modified());
            let used = used.unwrap_or(SystemTime::UNIX_EPOCH);
            Some(Candidate { name, used, bytes: bytes(&folder), folder })
        };
        folders(&self.root.join("stores")).into_iter().filter_map(candidate).collect()
    }

    /// Takes a store out of the way, unless somebody uses it.
    fn remove(&self, one: &Candidate) -> Option<TempDir> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = open.get(&one.name) {
            store.close();
        }
        let _lock = files::try_lock(&one.folder.join("lock"))?;
        let numbers = generation::numbers(&one.folder).unwrap_or_default();
        let leases: Vec<Option<File>> =
            numbers.iter().map(|n| files::try_lock(&one.folder.join(format!("g-{n}/lease")))).collect();
        if leases.iter().all(Option::is_some) { self.take_away(&one.folder) } else { None }
    }

    /// Moves `folder` to where it is deleted with what is returned.
    fn take_away(&self, folder: &Path) -> Option<TempDir> {
        let place = self.work.place("gone-").ok()?;
        std::fs::rename(folder, place.path().join("old")).ok()?;
        Some(place)
    }
}

fn folders(parent: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

/// What the packs of a store take.
fn bytes(store: &Path) -> u64 {
    let packs = folders(store).into_iter().map(|generation| generation.join("objects/pack"));
    let files = packs.filter_map(|packs| std::fs::read_dir(packs).ok()).flatten().flatten();
    files.filter_map(|file| file.metadata().ok()).map(|file| file.len()).sum()
}
