//! A commit in a store is for those whom the remote itself has shown it.

use testkit::http::{Act, Scripted, Server};
use testkit::pack::Pack;
use testkit::{Oid, Root};

use super::{Here, password, read, scripted, two_commits};
use crate::credentials::{Credential, Secret};
use crate::error::Kind;

fn lying(commit: &str) -> Scripted {
    Scripted { commit: Oid::from_str(commit).unwrap(), pack: Pack::new().bytes() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_lies_is_given_nothing_that_others_fetched() {
    let (root, first, second) = two_commits();
    let server = Server::git(&root);
    let url = server.url("r.git");
    let here = Here::new();
    for commit in [&first, &second] {
        here.read(&url, commit, "f").await.unwrap();
    }
    // Whoever brings a proxy decides who answers; this one lists what it should not know, and has nothing.
    let proxy = lying(&second).start();
    let credential = Credential { proxy: Secret::new(proxy.url("")), ..Credential::default() };
    for revision in ["main", &second, &second[..8]] {
        let pinned = here.pin_as(&url, revision, Some(credential.clone())).await.unwrap();
        let error = here.sources.open(&pinned).await.err().unwrap();
        assert_eq!(error.kind(), Kind::NotFound, "{revision}: {error}");
    }
    // Commits that are here are not told to it, neither when it is asked nor by their beginnings.
    let told = |request: &testkit::http::Request| String::from_utf8_lossy(&request.body).contains(&first);
    assert!(proxy.requests().iter().any(testkit::http::Request::is_fetch));
    assert!(!proxy.requests().iter().any(told));
    assert!(here.pin_as(&url, &first[..8], Some(credential)).await.is_err());
    assert_eq!(here.read(&url, &second, "f").await.unwrap(), "two");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_the_remote_hides_from_somebody_is_not_taken_from_the_store() {
    let (root, public, hidden) = two_commits();
    let shows_all = password("all", "x");
    let others = lying(&public);
    let server = scripted(&root, move |request| match request.header("authorization") {
        Some("Basic YWxsOng=") => Act::Serve,
        _ if request.is_fetch() => Act::reply(
            200,
            &[("Content-Type", "application/x-git-upload-pack-result")],
            "0020ERR upload-pack: not our ref",
        ),
        _ => others.answer(request),
    });
    let url = server.url("r.git");
    let here = Here::new();
    let pinned = here.pin_as(&url, "main", Some(shows_all)).await.unwrap();
    assert_eq!(read(&*here.sources.open(&pinned).await.unwrap(), "f").unwrap(), "two");
    for credential in [None, Some(password("some", "x"))] {
        let pinned = here.pin_as(&url, &hidden, credential.clone()).await.unwrap();
        let error = here.sources.open(&pinned).await.err().unwrap();
        assert_eq!(error.kind(), Kind::NotFound, "{error}");
        let error = here.pin_as(&url, &hidden[..9], credential).await.unwrap_err();
        assert!(!format!("{error:?}").contains(&hidden), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_remote_shows_to_the_next_caller_is_not_sent_again() {
    let root = Root::new();
    let repo = root.repo("r.git");
    let old = testkit::wide(&repo, 2_000).to_string();
    repo.commit("main").file("new", "new").write();
    let server = Server::git(&root);
    let url = server.url("r.git");
    let here = Here::new();
    here.read(&url, &old, "apps/app-0000/service.yaml").await.unwrap();
    let (fetches, bytes) = (server.fetches(), here.sources.stats().counted().bytes);
    for _ in 0..2 {
        let pinned = here.pin_as(&url, &old, Some(password("other", "x"))).await.unwrap();
        let tree = here.sources.open(&pinned).await.unwrap();
        assert!(read(&*tree, "apps/app-0000/service.yaml").is_ok());
    }
    assert_eq!(server.fetches(), fetches + 1, "it is asked once");
    let more = here.sources.stats().counted().bytes - bytes;
    assert!(more < 2_000, "{more} bytes");
}
