//! `manifestd build`: its flags, its texts and exit codes, and that the kustomize program has the same.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;
use testkit::http::Server;
use testkit::{Program, Root};

const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\n";

/// Kustomizations of several kinds in one folder.
fn kustomizations() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let files = [
        ("plain/kustomization.yaml", "resources: [cm.yaml, ns.yaml]\nnamePrefix: x-\n"),
        ("plain/cm.yaml", MAP),
        ("plain/ns.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: n}\n"),
        ("warned/kustomization.yml", "bases: [../plain]\ncommonLabels: {a: b}\n"),
        ("wrong/kustomization.yaml", "commonLabels: {a: b}\nresources: [gone.yaml]\n"),
        ("outside/kustomization.yaml", "resources: [../plain/cm.yaml]\n"),
        ("several/Kustomization", "resources: [../plain, other.yaml]\n"),
        (
            "several/other.yaml",
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: D, namespace: Prod}\n",
        ),
        ("two/kustomization.yaml", ""),
        ("two/Kustomization", ""),
        ("none/x", ""),
        ("charts/kustomization.yaml", "helmCharts: [{name: c, releaseName: r, valuesInline: {a: 2}}]\n"),
        ("charts/charts/c/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n"),
        ("charts/charts/c/values.yaml", "a: 1\nb: 1\n"),
        (
            "charts/charts/c/templates/cm.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ .Release.Name }}'}\n\
          data: {v: '{{ .Values.a }}{{ .Values.b }} {{ .Capabilities.KubeVersion.Minor }}'}\n",
        ),
    ];
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    fs::create_dir(folder.path().join("out")).unwrap();
    folder
}

fn manifestd() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_manifestd"));
    command.env_clear();
    command
}

/// Standard output, standard error and the exit code.
fn told(mut command: Command, folder: &Path, arguments: &[&str]) -> (String, String, Option<i32>) {
    let Output { stdout, stderr, status } =
        command.arg("build").args(arguments).current_dir(folder).output().unwrap();
    (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap(), status.code())
}

fn built(folder: &Path, arguments: &[&str]) -> String {
    let (stdout, stderr, code) = told(manifestd(), folder, arguments);
    assert_eq!((stderr.as_str(), code), ("", Some(0)), "{arguments:?}");
    stdout
}

fn failure(folder: &Path, arguments: &[&str]) -> String {
    let (stdout, stderr, code) = told(manifestd(), folder, arguments);
    assert_eq!((stdout.as_str(), code), ("", Some(1)), "{arguments:?}");
    stderr
}

/// Everything the program can be asked for that does not depend on the machine.
const ASKED: &[&[&str]] = &[
    &["plain"],
    &["./plain/"],
    &["plain", "--reorder", "none"],
    &["plain", "--reorder=legacy"],
    &["plain", "--reorder", "random"],
    &["plain", "--load-restrictor", "LoadRestrictionsNone"],
    &["plain", "--load-restrictor=none"],
    &["plain", "warned"],
    &["warned"],
    &["wrong"],
    &["outside"],
    &["outside", "--load-restrictor", "LoadRestrictionsNone"],
    &["two"],
    &["none"],
    &["gone/deep"],
    &["plain/cm.yaml"],
    &[""],
    &["charts"],
    &["plain", "-o", "out.yaml"],
    &["warned", "-o", "gone/out.yaml"],
    &["plain", "-o", "plain/cm.yaml/x"],
    &["plain", "--output=out"],
    &["several", "-o", "out/"],
    &["plain", "--load-restrictor", ""],
    &["plain", "--enable-managedby-label=false"],
    &["plain", "--as-current-user", "--enable-exec", "--network=T", "--network-name", "n", "--stack-trace"],
    &["plain", "--env", "A=b", "-e", "C", "--mount", "type=bind", "--mount=x", "--enable-alpha-plugins"],
    &["plain", "--helm-command", "x", "--helm-debug", "--helm-api-versions=a", "--helm-kube-version", "1.30"],
];

/// The flags of `kustomize build` 5.8.3 with a value for each; the last two are not in its help.
const FLAGS: &[(&str, &[&str])] = &[
    ("--as-current-user", &[]),
    ("--enable-alpha-plugins", &[]),
    ("--enable-exec", &[]),
    ("--enable-helm", &[]),
    ("--env", &["A=b"]),
    ("--helm-api-versions", &["v1"]),
    ("--helm-command", &["helm"]),
    ("--helm-debug", &[]),
    ("--helm-kube-version", &["1.30"]),
    ("--load-restrictor", &["LoadRestrictionsNone"]),
    ("--mount", &["x"]),
    ("--network", &[]),
    ("--network-name", &["n"]),
    ("--output", &["out.yaml"]),
    ("--stack-trace", &[]),
    ("--enable-managedby-label", &[]),
    ("--reorder", &["none"]),
];

