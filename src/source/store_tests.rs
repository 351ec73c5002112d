//! What is fetched, on disk: what survives, what is begun anew, what is evicted.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use testkit::Root;
use testkit::http::Server;
use tree::TreePath;

use super::super::{Settings, Sources};
use crate::error::{Kind, Result};
use crate::request::{Origin, Renderer, Source};

pub(super) fn sources(data: &Path) -> Sources {
    Sources::new(Settings::new(data.to_owned())).unwrap()
}

/// The content of `file` at `revision`, through `sources`.
pub(super) async fn read(sources: &Sources, url: &str, revision: &str, file: &str) -> Result<String> {
    let origin = Origin::Git {
        url: url.into(),
        revision: revision.into(),
        credential: None,
        tag_prefix: String::new(),
    };
    let source = Source { origin, path: String::new(), ref_name: String::new(), renderer: Renderer::Detect };
    let pinned = sources.pin(&[source], true).await?.remove(0);
    let content = sources.open(&pinned).await?.read(&TreePath::parse(file).unwrap())?;
    Ok(String::from_utf8(content.to_vec()).unwrap())
}

/// The generations of the only store, by name.
fn generations(data: &Path) -> Vec<PathBuf> {
    let stores: Vec<_> =
        std::fs::read_dir(data.join("stores")).unwrap().map(|entry| entry.unwrap().path()).collect();
    let inside = stores.iter().flat_map(|store| std::fs::read_dir(store).unwrap());
    let mut found: Vec<_> = inside.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    found.sort();
    found
}

