//! Any text as what users set: values files, the `--set` family, and the schema they must fit.
//!
//! The text is files (`manifestd_fuzz::files`): `values`, `schema`, `set`, `set-string`, `set-json`, `set-literal`,
//! `set-file`, `file` (a values file of the user), each as often as wanted.

#![no_main]

use helm::ValuesOptions;
use libfuzzer_sys::fuzz_target;
use manifestd_fuzz::{files, on_stack, render, tree, version};

fuzz_target!(|data: &[u8]| on_stack(data, run));

const TEMPLATE: &str = "kind: K\nv: {{ toYaml .Values | nindent 2 }}\nj: {{ toJson .Values }}\n";

fn run(data: &[u8]) {
    let Some((first, text)) = data.split_first() else { return };
    let file = |name: &str, content: &[u8]| (name.to_owned(), content.to_vec());
    let mut chart = vec![
        file("c/Chart.yaml", b"apiVersion: v2\nname: c\nversion: 1.0.0\n"),
        file("c/templates/t.yaml", TEMPLATE.as_bytes()),
    ];
    let mut values = ValuesOptions::default();
    for (name, content) in files(text) {
        let line = String::from_utf8_lossy(&content).trim_end_matches('\n').to_owned();
        match name.as_str() {
            "values" => chart.push(("c/values.yaml".to_owned(), content)),
            "schema" => chart.push(("c/values.schema.json".to_owned(), content)),
            "file" => values.files.push((name, content)),
            "set" => values.set.push(line),
            "set-string" => values.set_string.push(line),
            "set-json" => values.set_json.push(line),
            "set-literal" => values.set_literal.push(line),
            "set-file" => values.set_file.push(line),
            _ => {}
        }
    }
    render(&tree(&chart), "c", &values, version(*first));
}
