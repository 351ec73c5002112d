//! Hostile kustomizations: nothing outside of the tree is read, nothing is run, and whatever is too large, too deep or
//! endless ends with an error.

#![expect(clippy::unwrap_used, reason = "a test may stop at once")]

use std::cell::RefCell;
use std::fmt::Write;
use std::sync::Arc;

use bytes::Bytes;
use manifestd_kustomize::{
    Error, ErrorKind, HelmOptions, HelmRequest, Limits, LoadRestrictor, Options, build, wants,
};
use tree::{ContentId, Kind, MemoryTree, Named, Tree, TreePath};

const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {a: b}\n";
const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n\
                          spec: {template: {spec: {containers: [{name: a, image: 'x:1'}]}}}\n";

/// What must not come out anywhere.
const CANARY: &str = "s3cr3t-canary";

fn path(text: &str) -> TreePath {
    TreePath::parse(text).unwrap()
}

/// A tree with `app`, what lies beside it, and links that lead out.
fn tree(kustomization: &str) -> MemoryTree {
    let mut builder = MemoryTree::builder();
    builder.file(path("app/kustomization.yaml"), kustomization.to_owned());
    builder.file(path("app/cm.yaml"), MAP).file(path("app/dep.yaml"), DEPLOYMENT);
    builder.file(path("secret/kustomization.yaml"), format!("nameprefix: {CANARY}\n"));
    builder.file(path("secret/file.yaml"), format!("{CANARY}: [\n"));
    builder.file(path("app/evil/.data/plugins/x/plugin.yaml"), "name: x\ncommand: touch pwned\n");
    builder.file(path("app/charts/web/Chart.yaml"), "apiVersion: v2\nname: web\nversion: 1.0.0\n");
    builder.file(path("app/charts/web/values.yaml"), "a: 1\n");
    builder.link(path("app/out.yaml"), "../../etc/passwd").link(path("app/abs.yaml"), "/etc/passwd");
    builder.link(path("app/loop.yaml"), "loop.yaml").link(path("app/up"), "..").link(path("app/root"), "/");
    builder.link(path("app/beside.yaml"), "../secret/file.yaml");
    builder.build().unwrap()
}

fn fails(kustomization: &str) -> Error {
    let tree = tree(kustomization);
    let error = build(&tree, &path("app"), &Options::default()).expect_err(kustomization);
    assert!(!error.to_string().contains(CANARY), "{kustomization}: {error}");
    error
}

/// Every field that takes the path of a file, around `{}`.
const FILES: [&str; 13] = [
    "resources: ['{}']",
    "patches: [{path: '{}'}]",
    "patches: [{path: '{}', target: {kind: ConfigMap}}]",
    "patchesStrategicMerge: ['{}']",
    "patchesJson6902: [{path: '{}', target: {kind: ConfigMap, name: web, version: v1}}]",
    "configMapGenerator: [{name: a, files: ['{}']}]",
    "configMapGenerator: [{name: a, files: ['k={}']}]",
    "secretGenerator: [{name: a, envs: ['{}']}]",
    "configurations: ['{}']",
    "crds: ['{}']",
    "openapi: {path: '{}'}",
    "replacements: [{path: '{}'}]",
    "transformers: ['{}']",
];

/// Every field that takes the path of a folder.
const FOLDERS: [&str; 6] = [
    "resources: ['{}']",
    "bases: ['{}']",
    "components: ['{}']",
    "generators: ['{}']",
    "transformers: ['{}']",
    "validators: ['{}']",
];

#[test]
fn no_field_reads_a_file_outside() {
    let paths = [
        "/etc/passwd",
        "../../etc/passwd",
        "../../../../../../../../etc/passwd",
        "../secret/file.yaml",
        "./../secret/./file.yaml",
        "x/../../secret/file.yaml",
        "..\\\\secret\\\\file.yaml",
        "C:\\\\Windows\\\\win.ini",
        "file:///etc/passwd",
        "FILE:///etc/passwd",
        "out.yaml",
        "abs.yaml",
        "loop.yaml",
        "beside.yaml",
        "up/secret/file.yaml",
        "root/etc/passwd",
    ];
    for field in FILES {
        for path in paths {
            // The resource for what is patched comes after, so that only the path can be what is wrong.
            let own = if field.starts_with("resources") { "" } else { "\nresources: [cm.yaml]" };
            fails(&(field.replace("{}", path) + own));
        }
    }
}

