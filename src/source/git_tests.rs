//! Sources of git over real servers on loopback.

use std::os::unix::process::CommandExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use testkit::http::{Act, Auth, Options, Server};
use testkit::ssh::Key;
use testkit::{Certificates, Raw, Root, Script};
use tree::{Tree, TreePath};

use super::super::{Pinned, Settings, Sources};
use crate::credentials::{Credential, Secret};
use crate::error::{Error, Kind, Result};
use crate::request::{Origin, Renderer, Source};

/// A data folder and sources that use it.
struct Here {
    data: tempfile::TempDir,
    sources: Arc<Sources>,
}

impl Here {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut settings = Settings::new(data.path().to_owned());
        change(&mut settings);
        let sources = Arc::new(Sources::new(settings).unwrap());
        Self { data, sources }
    }

    /// As [`Here::new`], for the server that misbehaves.
    fn hasty() -> Self {
        Self::with(|settings| {
            settings.limits.stall = Duration::from_millis(400);
            settings.limits.list = Duration::from_secs(5);
            settings.limits.fetch = Duration::from_secs(5);
        })
    }

    async fn pin(&self, url: &str, revision: &str) -> Result<Pinned> {
        self.pin_as(url, revision, None).await
    }

    async fn pin_as(&self, url: &str, revision: &str, credential: Option<Credential>) -> Result<Pinned> {
        let mut pinned = self.sources.pin(&[source(url, revision, credential)], false).await?;
        Ok(pinned.remove(0))
    }

    /// The content of `file` at `revision`.
    async fn read(&self, url: &str, revision: &str, file: &str) -> Result<String> {
        let tree = self.sources.open(&self.pin(url, revision).await?).await?;
        read(&*tree, file)
    }
}

fn source(url: &str, revision: &str, credential: Option<Credential>) -> Source {
    let origin = Origin::Git { url: url.to_owned(), revision: revision.to_owned(), credential };
    Source { origin, path: String::new(), ref_name: String::new(), renderer: Renderer::Detect }
}

fn read(tree: &dyn Tree, file: &str) -> Result<String> {
    let content = tree.read(&TreePath::parse(file).unwrap())?;
    Ok(String::from_utf8(content.to_vec()).unwrap())
}

fn password(user: &str, password: &str) -> Credential {
    Credential { username: user.into(), password: Secret::new(password), ..Credential::default() }
}

/// A server that asks everybody for a password.
fn private(root: &Root) -> Server {
    let auth = Some(Auth::Basic("me".into(), "right".into()));
    Server::start(Options { root: Some(root.path().to_owned()), auth, ..Options::default() })
}

fn scripted(root: &Root, act: impl Fn(&testkit::http::Request) -> Act + Send + Sync + 'static) -> Server {
    Server::start(Options { root: Some(root.path().to_owned()), act: Box::new(act), ..Options::default() })
}

