//! Our own cases in `testdata/kustomize`: what each version of kustomize prints, natively and, where it is installed, by
//! the program.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has to fail")]

use std::path::{Path, PathBuf};
use std::process::Command;

use manifestd_kustomize::{KustomizeVersion, LoadRestrictor, Options, Reorder, build};
use testkit::{Case, Program, cases};
use tree::{MemoryBuilder, MemoryTree, TreePath};

const FOLDER: &str = "testdata/kustomize";

/// What a build ends in: the output or the error, and the warnings.
#[derive(Debug, PartialEq)]
struct Outcome {
    result: Result<String, String>,
    warnings: String,
}

/// What a version prints, in files of its own where it differs from the newest one.
fn expected(case: &Case, version: KustomizeVersion) -> Outcome {
    let output = case.find(&format!("expected-{version}.yaml")).map(Ok);
    let error = || case.find(&format!("error-{version}.txt")).map(Err);
    let newest = || case.find("expected.yaml").map_or_else(|| Err(case.read("error.txt")), Ok);
    let result = output.or_else(error).unwrap_or_else(newest);
    Outcome { result, warnings: case.find("warnings.txt").unwrap_or_default() }
}

fn flags(case: &Case) -> Vec<String> {
    case.find("flags").unwrap_or_default().lines().map(str::to_owned).collect()
}

/// The folder that is built, seen from `input`.
fn path(case: &Case) -> String {
    case.find("path").map_or_else(|| ".".to_owned(), |path| path.trim_end().to_owned())
}

fn add(builder: &mut MemoryBuilder, folder: &Path, at: &TreePath) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let (path, kind) = (at.child(entry.file_name().to_str().unwrap()), entry.file_type().unwrap());
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

fn tree(case: &Case) -> MemoryTree {
    let mut builder = MemoryTree::builder();
    add(&mut builder, &case.path.join("input"), &TreePath::root());
    builder.build().unwrap()
}

fn native(case: &Case, version: KustomizeVersion) -> Outcome {
    let mut options = Options { version, display_root: "$ROOT", ..Options::default() };
    for flag in flags(case).chunks(2) {
        match (flag[0].as_str(), flag[1].as_str()) {
            ("--reorder", "none") => options.reorder = Reorder::None,
            ("--load-restrictor", "LoadRestrictionsNone") => options.load_restrictor = LoadRestrictor::None,
            other => panic!("case {}: {other:?}", case.name),
        }
    }
    match build(&tree(case), &TreePath::parse(&path(case)).unwrap(), &options) {
        Ok(output) => {
            let warnings = output.warnings().iter().map(|line| format!("{line}\n")).collect();
            Outcome { result: Ok(output.text()), warnings }
        }
        Err(error) => {
            Outcome { result: Err(format!("Error: {error}\n")), warnings: expected(case, version).warnings }
        }
    }
}

fn program(kustomize: &PathBuf, case: &Case) -> Outcome {
    let input = case.path.canonicalize().unwrap().join("input");
    let output =
        Command::new(kustomize).arg("build").arg(input.join(path(case))).args(flags(case)).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).replace(input.to_str().unwrap(), "$ROOT");
    let start = errors.find("Error: ").unwrap_or(errors.len());
    let result = if output.status.success() {
        Ok(String::from_utf8(output.stdout).unwrap())
    } else {
        Err(without_address(&errors[start..]))
    };
    // The program also says that the flag `--reorder` is an old one.
    let warnings = errors[..start].lines().filter(|line| line.starts_with("# Warning"));
    Outcome { result, warnings: warnings.map(|line| format!("{line}\n")).collect() }
}

/// Go prints where in its memory a generator lies.
fn without_address(text: &str) -> String {
    let Some((before, after)) = text.split_once("&{0x") else { return text.to_owned() };
    let rest = after.trim_start_matches(|c: char| c.is_ascii_hexdigit());
    format!("{before}&{{0x0{rest}")
}

fn check(version: KustomizeVersion, run: impl Fn(&Case) -> Outcome) {
    let different: Vec<_> = cases(FOLDER)
        .iter()
        .map(|case| (case, expected(case, version), run(case)))
        .filter(|(_, wanted, got)| wanted != got)
        .map(|(case, wanted, got)| format!("{} ({version}): wanted {wanted:#?}, got {got:#?}", case.name))
        .collect();
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn a_third_of_many_are_errors() {
    let cases = cases(FOLDER);
    let errors =
        cases.iter().filter(|case| expected(case, KustomizeVersion::default()).result.is_err()).count();
    assert!(cases.len() >= 60 && errors * 3 >= cases.len(), "{errors} errors of {}", cases.len());
}

#[test]
fn kustomizations_come_out_as_kustomize_prints_them() {
    for version in KustomizeVersion::ALL {
        check(version, |case| native(case, version));
    }
}

#[test]
fn the_kustomize_program_prints_them_so() {
    let Some(kustomize) = Program::Kustomize.find("the_kustomize_program_prints_them_so") else { return };
    let said = Command::new(&kustomize).arg("version").output().unwrap();
    let Ok(version) = String::from_utf8_lossy(&said.stdout).trim().parse() else {
        eprintln!("skipped: the kustomize program is of a version that there is no profile of");
        return;
    };
    check(version, |case| program(&kustomize, case));
}
