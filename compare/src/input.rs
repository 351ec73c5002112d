//! What both programs are given: files, the folder in them, and flags.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use crate::arguments::Engine;

/// The folder that holds all files of an input, beside nothing else.
pub(crate) const ROOT: &str = "in";

/// One input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Input {
    pub(crate) engine: Engine,
    /// The files by their path, with `/` between names.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// The chart, or the kustomization, as a path among the files; empty is all of them.
    pub(crate) folder: String,
    pub(crate) flags: Vec<String>,
}

impl Input {
    /// The arguments of either program, which is started where [`ROOT`] is.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let place = match self.folder.is_empty() {
            true => ROOT.to_owned(),
            false => format!("{ROOT}/{}", self.folder),
        };
        let mut arguments: Vec<String> = match self.engine {
            Engine::Helm => {
                vec!["template".into(), "release".into(), place, "--namespace".into(), "ns".into()]
            }
            Engine::Kustomize => vec!["build".into(), place],
        };
        arguments.extend(self.flags.iter().cloned());
        arguments
    }

    /// Writes the files beneath `place`, which is emptied before.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn write(&self, place: &Path) -> io::Result<()> {
        let root = place.join(ROOT);
        match fs::remove_dir_all(&root) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs::create_dir_all(&root)?,
        }
        for (path, content) in &self.files {
            let file = root.join(path);
            if let Some(folder) = file.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(file, content)?;
        }
        Ok(())
    }

    /// The paths of the files in the folder, or of all whose name ends in one of `ends`.
    pub(crate) fn paths(&self, ends: &[&str]) -> Vec<String> {
        let fits = |path: &&String| ends.iter().any(|end| path.ends_with(end));
        self.files.keys().filter(fits).cloned().collect()
    }

    /// The path of a file of the folder.
    pub(crate) fn inside(&self, name: &str) -> String {
        if self.folder.is_empty() { name.to_owned() } else { format!("{}/{name}", self.folder) }
    }

    /// The text of a file; empty when it is none, or none in UTF-8.
    pub(crate) fn text(&self, path: &str) -> String {
        self.files.get(path).and_then(|content| String::from_utf8(content.clone()).ok()).unwrap_or_default()
    }

    /// Puts a text in the place of a file.
    pub(crate) fn put(&mut self, path: &str, text: impl Into<Vec<u8>>) {
        self.files.insert(path.to_owned(), text.into());
    }
}
