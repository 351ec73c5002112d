//! Charts in process: the native engine behind `Engine::Native` and `manifestd template`.

use std::sync::Arc;

use helm::{ErrorPlace, RenderError};
use tree::{Tree, TreePath};

use crate::error::{Error, Kind, Place, Result};

/// The stack of the thread that runs templates. Helm lets one name be included 1,000 times inside itself, and templates
/// call each other through several names, loops and conditions; only the pages that are used cost memory.
const STACK: usize = 512 << 20;

/// Runs `work` on a thread with a stack for templates.
///
/// # Errors
/// [`Kind::Unavailable`] when the system gives no thread, [`Kind::Internal`] when the work broke off.
pub(crate) fn on_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("helm".to_owned()).stack_size(STACK);
        let thread = thread.spawn_scoped(scope, work).map_err(|error| {
            Error::new(Kind::Unavailable, format!("no thread could be started: {}", error.kind()))
        })?;
        thread.join().map_err(|_| Error::new(Kind::Internal, "rendering the chart broke off"))
    })
}

/// The places of a failure as files of the tree, innermost first.
pub(crate) fn places(tree: &dyn Tree, folder: &TreePath, error: &RenderError) -> Vec<Place> {
    let innermost = error.place.iter().filter(|place| error.chain.last() != Some(place));
    innermost.chain(error.chain.iter().rev()).map(|place| at(tree, folder, place)).collect()
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