fn count(folder: PathBuf) -> usize {
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_is_read_again_after_a_restart() {
    let (root, data) = (Root::new(), tempfile::tempdir().unwrap());
    root.repo("r.git").commit("main").file("f", "x").write();
    let server = Server::git(&root);
    for _ in 0..2 {
        let sources = sources(data.path());
        assert_eq!(read(&sources, &server.url("r.git"), "main", "f").await.unwrap(), "x");
    }
    assert_eq!(server.fetches(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_is_there_only_when_its_ref_says_so() {
    let (root, data) = (Root::new(), tempfile::tempdir().unwrap());
    root.repo("r.git").commit("main").file("f", "x").write();
    let server = Server::git(&root);
    let url = server.url("r.git");
    read(&sources(data.path()), &url, "main", "f").await.unwrap();
    let store = generations(data.path()).remove(0);
    let name = std::fs::read_dir(store.join("refs/manifestd")).unwrap().next().unwrap().unwrap().path();
    std::fs::remove_file(name).unwrap();
    assert_eq!(read(&sources(data.path()), &url, "main", "f").await.unwrap(), "x");
    assert_eq!(server.fetches(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_process_left_is_swept_and_read_around() {
    let (root, data) = (Root::new(), tempfile::tempdir().unwrap());
    let repo = root.repo("r.git");
    repo.commit("main").file("f", "x").write();
    let server = Server::git(&root);
    let url = server.url("r.git");
    read(&sources(data.path()), &url, "main", "f").await.unwrap();
    let store = generations(data.path()).remove(0);
    std::fs::write(store.join("objects/pack/pack-1111111111111111111111111111111111111111.pack"), "PACK")
        .unwrap();
    let work = data.path().join("work");
    for left in ["p-dead/f-half", "p-young"] {
        std::fs::create_dir_all(work.join(left)).unwrap();
    }
    std::fs::write(work.join("p-dead/lease"), "").unwrap();
    repo.commit("main").file("f", "y").write();
    let sources = sources(data.path());
    assert_eq!(read(&sources, &url, "main", "f").await.unwrap(), "y");
    assert_eq!(count(work.clone()), 1);
    drop(sources);
    assert_eq!(count(work), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_share_a_data_folder() {
    let (root, data) = (Root::new(), tempfile::tempdir().unwrap());
    let repo = root.repo("r.git");
    let server = Server::git(&root);
    let url = server.url("r.git");
    let (one, other) = (sources(data.path()), sources(data.path()));
    for number in 0..4 {
        let content = number.to_string();
        repo.commit("main").file("f", &content).write();
        let (first, second) = tokio::join!(read(&one, &url, "main", "f"), read(&other, &url, "main", "f"));
        assert_eq!((first.unwrap(), second.unwrap()), (content.clone(), content));
    }
    assert_eq!(generations(data.path()).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn above_fifty_packs_a_store_is_begun_anew_and_readers_keep_theirs() {
    let (root, data) = (Root::new(), tempfile::tempdir().unwrap());
    let repo = root.repo("r.git");
    let first = repo.commit("main").file("f", "first").file("g", "g").write().to_string();
    let server = Server::git(&root);
    let url = server.url("r.git");
    let sources = sources(data.path());
    read(&sources, &url, "main", "f").await.unwrap();
    let origin = Origin::Git {
        url: url.clone(),
        revision: first.clone(),
        credential: None,
        tag_prefix: String::new(),
    };
    let source = Source { origin, path: String::new(), ref_name: String::new(), renderer: Renderer::Detect };
    let pinned = sources.pin(&[source], false).await.unwrap().remove(0);
    let reader = sources.open(&pinned).await.unwrap();
    for number in 0..51 {
        repo.commit("main").file("f", number.to_string()).write();
        assert_eq!(read(&sources, &url, "main", "f").await.unwrap(), number.to_string());
    }
    let names = |data: &Path| {
        generations(data).iter().filter_map(|path| Some(path.file_name()?.to_owned())).collect::<Vec<_>>()
    };
    assert_eq!(names(data.path()), ["g-1", "g-2"]);
    assert_eq!(&reader.read(&TreePath::parse("g").unwrap()).unwrap()[..], b"g");
    assert_eq!(count(generations(data.path())[1].join("objects/pack")), 2);
    drop(reader);
    repo.commit("main").file("f", "last").write();
    assert_eq!(read(&sources, &url, "main", "f").await.unwrap(), "last");
    assert_eq!(names(data.path()), ["g-2"]);
    assert_eq!(read(&sources, &url, &first, "f").await.unwrap(), "first");
}

#[tokio::test(flavor = "multi_thread")]
async fn stores_are_evicted_by_use_but_never_one_in_use() {
    let (root, data) = (Root::new(), tempfile::tempdir().unwrap());
    for name in ["a.git", "b.git", "c.git"] {
        root.repo(name).commit("main").file("f", name).write();
    }
    let server = Server::git(&root);
    let settings = Settings { data_max_bytes: 1, ..Settings::new(data.path().to_owned()) };
    let sources = Sources::new(settings).unwrap();
    let origin = Origin::Git {
        url: server.url("a.git"),
        revision: String::new(),
        credential: None,
        tag_prefix: String::new(),
    };
    let source = Source { origin, path: String::new(), ref_name: String::new(), renderer: Renderer::Detect };
    let pinned = sources.pin(&[source], false).await.unwrap().remove(0);
    let used = sources.open(&pinned).await.unwrap();
    for name in ["b.git", "c.git", "b.git"] {
        assert_eq!(read(&sources, &server.url(name), "main", "f").await.unwrap(), name);
    }
    assert_eq!(&used.read(&TreePath::parse("f").unwrap()).unwrap()[..], b"a.git");
    // What is in use: `a`, and what was fetched last.
    assert_eq!(generations(data.path()).len(), 2);
    assert_eq!(server.fetches(), 4);
    drop(used);
    assert_eq!(read(&sources, &server.url("c.git"), "main", "f").await.unwrap(), "c.git");
    assert_eq!(generations(data.path()).len(), 1);
}

#[test]
fn a_data_folder_of_another_version_is_refused() {
    let data = tempfile::tempdir().unwrap();
    std::fs::write(data.path().join("version"), "manifestd data 99\n").unwrap();
    let error = Sources::new(Settings::new(data.path().to_owned())).err().unwrap();
    assert_eq!(error.kind(), Kind::Precondition);
    assert!(!error.message().contains(data.path().to_str().unwrap()));
}

/// A file system of this size at `folder`, unmounted when dropped; `None` when we may not mount one.
struct Mounted<'a>(&'a Path);

impl<'a> Mounted<'a> {
    fn new(test: &str, folder: &'a Path, size: &str) -> Option<Self> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(folder).stderr(Stdio::null());
        let mounted = mount.status().is_ok_and(|status| status.success());
        if !mounted {
            eprintln!(
                "{test} is skipped: no small file system can be mounted; run the tests as root to have it"
            );
        }
        mounted.then_some(Self(folder))
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        // Lazily: whatever is still open must not keep it.
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_an_error_and_the_next_request_works() {
    let (root, data) = (Root::new(), tempfile::tempdir().unwrap());
    testkit::wide(&root.repo("large.git"), 4_000);
    root.repo("small.git").commit("main").file("f", "x").write();
    let server = Server::git(&root);
    let Some(_mounted) = Mounted::new("a_full_disk", data.path(), "200k") else { return };
    let sources = sources(data.path());
    let error =
        read(&sources, &server.url("large.git"), "main", "apps/app-0000/service.yaml").await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable, "{error}");
    assert!(error.message().ends_with("the data folder is full"), "{error}");
    assert!(!error.message().contains(data.path().to_str().unwrap()));
    assert_eq!(read(&sources, &server.url("small.git"), "main", "f").await.unwrap(), "x");
}

/// Set for the child of the next test: where it fetches from and to.
const CHILD: &str = "MANIFESTD_TEST_KILLED_CHILD";

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_the_next_start_serves_what_is_right() {
    if let Ok(told) = std::env::var(CHILD) {
        let (url, data) = told.split_once(' ').unwrap();
        read(&sources(Path::new(data)), url, "main", "f").await.unwrap();
        return;
    }
    let (root, data) = (Root::new(), tempfile::tempdir().unwrap());
    let repo = root.repo("r.git");
    testkit::wide(&repo, 300);
    let server = Server::git(&root);
    let url = server.url("r.git");
    for round in 0..25_u64 {
        let content = round.to_string();
        repo.commit("main").file("f", &content).write();
        let child = spawn_child(&format!("{url} {}", data.path().display()));
        kill_in_fetch(child, &server, Duration::from_millis(2 * round));
        let sources = sources(data.path());
        assert_eq!(read(&sources, &url, "main", "f").await.unwrap(), content);
        assert!(read(&sources, &url, "main", "apps/app-0000/service.yaml").await.is_ok());
        assert_eq!(count(data.path().join("work")), 1);
    }
}

/// This test once more, as a process of its own that fetches once.
fn spawn_child(told: &str) -> Child {
    let test = "source::git::store_tests::killed_at_any_moment_the_next_start_serves_what_is_right";
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test]).env(CHILD, told).stdout(Stdio::null()).spawn().unwrap()
}

/// Kills the child so long after its fetch has begun, at whatever it does then.
fn kill_in_fetch(mut child: Child, server: &Server, after: Duration) {
    let before = server.fetches();
    while server.fetches() == before {
        assert!(child.try_wait().unwrap().is_none(), "the child ended without a fetch");
        std::thread::sleep(Duration::from_millis(1));
    }
    std::thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();
}
