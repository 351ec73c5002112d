//! Git repositories made by code: fixed names and dates, so the same calls always give the same ids.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use git2::build::TreeUpdateBuilder;
use git2::{FileMode, ObjectType, Oid, Repository, RepositoryInitOptions, Signature, Time};
use tempfile::TempDir;

/// The second the first commit of every repository is dated: 2024-01-01T00:00:00Z. Each next one is a minute later.
const FIRST_COMMIT: i64 = 1_704_067_200;

/// A temporary folder of bare repositories, as a git server has it; removed on drop.
#[derive(Debug)]
pub struct Root(TempDir);

impl Default for Root {
    fn default() -> Self {
        Self::new()
    }
}

impl Root {
    /// An empty folder.
    #[must_use]
    pub fn new() -> Self {
        Self(TempDir::new().expect("a temporary folder can be made"))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// A new, empty, bare repository at `name` (`org/app.git`), `HEAD` pointing to `main`.
    #[must_use]
    pub fn repo(&self, name: &str) -> Repo {
        Repo::init(&self.path().join(name))
    }
}

/// A bare repository and its clock.
pub struct Repo {
    git: Repository,
    path: PathBuf,
    minutes: Rc<Cell<i64>>,
}

impl std::fmt::Debug for Repo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Repo({})", self.path.display())
    }
}

impl Repo {
    /// A new bare repository at `path`, `HEAD` pointing to `main`.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn init(path: &Path) -> Self {
        let mut options = RepositoryInitOptions::new();
        options.bare(true).mkpath(true).initial_head("main").external_template(false);
        let git = Repository::init_opts(path, &options).expect("a repository can be made");
        Self { git, path: path.to_owned(), minutes: Rc::default() }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The library's own handle, for what this type does not do.
    #[must_use]
    pub fn git(&self) -> &Repository {
        &self.git
    }

    /// Another handle of the same repository, with the same clock.
    pub(crate) fn reopened(&self) -> Self {
        let git = Repository::open_bare(&self.path).expect("the repository is there");
        Self { git, path: self.path.clone(), minutes: self.minutes.clone() }
    }

    /// Begins a commit on `branch`: the branch's tip with changes, or an empty tree when the branch is new.
    #[must_use]
    pub fn commit<'a>(&'a self, branch: &'a str) -> Commit<'a> {
        let message = format!("Commit {}", self.minutes.get());
        Commit { repo: self, branch, changes: TreeUpdateBuilder::new(), message, parent: None }
    }

    /// Points `refs/heads/<name>` at a commit, forced.
    pub fn branch(&self, name: &str, commit: Oid) {
        self.reference(&format!("refs/heads/{name}"), commit);
    }

    /// Makes a lightweight tag, forced.
    pub fn tag(&self, name: &str, commit: Oid) {
        self.reference(&format!("refs/tags/{name}"), commit);
    }

    /// Makes an annotated tag of any object (also of a tag) and returns the tag object's id.
    ///
    /// # Panics
    /// When the object does not exist.
    pub fn annotated_tag(&self, name: &str, target: Oid) -> Oid {
        let target = self.git.find_object(target, None).expect("the tagged object exists");
        self.git
            .tag(name, &target, &self.signature(), &format!("Tag {name}"), true)
            .expect("a tag can be written")
    }

    /// Points any full ref name at any object, forced.
    ///
    /// # Panics
    /// When the name is no ref name.
    pub fn reference(&self, name: &str, target: Oid) {
        self.git.reference(name, target, true, "testkit").expect("a ref can be written");
    }

    /// Removes a ref by its full name.
    ///
    /// # Panics
    /// When there is none.
    pub fn remove_reference(&self, name: &str) {
        let mut found = self.git.find_reference(name).expect("the ref exists");
        found.delete().expect("a ref can be deleted");
    }

    /// Points `HEAD` at a branch, which need not exist.
    ///
    /// # Panics
    /// When the name is no branch name.
    pub fn head(&self, branch: &str) {
        self.git.set_head(&format!("refs/heads/{branch}")).expect("HEAD can be set");
    }

