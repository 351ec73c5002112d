//! The vectors of helm 4.2.1 that are about YAML: `toYaml` of a value, `fromYaml` and `fromYamlArray` of a text.
//!
//! All of them have one of three templates and set one value by JSON, so no template engine is needed: what the
//! template calls is called here. A vector with any other template is counted and named on stderr.

use serde_json::Value as Json;
use yaml::{Limits, Map, Value, json, v2};

use super::shared;

#[test]
fn vectors_come_out_as_helm_prints_them() {
    let Some(text) = shared::read("cases/helm/vectors.jsonl") else { return };
    let vectors = text.lines().map(|line| serde_json::from_str::<Json>(line).unwrap());
    let mut differences = Vec::new();
    let mut left_out = Vec::new();
    let mut compared = 0;
    for vector in vectors.filter(is_ours) {
        let Some(got) = render(&vector["in"]) else {
            left_out.push(vector["id"].to_string());
            continue;
        };
        compared += 1;
        // The last thing helm's engine does to every rendered file.
        let got = got.replace("<no value>", "");
        let want = vector["helm-4.2.1"]["out"].as_str().unwrap();
        if got != want {
            differences.push(format!("{}: {got:?}\n  instead of {want:?}", vector["id"]));
        }
    }
    report(&left_out);
    shared::assert_none(&differences, compared);
    assert_eq!((compared, left_out.len()), (383, 0));
}

fn report(left_out: &[String]) {
    eprintln!("{} vectors need a template engine: {}", left_out.len(), left_out.join(" "));
}

/// `yamlenc`, `yd` and `ys/y.*` with a result that does not change from run to run.
fn is_ours(vector: &Json) -> bool {
    let id = vector["id"].as_str().unwrap();
    let suite = ["yamlenc/", "yd/", "ys/y."].iter().any(|suite| id.starts_with(suite));
    suite && vector["nondeterministic"] != true
}

fn render(input: &Json) -> Option<String> {
    let set = input["setJson"][0].as_str()?.strip_prefix("x=")?;
    let value = as_helm_value(json::from_str(set, &Limits::default()).unwrap());
    match input["tpl"].as_str()? {
        "{{ toYaml .Values.x }}" => Some(to_yaml(&value)),
        "{{ toJson (fromYaml .Values.x) }}" => Some(json::to_string(&from_yaml(value.as_str()?)).unwrap()),
        "{{ toJson (fromYamlArray .Values.x) }}" => {
            Some(json::to_string(&from_yaml_array(value.as_str()?)).unwrap())
        }
        _ => None,
    }
}

/// Helm's values have no integers.
fn as_helm_value(value: Value) -> Value {
    match value {
        Value::Int(n) => Value::Float(n as f64),
        Value::Uint(n) => Value::Float(n as f64),
        Value::List(list) => list.iter().cloned().map(as_helm_value).collect::<Vec<_>>().into(),
        Value::Map(map) => {
            map.iter().map(|(k, v)| (k.clone(), as_helm_value(v.clone()))).collect::<Map>().into()
        }
        other => other,
    }
}

/// An error is an empty text; one line break at the end is cut off.
fn to_yaml(value: &Value) -> String {
    let text = v2::marshal(value).unwrap_or_default();
    text.strip_suffix('\n').unwrap_or(&text).to_owned()
}

fn decode(text: &str, kind: &str, go_type: &str) -> Result<Value, String> {
    let value = v2::to_value(text.as_bytes(), &Limits::default());
    let value = value.map_err(|error| format!("error converting YAML to JSON: {error}"))?;
    match as_helm_value(value) {
        value if value.is_null() || value.json_kind() == kind => Ok(value),
        value => Err(format!(
            "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {} into Go value of type {go_type}",
            value.json_kind()
        )),
    }
}

fn from_yaml(text: &str) -> Value {
    match decode(text, "object", "map[string]interface {}") {
        Ok(Value::Null) => Map::new().into(),
        Ok(value) => value,
        Err(text) => [("Error", Value::from(text))].into_iter().collect::<Map>().into(),
    }
}

fn from_yaml_array(text: &str) -> Value {
    match decode(text, "array", "[]interface {}") {
        Ok(Value::Null) => Vec::new().into(),
        Ok(value) => value,
        Err(text) => vec![Value::from(text)].into(),
    }
}
