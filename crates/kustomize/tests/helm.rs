//! `helmCharts`: what the caller's renderer is asked for, and what becomes of its answer.

#![expect(clippy::unwrap_used, reason = "a test may stop at once")]

use std::cell::RefCell;

use manifestd_kustomize::{Error, ErrorKind, HelmOptions, HelmRequest, Options, Output, build};
use tree::{MemoryTree, TreePath};

const CHART: &str = "app/charts/web/values.yaml";
const MADE: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: made, namespace: kept}\n";

/// What a renderer was asked for, as text.
fn shown(request: &HelmRequest<'_>) -> String {
    let values: Vec<_> = request.values.iter().map(|bytes| String::from_utf8_lossy(bytes)).collect();
    format!(
        "{} {:?} {:?} {:?} {:?} {:?} {}{}{}{}\n{}",
        request.chart.as_str(),
        request.release_name,
        request.name_template,
        request.namespace,
        request.api_versions,
        request.kube_version,
        u8::from(request.include_crds),
        u8::from(request.skip_tests),
        u8::from(request.skip_hooks),
        u8::from(request.debug),
        values.join("--\n"),
    )
}

/// Builds `app` and answers what the renderer was asked for.
fn run(files: &[(&str, &str)]) -> (Result<Output, Error>, Vec<String>) {
    let asked = RefCell::new(Vec::new());
    let render = |request: &HelmRequest<'_>| {
        asked.borrow_mut().push(shown(request));
        Ok(MADE.to_owned())
    };
    let versions = ["flag/v1".to_owned()];
    let helm = HelmOptions { renderer: &render, kube_version: "1.30", api_versions: &versions, debug: false };
    let tree = MemoryTree::from_files(files.iter().map(|(path, text)| (*path, (*text).to_owned()))).unwrap();
    let options = Options { helm: Some(helm), ..Options::default() };
    let output = build(&tree, &TreePath::parse("app").unwrap(), &options);
    (output, asked.into_inner())
}

/// Builds one kustomization beside a chart with the values `a: 1` and `m: {x: 1}`.
fn one(kustomization: &str) -> (Result<Output, Error>, Vec<String>) {
    run(&[("app/kustomization.yaml", kustomization), (CHART, "a: 1\nm: {x: 1} # c\n")])
}

#[test]
fn the_chart_keeps_its_namespace_and_gets_the_kustomizations() {
    let (output, asked) = one("namespace: dev\nnamePrefix: p-\nhelmCharts: [{name: web}]\n");
    assert_eq!(
        asked,
        ["app/charts/web None None Some(\"dev\") [\"flag/v1\"] Some(\"1.30\") 0000\na: 1\nm: {x: 1} # c\n"]
    );
    assert_eq!(
        output.unwrap().text(),
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: p-made\n  namespace: kept\n"
    );
}

#[test]
fn everything_an_entry_says_is_passed_on() {
    let entry = "helmCharts:\n- {name: web, releaseName: r, namespace: own, nameTemplate: t, apiVersions: [a/v1], \
                 kubeVersion: '1.2', includeCRDs: true, skipTests: true, skipHooks: true, debug: true, \
                 valuesFile: v.yaml, additionalValuesFiles: [w.yaml]}\n";
    let (output, asked) = run(&[
        ("app/kustomization.yaml", entry),
        (CHART, "a: 1\n"),
        ("app/v.yaml", "v: 1\n"),
        ("app/w.yaml", "w: 1\n"),
    ]);
    output.unwrap();
    assert_eq!(
        asked,
        [
            "app/charts/web Some(\"r\") Some(\"t\") Some(\"own\") [\"a/v1\"] Some(\"1.2\") 1111\nv: 1\n--\nw: 1\n"
        ]
    );
}

#[test]
fn values_written_in_place_meet_the_file_three_ways() {
    let values = |mode: &str| {
        let text = format!(
            "helmCharts:\n- {{name: web, valuesMerge: {mode}, valuesInline: {{a: 2, m: {{z: 1}}}}}}\n"
        );
        let (output, asked) = one(&text);
        output.unwrap();
        asked[0].split_once('\n').unwrap().1.to_owned()
    };
    assert_eq!(values("override"), "a: 2\nm:\n  x: 1\n  z: 1\n");
    assert_eq!(values("merge"), "a: 1\nm:\n  x: 1\n  z: 1\n");
    assert_eq!(values("replace"), "a: 2\nm:\n  z: 1\n");
}

#[test]
fn the_folder_of_a_pulled_chart_has_its_version() {
    let entry =
        "helmGlobals: {chartHome: c}\nhelmCharts:\n- {name: web, version: 1.0.0, repo: 'https://h/c'}\n";
    let (output, asked) =
        run(&[("app/kustomization.yaml", entry), ("app/c/web-1.0.0/web/values.yaml", "a: 1\n")]);
    output.unwrap();
    assert!(asked[0].starts_with("app/c/web-1.0.0/web "), "{asked:?}");

    let (output, asked) = one(entry);
    assert_eq!((output.unwrap_err().kind(), asked.len()), (ErrorKind::Remote, 0));
}

#[test]
fn a_base_gets_the_namespace_of_the_nearest_overlay() {
    let (output, asked) = run(&[
        ("app/kustomization.yaml", "namespace: far\nresources: [../mid]\n"),
        ("mid/kustomization.yaml", "resources: [../base]\n"),
        ("base/kustomization.yaml", "helmCharts: [{name: web}]\n"),
        ("base/charts/web/values.yaml", "a: 1\n"),
    ]);
    output.unwrap();
    assert!(asked[0].starts_with("base/charts/web None None Some(\"far\") "), "{asked:?}");
}

#[test]
fn what_would_lie_outside_is_refused() {
    let message = |text: &str| one(text).0.unwrap_err().to_string();
    let config_home = message("helmGlobals: {configHome: /etc}\nhelmCharts: [{name: web}]\n");
    assert!(config_home.contains("configHome '/etc' is refused"), "{config_home}");
    let outside = message("helmGlobals: {chartHome: /charts}\nhelmCharts: [{name: web}]\n");
    assert_eq!(outside, "no repo specified for pull, no chart found at ''");
    let values = message("helmCharts: [{name: web, valuesFile: ../secret.yaml}]\n");
    assert!(values.contains("no such file"), "{values}");
}

#[test]
fn without_a_renderer_the_text_is_the_programs() {
    let tree = MemoryTree::from_files([("kustomization.yaml", "helmCharts: [{name: web}]\n")]).unwrap();
    let error = build(&tree, &TreePath::root(), &Options::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "trouble configuring builtin HelmChartInflationGenerator with config: `\nname: web\n`: must specify --enable-helm"
    );
}
