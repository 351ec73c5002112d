//! Folders that are small and whose rendering takes all memory or all time, unless somebody stops it.

use super::super::repository::File;

const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";

const CHART: &str = "apiVersion: v2\nname: c\nversion: 0.1.0\n";

/// A folder and what is in it.
pub(super) struct Bomb {
    /// The folder's name.
    pub(super) name: &'static str,
    /// Its files.
    pub(super) files: Vec<File>,
}

/// Every one of them.
pub(super) fn bombs() -> Vec<Bomb> {
    let mut all = yaml();
    all.extend(templates());
    all.extend(kustomizations());
    all.extend(jsonnet());
    all
}

/// One long scalar and many aliases to it, wherever YAML is read.
fn yaml() -> Vec<Bomb> {
    let aliases = aliases(50_000, 16_000);
    vec![
        folder("yaml-aliases", &[("a.yaml", format!("{MAP}{aliases}"))]),
        folder(
            "values-aliases",
            &[
                ("Chart.yaml", CHART.into()),
                ("values.yaml", aliases.clone()),
                ("templates/a.yaml", MAP.into()),
            ],
        ),
        chart("template-aliases", &format!("{MAP}{aliases}")),
        folder(
            "kustomize-aliases",
            &[
                ("kustomization.yaml", "resources: [a.yaml]\npatches: [{path: p.yaml}]\n".into()),
                ("a.yaml", MAP.into()),
                ("p.yaml", format!("{MAP}{aliases}")),
            ],
        ),
        folder("yaml-nesting", &[("a.yaml", "[".repeat(5_000_000))]),
        folder("yaml-documents", &[("a.yaml", "---\n".repeat(1_000_000))]),
    ]
}

fn templates() -> Vec<Bomb> {
    let lists = "{{ $x := list 1 }}{{ range until 40 }}{{ $x = list $x $x }}{{ end }}";
    let recursion = "{{- define \"t\" -}}{{ if gt . 0 }}{{ include \"t\" (int (sub . 1)) }}{{ include \"t\" (int (sub \
                     . 1)) }}{{ end }}{{- end -}}{{ include \"t\" 60 }}";
    vec![
        chart("helm-indent", "{{ $x := repeat 1000000 \"\\n\" }}{{ indent 1000 $x | len }}"),
        chart("helm-repeat", "{{ repeat 1000000000 \"aaaaaaaaaa\" | len }}"),
        chart(
            "helm-doubling",
            "{{ $x := \"aaaaaaaaaa\" }}{{ range until 40 }}{{ $x = print $x $x }}{{ end }}",
        ),
        chart(
            "helm-strings",
            "{{ range until 1000 }}{{ $y := until 1000000 | toStrings | sortAlpha }}{{ end }}",
        ),
        chart("helm-chunk", "{{ $x := until 1000000 }}{{ range until 40 }}{{ $x = chunk 1 $x }}{{ end }}"),
        chart(
            "helm-replace",
            "{{ $x := repeat 1000 \"a\" }}{{ range until 10 }}{{ $x = replace \"a\" (repeat 1000 \"a\") $x }}{{ end }}",
        ),
        chart("helm-regex", "{{ $x := repeat 1000000 \"a\" }}{{ regexFindAll \".*b|a\" $x -1 | len }}"),
        chart(
            "helm-regex-loop",
            "{{ $x := repeat 1000000 \"a\" }}{{ range until 10000 }}{{ $y := regexReplaceAll \"(a|a|a)*$\" $x \"${1}\" }}{{ end }}",
        ),
        chart("helm-shared-lists", &format!("{lists}{{{{ toYaml $x | len }}}}")),
        chart("helm-recursion", recursion),
        chart("helm-loops", "{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}"),
        chart("helm-keys", "{{ range until 10000 }}{{ $c := genSelfSignedCert \"a\" nil nil 365 }}{{ end }}"),
        chart(
            "helm-output",
            "{{ range until 100000000 }}aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa{{ end }}",
        ),
        chart(
            "helm-wrap",
            "{{ $x := repeat 5000000 \"a \" }}{{ range until 1000 }}{{ $y := wrapWith 1 \"\\n\" $x }}{{ end }}",
        ),
    ]
}

