//! Charts in process, as a request renders them: options, files, facts, failures, budgets.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use manifestd::error::{Error, Kind, Result};
use manifestd::render::{Budgets, Chance, Engines, Job, Stop, render};
use manifestd::request::{HelmFileParameter, HelmOptions, HelmParameter, Manifests, Renderer};
use tree::{MemoryTree, Recorder, Tree, TreePath};

const CHART: (&str, &str) = ("web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n");

/// A config map whose only datum is what `text` prints.
fn map(text: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{{{ .Release.Name }}}}\ndata:\n  x: {text}\n"
    )
}

/// A chart in a repository, and what asks for it.
struct Case {
    job: Job,
    recorder: Arc<Recorder>,
    options: HelmOptions,
}

impl Case {
    fn new(files: &[(&str, &str)]) -> Self {
        let files = files.iter().chain([&CHART]).map(|(path, text)| (*path, (*text).to_owned()));
        let recorder = Arc::new(Recorder::new(Arc::new(MemoryTree::from_files(files).unwrap())));
        let job = Job {
            tree: Arc::clone(&recorder) as Arc<dyn Tree>,
            path: TreePath::parse("web").unwrap(),
            remotes: Arc::default(),
            lent: BTreeMap::new(),
            renderer: Renderer::Detect,
            name: "team_shop".to_owned(),
            namespace: "prod".to_owned(),
            kube_version: None,
            api_versions: Vec::new(),
            inputs: Arc::default(),
            chance: Chance { of: [7; 32], now: 1_700_000_000 },
            budgets: Budgets::default(),
            stop: Stop::after(Duration::from_secs(60)),
        };
        Self { job, recorder, options: HelmOptions::default() }
    }

    /// A chart with one template.
    fn of(template: &str) -> Self {
        Self::new(&[("web/templates/a.yaml", template)])
    }

    fn render(&mut self) -> Result<Manifests> {
        self.job.renderer = Renderer::Helm(self.options.clone());
        render(&self.job, &Engines::default())
    }

    /// The datum of the first config map.
    fn datum(&mut self) -> String {
        let rendered = self.render().unwrap();
        let json = std::str::from_utf8(&rendered.objects[0].json).unwrap();
        let start = json.find("\"x\":").unwrap() + 4;
        json[start..start + json[start..].find('}').unwrap()].trim_matches('"').to_owned()
    }

    fn failure(&mut self) -> Error {
        self.render().unwrap_err()
    }

    fn facts(&mut self) -> Vec<String> {
        self.render().unwrap();
        let reads = self.recorder.reads().with_inputs(&self.job.inputs);
        reads.facts().map(ToString::to_string).collect()
    }
}

#[test]
fn options_are_what_they_are_to_the_program() {
    let text = "{{ .Release.Name }} {{ .Release.Namespace }} {{ .Values.a }} {{ .Values.b }} {{ .Values.c }} {{ .Values.d }}";
    let mut case = Case::new(&[
        ("web/templates/a.yaml", &map(text)),
        ("web/values.yaml", "{a: 1, b: 1, c: 1, d: 1}"),
        ("web/prod.yaml", "{b: 2, c: 2, d: 2}"),
        ("web/text", "4,4"),
    ]);
    let parameter = HelmParameter { name: "c".into(), value: "3,3".into(), force_string: false };
    case.options = HelmOptions {
        value_files: vec!["prod.yaml".into()],
        values: "c: 3".into(),
        parameters: vec![parameter],
        file_parameters: vec![HelmFileParameter { name: "d".into(), path: "text".into() }],
        ..HelmOptions::default()
    };
    assert_eq!(case.datum(), "shop prod 1 2 3,3 4,4");
}

