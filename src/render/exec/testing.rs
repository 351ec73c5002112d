//! Jobs over trees in memory, for the tests of engines.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tree::{MemoryTree, Recorder, TreePath};

use crate::render::{Budgets, Chance, Job, Stop};
use crate::request::Renderer;

/// A job over these files and links, with nothing asked for.
pub(in crate::render) fn job(files: &[(&str, &str)], links: &[(&str, &str)]) -> Job {
    let mut builder = MemoryTree::builder();
    for (path, text) in files {
        builder.file(TreePath::parse(path).unwrap(), (*text).to_owned());
    }
    for (path, text) in links {
        builder.link(TreePath::parse(path).unwrap(), text);
    }
    Job {
        tree: Arc::new(Recorder::new(Arc::new(builder.build().unwrap()))),
        path: TreePath::root(),
        remotes: Arc::default(),
        lent: BTreeMap::new(),
        renderer: Renderer::Detect,
        name: String::new(),
        namespace: String::new(),
        kube_version: None,
        api_versions: Vec::new(),
        inputs: Arc::default(),
        chance: Chance::default(),
        budgets: Budgets::default(),
        stop: Stop::after(Duration::from_secs(60)),
    }
}
