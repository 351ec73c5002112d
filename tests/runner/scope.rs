//! A private repository is only for those whose credentials the remote itself accepts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use proto::v1::{Credential, GetFilesRequest, RenderRequest};
use testkit::http::{Act, Auth, Options, Server};
use testkit::{Oid, Root};
use tonic::Code;

use super::asking::{Asking, ask, names};
use super::bad_input::map;
use super::service::{Service, Settings};

struct Private {
    _root: Root,
    server: Server,
    commit: Oid,
    closed: Arc<AtomicBool>,
}

impl Private {
    /// A private repository; once `closed` is set its server refuses everyone.
    fn new() -> Self {
        let root = Root::new();
        let commit = root.repo("private.git").commit("main").file("app/map.yaml", map("private")).write();
        let closed = Arc::new(AtomicBool::new(false));
        let asked = closed.clone();
        let refuse = || Act::reply(401, &[("WWW-Authenticate", "Basic realm=\"x\"")], "");
        let server = Server::start(Options {
            root: Some(root.path().into()),
            auth: Some(Auth::Basic("user".into(), "right".into())),
            act: Box::new(move |_| if asked.load(Ordering::SeqCst) { refuse() } else { Act::Serve }),
            ..Options::default()
        });
        Self { _root: root, server, commit, closed }
    }

    fn ask(&self, revision: &str) -> RenderRequest {
        ask(&self.server.url("private.git"), revision, "app")
    }

    /// Every way to name the commit.
    fn names(&self) -> [String; 4] {
        let id = self.commit.to_string();
        [id.clone(), id[..10].to_owned(), "main".to_owned(), "HEAD".to_owned()]
    }
}

fn password(password: &str) -> Credential {
    Credential { username: "user".into(), password: password.into(), ..Credential::default() }
}

#[tokio::test]
async fn knowing_a_commit_id_opens_no_private_repository() {
    let private = Private::new();
    let service = Service::start();
    for name in private.names() {
        let rendered = service.render(private.ask(&name).credential(password("right"))).await.unwrap();
        assert_eq!(names(&rendered), ["ConfigMap/private"]);
    }
    for name in private.names() {
        for request in [private.ask(&name), private.ask(&name).credential(password("wrong"))] {
            let status = service.render(request).await.expect_err(&name);
            assert_eq!(status.code(), Code::Unauthenticated, "{name}: {status:?}");
        }
    }
    let mut client = service.client().await;
    let files = GetFilesRequest {
        url: private.server.url("private.git"),
        revision: private.commit.to_string(),
        patterns: vec!["**".into()],
        ..GetFilesRequest::default()
    };
    assert_eq!(client.get_files(files).await.expect_err("private").code(), Code::Unauthenticated);
}

#[tokio::test]
async fn a_right_taken_away_ends_with_the_revision_cache() {
    let private = Private::new();
    let service = Service::with(&Settings::flags(&["--revision-cache-expiration=1s"]));
    let request = private.ask(&private.commit.to_string()).credential(password("right"));
    service.render(request.clone()).await.unwrap();
    private.closed.store(true, Ordering::SeqCst);
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    let status = service.render(request).await.expect_err("the right is gone");
    assert_eq!(status.code(), Code::Unauthenticated, "{status:?}");
}

#[tokio::test]
async fn the_right_credential_is_not_lent_to_others_in_flight() {
    let private = Private::new();
    let service = Service::start();
    let requests = (0..40).map(|number| {
        let request = private.ask(&private.commit.to_string());
        if number % 2 == 0 { request.credential(password("right")) } else { request }
    });
    for (number, answer) in service.render_all(requests).await.into_iter().enumerate() {
        assert_eq!(answer.is_ok(), number % 2 == 0, "{answer:?}");
    }
}
