//! Sources of git over real servers on loopback.

use std::sync::Arc;
use std::time::{Duration, Instant};

use testkit::http::{Act, Auth, Options, Server};
use testkit::{Raw, Root, Script};
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
    let origin = Origin::Git {
        url: url.to_owned(),
        revision: revision.to_owned(),
        credential,
        tag_prefix: String::new(),
    };
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

#[path = "git_transport_tests.rs"]
mod transport;

#[path = "shown_tests.rs"]
mod shown;

#[path = "unpack_tests.rs"]
mod unpack;

#[path = "unusual_repositories_tests.rs"]
mod unusual_repositories;
