//! The shared cases of kustomize's own tests and of ours: inputs, and what kustomize 5.8.1 prints for them.
//!
//! `MANIFESTD_CASES=krusty/simple` runs those whose name contains the text and shows what differs.

#![expect(clippy::unwrap_used, reason = "a test may stop at once, and says on stderr what it skips")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use manifestd_kustomize::{KustomizeVersion, LoadRestrictor, Options, Reorder, build};
use tree::{MemoryTree, TreePath};

/// Cases that are not yet the same. This list may only get shorter.
const KNOWN: &str = include_str!("known_failures.txt");

/// Where in the tree a case lies; it stands for a whole disk.
const PLACE: &str = "srv/case";

/// Cases that fail as they should, in other words; why is in the file.
const OTHER_TEXTS: &str = include_str!("other_texts.txt");

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
    builder.folder(TreePath::parse("tmp").unwrap());
    builder.folder(TreePath::parse(PLACE).unwrap());
    // A case about an absent folder has none.
    if folder.is_dir() {
        add(&mut builder, folder, &TreePath::parse(PLACE).unwrap());
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
    let version = KustomizeVersion::V5_8_1;
    let mut options = Options { version, whole_disk: true, ..Options::default() };
    if has("--reorder", "none") {
        options.reorder = Reorder::None;
    }
    if has("--load-restrictor", "LoadRestrictionsNone") {
        options.load_restrictor = LoadRestrictor::None;
    }
    let path = TreePath::parse(PLACE).unwrap().join(about["path"].as_str().unwrap_or(".")).unwrap();
    match build(&memory(&case.join("input")), &path, &options) {
        Ok(output) => (output.text(), false),
        Err(error) => (format!("Error: {error}\n").replace(&format!("/{PLACE}"), "$ROOT"), true),
    }
}

/// The text of an error: without warnings and the time before it, blanks squeezed, addresses hidden.
fn error_of(text: &str) -> String {
    let text = text.find("Error: ").map_or(text, |at| &text[at..]);
    let words: Vec<_> = text.split_whitespace().map(without_address).collect();
    words.join(" ")
}

/// Where Go prints an address, no two runs agree.
fn without_address(word: &str) -> String {
    let Some((before, rest)) = word.split_once("0x") else { return word.to_owned() };
    let after = rest.trim_start_matches("PTR").trim_start_matches(|c: char| c.is_ascii_hexdigit());
    format!("{before}0xPTR{after}")
}

/// Whether the outcome is the expected one: the bytes, or an error where one is expected.
fn outcome(case: &Path) -> Result<(), String> {
    let (text, failed) = run(case);
    // One case was made by a build of the program that did not know its version.
    let expected = std::fs::read_to_string(case.join("expected.yaml"))
        .map(|text| text.replace("kustomize-(devel)", "kustomize-v5.8.1"));
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
    Some(error_of(&run(case).0).contains(&error_of(&expected)))
}

#[test]
fn shared_cases() {
    let Some(root) = shared() else {
        eprintln!("skipped: no shared cases; set MANIFESTD_SHARED to the folder that holds cases/kustomize");
        return;
    };
    let filter = std::env::var("MANIFESTD_CASES").unwrap_or_default();
    let mut failures = BTreeSet::new();
    let mut other_texts = BTreeSet::new();
    let (mut total, mut errors) = (0, 0);
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
                if !same {
                    eprintln!("{id}\n{}", run(&case).0);
                    other_texts.insert(id);
                }
            }
        }
    }
    let (same, same_errors) = (total - failures.len(), errors - other_texts.len());
    eprintln!("{same} of {total} the same; error texts {same_errors} of {errors}");
    compare(&failures, KNOWN, &filter);
    compare(&other_texts, OTHER_TEXTS, &filter);
}

/// Both ways: nothing new may be there, and nothing that is listed may have gone.
fn compare(found: &BTreeSet<String>, list: &str, filter: &str) {
    let known: BTreeSet<_> =
        list.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(str::to_owned).collect();
    let new: Vec<_> = found.difference(&known).collect();
    assert!(new.is_empty(), "these differ: {new:#?}");
    let fixed: Vec<_> = known.difference(found).filter(|_| filter.is_empty()).collect();
    assert!(fixed.is_empty(), "take these out of the list: {fixed:#?}");
}
