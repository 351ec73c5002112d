//! The folder that is built, as a path of a tree of this machine.

use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use tree::{Tree, TreePath};

use super::words;
use crate::cli::{Failure, go_words, place};
use crate::error::{Error, Kind};
use crate::source::Disk;

/// A folder of this machine.
pub(super) struct Folder {
    /// What may be read.
    pub(super) tree: Arc<dyn Tree>,
    /// The folder in it, links followed.
    pub(super) path: TreePath,
    /// What paths in messages begin with.
    pub(super) shown_root: String,
}

impl Folder {
    /// Finds what `dir` names; the tree is `root`, or the git work tree it is in, or everything.
    ///
    /// # Errors
    /// Kustomize's text for what is no folder; a root that does not hold it.
    pub(super) fn find(dir: &str, root: Option<&str>) -> Result<Self, Failure> {
        let path = real(dir)?;
        let root = match root {
            Some(root) => Path::new(root)
                .canonicalize()
                .map_err(|error| words(&format!("--root {root}: {}", go_words(&error))))?,
            None => place::work_tree(&path),
        };
        let inner = path.strip_prefix(&root).map_err(|_| outside(dir))?;
        let path = TreePath::parse(&place::utf8(inner)?).map_err(|_| outside(dir))?;
        let shown_root = place::utf8(&root)?.trim_end_matches('/').to_owned();
        Ok(Self { tree: Arc::new(Disk::open(&root)?), path, shown_root })
    }
}

/// The folder itself.
fn real(dir: &str) -> Result<PathBuf, Failure> {
    let invalid = |text: &str| words(&format!("must build at directory: {text}"));
    if dir.is_empty() {
        return Err(invalid("directory path cannot be empty"));
    }
    let path = Path::new(dir).canonicalize();
    if path.is_err() && place::is_url(dir) {
        return Err(elsewhere(dir));
    }
    let path = path.map_err(|error| {
        let (at, why) = (first_missing(dir).display().to_string(), go_words(&error));
        invalid(&format!("not a valid directory: evalsymlink failure on '{dir}' : lstat {at}: {why}"))
    })?;
    if path.is_dir() { Ok(path) } else { Err(invalid(&format!("'{dir}': file is not directory"))) }
}

fn outside(dir: &str) -> Failure {
    Failure::Failed(
        Error::new(Kind::Invalid, format!("{dir}: the kustomization is not beneath --root"))
            .help("give a root that holds the kustomization, or none"),
    )
}

fn elsewhere(url: &str) -> Failure {
    Failure::Failed(
        Error::new(Kind::Precondition, format!("{url}: only folders of this machine are built here"))
            .help("`manifestd render URL --path FOLDER` fetches a repository and renders what is in it"),
    )
}

/// The first part of the path that is not there.
fn first_missing(dir: &str) -> PathBuf {
    let whole = std::path::absolute(dir).map_or_else(|_| PathBuf::from(dir), |path| clean(&path));
    let mut above: Vec<&Path> = whole.ancestors().collect();
    above.reverse();
    let gone =
        |path: &&Path| path.symlink_metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    above.into_iter().find(gone).unwrap_or(&whole).to_owned()
}

/// The path without `..`, as Go cleans it: by its text alone.
fn clean(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(clean.pop()),
            part => clean.push(part),
        }
    }
    clean
}
