//! `--output-dir`: the documents of a release as files, as helm writes them.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

use helm::{Document, Output, Printing};

use crate::cli::go_words;

/// Where and what to write.
pub(super) struct Files<'a> {
    /// `--output-dir`
    pub(super) folder: &'a str,
    /// The release name, where it is part of the path.
    pub(super) release: Option<&'a str>,
    /// `--include-crds`
    pub(super) include_crds: bool,
    /// Which hooks are written.
    pub(super) printing: Printing,
}

impl Files<'_> {
    /// Writes every document; what helm prints of it goes to `told`, also when it fails on the way.
    ///
    /// # Errors
    /// Go's text for what the system refuses.
    pub(super) fn write(&self, output: &Output, told: &mut Vec<u8>) -> Result<(), String> {
        let mut written = HashSet::new();
        if self.include_crds {
            for (name, content) in &output.crds {
                let again = !written.insert(name.clone());
                self.append(self.folder, name, content, again, told)?;
            }
        }
        let folder = self.release_folder();
        for Document { name, content, .. } in &output.documents.manifests {
            let again = !written.insert(name.to_string());
            self.append(&folder, name, content.as_bytes(), again, told)?;
        }
        for hook in output.documents.hooks.iter().filter(|hook| self.printing.prints(hook)) {
            // A file that is there, whoever wrote it, is added to.
            let exists = Path::new(&folder).join(&*hook.name).exists();
            self.append(&folder, &hook.name, hook.content.as_bytes(), exists, told)?;
        }
        Ok(())
    }

    fn release_folder(&self) -> String {
        let Some(release) = self.release else { return self.folder.to_owned() };
        let joined = Path::new(self.folder).join(release);
        clean(&joined).display().to_string()
    }

    #[expect(clippy::too_many_arguments, reason = "a file, what is written to it, and who is told")]
    fn append(
        &self,
        folder: &str,
        name: &str,
        content: &[u8],
        to_end: bool,
        told: &mut Vec<u8>,
    ) -> Result<(), String> {
        let path = format!("{folder}/{name}");
        let failed = |what: &str, error: &io::Error| format!("{what} {path}: {}", go_words(error));
        if let Some(parent) = Path::new(&path).parent() {
            fs::create_dir_all(parent).map_err(|error| failed("mkdir", &error))?;
        }
        let file = if to_end { OpenOptions::new().append(true).open(&path) } else { File::create(&path) };
        let mut file = file.map_err(|error| failed("open", &error))?;
        let mut text = format!("---\n# Source: {name}\n").into_bytes();
        text.extend_from_slice(content);
        text.push(b'\n');
        file.write_all(&text).map_err(|error| failed("write", &error))?;
        told.extend_from_slice(format!("wrote {path}\n").as_bytes());
        Ok(())
    }
}

/// Go's `filepath.Clean`.
fn clean(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match (part, clean.components().next_back()) {
            (Component::CurDir, _) => {}
            (Component::ParentDir, Some(Component::Normal(_))) => {
                clean.pop();
            }
            (Component::ParentDir, Some(Component::RootDir)) => {}
            (part, _) => clean.push(part),
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_as_go_does() {
        for (path, cleaned) in
            [("./a//b/", "a/b"), ("/a/../../b", "/b"), ("../a/./..", ".."), ("a/../b", "b")]
        {
            assert_eq!(clean(Path::new(path)), Path::new(cleaned), "{path}");
        }
    }
}
