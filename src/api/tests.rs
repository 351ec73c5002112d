//! The API in front of the real stages, over repositories made here.

use std::sync::Arc;

use prost::Message;
use proto::Reply;
use proto::v1::{
    self, Answered, DirectoryOptions, ErrorDetail, GetFilesRequest, Git, ListAppsRequest,
    ListDirectoriesRequest, ListRefsRequest, RenderRequest, RenderResponse, ResolveRevisionRequest, source,
};
use proto::v1_server::manifestd_server::Manifestd;
use testkit::Root;
use tokio_stream::StreamExt;
use tonic::{Code, Request, Status};

use super::*;
use crate::config::{Environment, Settings, Values};
use crate::render::Isolation;
use crate::service::Service;
use crate::telemetry::Metrics;

/// The API over one repository, and where both live.
struct Fixture {
    api: Api,
    url: String,
    commit: String,
    _repository: Root,
    _data: tempfile::TempDir,
}

fn fixture(max_message_bytes: usize) -> Fixture {
    let root = Root::new();
    let repository = root.repo("app.git");
    let commit = repository
        .commit("main")
        .file("web/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  namespace: prod\n")
        .file("web/b.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: b\n")
        .file("broken/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: [\n")
        .file("base/kustomization.yaml", "resources: []\n")
        .write();
    repository.tag("v1.0.0", commit);
    let data = tempfile::tempdir().unwrap();
    let environment = Environment { home: Some(data.path().to_owned()), ..Environment::default() };
    let mut settings = Settings::check(Values::new(), &environment).unwrap();
    settings.repositories.allow_file = true;
    // A worker is this very program, and the program of these tests is none.
    settings.rendering.isolation = Isolation::None;
    let service = Service::new(&settings, None).unwrap();
    let limits = Limits { secrets: true, max_message_bytes, reply_memory_bytes: 1 << 20 };
    Fixture {
        api: Api::new(service.pipeline, Arc::new(Metrics::new(Vec::new)), limits),
        url: repository.path().to_str().unwrap().to_owned(),
        commit: commit.to_string(),
        _repository: root,
        _data: data,
    }
}

impl Fixture {
    fn request(&self, path: &str) -> Request<RenderRequest> {
        let git = Git { url: self.url.clone(), path: path.into(), ..Git::default() };
        let renderer = Some(source::Renderer::Directory(DirectoryOptions::default()));
        let source = v1::Source { origin: Some(source::Origin::Git(git)), renderer };
        Request::new(RenderRequest { sources: vec![source], ..RenderRequest::default() })
    }
}

fn detail(status: &Status) -> ErrorDetail {
    let status = proto::rpc::Status::decode(status.details()).unwrap();
    ErrorDetail::decode(&*status.details[0].value).unwrap()
}

fn decoded(reply: &Reply) -> RenderResponse {
    RenderResponse::decode(&*reply.encode_to_vec()).unwrap()
}

#[tokio::test]
async fn a_render_answers_with_everything_there_is_to_know() {
    let fixture = fixture(1 << 20);
    let response = fixture.api.render(fixture.request("web")).await.unwrap();
    assert_eq!(response.extensions().get::<Counted>().unwrap().0, "rendered");
    assert!(response.extensions().get::<Held>().is_some());
    let answer = decoded(response.get_ref());
    let first = v1::Manifest {
        json: r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"prod"}}"#.into(),
        version: "v1".into(),
        kind: "ConfigMap".into(),
        namespace: "prod".into(),
        name: "a".into(),
        file: "web/a.yaml".into(),
        ..v1::Manifest::default()
    };
    assert_eq!(answer.manifests[0], first);
    assert_eq!((answer.manifests.len(), answer.manifests[1].group.as_str()), (2, "apps"));
    assert_eq!(
        (&answer.renderers, &answer.revisions),
        (&vec!["Directory".to_owned()], &vec![fixture.commit.clone()])
    );
    assert_eq!((answer.answered(), answer.because.as_str()), (Answered::Rendered, ""));
    assert!(answer.timings.iter().any(|timing| timing.stage == "render"));
    let again = fixture.api.render(fixture.request("web")).await.unwrap();
    let again = decoded(again.get_ref());
    assert_eq!((again.answered(), again.manifests), (Answered::Cache, answer.manifests));
}

