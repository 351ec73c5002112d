//! `helm template` in a room (spec: argocd.md §3.3).

use bytes::Bytes;
use tree::TreePath;

use super::export::Export;
use super::room::Room;
use super::{Run, Settings, schema};
use crate::error::{Error, Kind, Result};
use crate::render::documents::Printed;
use crate::render::values::{self, File, SOURCE};
use crate::render::{Job, VENDOR, release};
use crate::request::HelmOptions;

/// Renders the chart in `folder`, which leads through no link.
///
/// # Errors
/// What helm says ([`Kind::Invalid`]); a missing dependency or program ([`Kind::Precondition`]); files that do not
/// exist, leave the repository, or are too large.
pub fn helm(job: &Job, folder: &TreePath, settings: &Settings, options: &HelmOptions) -> Result<Printed> {
    settings.helm.require()?;
    if let Some(version) = options.version {
        let message =
            format!("helm {version} was asked for, but charts are rendered with the helm program here");
        return Err(Error::new(Kind::Precondition, message).help("leave the version to the server"));
    }
    let mut room = Room::new(settings, &job.budgets)?;
    Export::new(&*job.tree, SOURCE, &job.stop).reach(&mut room, folder)?;
    if !options.skip_schema_validation {
        schema::check(job, folder)?;
    }
    let arguments = Arguments { job, folder, options }.all(&mut room)?;
    let run = Run {
        program: &settings.helm,
        title: "helm template .",
        arguments,
        folder: room.place(SOURCE, folder),
        environment: environment(&room),
    };
    let (documents, stderr) = run.run(job, &room).map_err(|error| explain(&error))?;
    Ok(Printed { documents, warnings: warnings(&stderr) })
}

/// Homes of helm's own, without plugins, repositories or clusters.
fn environment(room: &Room) -> Vec<(&'static str, String)> {
    let within = |name: &str| room.path().join(name).to_string_lossy().into_owned();
    vec![
        ("HELM_CACHE_HOME", within("home/cache")),
        ("HELM_CONFIG_HOME", within("home/config")),
        ("HELM_DATA_HOME", within("home/data")),
        ("HELM_NO_PLUGINS", "1".to_owned()),
        ("KUBECONFIG", "/dev/null".to_owned()),
    ]
}

/// The options of one call, as arguments. A value never stands alone, so that none can become an option.
struct Arguments<'a> {
    job: &'a Job,
    folder: &'a TreePath,
    options: &'a HelmOptions,
}

impl Arguments<'_> {
    fn all(&self, room: &mut Room) -> Result<Vec<String>> {
        let mut arguments = vec!["template".to_owned(), ".".to_owned()];
        arguments.extend(self.names()?);
        arguments.extend(self.parameters());
        arguments.extend(self.files(room)?);
        arguments.extend(self.values(room)?);
        arguments.extend(
            self.job.look_at_api_versions().iter().map(|version| format!("--api-versions={}", csv(version))),
        );
        let switches = [
            (!self.options.skip_crds, "--include-crds"),
            (self.options.skip_schema_validation, "--skip-schema-validation"),
            (self.options.skip_tests, "--skip-tests"),
        ];
        arguments.extend(switches.iter().filter(|(on, _)| *on).map(|(_, name)| (*name).to_owned()));
        Ok(arguments)
    }

    /// Release, namespace and version of the cluster; helm has its own default for each.
    fn names(&self) -> Result<Vec<String>> {
        let (release, namespace) =
            (release::name(self.job, self.options)?, release::namespace(self.job, self.options));
        let version = self.job.look_at_kube_version().filter(|version| !version.is_empty());
        let version = version.map(release::kube_version).transpose()?.unwrap_or_default();
        let named = [("--name-template", release), ("--namespace", namespace), ("--kube-version", &version)];
        let given = named.iter().filter(|(_, value)| !value.is_empty());
        Ok(given.map(|(name, value)| format!("{name}={value}")).collect())
    }

    fn parameters(&self) -> impl Iterator<Item = String> {
        release::parameters(self.options).map(|(force_string, text)| {
            let flag = if force_string { "--set-string" } else { "--set" };
            format!("{flag}={text}")
        })
    }

    /// File parameters: the files are given names of ours, since helm would split theirs at commas.
    fn files(&self, room: &mut Room) -> Result<Vec<String>> {
        let mut arguments = Vec::new();
        let up = "../".repeat(self.folder.names().count() + 1);
        for (at, parameter) in self.options.file_parameters.iter().enumerate() {
            let file = values::parameter_file(self.job, self.folder, &parameter.path)?;
            let name = format!("parameter-{at}");
            room.write("files", &TreePath::root().child(&name), &read(room, &file)?)?;
            arguments.push(format!("--set-file={}={up}files/{name}", parameter.name));
        }
        Ok(arguments)
    }

    /// Values files, then the inline values: the later ones win.
    fn values(&self, room: &mut Room) -> Result<Vec<String>> {
        let mut paths = Vec::new();
        for file in values::value_files(self.job, self.folder, self.options)? {
            paths.push(room.write(&file.area, &file.path, &read(room, &file)?)?);
        }
        if !self.options.values.is_empty() {
            let path = TreePath::root().child("values.yaml");
            paths.push(room.write("", &path, self.options.values.as_bytes())?);
        }
        Ok(paths.iter().map(|path| format!("--values={}", csv(&path.to_string_lossy()))).collect())
    }
}

