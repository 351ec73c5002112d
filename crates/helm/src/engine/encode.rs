//! YAML, JSON and TOML between values and text, as helm's functions do it.

use gotmpl::{Budget, CallError, IntType, List, Map, Object, Str, Value};
use sprig::json::Encoded;
use yaml::v3::Emitter;

use crate::version::Profile;

/// How deep values may nest on their way to text; a map may hold itself.
const MAX_DEPTH: usize = 900;

/// What ends an encoder or a reader for good: the budget. What Go's say of a value is a text beside it.
type Result<T> = std::result::Result<T, CallError>;

/// `toYaml`: through JSON and go-yaml v2; one newline at the end is taken off.
pub(crate) fn to_yaml(budget: &Budget<'_>, value: &Value) -> Result<Encoded> {
    let value = match sprig::json::to_value(budget, value)? {
        Ok(value) => value,
        Err(why) => return Ok(Err(why)),
    };
    let mut text = match yaml::v2::marshal(&value) {
        Ok(text) => text,
        Err(error) => return Ok(Err(error.to_string())),
    };
    if text.ends_with('\n') {
        text.pop();
    }
    Ok(Ok(text.into_bytes()))
}

/// `toYamlPretty`: go-yaml v3 on the values as they are; one newline at the end is taken off.
pub(crate) fn to_yaml_pretty(budget: &Budget<'_>, value: &Value) -> Result<Encoded> {
    let mut pretty = Pretty { budget, out: Emitter::new() };
    match pretty.value(value, 0) {
        Ok(()) => {}
        Err(Failure::Encoding(why)) => return Ok(Err(why)),
        Err(Failure::Budget(error)) => return Err(error),
    }
    let mut text = pretty.out.finish();
    text.pop();
    Ok(Ok(text.into_bytes()))
}

/// Why a value was not written.
enum Failure {
    Encoding(String),
    Budget(CallError),
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        Self::Budget(error)
    }
}

struct Pretty<'b> {
    budget: &'b Budget<'b>,
    out: Emitter,
}

impl Pretty<'_> {
    fn value(&mut self, value: &Value, depth: usize) -> std::result::Result<(), Failure> {
        if depth > MAX_DEPTH {
            return Err(Failure::Encoding("yaml: values are nested too deeply".to_owned()));
        }
        self.budget.work(1)?;
        match value {
            Value::Nil => self.out.word("null"),
            Value::Bool(value) => self.out.word(if *value { "true" } else { "false" }),
            Value::Int(IntType::Duration, _) => self.out.text(&gotmpl::sprint_value(value)),
            Value::Int(_, value) => self.out.word(&value.to_string()),
            Value::Uint(_, value) => self.out.word(&value.to_string()),
            Value::Float(value) => self.out.float(*value),
            Value::Str(text) => self.out.text(text),
            Value::Bytes(bytes) => {
                self.list(bytes.iter().map(|byte| Value::int(i64::from(*byte))), depth)?;
            }
            Value::List(list) => self.list(list.iter().cloned(), depth)?,
            Value::Map(map) => {
                self.budget.spend_entries(map.len())?;
                self.map(&map.entries(), depth)?;
            }
            Value::Object(object) => {
                self.budget.spend(object.size().saturating_mul(4))?;
                if !object.is_stringer() {
                    return self.structure(&**object, depth);
                }
                match object.json() {
                    Value::Str(moment) if object.type_name() == "time.Time" => self.out.word(&moment.lossy()),
                    other => self.value(&other, depth + 1)?,
                }
            }
        }
        Ok(())
    }

    fn list(
        &mut self,
        items: impl ExactSizeIterator<Item = Value>,
        depth: usize,
    ) -> std::result::Result<(), Failure> {
        if items.len() == 0 {
            self.out.word("[]");
            return Ok(());
        }
        self.out.start_list();
        for item in items {
            self.value(&item, depth + 1)?;
        }
        self.out.end();
        Ok(())
    }

    /// The exported fields of a struct under their names in small letters, as go-yaml takes them.
    fn structure(&mut self, object: &dyn Object, depth: usize) -> std::result::Result<(), Failure> {
        self.out.start_map();
        for (name, value) in object.go_fields().unwrap_or_default() {
            if name.starts_with(|c: char| c.is_ascii_uppercase()) {
                self.out.key(name.to_ascii_lowercase().as_bytes());
                self.value(&value, depth + 1)?;
            }
        }
        self.out.end();
        Ok(())
    }

    fn map(&mut self, entries: &[(Str, Value)], depth: usize) -> std::result::Result<(), Failure> {
        if entries.is_empty() {
            self.out.word("{}");
            return Ok(());
        }
        self.out.start_map();
        let bytes: usize = entries.iter().map(|(key, _)| key.len()).sum();
        // Keys that are no UTF-8 are copied, and all of them are put in order.
        self.budget.spend(bytes.saturating_mul(4) + entries.len() * 64)?;
        let keys: Vec<_> = entries.iter().map(|(key, _)| key.lossy()).collect();
        let keys: Vec<&str> = keys.iter().map(|key| &**key).collect();
        for at in yaml::v3::order(&keys) {
            let (key, value) = &entries[at];
            self.out.key(key);
            self.value(value, depth + 1)?;
        }
        self.out.end();
        Ok(())
    }
}

