//! What a chart's `values.schema.json` may refer to: helm would read files of the host and pages of the network for it.

use serde_json::Value;
use tree::TreePath;

use crate::error::{Error, Kind, Result};
use crate::render::Job;

const NAME: &str = "values.schema.json";

/// The deepest nesting of charts in charts; helm's own would be bounded by its memory.
const MAX_DEPTH: usize = 16;

/// Checks the schemas of the chart in `folder` and of the charts in it.
///
/// # Errors
/// [`Kind::Precondition`] for a reference that leads out of its schema, [`Kind::Invalid`] for a schema that cannot be
/// read.
pub(super) fn check(job: &Job, folder: &TreePath) -> Result<()> {
    charts(job, folder, 0)
}

fn charts(job: &Job, folder: &TreePath, depth: usize) -> Result<()> {
    job.stop.check()?;
    let tree = &*job.tree;
    let schema = folder.child(NAME);
    if tree::kind_of(tree, &schema)? == Some(tree::Kind::File) {
        one(&schema, &tree::read(tree, &schema)?)?;
    }
    let charts_folder = folder.child("charts");
    if tree::kind_of(tree, &charts_folder)? != Some(tree::Kind::Folder) {
        return Ok(());
    }
    if depth == MAX_DEPTH {
        let message = format!("{charts_folder}: charts are nested deeper than {MAX_DEPTH}");
        return Err(Error::new(Kind::OverBudget, message));
    }
    for entry in tree::list(tree, &charts_folder)?.iter() {
        let chart = charts_folder.child(&entry.name);
        if tree::kind_of(tree, &chart)? == Some(tree::Kind::Folder) {
            charts(job, &chart, depth + 1)?;
        }
    }
    Ok(())
}

fn one(path: &TreePath, text: &[u8]) -> Result<()> {
    let schema: Value = serde_json::from_slice(text)
        .map_err(|error| Error::new(Kind::Invalid, format!("{path}: the schema cannot be read: {error}")))?;
    let mut ids = Vec::new();
    each(&schema, &mut |key, text| {
        if matches!(key, "$id" | "id") {
            ids.push(text.trim_end_matches('#').to_owned());
        }
    });
    let mut foreign = None;
    each(&schema, &mut |key, text| {
        let refers = matches!(key, "$ref" | "$dynamicRef" | "$recursiveRef" | "$schema");
        if refers && foreign.is_none() && !is_inside(text, &ids) {
            foreign = Some(text.to_owned());
        }
    });
    foreign.map_or(Ok(()), |text| {
        let message = format!("{path}: the schema refers to {text}, which is not in it and is not fetched");
        Err(Error::new(Kind::Precondition, message)
            .help("copy what is needed into the schema's \"definitions\", or skip the validation of schemas"))
    })
}

/// Whether a reference stays in its schema, or names a language of schemas that every library knows.
fn is_inside(text: &str, ids: &[String]) -> bool {
    let page = text.split_once('#').map_or(text, |(page, _)| page);
    let known = ["http://json-schema.org/", "https://json-schema.org/"];
    page.is_empty() || ids.iter().any(|id| id == page) || known.iter().any(|known| page.starts_with(known))
}

/// Hands out every text under a key, however deep; the JSON reader has bounded the depth.
fn each(value: &Value, look: &mut impl FnMut(&str, &str)) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| match value {
            Value::String(text) => look(key, text),
            value => each(value, look),
        }),
        Value::Array(items) => items.iter().for_each(|item| each(item, look)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_stay_in_their_schema() {
        let path = TreePath::parse("chart/values.schema.json").unwrap();
        let good = [
            r##"{"$schema": "http://json-schema.org/draft-07/schema#", "$ref": "#/definitions/a"}"##,
            r##"{"$id": "https://x/y.json", "properties": {"a": {"$ref": "https://x/y.json#/b"}}}"##,
            r##"{"properties": {"$ref": {"type": "string"}}}"##,
        ];
        for text in good {
            one(&path, text.as_bytes()).unwrap();
        }
        let bad = [
            "file:///etc/passwd",
            "/dev/zero",
            "other.json",
            "http://169.254.169.254/latest",
            "https://x/y.json#/a",
        ];
        for text in bad {
            let schema = format!(r#"{{"properties": {{"a": [{{"$ref": "{text}"}}]}}}}"#);
            let error = one(&path, schema.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), Kind::Precondition, "{text}");
            assert!(error.message().contains(text), "{error}");
        }
        assert_eq!(one(&path, b"{").unwrap_err().kind(), Kind::Invalid);
    }
}