fn kustomizations() -> Vec<Bomb> {
    let prefix = format!("namePrefix: \"{}\"\nresources: [a.yaml]\n", "p".repeat(1_000_000));
    let replacements: String = (0..60)
        .map(|index| {
            format!(
                "- source: {{kind: ConfigMap, name: a, fieldPath: data.x}}\n  targets: [{{select: {{kind: \
                 ConfigMap}}, fieldPaths: [data.x], options: {{delimiter: \"-\", index: {index}}}}}]\n"
            )
        })
        .collect();
    let patterns: String = (0..1000)
        .map(|number| {
            format!("- {{target: {{name: \"(a+)+(b|c)*{number}\"}}, patch: \"[{{op: add, path: /x, value: 1}}]\"}}\n")
        })
        .collect();
    let copies: String = (0..40)
        .map(|number| {
            format!("- {{target: {{kind: ConfigMap}}, patch: \"[{{op: copy, from: /data, path: /data/x{number}}}]\"}}\n")
        })
        .collect();
    let data = format!("{MAP}data: {{x: a-b-c}}\n");
    let mut all = vec![
        kustomization("kustomize-prefix", &prefix, &maps(5_000)),
        kustomization(
            "kustomize-replacements",
            &format!("resources: [a.yaml]\nreplacements:\n{replacements}"),
            &data,
        ),
        kustomization(
            "kustomize-patterns",
            &format!("resources: [a.yaml]\npatches:\n{patterns}"),
            &maps(5_000),
        ),
        kustomization("kustomize-copies", &format!("resources: [a.yaml]\npatches:\n{copies}"), &data),
        kustomization(
            "kustomize-generator",
            &format!(
                "configMapGenerator:\n{}",
                (0..1000)
                    .map(|number| format!("- {{name: a{number}, files: [a.yaml]}}\n"))
                    .collect::<String>()
            ),
            &"a".repeat(900_000),
        ),
    ];
    all.push(diamonds());
    all
}

/// Thirty levels, each of which names the next one twice.
fn diamonds() -> Bomb {
    let mut files = vec![("kustomization.yaml".to_owned(), "resources: [l0]\n".to_owned())];
    for level in 0..30 {
        files.push((format!("l{level}/kustomization.yaml"), "resources: [a, b]\n".into()));
        for side in ["a", "b"] {
            let text = format!("resources: [../../l{}]\nnamePrefix: {side}\n", level + 1);
            files.push((format!("l{level}/{side}/kustomization.yaml"), text));
        }
    }
    files.push(("l30/kustomization.yaml".into(), "resources: [a.yaml]\n".into()));
    files.push(("l30/a.yaml".into(), MAP.into()));
    Bomb { name: "kustomize-diamonds", files }
}

fn jsonnet() -> Vec<Bomb> {
    let program = |name, text: &str| folder(name, &[("a.jsonnet", text.to_owned())]);
    vec![
        program("jsonnet-recursion", "local f(n) = f(n + 1) + 1; f(0)"),
        program(
            "jsonnet-doubling",
            "local f(s, n) = if n == 0 then s else f(s + s, n - 1); f('aaaaaaaaaa', 40)",
        ),
        program("jsonnet-comprehension", "[x for x in std.range(1, 1000000000)]"),
        program("jsonnet-loop", "std.foldl(function(a, b) a + b, std.range(1, 100000000), 0)"),
    ]
}

fn folder(name: &'static str, files: &[(&str, String)]) -> Bomb {
    Bomb { name, files: files.iter().map(|(path, text)| ((*path).to_owned(), text.clone())).collect() }
}

fn chart(name: &'static str, template: &str) -> Bomb {
    folder(name, &[("Chart.yaml", CHART.into()), ("templates/a.yaml", template.into())])
}

fn kustomization(name: &'static str, text: &str, resource: &str) -> Bomb {
    folder(name, &[("kustomization.yaml", text.into()), ("a.yaml", resource.into())])
}

/// A scalar of `length` bytes and `count` aliases to it.
fn aliases(length: usize, count: usize) -> String {
    format!("x: &x {}\ny: [{}]\n", "a".repeat(length), vec!["*x"; count].join(","))
}

fn maps(count: usize) -> String {
    (0..count)
        .map(|number| format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a{number}}}\n"))
        .collect()
}
