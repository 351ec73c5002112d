//! The measured vectors of the shared material: every deterministic one gives what helm gave, for each version.
//!
//! They are not part of this repository: the test says so and is skipped where they are absent.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot read its cases has to fail, and says what differs"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use manifestd_helm::{HelmVersion, MessageLog, Output, Printing, Release, ValuesOptions, load};
use serde_json::Value;
use tree::{MemoryTree, Tree, TreePath};

/// Vectors of helm's engine alone: the program refuses their charts before it renders them, and so do we.
const REFUSED_BY_THE_PROGRAM: &[&str] = &["vals/dep.missing"];

/// The versions the vectors were measured with.
const MEASURED: [HelmVersion; 3] = [HelmVersion::V3_21_4, HelmVersion::V4_2_1, HelmVersion::V4_2_4];

const CHART: &str = "apiVersion: v2\nname: c\nversion: 0.1.0\nappVersion: 1.2.3\n";

fn vectors() -> Option<String> {
    let shared = std::env::var("MANIFESTD_SHARED")
        .map_or_else(|_| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let path = shared.join("cases/helm/vectors.jsonl");
    let text = std::fs::read_to_string(&path).ok();
    if text.is_none() {
        eprintln!(
            "skipped: no vectors.jsonl; put the shared material beside the checkout or set MANIFESTD_SHARED"
        );
    }
    text
}

fn strings(input: &Value, key: &str) -> Vec<String> {
    let list = input[key].as_array().into_iter().flatten();
    list.map(|item| item.as_str().unwrap().to_owned()).collect()
}

fn chart_tree(input: &Value) -> (Arc<dyn Tree>, Option<String>) {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    let mut raw = input["raw"].as_str().map(str::to_owned);
    if let Some(map) = input["files"].as_object() {
        files.extend(map.iter().map(|(name, text)| (format!("c/{name}"), text.as_str().unwrap().to_owned())));
    }
    if let Some(template) = input["tpl"].as_str() {
        files.insert("c/templates/t.yaml".to_owned(), template.to_owned());
        raw = Some("c/templates/t.yaml".to_owned());
    }
    files.entry("c/Chart.yaml".to_owned()).or_insert_with(|| CHART.to_owned());
    let mut tree = MemoryTree::builder();
    for (name, text) in files {
        tree.file(TreePath::parse(&name).unwrap(), text.into_bytes());
    }
    (Arc::new(tree.build().unwrap()), raw)
}

fn run(input: &Value, version: HelmVersion) -> Result<Vec<u8>, String> {
    let (tree, raw) = chart_tree(input);
    let path = TreePath::parse("c").unwrap();
    let log = MessageLog::new(version.profile());
    let chart = load(&*tree, &path, version.profile(), &log).map_err(|error| error.to_string())?;
    let mut values = ValuesOptions {
        set: strings(input, "set"),
        set_string: strings(input, "setString"),
        set_json: strings(input, "setJson"),
        set_literal: strings(input, "setLiteral"),
        ..ValuesOptions::default()
    };
    if let Some(text) = input["values"].as_str() {
        values.files.push(("values.yaml".to_owned(), text.as_bytes().to_vec()));
    }
    let api_versions = strings(input, "apiVersions");
    let release = Release {
        version,
        name: input["name"].as_str().unwrap_or("release-name"),
        namespace: input["namespace"].as_str().unwrap_or("default"),
        is_upgrade: input["isUpgrade"].as_bool().unwrap_or(false),
        kube_version: input["kubeVersion"].as_str(),
        api_versions: &api_versions,
        values: &values,
        skip_schema_validation: false,
        seed: [7; 32],
        now: 1_700_000_000,
        limits: gotmpl::Limits::default(),
        stop: &|| false,
        raw: raw.is_some(),
    };
    let output = release
        .render(&*tree, &chart, &mut |name| Err(format!("open {name}: no such file")), &log)
        .map_err(|error| error.to_string())?;
    if let Some(raw) = raw {
        return Ok(output.raw.get(raw.as_str()).cloned().unwrap_or_default());
    }
    let printing = Printing {
        no_hooks: input["noHooks"].as_bool().unwrap_or(false),
        skip_tests: input["skipTests"].as_bool().unwrap_or(false),
    };
    let printed = output.print(input["includeCrds"].as_bool().unwrap_or(false), printing);
    let only = strings(input, "showOnly");
    if only.is_empty() {
        return Ok(printed);
    }
    Output::show_only(&printed, &only, version).map_err(|error| error.to_string())
}

#[test]
fn vectors_give_what_helm_gave() {
    let Some(text) = vectors() else { return };
    let filter = std::env::var("VECTORS").unwrap_or_default();
    let run_all = move || {
        let mut failures: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut count = 0;
        for line in text.lines() {
            let vector: Value = serde_json::from_str(line).unwrap();
            let id = vector["id"].as_str().unwrap();
            if vector["nondeterministic"].as_bool() == Some(true) || !id.starts_with(&filter) {
                continue;
            }
            if REFUSED_BY_THE_PROGRAM.contains(&id) {
                let refused = run(&vector["in"], HelmVersion::default()).unwrap_err();
                assert!(refused.contains("missing in charts/ directory"), "{id}: {refused}");
                continue;
            }
            for version in MEASURED {
                let key = format!("helm-{version}");
                let want = if vector[&key].is_object() { &vector[&key] } else { &vector["helm-4.2.1"] };
                count += 1;
                let got = run(&vector["in"], version).map(|out| String::from_utf8_lossy(&out).into_owned());
                let same = match (&got, want["out"].as_str(), want["err"].as_str()) {
                    (Ok(got), Some(want), _) => got == want,
                    (Err(got), None, Some(want)) => got == want || got.contains(want),
                    _ => false,
                };
                if !same {
                    let suite = id.split('/').next().unwrap().to_owned();
                    failures.entry(suite).or_default().push(format!(
                        "{id} ({version})\n  in   {}\n  want {want}\n  got  {got:?}",
                        vector["in"]
                    ));
                }
            }
        }
        let total: usize = failures.values().map(Vec::len).sum();
        for (suite, failures) in &failures {
            eprintln!("== {suite}: {} of {count} differ", failures.len());
            for failure in failures {
                eprintln!("{failure}");
            }
        }
        eprintln!("{total} of {count} differ");
        total
    };
    let thread = std::thread::Builder::new().stack_size(512 << 20).spawn(run_all).unwrap();
    assert_eq!(thread.join().unwrap(), 0);
}
