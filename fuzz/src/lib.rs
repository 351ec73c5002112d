//! What the targets for charts share: files in one text, a render under small budgets, a thread with enough stack.
//!
//! Files stand in one text one after the other, each behind a line `-- path --`; `seeds.rs` writes such texts.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, OnceLock};

use gotmpl::Limits;
use helm::{Chart, HelmVersion, MessageLog, Printing, Release, ValuesOptions};
use tree::{MemoryTree, Tree, TreePath};

/// The stack of the thread that renders: deep templates are refused by count, not by running out of it.
const STACK: usize = 2 << 30;

/// Small enough that no input takes seconds, large enough that a chart gets somewhere.
const LIMITS: Limits = Limits { steps: 200_000, bytes: 4 << 20 };

/// One input that waits, and who wants to know that it is done.
type Work = (Vec<u8>, fn(&[u8]));

/// Runs `work` on the input, on one thread with a stack for templates that lives as long as the program.
pub fn on_stack(data: &[u8], work: fn(&[u8])) {
    static WORKER: OnceLock<Mutex<(SyncSender<Work>, Receiver<()>)>> = OnceLock::new();
    let worker = WORKER.get_or_init(|| Mutex::new(worker()));
    let worker = worker.lock().expect("a panic ends the program");
    worker.0.send((data.to_vec(), work)).expect("the thread lives as long as the program");
    worker.1.recv().expect("the thread lives as long as the program");
}

fn worker() -> (SyncSender<Work>, Receiver<()>) {
    let (send, inputs) = sync_channel::<Work>(1);
    let (done, receive) = sync_channel(1);
    let run = move || {
        for (data, work) in inputs {
            work(&data);
            if done.send(()).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new().stack_size(STACK).spawn(run).expect("a thread can be started");
    (send, receive)
}

/// The files of a text, those whose paths fit together. What stands before the first name belongs to no file.
pub fn files(text: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        match name(line) {
            Some(name) => files.push((name.to_owned(), Vec::new())),
            None => {
                if let Some((_, content)) = files.last_mut() {
                    content.extend_from_slice(line);
                }
            }
        }
    }
    files
}

fn name(line: &[u8]) -> Option<&str> {
    std::str::from_utf8(line).ok()?.trim_end().strip_prefix("-- ")?.strip_suffix(" --")
}

/// A tree of the files, or of those that do not lie on or beneath one another. A file that begins with `>` is a link.
pub fn tree(files: &[(String, Vec<u8>)]) -> MemoryTree {
    let mut builder = MemoryTree::builder();
    let mut kept: Vec<TreePath> = Vec::new();
    for (name, content) in files.iter().take(64) {
        let Ok(path) = TreePath::parse(name) else { continue };
        let clash = |other: &TreePath| path.strip(other).or(other.strip(&path)).is_some();
        if path.is_root() || kept.iter().any(clash) {
            continue;
        }
        let link = content.strip_prefix(b">").and_then(|text| std::str::from_utf8(text).ok());
        match link.filter(|text| text.len() <= tree::MAX_LINK_TEXT) {
            Some(text) => builder.link(path.clone(), text.trim_end()),
            None => builder.file(path.clone(), content.clone()),
        };
        kept.push(path);
    }
    builder.build().expect("no entry lies on or beneath another")
}

/// Loads the chart at `path` and renders it; what comes of it is for the caller to judge, it only has to end.
pub fn render(tree: &dyn Tree, path: &str, values: &ValuesOptions, version: HelmVersion) -> Option<Vec<u8>> {
    let path = TreePath::parse(path).expect("a path of ours");
    let log = MessageLog::new(version.profile());
    let chart =
        helm::load(tree, &path, version.profile(), &log).map_err(|error| checked(&error.to_string())).ok()?;
    print(tree, &chart, values, version)
}

fn print(
    tree: &dyn Tree,
    chart: &Arc<Chart>,
    values: &ValuesOptions,
    version: HelmVersion,
) -> Option<Vec<u8>> {
    let release = Release {
        version,
        name: "fuzz",
        namespace: "ns",
        is_upgrade: false,
        kube_version: None,
        api_versions: &[],
        values,
        skip_schema_validation: false,
        seed: [7; 32],
        now: 1_700_000_000,
        limits: LIMITS,
        stop: &|| false,
        raw: false,
    };
    let mut read = |name: &str| Ok(name.as_bytes().to_vec());
    let log = MessageLog::new(version.profile());
    let output = release.render(tree, chart, &mut read, &log).map_err(|error| checked(&error.to_string())).ok()?;
    Some(output.print(true, Printing { no_hooks: false, skip_tests: false }))
}

/// An error says something.
fn checked(message: &str) {
    assert!(!message.trim().is_empty(), "an error without words");
}

/// The version an input asks for by its first byte.
pub fn version(byte: u8) -> HelmVersion {
    match byte {
        b'3' => HelmVersion::V3_21_4,
        b'1' => HelmVersion::V4_2_1,
        b'2' => HelmVersion::V4_2_4,
        _ => HelmVersion::V4_3_2,
    }
}