#[test]
fn objects_tell_their_files_and_definitions_come_first() {
    let crd = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: c}\n";
    let files = [("web/templates/a.yaml", map("1")), ("web/crds/c.yaml", crd.to_owned())];
    let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let mut case = Case::new(&files);
    let places = |manifests: Manifests| manifests.objects.into_iter().map(|one| one.file).collect::<Vec<_>>();
    assert_eq!(places(case.render().unwrap()), ["web/crds/c.yaml", "web/templates/a.yaml"]);
    case.options.skip_crds = true;
    assert_eq!(places(case.render().unwrap()), ["web/templates/a.yaml"]);
}

#[test]
fn the_version_is_chosen_by_the_request() {
    let mut case = Case::of(&map("{{ typeOf .Capabilities | quote }}"));
    assert_eq!(case.datum(), "*common.Capabilities");
    case.options.version = Some("3.21.4".parse().unwrap());
    assert_eq!(case.datum(), "*chartutil.Capabilities");
}

#[test]
fn a_failure_has_its_innermost_place() {
    let mut case = Case::of("{{ define \"x\" }}\n  {{ .Values.a.b.c }}{{ end }}\na: {{ include \"x\" . }}\n");
    let error = case.failure();
    let place = error.place().unwrap();
    assert_eq!((&*place.file, place.line, place.column), ("web/templates/a.yaml", 2, 13), "{error}");
    assert_eq!(&*place.text, "  {{ .Values.a.b.c }}{{ end }}");
    assert_eq!(error.kind(), Kind::Invalid);
    let error = Case::of("{{ fail \"no ü\" }}").failure();
    assert_eq!(error.message(), "execution error at (web/templates/a.yaml:1:3): no ü");
}

#[test]
fn a_missing_dependency_is_named_with_its_origin() {
    let chart = "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies:\n- {name: db, version: ^2, repository: \
                 'https://me:secret@charts.example/x'}\n";
    let error = Case::new(&[("web/x/Chart.yaml", chart)]);
    let mut case = Case { job: Job { path: TreePath::parse("web/x").unwrap(), ..error.job }, ..error };
    let error = case.failure();
    assert_eq!(error.kind(), Kind::Precondition);
    assert!(error.message().ends_with("missing in charts/ directory: db"), "{error}");
    let advice = error.advice().unwrap();
    assert!(advice.starts_with("missing: db ^2 of web from https://charts.example/x; "), "{advice}");
}

#[test]
fn a_dependency_by_file_is_a_fact_and_stays_in_the_tree() {
    let chart = |path: &str| {
        format!(
            "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies:\n- {{name: db, version: ^2, repository: 'file://{path}'}}\n"
        )
    };
    let case = |path: &str| {
        let db = ("lib/db/Chart.yaml", "apiVersion: v2\nname: db\nversion: 2.0.0\n");
        let case =
            Case::new(&[("x/web/Chart.yaml", &chart(path)), db, ("lib/db/templates/a.yaml", &map("1"))]);
        Case { job: Job { path: TreePath::parse("x/web").unwrap(), ..case.job }, ..case }
    };
    let mut found = case("../../lib/db");
    assert_eq!(found.datum(), "1");
    let facts = found.facts();
    assert!(facts.iter().any(|fact| fact.starts_with("lib/db/templates/a.yaml is")), "{facts:?}");
    let error = case("../../../lib/db").failure();
    assert_eq!(error.kind(), Kind::Precondition);
    let advice = error.advice().unwrap();
    assert!(advice.contains("(its path leads out of the tree); run `helm dependency build`"), "{advice}");
}

#[test]
fn what_was_not_looked_at_is_no_fact() {
    let files =
        [("web/templates/a.yaml", map("1")), ("web/README.md", "long".to_owned()), ("b", String::new())];
    let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let facts = Case::new(&files).facts();
    let about = |name: &str| facts.iter().filter(|fact| fact.starts_with(name)).count();
    assert_eq!((about("web/README.md"), about("b"), about("web/templates/a.yaml")), (0, 0, 1), "{facts:?}");
    assert!(!facts.iter().any(|fact| fact.contains("version")), "{facts:?}");
}

