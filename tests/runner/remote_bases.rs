//! Kustomizations that name other repositories and files of the web: fetched, pinned, seen when they move, and only
//! where that is allowed.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cache::{Cache, Memory};
use manifestd::credentials::{Credential, Secret};
use manifestd::error::{Error, Kind, Result};
use manifestd::pipeline::{Pipeline, Service, Settings};
use manifestd::render::{Engine, Engines, Isolation};
use manifestd::request::{Answered, Origin, RenderRequest, Rendered, Renderer, Source};
use manifestd::source::{Parts, Settings as SourceSettings, Sources};
use testkit::http::{Act, Auth, Options, Request, Server};
use testkit::{Program, Root};

use super::bad_input::map;

/// A repository with an application, a server for what it names, and a pipeline.
struct Case {
    root: Root,
    server: Server,
    pipeline: Pipeline,
    _data: tempfile::TempDir,
}

impl Case {
    /// Everything on the list, and everything served; `None` without the git program, which serves it.
    fn new(test: &str) -> Option<Self> {
        Self::with(test, Options::default(), |_| {})
    }

    fn with(test: &str, options: Options, change: impl FnOnce(&mut SourceSettings)) -> Option<Self> {
        Program::Git.find(test)?;
        let root = Root::new();
        let server = Server::start(Options { root: Some(root.path().to_owned()), ..options });
        let data = tempfile::tempdir().unwrap();
        let parts = Parts { hosts: vec!["127.0.0.1:*".to_owned()], ..Parts::default() };
        let mut settings =
            SourceSettings { allow_local: true, parts, ..SourceSettings::new(data.path().join("data")) };
        // Names may have moved at every request.
        settings.revision_cache_expiration = Duration::ZERO;
        change(&mut settings);
        let pipeline = pipeline(settings, Engines::default());
        Some(Self { root, server, pipeline, _data: data })
    }

    /// The application names this; `{}` is the server.
    fn app(&self, kustomization: &str) -> &Self {
        let url = self.server.url("");
        let text = kustomization.replace("{}", url.trim_end_matches('/'));
        let repo = self.root.repo("app.git");
        let commit = repo.commit("main").file("app/kustomization.yaml", text);
        commit.file("app/own.yaml", map("own")).write();
        self
    }

    async fn render(&self) -> Result<Rendered> {
        self.pipeline.render(self.request()).await
    }

    fn request(&self) -> RenderRequest {
        let path = self.root.path().join("app.git");
        request(path.to_str().unwrap(), None)
    }

    async fn failure(&self) -> Error {
        self.render().await.unwrap_err()
    }
}

fn pipeline(settings: SourceSettings, engines: Engines) -> Pipeline {
    let service = Service::new(Sources::new(settings).unwrap(), engines, Isolation::None);
    Pipeline::new(Settings::default(), service, Cache::new(Memory::new(64 << 20)))
}

fn request(url: &str, credential: Option<Credential>) -> RenderRequest {
    let origin =
        Origin::Git { url: url.into(), revision: "main".into(), credential, tag_prefix: String::new() };
    let source = Source { origin, path: "app".into(), ref_name: String::new(), renderer: Renderer::Detect };
    RenderRequest { sources: vec![source], ..RenderRequest::default() }
}

fn names(rendered: &Rendered) -> Vec<String> {
    rendered.body.decode().unwrap().objects.into_iter().map(|object| object.name).collect()
}