    /// The commit a ref (full name) stands for.
    ///
    /// # Panics
    /// When there is no such ref.
    #[must_use]
    pub fn tip(&self, name: &str) -> Oid {
        let found = self.git.find_reference(name).expect("the ref exists");
        found.peel_to_commit().expect("the ref names a commit").id()
    }

    /// Writes a blob.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn blob(&self, content: impl AsRef<[u8]>) -> Oid {
        self.git.blob(content.as_ref()).expect("a blob can be written")
    }

    /// Writes a tree object from raw entries (`100644`, name, id), unchecked and unsorted: for names no git
    /// program would write (`..`, `.git`, `a/b`).
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn raw_tree<N: AsRef<[u8]>>(&self, entries: &[(&str, N, Oid)]) -> Oid {
        let mut bytes = Vec::new();
        for (mode, name, id) in entries {
            bytes.extend_from_slice(mode.as_bytes());
            bytes.push(b' ');
            bytes.extend_from_slice(name.as_ref());
            bytes.push(0);
            bytes.extend_from_slice(id.as_bytes());
        }
        self.git.odb().and_then(|odb| odb.write(ObjectType::Tree, &bytes)).expect("a tree can be written")
    }

    /// Commits a whole tree on `branch` and returns the commit.
    ///
    /// # Panics
    /// When the tree cannot be committed.
    pub fn commit_tree(&self, branch: &str, tree: Oid, message: &str) -> Oid {
        let name = format!("refs/heads/{branch}");
        let parents = self.git.find_reference(&name).and_then(|found| found.peel_to_commit()).ok();
        let id = self.raw_commit(tree, parents.iter().map(git2::Commit::id), message);
        self.reference(&name, id);
        id
    }

    /// Writes a commit object without touching any ref; neither tree nor parents need to exist.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn raw_commit(&self, tree: Oid, parents: impl IntoIterator<Item = Oid>, message: &str) -> Oid {
        let who = format!("Test Author <author@example.com> {} +0000", self.now());
        let mut text = format!("tree {tree}\n");
        parents.into_iter().for_each(|parent| text.push_str(&format!("parent {parent}\n")));
        text.push_str(&format!("author {who}\ncommitter {who}\n\n{message}\n"));
        self.minutes.set(self.minutes.get() + 1);
        self.git
            .odb()
            .and_then(|odb| odb.write(ObjectType::Commit, text.as_bytes()))
            .expect("a commit can be written")
    }

    fn now(&self) -> i64 {
        FIRST_COMMIT + 60 * self.minutes.get()
    }

    fn signature(&self) -> Signature<'static> {
        let time = Time::new(self.now(), 0);
        Signature::new("Test Author", "author@example.com", &time).expect("the name holds no angle bracket")
    }
}

/// A commit being put together: the parent's tree with changes.
pub struct Commit<'a> {
    repo: &'a Repo,
    branch: &'a str,
    changes: TreeUpdateBuilder,
    message: String,
    parent: Option<Oid>,
}

