//! The whole road over real repositories: from a URL to manifests, cached, shared and reused.

use std::collections::BTreeMap;
use std::env;
use std::path::Path;

use cache::{Cache, Memory};
use manifestd::credentials::{Credential, Secret};
use manifestd::error::{Kind, Result};
use manifestd::pipeline::{Pipeline, Service, Settings};
use manifestd::render::{Engine, Engines, Isolation, exec};
use manifestd::request::{
    Answered, DirectoryOptions, HelmOptions, Origin, RenderRequest, Rendered, Renderer, Source,
};
use manifestd::source::{Settings as SourceSettings, Sources};
use testkit::http::{Auth, Options, Server};
use testkit::{Program, Random, Repo, Root, app_folder, apps};

/// A pipeline with a data folder of its own.
struct Here {
    pipeline: Pipeline,
    _data: tempfile::TempDir,
}

impl Here {
    fn new() -> Self {
        Self::with(Engines::default())
    }

    fn with(engines: Engines) -> Self {
        let data = tempfile::tempdir().unwrap();
        let settings = SourceSettings { allow_local: true, ..SourceSettings::new(data.path().join("data")) };
        let service = Service::new(Sources::new(settings).unwrap(), engines, Isolation::None);
        let cache = Cache::new(Memory::new(64 << 20));
        Self { pipeline: Pipeline::new(Settings::default(), service, cache), _data: data }
    }

    async fn render(&self, request: RenderRequest) -> Result<Rendered> {
        self.pipeline.render(request).await
    }

    fn renders(&self) -> u64 {
        self.pipeline.stats().renders.iter().sum()
    }
}

fn request(url: &str, revision: &str, path: &str) -> RenderRequest {
    let origin = Origin::Git {
        url: url.into(),
        revision: revision.into(),
        credential: None,
        tag_prefix: String::new(),
    };
    let renderer = Renderer::Directory(DirectoryOptions { recurse: true, ..DirectoryOptions::default() });
    let source = Source { origin, path: path.into(), ref_name: String::new(), renderer };
    RenderRequest { sources: vec![source], no_revision_cache: true, ..RenderRequest::default() }
}

fn local(repo: &Repo) -> String {
    repo.path().to_str().unwrap().to_owned()
}

