//! YAML, JSON and TOML between values and text, as helm's functions do it.

use gotmpl::{IntType, List, Map, Object, Str, Value};

use yaml::v3::Emitter;

use crate::version::Profile;

/// How deep values may nest on their way to text; a map may hold itself.
const MAX_DEPTH: usize = 900;

/// `toYaml`: through JSON and go-yaml v2; one newline at the end is taken off.
pub(crate) fn to_yaml(value: &Value) -> Result<String, String> {
    let mut text = yaml::v2::marshal(&sprig::json::to_value(value)?).map_err(|error| error.to_string())?;
    if text.ends_with('\n') {
        text.pop();
    }
    Ok(text)
}

/// `toYamlPretty`: go-yaml v3 on the values as they are; one newline at the end is taken off.
pub(crate) fn to_yaml_pretty(value: &Value) -> Result<String, String> {
    let mut out = Emitter::new();
    pretty(value, 0, &mut out)?;
    let mut text = out.finish();
    text.pop();
    Ok(text)
}

fn pretty(value: &Value, depth: usize, out: &mut Emitter) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err("yaml: values are nested too deeply".to_owned());
    }
    match value {
        Value::Nil => out.word("null"),
        Value::Bool(value) => out.word(if *value { "true" } else { "false" }),
        Value::Int(of, value) if *of != IntType::Duration => out.word(&value.to_string()),
        Value::Uint(_, value) => out.word(&value.to_string()),
        Value::Float(value) => out.float(*value),
        Value::Str(text) => out.text(text),
        Value::Bytes(bytes) => {
            pretty_list(bytes.iter().map(|byte| Value::int(i64::from(*byte))), depth, out)?;
        }
        Value::List(list) => pretty_list(list.iter().cloned(), depth, out)?,
        Value::Map(map) => pretty_map(&map.entries(), depth, out)?,
        Value::Int(..) => out.text(&gotmpl::sprint_value(value)),
        Value::Object(object) if !object.is_stringer() => pretty_struct(&**object, depth, out)?,
        Value::Object(object) => match object.json() {
            Value::Str(moment) if object.type_name() == "time.Time" => out.word(&moment.lossy()),
            other => pretty(&other, depth + 1, out)?,
        },
    }
    Ok(())
}

fn pretty_list(
    items: impl ExactSizeIterator<Item = Value>,
    depth: usize,
    out: &mut Emitter,
) -> Result<(), String> {
    if items.len() == 0 {
        out.word("[]");
        return Ok(());
    }
    out.start_list();
    for item in items {
        pretty(&item, depth + 1, out)?;
    }
    out.end();
    Ok(())
}

/// The exported fields of a struct under their names in small letters, as go-yaml takes them.
fn pretty_struct(object: &dyn Object, depth: usize, out: &mut Emitter) -> Result<(), String> {
    out.start_map();
    for (name, value) in object.go_fields().unwrap_or_default() {
        if name.starts_with(|c: char| c.is_ascii_uppercase()) {
            out.key(name.to_ascii_lowercase().as_bytes());
            pretty(&value, depth + 1, out)?;
        }
    }
    out.end();
    Ok(())
}

fn pretty_map(entries: &[(Str, Value)], depth: usize, out: &mut Emitter) -> Result<(), String> {
    if entries.is_empty() {
        out.word("{}");
        return Ok(());
    }
    out.start_map();
    let keys: Vec<_> = entries.iter().map(|(key, _)| key.lossy()).collect();
    let keys: Vec<&str> = keys.iter().map(|key| &**key).collect();
    for at in yaml::v3::order(&keys) {
        let (key, value) = &entries[at];
        out.key(key);
        pretty(value, depth + 1, out)?;
    }
    out.end();
    Ok(())
}

/// The first document of a YAML text; numbers are floats.
pub(crate) fn from_yaml(text: &[u8]) -> Result<Value, String> {
    let value = yaml::v2::to_value(text, &yaml::Limits::default())
        .map_err(|error| format!("error converting YAML to JSON: {error}"))?;
    Ok(sprig::json::from_value(&value))
}

/// `fromYaml`: a map; what cannot be read is told under `Error`.
pub(crate) fn from_yaml_map(text: &[u8]) -> Value {
    map_or_error(from_yaml(text), yaml_type_error)
}

/// `fromJson` of helm: a map; what cannot be read is told under `Error`.
pub(crate) fn from_json_map(text: &str) -> Value {
    map_or_error(sprig::json::parse(text), json_type_error)
}

/// `fromYamlArray`: a list; what cannot be read is told as its one item.
pub(crate) fn from_yaml_list(text: &[u8]) -> Value {
    list_or_error(from_yaml(text), yaml_type_error)
}

/// `fromJsonArray`.
pub(crate) fn from_json_list(text: &str) -> Value {
    list_or_error(sprig::json::parse(text), json_type_error)
}

const MAP: &str = "map[string]interface {}";
const LIST: &str = "[]interface {}";

fn map_or_error(read: Result<Value, String>, wrong: fn(&Value, &str) -> String) -> Value {
    let error = match read {
        Ok(Value::Map(map)) => return Value::Map(map),
        Ok(Value::Nil) => return Value::Map(Map::any([])),
        Ok(other) => wrong(&other, MAP),
        Err(error) => error,
    };
    Value::Map(Map::any([(Str::from("Error"), Value::from(error))]))
}