fn read(room: &Room, file: &File) -> Result<Bytes> {
    room.afford(&file.path, file.tree.size(&file.path)?)?;
    Ok(file.tree.read(&file.path)?)
}

/// The value as one field of a line of CSV, which is how helm reads some options.
fn csv(value: &str) -> String {
    if value.contains([',', '"', '\n', '\r']) || value.starts_with(char::is_whitespace) {
        return format!("\"{}\"", value.replace('"', "\"\""));
    }
    value.to_owned()
}

/// Adds to helm's words what to do about them, and leaves out its hints and what it logged before.
fn explain(error: &Error) -> Error {
    let text = error.message().replace("\n\nUse --debug flag to render out invalid YAML", "");
    let logged = text.find(": level=").zip(text.find("\nError: "));
    let text =
        logged.map_or(text.clone(), |(begin, end)| format!("{}: {}", &text[..begin], &text[end + 1..]));
    if !text.contains("missing in charts") {
        let told = Error::new(error.kind(), text);
        return error.advice().map_or(told.clone(), |advice| told.help(advice));
    }
    Error::new(Kind::Precondition, text).help(VENDOR)
}

/// What helm warned of: the messages of its log lines, without their times.
fn warnings(stderr: &str) -> Vec<String> {
    let lines = stderr.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.filter(|line| !line.contains("level=INFO")).map(|line| message(line).to_owned()).collect()
}

fn message(line: &str) -> &str {
    match (line.starts_with("time="), line.split_once(" msg=")) {
        (true, Some((_, message))) => message,
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn helm_splits_nothing_of_ours() {
        assert_eq!(csv("plain/v1"), "plain/v1");
        assert_eq!(csv("a,\"b\""), "\"a,\"\"b\"\"\"");
    }

    #[test]
    fn failures_are_told_without_what_was_logged() {
        let said = "`helm template .` failed exit status 1: level=INFO msg=\"x\"\nlevel=WARN msg=y\nError: no\n  way\n\n\
                    Use --debug flag to render out invalid YAML";
        let error = explain(&Error::new(Kind::Invalid, said));
        assert_eq!(error.message(), "`helm template .` failed exit status 1: Error: no\n  way");
        let said =
            "`helm template .` failed: Error: found in Chart.yaml, but missing in charts/ directory: x";
        let error = explain(&Error::new(Kind::Invalid, said));
        assert_eq!((error.kind(), error.message()), (Kind::Precondition, said));
        let gone = Error::new(Kind::Precondition, "the program helm is not installed").help("get it");
        assert_eq!(explain(&gone).advice(), Some("get it"));
    }

    #[test]
    fn warnings_have_no_times() {
        let stderr = "time=2026-01-01T00:00:00Z level=WARN msg=\"old chart\"\n\nlevel=INFO msg=x\nplain\n";
        assert_eq!(warnings(stderr), ["\"old chart\"", "plain"]);
    }
}
