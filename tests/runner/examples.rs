//! The applications people know, over http, from the command line and from the service.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use proto::v1::{
    DirectoryOptions, HelmOptions, HelmParameter, JsonnetOptions, JsonnetVar, RenderRequest, RenderResponse,
};
use serde_json::Value;
use tempfile::TempDir;
use testkit::http::Server;
use testkit::{Program, Root, shared};
use tonic::Code;

use super::asking::{Asking, ask, names};
use super::service::{Service, command};

/// A folder, what renders it, and the objects it holds.
struct App(&'static str, &'static str, &'static [&'static str]);

/// The applications of Argo CD's examples that need no program.
const PLAIN: &[App] = &[
    App("guestbook", "Directory", &["Deployment/guestbook-ui", "Service/guestbook-ui"]),
    App("helm-hooks", "Directory", &[]),
    App("sync-waves", "Directory", &[]),
    App(
        "jsonnet-guestbook",
        "Directory",
        &["Service/jsonnet-guestbook-ui", "Deployment/jsonnet-guestbook-ui"],
    ),
    App("jsonnet-guestbook-tla", "Directory", &["Service/tla", "Deployment/tla"]),
];

const HELM: &[&str] = &["apps", "blue-green", "helm-guestbook"];
const KUSTOMIZE: &[&str] = &["kustomize-guestbook", "pre-post-sync", "sock-shop"];

/// The examples' repository, served and checked out, or `None` where it is not there.
struct Examples {
    server: Server,
    files: PathBuf,
    _root: Root,
    _folder: TempDir,
}

impl Examples {
    fn open(test: &str) -> Option<Self> {
        let bundle = shared(test)?.join("corpus/argocd-example-apps.bundle");
        Program::Git.find(test)?;
        let (root, folder) = (Root::new(), TempDir::new().unwrap());
        let files = folder.path().join("files");
        git(&["clone", "--quiet", "--bare"], &bundle, &root.path().join("examples.git"));
        git(&["clone", "--quiet"], &bundle, &files);
        Some(Self { server: Server::git(&root), files, _root: root, _folder: folder })
    }

    fn url(&self) -> String {
        self.server.url("examples.git")
    }
}

fn git(arguments: &[&str], from: &Path, to: &Path) {
    let status = Command::new("git").args(arguments).arg(from).arg(to).status().unwrap();
    assert!(status.success());
}

#[tokio::test]
async fn plain_and_jsonnet_applications_render_everywhere_the_same() {
    let Some(examples) = Examples::open("example applications") else { return };
    let service = Service::start();
    for App(folder, renderer, wanted) in PLAIN {
        let request = with_arguments(ask(&examples.url(), "HEAD", folder), folder);
        let rendered = service.render(request).await.unwrap_or_else(|status| panic!("{folder}: {status:?}"));
        assert_eq!(rendered.renderers, [*renderer], "{folder}");
        assert!(!rendered.manifests.is_empty(), "{folder}");
        if !wanted.is_empty() {
            assert_eq!(names(&rendered), *wanted, "{folder}");
        }
        let flags: &[&str] =
            if *folder == "jsonnet-guestbook-tla" { &["--jsonnet-tla=name=tla"] } else { &[] };
        assert_eq!(printed(&examples.url(), folder, flags), objects(&rendered), "{folder}");
    }
}