fn password(password: &str) -> Credential {
    Credential { username: "me".into(), password: Secret::new(password), ..Credential::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_base_of_another_repository_with_a_folder_and_a_revision() {
    let Some(case) = Case::new("a_base_of_another_repository_with_a_folder_and_a_revision") else { return };
    let base = case.root.repo("base.git");
    let first =
        base.commit("main").file("web/kustomization.yaml", "resources: [../map.yaml]\nnamePrefix: x-\n");
    let wrong = first.file("map.yaml", map("outside")).write();
    let right = base.commit("main").file("web/kustomization.yaml", "resources: [../more]\nnamePrefix: x-\n");
    let right = right.file("more/kustomization.yaml", "resources: [map.yaml]\n");
    right.file("more/map.yaml", map("remote")).write();
    base.tag("v0", wrong);
    base.tag("v1", base.tip("refs/heads/main"));
    base.commit("main").file("web/kustomization.yaml", "broken").write();
    case.app("resources: ['{}/base.git//web?ref=v1', own.yaml]\nnameSuffix: -y\n");
    assert_eq!(names(&case.render().await.unwrap()), ["own-y", "x-remote-y"]);
    // A file beside the base's own folder is out of bounds there too.
    case.app("resources: ['{}/base.git//web?ref=v0']\n");
    let error = case.failure().await;
    assert!(error.message().contains("/base.git/map.yaml' is not in or below"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_that_moves_is_seen_and_one_that_does_not_is_not_rendered() {
    let Some(case) = Case::new("a_revision_that_moves_is_seen_and_one_that_does_not_is_not_rendered") else {
        return;
    };
    let base = case.root.repo("base.git");
    base.commit("main")
        .file("kustomization.yaml", "resources: [map.yaml]\n")
        .file("map.yaml", map("one"))
        .write();
    case.app("resources: ['{}/base.git?ref=main']\n");
    assert_eq!(names(&case.render().await.unwrap()), ["one"]);
    let again = case.render().await.unwrap();
    assert_eq!((names(&again), again.answered), (vec!["one".to_owned()], Answered::Reuse));
    base.commit("main").file("README.md", "unread").write();
    assert_eq!(case.render().await.unwrap().answered, Answered::Reuse);
    base.commit("main").file("map.yaml", map("two")).write();
    let moved = case.render().await.unwrap();
    assert_eq!(names(&moved), ["two"]);
    assert!(matches!(moved.answered, Answered::Rendered { because: Some(_) }), "{:?}", moved.answered);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_wants_names_looked_up_is_not_told_old_ones() {
    let day =
        |settings: &mut SourceSettings| settings.revision_cache_expiration = Duration::from_secs(86_400);
    let Some(case) =
        Case::with("a_caller_that_wants_names_looked_up_is_not_told_old_ones", Options::default(), day)
    else {
        return;
    };
    let base = case.root.repo("base.git");
    base.commit("main")
        .file("kustomization.yaml", "resources: [map.yaml]\n")
        .file("map.yaml", map("one"))
        .write();
    case.app("resources: ['{}/base.git']\n");
    assert_eq!(names(&case.render().await.unwrap()), ["one"]);
    base.commit("main").file("map.yaml", map("two")).write();
    assert_eq!(names(&case.render().await.unwrap()), ["one"], "as old as listings may be");
    let anew = RenderRequest { no_revision_cache: true, ..case.request() };
    assert_eq!(names(&case.pipeline.render(anew).await.unwrap()), ["two"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remote_base_may_name_another_and_a_component() {
    let Some(case) = Case::new("a_remote_base_may_name_another_and_a_component") else { return };
    let url = case.server.url("");
    let outer = format!("resources: ['{url}inner.git//deep']\ncomponents: ['{url}inner.git//part']\n");
    case.root.repo("outer.git").commit("main").file("kustomization.yaml", outer).write();
    let inner = case.root.repo("inner.git");
    let inner = inner.commit("main").file("deep/kustomization.yaml", "resources: [map.yaml]\n");
    let part = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnamePrefix: part-\n";
    inner.file("deep/map.yaml", map("deep")).file("part/kustomization.yaml", part).write();
    case.app("resources: ['{}/outer.git']\n");
    assert_eq!(names(&case.render().await.unwrap()), ["part-deep"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_the_web_are_read_and_read_again() {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let act = move |request: &Request| match request.path.as_str() {
        "/files/map.yaml" => {
            assert_eq!(request.query, "v=1");
            let name = format!("web-{}", counted.load(Ordering::SeqCst));
            Act::reply(200, &[], &map(&name))
        }
        "/files/moved.yaml" => Act::redirect("/files/map.yaml?v=1"),
        "/data.txt" => Act::reply(200, &[], "some text"),
        _ => Act::reply(404, &[], ""),
    };
    let options = Options { act: Box::new(act), ..Options::default() };
    let Some(case) = Case::with("files_of_the_web_are_read_and_read_again", options, |_| {}) else { return };
    case.app(
        "resources: ['{}/files/map.yaml?v=1']\n\
         configMapGenerator: [{name: made, files: ['text={}/data.txt'], options: {disableNameSuffixHash: true}}]\n",
    );
    assert_eq!(names(&case.render().await.unwrap()), ["made", "web-0"]);
    assert_eq!(case.render().await.unwrap().answered, Answered::Reuse);
    count.store(1, Ordering::SeqCst);
    assert_eq!(names(&case.render().await.unwrap()), ["made", "web-1"]);
    case.app("resources: ['{}/files/moved.yaml']\n");
    assert_eq!(names(&case.render().await.unwrap()), ["web-1"]);
    case.app("patches: [{path: '{}/no.yaml', target: {kind: A}}]\nresources: [own.yaml]\n");
    let error = case.failure().await;
    assert_eq!(error.kind(), Kind::NotFound);
    assert!(error.to_string().starts_with("app/kustomization.yaml:1: 'http://127.0.0.1:"), "{error}");
    assert!(error.to_string().ends_with("/no.yaml': the web has no such file: status 404"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_may_be_a_file_is_a_repository_where_it_is_none() {
    let act = |request: &Request| match request.path.as_str() {
        "/org/page" => Act::reply(200, &[], "<html>\n\t<a href='x'>: [\n"),
        "/org/none" => Act::reply(404, &[], ""),
        _ => Act::Serve,
    };
    let options = Options { act: Box::new(act), ..Options::default() };
    let test = "an_address_that_may_be_a_file_is_a_repository_where_it_is_none";
    let Some(case) = Case::with(test, options, |_| {}) else { return };
    for name in ["page", "none"] {
        let repo = case.root.repo(&format!("org/{name}"));
        let commit = repo.commit("main").file("kustomization.yaml", "resources: [map.yaml]\n");
        commit.file("map.yaml", map(name)).write();
    }
    case.app("resources: ['{}/org/page', '{}/org/none']\n");
    assert_eq!(names(&case.render().await.unwrap()), ["none", "page"]);
    let asked = case.server.requests();
    for page in ["/org/page", "/org/none"] {
        assert_eq!(asked.iter().filter(|request| request.path == page).count(), 1, "{page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_base_is_opened_with_the_servers_own_credential() {
    let test = "a_private_base_is_opened_with_the_servers_own_credential";
    let auth = || Some(Auth::Basic("me".into(), "right".into()));
    let book = tempfile::tempdir().unwrap();
    let file: PathBuf = book.path().join("credentials.yaml");
    std::fs::write(&file, "- url: http://127.0.0.1\n  username: me\n  password: unused\n").unwrap();
    let options = Options { auth: auth(), ..Options::default() };
    let Some(without) = Case::with(test, options, |_| {}) else { return };
    let private = |case: &Case| {
        let base = case.root.repo("base.git");
        let commit = base.commit("main").file("kustomization.yaml", "resources: [map.yaml]\n");
        commit.file("map.yaml", map("private")).write();
        case.app("resources: ['{}/base.git']\n");
    };
    private(&without);
    assert_eq!(without.failure().await.kind(), Kind::Unauthenticated);
    let text = format!("- url: {}\n  username: me\n  password: right\n", without.server.url("base.git"));
    std::fs::write(&file, text).unwrap();
    let data = tempfile::tempdir().unwrap();
    let parts = Parts { hosts: vec!["*".to_owned()], ..Parts::default() };
    let settings = SourceSettings {
        allow_local: true,
        parts,
        credentials_file: Some(file),
        ..SourceSettings::new(data.path().to_owned())
    };
    let rendered = pipeline(settings, Engines::default()).render(without.request()).await.unwrap();
    assert_eq!(names(&rendered), ["private"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_base_of_the_same_repository_is_opened_with_the_requests_own_credential() {
    let test = "a_base_of_the_same_repository_is_opened_with_the_requests_own_credential";
    let options = Options { auth: Some(Auth::Basic("me".into(), "right".into())), ..Options::default() };
    // Nothing on the list: the request's own host is enough.
    let Some(case) = Case::with(test, options, |settings| settings.parts = Parts::default()) else { return };
    let repo = case.root.repo("app.git");
    let old = repo.commit("main").file("base/kustomization.yaml", "resources: [map.yaml]\n");
    let old = old.file("base/map.yaml", map("old")).write();
    repo.tag("v1", old);
    case.app("resources: ['{}/app.git//base?ref=v1', '{}/other.git']\n");
    let other = case.root.repo("other.git");
    other.commit("main").file("kustomization.yaml", "resources: []\n").write();
    let ask = |password: Credential| request(&case.server.url("app.git"), Some(password));
    let error = case.pipeline.render(ask(password("right"))).await.unwrap_err();
    assert_eq!(
        error.kind(),
        Kind::Unauthenticated,
        "what was sent for one repository opens no other: {error}"
    );
    assert!(error.message().contains("/other.git"), "{error}");
    case.app("resources: ['{}/app.git//base?ref=v1']\n");
    let rendered = case.pipeline.render(ask(password("right"))).await.unwrap();
    assert_eq!(names(&rendered), ["old"]);
    let error = case.pipeline.render(ask(password("wrong"))).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unauthenticated);
}

#[tokio::test(flavor = "multi_thread")]
async fn off_and_hosts_that_are_not_listed_contact_nobody() {
    type Change = fn(&mut SourceSettings);
    let test = "off_and_hosts_that_are_not_listed_contact_nobody";
    let cases: [(Change, &str); 3] = [
        (
            |settings| settings.parts.allowed = false,
            "parts of other repositories and of the web are not fetched here",
        ),
        (
            |settings| settings.parts.hosts = vec!["127.0.0.1".to_owned(), "github.com".to_owned()],
            "is not on the list of hosts that kustomizations may name",
        ),
        (
            |settings| settings.allow_repos = vec!["file://**".to_owned()],
            "is not on the list of allowed ones",
        ),
    ];
    for (change, words) in cases {
        let Some(case) = Case::with(test, Options::default(), change) else { return };
        for entry in ["{}/base.git//x?ref=v1", "{}/org/either", "{}/file.yaml"] {
            case.app(&format!("# a comment\nresources:\n- own.yaml\n- {entry}\n"));
            let error = case.failure().await;
            assert_eq!(error.kind(), Kind::Denied, "{error}");
            assert!(error.to_string().starts_with("app/kustomization.yaml:4: 'http://127.0.0.1:"), "{error}");
            assert!(error.message().contains(words), "{error}");
        }
        assert_eq!(case.server.requests().len(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_leads_nowhere_that_is_not_listed() {
    let elsewhere =
        Server::start(Options { act: Box::new(|_| Act::reply(200, &[], &map("x"))), ..Options::default() });
    let targets =
        [elsewhere.url("x/y.yaml"), "http://169.254.169.254/x/y".to_owned(), "file:///etc/passwd".to_owned()];
    for target in targets {
        let to = target.clone();
        let options = Options { act: Box::new(move |_| Act::redirect(&to)), ..Options::default() };
        let own = |settings: &mut SourceSettings| settings.parts = Parts::default();
        let Some(case) = Case::with("a_redirect_leads_nowhere_that_is_not_listed", options, own) else {
            return;
        };
        case.app("patches: [{path: '{}/p.yaml'}]\n");
        // The repository itself is on the machine: no host of its own, nothing is listed.
        assert_eq!(case.failure().await.kind(), Kind::Denied);
        assert_eq!(case.server.requests().len(), 0);
        let listed = format!("127.0.0.1:{}", case.server.address().port());
        let data = tempfile::tempdir().unwrap();
        let parts = Parts { hosts: vec![listed], ..Parts::default() };
        let settings =
            SourceSettings { allow_local: true, parts, ..SourceSettings::new(data.path().to_owned()) };
        let error = pipeline(settings, Engines::default()).render(case.request()).await.unwrap_err();
        assert!(matches!(error.kind(), Kind::Denied | Kind::Invalid), "{target}: {error}");
        assert_eq!(case.server.requests().len(), 1);
    }
    assert_eq!(elsewhere.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_file_ends() {
    let act = |_: &Request| {
        Act::Endless("text/plain", b"# ".to_vec(), |at| format!("# {at:0>4000}\n").into_bytes())
    };
    let options = Options { act: Box::new(act), ..Options::default() };
    let small = |settings: &mut SourceSettings| settings.limits.page_bytes = 1 << 20;
    let Some(case) = Case::with("an_endless_file_ends", options, small) else { return };
    case.app("resources: ['{}/file.yaml']\n");
    assert_eq!(case.failure().await.kind(), Kind::OverBudget);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_large_files_are_too_much_together() {
    let large = format!("# {}\n", "x".repeat(15 << 20));
    let act = move |_: &Request| Act::reply(200, &[], &large);
    let options = Options { act: Box::new(act), ..Options::default() };
    let Some(case) = Case::with("many_large_files_are_too_much_together", options, |_| {}) else { return };
    let files: Vec<_> = (0..20).map(|at| format!("'{{}}/{at}.yaml'")).collect();
    case.app(&format!("resources: [{}]\n", files.join(", ")));
    let error = case.failure().await;
    assert_eq!(error.kind(), Kind::OverBudget, "{error}");
    assert!(case.server.requests().len() < 16, "it stops soon");
}

#[tokio::test(flavor = "multi_thread")]
async fn options_in_disguise_start_nothing_and_contact_nobody() {
    let Some(case) = Case::new("options_in_disguise_start_nothing_and_contact_nobody") else { return };
    let target = case.root.path().join("pwned");
    let target = target.display();
    for entry in [
        &format!("{{}}/base.git?ref=--upload-pack=touch {target}"),
        &format!("{{}}/base.git?version=--upload-pack=touch%20{target}"),
        "{}/base.git?ref=%2D%2Dupload-pack=x",
        "{}/-base.git",
        "ssh://-oProxyCommand=x/a/b",
        "git@-oProxyCommand=x:a/b",
        &format!("file://{}", case.root.path().join("app.git").display()),
        "ext::sh -c touch% x",
        "git::ext::sh -c touch% x",
    ] {
        for field in ["resources", "components", "bases", "generators", "transformers"] {
            // The good one stands first: even that is not asked for.
            case.app(&format!("{field}: ['{{}}/good.git', '{entry}']\n"));
            let error = case.failure().await;
            assert_eq!(error.kind(), Kind::Invalid, "{field}: {entry}: {error}");
            assert!(error.message().contains("is refused"), "{field}: {entry}: {error}");
        }
    }
    assert_eq!(case.server.requests().len(), 0);
    assert!(!case.root.path().join("pwned").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_is_never_given_something_to_fetch() {
    let Some(case) = Case::new("the_program_is_never_given_something_to_fetch") else { return };
    let data = tempfile::tempdir().unwrap();
    let settings = SourceSettings { allow_local: true, ..SourceSettings::new(data.path().to_owned()) };
    // Any program would do: it must not be started.
    let mut engines = Engines { kustomize: Engine::Exec, ..Engines::default() };
    engines.exec.kustomize = manifestd::process::Program::find(
        "kustomize",
        std::path::Path::new("/bin/sh"),
        std::ffi::OsStr::new(""),
        "",
    );
    engines.exec.scratch = data.path().join("scratch");
    std::fs::create_dir(&engines.exec.scratch).unwrap();
    let pipeline = pipeline(settings, engines);
    for entry in ["{}/base.git//x", "{}/file.yaml", "github.com/o/r"] {
        case.app(&format!("resources: ['{entry}']\n"));
        let error = pipeline.render(case.request()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Precondition, "{error}");
    }
    assert_eq!(case.server.requests().len(), 0);
}
