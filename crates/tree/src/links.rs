//! Symbolic links, followed inside a tree as a file system would follow them, never out of it.

use std::sync::Arc;

use bytes::Bytes;

use crate::{Error, Kind, MAX_LINKS, Named, Tree, TreePath};

/// The path that `path` leads to when every link on the way is followed, the last name included.
///
/// Links are read relative to the folder that holds them, and `..` after a link is the folder above the link's
/// *target*. A path leading through something absent, or through a file, resolves to itself from there on, so that
/// reading it says so.
///
/// # Errors
/// [`Error::OutOfBounds`] for an absolute link, or one that leaves the root anywhere on its way even if it comes
/// back; [`Error::LinkLoop`] above [`MAX_LINKS`] links; [`Error::NotFound`] for an empty link; [`Error::WrongKind`]
/// for `..` after something that is not a folder; and whatever the tree answers.
pub fn resolve(tree: &dyn Tree, path: &TreePath) -> Result<TreePath, Error> {
    resolve_within(tree, &TreePath::root(), path)
}

/// As [`resolve`] in the tree whose root is the folder `base`, which leads through no link: what lies outside of it is
/// out of bounds. Both paths are of the whole tree.
///
/// # Errors
/// As [`resolve`]; [`Error::OutOfBounds`] for a path that is not beneath `base`.
pub fn resolve_within(tree: &dyn Tree, base: &TreePath, path: &TreePath) -> Result<TreePath, Error> {
    let inside = path.strip(base).ok_or_else(|| Error::OutOfBounds { link: path.clone() })?;
    let mut walk =
        Walk { tree, base, asked: path, at: base.clone(), ahead: Vec::new(), link: None, links: 0 };
    walk.plan(inside);
    while let Some(name) = walk.ahead.pop() {
        if &*name == ".." {
            walk.up()?;
        } else if let Some(end) = walk.down(&name)? {
            return Ok(end);
        }
    }
    Ok(walk.at)
}

/// The content of the file that `path` leads to.
///
/// # Errors
/// As [`resolve`] and [`Tree::read`].
pub fn read(tree: &dyn Tree, path: &TreePath) -> Result<Bytes, Error> {
    tree.read(&resolve(tree, path)?)
}

/// What `path` leads to, never a link; `None` when that is nothing.
///
/// # Errors
/// As [`resolve`] and [`Tree::kind`].
pub fn kind_of(tree: &dyn Tree, path: &TreePath) -> Result<Option<Kind>, Error> {
    tree.kind(&resolve(tree, path)?)
}

/// The entries of the folder that `path` leads to; links among them are not followed.
///
/// # Errors
/// As [`resolve`] and [`Tree::list`].
pub fn list(tree: &dyn Tree, path: &TreePath) -> Result<Arc<[Named]>, Error> {
    tree.list(&resolve(tree, path)?)
}

struct Walk<'a> {
    tree: &'a dyn Tree,
    /// The folder that is not left.
    base: &'a TreePath,
    asked: &'a TreePath,
    /// A folder that exists, or the end of the walk.
    at: TreePath,
    /// The names still to go, the next one last.
    ahead: Vec<Arc<str>>,
    /// The link followed last: the one to blame for leaving the root.
    link: Option<TreePath>,
    links: usize,
}

