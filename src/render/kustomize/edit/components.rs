//! `kustomize edit add component`.

use tree::TreePath;
use yaml::Value;

use super::fields::Fields;
use super::{Edit, invalid};
use crate::error::{Error, Kind, Result};

/// Adds components behind those of the kustomization; one that is there already stays where it is. Patterns stand for
/// what they match.
///
/// # Errors
/// A pattern that matches nothing; a tree that cannot answer.
pub(super) fn add(fields: &mut Fields, edit: &Edit<'_>) -> Result<()> {
    let mut wanted = Vec::new();
    for component in &edit.edits.components {
        if !edit.edits.ignore_missing_components || exists(edit, component)? {
            wanted.extend(matching(edit, component)?);
        }
    }
    if wanted.is_empty() {
        return Ok(());
    }
    let Some(mut all) = fields.take_list("components") else { return Ok(()) };
    for component in wanted {
        if !all.iter().any(|other| other.as_str() == Some(&component)) {
            all.push(component.as_str().into());
        }
    }
    fields.put("components", Value::from(all));
    Ok(())
}

/// Whether the component is in the repository; where it cannot lie there, it is not.
fn exists(edit: &Edit<'_>, component: &str) -> Result<bool> {
    let Ok(path) = edit.folder.join(component.trim_start_matches('/')) else { return Ok(false) };
    match tree::kind_of(&*edit.job.tree, &path) {
        Ok(kind) => Ok(kind.is_some()),
        Err(error) => match Error::from(error) {
            error if error.kind() == Kind::Unavailable => Err(error),
            _ => Ok(false),
        },
    }
}

/// The component itself, or what its pattern matches.
fn matching(edit: &Edit<'_>, component: &str) -> Result<Vec<String>> {
    if !component.contains(['*', '?', '[', '\\']) || component.contains("://") || component.starts_with('/') {
        return Ok(vec![component.to_owned()]);
    }
    let mut found = vec![String::new()];
    for segment in component.split('/') {
        let mut next = Vec::new();
        for above in &found {
            next.extend(below(edit, above, segment)?);
        }
        found = next;
    }
    if found.is_empty() {
        return Err(invalid(format!("the component {component:?} has no match")));
    }
    Ok(found)
}

/// What stands below `above`, a path from the kustomization's folder, and matches one segment of a pattern.
fn below(edit: &Edit<'_>, above: &str, segment: &str) -> Result<Vec<String>> {
    let child = |name: &str| if above.is_empty() { name.to_owned() } else { format!("{above}/{name}") };
    if matches!(segment, "" | "." | "..") {
        return Ok(vec![child(segment)]);
    }
    let wrong = |error: glob::Error| invalid(format!("the component pattern {segment:?}: {error}"));
    let pattern = glob::path::Pattern::compile(segment).map_err(wrong)?;
    let Ok(folder) = edit.folder.join(above) else { return Ok(Vec::new()) };
    let names = names(edit, &folder)?;
    Ok(names.iter().filter(|name| pattern.matches(name)).map(|name| child(name)).collect())
}

/// The names in a folder; none where it is no folder.
fn names(edit: &Edit<'_>, folder: &TreePath) -> Result<Vec<String>> {
    let tree = &*edit.job.tree;
    if tree::kind_of(tree, folder)? != Some(tree::Kind::Folder) {
        return Ok(Vec::new());
    }
    Ok(tree::list(tree, folder)?.iter().map(|entry| entry.name.to_string()).collect())
}
