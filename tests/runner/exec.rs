//! Charts and kustomizations through the real programs, over trees in memory. What needs a program that is not
//! installed is skipped, and says so.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs};

use manifestd::error::{Error, Kind};
use manifestd::process::Program;
use manifestd::render::exec::{self, GET_HELM, Settings};
use manifestd::render::{Budgets, Chance, Job, Lent, Printed, Stop};
use manifestd::request::{HelmFileParameter, HelmOptions, HelmParameter, KustomizeOptions, Renderer};
use tempfile::TempDir;
use testkit::Program as Installed;
use tree::{MemoryBuilder, MemoryTree, Reads, Recorder, TreePath};

/// A job over a tree, and what runs it.
struct Bench {
    job: Job,
    recorder: Arc<Recorder>,
    scratch: TempDir,
}

fn path(text: &str) -> TreePath {
    TreePath::parse(text).unwrap()
}

impl Bench {
    fn new(tree: MemoryTree) -> Self {
        let recorder = Arc::new(Recorder::new(Arc::new(tree)));
        let job = Job {
            tree: Arc::clone(&recorder) as Arc<dyn tree::Tree>,
            path: TreePath::root(),
            remotes: Arc::default(),
            lent: BTreeMap::new(),
            renderer: Renderer::Detect,
            name: "web".to_owned(),
            namespace: "team".to_owned(),
            kube_version: None,
            api_versions: Vec::new(),
            inputs: Arc::default(),
            chance: Chance::default(),
            budgets: Budgets::default(),
            stop: Stop::after(Duration::from_secs(60)),
        };
        Self { job, recorder, scratch: tempfile::tempdir().unwrap() }
    }

    fn files(files: &[(&str, &str)]) -> Self {
        Self::new(
            MemoryTree::from_files(files.iter().map(|(path, text)| (*path, (*text).to_owned()))).unwrap(),
        )
    }

    fn linked(files: &[(&str, &str)], links: &[(&str, &str)]) -> Self {
        let mut builder = MemoryTree::builder();
        for (at, text) in files {
            builder.file(path(at), (*text).to_owned());
        }
        for (at, text) in links {
            builder.link(path(at), text);
        }
        Self::new(builder.build().unwrap())
    }

    fn settings(&self) -> Settings {
        let launcher = Path::new(env!("CARGO_BIN_EXE_manifestd"));
        let search = env::var_os("PATH").unwrap_or_default();
        let scratch = self.scratch.path().to_owned();
        let found = Settings::find(Path::new("helm"), Path::new("kustomize"), &search, scratch);
        let by_us = |program: Program| program.launched_by(launcher);
        Settings { helm: by_us(found.helm), kustomize: by_us(found.kustomize), scratch: found.scratch }
    }

    fn helm(&self, folder: &str, options: &HelmOptions) -> Result<Printed, Error> {
        self.tidy(exec::helm(&self.job, &path(folder), &self.settings(), options))
    }

    fn kustomize(&self, folder: &str) -> Result<Printed, Error> {
        let options = KustomizeOptions::default();
        self.tidy(exec::kustomize(&self.job, &path(folder), &self.settings(), &options))
    }

    /// Whatever happened, nothing is left behind and no path of the host is told.
    fn tidy(&self, result: Result<Printed, Error>) -> Result<Printed, Error> {
        assert_eq!(fs::read_dir(self.scratch.path()).unwrap().count(), 0, "something was left behind");
        if let Err(error) = &result {
            let host = self.scratch.path().to_str().unwrap();
            assert!(!format!("{error} {:?}", error.advice()).contains(host), "{error}");
        }
        result
    }

    /// What a later tree would have to agree with.
    fn reads(&self) -> Reads {
        self.recorder.reads().with_inputs(&self.job.inputs)
    }
}

fn text(printed: &Printed) -> &str {
    std::str::from_utf8(&printed.documents).unwrap()
}

/// A tree of the files in a folder of this machine.
fn tree_of(folder: &Path) -> MemoryTree {
    fn add(builder: &mut MemoryBuilder, folder: &Path, at: &TreePath) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let child = at.child(entry.file_name().to_str().unwrap());
            match entry.file_type().unwrap() {
                kind if kind.is_dir() && entry.file_name() == ".git" => {}
                kind if kind.is_dir() => add(builder, &entry.path(), &child),
                kind if kind.is_file() => drop(builder.file(child, fs::read(entry.path()).unwrap())),
                kind if kind.is_symlink() => {
                    builder.link(child, fs::read_link(entry.path()).unwrap().to_str().unwrap());
                }
                _ => {}
            }
        }
    }
    let mut builder = MemoryTree::builder();
    add(&mut builder, folder, &TreePath::root());
    builder.build().unwrap()
}

