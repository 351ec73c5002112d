//! Changes of charts: values, templates, metadata, locks, schemas, flags, and files beside them.

use super::{expression, text};
use crate::input::Input;
use crate::random::Chance;

/// Lines of `Chart.yaml`.
const METADATA: &[&str] = &[
    "apiVersion: v1",
    "apiVersion: v2",
    "apiVersion: v3",
    "version: 1",
    "version: 01.2.3",
    "version: v1.2",
    "version: 1.2.3+meta",
    "type: library",
    "type: application",
    "type: other",
    "kubeVersion: \">=1.20.0-0\"",
    "kubeVersion: \"<1.10\"",
    "kubeVersion: 1.x || 2.x",
    "appVersion: 1.10",
    "appVersion: 1e3",
    "appVersion: \"\"",
    "deprecated: true",
    "deprecated: \"x\"",
    "annotations: {a: b, c: \"1\"}",
    "annotations: {a: 1}",
    "keywords: [a, b]",
    "maintainers: [{name: a, email: b}]",
    "maintainers: [null]",
    "icon: x",
    "home: y",
    "sources: [z]",
    "name: other",
    "name: a/b",
    "description: \"x\\n y\"",
    "condition: a.b",
    "tags: a",
    "engine: x",
    "unknown: 1",
    "dependencies: []",
    "dependencies: null",
    "dependencies: [{name: none, version: 1.0.0, repository: \"https://x.example\", condition: none.enabled}]",
    "dependencies: [{name: sub, version: \">=0\", alias: other, tags: [t]}]",
];

/// Flags that change what is rendered.
const FLAGS: &[&[&str]] = &[
    &["--is-upgrade"],
    &["--no-hooks"],
    &["--skip-tests"],
    &["--include-crds"],
    &["--skip-schema-validation"],
    &["--kube-version", "1.20"],
    &["--kube-version", "v1.33.1-eks-1"],
    &["--kube-version", "1"],
    &["--kube-version", "x"],
    &["--api-versions", "a/v1,b/v2/C"],
    &["--api-versions", "\"x\""],
    &["--namespace", "other"],
    &["--namespace", ""],
    &["--set", "a.b=c"],
    &["--set", "a[0]=1,a[2]=x"],
    &["--set", "a.b.c=null"],
    &["--set", "a={1,b,}"],
    &["--set", "a=1e3,b=0x10,c=010,d=true"],
    &["--set", "a\\.b=c\\,d"],
    &["--set", "a="],
    &["--set", "=a"],
    &["--set", "a[1=2"],
    &["--set-string", "a=1,b=true"],
    &["--set-string", "a.b=null"],
    &["--set-json", "a={\"b\":[1,2.0,null]}"],
    &["--set-json", "a=[1,{\"c\":1e3}],b=\"x\""],
    &["--set-json", "{\"a\":{\"b\":1}}"],
    &["--set-literal", "a.b=c,d=[x]"],
    &["--set-literal", "a=null"],
    &["--set", "global.x=1"],
    &["--set", "global=text"],
    &["--show-only", "templates/zz.yaml"],
    &["--name-template", "x"],
    &["--set", "a.b=1", "--set", "a=2"],
    &["--set", "tags.t=false"],
    &["--debug"],
];

/// Texts of `values.schema.json`.
const SCHEMAS: &[&str] = &[
    "{\"type\": \"object\"}",
    "{\"type\": \"array\"}",
    "{\"required\": [\"none\"]}",
    "{\"additionalProperties\": false}",
    "{}",
    "true",
    "false",
    "[]",
    "x",
    "{\"properties\": {\"a\": {\"type\": \"integer\"}}}",
    "{\"properties\": {\"replicaCount\": {\"type\": [\"string\", \"null\"]}}}",
    "{\"$schema\": \"http://json-schema.org/draft-07/schema#\", \"patternProperties\": {\"^[a-z]+$\": {\"type\": [\"object\", \"string\"]}}}",
    "{\"$defs\": {\"s\": {\"minLength\": 2}}, \"properties\": {\"a\": {\"$ref\": \"#/$defs/s\"}}}",
    "{\"maxProperties\": 2}",
    "{\"anyOf\": [{\"required\": [\"x\"]}, {\"minProperties\": 1}]}",
    "{\"not\": {}}",
    "{\"propertyNames\": {\"pattern\": \"^[a-z]\"}}",
];