#[tokio::test]
async fn a_stream_is_the_same_answer_in_parts() {
    let fixture = fixture(1 << 20);
    let whole = fixture.api.render(fixture.request("web")).await.unwrap().into_inner();
    let parts = fixture.api.render_stream(fixture.request("web")).await.unwrap().into_inner();
    let parts: Vec<Reply> = parts.map(Result::unwrap).collect().await;
    let mut merged = RenderResponse::default();
    for part in &parts {
        merged.merge(&*part.encode_to_vec()).unwrap();
    }
    let whole = decoded(&whole);
    assert_eq!((merged.manifests, merged.revisions), (whole.manifests, whole.revisions));
    assert_eq!(merged.answered, i32::from(Answered::Cache));
}

#[tokio::test]
async fn what_is_too_large_is_refused_with_advice() {
    let fixture = fixture(100);
    let status = fixture.api.render(fixture.request("web")).await.unwrap_err();
    assert_eq!((status.code(), detail(&status).advice.as_str()), (Code::OutOfRange, "ask with RenderStream"));
    let status = fixture.api.render_stream(fixture.request("web")).await.map(|_| ()).unwrap_err();
    assert_eq!(status.code(), Code::OutOfRange);
}

#[tokio::test]
async fn what_is_wrong_in_a_file_is_shown_with_its_place() {
    let fixture = fixture(1 << 20);
    let status = fixture.api.render(fixture.request("broken")).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{status}");
    let detail = detail(&status);
    assert_eq!(detail.file, "broken/a.yaml");
    assert!(detail.line > 0, "{detail:?}");
    assert!(!status.message().contains(&fixture.url));
}

#[tokio::test]
async fn what_does_not_exist_is_not_found() {
    let fixture = fixture(1 << 20);
    let status = fixture.api.render(fixture.request("nothing")).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    let request = ResolveRevisionRequest {
        url: fixture.url.clone(),
        revision: "v9".into(),
        ..ResolveRevisionRequest::default()
    };
    let status = fixture.api.resolve_revision(Request::new(request)).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
}

#[tokio::test]
async fn names_are_resolved_and_listed() {
    let fixture = fixture(1 << 20);
    let url = || fixture.url.clone();
    let request =
        ResolveRevisionRequest { url: url(), revision: "1.x".into(), ..ResolveRevisionRequest::default() };
    let answer = fixture.api.resolve_revision(Request::new(request)).await.unwrap().into_inner();
    assert_eq!(answer.revision, fixture.commit);
    let request = ListRefsRequest { url: url(), ..ListRefsRequest::default() };
    let answer = fixture.api.list_refs(Request::new(request)).await.unwrap().into_inner();
    let named = |name: &str| v1::Ref { name: name.into(), commit: fixture.commit.clone() };
    assert_eq!((answer.branches, answer.tags), (vec![named("main")], vec![named("v1.0.0")]));
    assert_eq!(answer.head, "refs/heads/main");
}

#[tokio::test]
async fn a_repository_can_be_looked_through() {
    let fixture = fixture(1 << 20);
    let url = || fixture.url.clone();
    let request = ListAppsRequest { url: url(), ..ListAppsRequest::default() };
    let answer = fixture.api.list_apps(Request::new(request)).await.unwrap().into_inner();
    let kustomize = v1::App { path: "base".into(), renderer: "Kustomize".into() };
    assert!(answer.apps.contains(&kustomize), "{:?}", answer.apps);
    assert_eq!(answer.revision, fixture.commit);
    let patterns = vec!["web/a*".to_owned(), "**/kustomization.yaml".into()];
    let request = GetFilesRequest { url: url(), patterns, ..GetFilesRequest::default() };
    let answer = fixture.api.get_files(Request::new(request)).await.unwrap().into_inner();
    let files: Vec<_> = answer.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(files, ["base/kustomization.yaml", "web/a.yaml"]);
    assert_eq!(&answer.files[0].content[..], b"resources: []\n");
    let request = ListDirectoriesRequest { url: url(), ..ListDirectoriesRequest::default() };
    let answer = fixture.api.list_directories(Request::new(request)).await.unwrap().into_inner();
    assert_eq!(answer.paths, ["base", "broken", "web"]);
}

#[tokio::test]
async fn patterns_must_be_given() {
    let fixture = fixture(1 << 20);
    let request = GetFilesRequest { url: fixture.url.clone(), ..GetFilesRequest::default() };
    let status = fixture.api.get_files(Request::new(request)).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::InvalidArgument, "patterns: must be set"));
}