#[test]
fn every_flag_of_the_program_is_handled_or_listed() {
    let folder = kustomizations();
    let differences =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("COMPATIBILITY.md")).unwrap();
    for (flag, value) in FLAGS {
        let arguments = [&["plain", flag], *value].concat();
        let (_, stderr, code) = told(manifestd(), folder.path(), &arguments);
        assert!(code == Some(0) || differences.contains(&format!("`{flag}`")), "{flag}: {stderr}");
    }
    let Some(kustomize) = Program::Kustomize.find("every_flag_of_the_program_is_handled_or_listed") else {
        return;
    };
    let help = Command::new(kustomize).args(["build", "--help"]).output().unwrap().stdout;
    let help = String::from_utf8(help).unwrap();
    let flags = help.lines().filter_map(|line| {
        let start = line.find("--").filter(|at| line[..*at].trim_start().len() <= "-e, ".len())?;
        line[start..].split_whitespace().next().filter(|flag| *flag != "--help")
    });
    let unknown: Vec<_> = flags.filter(|flag| FLAGS.iter().all(|(known, _)| known != flag)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn the_managed_by_label_can_be_asked_for() {
    let folder = kustomizations();
    let (stdout, stderr, _) = told(manifestd(), folder.path(), &["plain", "--enable-managedby-label"]);
    assert!(stderr.starts_with("Flag --enable-managedby-label has been deprecated, "), "{stderr}");
    assert_eq!(stdout.matches("    app.kubernetes.io/managed-by: kustomize-v5.8.3\n").count(), 2, "{stdout}");
    let mut command = manifestd();
    command.env("KUSTOMIZE_ENABLE_MANAGEDBY_LABEL", "on");
    assert_eq!(told(command, folder.path(), &["plain"]).0, stdout);
}

#[test]
fn two_orders_are_told_of() {
    let folder = kustomizations();
    let text = "resources: [cm.yaml, ns.yaml]\nsortOptions: {order: fifo}\n";
    fs::write(folder.path().join("plain/kustomization.yaml"), text).unwrap();
    let (stdout, stderr, _) = told(manifestd(), folder.path(), &["plain", "--reorder", "legacy"]);
    assert!(stdout.starts_with(MAP), "{stdout}");
    assert!(stderr.contains("Warning: Sorting order is set both in 'kustomization.yaml'"), "{stderr}");
    assert!(built(folder.path(), &["plain"]).starts_with(MAP));
}

/// The files that a command has written.
fn written(folder: &Path) -> BTreeMap<String, String> {
    let files = fs::read_dir(folder.join("out")).unwrap().map(|entry| entry.unwrap().path());
    let files = files.chain([folder.join("out.yaml")]).filter(|path| path.is_file());
    files.map(|path| (path.display().to_string(), fs::read_to_string(&path).unwrap())).collect()
}

#[test]
fn the_program_says_the_same() {
    let Some(kustomize) = Program::Kustomize.find("the_program_says_the_same") else { return };
    let folder = kustomizations();
    let told = |command: Command, arguments: &[&str]| {
        let out = folder.path().join("out");
        fs::remove_dir_all(&out).unwrap();
        fs::create_dir(out).unwrap();
        (told(command, folder.path(), arguments), written(folder.path()))
    };
    for arguments in ASKED {
        let (ours, theirs) = (told(manifestd(), arguments), told(Command::new(&kustomize), arguments));
        assert_eq!(ours, theirs, "{arguments:?}");
    }
}

#[test]
fn charts_come_out_as_the_programs_make_them() {
    let test = "charts_come_out_as_the_programs_make_them";
    let (Some(kustomize), Some(_)) = (Program::Kustomize.find(test), Program::Helm.find(test)) else {
        return;
    };
    let folder = kustomizations();
    for more in [&[][..], &["--helm-kube-version", "1.29"]] {
        let arguments = [&["charts", "--enable-helm"], more].concat();
        let theirs = told(Command::new(&kustomize), folder.path(), &arguments);
        assert_eq!(told(manifestd(), folder.path(), &arguments), theirs, "{arguments:?}");
    }
}

#[test]
fn the_folder_is_this_one_unless_said() {
    let folder = kustomizations();
    let here = built(&folder.path().join("plain"), &[]);
    assert_eq!(here, built(folder.path(), &["plain"]));
    assert!(here.starts_with("apiVersion: v1\nkind: Namespace\n"), "{here}");
    assert!(
        here.ends_with("---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x-settings\n"),
        "{here}"
    );
}

#[test]
fn charts_are_rendered_where_that_is_enabled() {
    let folder = kustomizations();
    let printed = built(folder.path(), &["charts", "--enable-helm", "--helm-kube-version", "1.29"]);
    assert!(printed.contains("  v: 21 29\n") && printed.contains("  name: r\n"), "{printed}");
    assert!(failure(folder.path(), &["charts"]).ends_with("must specify --enable-helm\n"));
}

#[test]
fn warnings_and_errors_are_kustomize_s() {
    let folder = kustomizations();
    let warning = "# Warning: 'commonLabels' is deprecated. Please use 'labels' instead. Run 'kustomize edit fix' to \
                   update your Kustomization automatically.\n";
    let told = failure(folder.path(), &["wrong"]);
    assert!(told.starts_with(warning), "{told}");
    let root = folder.path().canonicalize().unwrap();
    let missing = format!("lstat {}/wrong/gone.yaml: no such file or directory", root.display());
    assert!(told.contains("\nError: accumulating resources: ") && told.contains(&missing), "{told}");
    let told = failure(folder.path(), &["gone/deep"]);
    let missing = format!("'gone/deep' : lstat {}/gone: no such file or directory\n", root.display());
    assert!(told.ends_with(&missing), "{told}");
}

#[test]
fn nothing_is_ever_run_or_fetched() {
    let folder = kustomizations();
    let told = failure(folder.path(), &["charts", "--enable-helm", "--helm-command=x"]);
    assert!(told.contains("--helm-command x is refused: charts are rendered in process"), "{told}");
    let function = "apiVersion: v1\nkind: Fn\nmetadata:\n  name: f\n  annotations:\n    config.kubernetes.io/function: |\n      exec: {path: ./touch}\n";
    fs::create_dir(folder.path().join("function")).unwrap();
    for (name, text) in [("kustomization.yaml", "transformers: [fn.yaml]\n"), ("fn.yaml", function)] {
        fs::write(folder.path().join("function").join(name), text).unwrap();
    }
    let told = failure(folder.path(), &["function", "--enable-alpha-plugins", "--enable-exec"]);
    assert!(told.contains("asks to run the program './touch'; nothing is ever run here"), "{told}");
    let told = failure(folder.path(), &["https://h.example/o/r?ref=v1"]);
    assert!(told.contains("only folders of this machine are built here"), "{told}");
}

#[test]
fn other_repositories_are_fetched_where_the_user_says_so() {
    if Program::Git.find("other_repositories_are_fetched_where_the_user_says_so").is_none() {
        return;
    }
    let root = Root::new();
    let repo = root.repo("base.git");
    repo.commit("main")
        .file("web/kustomization.yaml", "resources: [cm.yaml]\n")
        .file("web/cm.yaml", MAP)
        .write();
    let server = Server::git(&root);
    let folder = tempfile::tempdir().unwrap();
    let entry = server.url("base.git//web?ref=main");
    fs::write(folder.path().join("kustomization.yaml"), format!("namePrefix: x-\nresources:\n- {entry}\n"))
        .unwrap();
    let refused = failure(folder.path(), &[]);
    assert!(refused.contains("; add --kustomize-remotes on to fetch it"), "{refused}");
    assert_eq!(server.requests().len(), 0);
    let data = folder.path().join("data");
    let on = ["--kustomize-remotes=on", "--data-dir", data.to_str().unwrap()];
    assert_eq!(built(folder.path(), &on), MAP.replace("settings", "x-settings"));
    let gone = entry.replace("main", "gone");
    fs::write(folder.path().join("kustomization.yaml"), format!("resources:\n- {gone}\n")).unwrap();
    let (stdout, stderr, code) = told(manifestd(), folder.path(), &on);
    assert_eq!((stdout.as_str(), code == Some(0)), ("", false));
    assert!(stderr.contains("kustomization.yaml:2") && stderr.contains("has no revision 'gone'"), "{stderr}");
}

#[test]
fn nothing_outside_of_the_root_is_read() {
    let folder = kustomizations();
    let loose = ["outside", "--load-restrictor", "LoadRestrictionsNone"];
    assert_eq!(built(folder.path(), &loose), MAP);
    let told = failure(folder.path(), &[&loose[..], &["--root", "outside"]].concat());
    assert!(!told.contains("settings"), "{told}");
    let told = failure(folder.path(), &["plain", "--root", "outside"]);
    assert!(told.contains("not beneath --root"), "{told}");
    // A work tree is a root by itself.
    fs::create_dir(folder.path().join("outside/.git")).unwrap();
    failure(folder.path(), &loose);
}

#[test]
fn a_name_with_a_slash_leads_into_no_folder() {
    let folder = kustomizations();
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a/../../../evil}\n";
    fs::write(folder.path().join("plain/cm.yaml"), map).unwrap();
    let told = failure(folder.path(), &["plain", "-o", "out"]);
    assert!(told.contains("no such file or directory"), "{told}");
    assert!(!folder.path().join("evil.yaml").exists());
}

#[test]
fn the_version_of_kustomize_can_be_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let map = "resources: [cm.yaml]\nbuildMetadata: [managedByLabel]\n";
    for (name, text) in [("kustomization.yaml", map), ("cm.yaml", MAP)] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    for (flags, version) in [
        (&[][..], "5.8.3"),
        (&["--kustomize-version", "5.8.3"], "5.8.3"),
        (&["--kustomize-version=5.8.1"], "5.8.1"),
    ] {
        let output = built(folder.path(), flags);
        assert!(output.contains(&format!("managed-by: kustomize-v{version}\n")), "{output}");
    }
    let (_, stderr, code) = told(manifestd(), folder.path(), &["--kustomize-version", "5.0"]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("kustomize version \"5.0\" is not known; known are 5.8.1, 5.8.3"), "{stderr}");
}