/// Files beside a chart's own.
const FILES: &[(&str, &str)] = &[
    (".helmignore", "*.txt\n/templates/zz.yaml\n!x\n"),
    (".helmignore", "templates/*\n"),
    (".helmignore", "# c\n*.yaml/\n[a-c]*\n"),
    ("templates/NOTES.txt", "{{ .Release.Name }} {{ fail \"x\" }}"),
    ("templates/_h.tpl", "{{ define \"h\" }}h{{ . }}{{ end }}\nkind: X"),
    ("templates/b.txt", "kind: Y\nname: {{ .Template.BasePath }}"),
    ("templates/sub/d.yaml", "kind: Z\n"),
    ("crds/c.yaml", "kind: CustomResourceDefinition\n---\nkind: Other\n"),
    ("crds/c.txt", "x"),
    ("files/a.txt", "one\ntwo\n"),
    (
        "templates/h.yaml",
        "kind: Job\nmetadata:\n  name: h\n  annotations:\n    helm.sh/hook: pre-install,post-delete\n    helm.sh/hook-weight: \"3\"\n",
    ),
    ("templates/i.yaml", "kind: Pod\nmetadata:\n  annotations:\n    helm.sh/hook: test\n"),
    ("templates/k.yaml", "# only a comment\n---\n---\nkind: A\n---\n\n---\n- list\n"),
    ("Chart.lock", "dependencies: []\ndigest: sha256:x\ngenerated: \"2020-01-01T00:00:00Z\"\n"),
    ("requirements.yaml", "dependencies: []\n"),
    ("charts/sub/Chart.yaml", "apiVersion: v2\nname: sub\nversion: 1.0.0\n"),
    ("charts/sub/values.yaml", "a: {b: 1}\nexports: {x: {y: 1}}\nglobal: {g: sub}\n"),
    (
        "charts/sub/templates/s.yaml",
        "kind: S\nvalues: {{ .Values | toJson }}\nglobal: {{ .Values.global }}\n",
    ),
    ("charts/_x/Chart.yaml", "name: x\n"),
    (
        "templates/f.yaml",
        "kind: F\na: {{ .Files.Get \"files/a.txt\" | quote }}\nb: {{ (.Files.Glob \"files/*\").AsConfig | nindent 2 }}\nc: {{ .Files.Lines \"files/a.txt\" }}\n",
    ),
    ("templates/v.yaml", "kind: V\nv: {{ .Values | toYaml | nindent 2 }}\n"),
    ("templates/w.yaml", "kind: W\nv: {{ .Values }}\nc: {{ .Chart }}\nr: {{ .Release }}\n"),
    (
        "templates/c.yaml",
        "kind: C\nc: {{ .Capabilities.KubeVersion.Minor }}{{ .Capabilities.APIVersions.Has \"apps/v1\" }}\n",
    ),
];

/// Changes a chart in one place.
pub(super) fn change(input: &mut Input, chance: &mut Chance) {
    match chance.below(20) {
        0..=4 => change_file(input, "values.yaml", chance),
        5..=9 => add_actions(input, chance),
        10 | 11 => change_template(input, chance),
        12 => change_file(input, "Chart.yaml", chance),
        13 => {
            let path = input.inside("Chart.yaml");
            let line = chance.pick(METADATA);
            let key = line.split(':').next().unwrap_or_default();
            let kept = input.text(&path);
            let kept = kept.lines().filter(|line| !line.starts_with(&format!("{key}:")));
            let text = kept.chain([line]).collect::<Vec<_>>().join("\n");
            input.put(&path, text);
        }
        14..=16 => input.flags.extend(chance.pick(FLAGS).iter().map(|word| (*word).to_owned())),
        17 => {
            let path = input.inside("values.schema.json");
            let old = input.text(&path);
            match old.is_empty() || chance.once_in(2) {
                true => input.put(&path, chance.pick(SCHEMAS)),
                false => input.put(&path, text::change(&old, chance)),
            }
        }
        18 => {
            let (path, content) = chance.pick(FILES);
            let path = input.inside(path);
            input.put(&path, content);
        }
        _ => {
            let paths = input.paths(&[".yaml", ".yml", ".tpl"]);
            if !paths.is_empty() {
                let path = paths[chance.below(paths.len())].clone();
                input.put(&path, text::change(&input.text(&path), chance));
            }
        }
    }
}

