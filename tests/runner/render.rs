//! Directory and Jsonnet sources, case by case: `testdata/<suite>/<case>/` holds `repo/`, the options in `case.json`
//! (all optional) and what comes out, `expected.txt` or `error.txt`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use manifestd::error::{Error, Kind};
use manifestd::inspect;
use manifestd::render::worker::{WorkerPool, WorkerSettings};
use manifestd::render::{Budgets, Chance, Engines, Job, Stop, jsonnet, render};
use manifestd::request::{DirectoryOptions, JsonnetOptions, JsonnetVar, Manifests, Renderer};
use serde::Deserialize;
use testkit::{Case, cases};
use tree::{MemoryBuilder, MemoryTree, Recorder, Tree, TreePath};

/// `case.json`.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    path: String,
    detect: bool,
    recurse: bool,
    include: String,
    exclude: String,
    ext: Vec<Var>,
    tla: Vec<Var>,
    libs: Vec<String>,
    /// Links to add: path to text.
    links: BTreeMap<String, String>,
    /// Submodule entries to add.
    submodules: Vec<String>,
    /// Empty folders to add.
    folders: Vec<String>,
    /// Files made of a text, repeated: path to text and number.
    repeated: BTreeMap<String, (String, usize)>,
    directory_bytes: Option<u64>,
    output_bytes: Option<u64>,
    seconds: Option<u64>,
    megabytes: Option<u64>,
}

#[derive(Default, Deserialize)]
struct Var {
    name: String,
    value: String,
    #[serde(default)]
    code: bool,
}

#[test]
fn directory_cases() {
    run("testdata/directory");
}

#[test]
fn jsonnet_cases() {
    run("testdata/jsonnet");
}

