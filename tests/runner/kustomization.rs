//! Kustomizations in process, as a request renders them: options, facts, failures, budgets.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use manifestd::error::{Error, Kind, Result};
use manifestd::process::Program;
use manifestd::render::{Budgets, Chance, Engine, Engines, Job, Stop, exec, render};
use manifestd::request::{
    KustomizeEdits, KustomizeOptions, KustomizePatch, KustomizeReplica, KustomizeTarget, Manifests, Renderer,
};
use testkit::Program as Installed;
use tree::{MemoryTree, Recorder, Tree, TreePath};

const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {a: '1'}\n";

/// A kustomization in the folder `app` of a repository, and what asks for it.
struct Case {
    job: Job,
    recorder: Arc<Recorder>,
    options: KustomizeOptions,
}

impl Case {
    fn new(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| (*path, (*text).to_owned()));
        let recorder = Arc::new(Recorder::new(Arc::new(MemoryTree::from_files(files).unwrap())));
        let job = Job {
            tree: Arc::clone(&recorder) as Arc<dyn Tree>,
            path: TreePath::parse("app").unwrap(),
            remotes: Arc::default(),
            lent: BTreeMap::new(),
            renderer: Renderer::Detect,
            name: "web".to_owned(),
            namespace: "prod".to_owned(),
            kube_version: None,
            api_versions: Vec::new(),
            inputs: Arc::default(),
            chance: Chance::default(),
            budgets: Budgets::default(),
            stop: Stop::after(Duration::from_secs(60)),
        };
        Self { job, recorder, options: KustomizeOptions::default() }
    }

    /// A kustomization beside a config map.
    fn of(kustomization: &str) -> Self {
        Self::new(&[("app/kustomization.yaml", kustomization), ("app/cm.yaml", MAP), ("outside.yaml", MAP)])
    }

    fn render(&mut self) -> Result<Manifests> {
        self.job.renderer = Renderer::Kustomize(self.options.clone());
        render(&self.job, &Engines::default())
    }

    /// The same through the kustomize program.
    fn render_by_program(&mut self, program: &Path) -> Result<Manifests> {
        self.job.renderer = Renderer::Kustomize(self.options.clone());
        let scratch = tempfile::tempdir().unwrap();
        let search = std::env::var_os("PATH").unwrap_or_default();
        let found = exec::Settings::find(Path::new("helm"), program, &search, scratch.path().to_owned());
        let by_us = |program: Program| program.launched_by(Path::new(env!("CARGO_BIN_EXE_manifestd")));
        let exec = exec::Settings { helm: by_us(found.helm), kustomize: by_us(found.kustomize), ..found };
        render(&self.job, &Engines { kustomize: Engine::Exec, exec, ..Engines::default() })
    }

    fn failure(&mut self) -> Error {
        self.render().unwrap_err()
    }
}

fn names(rendered: &Manifests) -> Vec<&str> {
    rendered.objects.iter().map(|object| object.name.as_str()).collect()
}

#[test]
fn nothing_needs_a_program() {
    let mut case = Case::of("resources: [cm.yaml]\nnamePrefix: x-\n");
    let rendered = case.render().unwrap();
    assert_eq!((names(&rendered), &*rendered.renderers[0]), (vec!["x-settings"], "Kustomize"));
    assert!(rendered.warnings.is_empty());
}

#[test]
fn what_kustomize_warns_of_is_a_warning() {
    let rendered = Case::of("resources: [cm.yaml]\ncommonLabels: {a: b}\n").render().unwrap();
    assert_eq!(rendered.warnings.len(), 1, "{:?}", rendered.warnings);
    assert!(rendered.warnings[0].starts_with("'commonLabels' is deprecated"), "{:?}", rendered.warnings);
}

#[test]
fn files_outside_of_the_folder_are_an_option() {
    let mut case = Case::of("resources: [../outside.yaml]");
    let error = case.failure();
    assert_eq!(error.kind(), Kind::Invalid);
    assert!(error.message().contains("'./outside.yaml' is not in or below './app'"), "{error}");
    case.options.load_restrictions_none = true;
    assert_eq!(names(&case.render().unwrap()), ["settings"]);
}

