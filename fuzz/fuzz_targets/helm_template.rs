//! Any text as a template of a chart: parsed, executed with all functions, split and sorted; the same twice.

#![no_main]

use helm::ValuesOptions;
use libfuzzer_sys::fuzz_target;
use manifestd_fuzz::{on_stack, render, tree, version};

fuzz_target!(|data: &[u8]| on_stack(data, run));

const VALUES: &str =
    "n: 3\nf: 1.5\ns: text\nb: true\nz: null\nl: [1, a, {k: v}]\nm: {a: {b: c}, t: '{{ .Values.s }}'}\n";

const HELPERS: &str =
    "{{ define \"h\" }}{{ . }}{{ end }}{{ define \"loop\" }}{{ include \"loop\" . }}{{ end }}";

fn run(data: &[u8]) {
    let Some((first, text)) = data.split_first() else { return };
    let file = |name: &str, content: &[u8]| (name.to_owned(), content.to_vec());
    let tree = tree(&[
        file("c/Chart.yaml", b"apiVersion: v2\nname: c\nversion: 1.0.0\n"),
        file("c/values.yaml", VALUES.as_bytes()),
        file("c/f.txt", b"one\ntwo\n"),
        file("c/templates/_h.tpl", HELPERS.as_bytes()),
        file("c/templates/t.yaml", text),
    ]);
    let values = ValuesOptions::default();
    let printed = render(&tree, "c", &values, version(*first));
    if !text.windows(6).any(|window| window == b"values" || window.starts_with(b"keys")) {
        assert_eq!(printed, render(&tree, "c", &values, version(*first)));
    }
}
