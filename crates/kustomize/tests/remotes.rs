//! Parts of other repositories and of the web: what is wanted, and how it is built once it is mounted.

#![expect(clippy::unwrap_used, reason = "a test may stop at once")]

use std::collections::BTreeMap;

use manifestd_kustomize::{Error, ErrorKind, LoadRestrictor, Mounted, Options, Want, build, wants};
use tree::{MemoryTree, TreePath};

const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n";

fn path(text: &str) -> TreePath {
    TreePath::parse(text).unwrap()
}

/// The application in `app`, its remote parts below `remote/`.
struct Case {
    tree: MemoryTree,
    remotes: BTreeMap<String, Mounted>,
}

impl Case {
    fn of(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| (*path, (*text).to_owned()));
        Self { tree: MemoryTree::from_files(files).unwrap(), remotes: BTreeMap::new() }
    }

    fn repository(mut self, entry: &str, at: &str) -> Self {
        self.remotes.entry(entry.to_owned()).or_default().repository = Some(path(at));
        self
    }

    fn file(mut self, entry: &str, at: &str) -> Self {
        self.remotes.entry(entry.to_owned()).or_default().file = Some(path(at));
        self
    }

    fn options(&self) -> Options<'_> {
        Options { remotes: self.remotes.clone(), display_root: "$ROOT", ..Options::default() }
    }

    fn wants(&self) -> Result<Vec<Want>, Error> {
        wants(&self.tree, &path("app"), &self.options())
    }

    /// The entries that are wanted: `file` or `repository` first where it is only one of them.
    fn wanted(&self) -> Vec<String> {
        let one = |want: Want| {
            let sort = match (want.file, want.repository) {
                (Some(_), Some(_)) => "either",
                (Some(_), None) => "file",
                _ => "repository",
            };
            format!("{sort} {}", want.entry)
        };
        self.wants().unwrap().into_iter().map(one).collect()
    }

    fn text(&self) -> String {
        build(&self.tree, &path("app"), &self.options()).unwrap().text()
    }

    fn error(&self) -> String {
        build(&self.tree, &path("app"), &self.options()).unwrap_err().to_string()
    }
}