/// The chart of these tests: one template that shows everything it is given.
const CHART: [(&str, &str); 3] = [
    ("web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"),
    ("web/values.yaml", "a: chart\nb: chart\n"),
    (
        "web/templates/cm.yaml",
        "kind: Show\nrelease: {{ .Release.Name }}\nnamespace: {{ .Release.Namespace }}\n\
         kube: {{ .Capabilities.KubeVersion.Version }}\nextra: {{ .Capabilities.APIVersions.Has \"extra/v1,x\" }}\n\
         values: {{ .Values | toJson | quote }}\n",
    ),
];

fn chart(more: &[(&str, &str)]) -> Bench {
    Bench::files(&[&CHART[..], more].concat())
}

fn names(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

fn parameter(name: &str, value: &str, force_string: bool) -> HelmParameter {
    HelmParameter { name: name.to_owned(), value: value.to_owned(), force_string }
}

#[test]
fn options_reach_helm_as_they_are() {
    if Installed::Helm.find("options_reach_helm_as_they_are").is_none() {
        return;
    }
    let mut bench = chart(&[
        ("web/envs/a,b \"x\".yaml", "a: file\nc: file\n"),
        ("shared/-dash.yaml", "d: shared\n"),
        ("web/file,with comma.txt", "content, and more"),
    ]);
    let lent = Arc::new(MemoryTree::from_files([("prod/v.yaml", "e: lent\n")]).unwrap());
    bench.job.lent.insert("values".to_owned(), Lent { tree: lent });
    bench.job.kube_version = Some("v1.29.4-gke.7".to_owned());
    bench.job.api_versions = names(&["extra/v1,x"]);
    let options = HelmOptions {
        value_files: names(&["envs/a,b \"x\".yaml", "/shared/-dash.yaml", "$values/prod/v.yaml"]),
        values: "f: inline\nc: inline\n".to_owned(),
        parameters: vec![
            parameter("n", "1", false),
            parameter("s", "1", true),
            parameter("comma", "x,y", false),
            parameter("n", "2", false),
            parameter("list", "{p,q}", false),
        ],
        file_parameters: vec![HelmFileParameter {
            name: "file".to_owned(),
            path: "file,with comma.txt".to_owned(),
        }],
        ..HelmOptions::default()
    };
    let printed = bench.helm("web", &options).unwrap();
    let values = concat!(
        r#"{\"a\":\"file\",\"b\":\"chart\",\"c\":\"inline\",\"comma\":\"x,y\",\"d\":\"shared\",\"e\":\"lent\","#,
        r#"\"f\":\"inline\",\"file\":\"content, and more\",\"list\":[\"p\",\"q\"],\"n\":2,\"s\":\"1\"}"#
    );
    assert_eq!(
        text(&printed),
        format!(
            "---\n# Source: web/templates/cm.yaml\nkind: Show\nrelease: web\nnamespace: team\nkube: v1.29.4\n\
             extra: true\nvalues: \"{values}\"\n"
        )
    );
}

#[test]
fn names_never_become_options() {
    if Installed::Helm.find("names_never_become_options").is_none() {
        return;
    }
    let mut bench = chart(&[]);
    let named =
        |release_name: &str| HelmOptions { release_name: release_name.to_owned(), ..HelmOptions::default() };
    let error = bench.helm("web", &named("--help")).unwrap_err();
    assert!(error.message().contains("invalid release name"), "{error}");
    let error = bench.helm("web", &named("{{ env \"HOME\" }}")).unwrap_err();
    assert_eq!(error.message(), "the release name \"{{ env \\\"HOME\\\" }}\" is a template");
    bench.job.name = "team_-x".to_owned();
    assert!(bench.helm("web", &HelmOptions::default()).is_err());
    bench.job.name = "team_shop".to_owned();
    bench.job.namespace = "--kubeconfig=/etc/passwd".to_owned();
    let printed = bench.helm("web", &HelmOptions::default()).unwrap();
    assert!(
        text(&printed).contains("release: shop\nnamespace: --kubeconfig=/etc/passwd\n"),
        "{}",
        text(&printed)
    );
}

#[test]
fn a_render_depends_on_its_folder_its_files_and_the_cluster() {
    if Installed::Helm.find("a_render_depends_on_its_folder_its_files_and_the_cluster").is_none() {
        return;
    }
    let bench = chart(&[("envs/a.yaml", "a: 1"), ("other/x", "")]);
    let options = HelmOptions { value_files: names(&["/envs/a.yaml"]), ..HelmOptions::default() };
    bench.helm("web", &options).unwrap();
    let facts: Vec<String> = bench.reads().facts().map(ToString::to_string).collect();
    let begins = |begin: &str| facts.iter().any(|fact| fact.starts_with(begin));
    assert!(begins("web is the folder ") && begins("envs/a.yaml is the file "), "{facts:?}");
    assert!(!facts.iter().any(|fact| fact.contains("web/") || fact.contains("other")), "{facts:?}");
    // No version was given, which is something to depend on too.
    let seen = bench.job.inputs.seen();
    assert!(seen.contains_key(Job::KUBE_VERSION) && seen.contains_key(Job::API_VERSIONS), "{seen:?}");
}

#[test]
fn links_mean_what_they_mean_in_the_repository() {
    if Installed::Helm.find("links_mean_what_they_mean_in_the_repository").is_none() {
        return;
    }
    let shared =
        [("common/templates/x.yaml", "kind: X\n"), ("common/v.yaml", "a: linked\n"), ("unrelated/x", "")];
    let files = [&CHART[..], &shared].concat();
    let links = [
        ("web/templates/linked", "../../alias/templates"),
        ("alias", "common"),
        ("web/linked.yaml", "../alias/v.yaml"),
        ("web/docs", "gone"),
    ];
    let bench = Bench::linked(&files, &links);
    let options = HelmOptions { value_files: names(&["linked.yaml"]), ..HelmOptions::default() };
    let printed = bench.helm("web", &options).unwrap_err();
    // A link to nothing fails a checkout in the same way.
    assert!(printed.message().contains("web/docs"), "{printed}");
    let bench = Bench::linked(&files, &links[..3]);
    let printed = bench.helm("web", &options).unwrap();
    assert!(text(&printed).contains("kind: X\n") && text(&printed).contains("linked"), "{}", text(&printed));
    let facts: Vec<String> = bench.reads().facts().map(ToString::to_string).collect();
    assert!(facts.iter().any(|fact| fact.starts_with("common/templates is the folder ")), "{facts:?}");
    assert!(!facts.iter().any(|fact| fact.contains("unrelated")), "{facts:?}");
}

#[test]
fn links_out_of_the_repository_are_never_followed() {
    for program in [Installed::Helm, Installed::Kustomize] {
        if program.find("links_out_of_the_repository_are_never_followed").is_none() {
            return;
        }
    }
    for target in ["/etc/passwd", "../../../etc/passwd", "../../../repo/web/values.yaml"] {
        let files = [&CHART[..], &[("kust/kustomization.yaml", "resources: [x.yaml]")]].concat();
        let bench = Bench::linked(&files, &[("web/templates/x.yaml", target), ("kust/x.yaml", target)]);
        let target = bench.helm("web", &HelmOptions::default());
        let error = target.unwrap_err();
        assert_eq!(error.kind(), Kind::Invalid);
        assert_eq!(
            error.message(),
            "the repository contains out-of-bounds symlinks. file: web/templates/x.yaml"
        );
        assert_eq!(bench.kustomize("kust").unwrap_err().kind(), Kind::Invalid);
    }
    let bench = Bench::linked(&CHART, &[("web/templates/x", "x")]);
    assert_eq!(bench.helm("web", &HelmOptions::default()).unwrap_err().kind(), Kind::Invalid);
}

#[test]
fn what_is_kept_elsewhere_is_said_and_never_empty() {
    if Installed::Helm.find("what_is_kept_elsewhere_is_said_and_never_empty").is_none() {
        return;
    }
    let mut builder = MemoryTree::builder();
    for (at, text) in CHART {
        builder.file(path(at), text.to_owned());
    }
    builder.submodule(path("web/charts/sub"), [7; 20]);
    let error = Bench::new(builder.build().unwrap()).helm("web", &HelmOptions::default()).unwrap_err();
    assert_eq!(error.kind(), Kind::Precondition, "{error}");
    assert!(error.message().contains("web/charts/sub: is a git submodule"), "{error}");
}

#[test]
fn schemas_that_refer_elsewhere_are_refused_unless_skipped() {
    if Installed::Helm.find("schemas_that_refer_elsewhere_are_refused_unless_skipped").is_none() {
        return;
    }
    let schema = r#"{"properties": {"a": {"$ref": "file:///etc/hostname"}}}"#;
    let bench = chart(&[("web/values.schema.json", schema)]);
    let error = bench.helm("web", &HelmOptions::default()).unwrap_err();
    assert_eq!(error.kind(), Kind::Precondition, "{error}");
    let options = HelmOptions { skip_schema_validation: true, ..HelmOptions::default() };
    bench.helm("web", &options).unwrap();
}

#[test]
fn what_helm_says_is_the_error() {
    if Installed::Helm.find("what_helm_says_is_the_error").is_none() {
        return;
    }
    let bench = chart(&[("web/templates/bad.yaml", "a: {{ fail \"not like this\" }}\n")]);
    let error = bench.helm("web", &HelmOptions::default()).unwrap_err();
    assert_eq!(error.kind(), Kind::Invalid);
    assert!(error.message().starts_with("`helm template .` failed exit status 1: Error: "), "{error}");
    assert!(error.message().contains("not like this") && error.message().contains("bad.yaml:1:6"), "{error}");

    let bench = chart(&[("web/templates/bad.yaml", "a: [\n")]);
    let error = bench.helm("web", &HelmOptions::default()).unwrap_err();
    assert!(!error.message().contains("--debug"), "{error}");

    let bench = chart(&[("web/bad.yaml", "a: [\n")]);
    let options = HelmOptions { value_files: names(&["bad.yaml"]), ..HelmOptions::default() };
    let error = bench.helm("web", &options).unwrap_err();
    assert!(error.message().contains("./web/bad.yaml"), "{error}");
    let options = HelmOptions { values: "a: [\n".to_owned(), ..HelmOptions::default() };
    assert!(bench.helm("web", &options).unwrap_err().message().contains("<inline values>"));
}

#[test]
fn budgets_hold_for_programs_too() {
    if Installed::Helm.find("budgets_hold_for_programs_too").is_none() {
        return;
    }
    let options = HelmOptions::default();
    let mut bench = chart(&[(
        "web/templates/loop.yaml",
        "{{ range until 10000 }}{{ range until 10000 }}{{ end }}{{ end }}",
    )]);
    bench.job.stop = Stop::after(Duration::from_secs(2));
    assert_eq!(bench.helm("web", &options).unwrap_err().kind(), Kind::Deadline);
    bench.job.stop = Stop::after(Duration::from_secs(60));
    bench.job.budgets.program_bytes = 64 << 20;
    assert_eq!(bench.helm("web", &options).unwrap_err().kind(), Kind::OverBudget);

    let mut bench = chart(&[("web/templates/long.yaml", "a: {{ repeat 100000 \"x\" }}")]);
    bench.job.budgets.output_bytes = 1000;
    assert_eq!(bench.helm("web", &options).unwrap_err().kind(), Kind::OverBudget);
    bench.job.budgets.output_bytes = 1 << 20;
    bench.helm("web", &options).unwrap();
    bench.job.budgets.export_bytes = 100;
    let error = bench.helm("web", &options).unwrap_err();
    assert_eq!(error.kind(), Kind::OverBudget);
    assert!(error.message().contains("more than 100 bytes"), "{error}");
}

#[test]
fn kustomize_sees_its_bases_and_nothing_else() {
    if Installed::Kustomize.find("kustomize_sees_its_bases_and_nothing_else").is_none() {
        return;
    }
    let config_map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
    let files = [
        ("app/kustomization.yaml", "namePrefix: x-\nbases: [../linked]\n"),
        ("base/kustomization.yaml", "resources: [cm.yaml, ../outside.yaml]"),
        ("base/cm.yaml", config_map),
        ("outside.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n"),
        ("other/x.yaml", ""),
    ];
    let bench = Bench::linked(&files, &[("linked", "base")]);
    let error = bench.kustomize("app").unwrap_err();
    assert!(
        error.message().contains("security; file './outside.yaml' is not in or below './base'"),
        "{error}"
    );
    let none = KustomizeOptions { load_restrictions_none: true, ..KustomizeOptions::default() };
    let printed = exec::kustomize(&bench.job, &path("app"), &bench.settings(), &none).unwrap();
    assert!(
        text(&printed).contains("name: x-a\n") && text(&printed).contains("name: x-b\n"),
        "{}",
        text(&printed)
    );
    assert_eq!(printed.warnings.len(), 1);
    assert!(printed.warnings[0].starts_with("'bases' is deprecated."), "{:?}", printed.warnings);
    let facts: Vec<String> = bench.reads().facts().map(ToString::to_string).collect();
    assert!(facts.iter().any(|fact| fact.starts_with("base is the folder ")), "{facts:?}");
    assert!(!facts.iter().any(|fact| fact.contains("other")), "{facts:?}");
}

#[test]
fn a_program_that_is_not_installed_says_how_to_get_it() {
    let bench = chart(&[("kust/kustomization.yaml", "")]);
    let scratch = bench.scratch.path().to_owned();
    let settings = Settings::find(Path::new("helm"), Path::new("kustomize"), "/nowhere".as_ref(), scratch);
    let error = exec::helm(&bench.job, &path("web"), &settings, &HelmOptions::default()).unwrap_err();
    assert_eq!(error.kind(), Kind::Precondition);
    assert_eq!(error.message(), "the program helm is not installed: it was looked for in /nowhere");
    assert_eq!(error.advice(), Some(GET_HELM));
    let none = KustomizeOptions::default();
    assert!(exec::kustomize(&bench.job, &path("kust"), &settings, &none).is_err());
}

#[test]
fn leftovers_of_a_killed_server_are_swept() {
    let scratch = tempfile::tempdir().unwrap();
    fs::create_dir_all(scratch.path().join("render-abc/source")).unwrap();
    fs::write(scratch.path().join("keep"), "").unwrap();
    exec::sweep(scratch.path()).unwrap();
    exec::sweep(&scratch.path().join("none")).unwrap();
    let left: Vec<_> =
        fs::read_dir(scratch.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["keep"]);
}

/// The public example applications, or `None` after saying why they are skipped.
fn examples(test: &str) -> Option<(TempDir, PathBuf)> {
    for program in [Installed::Git, Installed::Helm, Installed::Kustomize] {
        program.find(test)?;
    }
    let bundle = testkit::shared(test)?.join("corpus/argocd-example-apps.bundle");
    let folder = tempfile::tempdir().unwrap();
    let apps = folder.path().join("apps");
    let cloned = Command::new("git").args(["clone", "-q"]).arg(bundle).arg(&apps).status().unwrap();
    assert!(cloned.success());
    Some((folder, apps))
}

#[test]
fn the_example_applications_render() {
    let Some((_folder, apps)) = examples("the_example_applications_render") else { return };
    let bench = Bench::new(tree_of(&apps));
    let kinds = |printed: &Printed| {
        let mut kinds: Vec<String> =
            text(printed).lines().filter_map(|line| Some(line.strip_prefix("kind: ")?.to_owned())).collect();
        kinds.sort();
        kinds.join(" ")
    };
    let options = HelmOptions::default();
    let production =
        HelmOptions { value_files: names(&["values-production.yaml"]), ..HelmOptions::default() };
    assert_eq!(kinds(&bench.helm("helm-guestbook", &options).unwrap()), "Deployment Service");
    let printed = bench.helm("helm-guestbook", &production).unwrap();
    assert!(text(&printed).contains("type: LoadBalancer\n"), "{}", text(&printed));
    assert_eq!(kinds(&bench.helm("blue-green", &options).unwrap()), "Rollout Service Service");
    assert!(kinds(&bench.helm("apps", &options).unwrap()).starts_with("Application Application "));
    assert_eq!(kinds(&bench.kustomize("kustomize-guestbook").unwrap()), "Deployment Service");
    assert_eq!(kinds(&bench.kustomize("pre-post-sync").unwrap()), "Deployment Job Job Service");
    assert!(kinds(&bench.kustomize("sock-shop").unwrap()).matches("Deployment").count() >= 10);

    let error = bench.helm("helm-dependency", &options).unwrap_err();
    assert_eq!(error.kind(), Kind::Precondition);
    assert!(error.message().contains("missing in charts/ directory: wordpress"), "{error}");
    assert!(error.advice().unwrap().contains("helm dependency build"));
}