#[test]
fn no_field_reads_a_folder_outside() {
    for field in FOLDERS {
        for path in [
            "/",
            "/etc",
            "../../x",
            "../..",
            "root",
            "up/..",
            "..",
            ".",
            "up/app",
            "../app",
            "../app/../app/.",
        ] {
            fails(&field.replace("{}", path));
        }
    }
}

#[test]
fn without_restrictions_the_tree_is_the_limit() {
    let options = Options { load_restrictor: LoadRestrictor::None, ..Options::default() };
    for file in ["../../etc/passwd", "/etc/passwd", "out.yaml", "abs.yaml", "root/etc/passwd"] {
        let tree = tree(&format!("configMapGenerator: [{{name: a, files: [k={file}]}}]"));
        assert!(build(&tree, &path("app"), &options).is_err(), "{file}");
    }
    let tree = tree("configMapGenerator: [{name: a, files: [k=../app/cm.yaml]}]");
    assert!(build(&tree, &path("app"), &options).is_ok());
}

#[test]
fn circles_end() {
    let circle = |files: &[(&str, &str)]| {
        let files = files.iter().map(|(path, text)| (*path, (*text).to_owned()));
        let tree = MemoryTree::from_files(files).unwrap();
        assert!(wants(&tree, &path("app"), &Options::default()).unwrap().is_empty());
        build(&tree, &path("app"), &Options::default()).unwrap_err().to_string()
    };
    for field in ["resources", "bases", "components", "generators", "transformers", "validators"] {
        let (there, back) = (format!("{field}: [../b]\n"), format!("{field}: [../app]\n"));
        let error = circle(&[("app/kustomization.yaml", &there), ("b/kustomization.yaml", &back)]);
        assert!(error.contains("cycle detected") || error.contains("expected kind 'Component'"), "{error}");
    }
}

#[test]
fn a_thousand_paths_to_one_base_are_walked_once_and_built_within_the_budget() {
    // Each level names the next one twice: 2^40 builds.
    let mut files = Vec::new();
    for level in 0..40 {
        let next = level + 1;
        files
            .push((format!("l{level}/kustomization.yaml"), "resources: [a, b]\nnamePrefix: x-\n".to_owned()));
        for side in ["a", "b"] {
            files.push((
                format!("l{level}/{side}/kustomization.yaml"),
                format!("resources: [../../l{next}]\nnameSuffix: -{side}\n"),
            ));
        }
    }
    files.push(("l40/kustomization.yaml".to_owned(), "resources: [cm.yaml]\n".to_owned()));
    files.push(("l40/cm.yaml".to_owned(), MAP.to_owned()));
    let tree =
        MemoryTree::from_files(files.iter().map(|(path, text)| (path.as_str(), text.clone()))).unwrap();
    assert!(wants(&tree, &path("l0"), &Options::default()).unwrap().is_empty());
    let limits = Limits { files: 300, ..Limits::default() };
    let error = build(&tree, &path("l0"), &Options { limits, ..Options::default() }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
}

#[test]
fn kustomizations_nest_only_so_deep() {
    let mut files = Vec::new();
    for level in 0..300 {
        files.push((format!("l{level}/kustomization.yaml"), format!("resources: [../l{}]\n", level + 1)));
    }
    let tree =
        MemoryTree::from_files(files.iter().map(|(path, text)| (path.as_str(), text.clone()))).unwrap();
    let error = build(&tree, &path("l0"), &Options::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    assert_eq!(wants(&tree, &path("l0"), &Options::default()).unwrap_err().kind(), ErrorKind::Limit);
}

/// A document whose aliases stand for 9^9 nodes.
fn bomb(head: &str) -> String {
    let mut text = format!("{head}a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        let below = vec![format!("*a{}", level - 1); 9].join(", ");
        writeln!(text, "a{level}: &a{level} [{below}]").unwrap();
    }
    text
}

/// Options with a budget that a debug build uses up in a moment.
fn small() -> Options<'static> {
    let yaml = yaml::Limits { nodes: 100_000, ..yaml::Limits::default() };
    Options { limits: Limits { yaml, ..Limits::default() }, ..Options::default() }
}

#[test]
fn alias_bombs_do_not_go_off() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bomb}\n";
    for evil in
        [bomb(head), format!("{head}data: {deep}\n"), format!("{head}data: {}\n", "{a: ".repeat(50_000))]
    {
        for field in FILES {
            let kustomization = field.replace("{}", "evil.yaml");
            let own = if field.starts_with("resources") { "" } else { "\nresources: [cm.yaml]" };
            let files = [
                ("app/kustomization.yaml", format!("{kustomization}{own}\n")),
                ("app/cm.yaml", MAP.to_owned()),
                ("app/evil.yaml", evil.clone()),
            ];
            let tree = MemoryTree::from_files(files).unwrap();
            // Data of a generator are bytes, whatever they mean.
            let result = build(&tree, &path("app"), &small());
            let bytes = ["files:", "envs:"].iter().any(|name| field.contains(name));
            assert_eq!(result.is_ok(), bytes, "{field}: {result:?}");
        }
        let tree = MemoryTree::from_files([("app/kustomization.yaml", evil)]).unwrap();
        assert!(build(&tree, &path("app"), &small()).is_err());
        drop(wants(&tree, &path("app"), &small()));
    }
}

