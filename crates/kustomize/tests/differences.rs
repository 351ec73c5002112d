//! What is known to differ from kustomize; each has a line in `COMPATIBILITY.md`.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has to fail")]

use manifestd_kustomize::{ErrorKind, KustomizeVersion, Options, build};
use tree::{MemoryTree, TreePath};

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, labels: {a: b}}\nspec: {containers: [{name: c, image: i}]}\n";

/// What a kustomization of the file `r.yaml` gives, on a stack that deep documents fit without optimisation too.
fn run(kustomization: &str, resources: &str) -> Result<String, manifestd_kustomize::Error> {
    run_as(KustomizeVersion::default(), kustomization, resources)
}

fn run_as(
    version: KustomizeVersion,
    kustomization: &str,
    resources: &str,
) -> Result<String, manifestd_kustomize::Error> {
    let text = format!("resources: [r.yaml]\n{kustomization}");
    let files = [("app/kustomization.yaml", text), ("app/r.yaml", resources.to_owned())];
    let tree = MemoryTree::from_files(files).unwrap();
    let all = move || {
        let output =
            build(&tree, &TreePath::parse("app").unwrap(), &Options { version, ..Options::default() })?;
        Ok(output.text())
    };
    std::thread::Builder::new().stack_size(16 << 20).spawn(all).unwrap().join().unwrap()
}

#[test]
fn an_image_name_that_is_no_expression_is_an_error_where_the_program_crashes() {
    let error = run_as(KustomizeVersion::V5_8_1, "images: [{name: '(', newTag: a}]\n", POD).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("missing closing )"), "{error}");
}

#[test]
fn an_alias_inside_of_itself_is_an_error() {
    for text in ["x: &x [*x]", "x: &x {a: *x}", "x: &x {a: [{b: *x}]}"] {
        let text = format!("apiVersion: v1\nkind: A\nmetadata: {{name: a}}\n{text}\n");
        assert_eq!(run("", &text).unwrap_err().kind(), ErrorKind::Limit, "{text}");
    }
}

#[test]
fn annotations_of_the_build_cannot_be_copied() {
    let patch = "[{\"op\": \"copy\", \"from\": \"/metadata/annotations\", \"path\": \"/spec/copy\"}]";
    let text = format!(
        "namePrefix: a-\ntransformers:\n- |-\n  apiVersion: builtin\n  kind: PatchTransformer\n  metadata: {{name: t}}\n  target: {{kind: Pod}}\n  patch: '{patch}'\n"
    );
    let output = run(&text, POD).unwrap();
    assert!(output.contains("copy: {}\n"), "{output}");
}

#[test]
fn the_message_about_generators_has_no_address() {
    let error = run("configMapGenerator: [{name: g, behavior: merge}]\n", POD).unwrap_err();
    assert!(error.to_string().starts_with("merging from generator &{0x0 <nil>}: id "), "{error}");
}

#[test]
fn expressions_are_bounded() {
    let text =
        "patches: [{target: {name: '((a{1000}){1000}){1000}'}, patch: '- {op: remove, path: /spec}'}]\n";
    assert!(run(text, POD).is_err());
}

/// Forty steps, each of which doubles what is there.
fn doubled(step: &str) -> String {
    step.repeat(40)
}

#[test]
fn patches_cannot_copy_without_bound() {
    for step in [
        r#"{"op": "copy", "from": "/spec", "path": "/spec/x"},{"op": "copy", "from": "/spec", "path": "/spec/y"},"#,
        r#"{"op": "copy", "from": "/spec/containers", "path": "/spec/containers/-"},{"op": "copy", "from": "/spec", "path": "/spec/z"},"#,
    ] {
        let patch = doubled(step);
        let text = format!("patches:\n- target: {{}}\n  patch: '[{}]'\n", patch.trim_end_matches(','));
        assert_eq!(run(&text, POD).unwrap_err().kind(), ErrorKind::Limit, "{step}");
    }
}

#[test]
fn replacements_cannot_copy_without_bound() {
    let maps = "- source: {kind: Pod, fieldPath: spec}\n  targets: [{select: {kind: Pod}, fieldPaths: [spec.x, spec.y], options: {create: true}}]\n";
    let texts = "- source: {kind: Pod, fieldPath: metadata.labels.a}\n  targets: [{select: {kind: Pod}, fieldPaths: [metadata.labels.a], options: {delimiter: '-', index: -1}}]\n";
    for step in [maps, texts] {
        let text = format!("replacements:\n{}", doubled(step));
        assert_eq!(run(&text, POD).unwrap_err().kind(), ErrorKind::Limit, "{step}");
    }
}

#[test]
fn patches_cannot_nest_without_bound() {
    let path = "/a".repeat(600);
    let mut value = "1".to_owned();
    for _ in 0..600 {
        value = format!("{{\"a\": {value}}}");
    }
    let step = |path: &str| format!("{{\"op\": \"add\", \"path\": \"/spec{path}\", \"value\": {value}}}");
    let patch = [step("/a"), step(&path)].join(",");
    let text = format!("patches:\n- target: {{}}\n  patch: '[{patch}]'\n");
    assert_eq!(run(&text, POD).unwrap_err().kind(), ErrorKind::Limit);
}

#[test]
fn documents_as_deep_as_they_may_be_are_built() {
    let deep = format!("{}1{}", "{a: ".repeat(900), "}".repeat(900));
    assert!(run("namePrefix: x-\n", &format!("{POD}x: {deep}\n")).is_ok());
    let deep = format!("{}1{}", "[".repeat(900), "]".repeat(900));
    assert!(run("namePrefix: x-\n", &format!("{POD}x: {deep}\n")).is_ok());
}

#[test]
fn keys_that_are_times_are_text_since_5_8_3() {
    let text = format!("{POD}x: {{2001-01-01: day}}\n");
    let error = run_as(KustomizeVersion::V5_8_1, "", &text).unwrap_err();
    assert!(
        error.to_string().ends_with(": json: unsupported type: map[interface {}]interface {}"),
        "{error}"
    );
    let output = run_as(KustomizeVersion::V5_8_3, "", &text).unwrap();
    assert!(output.contains("x:\n  \"2001-01-01T00:00:00Z\": day\n"), "{output}");
}

#[test]
fn keys_that_json_cannot_have_are_an_error() {
    for key in ["true", "1.5", "null"] {
        let text = format!("{POD}x: {{{key}: a, b: c}}\n");
        for version in KustomizeVersion::ALL {
            let error = run_as(version, "", &text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{key}: {error}");
        }
    }
}