fn config_map(name: &str, value: usize) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  value: \"{value}\"\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_at_once_cause_one_fetch_and_one_render() {
    if Program::Git.find("two_hundred_at_once_cause_one_fetch_and_one_render").is_none() {
        return;
    }
    let root = Root::new();
    let commit = root.repo("r.git").commit("main").file("app/cm.yaml", config_map("a", 1)).write();
    let server = Server::git(&root);
    let here = Here::new();
    let url = server.url("r.git");
    let one = || {
        let (pipeline, url) = (here.pipeline.clone(), url.clone());
        let request = RenderRequest { no_revision_cache: false, ..request(&url, "main", "app") };
        tokio::spawn(async move { pipeline.render(request).await })
    };
    let callers: Vec<_> = (0..200).map(|_| one()).collect();
    for caller in callers {
        let answer = caller.await.unwrap().unwrap();
        assert_eq!(answer.revisions, [commit.to_string()]);
        assert_eq!(answer.body.decode().unwrap().objects[0].name, "a");
    }
    assert_eq!((server.fetches(), here.renders()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_to_one_application_renders_one() {
    const COUNT: usize = 60;
    let root = Root::new();
    let repo = root.repo("apps.git");
    apps(&repo, COUNT);
    let (here, url) = (Here::new(), local(&repo));
    for number in 0..COUNT {
        here.render(request(&url, "main", &app_folder(number))).await.unwrap();
    }
    let touched = format!("{}/extra.yaml", app_folder(7));
    repo.commit("main").file(&touched, config_map("extra", 1)).write();
    for number in 0..COUNT {
        let answer = here.render(request(&url, "main", &app_folder(number))).await.unwrap();
        let because = format!("{}: a file was added or removed", app_folder(7));
        let expected = match number {
            7 => Answered::Rendered { because: Some(because) },
            _ => Answered::Reuse,
        };
        assert_eq!((answer.answered, number), (expected, number));
    }
    assert_eq!(here.renders(), COUNT as u64 + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_repository_is_rendered_for_those_who_may_see_it_only() {
    if Program::Git.find("a_private_repository_is_rendered_for_those_who_may_see_it_only").is_none() {
        return;
    }
    let root = Root::new();
    let commit = root.repo("r.git").commit("main").file("app/cm.yaml", config_map("a", 1)).write();
    let auth = Some(Auth::Basic("me".into(), "right".into()));
    let server = Server::start(Options { root: Some(root.path().to_owned()), auth, ..Options::default() });
    let (here, url) = (Here::new(), server.url("r.git"));
    let ask = |password: Option<&str>| {
        let mut request = request(&url, &commit.to_string(), "app");
        request.no_revision_cache = false;
        let given = |password: &str| Credential {
            username: "me".into(),
            password: Secret::new(password),
            ..Credential::default()
        };
        if let Origin::Git { credential, .. } = &mut request.sources[0].origin {
            *credential = password.map(given);
        }
        here.render(request)
    };
    ask(Some("right")).await.unwrap();
    assert_eq!(ask(Some("right")).await.unwrap().answered, Answered::Cache);
    for wrong in [None, Some("wrong")] {
        let error = ask(wrong).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Unauthenticated, "{error}");
    }
    assert_eq!(here.renders(), 1);
}

/// Engines with the helm program, which works in `scratch`.
fn with_helm(scratch: &Path) -> Engines {
    let search = env::var_os("PATH").unwrap_or_default();
    let mut exec = exec::Settings::find(Path::new("helm"), Path::new("none"), &search, scratch.to_owned());
    exec.helm = exec.helm.launched_by(Path::new(env!("CARGO_BIN_EXE_manifestd")));
    Engines { helm: Engine::Exec, exec, ..Engines::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chart_with_lent_values_is_reused_until_something_it_saw_changes() {
    if Program::Helm.find("a_chart_with_lent_values_is_reused").is_none() {
        return;
    }
    let root = Root::new();
    let (charts, values) = (root.repo("charts.git"), root.repo("values.git"));
    let template =
        "kind: ConfigMap\napiVersion: v1\nmetadata: {name: web}\ndata: {size: {{ .Values.size }}}\n";
    let chart = "apiVersion: v2\nname: web\nversion: 1.0.0\n";
    let commit = charts.commit("main").file("web/Chart.yaml", chart);
    commit.file("web/templates/cm.yaml", template).write();
    values.commit("main").file("prod.yaml", "size: big\n").file("test.yaml", "size: small\n").write();
    let scratch = tempfile::tempdir().unwrap();
    let here = Here::with(with_helm(scratch.path()));
    let ask = async |kube_version: &str| {
        let mut all = request(&local(&charts), "main", "web");
        let options = HelmOptions { value_files: vec!["$v/prod.yaml".into()], ..HelmOptions::default() };
        all.sources[0].renderer = Renderer::Helm(options);
        let lender = request(&local(&values), "main", "").sources.remove(0);
        all.sources.push(Source { ref_name: "v".into(), ..lender });
        all.kube_version = Some(kube_version.into());
        let answer = here.render(all).await.unwrap();
        let objects = answer.body.decode().unwrap().objects;
        (answer.answered, String::from_utf8_lossy(&objects[0].json).into_owned())
    };
    let because = |why: &str| Answered::Rendered { because: Some(why.to_owned()) };
    let (first, json) = ask("1.33.0").await;
    assert_eq!(first, Answered::Rendered { because: None });
    assert!(json.contains(r#""size":"big""#), "{json}");
    charts.commit("main").file("README.md", "new").write();
    values.commit("main").file("test.yaml", "size: tiny\n").write();
    assert_eq!(ask("1.33.0").await, (Answered::Reuse, json));
    assert_eq!(ask("1.34.0").await.0, because("the kube version changed"));
    values.commit("main").file("prod.yaml", "size: huge\n").write();
    let (third, json) = ask("1.34.0").await;
    assert_eq!(third, because("source 2: prod.yaml changed"));
    assert!(json.contains(r#""size":"huge""#), "{json}");
}

/// The law of the whole over real commits: whatever was asked before, an answer equals that of a pipeline which never
/// saw anything. `src/pipeline/tests/history.rs` has more of these over trees in memory.
#[tokio::test(flavor = "multi_thread")]
async fn cached_equals_fresh_for_any_history() {
    const FILES: [&str; 6] =
        ["app/a.yaml", "app/b.yaml", "app/deep/c.yaml", "app/notes.txt", "other/d.yaml", "base/e.yaml"];
    for seed in 0..4 {
        let mut random = Random::new(seed);
        let root = Root::new();
        let repo = root.repo("r.git");
        let (here, fresh, url) = (Here::new(), Here::new(), local(&repo));
        let mut standing = BTreeMap::new();
        let mut commits = Vec::new();
        for _ in 0..25 {
            commits.push(change(&repo, &mut standing, &mut random, &FILES).to_string());
            for path in ["app", "other", "."] {
                let revision = &commits[commits.len() - 1 - random.below(commits.len().min(4))];
                let asked = request(&url, revision, path);
                let expected = outcome(fresh.render(RenderRequest { no_cache: true, ..asked.clone() }).await);
                assert_eq!(outcome(here.render(asked).await), expected, "seed {seed}, {path} at {revision}");
            }
        }
        let stats = here.pipeline.stats();
        assert!(stats.reuse > 0 && stats.cache > 0 && stats.rendered > 0, "{stats:?}");
    }
}

/// Commits one file written, broken, linked or removed.
fn change(
    repo: &Repo,
    standing: &mut BTreeMap<String, ()>,
    random: &mut Random,
    files: &[&str],
) -> testkit::Oid {
    let file = random.pick(files).to_owned();
    let commit = repo.commit("main");
    let commit = match random.below(8) {
        0 | 1 if standing.remove(&file).is_some() => return commit.remove(&file).write(),
        2 => commit.link(&file, "../base/e.yaml"),
        3 => commit.file(&file, "kind: [\n"),
        number => commit.file(&file, config_map("x", number % 3)),
    };
    standing.insert(file, ());
    commit.write()
}

fn outcome(answer: Result<Rendered>) -> Result<(Vec<u8>, Vec<String>), String> {
    answer
        .map(|rendered| (rendered.body.0.to_vec(), rendered.revisions))
        .map_err(|error| format!("{:?} {error}", error.kind()))
}