impl Commit<'_> {
    /// A regular file.
    #[must_use]
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let id = self.repo.blob(content);
        self.entry(path, id, FileMode::Blob)
    }

    /// A file with the executable bit.
    #[must_use]
    pub fn executable(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let id = self.repo.blob(content);
        self.entry(path, id, FileMode::BlobExecutable)
    }

    /// A symbolic link with any text.
    #[must_use]
    pub fn link(self, path: &str, target: &str) -> Self {
        let id = self.repo.blob(target);
        self.entry(path, id, FileMode::Link)
    }

    /// A submodule entry: a commit of another repository.
    #[must_use]
    pub fn submodule(self, path: &str, commit: &str) -> Self {
        let id = Oid::from_str(commit).expect("a submodule's commit is an id in hex");
        self.entry(path, id, FileMode::Commit)
    }

    /// Removes a file or link.
    #[must_use]
    pub fn remove(mut self, path: &str) -> Self {
        self.changes.remove(path);
        self
    }

    /// Every file and link beneath a folder of this machine, under `prefix` (empty: the root).
    ///
    /// # Panics
    /// When the folder cannot be read.
    #[must_use]
    pub fn folder(mut self, prefix: &str, from: &Path) -> Self {
        let mut entries: Vec<_> = std::fs::read_dir(from).expect("the folder can be read").collect();
        entries.sort_by_key(|entry| entry.as_ref().map(std::fs::DirEntry::file_name).ok());
        for entry in entries {
            let entry = entry.expect("the folder can be read");
            let name = entry.file_name().into_string().expect("names of test data are UTF-8");
            let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
            self = self.copied(&path, &entry.path());
        }
        self
    }

    /// The commit message.
    #[must_use]
    pub fn message(mut self, message: &str) -> Self {
        message.clone_into(&mut self.message);
        self
    }

    /// Another parent than the branch's tip.
    #[must_use]
    pub fn parent(mut self, commit: Oid) -> Self {
        self.parent = Some(commit);
        self
    }

    /// Writes the commit, moves the branch to it, and returns its id.
    ///
    /// # Panics
    /// When a change does not fit (a removed path that is not there).
    pub fn write(mut self) -> Oid {
        let git = self.repo.git();
        let name = format!("refs/heads/{}", self.branch);
        let tip =
            git.find_reference(&name).and_then(|found| found.peel_to_commit()).ok().map(|commit| commit.id());
        let parent = self.parent.or(tip);
        let tree = match parent {
            Some(id) => git.find_commit(id).and_then(|commit| commit.tree()),
            None => git.treebuilder(None).and_then(|empty| empty.write()).and_then(|id| git.find_tree(id)),
        };
        let tree = self.changes.create_updated(git, &tree.expect("the parent is complete"));
        let id = self.repo.raw_commit(tree.expect("the changes fit the parent"), parent, &self.message);
        self.repo.reference(&name, id);
        id
    }

    fn entry(mut self, path: &str, id: Oid, mode: FileMode) -> Self {
        self.changes.upsert(path, id, mode);
        self
    }

    fn copied(self, path: &str, from: &Path) -> Self {
        let kind = from.symlink_metadata().expect("the entry exists");
        if kind.is_symlink() {
            let target = std::fs::read_link(from).expect("the link can be read");
            return self.link(path, target.to_str().expect("links of test data are UTF-8"));
        }
        if kind.is_dir() {
            return self.folder(path, from);
        }
        self.file(path, std::fs::read(from).expect("the file can be read"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_calls_give_the_same_ids() {
        let make = || {
            let root = Root::new();
            let repo = root.repo("a.git");
            let first =
                repo.commit("main").file("a/b.yaml", "x").link("l", "a/b.yaml").executable("run", "").write();
            let second = repo.commit("main").remove("l").submodule("sub", &first.to_string()).write();
            (first, second, repo.annotated_tag("v1", second))
        };
        assert_eq!(make(), make());
        assert_eq!(make().0.to_string(), "5e29b2db576eb3c8811e35fceecf4976d5644715");
    }

    #[test]
    fn hostile_names_can_be_written() {
        let root = Root::new();
        let repo = root.repo("a.git");
        let blob = repo.blob("x");
        let tree = repo.raw_tree(&[("100644", "..", blob), ("100644", "a/b", blob)]);
        let commit = repo.commit_tree("main", tree, "hostile");
        assert_eq!(repo.tip("refs/heads/main"), commit);
    }

    #[test]
    fn a_folder_is_copied_with_its_links() {
        let from = TempDir::new().unwrap();
        std::fs::create_dir(from.path().join("d")).unwrap();
        std::fs::write(from.path().join("d/f"), "x").unwrap();
        std::os::unix::fs::symlink("d/f", from.path().join("l")).unwrap();
        let root = Root::new();
        let repo = root.repo("a.git");
        let commit = repo.commit("main").folder("in", from.path()).write();
        let tree = repo.git().find_commit(commit).unwrap().tree().unwrap();
        assert_eq!(tree.get_path(Path::new("in/l")).unwrap().filemode(), 0o120_000);
        assert_eq!(tree.get_path(Path::new("in/d/f")).unwrap().filemode(), 0o100_644);
    }
}