#[test]
fn what_the_build_reads_is_a_fact_and_nothing_else() {
    let mut case = Case::new(&[
        ("app/kustomization.yaml", "resources: [../base]"),
        ("app/README.md", "long"),
        ("base/Kustomization", "resources: [cm.yaml]"),
        ("base/cm.yaml", MAP),
        ("base/unused.yaml", MAP),
        ("other/cm.yaml", MAP),
    ]);
    case.render().unwrap();
    let facts: Vec<_> = case.recorder.reads().facts().map(ToString::to_string).collect();
    let about = |path: &str| facts.iter().any(|fact| fact.starts_with(path));
    for path in ["app/kustomization.yaml", "base/Kustomization", "base/cm.yaml", "base/kustomization.yaml"] {
        assert!(about(path), "{path}: {facts:?}");
    }
    for path in ["app/README.md", "base/unused.yaml", "other"] {
        assert!(!about(path), "{path}: {facts:?}");
    }
}

#[test]
fn failures_have_their_kinds() {
    for (kustomization, kind) in [
        ("resources: [gone.yaml]", Kind::Invalid),
        ("resources: [", Kind::Invalid),
        ("unknown: 1", Kind::Invalid),
        ("resources: ['https://h.example/o/r?ref=v1']", Kind::Precondition),
        ("resources: ['git@h.example:o/r.git']", Kind::Precondition),
        (
            "transformers: [\"apiVersion: v1\\nkind: Evil\\nmetadata:\\n  name: x\\n  annotations: {config.kubernetes.io/function: 'exec: {path: x}'}\"]",
            Kind::Precondition,
        ),
    ] {
        let error = Case::of(kustomization).failure();
        assert_eq!(error.kind(), kind, "{kustomization}: {error}");
        assert_eq!(error.advice().is_some(), kind == Kind::Precondition, "{kustomization}");
    }
}

#[test]
fn a_build_ends_when_it_is_stopped_or_too_large() {
    let mut case = Case::of("resources: [cm.yaml]");
    case.job.stop.raise();
    assert_eq!(case.failure().kind(), Kind::Cancelled);
    let mut case = Case::of("resources: [cm.yaml]");
    case.job.budgets.export_bytes = 30;
    assert_eq!(case.failure().kind(), Kind::OverBudget);
    let mut case = Case::of("resources: [cm.yaml]");
    case.job.budgets.output_bytes = 30;
    assert_eq!(case.failure().kind(), Kind::OverBudget);
}

const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, labels: {app: web}}\nspec:\n  \
                          replicas: 1\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    \
                          spec: {containers: [{name: web, image: 'nginx:1'}, {name: side, image: 'h:50/side@sha256:a'}]}\n";

/// What is in the repository whose kustomization is edited.
fn repository(kustomization: &str) -> Vec<(&str, &str)> {
    vec![
        ("app/kustomization.yaml", kustomization),
        ("app/cm.yaml", MAP),
        ("app/web.yaml", DEPLOYMENT),
        ("app/patch.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {p: '1'}\n"),
        (
            "one/kustomization.yaml",
            "kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\nnameSuffix: -one\n",
        ),
        (
            "two/kustomization.yaml",
            "kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\nlabels: [{pairs: {two: 'true'}}]\n",
        ),
    ]
}

const PLAIN: &str = "# kept\nresources: [cm.yaml, web.yaml]\n";
const FULL: &str = "bases: []\nnamePrefix: old-\nnamespace: old\nimages: [{name: nginx, newName: old, \
                    newTag: '7'}]\nimageTags: [{name: 'h:50/side', newTag: '8'}]\nreplicas: [{name: web, count: 9}]\n\
                    commonLabels: {team: old}\nlabels: [{pairs: {a: b}}]\ncommonAnnotations: {note: old}\n\
                    components: [../two]\nResources: [cm.yaml, web.yaml]\n";

fn text_pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn texts(all: &[&str]) -> Vec<String> {
    all.iter().map(|&text| text.to_owned()).collect()
}

