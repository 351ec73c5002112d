//! `bench build`: every kustomization of a folder in this one process, against the kustomize program run for each in
//! turn.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::ArgMatches;
use kustomize::{LoadRestrictor, Options, Parsed, Reorder};
use serde_json::Value;
use tree::TreePath;

use super::failed;
use super::turn::{self, Peer};
use crate::cli::place;
use crate::error::{Error, Kind, Result};
use crate::render::kustomize::PARSED_BYTES;
use crate::source::Disk;

/// The name of the command.
pub(super) const NAME: &str = "build";

/// The names of a kustomization file.
const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// The program to compare with.
pub(super) const KUSTOMIZE: Peer = Peer {
    name: "kustomize",
    unit: "builds",
    get: "install kustomize 5 (https://kubectl.docs.kubernetes.io/installation/kustomize/)",
};

/// A kustomization to build.
#[derive(Clone, Debug)]
pub(super) struct Kustomization {
    /// What may be read.
    root: PathBuf,
    /// Its folder in it.
    path: String,
    /// The flags it is built with.
    flags: Vec<String>,
}

/// The command.
pub(super) fn command() -> clap::Command {
    clap::Command::new(NAME)
        .about("Build every kustomization of a folder, against the kustomize program where it is installed")
        .args(turn::args("A folder that holds kustomizations, however deep, or cases.jsonl with input/"))
}

/// Measures both in turn and prints what they took.
///
/// # Errors
/// When the folder cannot be read, or holds no kustomization.
pub(super) fn run(matches: &ArgMatches) -> Result<()> {
    let all = kustomizations(&turn::folder(matches))?;
    // As the service has it: what one build has parsed, another need not.
    let parsed = Parsed::new(PARSED_BYTES);
    turn::compare(&KUSTOMIZE, matches, &all, |kustomization| ours(kustomization, &parsed), theirs)
}

fn ours(kustomization: &Kustomization, parsed: &Parsed) -> bool {
    built(kustomization, parsed).is_ok()
}

/// What `kustomize build` would print; the files are read as the program reads them.
fn built(kustomization: &Kustomization, parsed: &Parsed) -> Result<String> {
    let invalid = |text: String| Error::new(Kind::Invalid, text);
    let has = |flag: &str, value: &str| kustomization.flags.windows(2).any(|pair| pair == [flag, value]);
    let tree = Disk::open(&kustomization.root)?;
    let path = TreePath::parse(&kustomization.path).map_err(|error| invalid(error.to_string()))?;
    let mut options = Options { parsed: Some(parsed), ..Options::default() };
    if has("--load-restrictor", "LoadRestrictionsNone") {
        options.load_restrictor = LoadRestrictor::None;
    }
    if has("--reorder", "none") {
        options.reorder = Reorder::None;
    }
    let output = kustomize::build(&tree, &path, &options).map_err(|error| invalid(error.to_string()))?;
    Ok(output.text())
}

fn theirs(kustomization: &Kustomization) -> bool {
    let mut command = kustomization.command(Path::new(KUSTOMIZE.name));
    command.stderr(Stdio::null()).output().is_ok_and(|output| output.status.success())
}

impl Kustomization {
    /// The command line that builds it, for any program with kustomize's flags.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.arg("build").arg(self.root.join(&self.path)).args(&self.flags).stdin(Stdio::null());
        command
    }

    /// The bytes of its own folder. What it reads beside that is not known before it is built.
    pub(super) fn input_bytes(&self) -> u64 {
        turn::bytes_beneath(&self.root.join(&self.path))
    }
}

/// The kustomizations of a folder, also those inside of others.
pub(super) fn kustomizations(folder: &Path) -> Result<Vec<Kustomization>> {
    if let Some(listed) = turn::listed(folder, case)? {
        return Ok(listed);
    }
    let folder = folder.canonicalize().map_err(|error| failed("reading the folder", &error))?;
    let root = place::work_tree(&folder);
    let mut all = Vec::new();
    turn::walk(&folder, &mut |folder| {
        if NAMES.iter().any(|name| folder.join(name).is_file()) {
            let path = place::utf8(folder.strip_prefix(&root).unwrap_or(folder))?;
            all.push(Kustomization { root: root.clone(), path, flags: Vec::new() });
        }
        Ok(true)
    })?;
    match all.is_empty() {
        true => Err(Error::new(Kind::NotFound, "the folder holds no kustomization")
            .help("a kustomization is a folder with a kustomization.yaml")),
        false => Ok(all),
    }
}

/// The kustomization of one line of `cases.jsonl`; its repository is the first folder of its path.
fn case(input: &Path, case: &Value) -> Option<Kustomization> {
    let dir = case["dir"].as_str()?;
    let (repository, path) = dir.split_once('/').unwrap_or((dir, ""));
    let flags = case["flags"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let flags = flags.map(str::to_owned).collect();
    Some(Kustomization { root: input.join(repository), path: path.to_owned(), flags })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn kustomizations_are_found_and_built() {
        let root = tempfile::tempdir().unwrap();
        let make = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        assert_eq!(kustomizations(root.path()).unwrap_err().kind(), Kind::NotFound);
        let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n";
        make("a/base/kustomization.yaml", "resources: [cm.yaml]");
        make("a/base/cm.yaml", map);
        make("a/Kustomization", "resources: [base]");
        make("b/kustomization.yml", "resources: [gone.yaml]");
        make("c/cm.yaml", map);
        let found = kustomizations(root.path()).unwrap();
        let parsed = Parsed::new(PARSED_BYTES);
        let builds = |kustomization: &Kustomization| ours(kustomization, &parsed);
        let measured = turn::measure_together(&found, 2, builds).unwrap();
        assert_eq!((measured.latencies.count(), measured.failures), (3, 1));
        make("input/r/app/kustomization.yaml", "resources: [../cm.yaml]");
        make("input/r/cm.yaml", map);
        let flags = r#"["--load-restrictor", "LoadRestrictionsNone"]"#;
        make("cases.jsonl", &format!("{{\"dir\": \"r/app\", \"flags\": {flags}}}\n{{\"dir\": \"r/app\"}}\n"));
        let found = kustomizations(root.path()).unwrap();
        assert_eq!(found.iter().map(builds).collect::<Vec<_>>(), [true, false]);
    }
}
