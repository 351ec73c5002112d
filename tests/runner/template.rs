//! `manifestd template` against what helm 4.3.2 printed (`testdata/helm/`), and its own flags.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
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

/// What a program printed, with `$CASE` for the folder of the case.
fn printed_in(case: &Case, output: &Output) -> Result<String, String> {
    let folder = case.path.canonicalize().unwrap().display().to_string();
    printed(output).map_err(|text| text.replace(&folder, "$CASE"))
}

/// What a program wrote to standard error before its failure: a line each, sorted, as helm goes through maps in any
/// order. Lines of our own are left out.
fn said(output: &Output, case: &Case) -> Vec<String> {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    let text = text.split("Error: ").next().unwrap_or_default();
    let folder = case.path.canonicalize().unwrap().display().to_string();
    let text = text.replace(&folder, "$CASE").replace(&case.path.display().to_string(), "$CASE");
    let mut lines: Vec<String> =
        text.lines().filter(|line| !line.starts_with("warning: ")).map(str::to_owned).collect();
    lines.sort();
    lines
}

fn expected_messages(case: &Case) -> Vec<String> {
    let mut lines: Vec<String> =
        case.find("messages.txt").unwrap_or_default().lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn charts_come_out_as_helm_prints_them() {
    let cases = cases("testdata/helm");
    let errors = cases.iter().filter(|case| expected(case).is_err()).count();
    assert!(cases.len() >= 60 && errors * 3 >= cases.len(), "{errors} errors of {}", cases.len());
    for case in cases {
        let output = template(&case.path, &arguments(&case));
        assert_eq!(printed_in(&case, &output), expected(&case), "{}", case.name);
        assert_eq!(said(&output, &case), expected_messages(&case), "{}", case.name);
        let code = if expected(&case).is_ok() { 0 } else { 1 };
        assert_eq!(output.status.code(), Some(code), "{}", case.name);
    }
}

/// The helm program, if it is of the version the cases were made with.
#[expect(clippy::print_stderr, reason = "says what it skips")]
fn helm_program(test: &str) -> Option<PathBuf> {
    let helm = Program::Helm.find(test)?;
    let version = Command::new(&helm).args(["version", "--template", "{{.Version}}"]).output().unwrap();
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    if version.starts_with("v4.3") {
        return Some(helm);
    }
    eprintln!("skipped {test}: the cases are of helm 4.3, `helm` is {version}; scripts/install-engines");
    None
}

#[test]
fn the_helm_program_prints_them_so() {
    let Some(helm) = helm_program("the_helm_program_prints_them_so") else { return };
    for case in cases("testdata/helm") {
        let output = ran(&mut Command::new(&helm), &case.path, &arguments(&case));
        assert_eq!(printed_in(&case, &output), expected(&case), "{}", case.name);
        assert_eq!(said(&output, &case), expected_messages(&case), "{}", case.name);
    }
}

/// The long flags that a help text lists.
fn long_flags(help: &[u8]) -> BTreeSet<String> {
    let lines = String::from_utf8_lossy(help);
    let lines = lines.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
    let words = lines.flat_map(|line| line.split_whitespace().take(2));
    let flags = words.filter_map(|word| word.strip_prefix("--"));
    flags.map(|flag| flag.split(['=', '[', ',']).next().unwrap().to_owned()).collect()
}

#[test]
fn every_flag_of_the_helm_program_is_handled_or_listed() {
    let Some(helm) = Program::Helm.find("every_flag_of_the_helm_program_is_handled_or_listed") else {
        return;
    };
    let theirs = long_flags(&Command::new(helm).args(["template", "--help"]).output().unwrap().stdout);
    assert!(theirs.contains("set") && theirs.len() > 50, "{theirs:?}");
    let ours = long_flags(&template(Path::new("."), &owned(&["--help"])).stdout);
    let listed = fs::read_to_string("COMPATIBILITY.md").unwrap();
    let missing: Vec<&String> =
        theirs.difference(&ours).filter(|flag| !listed.contains(&format!("`--{flag}`"))).collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn flags_of_clusters_and_registries_change_nothing() {
    let folder = chart("kind: A\n");
    let plain = stdout(folder.path(), &["x", "c"]);
    for flags in [
        &["--skip-crds", "--dry-run=client", "--timeout=5m", "--wait", "--create-namespace"][..],
        &["--disable-openapi-validation", "--hide-notes", "--enable-dns", "--devel", "--labels", "a=b"],
        &["--description", "x", "--kube-context", "x", "--dependency-update", "--debug", "--force"],
        &["--version", "1", "--username", "u", "--ca-file", "f", "--qps", "3", "--kube-as-group", "g"],
    ] {
        assert_eq!(stdout(folder.path(), &[&["x", "c"], flags].concat()), plain, "{flags:?}");
    }
    assert_eq!(stdout(folder.path(), &["c", "--generate-name"]), plain);
}

#[test]
fn flags_that_cannot_be_obeyed_say_why() {
    let folder = chart("kind: A\n");
    for (flags, why) in [
        (&["--post-renderer", "x"][..], "nothing is ever executed here"),
        (&["--repo", "https://charts.example"], "charts are not fetched from repositories yet"),
        (&["--verify"], "signatures of charts are not checked yet"),
        (&["--validate"], "it asks a cluster"),
        (&["--dry-run=server"], "it asks a cluster"),
        (&["--dry-run=none"], "invalid dry-run value (\"none\"). Must be \"server\" or \"client\""),
        (&["--wait=x"], "Valid inputs are watcher, hookOnly, and legacy"),
        (&["--labels", "a"], "a must be formatted as key=value"),
        (&["--labels", "name=b"], "System labels: [name owner status version createdAt modifiedAt]"),
    ] {
        let output = template(folder.path(), &owned(&[&["x", "c"], flags].concat()));
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && told.contains(why), "{flags:?}: {told}");
        assert!(output.stdout.is_empty(), "{flags:?}");
    }
}

#[test]
fn documents_can_be_written_to_files() {
    let folder =
        chart("kind: A\n---\nkind: B\n---\nkind: C\nmetadata: {annotations: {helm.sh/hook: test}}\n");
    fs::create_dir_all(folder.path().join("c/crds")).unwrap();
    fs::write(folder.path().join("c/crds/d.yaml"), "kind: D\n").unwrap();
    let flags = ["x", "c", "--output-dir", "out", "--include-crds", "--release-name"];
    let printed = stdout(folder.path(), &flags);
    let file = "wrote out/x/c/templates/a.yaml\n";
    assert_eq!(printed, format!("wrote out/c/crds/d.yaml\n{file}{file}{file}\n"));
    let read = |path: &str| fs::read_to_string(folder.path().join(path)).unwrap();
    assert_eq!(read("out/c/crds/d.yaml"), "---\n# Source: c/crds/d.yaml\nkind: D\n\n");
    let document = |kind: &str| format!("---\n# Source: c/templates/a.yaml\nkind: {kind}\n\n");
    let all = read("out/x/c/templates/a.yaml");
    assert!(all.starts_with(&(document("A") + &document("B"))) && all.contains("helm.sh/hook"), "{all}");
    if let Some(helm) = helm_program("documents_can_be_written_to_files") {
        let theirs = owned(&["x", "c", "--output-dir", "theirs", "--include-crds", "--release-name"]);
        let output = ran(&mut Command::new(helm), folder.path(), &theirs);
        assert_eq!(String::from_utf8(output.stdout).unwrap().replace("theirs", "out"), printed);
        assert_eq!(read("theirs/x/c/templates/a.yaml"), all);
    }
}

#[test]
fn debug_prints_what_there_is_of_a_release_that_failed() {
    let folder = chart("a: [\n");
    let plain = template(folder.path(), &owned(&["x", "c"]));
    assert!(plain.stdout.is_empty());
    let told = String::from_utf8(plain.stderr).unwrap();
    assert!(told.ends_with("\n\nUse --debug flag to render out invalid YAML\n"), "{told}");
    let debug = template(folder.path(), &owned(&["x", "c", "--debug"]));
    assert_eq!(String::from_utf8(debug.stdout).unwrap(), "---\n# Source: c/templates/a.yaml\na: [\n");
    assert!(!String::from_utf8(debug.stderr).unwrap().contains("Use --debug"));
    assert_eq!(debug.status.code(), Some(1));
}

#[test]
fn a_schema_may_refer_to_files_of_its_chart_only() {
    let folder = chart("a: {{ .Values.port }}\n");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("c/values.schema.json", r#"{"properties": {"port": {"$ref": "schemas/port.json#/$defs/port"}}}"#);
    fs::create_dir(folder.path().join("c/schemas")).unwrap();
    write("c/schemas/port.json", r#"{"$defs": {"port": {"$ref": "number.json"}}}"#);
    write("c/schemas/number.json", r#"{"type": "integer"}"#);
    assert!(stdout(folder.path(), &["x", "c", "--set", "port=1"]).ends_with("a: 1\n"));
    let output = template(folder.path(), &owned(&["x", "c", "--set", "port=x"]));
    let told = printed(&output).unwrap_err();
    assert!(told.contains("- at '/port': got string, want integer"), "{told}");
    write("secret.json", "{}");
    write("c/values.schema.json", r#"{"properties": {"port": {"$ref": "../secret.json"}}}"#);
    let told = printed(&template(folder.path(), &owned(&["x", "c"]))).unwrap_err();
    assert!(
        told.contains(
            "failing loading \"file:///secret.json\": open /secret.json: no such file or directory"
        ),
        "{told}"
    );
}

#[test]
fn older_versions_keep_their_ways() {
    let folder = chart("a: '{{ .Files.Lines \"empty\" }} {{ .Capabilities.KubeVersion }}'\n");
    fs::write(folder.path().join("c/empty"), "").unwrap();
    assert!(stdout(folder.path(), &["x", "c"]).ends_with("a: '[] v1.37.0'\n"));
    let old = template(folder.path(), &owned(&["x", "c", "--helm-version", "4.2.4"]));
    assert!(printed(&old).unwrap_err().contains("index out of range [-1]"));
    let folder = chart("a: {{ durationSeconds \"1m\" }}\n");
    assert!(stdout(folder.path(), &["x", "c", "--helm-version", "4.3.1"]).ends_with("a: 60\n"));
    let old = template(folder.path(), &owned(&["x", "c", "--helm-version", "4.2.4"]));
    assert!(printed(&old).unwrap_err().contains("function \"durationSeconds\" not defined"));
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
