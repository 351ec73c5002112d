//! Everything under the data folder may be damaged, at start or while it is in use: it is fetched anew, and no answer is
//! ever wrong.

use std::path::{Path, PathBuf};

use testkit::http::Server;
use testkit::{Repo, Root};

use super::store_tests::{read, sources};

/// What is done to a file.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Harm {
    Garbage,
    Half,
    Nothing,
    Gone,
    Folder,
}

const HARMS: [Harm; 5] = [Harm::Garbage, Harm::Half, Harm::Nothing, Harm::Gone, Harm::Folder];

impl Harm {
    fn is_done_to(self, path: &Path) {
        let content = std::fs::read(path).unwrap();
        std::fs::remove_file(path).unwrap();
        match self {
            Self::Garbage => {
                let garbage: Vec<u8> = content.iter().map(|byte| byte ^ 0x5a).chain(*b"\xffmore").collect();
                std::fs::write(path, garbage).unwrap();
            }
            Self::Half => std::fs::write(path, &content[..content.len() / 2]).unwrap(),
            Self::Nothing => std::fs::write(path, "").unwrap(),
            Self::Gone => {}
            Self::Folder => std::fs::create_dir(path).unwrap(),
        }
    }

    /// The same to the file itself, which others may have open.
    fn is_done_in_place(self, path: &Path) {
        use std::os::unix::fs::PermissionsExt;
        if self != Self::Garbage {
            return self.is_done_to(path);
        }
        // Nobody but root may write to a pack otherwise.
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let garbage: Vec<u8> = std::fs::read(path).unwrap().iter().map(|byte| byte ^ 0x5a).collect();
        std::fs::write(path, garbage).unwrap();
    }
}

/// A repository of two commits, and its server.
fn repository() -> (Root, Repo, Server) {
    let root = Root::new();
    let repo = root.repo("r.git");
    repo.commit("main").file("f", "one").file("same", "same").write();
    let server = Server::git(&root);
    (root, repo, server)
}

/// The files beneath a folder, by their paths in it; none of a process of this moment.
fn files(data: &Path) -> Vec<PathBuf> {
    let (mut found, mut open) = (Vec::new(), vec![data.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.retain(|path| !path.starts_with(data.join("work")));
    found.sort();
    found.into_iter().map(|path| path.strip_prefix(data).unwrap().to_owned()).collect()
}

fn copy(from: &Path, to: &Path) {
    for path in files(from) {
        std::fs::create_dir_all(to.join(&path).parent().unwrap()).unwrap();
        std::fs::copy(from.join(&path), to.join(&path)).unwrap();
    }
}

/// A data folder in which the repository was fetched, and its files.
async fn fetched(url: &str) -> (tempfile::TempDir, Vec<PathBuf>) {
    let data = tempfile::tempdir().unwrap();
    assert_eq!(read(&sources(data.path()), url, "main", "f").await.unwrap(), "one");
    let found = files(data.path());
    for name in ["version", "lock", "config", "HEAD", "lease", "used", "shallow"] {
        assert!(found.iter().any(|path| path.ends_with(name)), "{name} is not among {found:?}");
    }
    (data, found)
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_before_the_start() {
    let (_root, _repo, server) = repository();
    let url = server.url("r.git");
    let (master, found) = fetched(&url).await;
    for path in found {
        for harm in HARMS {
            let data = tempfile::tempdir().unwrap();
            copy(master.path(), data.path());
            harm.is_done_to(&data.path().join(&path));
            let sources = sources(data.path());
            for attempt in 0..3 {
                match read(&sources, &url, "main", "f").await {
                    Ok(content) => assert_eq!(content, "one", "{harm:?} of {path:?}"),
                    Err(error) => assert!(attempt == 0, "{harm:?} of {path:?}: {error}"),
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_while_in_use() {
    let (_root, repo, server) = repository();
    let url = server.url("r.git");
    let (master, found) = fetched(&url).await;
    repo.commit("main").file("f", "two").write();
    for path in found {
        for harm in HARMS {
            let data = tempfile::tempdir().unwrap();
            copy(master.path(), data.path());
            let sources = sources(data.path());
            assert_eq!(read(&sources, &url, "main", "f").await.unwrap(), "two");
            harm.is_done_in_place(&data.path().join(&path));
            for attempt in 0..3 {
                match read(&sources, &url, "main", "same").await {
                    Ok(content) => assert_eq!(content, "same", "{harm:?} of {path:?}"),
                    Err(error) => assert!(attempt == 0, "{harm:?} of {path:?}: {error}"),
                }
            }
            assert_eq!(read(&sources, &url, "main", "f").await.unwrap(), "two", "{harm:?} of {path:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_store_does_not_stand_in_the_way_of_a_new_commit() {
    let (_root, repo, server) = repository();
    let url = server.url("r.git");
    let (data, found) = fetched(&url).await;
    let sources = sources(data.path());
    assert_eq!(read(&sources, &url, "main", "f").await.unwrap(), "one");
    let pack = found.iter().find(|path| path.extension().is_some_and(|end| end == "pack")).unwrap();
    Harm::Garbage.is_done_in_place(&data.path().join(pack));
    repo.commit("main").file("f", "two").write();
    let first = read(&sources, &url, "main", "same").await;
    let second = read(&sources, &url, "main", "same").await;
    assert!(first.is_ok() || second.is_ok(), "{first:?} {second:?}");
    assert_eq!(read(&sources, &url, "main", "f").await.unwrap(), "two");
    assert!(data.path().join("damaged").is_dir());
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_that_vanish_are_made_again() {
    let (_root, _repo, server) = repository();
    let url = server.url("r.git");
    for gone in ["stores", "work", ""] {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("data");
        let sources = sources(&folder);
        assert_eq!(read(&sources, &url, "main", "f").await.unwrap(), "one");
        std::fs::remove_dir_all(folder.join(gone)).unwrap();
        std::fs::remove_dir_all(folder.join("stores")).ok();
        assert_eq!(read(&sources, &url, "main", "f").await.unwrap(), "one", "without {gone:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_remote_never_sent_is_not_asked_for_again_and_again() {
    let mut pack = testkit::pack::Pack::new();
    let (here, missing) = (pack.blob("here"), testkit::Oid::from_str(&"12".repeat(20)).unwrap());
    let tree = pack.tree(&[("100644", "f", here), ("100644", "g", missing)]);
    let commit = pack.commit(tree);
    let server = testkit::http::Scripted { commit, pack: pack.bytes() }.start();
    let data = tempfile::tempdir().unwrap();
    let sources = sources(data.path());
    for _ in 0..5 {
        assert!(read(&sources, &server.url("r.git"), "main", "g").await.is_err());
        assert_eq!(read(&sources, &server.url("r.git"), "main", "f").await.unwrap(), "here");
    }
    assert_eq!(server.fetches(), 2, "once, and once more in case it was lost here");
}
