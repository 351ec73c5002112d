//! Charts made of a few files in memory, and what comes of them.

#![expect(clippy::unwrap_used, reason = "a test that cannot build its chart has to fail")]
#![allow(dead_code, reason = "each test binary uses its part of these")]

use std::sync::Arc;

use gotmpl::Limits;
use manifestd_helm::{
    Chart, HelmVersion, LoadError, MessageLog, Output, Printing, Release, RenderError, ValuesOptions, load,
};
use tree::{MemoryTree, TreePath};

/// A tree of these files; a content that begins with `>` is a link.
pub(crate) fn tree(files: &[(&str, &str)]) -> MemoryTree {
    let mut builder = MemoryTree::builder();
    for (name, content) in files {
        let path = TreePath::parse(name).unwrap();
        match content.strip_prefix('>') {
            Some(text) => builder.link(path, text),
            None => builder.file(path, content.as_bytes().to_vec()),
        };
    }
    builder.build().unwrap()
}

/// The chart in the folder `path`.
pub(crate) fn loaded(tree: &MemoryTree, path: &str) -> Result<Arc<Chart>, LoadError> {
    let profile = HelmVersion::default().profile();
    load(tree, &TreePath::parse(path).unwrap(), profile, &MessageLog::new(profile))
}

/// What `helm template rel` prints for the chart in `path`.
pub(crate) fn render(tree: &MemoryTree, path: &str, values: &ValuesOptions) -> Result<String, RenderError> {
    render_within(tree, path, values, Limits::default())
}

/// The same under other budgets.
pub(crate) fn render_within(
    tree: &MemoryTree,
    path: &str,
    values: &ValuesOptions,
    limits: Limits,
) -> Result<String, RenderError> {
    let chart = loaded(tree, path)?;
    let output = release(tree, &chart, values, limits)?;
    let printed = output.print(true, Printing { no_hooks: false, skip_tests: false });
    Ok(String::from_utf8(printed).unwrap())
}

fn release(
    tree: &MemoryTree,
    chart: &Arc<Chart>,
    values: &ValuesOptions,
    limits: Limits,
) -> Result<Output, RenderError> {
    let release = Release {
        version: HelmVersion::default(),
        name: "rel",
        namespace: "ns",
        is_upgrade: false,
        kube_version: None,
        api_versions: &[],
        values,
        skip_schema_validation: false,
        seed: [1; 32],
        now: 1_700_000_000,
        limits,
        stop: &|| false,
        raw: false,
    };
    let log = MessageLog::new(release.version.profile());
    release.render(tree, chart, &mut |name| Err(format!("open {name}: no such file or directory")), &log)
}

/// Runs on a thread with as much stack as the service gives.
pub(crate) fn on_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::Builder::new().stack_size(512 << 20).spawn(work).unwrap().join().unwrap()
}
