//! The private folder of one run: parts of trees as files, and a home for the program. Gone when this is gone.

use std::ffi::OsStr;
use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tree::TreePath;

use super::Settings;
use crate::error::{Error, Kind, Result};
use crate::render::Budgets;

/// What private folders are called, so that leftovers can be told from anything else.
const PREFIX: &str = "render-";

/// The most files one run may be given; a chart of this many would take helm minutes.
const MAX_FILES: u32 = 50_000;

/// The private folder of one run.
pub(super) struct Room {
    folder: TempDir,
    /// Bytes still to be written.
    bytes: u64,
    budget: u64,
    /// Files, folders and links still to be made.
    entries: u32,
}

/// Removes the private folders that a killed server left in its scratch folder.
///
/// # Errors
/// [`Kind::Unavailable`] when the folder cannot be read, or a leftover cannot be removed.
pub fn sweep(scratch: &Path) -> Result<()> {
    let entries = match fs::read_dir(scratch) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(|error| failed("read the scratch folder", &error))?,
    };
    for entry in entries {
        let entry = entry.map_err(|error| failed("read the scratch folder", &error))?;
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            fs::remove_dir_all(entry.path()).map_err(|error| failed("remove a leftover", &error))?;
        }
    }
    Ok(())
}

impl Room {
    pub(super) fn new(settings: &Settings, budgets: &Budgets) -> Result<Self> {
        let make = |error: &std::io::Error| failed("make a private folder", error);
        fs::create_dir_all(&settings.scratch).map_err(|error| make(&error))?;
        // Readable by the server's user only, whatever the umask.
        let folder = tempfile::Builder::new()
            .prefix(PREFIX)
            .tempdir_in(&settings.scratch)
            .map_err(|error| make(&error))?;
        Ok(Self { folder, bytes: budgets.export_bytes, budget: budgets.export_bytes, entries: MAX_FILES })
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where the job's tree is written.
    pub(super) fn source(&self) -> PathBuf {
        self.path().join("source")
    }

    /// Where the inline values are written.
    pub(super) fn inline_values(&self) -> PathBuf {
        self.path().join("values.yaml")
    }

    /// Makes a folder and those above it, unless they are there.
    pub(super) fn make_folder(&mut self, area: &str, path: &TreePath) -> Result<PathBuf> {
        let place = self.place(area, path);
        if !place.is_dir() {
            self.spend(path, 0)?;
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&place)
                .map_err(|error| failed("write the export", &error))?;
        }
        Ok(place)
    }

    /// Writes a file; where one is already, it is the same.
    pub(super) fn write(&mut self, area: &str, path: &TreePath, content: &[u8]) -> Result<PathBuf> {
        self.make_folder(area, &path.parent().unwrap_or_else(TreePath::root))?;
        self.spend(path, content.len() as u64)?;
        let place = self.place(area, path);
        match fs::File::create_new(&place).and_then(|mut file| file.write_all(content)) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(failed("write the export", &error)),
            _ => Ok(place),
        }
    }

    /// Writes a link whose text was found to stay inside its tree.
    pub(super) fn link(&mut self, area: &str, path: &TreePath, text: &str) -> Result<()> {
        self.make_folder(area, &path.parent().unwrap_or_else(TreePath::root))?;
        self.spend(path, 0)?;
        let text = tree::name_to_bytes(text);
        symlink(OsStr::from_bytes(&text), self.place(area, path))
            .map_err(|error| failed("write the export", &error))
    }

    /// Where a path of the tree written to `area` is.
    pub(super) fn place(&self, area: &str, path: &TreePath) -> PathBuf {
        self.path().join(area).join(OsStr::from_bytes(&tree::name_to_bytes(path.as_str())))
    }

    /// Fails if a file of this size would be too much; nothing is spent.
    pub(super) fn afford(&self, path: &TreePath, bytes: u64) -> Result<()> {
        if bytes <= self.bytes && self.entries > 0 {
            return Ok(());
        }
        let (bytes, files) = (self.budget, MAX_FILES);
        let message = format!("{path}: what the program needs is more than {bytes} bytes or {files} files");
        Err(Error::new(Kind::OverBudget, message).help("keep files that are no part of it in another folder"))
    }

    fn spend(&mut self, path: &TreePath, bytes: u64) -> Result<()> {
        self.afford(path, bytes)?;
        self.bytes -= bytes;
        self.entries -= 1;
        Ok(())
    }
}

fn failed(what: &str, error: &std::io::Error) -> Error {
    // The text of the kind alone: some errors name a path of the host.
    Error::new(Kind::Unavailable, format!("cannot {what}: {}", error.kind()))
}
