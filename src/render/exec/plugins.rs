//! Kustomize's plugins: only those that are built in may run, and not the one that runs helm.

use yaml::{Limits, Value};

use crate::error::{Error, Kind, Result};

/// The built-in plugins (spec: kustomize.md §6.5), without the generator that inflates charts.
const BUILT_IN: [&str; 17] = [
    "ConfigMapGenerator",
    "SecretGenerator",
    "IAMPolicyGenerator",
    "AnnotationsTransformer",
    "HashTransformer",
    "ImageTagTransformer",
    "LabelTransformer",
    "NamespaceTransformer",
    "PatchJson6902Transformer",
    "PatchStrategicMergeTransformer",
    "PatchTransformer",
    "PrefixSuffixTransformer",
    "PrefixTransformer",
    "SuffixTransformer",
    "ReplacementTransformer",
    "ReplicaCountTransformer",
    "ValueAddTransformer",
];

/// What a kustomization or a plugin's configuration may hold; real ones are a thousandth of this.
const LIMITS: Limits = Limits { bytes: 16 << 20, depth: 100, nodes: 1_000_000, aliased_bytes: 16 << 20 };

/// The first document as kustomize reads it; the error is a message with line and column, 0 where unknown. A key that
/// Go would take for another one is an error too.
pub(super) fn read(text: &[u8]) -> std::result::Result<Value, (String, u32, u32)> {
    let value = yaml::v2::to_value(text, &LIMITS)
        .map_err(|error| (error.to_string(), error.line().unwrap_or(0), error.column().unwrap_or(0)))?;
    match odd_key(&value) {
        Some(key) => Err((format!("the field name {key:?} is not understood"), 0, 0)),
        None => Ok(value),
    }
}

/// Checks the configurations in a text.
///
/// # Errors
/// [`Kind::Precondition`] for a plugin that is not built in, [`Kind::Invalid`] for what cannot be read.
pub(super) fn check(text: &[u8]) -> Result<()> {
    for document in manifest::split(text) {
        let document = document.map_err(|error| Error::new(Kind::Invalid, error.to_string()))?;
        let value = read(document.text).map_err(|(message, _, _)| Error::new(Kind::Invalid, message))?;
        if !value.is_null() {
            configuration(&value)?;
        }
    }
    Ok(())
}

fn configuration(value: &Value) -> Result<()> {
    let field = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or("");
    let kind = field("kind");
    if field("apiVersion") != "builtin" || !BUILT_IN.contains(&kind) || is_function(value) {
        let what =
            if kind.is_empty() { "a plugin without a kind".to_owned() } else { format!("the plugin {kind}") };
        let message = format!("{what} is not built into kustomize, and is not run");
        return Err(Error::new(Kind::Precondition, message)
            .help("commit what it yields, or use a built-in transformer"));
    }
    fetches(value, false).map_or(Ok(()), |text| {
        let message = format!("{text:?} of the plugin {kind} is not in this repository, and is not fetched");
        Err(Error::new(Kind::Precondition, message).help("copy what it names into the repository"))
    })
}

/// Whether a configuration says, in the present or the former way, that a container or program handles it.
fn is_function(value: &Value) -> bool {
    let Some(metadata) = value.get("metadata").and_then(Value::as_map) else { return false };
    let annotations = metadata.get("annotations").and_then(Value::as_map);
    metadata.contains_key("configFn")
        || annotations.is_some_and(|all| all.keys().any(|key| key.ends_with("/function")))
}

/// The first URL among the texts that name files.
fn fetches(value: &Value, names_files: bool) -> Option<&str> {
    match value {
        Value::Map(map) => map.iter().find_map(|(key, value)| {
            let key = key.to_ascii_lowercase();
            fetches(value, matches!(&*key, "path" | "paths" | "files" | "envs" | "env"))
        }),
        Value::List(list) => list.iter().find_map(|value| fetches(value, names_files)),
        Value::String(text) if names_files && text.contains("://") => Some(text),
        _ => None,
    }
}

/// A key with one of the two letters that Go's JSON reader folds to ASCII ones.
fn odd_key(value: &Value) -> Option<String> {
    match value {
        Value::Map(map) => map.iter().find_map(|(key, value)| {
            let odd = key.contains(['\u{17f}', '\u{212a}']);
            if odd { Some(key.to_string()) } else { odd_key(value) }
        }),
        Value::List(list) => list.iter().find_map(odd_key),
        _ => None,
    }
}
