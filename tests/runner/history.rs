//! The law of reuse: for any history of commits, what is answered from earlier results equals a fresh render.

use std::collections::BTreeSet;
use std::path::Path;

use proto::v1::{Answered, DirectoryOptions, JsonnetOptions, RenderRequest};
use testkit::http::Server;
use testkit::{Random, Repo, Root};

use super::asking::{Asking, ask};
use super::bad_input::map;
use super::service::{Answer, Service};

/// Commits of the history; each is asked for with every request.
const COMMITS: usize = 80;

/// Paths that come and go. None is a folder of another, since a commit here does not turn files into folders.
const PATHS: &[&str] = &[
    "app/a.yaml",
    "app/b.yaml",
    "app/c.json",
    "app/main.jsonnet",
    "app/lib.libsonnet",
    "app/sub/d.yaml",
    "app/sub/deeper/e.yaml",
    "lib/lib.libsonnet",
    "other/a.yaml",
    ".gitattributes",
    "app/.gitattributes",
    "README.md",
];

/// What links point to: a neighbour, another folder, nothing, outside.
const LINKS: &[&str] = &["b.yaml", "../other/a.yaml", "gone", "../../../x"];

/// A repository and the paths that are there now.
struct History {
    repo: Repo,
    there: BTreeSet<&'static str>,
    random: Random,
}

impl History {
    /// One to three commits of one change each.
    fn step(&mut self) {
        for _ in 0..=self.random.below(3) {
            let path = self.random.pick(PATHS);
            let commit = self.repo.commit("main");
            let kind = self.random.below(10);
            let commit = match kind {
                0..=2 if self.there.remove(path) => commit.remove(path),
                3 if path.ends_with("yaml") => commit.link(path, self.random.pick(LINKS)),
                4 => commit.submodule("vendored", &"ab".repeat(20)),
                _ => commit.file(path, content(path, &mut self.random)),
            };
            commit.write();
            self.look();
        }
    }

    /// Notes what is there now.
    fn look(&mut self) {
        let tree =
            self.repo.git().find_commit(self.repo.tip("refs/heads/main")).and_then(|commit| commit.tree());
        let tree = tree.unwrap();
        self.there = PATHS.iter().copied().filter(|path| tree.get_path(Path::new(path)).is_ok()).collect();
    }
}

fn content(path: &str, random: &mut Random) -> String {
    let number = random.below(3);
    match path.rsplit('.').next() {
        Some("json") => {
            format!("{{\"kind\": \"A\", \"apiVersion\": \"v1\", \"metadata\": {{\"name\": \"j{number}\"}}}}")
        }
        Some("jsonnet") => "(import 'lib.libsonnet') + { kind: 'B', apiVersion: 'v1' }".to_owned(),
        Some("libsonnet") => format!("{{ metadata: {{ name: 'l{number}' }} }}"),
        Some("gitattributes") => ["* text\n", "*.yaml text eol=crlf\n", "*.yaml ident\n"][number].to_owned(),
        Some("md") => format!("{number}"),
        _ => [map("x"), format!("{}---\n{}", map("y"), map("z")), "kind: [broken".to_owned()][number].clone(),
    }
}

fn requests(url: &str) -> Vec<RenderRequest> {
    let plain = || ask(url, "main", "app");
    let jsonnet = JsonnetOptions { libs: vec!["lib".into()], ..JsonnetOptions::default() };
    let recursive = DirectoryOptions { recurse: true, jsonnet: Some(jsonnet), ..DirectoryOptions::default() };
    let some = DirectoryOptions { include: "*b.yaml".into(), ..DirectoryOptions::default() };
    vec![plain(), plain().directory(recursive), plain().directory(some), ask(url, "main", "other")]
}

/// Manifests with their files, warnings and revisions; or the whole failure.
type Told = Result<[Vec<String>; 3], String>;

/// What must be equal; how the answer came about and how long it took may differ.
fn told(answer: &Answer) -> Told {
    match answer {
        Err(status) => Err(format!("{:?} {} {:?}", status.code(), status.message(), status.details())),
        Ok(rendered) => {
            let manifests =
                rendered.manifests.iter().map(|manifest| format!("{} {}", manifest.file, manifest.json));
            Ok([manifests.collect(), rendered.warnings.clone(), rendered.revisions.clone()])
        }
    }
}

#[tokio::test]
async fn reused_answers_equal_fresh_ones_for_any_history() {
    let root = Root::new();
    let mut history = History { repo: root.repo("app.git"), there: BTreeSet::new(), random: Random::new(7) };
    let server = Server::git(&root);
    let service = Service::start();
    let mut reused = 0;
    for commit in 0..COMMITS {
        history.step();
        for (number, request) in requests(&server.url("app.git")).into_iter().enumerate() {
            let named = RenderRequest { no_revision_cache: true, ..request.clone() };
            let cached = service.render(named).await;
            let fresh = service.render(request.fresh()).await;
            assert_eq!(told(&cached), told(&fresh), "commit {commit}, request {number}");
            reused += usize::from(cached.is_ok_and(|rendered| rendered.answered() == Answered::Reuse));
        }
    }
    assert!(reused > COMMITS / 2, "only {reused} answers were reused: the law was hardly tried");
}
