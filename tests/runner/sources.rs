//! The project's own Rust files, as the architecture test reads them.

use std::fs;
use std::path::{Path, PathBuf};

/// A Rust file of the project.
pub(crate) struct Source {
    /// Its path, relative to the workspace root.
    pub(crate) path: String,
    /// The whole text.
    pub(crate) text: String,
}

impl Source {
    /// Whether it is test code as a whole.
    pub(crate) fn is_test(&self) -> bool {
        let folders = self.path.split('/').any(|name| matches!(name, "tests" | "benches" | "testkit"));
        folders || self.path.ends_with("tests.rs") || self.path.ends_with("testing.rs")
    }

    /// Its lines that are neither comments nor tests, numbered from 1, without what follows `//`.
    pub(crate) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let code = if self.is_test() { "" } else { &self.text };
        // House rule: tests come last in a file.
        let lines = code.lines().enumerate().take_while(|(_, line)| !line.starts_with("#[cfg(test)]"));
        lines.map(|(number, line)| (number + 1, line.split_once("//").map_or(line, |(before, _)| before)))
    }

    /// The names of the folder and file within `src/` (`["git", "store"]`), or `None` elsewhere.
    pub(crate) fn module(&self) -> Option<Vec<&str>> {
        let inner = self.path.strip_prefix("src/")?.strip_suffix(".rs")?;
        Some(inner.split('/').collect())
    }
}

/// Every Rust file of the workspace that a person wrote, sorted by path.
pub(crate) fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    for folder in ["src", "crates", "cache", "compare", "proto", "tests", "benches", "fuzz"] {
        rust_files(&root.join(folder), &mut paths);
    }
    paths.sort();
    let read = |path: PathBuf| Source {
        text: fs::read_to_string(&path).unwrap(),
        path: path.strip_prefix(root).unwrap().to_str().unwrap().to_owned(),
    };
    paths.into_iter().map(read).collect()
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() && !matches!(name, "target" | "gen" | "corpus" | "artifacts") {
            rust_files(&path, found);
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
}