/// A value that was read, or why it could not be in Go's words.
type Read = std::result::Result<Value, String>;

/// The first document of a YAML text; numbers are floats.
fn from_yaml(budget: &Budget<'_>, text: &[u8]) -> Result<Read> {
    match yaml::v2::to_value(text, &yaml::Limits::default()) {
        Ok(value) => sprig::json::from_value(budget, &value).map(Ok),
        Err(error) => Ok(Err(format!("error converting YAML to JSON: {error}"))),
    }
}

/// `fromYaml`: a map; what cannot be read is told under `Error`.
pub(crate) fn from_yaml_map(budget: &Budget<'_>, text: &[u8]) -> Result<Value> {
    Ok(map_or_error(from_yaml(budget, text)?, yaml_type_error))
}

/// `fromJson` of helm: a map; what cannot be read is told under `Error`.
pub(crate) fn from_json_map(budget: &Budget<'_>, text: &[u8]) -> Result<Value> {
    let text = budget.lossy(text)?;
    Ok(map_or_error(sprig::json::parse(budget, &text)?, json_type_error))
}

/// `fromYamlArray`: a list; what cannot be read is told as its one item.
pub(crate) fn from_yaml_list(budget: &Budget<'_>, text: &[u8]) -> Result<Value> {
    Ok(list_or_error(from_yaml(budget, text)?, yaml_type_error))
}

/// `fromJsonArray`.
pub(crate) fn from_json_list(budget: &Budget<'_>, text: &[u8]) -> Result<Value> {
    let text = budget.lossy(text)?;
    Ok(list_or_error(sprig::json::parse(budget, &text)?, json_type_error))
}

const MAP: &str = "map[string]interface {}";
const LIST: &str = "[]interface {}";

fn map_or_error(read: Read, wrong: fn(&Value, &str) -> String) -> Value {
    let error = match read {
        Ok(Value::Map(map)) => return Value::Map(map),
        Ok(Value::Nil) => return Value::Map(Map::any([])),
        Ok(other) => wrong(&other, MAP),
        Err(error) => error,
    };
    Value::Map(Map::any([(Str::from("Error"), Value::from(error))]))
}

fn list_or_error(read: Read, wrong: fn(&Value, &str) -> String) -> Value {
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
    kind_error(json_kind(value), wanted)
}

fn kind_error(kind: &str, wanted: &str) -> String {
    format!("json: cannot unmarshal {kind} into Go value of type {wanted}")
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
pub(crate) fn values_value(text: &[u8], profile: &Profile) -> std::result::Result<yaml::Value, String> {
    let mut merged = yaml::Map::new();
    for document in documents(text, profile) {
        let value = yaml::v2::to_value(&document?, &yaml::Limits::default())
            .map_err(|error| in_document(&format!("error converting YAML to JSON: {error}"), profile))?;
        match value {
            yaml::Value::Null => {}
            yaml::Value::Map(map) => merge_values(&mut merged, &map),
            other => {
                let error = kind_error(other.json_kind(), MAP);
                let error = format!("error unmarshaling JSON: while decoding JSON: {error}");
                return Err(in_document(&error, profile));
            }
        }
    }
    Ok(yaml::Value::Map(merged.into()))
}

/// The same as a map of a release.
pub(crate) fn values_documents(
    budget: &Budget<'_>,
    text: &[u8],
    profile: &Profile,
) -> Result<std::result::Result<Map, String>> {
    match values_value(text, profile) {
        Ok(value) => value_map(budget, &value).map(Ok),
        Err(why) => Ok(Err(why)),
    }
}

/// A map of a release from what was read; empty when it is no map.
pub(crate) fn value_map(budget: &Budget<'_>, value: &yaml::Value) -> Result<Map> {
    match sprig::json::from_value(budget, value)? {
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
fn documents(text: &[u8], profile: &Profile) -> Vec<std::result::Result<Vec<u8>, String>> {
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
///
/// # Errors
/// The budget is used up.
pub(crate) fn merge_maps(budget: &Budget<'_>, into: &Map, from: &Map) -> Result<()> {
    budget.spend_entries(from.len())?;
    for (key, value) in from.entries() {
        match (into.get(&key), &value) {
            (Some(Value::Map(own)), Value::Map(other)) => {
                budget.spend_map(own.len())?;
                let copy = Map::any(own.entries());
                merge_maps(budget, &copy, other)?;
                into.set(key, Value::Map(copy));
            }
            _ => {
                budget.spend_entry()?;
                into.set(key, value);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HelmVersion;

    #[test]
    fn old_versions_lose_a_long_last_line() {
        let values = |version: HelmVersion, text: &str| {
            let value = values_value(text.as_bytes(), version.profile()).unwrap();
            value.as_map().unwrap().keys().map(ToString::to_string).collect::<Vec<_>>()
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