/// Two commits on `main` with the file `f`, the first one tagged.
fn two_commits() -> (Root, String, String) {
    let root = Root::new();
    let repo = root.repo("r.git");
    let first = repo.commit("main").file("f", "one").file("same", "same").write();
    let second = repo.commit("main").file("f", "two").write();
    repo.annotated_tag("v1.0.0", first);
    (root, first.to_string(), second.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_name_a_commit() {
    let (root, first, second) = two_commits();
    let repo = root.repo("r.git");
    let other = repo.commit("feature/x").file("f", "other").write();
    repo.branch("v1.0.0", other);
    repo.branch("deadbeef", other);
    repo.reference("refs/pull/1/head", other);
    let other = other.to_string();
    let server = Server::git(&root);
    for (revision, wanted) in [
        ("", &second),
        ("HEAD", &second),
        ("main", &second),
        ("refs/heads/main", &second),
        ("heads/main", &second),
        ("feature/x", &other),
        ("refs/tags/v1.0.0", &first),
        ("tags/v1.0.0", &first),
        ("v1.0.0", &other),
        ("deadbeef", &other),
        ("pull/1/head", &other),
        ("refs/pull/1/head", &other),
        (&first, &first),
        (&first.to_uppercase(), &first),
        (&second[..7], &second),
        (&first[..10], &first),
    ] {
        let here = Here::new();
        let pinned = here.pin(&server.url("r.git"), revision).await.unwrap();
        assert_eq!(&*pinned.revision, wanted, "{revision}");
        let local = Here::with(|settings| settings.allow_local = true);
        let path = root.path().join("r.git");
        let pinned = local.pin(path.to_str().unwrap(), revision).await.unwrap();
        assert_eq!(&*pinned.revision, wanted, "{revision} locally");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn revisions_that_are_not_there_or_no_revisions() {
    let (root, ..) = two_commits();
    let server = Server::git(&root);
    let here = Here::new();
    for (revision, kind) in [
        ("no-such-branch", Kind::NotFound),
        ("refs/heads/no", Kind::NotFound),
        ("abcdef1", Kind::NotFound),
        ("v1.0", Kind::NotFound),
        ("--upload-pack=x", Kind::Invalid),
        ("main\nx", Kind::Invalid),
        ("main~1", Kind::Invalid),
        ("main^{}", Kind::Invalid),
        ("@{upstream}", Kind::Invalid),
        ("a..b", Kind::Invalid),
        ("a b", Kind::Invalid),
        (&"x".repeat(2000), Kind::Invalid),
    ] {
        let error = here.pin(&server.url("r.git"), revision).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{revision}: {error}");
    }
    let pinned = here.pin(&server.url("r.git"), &"1".repeat(40)).await.unwrap();
    let error = here.sources.open(&pinned).await.err().unwrap();
    assert_eq!(error.kind(), Kind::NotFound, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_are_fetched_once_alone_and_next_to_each_other() {
    let (root, first, second) = two_commits();
    let server = Server::git(&root);
    let here = Here::new();
    let url = server.url("r.git");
    assert_eq!(here.read(&url, "main", "f").await.unwrap(), "two");
    assert_eq!(here.read(&url, &second, "same").await.unwrap(), "same");
    assert_eq!(server.fetches(), 1);
    assert_eq!(here.read(&url, &first, "f").await.unwrap(), "one");
    assert_eq!(here.read(&url, "main", "f").await.unwrap(), "two");
    assert_eq!(server.fetches(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_commit_brings_only_what_is_new() {
    let root = Root::new();
    let repo = root.repo("r.git");
    testkit::wide(&repo, 2_000);
    let server = Server::git(&root);
    let here = Here::new();
    let url = server.url("r.git");
    here.read(&url, "main", "apps/app-0000/service.yaml").await.unwrap();
    let before = here.sources.stats().counted().bytes;
    let next = repo.commit("main").file("new", "new").write().to_string();
    assert_eq!(here.read(&url, &next, "new").await.unwrap(), "new");
    let after = here.sources.stats().counted().bytes;
    assert!(after - before < 5_000, "{before} then {after}");
    assert!(here.read(&url, &next, "apps/app-0000/service.yaml").await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_callers_cause_one_listing_and_one_fetch() {
    let (root, ..) = two_commits();
    let server = Server::git(&root);
    let here = Arc::new(Here::new());
    let url = server.url("r.git");
    let callers: Vec<_> = (0..200)
        .map(|_| {
            let (here, url) = (here.clone(), url.clone());
            tokio::spawn(async move { here.read(&url, "main", "f").await })
        })
        .collect();
    callers[0].abort();
    for caller in callers.into_iter().skip(1) {
        assert_eq!(caller.await.unwrap().unwrap(), "two");
    }
    assert_eq!((server.listings(), server.fetches()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_is_asked_for_again_when_its_listing_is_old_or_not_wanted() {
    let (root, _, second) = two_commits();
    let server = Server::git(&root);
    let here = Here::with(|settings| settings.revision_cache_expiration = Duration::from_secs(3600));
    let url = server.url("r.git");
    assert_eq!(&*here.pin(&url, "main").await.unwrap().revision, second);
    let third = root.repo("r.git").commit("main").file("f", "three").write().to_string();
    assert_eq!(&*here.pin(&url, "main").await.unwrap().revision, second);
    let pinned = here.sources.pin(&[source(&url, "main", None)], true).await.unwrap();
    assert_eq!(&*pinned[0].revision, third);
    assert_eq!(&*here.pin(&url, "main").await.unwrap().revision, third);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_repository_and_revision_is_resolved_once_per_call() {
    let (root, ..) = two_commits();
    let server = Server::git(&root);
    let here = Here::new();
    let url = server.url("r.git");
    let same = [source(&url, "main", None), source(&url, "v1.0.0", None), source(&url, "main", None)];
    let pinned = here.sources.pin(&same, true).await.unwrap();
    assert_eq!(pinned[0].revision, pinned[2].revision);
    assert_ne!(pinned[0].revision, pinned[1].revision);
    assert_eq!(server.listings(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_id_does_not_open_a_private_repository() {
    let (root, _, second) = two_commits();
    let server = private(&root);
    let here = Here::new();
    let url = server.url("r.git");
    let right = here.pin_as(&url, &second, Some(password("me", "right"))).await.unwrap();
    assert!(here.sources.open(&right).await.is_ok());
    for credential in [None, Some(password("me", "wrong"))] {
        let error = here.pin_as(&url, &second, credential).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Unauthenticated);
        assert!(!format!("{error:?}{:?}", error.advice()).contains("wrong"));
    }
    let in_url = url.replace("http://", "http://me:right@");
    let pinned = here.pin(&in_url, &second).await.unwrap();
    assert_eq!((&pinned.identity, pinned.scope), (&right.identity, right.scope));
    assert!(!format!("{pinned:?}").contains("right"));
}

#[tokio::test(flavor = "multi_thread")]
async fn bearer_tokens_are_sent_as_such() {
    let (root, _, second) = two_commits();
    let auth = Some(Auth::Bearer("token".into()));
    let server = Server::start(Options { root: Some(root.path().to_owned()), auth, ..Options::default() });
    let credential = Credential { bearer_token: Secret::new("token"), ..Credential::default() };
    let pinned = Here::new().pin_as(&server.url("r.git"), "main", Some(credential)).await.unwrap();
    assert_eq!(&*pinned.revision, second);
}

#[tokio::test(flavor = "multi_thread")]
async fn refs_are_listed() {
    let (root, first, second) = two_commits();
    let server = Server::git(&root);
    let origin = source(&server.url("r.git"), "", None).origin;
    let refs = Here::new().sources.refs(&origin, false).await.unwrap();
    assert_eq!(refs.head.as_deref(), Some("refs/heads/main"));
    assert_eq!(refs.commits["refs/heads/main"], second);
    assert_eq!(refs.commits["refs/tags/v1.0.0"], first);
    assert_eq!(refs.commits.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abbreviated_id_is_found_in_the_history() {
    let (root, first, _) = two_commits();
    root.repo("r.git").remove_reference("refs/tags/v1.0.0");
    let server = Server::git(&root);
    let url = server.url("r.git");
    let here = Here::new();
    assert_eq!(&*here.pin(&url, &first[..8]).await.unwrap().revision, first);
    let shallow = Here::with(|settings| settings.max_history = 1);
    assert_eq!(shallow.pin(&url, &first[..8]).await.unwrap_err().kind(), Kind::NotFound);
    shallow.read(&url, &first, "f").await.unwrap();
    assert_eq!(&*shallow.pin(&url, &first[..8]).await.unwrap().revision, first);
}

/// What goes wrong → what kind of failure it is, promptly, and the next request works.
async fn fails(here: &Here, url: &str, kind: Kind) -> Error {
    let since = Instant::now();
    let error = here.read(url, "main", "f").await.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(since.elapsed() < Duration::from_secs(4), "{:?}", since.elapsed());
    let text = format!("{error:?} {:?}", error.advice());
    assert!(!text.contains(here.data.path().to_str().unwrap()), "{text}");
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_misbehave_before_the_listing() {
    let (root, ..) = two_commits();
    let here = Here::hasty();
    let acts: Vec<(fn() -> Act, Kind)> = vec![
        (|| Act::Hang, Kind::Deadline),
        (|| Act::HangAfterHead, Kind::Deadline),
        (|| Act::Drip(Duration::from_millis(20)), Kind::Deadline),
        (|| Act::Cut(20), Kind::Unavailable),
        (|| Act::reply(404, &[], "no"), Kind::NotFound),
        (|| Act::reply(401, &[], "no"), Kind::Unauthenticated),
        (|| Act::reply(403, &[], "no"), Kind::Denied),
        (|| Act::reply(429, &[("Retry-After", "1")], "no"), Kind::Unavailable),
        (|| Act::reply(500, &[], "secret"), Kind::Unavailable),
        (|| Act::reply(200, &[("Content-Type", "text/html")], "<html>"), Kind::Unavailable),
        (|| Act::redirect("http://169.254.169.254/r.git/info/refs?service=git-upload-pack"), Kind::Denied),
        (|| Act::redirect("ext::sh -c id"), Kind::Unavailable),
        (|| Act::redirect("/r.git/info/refs?service=git-upload-pack"), Kind::Unavailable),
    ];
    for (act, kind) in acts {
        let server = scripted(&root, move |_| act());
        fails(&here, &server.url("r.git"), kind).await;
    }
    let server = Server::git(&root);
    assert!(here.read(&server.url("r.git"), "main", "f").await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_misbehave_in_the_fetch() {
    let (root, ..) = two_commits();
    let here = Here::hasty();
    let acts: Vec<(fn() -> Act, Kind)> = vec![
        (|| Act::Hang, Kind::Deadline),
        (|| Act::Drip(Duration::from_millis(20)), Kind::Deadline),
        (|| Act::Cut(100), Kind::Unavailable),
        (|| Act::reply(500, &[], "secret"), Kind::Unavailable),
    ];
    for (act, kind) in acts {
        let server = scripted(&root, move |request| if request.is_fetch() { act() } else { Act::Serve });
        fails(&here, &server.url("r.git"), kind).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_listing_ends_at_its_budget() {
    let root = Root::new();
    let here = Here::with(|settings| settings.limits.list_bytes = 1 << 20);
    let server = scripted(&root, |_| Act::endless_refs());
    fails(&here, &server.url("r.git"), Kind::OverBudget).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_ends_at_its_budget() {
    let root = Root::new();
    testkit::wide(&root.repo("r.git"), 2_000);
    let here = Here::with(|settings| settings.limits.fetch_bytes = 50_000);
    let server = Server::git(&root);
    fails(&here, &server.url("r.git"), Kind::OverBudget).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_or_does_not_speak() {
    let here = Here::hasty();
    let silent = Raw::start(Script::Hang);
    for scheme in ["http", "git"] {
        fails(&here, &format!("{scheme}://{}/r.git", silent.address()), Kind::Deadline).await;
    }
    let babble = Raw::start(Script::Say(b"hello\n".to_vec()));
    for scheme in ["http", "git", "https"] {
        fails(&here, &format!("{scheme}://{}/r.git", babble.address()), Kind::Unavailable).await;
    }
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for scheme in ["http", "git"] {
        fails(&here, &format!("{scheme}://{gone}/r.git"), Kind::Unavailable).await;
    }
    fails(&here, "http://169.254.169.254/r.git", Kind::Denied).await;
    fails(&here, "git://[::ffff:169.254.169.254]/r.git", Kind::Denied).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_are_followed_without_credentials() {
    let (root, _, second) = two_commits();
    let target = Server::git(&root);
    let to = target.url("r.git");
    let moved = scripted(&root, move |request| Act::redirect(&format!("{to}/info/refs?{}", request.query)));
    let here = Here::new();
    let url = moved.url("old.git");
    let pinned = here.pin_as(&url, "main", Some(password("me", "canary"))).await.unwrap();
    assert_eq!(&*pinned.revision, second);
    assert!(here.sources.open(&pinned).await.is_ok());
    assert!(moved.requests().iter().all(|request| request.header("authorization").is_some()));
    assert!(!target.requests().is_empty());
    assert!(target.requests().iter().all(|request| request.header("authorization").is_none()));
    let strict = Here::with(|settings| settings.allow_repos = vec![format!("http://{}/*", moved.address())]);
    assert_eq!(strict.pin(&url, "main").await.unwrap_err().kind(), Kind::Denied);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_allowed_repositories_are_asked() {
    let (root, ..) = two_commits();
    let server = Server::git(&root);
    let pattern = format!("http://{}/r.*", server.address());
    let here = Here::with(|settings| settings.allow_repos = vec![pattern]);
    assert!(here.pin(&server.url("r.git"), "main").await.is_ok());
    for url in [server.url("other.git"), server.url("org/../r.git"), "https://example.org/r.git".into()] {
        let error = here.pin(&url, "main").await.unwrap_err();
        assert!(matches!(error.kind(), Kind::Denied | Kind::Invalid), "{error}");
    }
    let path = root.path().join("r.git");
    let error = here.pin(path.to_str().unwrap(), "main").await.unwrap_err();
    assert_eq!(error.kind(), Kind::Invalid);
    let data = tempfile::tempdir().unwrap();
    let wrong = Settings { allow_repos: vec!["[".into()], ..Settings::new(data.path().to_owned()) };
    assert_eq!(Sources::new(wrong).err().unwrap().kind(), Kind::Invalid);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_nobody_waits_the_conversation_ends() {
    let (root, ..) = two_commits();
    let server = scripted(&root, |_| Act::Hang);
    let here = Here::new();
    let url = server.url("r.git");
    let waited = tokio::time::timeout(Duration::from_millis(300), here.pin(&url, "main")).await;
    assert!(waited.is_err());
    let since = Instant::now();
    while here.sources.stats().counted().failures == 0 {
        assert!(since.elapsed() < Duration::from_secs(5), "the listing goes on without anybody waiting");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The credential that opens `server` with `key` and trusts `trusted` as its host key.
fn ssh_credential(server: &testkit::ssh::Server, key: &Key, trusted: &Key) -> Credential {
    Credential {
        ssh_private_key: Secret::new(key.private.clone()),
        known_hosts: server.known_hosts(trusted),
        ..Credential::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ssh_with_a_key() {
    let test = "ssh_with_a_key";
    let (root, first, second) = two_commits();
    let Some(key) = Key::ed25519(test) else { return };
    let Some(server) = testkit::ssh::Server::start(test, &root, &key) else { return };
    let url = server.url("r.git");
    let credential = ssh_credential(&server, &key, server.host_key());
    let here = Here::new();
    for (revision, wanted, content) in [
        ("main", &second, "two"),
        ("v1.0.0", &first, "one"),
        ("", &second, "two"),
        (&first[..8], &first, "one"),
        (&second, &second, "two"),
    ] {
        let pinned = here.pin_as(&url, revision, Some(credential.clone())).await.unwrap();
        assert_eq!(&*pinned.revision, wanted, "{revision}");
        let tree = here.sources.open(&pinned).await.unwrap();
        assert_eq!(read(&*tree, "f").unwrap(), content, "{revision}");
    }
    assert_eq!(here.sources.stats().counted().fetches, 2);
    let counted = here.sources.stats().counted();
    assert!(counted.bytes > 0 && counted.failures == 0, "{counted:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ssh_brings_only_what_is_new_and_finds_what_is_not_listed() {
    let test = "ssh_brings_only_what_is_new";
    let root = Root::new();
    let repo = root.repo("r.git");
    testkit::wide(&repo, 2_000);
    let Some(key) = Key::ed25519(test) else { return };
    let Some(server) = testkit::ssh::Server::start(test, &root, &key) else { return };
    let url = server.url("r.git");
    let credential = ssh_credential(&server, &key, server.host_key());
    let here = Here::new();
    let read_at = async |revision: &str, file: &str| {
        let pinned = here.pin_as(&url, revision, Some(credential.clone())).await?;
        read(&*here.sources.open(&pinned).await?, file)
    };
    read_at("main", "apps/app-0000/service.yaml").await.unwrap();
    let before = here.sources.stats().counted().bytes;
    let middle = repo.commit("main").file("new", "middle").write().to_string();
    repo.commit("main").file("new", "new").write();
    assert_eq!(read_at("HEAD", "new").await.unwrap(), "new");
    let after = here.sources.stats().counted().bytes;
    assert!(after - before < 20_000, "{before} then {after}");
    assert!(read_at("HEAD", "apps/app-0000/service.yaml").await.is_ok());
    assert_eq!(read_at(&middle, "new").await.unwrap(), "middle");
    assert_eq!(read_at(&"1".repeat(40), "new").await.unwrap_err().kind(), Kind::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn ssh_with_wrong_keys() {
    let test = "ssh_with_wrong_keys";
    let (root, ..) = two_commits();
    let (Some(key), Some(other)) = (Key::ed25519(test), Key::ed25519(test)) else { return };
    let Some(server) = testkit::ssh::Server::start(test, &root, &key) else { return };
    let right = ssh_credential(&server, &key, server.host_key());
    let without = Credential { ssh_private_key: Secret::default(), ..right.clone() };
    let broken = Credential { ssh_private_key: Secret::new("canary"), ..right.clone() };
    let unknown = Credential { known_hosts: String::new(), ..right.clone() };
    let insecure = Credential { insecure: true, ..unknown.clone() };
    let cases = [
        (ssh_credential(&server, &other, server.host_key()), "refused the ssh key"),
        (without, "asks for an ssh key"),
        (unknown, "is not known"),
        (ssh_credential(&server, &key, &other), "has changed"),
    ];
    let here = Here::new();
    for (credential, words) in cases {
        let error = here.pin_as(&server.url("r.git"), "main", Some(credential)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Unauthenticated, "{error}");
        assert!(error.message().contains(words) && !error.message().contains("canary"), "{error}");
    }
    let error = here.pin_as(&server.url("r.git"), "main", Some(broken)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Invalid, "{error}");
    let missing = here.pin_as(&server.url("no.git"), "main", Some(right)).await.unwrap_err();
    assert_eq!(missing.kind(), Kind::NotFound, "{missing}");
    assert!(!missing.message().contains(here.data.path().to_str().unwrap()));
    assert!(here.pin_as(&server.url("r.git"), "main", Some(insecure)).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn ssh_servers_that_misbehave() {
    let here = Here::hasty();
    let silent = Raw::start(Script::Hang);
    fails(&here, &format!("ssh://git@{}/r.git", silent.address()), Kind::Deadline).await;
    let slow = Raw::start(Script::Drip(b"S".repeat(500), Duration::from_millis(20)));
    fails(&here, &format!("ssh://git@{}/r.git", slow.address()), Kind::Deadline).await;
    let babble = Raw::start(Script::Say(b"hello\n".to_vec()));
    fails(&here, &format!("ssh://git@{}/r.git", babble.address()), Kind::Unavailable).await;
    fails(&here, "ssh://git@169.254.169.254/r.git", Kind::Denied).await;
}

fn https(root: &Root, certificates: &Certificates, mutual: bool) -> Server {
    let tls = Some(certificates.server_config(mutual));
    Server::start(Options { root: Some(root.path().to_owned()), tls, ..Options::default() })
}

#[tokio::test(flavor = "multi_thread")]
async fn https_with_certificates() {
    let (root, _, second) = two_commits();
    let certificates = Certificates::new();
    let strangers = Certificates::new();
    let trusting = |authority: &Certificates| Credential {
        ca_bundle: authority.authority.clone(),
        ..Credential::default()
    };
    let client = Credential {
        client_certificate: certificates.client.clone(),
        client_key: Secret::new(certificates.client_key.clone()),
        ..trusting(&certificates)
    };
    let insecure = Credential { insecure: true, ..Credential::default() };
    let here = Here::new();
    for (mutual, credential, fine) in [
        (false, Credential::default(), false),
        (false, trusting(&strangers), false),
        (false, trusting(&certificates), true),
        (false, insecure, true),
        (true, trusting(&certificates), false),
        (true, client.clone(), true),
    ] {
        let server = https(&root, &certificates, mutual);
        let pinned = here.pin_as(&server.url("r.git"), "main", Some(credential)).await;
        match pinned {
            Ok(pinned) => assert!(fine && *pinned.revision == *second),
            Err(error) => assert!(!fine && error.kind() == Kind::Unavailable, "{error}"),
        }
    }
    let name = https(&root, &certificates, true);
    let pinned =
        here.pin_as(&name.url("r.git").replace("127.0.0.1", "localhost"), "main", Some(client)).await;
    assert!(pinned.is_ok(), "{pinned:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_credentials_file_opens_what_it_names() {
    let (root, ..) = two_commits();
    let server = private(&root);
    let file = tempfile::NamedTempFile::new().unwrap();
    let entry = format!("- url: http://{}/r\n  username: me\n  password: right\n", server.address());
    std::fs::write(file.path(), entry).unwrap();
    let here = Here::with(|settings| settings.credentials_file = Some(file.path().to_owned()));
    let url = server.url("r.git");
    assert!(here.pin(&url, "main").await.is_ok());
    let sent = here.pin_as(&url, "main", Some(password("me", "wrong"))).await.unwrap_err();
    assert_eq!(sent.kind(), Kind::Unauthenticated);
    let other = here.pin(&server.url("r-evil.git"), "main").await.unwrap_err();
    assert_eq!(other.kind(), Kind::Unauthenticated);
    std::fs::write(file.path(), "- x: y").unwrap();
    let data = tempfile::tempdir().unwrap();
    let settings =
        Settings { credentials_file: Some(file.path().to_owned()), ..Settings::new(data.path().into()) };
    assert_eq!(Sources::new(settings).err().unwrap().kind(), Kind::Invalid);
}

/// A proxy is a server that is asked for whole URLs.
#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_is_asked_instead_of_the_remote() {
    let root = Root::new();
    let proxy = scripted(&root, |_| Act::reply(404, &[], ""));
    let credential = Credential { proxy: Secret::new(proxy.url("")), ..Credential::default() };
    let error = Here::new().pin_as("http://repo.invalid/r.git", "main", Some(credential)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::NotFound);
    assert_eq!(proxy.requests().len(), 1);
}

/// `git daemon` over `root`, and its address.
fn daemon(test: &str, root: &Root) -> Option<(Killed, String)> {
    let git = testkit::Program::Git.find(test)?;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let base = format!("--base-path={}", root.path().display());
    let (port, listen) = (format!("--port={}", free.port()), "--listen=127.0.0.1");
    let child = std::process::Command::new(git)
        .args(["daemon", "--export-all", "--reuseaddr", listen, &port, &base])
        .stderr(std::process::Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
    let child = Killed(child);
    for _ in 0..200 {
        if std::net::TcpStream::connect(free).is_ok() {
            return Some((child, format!("git://{free}")));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("git daemon does not come up");
}

/// A process whose group is killed in the end.
struct Killed(std::process::Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let group = rustix::process::Pid::from_child(&self.0);
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_git_protocol() {
    let (root, first, _) = two_commits();
    let Some((_daemon, url)) = daemon("the_git_protocol", &root) else { return };
    let here = Here::new();
    let url = format!("{url}/r.git");
    assert_eq!(here.read(&url, "main", "f").await.unwrap(), "two");
    assert_eq!(here.read(&url, "v1.0.0", "f").await.unwrap(), "one");
    assert_eq!(here.read(&url, &first[..7], "f").await.unwrap(), "one");
    let missing = here.pin(&url.replace("r.git", "no.git"), "main").await.unwrap_err();
    assert_eq!(missing.kind(), Kind::NotFound, "{missing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn local_repositories_are_read_where_they_are() {
    let (root, first, second) = two_commits();
    let bare = root.path().join("r.git");
    let here = Here::with(|settings| settings.allow_local = true);
    let url = format!("file://{}", bare.display());
    assert_eq!(here.read(&url, "v1.0.0", "f").await.unwrap(), "one");
    assert_eq!(here.read(bare.to_str().unwrap(), &second[..7], "f").await.unwrap(), "two");
    assert_eq!(here.read(&url, &first, "f").await.unwrap(), "one");
    for (path, revision) in [("/nowhere", "main"), (bare.to_str().unwrap(), "nope")] {
        let error = here.pin(path, revision).await.unwrap_err();
        assert_eq!(error.kind(), Kind::NotFound);
        assert!(!error.message().contains(bare.to_str().unwrap()) && !error.message().contains("nowhere"));
    }
    let error = here.read(&url, &"1".repeat(40), "f").await.unwrap_err();
    assert_eq!(error.kind(), Kind::NotFound);
    assert_eq!(std::fs::read_dir(here.data.path().join("stores")).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_that_lead_in_circles_or_far_are_not_there() {
    let root = Root::new();
    let repo = root.repo("r.git");
    let mut target = repo.commit("main").file("f", "x").write();
    let commit = target.to_string();
    for depth in 0..100 {
        target = repo.annotated_tag(&format!("t{depth}"), target);
    }
    let here = Here::with(|settings| settings.allow_local = true);
    let path = root.path().join("r.git");
    let path = path.to_str().unwrap();
    assert_eq!(&*here.pin(path, "t3").await.unwrap().revision, commit);
    assert_eq!(here.pin(path, "t99").await.unwrap_err().kind(), Kind::NotFound);
}
