//! Folder cases: `testdata/<engine>/<case>/` holds inputs and what must come out.

use std::fs;
use std::path::{Path, PathBuf};

/// One folder case.
#[derive(Clone, Debug)]
pub struct Case {
    /// The folder's name.
    pub name: String,
    /// The folder.
    pub path: PathBuf,
}

/// The cases beneath `folder` (relative to the workspace root), sorted by name.
///
/// # Panics
/// When there is none: a suite that walks an empty folder tests nothing.
#[must_use]
pub fn cases(folder: &str) -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder);
    let entries = fs::read_dir(&root).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let paths =
        entries.map(|entry| entry.expect("the folder can be read").path()).filter(|path| path.is_dir());
    let mut found: Vec<Case> = paths.map(Case::at).collect();
    assert!(!found.is_empty(), "{folder} holds no case");
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

impl Case {
    fn at(path: PathBuf) -> Self {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Self { name, path }
    }

    /// The text of one of the case's files.
    ///
    /// # Panics
    /// When it cannot be read.
    #[must_use]
    pub fn read(&self, file: &str) -> String {
        self.find(file).unwrap_or_else(|| panic!("case {}: no {file}", self.name))
    }

    /// The text of one of the case's files, or `None` when there is no such file.
    #[must_use]
    pub fn find(&self, file: &str) -> Option<String> {
        fs::read_to_string(self.path.join(file)).ok()
    }

    /// Compares with the file `expected.<kind>` or, for `Err`, `error.txt`; `UPDATE=1` rewrites the file instead
    /// and removes the other one.
    ///
    /// # Errors
    /// Both texts when they differ, so that a suite can collect all failures.
    pub fn check(&self, kind: &str, got: Result<&str, &str>) -> Result<(), String> {
        let expected = format!("expected.{kind}");
        let (file, other, text) = match got {
            Ok(text) => (expected.as_str(), "error.txt", text),
            Err(text) => ("error.txt", expected.as_str(), text),
        };
        if std::env::var_os("UPDATE").is_some() {
            return self.rewrite(file, other, text);
        }
        let wanted = self.find(file);
        if wanted.as_deref() == Some(text) {
            return Ok(());
        }
        let wanted = wanted.unwrap_or_else(|| format!("(no {file}; UPDATE=1 writes it)"));
        Err(format!("case {}: {file} differs\n--- wanted\n{wanted}\n--- got\n{text}\n", self.name))
    }

    fn rewrite(&self, file: &str, other: &str, text: &str) -> Result<(), String> {
        // It is fine when the other one is not there.
        let _ = fs::remove_file(self.path.join(other));
        fs::write(self.path.join(file), text).map_err(|error| format!("case {}: {file}: {error}", self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_shows_both_texts() {
        let folder = tempfile::TempDir::new().unwrap();
        fs::write(folder.path().join("expected.yaml"), "a: 1\n").unwrap();
        let case = Case::at(folder.path().to_owned());
        assert_eq!(case.check("yaml", Ok("a: 1\n")), Ok(()));
        let difference = case.check("yaml", Ok("a: 2\n")).unwrap_err();
        assert!(difference.contains("a: 1\n") && difference.contains("a: 2\n"), "{difference}");
        assert!(case.check("yaml", Err("no")).unwrap_err().contains("no error.txt"));
    }
}