#[test]
fn every_field_that_may_name_something_elsewhere_is_looked_at() {
    let kustomization = "
resources: [github.com/o/r//a, 'https://h/o/r', 'https://h/one.yaml', cm.yaml]
bases: ['git@h:o/r']
components: ['ssh://h/o/r?ref=x']
crds: ['https://h/crds']
configurations: ['https://h/configurations']
patches: [{path: 'https://h/patch'}]
patchesStrategicMerge: ['https://h/smp']
patchesJson6902: [{path: 'https://h/json', target: {kind: A, name: a}}]
replacements: [{path: 'https://h/replacements'}]
openapi: {path: 'https://h/schema'}
configMapGenerator: [{name: a, files: ['key=https://h/file'], envs: ['https://h/envs'], env: 'https://h/env'}]
secretGenerator: [{name: a, files: ['https://h/secret']}]
generators: ['https://h/o/generators.git']
transformers: [\"apiVersion: builtin\\nkind: PrefixTransformer\\nmetadata: {name: 'https://h/o/inline'}\"]
validators: ['https://h/o/validators//x']
";
    let mut wanted = Case::of(&[("app/kustomization.yaml", kustomization), ("app/cm.yaml", MAP)]).wanted();
    wanted.sort();
    let expected = [
        "either https://h/o/r",
        "file https://h/configurations",
        "file https://h/crds",
        "file https://h/env",
        "file https://h/envs",
        "file https://h/file",
        "file https://h/json",
        "file https://h/one.yaml",
        "file https://h/patch",
        "file https://h/replacements",
        "file https://h/schema",
        "file https://h/secret",
        "file https://h/smp",
        "repository git@h:o/r",
        "repository github.com/o/r//a",
        "repository https://h/o/generators.git",
        "repository https://h/o/validators//x",
        "repository ssh://h/o/r?ref=x",
    ];
    assert_eq!(wanted, expected);
}

#[test]
fn a_want_says_where_it_stands() {
    let case = Case::of(&[
        ("app/kustomization.yaml", "resources: [../base]\n"),
        ("base/Kustomization", "# https\nresources:\n- ../other\n- https://u:pw@h/o/r//x?ref=v1\n"),
    ]);
    let want = case.wants().unwrap().remove(0);
    assert_eq!((want.kustomization.as_str(), want.line), ("$ROOT/base/Kustomization", 4));
    assert_eq!(want.shown(), "https://u:***@h/o/r//x?ref=v1");
}

#[test]
fn a_mounted_base_is_built_and_walked() {
    let case = Case::of(&[
        ("app/kustomization.yaml", "resources: ['https://h/o/r//web?ref=v1']\nnamePrefix: my-\n"),
        ("remote/1/web/kustomization.yaml", "resources: [../common, 'https://h/o/more.git']\n"),
        ("remote/1/common/kustomization.yaml", "resources: [cm.yaml]\nnameSuffix: -x\n"),
        ("remote/1/common/cm.yaml", MAP),
        ("remote/2/kustomization.yaml", "resources: [s.yaml]\n"),
        ("remote/2/s.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: s}\n"),
    ]);
    assert_eq!(case.wanted(), ["repository https://h/o/r//web?ref=v1"]);
    let case = case.repository("https://h/o/r//web?ref=v1", "remote/1");
    assert_eq!(case.wanted(), ["repository https://h/o/more.git"]);
    let case = case.repository("https://h/o/more.git", "remote/2");
    assert_eq!(case.wanted(), [""; 0]);
    assert!(case.text().contains("name: my-web-x\n") && case.text().contains("name: my-s\n"));
}

#[test]
fn a_mounted_file_is_read_wherever_it_is_named() {
    let case = Case::of(&[
        (
            "app/kustomization.yaml",
            "resources: ['https://h/o/cm.yaml']\npatches: [{path: 'https://h/o/p'}]\n",
        ),
        ("remote/1", MAP),
        ("remote/2", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {a: b}\n"),
    ]);
    let case = case.file("https://h/o/cm.yaml", "remote/1").file("https://h/o/p", "remote/2");
    assert_eq!(case.wanted(), [""; 0]);
    assert!(case.text().contains("  a: b\n"));
}

#[test]
fn a_page_that_is_no_yaml_is_followed_by_the_repository() {
    let entry = "https://h/o/r";
    let case = Case::of(&[
        ("app/kustomization.yaml", "resources: ['https://h/o/r']\n"),
        ("remote/page", "<html>\n\t<p>: [x</p>\n"),
        ("remote/1/kustomization.yaml", "resources: [cm.yaml]\n"),
        ("remote/1/cm.yaml", MAP),
    ]);
    let case = case.file(entry, "remote/page");
    assert_eq!(case.wanted(), ["repository https://h/o/r"]);
    assert!(case.repository(entry, "remote/1").text().contains("name: web"));
}

#[test]
fn nothing_leads_out_of_a_mounted_repository() {
    let remote = |kustomization: &str| {
        let mut builder = MemoryTree::builder();
        let own = "resources: ['git@h:o/r//in']\n".to_owned();
        builder.file(path("app/kustomization.yaml"), own).file(path("app/cm.yaml"), MAP);
        builder.file(path("secret/kustomization.yaml"), "resources: [cm.yaml]\n");
        builder.file(path("secret/cm.yaml"), MAP).file(path("remote/2/cm.yaml"), MAP);
        builder.file(path("remote/1/in/kustomization.yaml"), kustomization.to_owned());
        builder.file(path("remote/1/beside/cm.yaml"), MAP);
        builder.link(path("remote/1/in/link.yaml"), "../../../app/cm.yaml");
        builder.link(path("remote/1/in/around"), "../../../remote/1/in");
        builder.link(path("remote/1/in/dir"), "../../../secret");
        let tree = builder.build().unwrap();
        let case = Case { tree, remotes: BTreeMap::new() }.repository("git@h:o/r//in", "remote/1");
        assert_eq!(case.wanted(), [""; 0], "{kustomization}");
        let options = Options { load_restrictor: LoadRestrictor::None, ..case.options() };
        build(&case.tree, &path("app"), &options).unwrap_err().to_string()
    };
    for (kustomization, error) in [
        (
            "resources: [../../../secret]",
            "must be within the repo, but base '$ROOT/secret' is outside 'git@h:o/r'",
        ),
        (
            "components: [../../2]",
            "must be within the repo, but base '$ROOT/remote/2' is outside 'git@h:o/r'",
        ),
        ("resources: [../../../../x]", "no such file or directory"),
        ("resources: [link.yaml]", "the symbolic link leads out of the repository"),
        ("resources: [dir]", "the symbolic link leads out of the repository"),
        ("resources: [around]", "the symbolic link leads out of the repository"),
        ("patches: [{path: ../../../app/cm.yaml}]", "is not in or below 'git@h:o/r/in'"),
        // Inside of another repository the load restrictor holds whatever was asked for.
        ("patches: [{path: ../beside/cm.yaml}]", "is not in or below 'git@h:o/r/in'"),
        (
            "configMapGenerator: [{name: a, files: [../../../app/cm.yaml]}]",
            "is not in or below 'git@h:o/r/in'",
        ),
        ("configurations: [/etc/passwd]", "no such file or directory"),
    ] {
        let found = remote(kustomization);
        assert!(found.contains(error), "{kustomization}: {found}");
        assert!(!found.contains("remote/1"), "{kustomization}: {found}");
    }
}

#[test]
fn circles_through_repositories_end() {
    let case = Case::of(&[
        ("app/kustomization.yaml", "resources: ['git@h:o/r//a?ref=v1']\n"),
        ("remote/1/a/kustomization.yaml", "resources: ['git@h:o/s']\n"),
        ("remote/2/kustomization.yaml", "resources: ['git@h:o/r//a']\n"),
    ]);
    let case = case.repository("git@h:o/r//a?ref=v1", "remote/1").repository("git@h:o/s", "remote/2");
    assert_eq!(case.wanted(), ["repository git@h:o/r//a"]);
    let case = case.repository("git@h:o/r//a", "remote/1");
    assert_eq!(case.wanted(), [""; 0]);
    let cycle = "cycle detected: URI 'git@h:o/r//a' referenced by previous URI 'git@h:o/r//a?ref=v1'";
    assert!(case.error().contains(cycle), "{}", case.error());
}

#[test]
fn one_repository_may_use_its_own_folders_and_be_used_twice() {
    let case = Case::of(&[
        ("app/kustomization.yaml", "resources: ['git@h:o/r//a', 'git@h:o/r//b']\n"),
        ("remote/1/a/kustomization.yaml", "resources: [cm.yaml]\nnamePrefix: a-\n"),
        ("remote/1/a/cm.yaml", MAP),
        ("remote/1/b/kustomization.yaml", "resources: [../a]\nnamePrefix: b-\n"),
    ]);
    let case = case.repository("git@h:o/r//a", "remote/1").repository("git@h:o/r//b", "remote/1");
    assert!(case.text().contains("name: a-web\n") && case.text().contains("name: b-a-web\n"));
}

#[test]
fn origins_name_the_repository() {
    let case = Case::of(&[
        (
            "app/kustomization.yaml",
            "resources: ['git@h:o/r', 'git@h:o/r//sub?ref=v1']\nbuildMetadata: [originAnnotations]\n",
        ),
        ("remote/1/kustomization.yaml", "resources: [cm.yaml]\n"),
        ("remote/1/cm.yaml", MAP),
        ("remote/1/sub/kustomization.yaml", "resources: [../c]\n"),
        ("remote/1/c/kustomization.yaml", "resources: [cm.yaml]\n"),
        ("remote/1/c/cm.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n"),
    ]);
    let case = case.repository("git@h:o/r", "remote/1").repository("git@h:o/r//sub?ref=v1", "remote/1");
    let text = case.text();
    // As the program prints it of a file:// repository, the odd name of the root included.
    for origin in [
        "path: notCloned/cm.yaml\n      repo: git@h:o/r\n",
        "path: c/cm.yaml\n      repo: git@h:o/r\n      ref: v1\n",
    ] {
        assert!(text.contains(origin), "{text}");
    }
}

#[test]
fn what_is_not_mounted_is_an_error_of_its_own_kind() {
    for entry in ["github.com/o/r", "https://h/o/r", "https://h/x.yaml", "git@h:o/r"] {
        let case = Case::of(&[("app/kustomization.yaml", &format!("resources: ['{entry}']\n"))]);
        let error = build(&case.tree, &path("app"), &case.options()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Remote, "{entry}: {error}");
    }
}

#[test]
fn many_remote_parts_are_too_many() {
    use std::fmt::Write;
    let mut text = "resources:\n".to_owned();
    (0..65).for_each(|at| writeln!(text, "- git@h:o/r{at}").unwrap());
    let case = Case::of(&[("app/kustomization.yaml", &text)]);
    assert_eq!(case.wants().unwrap_err().kind(), ErrorKind::Limit);
}
