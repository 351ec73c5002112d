//! Files by pattern.

use std::collections::BTreeMap;

use bytes::Bytes;
use glob::doublestar::Pattern;
use tree::{Kind, Tree, TreePath};

use crate::error::{Error, Kind as ErrorKind, Result};
use crate::render::Stop;
use crate::render::walk::Walk;

/// The most files of one answer.
const MAX_FILES: usize = 100_000;

/// What one question for files may use up.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Bytes of all files together.
    pub bytes: u64,
}

/// The files whose whole path matches `pattern` (doublestar: `*`, `**`, `?`, `[…]`, `{…}`), with their contents
/// (spec: argocd.md §1.6 `GetGitFiles`, new globbing). Links to files count as files; links to folders and submodules
/// are not entered.
///
/// # Errors
/// When the pattern is none or leads out of the tree; a link that matches leads out of the tree or to nothing; the
/// files are larger than the budget; the tree cannot be read, or `stop` says so.
pub fn files(
    tree: &dyn Tree,
    pattern: &str,
    budget: Budget,
    stop: &Stop,
) -> Result<BTreeMap<TreePath, Bytes>> {
    let text = pattern.trim_start_matches("./");
    let compiled = Pattern::compile(text).map_err(|error| wrong(pattern, &error))?;
    let mut search = Search { tree, left: budget.bytes, budget, found: BTreeMap::new() };
    let base = fixed_folder(text).map_err(|error| wrong(pattern, &error))?;
    let mut walk = Walk::new(tree, stop);
    if tree.kind(&base)? == Some(Kind::Folder) {
        walk.enter(&base)?;
    }
    while let Some((path, kind)) = walk.step() {
        match kind {
            Kind::Folder => drop(walk.enter(&path)?),
            Kind::Submodule | Kind::Other => {}
            _ if compiled.matches(path.as_str()) => search.file(path, kind)?,
            _ => {}
        }
    }
    Ok(search.found)
}

struct Search<'a> {
    tree: &'a dyn Tree,
    budget: Budget,
    left: u64,
    found: BTreeMap<TreePath, Bytes>,
}

impl Search<'_> {
    fn file(&mut self, path: TreePath, kind: Kind) -> Result<()> {
        let real = if kind == Kind::Link { tree::resolve(self.tree, &path)? } else { path.clone() };
        if kind == Kind::Link && self.tree.kind(&real)? == Some(Kind::Folder) {
            return Ok(());
        }
        let size = self.tree.size(&real)?;
        self.left =
            self.left.checked_sub(size).filter(|_| self.found.len() < MAX_FILES).ok_or_else(|| {
                let bytes = self.budget.bytes;
                let message = format!(
                    "the matching files are more than {MAX_FILES}, or larger than {bytes} bytes together"
                );
                Error::new(ErrorKind::OverBudget, message).help("ask with a narrower pattern")
            })?;
        self.found.insert(path, self.tree.read(&real)?);
        Ok(())
    }
}

/// The folder in front of the first name with something special in it: nothing else has to be walked.
fn fixed_folder(pattern: &str) -> Result<TreePath, tree::PathError> {
    let special = pattern.find(['*', '?', '[', '{', '\\']).unwrap_or(pattern.len());
    let folder = pattern[..special].rfind('/').map_or("", |end| &pattern[..end]);
    // A leading slash must not vanish with the last one.
    if pattern.starts_with('/') { Err(tree::PathError::Absolute) } else { TreePath::parse(folder) }
}

fn wrong(pattern: &str, error: &dyn std::fmt::Display) -> Error {
    let message = format!("the pattern {pattern:?} cannot be used: {error}");
    Error::new(ErrorKind::Invalid, message).help("patterns are relative to the root of the repository")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tree::MemoryTree;

    use super::*;

    fn tree() -> MemoryTree {
        let at = |path: &str| TreePath::parse(path).unwrap();
        let mut builder = MemoryTree::builder();
        for path in ["apps/a/config.json", "apps/b/config.json", "apps/b/deep/x/config.json", "top.json"] {
            builder.file(at(path), path);
        }
        builder
            .link(at("apps/c/config.json"), "../../top.json")
            .link(at("apps/d"), "a")
            .link(at("links/out.json"), "/x");
        builder.link(at("links/gone.yaml"), "nowhere").submodule(at("apps/mod"), [1; 20]);
        builder.build().unwrap()
    }

    fn ask(pattern: &str, bytes: u64) -> Result<Vec<String>> {
        let found = files(&tree(), pattern, Budget { bytes }, &Stop::after(Duration::from_secs(60)))?;
        Ok(found
            .iter()
            .map(|(path, content)| format!("{path}={}", String::from_utf8_lossy(content)))
            .collect())
    }

    #[test]
    fn patterns_select_files_and_links_to_files() {
        let own = |path: &str| format!("{path}={path}");
        assert_eq!(
            ask("apps/*/config.json", 1000).unwrap(),
            [own("apps/a/config.json"), own("apps/b/config.json"), "apps/c/config.json=top.json".to_owned(),]
        );
        assert_eq!(ask("./**/x/*.json", 1000).unwrap(), [own("apps/b/deep/x/config.json")]);
        assert_eq!(ask("top.json", 1000).unwrap(), [own("top.json")]);
        assert_eq!(ask("apps/{a,nope}/*", 1000).unwrap(), [own("apps/a/config.json")]);
        assert_eq!(ask("nowhere/*", 1000).unwrap(), [""; 0]);
        assert_eq!(ask("apps", 1000).unwrap(), [""; 0]);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for pattern in ["/etc/*", "../*", "a/../../*", "[", "{a"] {
            assert_eq!(ask(pattern, 1000).unwrap_err().kind(), ErrorKind::Invalid, "{pattern}");
        }
        assert_eq!(ask("links/*.json", 1000).unwrap_err().kind(), ErrorKind::Invalid);
        assert_eq!(ask("links/*.yaml", 1000).unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(ask("**", 9).unwrap_err().kind(), ErrorKind::OverBudget);
        assert_eq!(ask("top.json", 8).unwrap().len(), 1);
    }
}