fn run(suite: &str) {
    let results = cases(suite).into_iter().map(|case| check(&case));
    let wrong: Vec<String> = results.filter_map(Result::err).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn check(case: &Case) -> Result<(), String> {
    let options: Options = case.find("case.json").map_or_else(Options::default, |text| {
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", case.name))
    });
    let engines = Engines {
        jsonnet: evaluation(env!("CARGO_BIN_EXE_manifestd"), options.megabytes.unwrap_or(256)),
        ..Engines::default()
    };
    let shown =
        render(&job(case, options), &engines).map(|found| listed(&found)).map_err(|error| explained(&error));
    case.check("txt", shown.as_deref().map_err(String::as_str))
}

fn job(case: &Case, options: Options) -> Job {
    let mut job = job_of(Arc::new(repository(&case.path.join("repo"), &options)), &options.path);
    job.budgets.directory_bytes = options.directory_bytes.unwrap_or(job.budgets.directory_bytes);
    job.budgets.output_bytes = options.output_bytes.unwrap_or(job.budgets.output_bytes);
    job.stop = Stop::after(options.seconds.map_or(job.budgets.time, Duration::from_secs));
    if !options.detect {
        job.renderer = Renderer::Directory(directory(options));
    }
    job
}

/// A job that renders a folder with whatever it asks for.
fn job_of(tree: Arc<dyn Tree>, path: &str) -> Job {
    Job {
        tree,
        path: TreePath::parse(path).unwrap(),
        remotes: Arc::default(),
        lent: BTreeMap::new(),
        renderer: Renderer::Detect,
        name: String::new(),
        namespace: String::new(),
        kube_version: None,
        api_versions: Vec::new(),
        inputs: Arc::default(),
        chance: Chance::default(),
        budgets: Budgets::default(),
        stop: Stop::after(Duration::from_secs(60)),
    }
}

fn directory(options: Options) -> DirectoryOptions {
    let variables = |from: Vec<Var>| {
        from.into_iter().map(|var| JsonnetVar { name: var.name, value: var.value, code: var.code }).collect()
    };
    DirectoryOptions {
        recurse: options.recurse,
        include: options.include,
        exclude: options.exclude,
        jsonnet: JsonnetOptions {
            ext_vars: variables(options.ext),
            tlas: variables(options.tla),
            libs: options.libs,
        },
    }
}

fn repository(folder: &Path, options: &Options) -> MemoryTree {
    let at = |path: &str| TreePath::parse(path).unwrap();
    let mut builder = MemoryTree::builder();
    add(&mut builder, folder, &TreePath::root());
    for (path, text) in &options.links {
        builder.link(at(path), text);
    }
    for path in &options.submodules {
        builder.submodule(at(path), [7; 20]);
    }
    for path in &options.folders {
        builder.folder(at(path));
    }
    for (path, (text, times)) in &options.repeated {
        builder.file(at(path), text.repeat(*times));
    }
    builder.build().unwrap()
}

fn add(builder: &mut MemoryBuilder, folder: &Path, at: &TreePath) {
    // A case may be made of `case.json` alone.
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.map(Result::unwrap) {
        let path = at.child(entry.file_name().to_str().unwrap());
        if entry.path().is_dir() {
            add(builder, &entry.path(), &path);
        } else {
            builder.file(path, fs::read(entry.path()).unwrap());
        }
    }
}

/// A line per manifest and warning.
fn listed(found: &Manifests) -> String {
    let mut lines = vec![format!("rendered by {}", found.renderers.join(", "))];
    for object in &found.objects {
        let names = [&object.group, &object.version, &object.kind, &object.namespace, &object.name];
        let id = names.map(String::as_str).join("|");
        lines.push(format!("{}: {id}\n  {}", object.file, String::from_utf8_lossy(&object.json)));
    }
    lines.extend(found.warnings.iter().map(|warning| format!("warning: {warning}")));
    lines.join("\n") + "\n"
}

/// The error and everything a person would be shown with it.
fn explained(error: &Error) -> String {
    let mut text = format!("{:?}: {error}\n", error.kind());
    if let Some(place) = error.place().filter(|place| !place.text.is_empty()) {
        let caret = " ".repeat(place.column.saturating_sub(1) as usize);
        text += &format!("| {}\n| {caret}^\n", place.text);
    }
    if let Some(help) = error.advice() {
        text += &format!("help: {help}\n");
    }
    text
}

/// A job that renders `app` with recursion over a recorded tree.
fn recorded(files: &[(&'static str, &'static str)]) -> (Job, Arc<Recorder>) {
    let tree = MemoryTree::from_files(files.iter().copied()).unwrap();
    let recorder = Arc::new(Recorder::new(Arc::new(tree)));
    let options =
        DirectoryOptions { recurse: true, exclude: "skipped/*".to_owned(), ..DirectoryOptions::default() };
    let mut job = job_of(Arc::clone(&recorder) as Arc<dyn Tree>, "app");
    job.renderer = Renderer::Directory(options);
    (job, recorder)
}

fn engines() -> Engines {
    Engines { jsonnet: evaluation(env!("CARGO_BIN_EXE_manifestd"), 256), ..Default::default() }
}

/// Jsonnet programs in workers that are this program, with so much memory.
fn evaluation(program: &str, megabytes: u64) -> jsonnet::Evaluation {
    let settings =
        WorkerSettings { program: program.into(), memory: megabytes << 20, ..WorkerSettings::default() };
    jsonnet::Evaluation::InWorker(WorkerPool::new(settings))
}

#[test]
fn only_what_was_looked_at_is_a_fact() {
    let before = [
        ("app/a.yaml", "kind: A\n"),
        ("app/main.jsonnet", "import '../lib/b.libsonnet'"),
        ("app/README.md", "one"),
        ("app/skipped/x.yaml", "kind: X\n"),
        ("lib/b.libsonnet", "{ kind: 'B' }"),
        ("lib/c.libsonnet", "1"),
        ("other/a.yaml", "kind: Other\n"),
    ];
    let (job, recorder) = recorded(&before);
    assert_eq!(render(&job, &engines()).unwrap().objects.len(), 2);
    let reads = recorder.reads().with_inputs(&job.inputs);
    let broken_by = |path: &'static str, text: &'static str| {
        let after = before.into_iter().filter(|file| file.0 != path).chain([(path, text)]);
        reads.check(&MemoryTree::from_files(after).unwrap(), &|_| None).unwrap()
    };
    for path in ["app/README.md", "app/skipped/x.yaml", "lib/c.libsonnet", "lib/new", "other/new.yaml", "new"]
    {
        assert_eq!(broken_by(path, "changed"), None, "{path} was not looked at");
    }
    for path in ["app/a.yaml", "app/main.jsonnet", "lib/b.libsonnet", "app/new.txt", "app/skipped/new"] {
        assert!(broken_by(path, "changed").is_some(), "{path} was looked at");
    }
}

#[test]
fn a_stopped_program_ends_at_once() {
    let (job, _) = recorded(&[("app/a.jsonnet", "local f(x) = f(x + 1) tailstrict; f(1)")]);
    let stop = job.stop.clone();
    let rendering = std::thread::spawn(move || render(&job, &engines()));
    std::thread::sleep(Duration::from_millis(200));
    stop.raise();
    assert_eq!(rendering.join().unwrap().unwrap_err().kind(), Kind::Cancelled);
    assert!(stop.left() > Duration::from_secs(30), "long before its time is up");
}

#[test]
fn a_worker_that_cannot_start_is_said_to_be_one() {
    let (job, _) = recorded(&[("app/a.jsonnet", "{ kind: 'A' }")]);
    let engines = Engines { jsonnet: evaluation("/nowhere/manifestd", 256), ..Default::default() };
    let error = render(&job, &engines).unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable);
    assert!(!error.to_string().contains("/nowhere"), "{error}");
}

#[test]
fn the_example_applications_are_found_and_rendered() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/apps");
    let tree: Arc<dyn Tree> = Arc::new(repository(&folder, &Options::default()));
    let found = inspect::apps(&*tree, &Stop::after(Duration::from_secs(60))).unwrap();
    let found: Vec<_> = found.iter().map(|(path, kind)| format!("{path} {}", kind.name())).collect();
    assert_eq!(
        found,
        ["helm Helm", "kustomize/base Kustomize", "kustomize/production Kustomize"],
        "folders of plain files are no applications unless somebody says so"
    );
    for app in ["guestbook", "jsonnet", "mixed"] {
        let rendered = render(&job_of(Arc::clone(&tree), app), &engines()).unwrap();
        assert!(rendered.objects.len() > 1, "{app}: {rendered:?}");
    }
    let error = render(&job_of(tree, "jsonnet-arguments"), &engines()).unwrap_err();
    assert!(error.message().contains("missing argument"), "{error}");
}