#[test]
fn files_are_facts_once_a_template_looks_at_them() {
    for look in
        ["{{ .Files.Get \"README.md\" }}", "{{ range $name, $it := . }}{{ $it | toJson | len }}{{ end }}"]
    {
        let files = [("web/templates/a.yaml", map(look)), ("web/README.md", "long".to_owned())];
        let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        let facts = Case::new(&files).facts();
        assert!(facts.iter().any(|fact| fact.starts_with("web/README.md is")), "{look}: {facts:?}");
    }
}

#[test]
fn only_the_versions_that_were_asked_about_are_facts() {
    let mut case = Case::of(&map("{{ .Capabilities.APIVersions.Has \"example.org/v1\" }}"));
    case.job.api_versions = vec!["example.org/v1".into(), "other/v1".into()];
    assert_eq!(case.datum(), "true");
    let seen = case.job.inputs.seen();
    let seen: Vec<_> = seen.iter().map(|(name, value)| (&**name, &value[..])).collect();
    assert_eq!(seen, [("API version example.org/v1", &[1][..])]);
    let mut case = Case::of(&map("{{ .Capabilities.KubeVersion.Minor }}"));
    case.job.kube_version = Some("v1.29.1-gke.100".into());
    assert_eq!(case.datum(), "29");
    assert!(case.job.inputs.seen().contains_key(Job::KUBE_VERSION));
}

#[test]
fn time_is_given_and_warned_of() {
    let mut case = Case::of(&map("at{{ now | unixEpoch }}"));
    assert_eq!(case.datum(), "at1700000000");
    let warnings = case.render().unwrap().warnings;
    assert!(warnings.iter().any(|warning| warning.contains("(now)")), "{warnings:?}");
}

#[test]
fn a_render_ends_when_it_is_stopped_or_too_large() {
    const ENDLESS: &str = "{{ range until 1000000 }}{{ range until 1000 }}{{ end }}{{ end }}";
    let mut case = Case::of(ENDLESS);
    case.job.stop.raise();
    assert_eq!(case.failure().kind(), Kind::Cancelled);
    let mut case = Case::of(ENDLESS);
    case.job.stop = Stop::after(Duration::ZERO);
    assert_eq!(case.failure().kind(), Kind::Deadline);
    let mut case = Case::of("{{ range until 1000 }}{{ repeat 100 \"x\" }}{{ end }}");
    case.job.budgets.output_bytes = 1_000;
    assert_eq!(case.failure().kind(), Kind::OverBudget);
}

/// 4,000 calls of 240 nested blocks each: no stack holds them.
#[test]
fn deep_nesting_is_over_budget_before_the_stack_is() {
    for (open, close) in
        [("{{ with . }}", "{{ end }}"), ("{{ range (list .) }}{{ if . }}", "{{ end }}{{ end }}")]
    {
        let call = |from: &str, to: &str| {
            let (open, close) = (open.repeat(100), close.repeat(100));
            format!("{{{{ define \"{from}\" }}}}{open}{{{{ include \"{to}\" . }}}}{close}{{{{ end }}}}")
        };
        let template = ["ab", "bc", "cd", "da"].map(|pair| call(&pair[..1], &pair[1..])).concat();
        let error = Case::of(&format!("{template}{{{{ include \"a\" . }}}}")).failure();
        assert_eq!(error.kind(), Kind::OverBudget, "{:.200}", error.message());
    }
    let print = "(print ".repeat(200) + "(include \"a\" .)" + &")".repeat(200);
    let error =
        Case::of(&format!("{{{{ define \"a\" }}}}{{{{ {print} }}}}{{{{ end }}}}{{{{ include \"a\" . }}}}"))
            .failure();
    assert_eq!(error.kind(), Kind::OverBudget, "{:.200}", error.message());
}