impl Walk<'_> {
    fn plan(&mut self, text: &str) {
        let names = text.split('/').rev().filter(|name| !matches!(*name, "" | "."));
        self.ahead.extend(names.map(Arc::from));
    }

    fn up(&mut self) -> Result<(), Error> {
        self.at = self.above(&self.at)?;
        Ok(())
    }

    fn above(&self, path: &TreePath) -> Result<TreePath, Error> {
        path.parent().filter(|_| path != self.base).ok_or_else(|| self.out_of_bounds())
    }

    /// One name down; answers the end of the walk when it leads no further.
    fn down(&mut self, name: &str) -> Result<Option<TreePath>, Error> {
        let next = self.at.child(name);
        match self.tree.kind(&next)? {
            Some(Kind::Link) => self.follow(next).map(|()| None),
            Some(Kind::Folder) => {
                self.at = next;
                Ok(None)
            }
            other => self.stuck(next, other).map(Some),
        }
    }

    fn follow(&mut self, link: TreePath) -> Result<(), Error> {
        self.links += 1;
        if self.links > MAX_LINKS {
            return Err(Error::LinkLoop { path: self.asked.clone() });
        }
        let text = self.tree.link(&link)?;
        if text.is_empty() {
            return Err(Error::NotFound(link));
        }
        if text.starts_with('/') || text.contains('\0') {
            return Err(Error::OutOfBounds { link });
        }
        self.link = Some(link);
        self.plan(&text);
        Ok(())
    }

    /// The walk has reached `next`, which is no folder: the rest is taken as it stands.
    fn stuck(&self, next: TreePath, found: Option<Kind>) -> Result<TreePath, Error> {
        let mut end = next.clone();
        for name in self.ahead.iter().rev() {
            end = match &**name {
                ".." => self.above(&end)?,
                name => end.child(name),
            };
        }
        let climbs = self.ahead.iter().any(|name| &**name == "..");
        match found {
            Some(found) if climbs => Err(Error::wrong(&next, Kind::Folder, found)),
            None if climbs => Ok(next),
            _ => Ok(end),
        }
    }

    fn out_of_bounds(&self) -> Error {
        Error::OutOfBounds { link: self.link.clone().unwrap_or_else(|| self.asked.clone()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryTree;

    fn path(text: &str) -> TreePath {
        TreePath::parse(text).unwrap()
    }

    fn tree(links: &[(&str, &str)]) -> MemoryTree {
        let mut builder = MemoryTree::builder();
        for file in ["file", "dir/file", "dir/sub/deep", "other/file"] {
            builder.file(path(file), file.to_owned());
        }
        for (link, text) in links {
            builder.link(path(link), text);
        }
        builder.build().unwrap()
    }

    /// What `from` leads to when `link` holds `text`.
    fn leads(link: &str, text: &str, from: &str) -> Result<String, Error> {
        resolve(&tree(&[(link, text)]), &path(from)).map(|end| end.to_string())
    }

    #[test]
    fn links_are_relative_to_their_folder() {
        assert_eq!(leads("dir/l", "file", "dir/l").unwrap(), "dir/file");
        assert_eq!(leads("dir/l", "../file", "dir/l").unwrap(), "file");
        assert_eq!(leads("dir/l", "..", "dir/l/other/file").unwrap(), "other/file");
        assert_eq!(leads("l", "./dir//sub/.", "l/deep").unwrap(), "dir/sub/deep");
        assert_eq!(leads("dir/l", "..", "dir/l").unwrap(), ".");
    }

    #[test]
    fn up_from_a_link_is_up_from_its_target() {
        let linked = tree(&[("l", "dir/sub"), ("m", "l/../file")]);
        assert_eq!(resolve(&linked, &path("m")).unwrap(), path("dir/file"));
    }

    #[test]
    fn leaving_the_root_is_out_of_bounds() {
        for text in [
            "/etc/passwd",
            "/",
            "..",
            "../x",
            "../repo/file",
            "dir/../../file",
            "missing/../../x",
            "file/../../x",
        ] {
            assert_eq!(leads("l", text, "l"), Err(Error::OutOfBounds { link: path("l") }), "{text}");
        }
        assert_eq!(
            leads("dir/l", "../../repo/dir", "dir/l/x"),
            Err(Error::OutOfBounds { link: path("dir/l") })
        );
    }

    #[test]
    fn the_link_that_leaves_is_named() {
        let linked = tree(&[("l", "dir/m"), ("dir/m", "../../x")]);
        assert_eq!(resolve(&linked, &path("l")), Err(Error::OutOfBounds { link: path("dir/m") }));
    }

    #[test]
    fn a_folder_can_be_the_root() {
        let linked =
            tree(&[("dir/in", "sub/../file"), ("dir/out", "../file"), ("dir/sub/back", "../../dir/file")]);
        let within = |text: &str| resolve_within(&linked, &path("dir"), &path(text));
        assert_eq!(within("dir/in").unwrap(), path("dir/file"));
        assert_eq!(within("dir").unwrap(), path("dir"));
        for link in ["dir/out", "dir/sub/back"] {
            assert_eq!(within(link), Err(Error::OutOfBounds { link: path(link) }));
        }
        for other in ["file", "other/file", "."] {
            assert_eq!(within(other), Err(Error::OutOfBounds { link: path(other) }));
        }
    }

    #[test]
    fn circles_end() {
        let circle = tree(&[("l", "m"), ("m", "l"), ("n", "n/x")]);
        assert_eq!(resolve(&circle, &path("l/x")), Err(Error::LinkLoop { path: path("l/x") }));
        assert_eq!(resolve(&circle, &path("n")), Err(Error::LinkLoop { path: path("n") }));
    }

    #[test]
    fn as_many_links_as_linux_allows() {
        let chain = |count: usize| {
            let links: Vec<_> = (0..count).map(|n| (format!("l{n}"), format!("l{}", n + 1))).collect();
            let mut builder = MemoryTree::builder();
            builder.file(path(&format!("l{count}")), "end");
            for (link, text) in &links {
                builder.link(path(link), text);
            }
            resolve(&builder.build().unwrap(), &path("l0"))
        };
        assert_eq!(chain(MAX_LINKS).unwrap(), path(&format!("l{MAX_LINKS}")));
        assert_eq!(chain(MAX_LINKS + 1), Err(Error::LinkLoop { path: path("l0") }));
    }

    #[test]
    fn what_is_absent_resolves_to_itself() {
        assert_eq!(leads("l", "missing/x", "l/y").unwrap(), "missing/x/y");
        assert_eq!(leads("l", "dir", "l/none/x").unwrap(), "dir/none/x");
        assert_eq!(leads("l", "missing/../file", "l").unwrap(), "missing");
        assert_eq!(leads("l", "file", "l/x").unwrap(), "file/x");
        assert_eq!(leads("l", "", "l"), Err(Error::NotFound(path("l"))));
    }

    #[test]
    fn a_file_has_no_parent_to_climb_to() {
        assert_eq!(
            leads("l", "file/../dir", "l"),
            Err(Error::wrong(&path("file"), Kind::Folder, Kind::File))
        );
    }

    #[test]
    fn answers_come_through_links() {
        let linked = tree(&[("l", "dir")]);
        assert_eq!(&read(&linked, &path("l/file")).unwrap()[..], b"dir/file");
        assert_eq!(kind_of(&linked, &path("l")).unwrap(), Some(Kind::Folder));
        assert_eq!(kind_of(&linked, &path("l/none")).unwrap(), None);
        assert_eq!(list(&linked, &path("l")).unwrap().len(), 2);
    }
}
