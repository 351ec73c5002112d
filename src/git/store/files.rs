//! Files of the stores: locks, writing beside and renaming, sweeping. Errors name no path of the host.

use std::fs::{File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use crate::error::{Error, Kind, Result};

use super::super::wire::disk;

/// The result with its error in our words.
pub(super) fn done<T>(result: std::io::Result<T>) -> Result<T> {
    result.map_err(|error| failed(&error))
}

/// An I/O error of the data folder.
pub(super) fn failed(error: &std::io::Error) -> Error {
    let other = || Error::new(Kind::Unavailable, format!("the data folder cannot be used: {}", error.kind()));
    disk(error).unwrap_or_else(other)
}

/// The store is not as its own rules say.
pub(super) fn broken() -> Error {
    Error::new(Kind::Unavailable, "a store in the data folder is broken")
        .help("empty the data folder: it only holds what can be fetched again")
}

/// The file at `path`, made if missing, locked for us alone as long as it is open. Waits for others.
pub(super) fn lock(path: &Path) -> Result<File> {
    let file = done(OpenOptions::new().create(true).truncate(false).write(true).open(path))?;
    done(file.lock())?;
    Ok(file)
}

/// As [`lock`], where its folder is there; `None` when somebody else holds it.
pub(super) fn try_lock(path: &Path) -> Option<File> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path).ok()?;
    file.try_lock().ok().map(|()| file)
}

/// The file at `path`, made again should it be lost, shared; `None` when its folder is not there, or somebody is
/// removing it.
///
/// # Errors
/// It cannot be used as a file.
pub(super) fn share(path: &Path) -> std::io::Result<Option<File>> {
    let file = match OpenOptions::new().create(true).truncate(false).write(true).open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let shared = file.try_lock_shared().is_ok() && is_at(&file, path);
    Ok(shared.then_some(file))
}

/// Whether `file` is what stands at `path` now.
pub(super) fn is_at(file: &File, path: &Path) -> bool {
    let same = |ours: std::fs::Metadata, there: std::fs::Metadata| {
        (ours.dev(), ours.ino()) == (there.dev(), there.ino())
    };
    file.metadata().ok().zip(std::fs::metadata(path).ok()).is_some_and(|(ours, there)| same(ours, there))
}

/// Fails when nothing can be made in `folder`, other than because `folder` is just being removed.
pub(super) fn writable(folder: &Path) -> Result<()> {
    match tempfile::tempfile_in(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(&error)),
        _ => Ok(()),
    }
}

/// Writes `text` to `path`: beside it in `work`, to the disk, then renamed.
pub(super) fn write(work: &Path, path: &Path, text: &str) -> Result<()> {
    let mut beside = done(tempfile::NamedTempFile::new_in(work))?;
    done(beside.write_all(text.as_bytes()))?;
    done(beside.as_file().sync_all())?;
    if path.is_dir() {
        // A folder by a name of ours: whatever made it, nothing of ours is in it.
        done(std::fs::remove_dir_all(path))?;
    }
    beside.persist(path).map_err(|error| failed(&error.error))?;
    Ok(())
}

/// Moves a file that is finished: its content reaches the disk before its name does. Nobody is to write to it again: what
/// is mapped into memory and then cut short ends the process that reads it.
pub(super) fn move_into(from: &Path, folder: &Path) -> Result<()> {
    let Some(name) = from.file_name() else { return Err(broken()) };
    done(std::fs::set_permissions(from, Permissions::from_mode(0o444)))?;
    done(File::open(from).and_then(|file| file.sync_all()))?;
    done(std::fs::rename(from, folder.join(name)))
}

/// Removes the folders of processes that are gone.
pub(super) fn sweep_work(work: &Path) -> Result<()> {
    for entry in done(std::fs::read_dir(work))?.flatten() {
        let folder = entry.path();
        let lease = folder.join("lease");
        // Processes start one at a time: a folder without a lease was left before it had one.
        if !lease.exists() || try_lock(&lease).is_some() {
            // What cannot be removed now is tried again at the next start.
            let _ = std::fs::remove_dir_all(&folder);
        }
    }
    Ok(())
}