fn change_file(input: &mut Input, name: &str, chance: &mut Chance) {
    let path = input.inside(name);
    let changed = text::change(&input.text(&path), chance);
    input.put(&path, changed);
}

/// A template of its own, so that what it prints is all that differs.
fn add_actions(input: &mut Input, chance: &mut Chance) {
    let paths = value_paths(&input.text(&input.inside("values.yaml")));
    let mut template = String::from("kind: Random\n");
    for number in 0..=chance.below(3) {
        template.push_str(&format!("v{number}: {}\n", expression::action(&paths, chance)));
    }
    let path = input.inside("templates/zz.yaml");
    input.put(&path, template);
}

fn change_template(input: &mut Input, chance: &mut Chance) {
    let folder = input.inside("templates/");
    let templates: Vec<String> =
        input.files.keys().filter(|path| path.starts_with(&folder)).cloned().collect();
    if templates.is_empty() {
        return;
    }
    let path = templates[chance.below(templates.len())].clone();
    let old = input.text(&path);
    let actions: Vec<usize> = old.match_indices("{{").map(|(at, _)| at).collect();
    if actions.is_empty() || chance.once_in(3) {
        input.put(&path, text::change(&old, chance));
        return;
    }
    let (before, after) = old.split_at(chance.pick(&actions));
    let changed = match chance.below(8) {
        0 => after.replacen("{{-", "{{", 1),
        1 => after.replacen("{{ ", "{{- ", 1),
        2 => after.replacen("-}}", "}}", 1),
        3 => after.replacen(" | ", &format!(" | {} | ", expression::function(chance)), 1),
        4 => after.replacen(
            " }}",
            &format!(
                " | {} }}}}",
                chance.pick(&["quote", "toYaml", "toJson", "upper", "default 1", "nindent 4", "len", "not"])
            ),
            1,
        ),
        5 => after.replacen(
            ".Values.",
            chance.pick(&[".Values.none.", "$.Values.", ".Release.", ".Chart."]),
            1,
        ),
        6 => after.replacen(
            "{{",
            chance.pick(&[
                "{{/* c */}}{{",
                "{{ $x := 1 }}{{",
                "{{ break }}{{",
                "{{ end }}{{",
                "{{ else }}{{",
                "{{ continue }}{{",
            ]),
            1,
        ),
        _ => after.split_once("}}").map_or_else(|| after.to_owned(), |(_, rest)| rest.to_owned()),
    };
    let changed = format!("{before}{changed}");
    input.put(&path, changed);
}

/// The paths of some values, as templates write them.
fn value_paths(values: &str) -> Vec<String> {
    let mut above: Vec<(usize, String)> = Vec::new();
    let mut paths = Vec::new();
    for line in values.lines() {
        let plain = line.trim_start();
        let Some((key, _)) = plain.split_once(':') else { continue };
        let is_name =
            !key.is_empty() && key.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        if !is_name || key.starts_with(|letter: char| letter.is_ascii_digit()) {
            continue;
        }
        let depth = line.len() - plain.len();
        above.retain(|(other, _)| *other < depth);
        above.push((depth, key.to_owned()));
        paths.push(above.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>().join("."));
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_named_as_templates_name_them() {
        let paths = value_paths("a: 1\nb:\n  c: 2\n  d:\n    e: 3\n# f: 4\ng-h: 5\ni: 6\n");
        assert_eq!(paths, ["a", "b", "b.c", "b.d", "b.d.e", "i"]);
    }
}
