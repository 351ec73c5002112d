//! The inputs that are changed: charts and kustomizations of folders, small enough to be rendered in no time.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::arguments::Engine;
use crate::input::Input;

/// The most files of an input.
const MAX_FILES: usize = 120;

/// The most bytes of an input.
const MAX_BYTES: u64 = 300_000;

/// The deepest folder that is looked into.
const MAX_DEPTH: usize = 16;

/// The names of a kustomization file.
pub(crate) const KUSTOMIZATIONS: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Functions whose outcome changes from run to run.
const CHANCE: [&str; 14] = [
    "rand",
    "genCA",
    "genPrivateKey",
    "genSelfSigned",
    "genSigned",
    "uuidv4",
    "shuffle",
    "now",
    "htpasswd",
    "bcrypt",
    "encryptAES",
    "ago",
    "derivePassword",
    "unixEpoch",
];

/// Where an input is, before its files are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// The folder whose files are the input's.
    root: PathBuf,
    /// The chart or the kustomization in it.
    folder: String,
    flags: Vec<String>,
}

/// What all folders hold, in a fixed order.
///
/// # Errors
/// In words, for a folder that cannot be read or that holds nothing.
pub(crate) fn find(engine: Engine, folders: &[PathBuf]) -> Result<Vec<Found>, String> {
    let mut all = Vec::new();
    for folder in folders {
        let before = all.len();
        let listed = fs::read_to_string(folder.join("cases.jsonl"));
        match listed {
            Ok(lines) => {
                all.extend(lines.lines().filter_map(|line| listed_case(engine, &folder.join("input"), line)));
            }
            Err(_) => walk(engine, folder, "", &mut all),
        }
        if all.len() == before {
            return Err(format!("{} holds nothing to compare", folder.display()));
        }
    }
    Ok(all)
}

