//! From helm's failures to ours: kind, advice, and the place as a file of the tree.

use std::sync::Arc;

use ::helm::{ErrorPlace, LoadError, RenderError, Want};
use gotmpl::Cause;
use tree::{Tree, TreePath};

use crate::error::{Error, Kind, Place};
use crate::render::{Job, VENDOR};

/// A chart that could not be loaded.
pub(super) fn loading(job: &Job, folder: &TreePath, error: LoadError) -> Error {
    match error {
        LoadError::Tree(error) => error.into(),
        LoadError::Chart(_) | LoadError::BrokenLink { .. } => rendering(job, folder, &error.into()),
    }
}

/// A chart that could not be rendered.
pub(super) fn rendering(job: &Job, folder: &TreePath, error: &RenderError) -> Error {
    if let Some(error) = &error.tree {
        return tree::Error::clone(error).into();
    }
    if let Some(advice) = missing(&error.wants) {
        return Error::new(Kind::Precondition, error.message.as_str()).help(advice);
    }
    let kind = match error.cause {
        Cause::Template => Kind::Invalid,
        Cause::Budget => Kind::OverBudget,
        // Whoever stopped it knows why.
        Cause::Stopped => job.stop.check().err().map_or(Kind::Cancelled, |why| why.kind()),
    };
    let failed = Error::new(kind, error.message.as_str());
    places(&*job.tree, folder, error).into_iter().take(1).fold(failed, Error::at)
}

/// The failure with what helm had warned of before, which often explains it.
pub(super) fn after_warnings(error: Error, warnings: &[String]) -> Error {
    /// More of them do not help.
    const MAX_WARNINGS: usize = 5;
    if warnings.is_empty() {
        return error;
    }
    let shown = &warnings[..warnings.len().min(MAX_WARNINGS)];
    error.help(format!("helm warned before: {}", shown.join("; ")))
}

/// Which dependencies are not there, from where they would come, and what to do about it; nothing when all are there.
pub(crate) fn missing(wants: &[Want]) -> Option<String> {
    let missing: Vec<String> = wants.iter().map(ToString::to_string).collect();
    (!missing.is_empty()).then(|| format!("missing: {}; {VENDOR}", missing.join(", ")))
}

/// The places of a failure as files of the tree, innermost first.
pub(crate) fn places(tree: &dyn Tree, folder: &TreePath, error: &RenderError) -> Vec<Place> {
    error.chain.iter().rev().map(|place| at(tree, folder, place)).collect()
}

/// A place of a chart in the tree; in a packed chart it keeps helm's name of the file.
fn at(tree: &dyn Tree, folder: &TreePath, place: &ErrorPlace) -> Place {
    let path = source(tree, folder, &place.file);
    let text = path.as_ref().and_then(|path| line(tree, path, place.line)).unwrap_or_default();
    let letters = text.get(..place.column.saturating_sub(1)).map_or(0, |before| before.chars().count() + 1);
    Place {
        file: path.map_or_else(|| Arc::from(&*place.file), |path| Arc::from(path.as_str())),
        line: u32::try_from(place.line).unwrap_or(0),
        column: if place.column == 0 { 0 } else { u32::try_from(letters).unwrap_or(0) },
        text: Arc::from(text),
    }
}

/// The file that helm calls `name` (the chart's name, then the path in it), where it is a file of the tree: not so in
/// a packed chart.
fn source(tree: &dyn Tree, folder: &TreePath, name: &str) -> Option<TreePath> {
    let path = folder.join(name.split_once('/')?.1).ok()?;
    let real = tree::resolve(tree, &path).ok()?;
    (tree.kind(&real).ok()? == Some(tree::Kind::File)).then_some(real)
}

fn line(tree: &dyn Tree, path: &TreePath, number: usize) -> Option<String> {
    let content = tree.read(path).ok()?;
    let line = content.split(|byte| *byte == b'\n').nth(number.checked_sub(1)?)?;
    Some(String::from_utf8_lossy(line).into_owned())
}
