//! `bench template`: every chart of a folder in this one process, against the helm program run for each in turn.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::ArgMatches;
use helm::{HelmVersion, Printing, Release, ValuesOptions};
use serde_json::Value;
use tree::TreePath;

use super::failed;
use super::turn::{self, Peer};
use crate::error::{Error, Kind, Result};
use crate::source::Disk;

/// The name of the command, and of each release.
pub(super) const NAME: &str = "template";

/// A chart to render.
#[derive(Clone, Debug)]
pub(super) struct Chart {
    /// Its folder.
    folder: PathBuf,
    /// A values file.
    values: Option<PathBuf>,
}

/// The program to compare with.
pub(super) const HELM: Peer =
    Peer { name: "helm", unit: "charts", get: "install helm 4 (https://helm.sh/docs/intro/install/)" };

/// The command.
pub(super) fn command() -> clap::Command {
    clap::Command::new(NAME)
        .about("Render every chart of a folder, against the helm program where it is installed")
        .args(turn::args("A folder that holds charts, however deep, or cases.jsonl with input/"))
}

/// Measures both in turn and prints what they took.
///
/// # Errors
/// When the folder cannot be read, or holds no chart.
pub(super) fn run(matches: &ArgMatches) -> Result<()> {
    let charts = charts(&turn::folder(matches))?;
    turn::compare(&HELM, matches, &charts, ours, theirs)
}

fn ours(chart: &Chart) -> bool {
    rendered(chart).is_ok_and(|printed| !printed.is_empty())
}

/// What `helm template` would print; the files are read as the program reads them.
fn rendered(chart: &Chart) -> Result<Vec<u8>> {
    let invalid = |text: String| Error::new(Kind::Invalid, text);
    let tree = Disk::open(&chart.folder)?;
    let version = HelmVersion::default();
    let mut values = ValuesOptions::default();
    if let Some(path) = &chart.values {
        let content = fs::read(path).map_err(|error| failed("reading a values file", &error))?;
        values.files.push((path.display().to_string(), content));
    }
    let log = helm::MessageLog::new(version.profile());
    let loaded = helm::load(&tree, &TreePath::root(), version.profile(), &log);
    let loaded = loaded.map_err(|error| invalid(error.to_string()))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let release = Release {
        version,
        name: "release",
        namespace: "ns",
        is_upgrade: false,
        kube_version: None,
        api_versions: &[],
        values: &values,
        skip_schema_validation: false,
        seed: [0; 32],
        now: i64::try_from(now).unwrap_or_default(),
        limits: gotmpl::Limits::default(),
        stop: &|| false,
        raw: false,
    };
    let mut none = |name: &str| Err(format!("open {name}: no such file or directory"));
    let output =
        release.render(&tree, &loaded, &mut none, &log).map_err(|error| invalid(error.to_string()))?;
    Ok(output.print(true, Printing::default()))
}

fn theirs(chart: &Chart) -> bool {
    chart
        .command(Path::new(HELM.name))
        .stderr(Stdio::null())
        .output()
        .is_ok_and(|output| output.status.success())
}

impl Chart {
    /// The command line that renders it, for any program with helm's flags.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.args(["template", "release"]).arg(&self.folder).args(["--namespace", "ns", "--include-crds"]);
        if let Some(values) = &self.values {
            command.arg("--values").arg(values);
        }
        command.stdin(Stdio::null());
        command
    }

    /// What the program reads, in bytes.
    pub(super) fn input_bytes(&self) -> u64 {
        let values =
            self.values.as_deref().and_then(|file| fs::metadata(file).ok()).map_or(0, |file| file.len());
        turn::bytes_beneath(&self.folder) + values
    }
}

/// The charts of a folder, those inside of charts left out.
pub(super) fn charts(folder: &Path) -> Result<Vec<Chart>> {
    if let Some(charts) = turn::listed(folder, case)? {
        return Ok(charts);
    }
    let mut charts = Vec::new();
    turn::walk(folder, &mut |folder| {
        let is_chart = folder.join("Chart.yaml").is_file();
        charts.extend(is_chart.then(|| Chart { folder: folder.to_owned(), values: None }));
        Ok(!is_chart)
    })?;
    match charts.is_empty() {
        true => Err(Error::new(Kind::NotFound, "the folder holds no chart")
            .help("a chart is a folder with a Chart.yaml")),
        false => Ok(charts),
    }
}

/// The chart of one line of `cases.jsonl`. Its values file lies in the chart, else in the repository's folder.
fn case(input: &Path, case: &Value) -> Option<Chart> {
    let name = case["chart"].as_str()?;
    let folder = input.join(name);
    let values = case["values"].as_str().filter(|values| !values.is_empty()).map(|values| {
        let own = folder.join(values);
        let repository = input.join(name.split('/').next().unwrap_or(name));
        if own.exists() { own } else { repository.join(values) }
    });
    Some(Chart { folder, values })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charts_are_found_and_rendered() {
        let root = tempfile::tempdir().unwrap();
        let make = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        assert_eq!(charts(root.path()).unwrap_err().kind(), Kind::NotFound);
        let chart = "apiVersion: v2\nname: x\nversion: 1.0.0\n";
        make("b/Chart.yaml", chart);
        make("b/templates/x.yaml", "a: {{ .Values.a }}\n");
        make("b/charts/inner/Chart.yaml", chart);
        make("deep/er/a/Chart.yaml", "name: [\n");
        let found = charts(root.path()).unwrap();
        let measured = turn::measure_together(&found, 2, ours).unwrap();
        assert_eq!((measured.latencies.count(), measured.failures), (2, 1));
        make("input/r/c/Chart.yaml", chart);
        make("input/r/v.yaml", "a: 1");
        make("cases.jsonl", "{\"chart\": \"r/c\", \"values\": \"v.yaml\"}\n");
        let found = charts(root.path()).unwrap();
        assert_eq!(found.len(), 1);
        assert!(found[0].values.as_ref().unwrap().ends_with("input/r/v.yaml"));
        assert!(ours(&found[0]));
    }
}