#[test]
fn large_numbers_and_names_end() {
    let own = "\nresources: [dep.yaml]\n";
    let long = "x".repeat(1 << 20);
    for (kustomization, good) in [
        ("replicas: [{name: web, count: 9223372036854775807}]".to_owned(), true),
        ("replicas: [{name: web, count: 9223372036854775808}]".to_owned(), false),
        ("replicas: [{name: web, count: -1}]".to_owned(), true),
        ("replicas: [{name: web, count: 1e999}]".to_owned(), false),
        (format!("namePrefix: {long}"), true),
        (format!("images: [{{name: '{}', newTag: v1}}]", &long[..10_000]), true),
    ] {
        let result = build(&tree(&(kustomization.clone() + own)), &path("app"), &Options::default());
        assert_eq!(result.is_ok(), good, "{}", &kustomization[..60.min(kustomization.len())]);
    }
}

#[test]
fn expressions_that_would_take_for_ever_do_not() {
    let own = "\nresources: [dep.yaml]\n";
    let nested = format!("{}a{}", "(".repeat(5_000), ")".repeat(5_000));
    let large = "(((a{1,200}){1,200}){1,200}){1,200}".to_owned();
    let slow = "(a+)+(b|bb)*(x.*)*y$".to_owned();
    for expression in [&nested, &large, &slow] {
        for field in [
            format!("images: [{{name: '{expression}', newTag: v1}}]"),
            format!("patches: [{{patch: '[]', target: {{name: '{expression}'}}}}]"),
            format!("patches: [{{patch: '[]', target: {{kind: '{expression}'}}}}]"),
            format!(
                "replacements: [{{source: {{kind: Deployment}}, targets: [{{select: {{name: '{expression}'}}, fieldPaths: [x]}}]}}]"
            ),
            format!(
                "replacements: [{{source: {{kind: Deployment}}, targets: [{{select: {{kind: Deployment}}, fieldPaths: ['spec.template.spec.containers.[name={expression}].image']}}]}}]"
            ),
        ] {
            // Either is fine, as long as it ends.
            drop(build(&tree(&(field + own)), &path("app"), &Options::default()));
        }
    }
}

