//! A program that may or may not be installed.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};

/// Where the running executable is, also after an upgrade has replaced the file.
const MYSELF: &str = "/proc/self/exe";

/// A program, found once at start.
#[derive(Clone, Debug)]
pub struct Program {
    name: &'static str,
    place: Option<PathBuf>,
    looked: String,
    get: &'static str,
    launcher: PathBuf,
}

impl Program {
    /// Looks for a program: at `given` if that is a path, else by that name in the folders of `search` (a `PATH`). `get`
    /// tells the user how to get it. That it is missing shows only when it is needed.
    #[must_use]
    pub fn find(name: &'static str, given: &Path, search: &OsStr, get: &'static str) -> Self {
        let is_path = given.components().count() > 1;
        let (place, looked) = if is_path {
            (explicitly(given), given.display().to_string())
        } else {
            (find(given, search), search.to_string_lossy().into_owned())
        };
        Self { name, place, looked, get, launcher: PathBuf::from(MYSELF) }
    }

    /// This very executable, to be run as `manifestd <first argument> …` under limits.
    #[must_use]
    pub fn myself() -> Self {
        Self::at("manifestd", Path::new(MYSELF))
    }

    /// A program that is known to be at `path`.
    #[must_use]
    pub fn at(name: &'static str, path: &Path) -> Self {
        let launcher = PathBuf::from(MYSELF);
        Self { name, place: Some(path.to_owned()), looked: path.display().to_string(), get: "", launcher }
    }

    /// The same program, started by another executable of ours: tests are not the executable themselves.
    #[must_use]
    pub fn launched_by(mut self, launcher: &Path) -> Self {
        self.launcher = launcher.to_owned();
        self
    }

    /// Its name, for people.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Whether it was found.
    #[must_use]
    pub fn is_installed(&self) -> bool {
        self.place.is_some()
    }

    /// Fails when it was not found, before any work is done for it.
    ///
    /// # Errors
    /// [`Kind::Precondition`], with where it was looked for and how to get it.
    pub fn require(&self) -> Result<()> {
        self.place().map(drop)
    }

    pub(super) fn launcher(&self) -> &Path {
        &self.launcher
    }

    pub(super) fn place(&self) -> Result<&Path> {
        self.place.as_deref().ok_or_else(|| {
            let looked = if self.looked.is_empty() { "no folder at all" } else { &self.looked };
            let message =
                format!("the program {} is not installed: it was looked for in {looked}", self.name);
            Error::new(Kind::Precondition, message).help(self.get)
        })
    }
}

/// The program works in a folder of its own, where a relative path would mean something else.
fn explicitly(path: &Path) -> Option<PathBuf> {
    std::path::absolute(path).ok().filter(|path| executable(path))
}

fn find(name: &Path, search: &OsStr) -> Option<PathBuf> {
    // Relative folders would depend on where the server was started.
    let folders = std::env::split_paths(search).filter(|folder| folder.is_absolute());
    folders.map(|folder| folder.join(name)).find(|path| executable(path))
}

fn executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_says_where_it_was_looked_for() {
        let helm = Program::find(
            "helm",
            Path::new("helm"),
            OsStr::new("/nowhere:relative"),
            "get it at https://helm.sh",
        );
        let error = helm.place().unwrap_err();
        assert_eq!(error.kind(), Kind::Precondition);
        assert_eq!(
            error.message(),
            "the program helm is not installed: it was looked for in /nowhere:relative"
        );
        assert_eq!(error.advice(), Some("get it at https://helm.sh"));
        let plain = tempfile::NamedTempFile::new().unwrap();
        let explicit = Program::find("helm", plain.path(), OsStr::new("/bin"), "");
        assert!(!explicit.is_installed(), "a file that cannot be executed is no program");
        assert!(Program::find("sh", Path::new("sh"), OsStr::new("/nowhere:/bin"), "").is_installed());
    }
}
