//! Work is done once: one render for a thousand unchanged applications, one fetch for two hundred callers.

use std::time::Duration;

use proto::v1::Answered;
use testkit::http::{Act, Options, Server};
use testkit::{Root, app_folder, apps};

use super::asking::{Asking, ask, names};
use super::bad_input::map;
use super::service::{Service, Settings};

/// The metric that counts renders, by engine.
const RENDERS: &str = "manifestd_renders_total";

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_touches_one_of_a_thousand_applications_is_one_render() {
    let root = Root::new();
    let repo = root.repo("apps.git");
    apps(&repo, 1_000);
    let server = Server::git(&root);
    let service = Service::start();
    let url = server.url("apps.git");
    let all = || (0..1_000).map(|number| ask(&url, "main", &app_folder(number)));
    for answer in service.render_in_turn(all()).await {
        assert_eq!(answer.unwrap().answered(), Answered::Rendered);
    }
    assert_eq!(service.metrics().sum(RENDERS, &[]), 1_000.0);
    let commit = repo.commit("main").file(&format!("{}/service.yaml", app_folder(7)), map("changed")).write();
    let mut first = ask(&url, "main", &app_folder(7));
    first.no_revision_cache = true;
    let changed = service.render(first).await.unwrap();
    assert!(names(&changed).contains(&"ConfigMap/changed".to_owned()), "{:?}", names(&changed));
    assert!(changed.because.contains("service.yaml"), "{}", changed.because);
    for (number, answer) in service.render_in_turn(all()).await.into_iter().enumerate() {
        let answer = answer.unwrap();
        let wanted = if number == 7 { Answered::Cache } else { Answered::Reuse };
        assert_eq!((answer.answered(), answer.revisions), (wanted, vec![commit.to_string()]), "{number}");
    }
    assert_eq!(service.metrics().sum(RENDERS, &[]), 1_001.0);
    assert!(server.fetches() <= 4, "{} fetches", server.fetches());
    let peak = service.peak_resident_bytes();
    assert!(peak < 300 << 20, "{peak} bytes resident");
}

/// A server whose fetches take a while, so that callers meet.
fn slow(root: &Root) -> Server {
    let act = |request: &testkit::http::Request| match request.is_fetch() {
        true => Act::After(Duration::from_millis(700), Box::new(Act::Serve)),
        false => Act::Serve,
    };
    Server::start(Options { root: Some(root.path().into()), act: Box::new(act), ..Options::default() })
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_callers_cause_one_fetch_and_one_render() {
    let root = Root::new();
    root.repo("app.git").commit("main").file("app/map.yaml", map("a")).write();
    let server = slow(&root);
    let service = Service::start();
    let request = ask(&server.url("app.git"), "main", "app");
    for answer in service.render_all(std::iter::repeat_n(request, 200)).await {
        assert_eq!(names(&answer.unwrap()), ["ConfigMap/a"]);
    }
    assert_eq!((server.listings(), server.fetches()), (1, 1));
    assert_eq!(service.metrics().sum(RENDERS, &[]), 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_caller_leaving_changes_nothing_for_the_others() {
    let root = Root::new();
    root.repo("app.git").commit("main").file("app/map.yaml", map("a")).write();
    let server = slow(&root);
    let service = Service::start();
    let request = ask(&server.url("app.git"), "main", "app");
    let mut client = service.client().await;
    let first = tokio::spawn({
        let request = request.clone();
        async move { client.render(request).await }
    });
    while server.fetches() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let others = service.render_all(std::iter::repeat_n(request, 50));
    let leave = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        first.abort();
    };
    let (others, ()) = tokio::join!(others, leave);
    assert!(others.iter().all(Result::is_ok), "{:?}", others.iter().find(|answer| answer.is_err()));
    assert_eq!(server.fetches(), 1);
    assert_eq!(service.metrics().sum(RENDERS, &[]), 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_with_a_short_deadline_leaves_alone() {
    let root = Root::new();
    root.repo("app.git").commit("main").file("app/map.yaml", map("a")).write();
    let server = slow(&root);
    let service = Service::start();
    let request = ask(&server.url("app.git"), "main", "app");
    let mut hurried = tonic::Request::new(request.clone());
    hurried.set_timeout(Duration::from_millis(300));
    let mut client = service.client().await;
    let (hurried, patient) = tokio::join!(client.render(hurried), service.render(request));
    let status = hurried.expect_err("the deadline is shorter than the fetch");
    assert!(matches!(status.code(), tonic::Code::DeadlineExceeded | tonic::Code::Cancelled), "{status:?}");
    assert_eq!(names(&patient.unwrap()), ["ConfigMap/a"]);
    assert_eq!(server.fetches(), 1);
}

#[tokio::test]
async fn an_answer_says_how_it_came_about() {
    let root = Root::new();
    let repo = root.repo("app.git");
    repo.commit("main").file("app/map.yaml", map("a")).file("README.md", "one").write();
    let server = Server::git(&root);
    let service = Service::with(&Settings::flags(&["--revision-cache-expiration=3m"]));
    let request = ask(&server.url("app.git"), "main", "app");
    let answered = async |request| service.render(request).await.unwrap().answered();
    assert_eq!(answered(request.clone()).await, Answered::Rendered);
    assert_eq!(answered(request.clone()).await, Answered::Cache);
    repo.commit("main").file("README.md", "two").write();
    assert_eq!(answered(request.clone()).await, Answered::Cache, "the listing of refs is cached");
    let mut again = request.clone();
    again.no_revision_cache = true;
    assert_eq!(answered(again.clone()).await, Answered::Reuse);
    assert_eq!(answered(request.clone().fresh()).await, Answered::Rendered);
    repo.commit("main").file("app/new.yaml", map("new")).write();
    let changed = service.render(again).await.unwrap();
    assert_eq!(changed.answered(), Answered::Rendered);
    assert!(changed.because.contains("app"), "{}", changed.because);
    assert_eq!(server.listings(), 4);
}
