//! The shared cases of kustomize's own tests and of ours: inputs, and what kustomize 5.8.1 prints for them.
//!
//! `MANIFESTD_CASES=krusty/simple` runs those whose name contains the text and shows what differs.

#![expect(clippy::unwrap_used, reason = "a test may stop at once, and says on stderr what it skips")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use manifestd_kustomize::{LoadRestrictor, Options, Reorder, build};
use tree::{MemoryTree, TreePath};

/// Cases that are not yet the same. This list may only get shorter.
const KNOWN: &str = include_str!("known_failures.txt");

fn shared() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(3).map(|root| root.join("shared"));
    let root = std::env::var_os("MANIFESTD_SHARED").map(PathBuf::from).or_else(beside)?;
    Some(root.join("cases/kustomize")).filter(|path| path.is_dir())
}

fn add(builder: &mut tree::MemoryBuilder, folder: &Path, at: &TreePath) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let path = at.child(entry.file_name().to_str().unwrap());
        let kind = entry.file_type().unwrap();
        if kind.is_symlink() {
            builder.link(path, std::fs::read_link(entry.path()).unwrap().to_str().unwrap());
        } else if kind.is_dir() {
            builder.folder(path.clone());
            add(builder, &entry.path(), &path);
        } else {
            builder.file(path, std::fs::read(entry.path()).unwrap());
        }
    }
}

fn memory(folder: &Path) -> MemoryTree {
    let mut builder = MemoryTree::builder();
    // A case about an absent folder has none.
    if folder.is_dir() {
        add(&mut builder, folder, &TreePath::root());
    }
    builder.build().unwrap()
}

/// What kustomize would print, and whether it failed.
fn run(case: &Path) -> (String, bool) {
    let about: serde_json::Value =
        serde_json::from_slice(&std::fs::read(case.join("case.json")).unwrap()).unwrap();
    let flags: Vec<_> =
        about["flags"].as_array().into_iter().flatten().filter_map(|flag| flag.as_str()).collect();
    let has = |flag: &str, value: &str| flags.windows(2).any(|pair| pair == [flag, value]);
    let mut options = Options { display_root: "$ROOT", ..Options::default() };
    if has("--reorder", "none") {
        options.reorder = Reorder::None;
    }
    if has("--load-restrictor", "LoadRestrictionsNone") {
        options.load_restrictor = LoadRestrictor::None;
    }
    let path = TreePath::parse(about["path"].as_str().unwrap_or(".")).unwrap();
    match build(&memory(&case.join("input")), &path, &options) {
        Ok(output) => (output.text(), false),
        Err(error) => (format!("Error: {error}\n"), true),
    }
}

/// The text without addresses, warnings and the time.
fn error_of(text: &str) -> &str {
    let text = text.find("Error: ").map_or(text, |at| &text[at..]);
    text.trim_end()
}

/// Whether the outcome is the expected one: the bytes, or an error where one is expected.
fn outcome(case: &Path) -> Result<(), String> {
    let (text, failed) = run(case);
    let expected = std::fs::read_to_string(case.join("expected.yaml"));
    match (expected, failed) {
        (Ok(expected), false) if expected == text => Ok(()),
        (Ok(expected), _) => Err(format!("--- expected\n{expected}--- found\n{text}")),
        (Err(_), true) => Ok(()),
        (Err(_), false) => Err(format!("should fail, but gave\n{text}")),
    }
}

/// Whether the text of the error is kustomize's.
fn same_text(case: &Path) -> Option<bool> {
    let expected = std::fs::read_to_string(case.join("error.txt")).ok()?;
    let (text, _) = run(case);
    Some(error_of(&expected) == error_of(&text.replace("&{0x0 ", "&{0xPTR ")))
}

#[test]
fn shared_cases() {
    let Some(root) = shared() else {
        eprintln!("skipped: no shared cases; set MANIFESTD_SHARED to the folder that holds cases/kustomize");
        return;
    };
    let filter = std::env::var("MANIFESTD_CASES").unwrap_or_default();
    let mut failures = BTreeSet::new();
    let (mut total, mut errors, mut same_errors) = (0, 0, 0);
    for set in ["krusty", "plugin", "extra"] {
        let mut names: Vec<_> =
            std::fs::read_dir(root.join(set)).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        for name in names {
            let id = format!("{set}/{}", name.to_str().unwrap());
            if !id.contains(&filter) {
                continue;
            }
            let case = root.join(&id);
            total += 1;
            if let Err(difference) = outcome(&case) {
                if !filter.is_empty() {
                    eprintln!("{id}\n{difference}");
                }
                failures.insert(id.clone());
            }
            if let Some(same) = same_text(&case) {
                errors += 1;
                same_errors += usize::from(same);
                if !same && !filter.is_empty() {
                    eprintln!("{id}\n{}", run(&case).0);
                }
            }
        }
    }
    eprintln!("{} of {total} the same; error texts {same_errors} of {errors}", total - failures.len());
    let known: BTreeSet<_> = KNOWN.lines().map(str::to_owned).collect();
    let new: Vec<_> = failures.difference(&known).collect();
    assert!(new.is_empty(), "these differ: {new:#?}");
    let fixed: Vec<_> = known.difference(&failures).filter(|_| filter.is_empty()).collect();
    assert!(fixed.is_empty(), "take these out of known_failures.txt: {fixed:#?}");
}
