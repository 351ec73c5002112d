//! Where the documents go: standard output, a file, or a folder with a file for each.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use kustomize::Output;

use super::words;
use crate::cli::{Done, Failure, go_words, output as stdout};

/// Writes the documents to `to`; empty is standard output.
///
/// # Errors
/// In Go's words.
pub(super) fn output(output: &Output, to: &str) -> Done {
    match to {
        "" => {
            stdout::written(io::stdout().lock().write_all(output.text().as_bytes()))?;
            Ok(())
        }
        folder if Path::new(folder).is_dir() => files(output, folder.trim_end_matches('/')),
        file => write(file, output.text().as_bytes()),
    }
}

fn files(output: &Output, folder: &str) -> Done {
    let files = output.files().map_err(|error| words(&error.to_string()))?;
    for (name, document) in files {
        let path = format!("{folder}/{name}");
        if name.contains('/') {
            // It may lead anywhere: a resource's name decides about no folder.
            return Err(words(&format!("open {path}: no such file or directory")));
        }
        write(&path, document.as_bytes())?;
    }
    Ok(())
}

fn write(path: &str, content: &[u8]) -> Result<(), Failure> {
    fs::write(path, content).map_err(|error| words(&format!("open {path}: {}", go_words(&error))))
}