#[tokio::test]
async fn helm_and_kustomize_applications_render_what_the_programs_print() {
    let test = "example applications of Helm and Kustomize";
    let Some(examples) = Examples::open(test) else { return };
    let service = Service::start();
    let helm = Program::Helm.find(test).map(|program| (program, "Helm", HELM));
    let kustomize = Program::Kustomize.find(test).map(|program| (program, "Kustomize", KUSTOMIZE));
    for (program, renderer, folders) in helm.into_iter().chain(kustomize) {
        for folder in folders {
            let rendered = service.render(ask(&examples.url(), "", folder)).await;
            let rendered = rendered.unwrap_or_else(|status| panic!("{folder}: {status:?}"));
            assert_eq!(rendered.renderers, [renderer], "{folder}");
            let real = by_program(&program, &examples.files.join(folder));
            assert_eq!(rendered.manifests.len(), real.matches("\nkind: ").count(), "{folder}: {real}");
            assert_eq!(printed(&examples.url(), folder, &[]), objects(&rendered), "{folder}");
            let exec = ["--helm-engine=exec", "--kustomize-engine=exec"];
            assert_eq!(printed(&examples.url(), folder, &exec), objects(&rendered), "{folder}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_rendered_is_told_clearly() {
    let test = "example applications with errors";
    let Some(examples) = Examples::open(test) else { return };
    let wrong = [
        ("plugins/kasane", "layers", Code::InvalidArgument),
        ("helm-dependency", "wordpress", Code::FailedPrecondition),
        // Its patches are written as kustomize took them once.
        ("plugins/kustomized-helm", "Kustomization.patches", Code::InvalidArgument),
    ];
    let mut service = Service::start();
    for (folder, word, code) in wrong {
        let status = service.render(ask(&examples.url(), "", folder)).await.expect_err(folder);
        assert_eq!(status.code(), code, "{folder}: {status:?}");
        assert!(status.message().contains(word), "{folder}: {status:?}");
        service.assert_silent(status.message());
        let output = run(&examples.url(), folder, &[]);
        assert!(!output.status.success() && output.stdout.is_empty(), "{folder}");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(told.contains(word), "{folder}: {told}");
        service.assert_silent(&told);
    }
    // It holds no file that could be a manifest.
    let nix = service.render(ask(&examples.url(), "", "plugins/nix")).await.unwrap();
    assert!(nix.manifests.is_empty() && !nix.warnings.is_empty(), "{nix:?}");
    service.assert_healthy();
}

#[tokio::test]
async fn our_own_applications_render_everywhere_the_same() {
    let root = Root::new();
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/apps");
    root.repo("own.git").commit("main").folder("", &files).write();
    let server = Server::git(&root);
    let service = Service::start();
    for own in OWN {
        let request = (own.request)(ask(&server.url("own.git"), "main", own.folder));
        let rendered =
            service.render(request).await.unwrap_or_else(|status| panic!("{}: {status:?}", own.folder));
        assert_eq!(names(&rendered), own.objects, "{}", own.folder);
        assert_eq!(
            printed(&server.url("own.git"), own.folder, own.flags),
            objects(&rendered),
            "{}",
            own.folder
        );
        let path = format!("testdata/apps/{}", own.folder);
        let worktree = printed(env!("CARGO_MANIFEST_DIR"), &path, &[own.flags, &["--worktree"]].concat());
        assert_eq!(worktree, objects(&rendered), "{}", own.folder);
    }
}

/// One of our own applications, with its options in both languages.
struct Own {
    folder: &'static str,
    request: fn(RenderRequest) -> RenderRequest,
    flags: &'static [&'static str],
    objects: &'static [&'static str],
}

const OWN: &[Own] = &[
    Own {
        folder: "guestbook",
        request: |request| request,
        flags: &[],
        objects: &["Deployment/guestbook", "Service/guestbook"],
    },
    Own {
        folder: "mixed",
        request: |request| request,
        flags: &[],
        objects: &[
            "Namespace/mixed",
            "ConfigMap/settings",
            "ServiceAccount/reader",
            "Role/reader",
            "CronJob/clean",
        ],
    },
    Own {
        folder: "jsonnet",
        request: |request| request,
        flags: &[],
        objects: &["Service/web", "Deployment/web"],
    },
    Own {
        folder: "jsonnet-arguments",
        request: |request| {
            let tlas = vec![variable("name", "worker", false), variable("replicas", "1 + 2", true)];
            let jsonnet =
                JsonnetOptions { tlas, ext_vars: vec![variable("stage", "test", false)], libs: Vec::new() };
            request.directory(DirectoryOptions { jsonnet: Some(jsonnet), ..DirectoryOptions::default() })
        },
        flags: &[
            "--jsonnet-tla=name=worker",
            "--jsonnet-tla-code=replicas=1 + 2",
            "--jsonnet-ext=stage=test",
        ],
        objects: &["Deployment/worker"],
    },
    Own {
        folder: "helm",
        request: |request| {
            let value_files = vec!["values-production.yaml".into()];
            let parameters =
                vec![HelmParameter { name: "image.tag".into(), value: "2".into(), force_string: true }];
            request.helm(HelmOptions { value_files, parameters, ..HelmOptions::default() })
        },
        flags: &["--helm-values=values-production.yaml", "--helm-set-string=image.tag=2"],
        objects: &[
            "CustomResourceDefinition/jobs.queue.example",
            "ConfigMap/app-settings",
            "Deployment/app-worker",
        ],
    },
    Own {
        folder: "kustomize/production",
        request: |request| request,
        flags: &[],
        objects: &["ConfigMap/prod-settings-64hc9d59t9", "Deployment/prod-api"],
    },
];

fn variable(name: &str, value: &str, code: bool) -> JsonnetVar {
    JsonnetVar { name: name.into(), value: value.into(), code }
}

fn with_arguments(request: RenderRequest, folder: &str) -> RenderRequest {
    if folder != "jsonnet-guestbook-tla" {
        return request;
    }
    let jsonnet =
        Some(JsonnetOptions { tlas: vec![variable("name", "tla", false)], ..JsonnetOptions::default() });
    request.directory(DirectoryOptions { jsonnet, ..DirectoryOptions::default() })
}

/// `manifestd render` of a folder with its data in a place of its own.
fn run(url: &str, folder: &str, flags: &[&str]) -> Output {
    let data = TempDir::new().unwrap();
    let mut command = command(None);
    command.args(["render", url, "--path", folder, "--name", "app", "--namespace", "ns", "--output", "json"]);
    command.args(flags).arg("--data-dir").arg(data.path()).output().unwrap()
}

/// The objects that `manifestd render` prints.
fn printed(url: &str, folder: &str, flags: &[&str]) -> Vec<Value> {
    let output = run(url, folder, flags);
    assert!(output.status.success(), "{folder}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::Deserializer::from_slice(&output.stdout).into_iter().map(Result::unwrap).collect()
}

fn objects(rendered: &RenderResponse) -> Vec<Value> {
    rendered.manifests.iter().map(|manifest| serde_json::from_str(&manifest.json).unwrap()).collect()
}

fn by_program(program: &Path, folder: &Path) -> String {
    let mut command = Command::new(program);
    match program.ends_with("helm") {
        true => command.args(["template", "app", "--namespace", "ns", "--include-crds"]).arg(folder),
        false => command.arg("build").arg(folder),
    };
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    format!("\n{}", String::from_utf8(output.stdout).unwrap())
}