#[test]
fn nothing_is_run() {
    let function = |annotation: &str, body: &str| {
        format!(
            "apiVersion: example.com/v1\nkind: Fn\nmetadata: {{name: f, annotations: {{config.kubernetes.io/function: '{annotation}'}}}}\n{body}"
        )
    };
    let plugins = [
        function("{exec: {path: ./run.sh}}", ""),
        function("{container: {image: \"evil:1\", network: true, mounts: [{type: bind, src: /, dst: /host}]}}", ""),
        function("{starlark: {path: x.star}}", ""),
        function("{starlark: {url: \"https://h/x.star\"}}", ""),
        "apiVersion: someteam.example.com/v1\nkind: ChartInflator\nmetadata: {name: f}\nargsOneLiner: touch pwned\n".to_owned(),
        "apiVersion: someteam.example.com/v1\nkind: ../../../bin/sh\nmetadata: {name: f}\n".to_owned(),
        "apiVersion: builtin\nkind: ExecPlugin\nmetadata: {name: f}\n".to_owned(),
    ];
    for plugin in plugins {
        for field in ["generators", "transformers", "validators"] {
            let files = [
                ("app/kustomization.yaml", format!("resources: [cm.yaml]\n{field}: [f.yaml]\n")),
                ("app/cm.yaml", MAP.to_owned()),
                ("app/f.yaml", plugin.clone()),
                ("app/run.sh", "#!/bin/sh\ntouch pwned\n".to_owned()),
                ("app/x.star", "fail()".to_owned()),
            ];
            let tree = MemoryTree::from_files(files).unwrap();
            assert!(wants(&tree, &path("app"), &Options::default()).unwrap().is_empty());
            let error = build(&tree, &path("app"), &Options::default()).expect_err(&plugin);
            let words = ["plugin", "unable to load builtin"];
            assert!(words.iter().any(|word| error.to_string().contains(word)), "{field}: {error}");
        }
    }
    // Among resources a function is a resource like any other.
    let files = [
        ("app/kustomization.yaml", "resources: [f.yaml]\n".to_owned()),
        ("app/f.yaml", function("{exec: {path: ./run.sh}}", "")),
    ];
    assert!(build(&MemoryTree::from_files(files).unwrap(), &path("app"), &Options::default()).is_ok());
}

#[test]
fn charts_take_no_program_and_no_configuration_of_the_repository() {
    let asked = RefCell::new(0);
    let render = |_: &HelmRequest<'_>| {
        *asked.borrow_mut() += 1;
        Ok(MAP.to_owned())
    };
    for kustomization in [
        "helmGlobals: {configHome: ./evil}\nhelmCharts: [{name: web}]\n",
        "helmGlobals: {configHome: /etc/helm}\nhelmCharts: [{name: web}]\n",
        "helmGlobals: {chartHome: ../../x}\nhelmCharts: [{name: web}]\n",
        "helmGlobals: {chartHome: /}\nhelmCharts: [{name: web}]\n",
        "helmGlobals: {chartHome: root/x}\nhelmCharts: [{name: web}]\n",
        "helmCharts: [{name: ../../../x}]\n",
        "helmCharts: [{name: web, repo: 'https://h/charts', version: 1.0.0}]\n",
        "helmCharts: [{name: web, repo: 'oci://h/charts', version: 1.0.0}]\n",
        "helmCharts: [{name: none, repo: 'file:///charts'}]\n",
        "helmCharts: [{name: none, repo: '--post-renderer=x'}]\n",
        "helmCharts: [{name: web, valuesFile: /etc/passwd}]\n",
        "helmCharts: [{name: web, valuesFile: ../../etc/passwd}]\n",
        "helmCharts: [{name: web, additionalValuesFiles: [abs.yaml]}]\n",
        "helmChartInflationGenerator: [{chartName: web, helmHome: ./evil}]\n",
        "helmChartInflationGenerator: [{chartName: web, chartHome: ../../x}]\n",
        "helmCharts: [{name: web, helmCommand: ./evil/helm}]\n",
        "helmCommand: ./evil/helm\nhelmCharts: [{name: web}]\n",
    ] {
        let helm = HelmOptions { renderer: &render, kube_version: "", api_versions: &[], debug: false };
        let options = Options { helm: Some(helm), ..Options::default() };
        let result = build(&tree(kustomization), &path("app"), &options);
        assert!(result.is_err(), "{kustomization}");
    }
    assert_eq!(*asked.borrow(), 0, "not one of them came as far as its chart");
}

