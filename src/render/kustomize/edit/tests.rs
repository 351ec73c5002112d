//! What `kustomize edit` makes of kustomizations; `tests/runner/kustomization.rs` compares with the program itself.

use super::*;
use crate::render::exec::testing::job;
use crate::request::{KustomizePatch, KustomizeReplica, KustomizeTarget};

fn texts(all: &[&str]) -> Vec<String> {
    all.iter().map(|&text| text.to_owned()).collect()
}

/// What the kustomization in `app` becomes.
fn edit_of(files: &[(&str, &str)], links: &[(&str, &str)], edits: &KustomizeEdits) -> Result<String> {
    let job = job(files, links);
    let folder = TreePath::parse("app").unwrap();
    let edited = edited(&job, &folder, edits)?;
    let content = tree::read(&*edited.tree, &folder.child("kustomization.yaml"))?;
    Ok(String::from_utf8(content.to_vec()).unwrap())
}

fn edit(kustomization: &str, edits: &KustomizeEdits) -> Result<String> {
    edit_of(&[("app/kustomization.yaml", kustomization), ("c/x", ""), ("d/x", "")], &[], edits)
}

fn images(kustomization: &str, images: &[&str]) -> Result<String> {
    edit(kustomization, &KustomizeEdits { images: texts(images), ..KustomizeEdits::default() })
}

const OLD: &str = "images:\n- {name: b, newName: B, newTag: '1', digest: d}\n- {name: a, newName: A1, newTag: '1'}\n\
                   - {name: a, newName: A2, digest: '2'}\n";

#[test]
fn images_are_merged_by_name_and_sorted() {
    let a = "- name: a\n  newName: A1\n  newTag: \"1\"\n";
    let b = "- digest: d\n  name: b\n  newName: B\n  newTag: \"1\"\n";
    for (image, expected) in [
        ("x:1", format!("{a}{b}- name: x\n  newTag: \"1\"\n")),
        ("q:1@sha256:c", format!("{a}{b}- digest: sha256:c\n  name: q\n  newTag: \"1\"\n")),
        ("h:50/x=e/f:1", format!("{a}{b}- name: h:50/x\n  newName: e/f\n  newTag: \"1\"\n")),
        ("b:2", format!("{a}- name: b\n  newTag: \"2\"\n")),
        ("b=C", format!("{a}- name: b\n  newName: C\n")),
        ("b=*:5@*", format!("{a}- digest: d\n  name: b\n  newName: B\n  newTag: \"5\"\n")),
        ("a=*:7", format!("- name: a\n  newName: A1\n  newTag: \"7\"\n{b}")),
        ("x:*", format!("{a}{b}- name: x\n")),
        ("=x:1", format!("{a}{b}- name: x\n  newTag: \"1\"\n")),
        ("a@b@c", format!("- digest: b@c\n  name: a\n{b}")),
    ] {
        assert_eq!(images(OLD, &[image]).unwrap(), format!("images:\n{expected}"), "{image}");
    }
    assert_eq!(images("", &["a:1", "a:2"]).unwrap(), "images:\n- name: a\n  newTag: \"2\"\n");
    for wrong in ["b", "", "h:50/x"] {
        assert_eq!(images(OLD, &[wrong]).unwrap_err().kind(), Kind::Invalid, "{wrong}");
    }
    let older = "imageTags: [{name: z}]\nIMAGES: [{name: w}]\n";
    assert_eq!(
        images(older, &["x:1"]).unwrap(),
        "images:\n- name: w\n- name: x\n  newTag: \"1\"\n- name: z\n"
    );
}

#[test]
fn replicas_are_merged_by_name_and_sorted() {
    let replica = |name: &str, count| KustomizeReplica { name: name.into(), count };
    let edits =
        KustomizeEdits { replicas: vec![replica("b", 5), replica("a", 2)], ..KustomizeEdits::default() };
    let text = edit("replicas: [{name: z, count: 1}, {name: b, count: 1}]\n", &edits).unwrap();
    assert_eq!(text, "replicas:\n- count: 2\n  name: a\n- count: 5\n  name: b\n- count: 1\n  name: z\n");
    let edits = KustomizeEdits { replicas: vec![replica("a=b", 5)], ..KustomizeEdits::default() };
    assert_eq!(edit("", &edits).unwrap_err().kind(), Kind::Invalid);
}

fn labels(pairs: &[(&str, &str)]) -> KustomizeEdits {
    let pairs = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    KustomizeEdits { common_labels: pairs.collect(), ..KustomizeEdits::default() }
}

#[test]
fn labels_replace_nothing_unless_they_are_forced() {
    let edits = labels(&[("x", "y:z"), ("q", "\"v w\""), ("e", "")]);
    assert_eq!(
        edit("commonLabels: {a: b}", &edits).unwrap(),
        "commonLabels:\n  a: b\n  e: \"\"\n  q: v w\n  x: y:z\n"
    );
    let edits = labels(&[("a", "c")]);
    let error = edit("commonLabels: {a: b}", &edits).unwrap_err();
    assert_eq!(error.message(), "label a already in kustomization file");
    let edits = KustomizeEdits { force_common_labels: true, ..edits };
    assert_eq!(edit("commonLabels: {a: b}", &edits).unwrap(), "commonLabels:\n  a: c\n");
    let error = edit("", &labels(&[("", "v")])).unwrap_err();
    assert_eq!(error.message(), "invalid label: ':v' (need k:v pair where v may be quoted)");
}

