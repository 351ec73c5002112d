//! What an import means: only ever a file of the tree (spec: argocd.md §3.6; argo-cd and go-jsonnet read any file the
//! process can, which is CVE-2026-113672).

use bytes::Bytes;
use tree::TreePath;

use crate::error::{Error, Kind, Result};
use crate::render::Job;

/// Finds imports for the programs of one folder.
pub(super) struct Imports<'a> {
    job: &'a Job,
    /// Where to look when it is not beside the importing file: the last library first, then the folder itself.
    libraries: Vec<TreePath>,
    /// The bytes that may still be imported.
    pub(super) left: u64,
}

impl<'a> Imports<'a> {
    /// Looks in `libs` (relative to the root) and `folder`.
    ///
    /// # Errors
    /// When a library's path leads out of the tree.
    pub(super) fn new(job: &'a Job, folder: &TreePath, libs: &[String]) -> Result<Self> {
        let mut libraries = vec![folder.clone()];
        for lib in libs {
            libraries.push(TreePath::parse(lib).map_err(|error| {
                let message = format!("the jsonnet library {lib:?} is no folder of the repository: {error}");
                Error::new(Kind::Invalid, message)
                    .help("libraries are relative to the root of the repository")
            })?);
        }
        libraries.reverse();
        Ok(Self { job, libraries, left: job.budgets.directory_bytes })
    }

    /// The path and content of what `import 'path'` means in the file `from` (empty for the code of a variable):
    /// the first that exists of the folder of `from`, the libraries last to first, and the application's folder.
    ///
    /// # Errors
    /// When it is absolute, leads out of the tree, is not there, is too large, or cannot be read.
    pub(super) fn find(&mut self, from: &str, path: &str) -> Result<(TreePath, Bytes)> {
        self.job.stop.check()?;
        if path.starts_with('/') {
            let message = format!("cannot import {path:?}: the path is absolute");
            return Err(Error::new(Kind::Invalid, message).help("imports are relative to the importing file"));
        }
        let beside = TreePath::parse(from).ok().filter(|from| !from.is_root()).and_then(|from| from.parent());
        let mut outside = false;
        for folder in beside.iter().chain(&self.libraries) {
            let Ok(candidate) = folder.join(path) else {
                outside = true;
                continue;
            };
            if let Some(content) =
                read(self.job, &candidate, &mut self.left).map_err(|error| failed(path, &error))?
            {
                return Ok((candidate, content));
            }
        }
        Err(missing(path, outside))
    }
}

/// The file's content, or `None` when nothing stands there.
fn read(job: &Job, path: &TreePath, left: &mut u64) -> Result<Option<Bytes>> {
    let tree = &*job.tree;
    let real = match tree::resolve(tree, path) {
        Err(tree::Error::NotFound(_)) => return Ok(None),
        real => real?,
    };
    if tree.kind(&real)?.is_none() {
        return Ok(None);
    }
    *left = left.checked_sub(tree.size(&real)?).ok_or_else(|| {
        let budget = job.budgets.directory_bytes;
        Error::new(Kind::OverBudget, format!("the imported files are larger than {budget} bytes together"))
    })?;
    Ok(Some(tree.read(&real)?))
}

fn failed(path: &str, error: &Error) -> Error {
    error.clone().context(format_args!("cannot import {path:?}"))
}

fn missing(path: &str, outside: bool) -> Error {
    if outside {
        let message = format!("cannot import {path:?}: the path leads out of the repository");
        return Error::new(Kind::Invalid, message).help("only files of the repository can be imported");
    }
    let message =
        format!("cannot import {path:?}: no such file, neither beside the importing file nor in a library");
    Error::new(Kind::Invalid, message).help("add the folder that holds it to the jsonnet libraries")
}