/// An option with the commands by which the program would edit.
fn edits() -> Vec<(KustomizeEdits, Vec<Vec<&'static str>>)> {
    let none = KustomizeEdits::default;
    let images = ["nginx=registry/n:2", "h:50/side=*:3@sha256:b"];
    let labels = text_pairs(&[("team", "new"), ("x", "y:z"), ("q", "\"quoted\"")]);
    let replica = |name: &str, count| KustomizeReplica { name: name.into(), count };
    vec![
        (KustomizeEdits { name_prefix: "-p".into(), ..none() }, vec![vec!["set", "nameprefix", "--", "-p"]]),
        (KustomizeEdits { name_suffix: "-s".into(), ..none() }, vec![vec!["set", "namesuffix", "--", "-s"]]),
        (KustomizeEdits { namespace: "new".into(), ..none() }, vec![vec!["set", "namespace", "--", "new"]]),
        (
            KustomizeEdits { images: texts(&images), ..none() },
            vec![vec!["set", "image", images[0], images[1]]],
        ),
        (KustomizeEdits { images: texts(&["nginx:*"]), ..none() }, vec![vec!["set", "image", "nginx:*"]]),
        (KustomizeEdits { images: texts(&["nginx"]), ..none() }, vec![vec!["set", "image", "nginx"]]),
        (
            KustomizeEdits { replicas: vec![replica("web", 3)], ..none() },
            vec![vec!["set", "replicas", "web=3"]],
        ),
        (
            KustomizeEdits { common_labels: labels.clone(), ..none() },
            vec![vec!["add", "label", "team:new", "x:y:z", "q:\"quoted\""]],
        ),
        (
            KustomizeEdits { common_labels: labels.clone(), force_common_labels: true, ..none() },
            vec![vec!["add", "label", "--force", "team:new", "x:y:z", "q:\"quoted\""]],
        ),
        (
            KustomizeEdits { common_labels: labels.clone(), label_without_selector: true, ..none() },
            vec![vec!["add", "label", "--without-selector", "team:new", "x:y:z", "q:\"quoted\""]],
        ),
        (
            KustomizeEdits {
                common_labels: text_pairs(&[("x", "1")]),
                label_without_selector: true,
                label_include_templates: true,
                ..none()
            },
            vec![vec!["add", "label", "--without-selector", "--include-templates", "x:1"]],
        ),
        (
            KustomizeEdits { common_annotations: text_pairs(&[("note", "a,b: c")]), ..none() },
            vec![vec!["add", "annotation", "note:a,b: c"]],
        ),
        (
            KustomizeEdits {
                common_annotations: text_pairs(&[("note", "a,b: c")]),
                force_common_annotations: true,
                ..none()
            },
            vec![vec!["add", "annotation", "--force", "note:a,b: c"]],
        ),
        (
            KustomizeEdits { components: texts(&["../one", "../two"]), ..none() },
            vec![vec!["add", "component", "../one", "../two"]],
        ),
        (
            KustomizeEdits { components: texts(&["../*o*"]), ..none() },
            vec![vec!["add", "component", "../*o*"]],
        ),
        (
            KustomizeEdits {
                components: texts(&["../gone", "../one"]),
                ignore_missing_components: true,
                ..none()
            },
            vec![vec!["add", "component", "../one"]],
        ),
        (
            KustomizeEdits {
                name_prefix: "p-".into(),
                namespace: "new".into(),
                images: texts(&["nginx:9"]),
                patches: vec![
                    KustomizePatch { path: "patch.yaml".into(), ..KustomizePatch::default() },
                    KustomizePatch {
                        patch: "[{op: add, path: /data, value: {j: \"1\"}}]".into(),
                        target: Some(KustomizeTarget {
                            kind: "ConfigMap".into(),
                            ..KustomizeTarget::default()
                        }),
                        ..KustomizePatch::default()
                    },
                ],
                components: texts(&["../one"]),
                ..none()
            },
            vec![
                vec!["set", "nameprefix", "--", "p-"],
                vec!["set", "image", "nginx:9"],
                vec!["set", "namespace", "--", "new"],
                vec!["add", "patch", "--path", "patch.yaml"],
                vec![
                    "add",
                    "patch",
                    "--kind",
                    "ConfigMap",
                    "--patch",
                    "[{op: add, path: /data, value: {j: \"1\"}}]",
                ],
                vec!["add", "component", "../one"],
            ],
        ),
    ]
}

