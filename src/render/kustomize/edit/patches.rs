//! Patches at the end of `patches`.

use yaml::{Map, Value};

use super::fields::Fields;
use super::invalid;
use crate::error::Result;
use crate::request::{KustomizePatch, KustomizeTarget};

/// Appends patches.
///
/// # Errors
/// `patches` of the kustomization is no list.
pub(super) fn append(fields: &mut Fields, patches: &[KustomizePatch]) -> Result<()> {
    let mut all = fields
        .take_list("patches")
        .ok_or_else(|| invalid("expected 'patches' field in kustomization.yaml to be a list"))?;
    all.extend(patches.iter().map(entry));
    fields.put("patches", all.into());
    Ok(())
}

fn entry(patch: &KustomizePatch) -> Value {
    let KustomizePatch { path, patch, target, options } = patch;
    let mut entry = Fields::default();
    entry.set_text("path", path);
    entry.set_text("patch", patch);
    if let Some(target) = target {
        entry.put("target", selector(target));
    }
    if !options.is_empty() {
        let mut map = Map::new();
        for (name, on) in options {
            map.insert(name.as_str(), Value::Bool(*on));
        }
        entry.put("options", map.into());
    }
    entry.into_value()
}

fn selector(target: &KustomizeTarget) -> Value {
    let KustomizeTarget { group, version, kind, name, namespace, annotation_selector, label_selector } =
        target;
    let mut selector = Fields::default();
    selector.set_text("group", group);
    selector.set_text("version", version);
    selector.set_text("kind", kind);
    selector.set_text("name", name);
    selector.set_text("namespace", namespace);
    selector.set_text("annotationSelector", annotation_selector);
    selector.set_text("labelSelector", label_selector);
    selector.into_value()
}
