//! The 442 documents that `kustomize build` 5.8.1 was run on, through our reader and writer.
//!
//! What kustomize does around YAML is kept as small here as the cases need: the file is split at `---` lines and
//! the first part is taken.

use serde_json::Value as Json;
use yaml::{Error, Limits, kyaml, v2};

use super::shared;

#[test]
fn documents_come_out_as_kustomize_writes_them() {
    let mut differences = Vec::new();
    let mut compared = 0;
    let mut errors = 0;
    for file in ["cases/yaml/documents.json", "cases/yaml/scalars.json"] {
        let Some(cases) = read_cases(file) else { return };
        for case in &cases {
            match case["ok"].as_bool().unwrap() {
                true if case["deterministic"].as_bool() == Some(false) => {}
                true => {
                    compared += 1;
                    differences.extend(compare_output(case));
                }
                false => {
                    errors += 1;
                    differences.extend(compare_error(case));
                }
            }
        }
    }
    shared::assert_none(&differences, compared + errors);
    assert_eq!((compared, errors), (391, 49));
}

fn read_cases(file: &str) -> Option<Vec<Json>> {
    // One input holds a byte that is no UTF-8, written as half a surrogate pair, which JSON readers refuse.
    let text = shared::read(file)?.replace("\\udcff", "\\ue0ff");
    Some(serde_json::from_str(&text).unwrap())
}

fn input_bytes(case: &Json) -> Vec<u8> {
    let text = case["input"].as_str().unwrap().replace("\r\n", "\n");
    let end = text.find("\n---").map_or(text.len(), |at| at + 1);
    let parts: Vec<&[u8]> = text[..end].split('\u{E0FF}').map(str::as_bytes).collect();
    parts.join(&0xFF)
}

fn round_trip(case: &Json) -> Result<String, Error> {
    v2::marshal(&kyaml::to_value(&input_bytes(case), &Limits::default())?)
}

fn compare_output(case: &Json) -> Option<String> {
    let want = case["expected"].as_str().unwrap();
    let got = round_trip(case);
    (got.as_deref() != Ok(want)).then(|| format!("{}: {got:?}\n  instead of {want:?}", case["name"]))
}

/// Where Go's message has a part of the YAML or JSON library, ours is that part; else ours is any error.
fn compare_error(case: &Json) -> Option<String> {
    if case["name"] == "dup_doc_start" {
        // Not about YAML: the second part of the file is no resource.
        return None;
    }
    let whole = case["error"].as_str().unwrap();
    let start = ["yaml: ", "json: "].iter().find_map(|start| whole.find(start));
    let want = start.map(|at| whole[at..].strip_suffix(" in File: r.yaml").unwrap_or(&whole[at..]));
    let got = round_trip(case).map_err(|error| error.to_string());
    let same = match (&got, want) {
        (Err(got), Some(want)) => got == want,
        (got, None) => got.is_err(),
        (Ok(_), Some(_)) => false,
    };
    (!same).then(|| format!("{}: {got:?}\n  instead of {whole:?}", case["name"]))
}
