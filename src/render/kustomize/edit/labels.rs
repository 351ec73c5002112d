//! `kustomize edit add label` and `kustomize edit add annotation`.

use std::collections::BTreeMap;

use yaml::{Map, Value};

use super::fields::Fields;
use super::invalid;
use crate::error::Result;
use crate::request::KustomizeEdits;

/// What is added to a map, and whether it may replace what is there.
struct Pairs<'a> {
    what: &'static str,
    pairs: &'a BTreeMap<String, String>,
    force: bool,
}

/// Adds labels: to `commonLabels`, or without selectors to the first entry of `labels` of that sort.
///
/// # Errors
/// One is there already, unless it may be replaced.
pub(super) fn add_labels(fields: &mut Fields, edits: &KustomizeEdits) -> Result<()> {
    let pairs = Pairs { what: "label", pairs: &edits.common_labels, force: edits.force_common_labels };
    if pairs.pairs.is_empty() {
        return Ok(());
    }
    match (edits.label_without_selector, edits.label_include_templates) {
        (false, false) => pairs.add_to(fields, "commonLabels"),
        (false, true) => Err(invalid(
            "labels for templates: --without-selector flag must be specified for --include-templates to work",
        )),
        (true, templates) => add_without_selector(fields, &pairs, templates),
    }
}

/// Adds annotations to `commonAnnotations`.
///
/// # Errors
/// One is there already, unless it may be replaced.
pub(super) fn add_annotations(fields: &mut Fields, edits: &KustomizeEdits) -> Result<()> {
    let (pairs, force) = (&edits.common_annotations, edits.force_common_annotations);
    let pairs = Pairs { what: "annotation", pairs, force };
    if pairs.pairs.is_empty() { Ok(()) } else { pairs.add_to(fields, "commonAnnotations") }
}

fn add_without_selector(fields: &mut Fields, pairs: &Pairs<'_>, templates: bool) -> Result<()> {
    let Some(mut entries) = fields.take_list("labels") else { return Ok(()) };
    let fits = |entry: &Value| {
        let entry = entry.as_map().map(Fields::of).unwrap_or_default();
        !entry.flag("includeSelectors") && entry.flag("includeTemplates") == templates
    };
    let at = entries.iter().position(fits).unwrap_or(entries.len());
    let mut entry = entries.get(at).and_then(Value::as_map).map(Fields::of).unwrap_or_default();
    pairs.add_to(&mut entry, "pairs")?;
    if at < entries.len() {
        entries[at] = entry.into_value();
    } else {
        if templates {
            entry.put("includeTemplates", Value::Bool(true));
        }
        entries.push(entry.into_value());
    }
    fields.put("labels", entries.into());
    Ok(())
}

impl Pairs<'_> {
    /// Adds the pairs to the map of a field; one that is no map stays.
    fn add_to(&self, fields: &mut Fields, field: &'static str) -> Result<()> {
        let mut map = match fields.get(field) {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Map(map)) => map.as_ref().clone(),
            Some(_) => return Ok(()),
        };
        let what = self.what;
        for (key, value) in self.pairs {
            let (key, value) = pair(key, value);
            if key.is_empty() {
                return Err(invalid(format!(
                    "invalid {what}: ':{value}' (need k:v pair where v may be quoted)"
                )));
            }
            if map.contains_key(&key) && !self.force {
                return Err(invalid(format!("{what} {key} already in kustomization file"))
                    .help(format!("force common {what}s, or take it out of one of the two")));
            }
            map.insert(key, value.as_str().into());
        }
        fields.put(field, map.into());
        Ok(())
    }
}

/// A pair as the program takes it from its command line, `key:value`: cut at the first colon, without quotes around the
/// value.
fn pair(key: &str, value: &str) -> (String, String) {
    let text = format!("{key}:{value}");
    let (key, value) = text.split_once(':').unwrap_or((&text, ""));
    let unquoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    (key.to_owned(), unquoted.unwrap_or(value).to_owned())
}
