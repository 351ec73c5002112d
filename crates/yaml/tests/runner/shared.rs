//! Finds the acceptance data that lies beside the project.

use std::path::{Path, PathBuf};

/// Reads a file of `../shared`, or says on stderr what is skipped and how to get it.
pub(crate) fn read(path: &str) -> Option<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let shared = std::env::var_os("MANIFESTD_SHARED").map_or_else(|| root.join("../shared"), PathBuf::from);
    let text = std::fs::read_to_string(shared.join(path)).ok();
    if text.is_none() {
        eprintln!(
            "skipped: ../shared/{path} is not there; put the shared folder beside the project or set MANIFESTD_SHARED"
        );
    }
    text
}

/// Fails with every difference when there is one.
pub(crate) fn assert_none(differences: &[String], total: usize) {
    assert!(differences.is_empty(), "{} of {total} differ:\n{}", differences.len(), differences.join("\n"));
}
