//! Kustomizations in process, as a request renders them: options, facts, failures, budgets.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use manifestd::error::{Error, Kind, Result};
use manifestd::render::{Budgets, Chance, Engines, Job, Stop, render};
use manifestd::request::{KustomizeOptions, Manifests, Renderer};
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
