//! A folder of this process alone for what programs need as files. One that a killed process left is removed by the
//! next: its lock went with it.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use tempfile::TempDir;

use crate::error::{Error, Kind, Result};

/// What the folders are called.
const PREFIX: &str = "scratch-";

/// A folder of this process; gone when this is gone.
#[derive(Debug)]
pub(super) struct Scratch {
    folder: TempDir,
    _lock: File,
}

impl Scratch {
    /// A fresh folder beneath `data_dir`, which need not be there; those of dead processes are removed.
    pub(super) fn new(data_dir: &Path) -> Result<Self> {
        let made = fs::create_dir_all(data_dir).and_then(|()| {
            sweep(data_dir)?;
            Self::make(data_dir)
        });
        made.map_err(|error| {
            Error::new(Kind::Unavailable, format!("the data folder cannot be used: {error}"))
                .help("choose another one with --data-dir")
        })
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    fn make(data_dir: &Path) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(data_dir)?;
        let lock = File::open(folder.path())?;
        lock.lock()?;
        // Who swept between the two lines took the folder for a leftover.
        fs::create_dir_all(folder.path())?;
        Ok(Self { folder, _lock: lock })
    }
}

fn sweep(data_dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(data_dir)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            remove_dead(&entry.path())?;
        }
    }
    Ok(())
}

/// Removes the folder unless its process lives. Another process may be removing it too.
fn remove_dead(folder: &Path) -> io::Result<()> {
    let Ok(lock) = File::open(folder) else { return Ok(()) };
    if lock.try_lock().is_err() {
        return Ok(());
    }
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dead_are_swept_and_the_living_are_not() {
        let data = tempfile::tempdir().unwrap();
        let dead = data.path().join("scratch-dead");
        fs::create_dir_all(dead.join("render-1")).unwrap();
        fs::create_dir(data.path().join("stores")).unwrap();
        let first = Scratch::new(data.path()).unwrap();
        let second = Scratch::new(data.path()).unwrap();
        assert!(!dead.exists());
        assert!(first.path().exists() && second.path().exists() && data.path().join("stores").exists());
        let path = first.path().to_owned();
        drop(first);
        assert!(!path.exists() && second.path().exists());
    }
}