/// The case of one line of `cases.jsonl`. The files of a kustomization are those of its repository.
fn listed_case(engine: Engine, input: &Path, line: &str) -> Option<Found> {
    let case: Value = serde_json::from_str(line).ok()?;
    match engine {
        Engine::Helm => {
            let root = input.join(case["chart"].as_str()?);
            Some(Found { root, folder: String::new(), flags: vec!["--include-crds".to_owned()] })
        }
        Engine::Kustomize => {
            let flags = case["flags"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let flags = flags.map(str::to_owned).collect();
            // At least the repository's own folder is left of the path.
            let (root, folder) = narrow(input, case["dir"].as_str()?).filter(|(root, _)| root != input)?;
            Some(Found { root, folder, flags })
        }
    }
}

/// The folder above a kustomization that holds what it reads, where that is small: as far up as its files lead.
fn narrow(input: &Path, dir: &str) -> Option<(PathBuf, String)> {
    let names: Vec<&str> = dir.split('/').filter(|name| !name.is_empty()).collect();
    let up = levels_up(&input.join(dir), 0);
    let cut = names.len().checked_sub(up)?;
    Some((input.join(names[..cut].join("/")), names[cut..].join("/")))
}

/// How many folders above itself a kustomization reads from, its bases included.
fn levels_up(folder: &Path, depth: usize) -> usize {
    let text = KUSTOMIZATIONS.iter().find_map(|name| fs::read_to_string(folder.join(name)).ok());
    let Some(text) = text.filter(|_| depth < MAX_DEPTH) else { return 0 };
    let mut most = 0;
    for word in text.split(|letter: char| letter.is_whitespace() || "\"'[],=".contains(letter)) {
        let ups = word.split('/').take_while(|name| *name == "..").count();
        most = most.max(ups);
        if word.contains('/') || ups > 0 {
            let beyond = levels_up(&folder.join(word), depth + 1);
            let down = word.split('/').filter(|name| !matches!(*name, ".." | "." | "")).count();
            most = most.max((beyond + ups).saturating_sub(down));
        }
    }
    most
}

/// Looks for inputs beneath `top`, from the folder `path` of it on.
fn walk(engine: Engine, top: &Path, path: &str, all: &mut Vec<Found>) {
    let folder = top.join(path);
    let is_one = match engine {
        Engine::Helm => folder.join("Chart.yaml").is_file(),
        Engine::Kustomize => KUSTOMIZATIONS.iter().any(|name| folder.join(name).is_file()),
    };
    if is_one {
        let narrowed = if engine == Engine::Kustomize { narrow(top, path) } else { None };
        let (root, folder) = narrowed.unwrap_or_else(|| (folder.clone(), String::new()));
        all.push(Found { root, folder, flags: Vec::new() });
    }
    if path.split('/').count() > MAX_DEPTH || (is_one && engine == Engine::Helm) {
        return;
    }
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut names: Vec<String> = folders.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    for name in names {
        let path = if path.is_empty() { name } else { format!("{path}/{name}") };
        walk(engine, top, &path, all);
    }
}

impl Found {
    /// The input with its files; `None` when it is too large, or not the same on every run.
    pub(crate) fn read(&self, engine: Engine) -> Option<Input> {
        let mut files = BTreeMap::new();
        read_folder(&self.root, "", &mut files, 0)?;
        let depends_on_chance = |content: &Vec<u8>| {
            let text = String::from_utf8_lossy(content);
            CHANCE.iter().any(|word| text.contains(word)) && text.contains("{{")
        };
        if files.is_empty() || (engine == Engine::Helm && files.values().any(depends_on_chance)) {
            return None;
        }
        Some(Input { engine, files, folder: self.folder.clone(), flags: self.flags.clone() })
    }
}

/// Reads a folder into `files`; `None` when there is too much of it. Links are left out.
fn read_folder(
    folder: &Path,
    prefix: &str,
    files: &mut BTreeMap<String, Vec<u8>>,
    depth: usize,
) -> Option<()> {
    for entry in fs::read_dir(folder).ok()?.flatten() {
        let name = entry.file_name().into_string().ok()?;
        let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        let kind = entry.file_type().ok()?;
        if kind.is_dir() && depth < MAX_DEPTH {
            read_folder(&entry.path(), &path, files, depth + 1)?;
        } else if kind.is_file() {
            let bytes: u64 = files.values().map(|content| content.len() as u64).sum();
            if files.len() >= MAX_FILES || bytes + entry.metadata().ok()?.len() > MAX_BYTES {
                return None;
            }
            files.insert(path, fs::read(entry.path()).ok()?);
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, path: &str, text: &str) {
        let file = root.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    #[test]
    fn a_kustomization_comes_with_what_it_reads() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "a/base/kustomization.yaml", "resources: [../../shared/x.yaml]\n");
        write(root.path(), "a/prod/kustomization.yaml", "resources:\n- ../base\n");
        write(root.path(), "shared/x.yaml", "kind: X\n");
        let found = find(Engine::Kustomize, &[root.path().to_owned()]).unwrap();
        let inputs: Vec<Input> = found.iter().filter_map(|one| one.read(Engine::Kustomize)).collect();
        assert_eq!(inputs.len(), 2);
        let paths: Vec<&String> = inputs[1].files.keys().collect();
        assert_eq!(paths, ["a/base/kustomization.yaml", "a/prod/kustomization.yaml", "shared/x.yaml"]);
        assert_eq!(inputs[1].folder, "a/prod");
    }

    #[test]
    fn charts_of_chance_are_left_out() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "a/Chart.yaml", "name: a\n");
        write(root.path(), "a/templates/x.yaml", "{{ randAlpha 3 }}");
        write(root.path(), "b/Chart.yaml", "name: b\n");
        write(root.path(), "b/charts/c/Chart.yaml", "name: c\n");
        let found = find(Engine::Helm, &[root.path().to_owned()]).unwrap();
        assert_eq!(
            found.iter().map(|one| one.read(Engine::Helm).is_some()).collect::<Vec<_>>(),
            [false, true]
        );
        assert!(find(Engine::Helm, &[root.path().join("a/templates")]).is_err());
    }
}
