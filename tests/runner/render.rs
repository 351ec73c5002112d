//! Directory and Jsonnet sources, case by case: `testdata/<suite>/<case>/` holds `repo/`, the options in `case.json`
//! (all optional) and what comes out, `expected.txt` or `error.txt`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use manifestd::error::Error;
use manifestd::render::{Budgets, Engines, Job, Stop, jsonnet, render};
use manifestd::request::{DirectoryOptions, JsonnetOptions, JsonnetVar, Manifests, Renderer};
use serde::Deserialize;
use testkit::{Case, cases};
use tree::{MemoryBuilder, MemoryTree, TreePath};

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
        jsonnet: jsonnet::Settings {
            program: env!("CARGO_BIN_EXE_manifestd").into(),
            memory: options.megabytes.unwrap_or(256) << 20,
        },
        ..Engines::default()
    };
    let shown =
        render(&job(case, options), &engines).map(|found| listed(&found)).map_err(|error| explained(&error));
    case.check("txt", shown.as_deref().map_err(String::as_str))
}

fn job(case: &Case, options: Options) -> Job {
    let defaults = Budgets::default();
    let budgets = Budgets {
        directory_bytes: options.directory_bytes.unwrap_or(defaults.directory_bytes),
        output_bytes: options.output_bytes.unwrap_or(defaults.output_bytes),
        ..defaults
    };
    Job {
        tree: Arc::new(repository(&case.path.join("repo"), &options)),
        path: TreePath::parse(&options.path).unwrap(),
        lent: BTreeMap::new(),
        stop: Stop::after(Duration::from_secs(options.seconds.unwrap_or(60))),
        renderer: if options.detect { Renderer::Detect } else { Renderer::Directory(directory(options)) },
        name: String::new(),
        namespace: String::new(),
        kube_version: None,
        api_versions: Vec::new(),
        inputs: Arc::default(),
        budgets,
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