#[test]
fn addresses_that_are_options_are_refused_before_anything_is_wanted() {
    for entry in [
        "https://h/r/x?ref=--upload-pack=touch /tmp/pwn",
        "https://h/o/r?version=--upload-pack=touch",
        "https://h/o/r?ref=%2d%2dupload-pack=touch",
        "https://h/o/r?ref=v1%0a--upload-pack=touch",
        "ssh://-oProxyCommand=x/o/r",
        "git@-oProxyCommand=x:o/r",
        "git@h:-o/r",
        "https://h/-o/r",
        "file:///etc/r",
        "ext::sh -c touch",
        "git::fd::17",
    ] {
        for field in ["resources", "bases", "components", "generators", "transformers", "validators"] {
            let tree = tree(&format!("{field}: ['https://h/good/r.git', '{entry}']\n"));
            let error = wants(&tree, &path("app"), &Options::default()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Address, "{field}: {entry}: {error}");
            // The one before it is missing; alone it is refused by the build, too.
            let error = fails(&format!("{field}: ['{entry}']\n"));
            assert_eq!(error.kind(), ErrorKind::Address, "{field}: {entry}: {error}");
        }
    }
    for field in ["crds", "configurations", "patchesStrategicMerge"] {
        let tree = tree(&format!("{field}: [\"https://h/x\\n--upload-pack=x\", 'https://-h/x']\n"));
        let error = wants(&tree, &path("app"), &Options::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Address, "{field}: {error}");
    }
}

#[test]
fn reading_stops_when_it_is_told_to_and_at_its_budgets() {
    let stopped = Options { stop: &|| true, ..Options::default() };
    let error = build(&tree("resources: [cm.yaml]"), &path("app"), &stopped).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit);
    let large = |limits: Limits| {
        let files = [
            ("app/kustomization.yaml", "resources: [a.yaml]\n".to_owned()),
            (
                "app/a.yaml",
                (0..100).map(|at| format!("---\n{}", MAP.replace("web", &format!("m{at}")))).collect(),
            ),
        ];
        let options = Options { limits, ..Options::default() };
        build(&MemoryTree::from_files(files).unwrap(), &path("app"), &options).map_err(|error| error.kind())
    };
    assert!(large(Limits::default()).is_ok());
    for limits in [
        Limits { bytes: 1_000, ..Limits::default() },
        Limits { files: 1, ..Limits::default() },
        Limits { resources: 99, ..Limits::default() },
    ] {
        assert_eq!(large(limits), Err(ErrorKind::Limit), "{limits:?}");
    }
}

#[test]
fn a_store_that_fails_is_never_an_absence() {
    for file in ["app/cm.yaml", "app/kustomization.yaml"] {
        let failing = |path: &TreePath| path.as_str() == file;
        let tree = Broken { tree: tree("resources: [cm.yaml]\n"), failing: &failing };
        let error = build(&tree, &path("app"), &Options::default()).unwrap_err();
        assert!(error.tree().is_some(), "{file}: {error}");
    }
}

/// A tree whose store fails for some paths.
struct Broken<'t> {
    tree: MemoryTree,
    failing: &'t (dyn Fn(&TreePath) -> bool + Sync),
}

impl Broken<'_> {
    fn check(&self, path: &TreePath) -> Result<&MemoryTree, tree::Error> {
        if (self.failing)(path) { Err(tree::Error::store(path, "disk")) } else { Ok(&self.tree) }
    }
}

impl Tree for Broken<'_> {
    fn kind(&self, path: &TreePath) -> Result<Option<Kind>, tree::Error> {
        self.check(path)?.kind(path)
    }

    fn id(&self, path: &TreePath) -> Result<Option<ContentId>, tree::Error> {
        self.check(path)?.id(path)
    }

    fn list(&self, path: &TreePath) -> Result<Arc<[Named]>, tree::Error> {
        self.check(path)?.list(path)
    }

    fn size(&self, path: &TreePath) -> Result<u64, tree::Error> {
        self.check(path)?.size(path)
    }

    fn read(&self, path: &TreePath) -> Result<Bytes, tree::Error> {
        self.check(path)?.read(path)
    }

    fn link(&self, path: &TreePath) -> Result<Arc<str>, tree::Error> {
        self.check(path)?.link(path)
    }
}