fn list_or_error(read: Result<Value, String>, wrong: fn(&Value, &str) -> String) -> Value {
    let error = match read {
        Ok(Value::List(list)) => return Value::List(list),
        Ok(Value::Nil) => return Value::List(List::any(Vec::new())),
        Ok(other) => wrong(&other, LIST),
        Err(error) => error,
    };
    Value::List(List::any(vec![Value::from(error)]))
}

fn yaml_type_error(value: &Value, wanted: &str) -> String {
    format!("error unmarshaling JSON: while decoding JSON: {}", json_type_error(value, wanted))
}

/// What Go's decoder says of a value of the wrong kind.
pub(crate) fn json_type_error(value: &Value, wanted: &str) -> String {
    format!("json: cannot unmarshal {} into Go value of type {wanted}", json_kind(value))
}

fn json_kind(value: &Value) -> &'static str {
    match value {
        Value::Nil => "null",
        Value::Bool(_) => "bool",
        Value::Int(..) | Value::Uint(..) | Value::Float(_) => "number",
        Value::Str(_) | Value::Bytes(_) => "string",
        Value::List(_) => "array",
        Value::Map(_) | Value::Object(_) => "object",
    }
}

/// The documents of a values file, as the version reads them: all of them merged, or only the first.
///
/// # Errors
/// Helm's text.
pub(crate) fn values_value(text: &[u8], profile: &Profile) -> Result<yaml::Value, String> {
    let mut merged = yaml::Map::new();
    for document in documents(text, profile) {
        let value = yaml::v2::to_value(&document?, &yaml::Limits::default())
            .map_err(|error| in_document(&format!("error converting YAML to JSON: {error}"), profile))?;
        match value {
            yaml::Value::Null => {}
            yaml::Value::Map(map) => merge_values(&mut merged, &map),
            other => {
                let error = yaml_type_error(&sprig::json::from_value(&other), MAP);
                return Err(in_document(&error, profile));
            }
        }
    }
    Ok(yaml::Value::Map(merged.into()))
}

/// The same as a map of a release.
pub(crate) fn values_documents(text: &[u8], profile: &Profile) -> Result<Map, String> {
    match sprig::json::from_value(&values_value(text, profile)?) {
        Value::Map(map) => Ok(map),
        _ => Ok(Map::any([])),
    }
}

fn merge_values(into: &mut yaml::Map, from: &yaml::Map) {
    for (key, value) in from.iter() {
        match (into.get_mut(key).and_then(yaml::Value::as_map_mut), value.as_map()) {
            (Some(own), Some(other)) => merge_values(own, other),
            _ => {
                into.insert(key.clone(), value.clone());
            }
        }
    }
}

fn in_document(error: &str, profile: &Profile) -> String {
    if profile.merges_value_documents {
        format!("cannot unmarshal yaml document: {error}")
    } else {
        error.to_owned()
    }
}

/// Documents between lines of `---`, after which only a comment may stand (apimachinery's `YAMLReader`, which ends every
/// line with a newline of its own, also the last one). What comes after a wrong one is not looked at.
fn documents(text: &[u8], profile: &Profile) -> Vec<Result<Vec<u8>, String>> {
    if !profile.merges_value_documents {
        return vec![Ok(text.to_vec())];
    }
    let text = if profile.loses_long_last_line { without_long_last_line(text) } else { text };
    let mut documents = Vec::new();
    let mut last = Vec::new();
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if let Some(behind) = line.strip_prefix(b"---") {
            let behind = gotmpl::lossy(behind);
            let behind = behind.trim();
            if !behind.is_empty() && !behind.starts_with('#') {
                let error = format!("error reading yaml document: invalid Yaml document separator: {behind}");
                documents.push(Err(error));
                return documents;
            }
            // The first line of a document belongs to it.
            if !last.is_empty() {
                documents.push(Ok(std::mem::take(&mut last)));
                continue;
            }
        }
        last.extend_from_slice(line);
        last.push(b'\n');
    }
    documents.push(Ok(last));
    documents
}

/// Go's reader of lines loses the last one if it has no newline and fills its buffer.
fn without_long_last_line(text: &[u8]) -> &[u8] {
    const BUFFER: usize = 4_096;
    let start = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let length = text.len() - start;
    if length > 0 && length.is_multiple_of(BUFFER) { &text[..start] } else { text }
}

/// Maps are merged, everything else of `from` replaces what `into` has, null too.
pub(crate) fn merge_maps(into: &Map, from: &Map) {
    for (key, value) in from.entries() {
        match (into.get(&key), &value) {
            (Some(Value::Map(own)), Value::Map(other)) => {
                let copy = Map::any(own.entries());
                merge_maps(&copy, other);
                into.set(key, Value::Map(copy));
            }
            _ => {
                into.set(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HelmVersion;

    #[test]
    fn old_versions_lose_a_long_last_line() {
        let values = |version: HelmVersion, text: &str| {
            let value = values_value(text.as_bytes(), version.profile()).unwrap();
            value.as_map().unwrap().keys().map(|key| key.to_string()).collect::<Vec<_>>()
        };
        let text = format!("a: 1\nb: {}", "x".repeat(4_093));
        assert_eq!(values(HelmVersion::V4_2_4, &text), ["a"]);
        for version in [HelmVersion::V3_21_4, HelmVersion::V4_3_1, HelmVersion::V4_3_2] {
            assert_eq!(values(version, &text), ["a", "b"], "{version}");
        }
        assert_eq!(values(HelmVersion::V4_2_4, &format!("{text}\n")), ["a", "b"]);
        assert_eq!(values(HelmVersion::V4_2_4, &format!("{text}x")), ["a", "b"]);
    }
}
