//! The user's own values on the command line: files of this machine, wherever they lie, and `--set` flags.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use clap::ArgMatches;
use helm::ValuesOptions;

use super::args::lists;
use super::helm_text;
use crate::cli::Failure;
use crate::cli::flags::texts;

/// The most bytes of one values file: no budget of the render counts them.
const MAX_BYTES: u64 = 64 << 20;

/// The values that the flags give; files are read now.
///
/// # Errors
/// A file that cannot be read, with Go's words, and a list whose quotes are wrong.
pub(super) fn options(matches: &ArgMatches) -> Result<ValuesOptions, Failure> {
    let names = lists(matches, "values").map_err(Failure::Usage)?;
    let read_one = |name: String| {
        let content = read(name.trim()).map_err(|text| helm_text(&text))?;
        Ok((name, content))
    };
    Ok(ValuesOptions {
        files: names.into_iter().map(read_one).collect::<Result<_, Failure>>()?,
        set_json: texts(matches, "set-json"),
        set: texts(matches, "set"),
        set_string: texts(matches, "set-string"),
        set_file: texts(matches, "set-file"),
        set_literal: texts(matches, "set-literal"),
    })
}

/// A file of this machine, or standard input.
///
/// # Errors
/// Go's words.
pub(super) fn read(name: &str) -> Result<Vec<u8>, String> {
    if name == "-" {
        return limited(io::stdin().lock(), name);
    }
    if !Path::new(name).exists() && name.contains("://") {
        return Err(format!("{name}: values are read from files only; fetch it first"));
    }
    let file = File::open(name).map_err(|error| format!("open {name}: {}", words(&error)))?;
    limited(file, name)
}

fn limited(from: impl Read, name: &str) -> Result<Vec<u8>, String> {
    let mut content = Vec::new();
    let read = from.take(MAX_BYTES + 1).read_to_end(&mut content);
    read.map_err(|error| format!("read {name}: {}", words(&error)))?;
    if content.len() as u64 > MAX_BYTES {
        return Err(format!("{name}: it is larger than {MAX_BYTES} bytes"));
    }
    Ok(content)
}

/// What the system says, as Go says it.
fn words(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "no such file or directory".to_owned(),
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        ErrorKind::IsADirectory => "is a directory".to_owned(),
        ErrorKind::NotADirectory => "not a directory".to_owned(),
        kind => kind.to_string(),
    }
}
