//! Many overlays over few bases: a commit renders what it touches, and nothing else.

use proto::v1::{Answered, RenderRequest};
use testkit::http::Server;
use testkit::{Repo, Root};

use super::asking::{ask, names};
use super::service::Service;

const OVERLAYS: usize = 300;
const BASES: usize = 20;

/// The metric that counts renders, by engine.
const RENDERS: &str = "manifestd_renders_total";

fn overlay(number: usize) -> String {
    format!("overlays/{number}")
}

fn deployment(image: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec:\n  selector: {{matchLabels: {{app: web}}}}\n  \
         template:\n    metadata: {{labels: {{app: web}}}}\n    spec: {{containers: [{{name: web, image: '{image}'}}]}}\n"
    )
}

/// A base of a deployment each, and overlays that take turns over them.
fn write(repo: &Repo) {
    let mut commit = repo.commit("main");
    for base in 0..BASES {
        commit = commit
            .file(&format!("bases/{base}/kustomization.yaml"), "resources: [web.yaml]\n")
            .file(&format!("bases/{base}/web.yaml"), deployment("web:1"));
    }
    for number in 0..OVERLAYS {
        let base = number % BASES;
        let kustomization = format!("resources: [../../bases/{base}]\nnamePrefix: o{number}-\n");
        commit = commit.file(&format!("{}/kustomization.yaml", overlay(number)), kustomization);
    }
    commit.write();
}

/// Asks for every overlay at the newest commit; answers those that were rendered.
async fn rendered(service: &Service, url: &str) -> Vec<usize> {
    let mut first: RenderRequest = ask(url, "main", &overlay(0));
    // The listing of branches is fresh from here on.
    first.no_revision_cache = true;
    let mut answers = vec![service.render(first).await];
    answers
        .extend(service.render_in_turn((1..OVERLAYS).map(|number| ask(url, "main", &overlay(number)))).await);
    let mut rendered = Vec::new();
    for (number, answer) in answers.into_iter().enumerate() {
        let answer = answer.unwrap();
        assert_eq!(names(&answer), [format!("Deployment/o{number}-web")]);
        if answer.answered() == Answered::Rendered {
            rendered.push(number);
        }
    }
    rendered
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_renders_the_overlays_it_touches() {
    let root = Root::new();
    let repo = root.repo("overlays.git");
    write(&repo);
    let server = Server::git(&root);
    let service = Service::start();
    let url = server.url("overlays.git");
    let renders = || service.metrics().sum(RENDERS, &["Kustomize"]);
    assert_eq!(rendered(&service, &url).await.len(), OVERLAYS);
    assert_eq!(renders(), 300.0);

    let kustomization = "resources: [../../bases/7]\nnamePrefix: o7-\nlabels: [{pairs: {a: b}}]\n";
    repo.commit("main").file("overlays/7/kustomization.yaml", kustomization).write();
    assert_eq!(rendered(&service, &url).await, [7]);
    assert_eq!(renders(), 301.0);

    repo.commit("main").file("bases/3/web.yaml", deployment("web:2")).write();
    let over_base_3: Vec<usize> = (0..OVERLAYS).filter(|number| number % BASES == 3).collect();
    assert_eq!(rendered(&service, &url).await, over_base_3);
    assert_eq!(renders(), 316.0);

    // A file that could have been a base's kustomization, but is no part of any.
    repo.commit("main").file("bases/3/other.yaml", "kind: A\n").file("README.md", "text").write();
    assert!(rendered(&service, &url).await.is_empty());
    assert_eq!(renders(), 316.0);
}
