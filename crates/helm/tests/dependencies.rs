//! Dependencies by `file://`: loaded from the tree, refused where they lead elsewhere, named where they are missing.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use manifestd_helm::{ValuesOptions, Want, wants};
use support::{loaded, render, tree};

const TEMPLATE: &str = "a: {{ .Chart.Name }} {{ .Values.v }}\n";

fn chart(name: &str, version: &str, dependencies: &str) -> String {
    format!("apiVersion: v2\nname: {name}\nversion: {version}\ndependencies: [{dependencies}]\n")
}

/// The charts `apps/web`, with these dependencies, and `libs/db` 1.2.3.
fn files(dependencies: &str) -> Vec<(&'static str, String)> {
    vec![
        ("apps/web/Chart.yaml", chart("web", "1.0.0", dependencies)),
        ("libs/db/Chart.yaml", chart("db", "1.2.3", "")),
        ("libs/db/values.yaml", "v: default\n".to_owned()),
        ("libs/db/templates/a.yaml", TEMPLATE.to_owned()),
    ]
}

fn with(
    mut files: Vec<(&'static str, String)>,
    more: &[(&'static str, String)],
) -> Vec<(&'static str, String)> {
    files.retain(|(name, _)| more.iter().all(|(other, _)| name != other));
    files.extend_from_slice(more);
    files
}

fn rendered(files: &[(&'static str, String)]) -> Result<String, String> {
    let files: Vec<_> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    render(&tree(&files), "apps/web", &ValuesOptions::default()).map_err(|error| error.message)
}

fn wanted(files: &[(&'static str, String)]) -> Vec<Want> {
    let files: Vec<_> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    wants(&loaded(&tree(&files), "apps/web").unwrap())
}

/// Why the one dependency that is missing is not there.
fn why(files: &[(&'static str, String)]) -> String {
    let wants = wanted(files);
    assert_eq!(wants.len(), 1, "{wants:?}");
    wants[0].why.clone().unwrap_or_default()
}

#[test]
fn a_folder_of_the_tree_is_a_dependency() {
    let files = files("{name: db, version: ^1, repository: 'file://../../libs/db'}");
    assert_eq!(wanted(&files), []);
    assert_eq!(rendered(&files).unwrap(), "---\n# Source: web/charts/db/templates/a.yaml\na: db default\n");
}

#[test]
fn one_folder_serves_several_aliases() {
    let entry =
        |alias| format!("{{name: db, version: '*', repository: 'file://../../libs/db', alias: {alias}}}");
    let files = files(&format!("{}, {}", entry("one"), entry("two")));
    let printed = rendered(&files).unwrap();
    for alias in ["one", "two"] {
        let source = format!("# Source: web/charts/{alias}/templates/a.yaml\na: {alias} default\n");
        assert!(printed.contains(&source), "{printed}");
    }
}

#[test]
fn what_is_vendored_comes_first() {
    let files = with(
        files("{name: db, version: ^2, repository: 'file://../../libs/db'}"),
        &[
            ("apps/web/charts/db/Chart.yaml", chart("db", "2.0.0", "")),
            ("apps/web/charts/db/templates/b.yaml", TEMPLATE.to_owned()),
        ],
    );
    assert_eq!(rendered(&files).unwrap(), "---\n# Source: web/charts/db/templates/b.yaml\na: db\n");
}

#[test]
fn dependencies_of_dependencies_are_found_too() {
    let files = with(
        files("{name: db, version: ^1, repository: 'file://../../libs/db'}"),
        &[
            (
                "libs/db/Chart.yaml",
                chart("db", "1.2.3", "{name: common, version: 1.x, repository: 'file://../common'}"),
            ),
            ("libs/db/templates/a.yaml", "a: {{ include \"common.x\" . }}\n".to_owned()),
            ("libs/common/Chart.yaml", chart("common", "1.0.0", "") + "type: library\n"),
            ("libs/common/templates/_x.tpl", "{{ define \"common.x\" }}y{{ end }}".to_owned()),
        ],
    );
    assert_eq!(rendered(&files).unwrap(), "---\n# Source: web/charts/db/templates/a.yaml\na: y\n");
}

#[test]
fn what_does_not_fit_says_why() {
    let to = |name: &str, version: &str, path: &str| {
        files(&format!("{{name: {name}, version: '{version}', repository: 'file://{path}'}}"))
    };
    assert_eq!(why(&to("db", "^2", "../../libs/db")), "the chart in libs/db has version 1.2.3");
    assert_eq!(why(&to("dx", "^1", "../../libs/db")), "the chart in libs/db is called db");
    assert_eq!(why(&to("db", "", "../../libs/db")), "\"\" is no version constraint");
    assert_eq!(why(&to("db", "^1", "../libs/db")), "there is no folder apps/libs/db");
    assert_eq!(why(&to("db", "^1", "../../libs/db/values.yaml")), "there is no folder libs/db/values.yaml");
    assert_eq!(why(&to("web", "^1", ".")), "apps/web depends on itself");
    for outside in ["../../../other", "/libs/db", "/../../other"] {
        assert_eq!(why(&to("db", "^1", outside)), "its path leads out of the tree", "{outside}");
    }
}

#[test]
fn a_link_out_of_the_tree_is_an_error() {
    let files = with(
        files("{name: db, version: ^1, repository: 'file://../../libs/away'}"),
        &[("libs/away", ">../../elsewhere".to_owned())],
    );
    let error = rendered(&files).unwrap_err();
    assert!(error.contains("libs/away"), "{error}");
}

#[test]
fn charts_that_need_each_other_are_missing() {
    let files = with(
        files("{name: db, version: ^1, repository: 'file://../../libs/db'}"),
        &[(
            "libs/db/Chart.yaml",
            chart("db", "1.2.3", "{name: web, version: '*', repository: 'file://../../apps/web'}"),
        )],
    );
    let wants = wanted(&files);
    assert_eq!((wants.len(), wants[0].chart.as_str()), (1, "web/charts/db"));
    assert_eq!(wants[0].why.as_deref(), Some("apps/web depends on itself"));
}

#[test]
fn a_broken_dependency_is_named_with_its_folder() {
    let files = with(
        files("{name: db, version: ^1, repository: 'file://../../libs/db'}"),
        &[("libs/db/Chart.yaml", "apiVersion: v2\nname: db\n".to_owned())],
    );
    assert_eq!(
        rendered(&files).unwrap_err(),
        "cannot load the dependency db from libs/db: validation: chart.metadata.version is required"
    );
}

#[test]
fn what_is_missing_is_listed_without_passwords() {
    let files = files(
        "{name: db, version: ^2, repository: 'https://me:secret@charts.example/x', alias: store}, {name: c, version: 1.0.0}",
    );
    let wants = wanted(&files);
    let shown: Vec<_> = wants.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["db ^2 of web from https://charts.example/x", "c 1.0.0 of web from charts/"]);
    assert_eq!(
        (wants[0].alias.as_str(), &*wants[0].repository),
        ("store", "https://me:secret@charts.example/x")
    );
    let error = rendered(&files).unwrap_err();
    assert!(error.ends_with("found in Chart.yaml, but missing in charts/ directory: db, c"), "{error}");
}

#[test]
fn a_vendored_chart_may_lack_what_it_lists() {
    let files = with(
        files("{name: db, version: '*'}"),
        &[
            (
                "apps/web/charts/db/Chart.yaml",
                chart("db", "2.0.0", "{name: x, version: 1.0.0, repository: 'file://../x'}"),
            ),
            ("apps/web/charts/db/templates/b.yaml", TEMPLATE.to_owned()),
        ],
    );
    assert_eq!(wanted(&files), []);
    assert!(rendered(&files).is_ok());
}