/// What the program prints once it has edited, object by object as JSON; nothing where it fails.
fn edited_by_program(program: &Path, kustomization: &str, commands: &[Vec<&str>]) -> Option<Vec<String>> {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in repository(kustomization) {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let app = root.path().join("app");
    let run = |arguments: &[&str]| Command::new(program).args(arguments).current_dir(&app).output().unwrap();
    for command in commands {
        if !run(&[&["edit"], command.as_slice()].concat()).status.success() {
            return None;
        }
    }
    let output = run(&["build"]);
    let documents = String::from_utf8(output.stdout).unwrap();
    let json = |document: &str| {
        let value = yaml::v2::to_value(document.as_bytes(), &yaml::Limits::default()).unwrap();
        yaml::json::to_string(&value).unwrap()
    };
    output.status.success().then(|| documents.split("---\n").map(json).collect())
}

#[test]
fn options_do_what_editing_with_the_program_does() {
    let Some(program) = Installed::Kustomize.find("options_do_what_editing_with_the_program_does") else {
        return;
    };
    let (mut built, mut refused) = (0, 0);
    for kustomization in [PLAIN, FULL] {
        for (edits, commands) in edits() {
            let mut case = Case::new(&repository(kustomization));
            case.options.edits = edits;
            let objects = |rendered: Manifests| {
                let json =
                    |object: manifestd::request::Manifest| String::from_utf8(object.json.to_vec()).unwrap();
                rendered.objects.into_iter().map(json).collect::<Vec<_>>()
            };
            let native = case.render().ok().map(objects);
            assert_eq!(native, edited_by_program(&program, kustomization, &commands), "{commands:?}");
            assert_eq!(native, case.render_by_program(&program).ok().map(objects), "exec: {commands:?}");
            *if native.is_some() { &mut built } else { &mut refused } += 1;
        }
    }
    assert!(built > 20 && refused > 3, "{built} {refused}");
}

#[test]
fn options_leave_the_source_alone_and_are_no_facts() {
    let mut case = Case::new(&repository(PLAIN));
    case.options.edits.namespace = "new".into();
    let rendered = case.render().unwrap();
    assert!(rendered.objects.iter().all(|object| object.namespace == "new"));
    let facts: Vec<_> = case.recorder.reads().facts().map(ToString::to_string).collect();
    assert!(facts.iter().any(|fact| fact.starts_with("app/kustomization.yaml is")), "{facts:?}");
    assert!(!facts.iter().any(|fact| fact.starts_with("one") || fact.starts_with("two")), "{facts:?}");
    case.options.edits.namespace.clear();
    assert!(case.render().unwrap().objects.iter().all(|object| object.namespace.is_empty()));
}

#[test]
fn charts_are_rendered_for_the_cluster_of_the_request() {
    let files = [
        ("app/kustomization.yaml", "helmCharts: [{name: c, releaseName: r}]"),
        ("app/charts/c/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n"),
        ("app/charts/c/values.yaml", ""),
        (
            "app/charts/c/templates/a.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ .Release.Name }}-{{ \
          .Capabilities.KubeVersion.Minor }}-{{ .Capabilities.APIVersions.Has \"x/v1\" }}'}\n",
        ),
    ];
    let mut case = Case::new(&files);
    assert!(case.failure().message().contains("must specify --enable-helm"));
    case.options.enable_helm = true;
    case.job.kube_version = Some("v1.29.1-gke.100".into());
    case.job.api_versions = vec!["x/v1".into()];
    assert_eq!(names(&case.render().unwrap()), ["r-29-true"]);
    assert!(case.job.inputs.seen().contains_key(Job::KUBE_VERSION));
    assert!(case.job.inputs.seen().keys().any(|name| Job::api_version_of(name) == Some("x/v1")));
}