#[test]
fn labels_without_selectors_join_the_first_of_their_sort() {
    let old = "labels: [{pairs: {a: b}, includeSelectors: true}, {pairs: {c: d}, includeTemplates: true}, {pairs: {e: f}}]";
    let edits = KustomizeEdits { label_without_selector: true, ..labels(&[("n", "o")]) };
    let text = edit(old, &edits).unwrap();
    assert!(text.ends_with("- pairs:\n    e: f\n    \"n\": o\n"), "{text}");
    let edits = KustomizeEdits { label_include_templates: true, ..edits };
    let text = edit(old, &edits).unwrap();
    assert!(text.contains("- includeTemplates: true\n  pairs:\n    c: d\n    \"n\": o\n"), "{text}");
    assert_eq!(edit("", &edits).unwrap(), "labels:\n- includeTemplates: true\n  pairs:\n    \"n\": o\n");
    let edits = KustomizeEdits { label_without_selector: false, ..edits };
    assert_eq!(edit("", &edits).unwrap_err().kind(), Kind::Invalid);
}

#[test]
fn names_annotations_and_patches() {
    let target = KustomizeTarget { kind: "Job".into(), name: "x.*".into(), ..KustomizeTarget::default() };
    let patches = vec![
        KustomizePatch { path: "p.yaml".into(), ..KustomizePatch::default() },
        KustomizePatch {
            patch: "- op: remove\n  path: /spec\n".into(),
            target: Some(target),
            options: [("allowKindChange".to_owned(), true)].into(),
            ..KustomizePatch::default()
        },
    ];
    let edits = KustomizeEdits {
        name_prefix: "-p".into(),
        name_suffix: "s".into(),
        namespace: "ns".into(),
        common_annotations: [("a".to_owned(), "b".to_owned())].into(),
        patches,
        ..KustomizeEdits::default()
    };
    let text = edit("NamePrefix: old\npatches: [{path: old.yaml}]\n", &edits).unwrap();
    assert_eq!(
        text,
        "commonAnnotations:\n  a: b\nnamePrefix: -p\nnameSuffix: s\nnamespace: ns\npatches:\n- path: old.yaml\n\
         - path: p.yaml\n- options:\n    allowKindChange: true\n  patch: |\n    - op: remove\n      path: /spec\n  \
         target:\n    kind: Job\n    name: x.*\n"
    );
    assert_eq!(edit("patches: x", &edits).unwrap_err().kind(), Kind::Invalid);
}

fn components(kustomization: &str, components: &[&str], ignore_missing_components: bool) -> Result<String> {
    let components = texts(components);
    edit(
        kustomization,
        &KustomizeEdits { components, ignore_missing_components, ..KustomizeEdits::default() },
    )
}

#[test]
fn components_are_added_once_and_may_be_patterns() {
    assert_eq!(
        components("components: [../c]", &["../d", "../c"], false).unwrap(),
        "components:\n- ../c\n- ../d\n"
    );
    assert_eq!(components("", &["../[cd]"], false).unwrap(), "components:\n- ../c\n- ../d\n");
    assert_eq!(components("", &["../x*"], false).unwrap_err().kind(), Kind::Invalid);
    assert_eq!(components("", &["../gone"], false).unwrap(), "components:\n- ../gone\n");
    let missing = ["../gone", "../d", "../../out", "https://h/o/r", "../x*"];
    assert_eq!(components("", &missing, true).unwrap(), "components:\n- ../d\n");
}

#[test]
fn what_cannot_be_edited_stays_as_it_is() {
    let edits = labels(&[("a", "b")]);
    for text in ["- a list", "a: [", "commonLabels: 1\n"] {
        assert_eq!(edit(text, &edits).unwrap(), text);
    }
    assert_eq!(edit("a: 1 # as it is\n", &KustomizeEdits::default()).unwrap(), "a: 1 # as it is\n");
    let two = [("app/kustomization.yaml", "{}"), ("app/Kustomization", "{}")];
    assert_eq!(edit_of(&two, &[], &edits).unwrap(), "{}");
}

#[test]
fn a_kustomization_behind_a_link_is_edited_where_it_is() {
    let files = [("base/k.yaml", "namePrefix: x-"), ("app/cm.yaml", "")];
    let edits = KustomizeEdits { namespace: "n".into(), ..KustomizeEdits::default() };
    let text = edit_of(&files, &[("app/kustomization.yaml", "../base/k.yaml")], &edits).unwrap();
    assert_eq!(text, "namePrefix: x-\nnamespace: \"n\"\n");
}
