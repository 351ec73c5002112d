//! Our own cases in `testdata/yaml`, a JSON object a line: an input and what the Go libraries make of it.
//!
//! The outputs and error texts were made by the libraries themselves: `v2.jsonl` by `YAMLToJSON` and `marshal.jsonl` by
//! `Marshal` of sigs.k8s.io/yaml 1.6.0 (go.yaml.in/yaml/v2 2.4.3), `kyaml.jsonl` by kyaml 0.21.1
//! (go.yaml.in/yaml/v3 3.0.4) and then `JSONToYAML`. Line and column of the errors are ours.

use std::path::Path;

use serde_json::Value as Json;
use yaml::{Error, Limits, Value, json, kyaml, v2};

use super::shared::assert_none;

#[test]
fn yaml_to_json() {
    check("v2.jsonl", |input| json::to_string(&v2::to_value(input.as_bytes(), &Limits::default())?));
}

#[test]
fn resources_of_kustomize() {
    check("kyaml.jsonl", |input| v2::marshal(&kyaml::to_value(input.as_bytes(), &Limits::default())?));
}

#[test]
fn values_to_yaml() {
    check("marshal.jsonl", |input| v2::marshal(&go_floats(json::from_str(input, &Limits::default())?)));
}

/// Go reads untyped JSON numbers as floats.
fn go_floats(value: Value) -> Value {
    match value {
        Value::Int(n) => Value::Float(n as f64),
        Value::List(list) => list.iter().cloned().map(go_floats).collect::<Vec<_>>().into(),
        Value::Map(map) => {
            map.iter().map(|(k, v)| (k.clone(), go_floats(v.clone()))).collect::<yaml::Map>().into()
        }
        other => other,
    }
}

fn check(file: &str, run: impl Fn(&str) -> Result<String, Error>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/yaml");
    let text = std::fs::read_to_string(folder.join(file)).unwrap();
    let cases: Vec<Json> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let differences: Vec<String> = cases.iter().filter_map(|case| difference(case, &run)).collect();
    assert_none(&differences, cases.len());
}

fn difference(case: &Json, run: impl Fn(&str) -> Result<String, Error>) -> Option<String> {
    let result = run(case["input"].as_str().unwrap());
    let same = match &result {
        Ok(output) => case["output"].as_str() == Some(output),
        Err(error) => {
            case["error"].as_str() == Some(error.message())
                && case["line"].as_u64() == error.line().map(u64::from)
                && case["column"].as_u64() == error.column().map(u64::from)
        }
    };
    (!same).then(|| format!("{case}\n  came out as {result:?}"))
}
