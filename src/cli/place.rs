//! What `<url-or-folder>` means: a remote, the commit of a local repository, or local files as they are.

use std::path::{Component, Path, PathBuf};

use crate::error::{Error, Kind, Result};
use crate::request::Origin;

/// Where the files are, as the command line says it.
#[derive(Clone, Debug)]
pub(super) struct Place<'a> {
    /// A URL, or a folder of this machine.
    pub(super) from: &'a str,
    /// `--revision`; `None` is `HEAD`.
    pub(super) revision: Option<&'a str>,
    /// `--tag-prefix`; `None` is none.
    pub(super) tag_prefix: Option<&'a str>,
    /// `--path`, relative to the root; `None` is the folder itself.
    pub(super) path: Option<&'a str>,
    /// `--worktree`: the files as they are.
    pub(super) worktree: bool,
}

impl Place<'_> {
    /// The origin, and the folder in it.
    ///
    /// # Errors
    /// [`Kind::NotFound`] when it is neither a URL nor a folder, [`Kind::Invalid`] for a revision of what has none.
    pub(super) fn find(&self) -> Result<(Origin, String)> {
        if is_url(self.from) {
            if self.worktree {
                return Err(Error::new(Kind::Invalid, "--worktree: a remote repository has no files here"));
            }
            return Ok((self.git(self.from.to_owned()), self.path.unwrap_or_default().to_owned()));
        }
        let folder = Path::new(self.from).canonicalize();
        let folder = folder.map_err(|_| self.missing()).and_then(|path| self.folder(path))?;
        match repository(&folder) {
            Some(root) if !self.worktree => Ok((self.git(utf8(&root)?), self.inside(&root, &folder)?)),
            Some(root) => Ok((Origin::Folder(root.clone()), self.inside(&root, &folder)?)),
            None if self.revision.is_some() => Err(no_revision()),
            None => Ok((Origin::Folder(folder.clone()), self.inside(&folder, &folder)?)),
        }
    }

    fn git(&self, url: String) -> Origin {
        let text = |given: Option<&str>| given.unwrap_or_default().to_owned();
        Origin::Git {
            url,
            revision: text(self.revision),
            tag_prefix: text(self.tag_prefix),
            credential: None,
        }
    }

    fn folder(&self, path: PathBuf) -> Result<PathBuf> {
        if path.is_dir() { Ok(path) } else { Err(self.missing()) }
    }

    /// The folder to render, relative to `root`.
    fn inside(&self, root: &Path, folder: &Path) -> Result<String> {
        match self.path {
            Some(path) => Ok(path.to_owned()),
            None => utf8(folder.strip_prefix(root).unwrap_or(Path::new(""))),
        }
    }

    fn missing(&self) -> Error {
        Error::new(Kind::NotFound, format!("{}: there is no such folder, and it is no URL", self.from))
            .help("give a folder, or a URL such as https://host/org/repo.git or git@host:org/repo.git")
    }
}

/// Whether it names a remote: with a scheme, or in ssh's short form `user@host:path`.
pub(super) fn is_url(text: &str) -> bool {
    let scp = || {
        let (host, _) = text.split_once(':')?;
        Some(!host.is_empty() && !host.contains('/') && !Path::new(text).exists())
    };
    text.contains("://") || scp().unwrap_or(false)
}

/// The root of the repository a folder is in: its own work tree's, or the folder itself when it is a bare one.
pub(super) fn repository(folder: &Path) -> Option<PathBuf> {
    let bare =
        folder.join("HEAD").is_file() && folder.join("objects").is_dir() && folder.join("refs").is_dir();
    if bare {
        return Some(folder.to_owned());
    }
    let normal = folder.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
    folder.ancestors().find(|at| normal && at.join(".git").exists()).map(Path::to_owned)
}

/// The work tree of the repository that something is in, or everything: what a command reads of where nobody says.
pub(super) fn work_tree(path: &Path) -> PathBuf {
    let folder = if path.is_dir() { Some(path) } else { path.parent() };
    folder.and_then(repository).unwrap_or_else(|| PathBuf::from("/"))
}

pub(super) fn utf8(path: &Path) -> Result<String> {
    let text = path.to_str().map(str::to_owned);
    text.ok_or_else(|| Error::new(Kind::Invalid, "the name of a folder on the way is not UTF-8"))
}

fn no_revision() -> Error {
    Error::new(
        Kind::Invalid,
        "--revision: the folder is in no git repository, its files are taken as they are",
    )
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn find(from: &str, path: Option<&str>, worktree: bool) -> (String, String) {
        let (origin, path) = Place { from, revision: None, tag_prefix: None, path, worktree }.find().unwrap();
        let origin = match origin {
            Origin::Git { url, .. } => format!("git {url}"),
            Origin::Folder(folder) => format!("folder {}", folder.display()),
        };
        (origin, path)
    }

    #[test]
    fn urls_are_left_alone() {
        for url in ["https://host/a.git", "git@host:org/a.git", "host:a", "file:///a", "ext::sh"] {
            assert_eq!(find(url, Some("web"), false), (format!("git {url}"), "web".into()));
        }
    }

    #[test]
    fn a_folder_of_a_repository_is_found_upward() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("apps/web")).unwrap();
        fs::create_dir(root.join(".git")).unwrap();
        let (top, web) = (root.to_str().unwrap(), root.join("apps/web"));
        let web = web.to_str().unwrap();
        assert_eq!(find(top, Some("apps"), false), (format!("git {top}"), "apps".into()));
        assert_eq!(find(top, None, false), (format!("git {top}"), String::new()));
        assert_eq!(find(web, None, false), (format!("git {top}"), "apps/web".into()));
        assert_eq!(find(web, Some("apps"), false), (format!("git {top}"), "apps".into()));
        assert_eq!(find(web, None, true), (format!("folder {top}"), "apps/web".into()));
    }

    #[test]
    fn a_folder_without_repository_is_taken_as_it_is() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let top = root.to_str().unwrap();
        assert_eq!(find(top, Some("web"), false), (format!("folder {top}"), "web".into()));
        let error = Place { from: top, revision: Some("v1"), tag_prefix: None, path: None, worktree: false }
            .find()
            .unwrap_err();
        assert_eq!(error.kind(), Kind::Invalid);
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        let error =
            Place { from: "./nothing", revision: None, tag_prefix: None, path: None, worktree: false }
                .find()
                .unwrap_err();
        assert_eq!(error.kind(), Kind::NotFound);
        let error =
            Place { from: "https://a/b", revision: None, tag_prefix: None, path: None, worktree: true }
                .find()
                .unwrap_err();
        assert_eq!(error.kind(), Kind::Invalid);
    }
}
