//! `manifestd template` against what helm 4.2.4 printed (`testdata/helm/`), and its own flags.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use testkit::{Case, Program, cases};

fn template(folder: &Path, arguments: &[String]) -> Output {
    ran(Command::new(env!("CARGO_BIN_EXE_manifestd")).env_clear(), folder, arguments)
}

fn ran(command: &mut Command, folder: &Path, arguments: &[String]) -> Output {
    command.arg("template").args(arguments).current_dir(folder).output().unwrap()
}

fn owned(arguments: &[&str]) -> Vec<String> {
    arguments.iter().map(|&argument| argument.to_owned()).collect()
}

/// The arguments of a case; its name is given unless a template makes it.
fn arguments(case: &Case) -> Vec<String> {
    let flags = case.find("flags").unwrap_or_default();
    let flags: Vec<&str> = flags.lines().collect();
    let name: &[&str] = if flags.contains(&"--name-template") { &[] } else { &["rel"] };
    owned(&[name, &["chart", "--namespace", "ns"], &flags].concat())
}

/// What a program printed, as the files of a case hold it.
fn printed(output: &Output) -> Result<String, String> {
    if output.status.success() {
        return Ok(String::from_utf8(output.stdout.clone()).unwrap());
    }
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    let start = text.find("Error: ").unwrap_or(0);
    Err(text[start..].replace("\n\nUse --debug flag to render out invalid YAML", ""))
}

fn expected(case: &Case) -> Result<String, String> {
    case.find("expected.yaml").map_or_else(|| Err(case.read("error.txt")), Ok)
}

#[test]
fn charts_come_out_as_helm_prints_them() {
    let cases = cases("testdata/helm");
    let errors = cases.iter().filter(|case| expected(case).is_err()).count();
    assert!(cases.len() >= 60 && errors * 3 >= cases.len(), "{errors} errors of {}", cases.len());
    for case in cases {
        let output = template(&case.path, &arguments(&case));
        assert_eq!(printed(&output), expected(&case), "{}", case.name);
        let code = if expected(&case).is_ok() { 0 } else { 1 };
        assert_eq!(output.status.code(), Some(code), "{}", case.name);
    }
}

#[test]
fn the_helm_program_prints_them_so() {
    let Some(helm) = Program::Helm.find("the_helm_program_prints_them_so") else { return };
    for case in cases("testdata/helm") {
        let output = ran(&mut Command::new(&helm), &case.path, &arguments(&case));
        assert_eq!(printed(&output), expected(&case), "{}", case.name);
    }
}

/// A chart with one template.
fn chart(template: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("c/templates")).unwrap();
    fs::write(folder.path().join("c/Chart.yaml"), "apiVersion: v2\nname: c\nversion: 1.0.0\n").unwrap();
    fs::write(folder.path().join("c/templates/a.yaml"), template).unwrap();
    folder
}

fn stdout(folder: &Path, arguments: &[&str]) -> String {
    let output = template(folder, &owned(arguments));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn one_template_is_printed_as_it_is() {
    let folder = chart("a: [ {{ .Release.Name }}\n\n");
    assert_eq!(stdout(folder.path(), &["x", "c", "--raw", "c/templates/a.yaml"]), "a: [ x\n\n");
    let output = template(folder.path(), &owned(&["x", "c", "--raw", "c/templates/b.yaml"]));
    assert_eq!(
        printed(&output),
        Err("Error: could not find template c/templates/b.yaml in chart\n".to_owned())
    );
}

#[test]
fn another_version_prints_in_its_own_way() {
    let folder = chart("kind: A\n\n\n---\nkind: B\n\n");
    let new = stdout(folder.path(), &["x", "c"]);
    assert_eq!(
        new,
        "---\n# Source: c/templates/a.yaml\nkind: A\n\n\n\n---\n# Source: c/templates/a.yaml\nkind: B\n"
    );
    let old = stdout(folder.path(), &["x", "c", "--helm-version", "3.21.4"]);
    assert_eq!(
        old,
        "---\n# Source: c/templates/a.yaml\nkind: A\n---\n# Source: c/templates/a.yaml\nkind: B\n"
    );
}

#[test]
fn time_can_be_given() {
    let folder = chart("a: {{ now | unixEpoch }}\n");
    let printed = stdout(folder.path(), &["x", "c", "--now", "1700000000"]);
    assert!(printed.ends_with("a: 1700000000\n"), "{printed}");
}

#[test]
fn values_lie_anywhere_and_the_chart_beneath_its_root() {
    let folder = chart("a: {{ .Values.a }}{{ .Files.Get \"link\" }}\n");
    let values = tempfile::tempdir().unwrap();
    fs::write(values.path().join("v.yaml"), "a: 1\n").unwrap();
    let file = values.path().join("v.yaml");
    let file = file.to_str().unwrap();
    assert!(stdout(folder.path(), &["x", "c", "-f", file]).ends_with("a: 1\n"));
    std::os::unix::fs::symlink(file, folder.path().join("c/link")).unwrap();
    let output = template(folder.path(), &owned(&["x", "c", "--root", "c"]));
    let text = printed(&output).unwrap_err();
    assert!(text.contains("link") && !text.contains("a: 1"), "{text}");
    let elsewhere = template(folder.path(), &owned(&["x", "c", "--root", values.path().to_str().unwrap()]));
    assert!(String::from_utf8_lossy(&elsewhere.stderr).contains("not beneath --root"));
}
