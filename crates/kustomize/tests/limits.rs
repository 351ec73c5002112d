//! Budgets, the stop flag, and what is never done: every refusal names its kind and why.

#![expect(clippy::unwrap_used, reason = "a test may stop at once")]

use std::cell::Cell;

use manifestd_kustomize::{Error, ErrorKind, Limits, Options, Output, build};
use tree::{MemoryTree, TreePath};

const CONFIG_MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n";

fn run(files: &[(&str, &str)], options: &Options<'_>) -> Result<Output, Error> {
    let tree = MemoryTree::from_files(files.iter().map(|(path, text)| (*path, (*text).to_owned()))).unwrap();
    build(&tree, &TreePath::parse("app").unwrap(), options)
}

/// Builds with these budgets; answers the message of the budget that was used up.
fn stopped(files: &[(&str, &str)], limits: Limits) -> String {
    let error = run(files, &Options { limits, ..Options::default() }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    error.to_string()
}

const TWO: [(&str, &str); 3] = [
    ("app/kustomization.yaml", "resources: [../base]\nconfigMapGenerator: [{name: made}]\n"),
    ("base/kustomization.yaml", "resources: [cm.yaml]\n"),
    ("base/cm.yaml", CONFIG_MAP),
];

#[test]
fn budgets_that_suffice_change_nothing() {
    let limits = Limits { depth: 1, files: 3, bytes: 200, resources: 2, ..Limits::default() };
    assert_eq!(run(&TWO, &Options { limits, ..Options::default() }).unwrap().documents().len(), 2);
}

#[test]
fn depth_ends_a_build() {
    let text = stopped(&TWO, Limits { depth: 0, ..Limits::default() });
    assert!(text.ends_with("kustomizations lie more than 0 deep"), "{text}");
}

#[test]
fn files_and_bytes_end_a_build() {
    let text = stopped(&TWO, Limits { files: 2, ..Limits::default() });
    assert!(text.contains("the build reads more than 2 files"), "{text}");
    let text = stopped(&TWO, Limits { bytes: 100, ..Limits::default() });
    assert!(text.contains("or 100 bytes"), "{text}");
}

#[test]
fn resources_end_a_build_generated_ones_too() {
    let text = stopped(&TWO, Limits { resources: 1, ..Limits::default() });
    assert!(text.contains("the build has more than 1 resources"), "{text}");
}

#[test]
fn the_budgets_of_a_document_end_a_build() {
    let yaml = yaml::Limits { nodes: 20, ..yaml::Limits::default() };
    let bomb =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\na: &a [x, x, x]\nb: [*a, *a, *a, *a]\n";
    let files = [("app/kustomization.yaml", "resources: [cm.yaml]\n"), ("app/cm.yaml", bomb)];
    let error = run(&files, &Options { limits: Limits { yaml, ..Limits::default() }, ..Options::default() })
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
}

#[test]
fn the_stop_flag_ends_a_build_in_the_middle() {
    let asked = Cell::new(0);
    let stop = || {
        asked.set(asked.get() + 1);
        asked.get() > 3
    };
    let error = run(&TWO, &Options { stop: &stop, ..Options::default() }).unwrap_err();
    assert_eq!((error.kind(), asked.get()), (ErrorKind::Limit, 4), "{error}");
    assert!(error.to_string().ends_with("the build was stopped"), "{error}");
}

#[test]
fn types_that_hold_themselves_end_a_build() {
    let crd =
        "t.Loop: {Schema: {properties: {kind: {}, apiVersion: {}, metadata: {}, spec: {$ref: t.Loop}}}}\n";
    let files = [("app/kustomization.yaml", "crds: [crd.yaml]\n"), ("app/crd.yaml", crd)];
    let text = stopped(&files, Limits::default());
    assert!(text.contains("'t.Loop' in crds nests more than 50 deep"), "{text}");
}

#[test]
fn what_would_run_something_is_refused_by_name() {
    let refused = |field: &str, function: &str| {
        let plugin = format!(
            "apiVersion: acme.io/v1\nkind: Maker\nmetadata:\n  name: m\n  annotations:\n    config.kubernetes.io/function: |\n      {function}\n"
        );
        let kustomization = format!("{field}: [plugin.yaml]\n");
        let files =
            [("app/kustomization.yaml", kustomization.as_str()), ("app/plugin.yaml", plugin.as_str())];
        let error = run(&files, &Options::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
        error.to_string()
    };
    let cases = [
        ("generators", "exec: {path: ./make.sh}", "the program './make.sh'"),
        (
            "transformers",
            "container: {image: 'acme/make:v1', network: true}",
            "the container image 'acme/make:v1'",
        ),
        ("validators", "starlark: {path: check.star}", "the Starlark script 'check.star'"),
        ("generators", "{}", "a plugin program of its own"),
    ];
    for (field, function, what) in cases {
        let text = refused(field, function);
        assert!(text.contains("external plugins disabled; unable to load external plugin 'Maker'"), "{text}");
        let place = "/app/kustomization.yaml names Maker.v1.acme.io/m.[noNs], which asks to run";
        assert!(text.contains(&format!("{place} {what};")), "{text}");
    }
}

#[test]
fn the_label_of_a_validator_stays_and_no_other() {
    let validator = |labels: &str| {
        format!(
            "apiVersion: builtin\nkind: LabelTransformer\nmetadata: {{name: v}}\nlabels: {labels}\nfieldSpecs: [{{path: metadata/labels, create: true}}]\n"
        )
    };
    let build_with = |labels: &str| {
        let validator = validator(labels);
        let files = [
            (
                "app/kustomization.yaml",
                "resources: [cm.yaml]\ncommonLabels: {a: one}\nvalidators: [v.yaml]\n",
            ),
            ("app/cm.yaml", CONFIG_MAP),
            ("app/v.yaml", validator.as_str()),
        ];
        run(&files, &Options::default())
    };
    let text = build_with("{validated-by: me}").unwrap().text();
    assert!(text.contains("    a: one\n    validated-by: me\n"), "{text}");
    let error = build_with("{other: me}").unwrap_err().to_string();
    assert!(error.starts_with("validator shouldn't modify the resource map: nodes unequal:"), "{error}");
}
