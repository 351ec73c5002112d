//! What a kustomization needs, found by reading it and its bases: before a program starts, everything it would fetch or
//! run is refused, and what is not understood is refused with it (spec: kustomize.md §1, §6).

use std::collections::HashSet;

use tree::{Tree, TreePath};
use yaml::{Map, Value};

use super::export::out_of_bounds;
use super::plugins;
use crate::error::{Error, Kind, Place, Result};
use crate::render::Job;

/// The names of a kustomization file; kustomize wants exactly one of them in a folder.
const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// The most kustomizations one build may consist of.
const MAX_KUSTOMIZATIONS: usize = 2_000;

/// Fields that name no files.
const PLAIN: [&str; 16] = [
    "apiversion",
    "kind",
    "metadata",
    "nameprefix",
    "namesuffix",
    "namespace",
    "commonlabels",
    "commonannotations",
    "labels",
    "images",
    "imagetags",
    "replicas",
    "vars",
    "sortoptions",
    "generatoroptions",
    "buildmetadata",
];

/// Lists of files and folders.
const PATHS: [&str; 5] = ["resources", "bases", "components", "crds", "configurations"];

/// Lists of entries that name a file in their `path`.
const WITH_PATH: [&str; 3] = ["patches", "patchesjson6902", "replacements"];

/// Lists of plugins: configurations of their own, or paths to them.
const PLUGINS: [&str; 3] = ["generators", "transformers", "validators"];

/// Charts, which kustomize would hand to helm.
const CHARTS: [&str; 3] = ["helmcharts", "helmglobals", "helmchartinflationgenerator"];

/// The folders and files that building `folder` needs, itself first. Paths may lead through links.
///
/// # Errors
/// [`Kind::Precondition`] for remote entries, charts and plugins that are not built in; [`Kind::Invalid`] for what
/// cannot be read or leaves the repository; [`Kind::NotFound`] for what does not exist.
pub(super) fn closure(job: &Job, folder: &TreePath) -> Result<Vec<TreePath>> {
    let mut scan =
        Scan { job, needed: vec![folder.clone()], open: vec![(folder.clone(), false)], seen: HashSet::new() };
    while let Some((folder, holds_plugins)) = scan.open.pop() {
        job.stop.check()?;
        if scan.seen.insert((folder.clone(), holds_plugins)) {
            scan.kustomization(&folder, holds_plugins)?;
        }
        if scan.seen.len() > MAX_KUSTOMIZATIONS {
            let message = format!("the build consists of more than {MAX_KUSTOMIZATIONS} kustomizations");
            return Err(Error::new(Kind::OverBudget, message));
        }
    }
    Ok(scan.needed)
}

struct Scan<'a> {
    job: &'a Job,
    needed: Vec<TreePath>,
    /// Folders whose kustomization was not read yet, and whether what it yields configures plugins.
    open: Vec<(TreePath, bool)>,
    seen: HashSet<(TreePath, bool)>,
}

/// One kustomization file, through no link.
struct File<'a> {
    folder: &'a TreePath,
    path: TreePath,
    holds_plugins: bool,
}

impl File<'_> {
    /// A failure that says which entry of which file caused it.
    fn wrong(&self, kind: Kind, message: impl Into<String>) -> Error {
        let file = self.path.as_str().into();
        Error::new(kind, message).at(Place { file, line: 0, column: 0, text: "".into() })
    }
}

impl Scan<'_> {
    fn tree(&self) -> &dyn Tree {
        &*self.job.tree
    }

    fn kustomization(&mut self, folder: &TreePath, holds_plugins: bool) -> Result<()> {
        let path = self.find(folder)?;
        let file = File { folder, path, holds_plugins };
        let text = tree::read(self.tree(), &file.path).map_err(out_of_bounds)?;
        let value = plugins::read(&text).map_err(|(message, line, column)| {
            let place = Place { file: file.path.as_str().into(), line, column, text: "".into() };
            Error::new(Kind::Invalid, format!("invalid Kustomization: {message}")).at(place)
        })?;
        let fields = match &value {
            Value::Map(map) => map,
            Value::Null => return Ok(()),
            _ => return Err(file.wrong(Kind::Invalid, "invalid Kustomization: it is no map")),
        };
        fields.iter().try_for_each(|(name, value)| self.field(&file, name, value))
    }

    fn find(&self, folder: &TreePath) -> Result<TreePath> {
        let mut found = Vec::new();
        for name in NAMES {
            let path = folder.child(name);
            if tree::kind_of(self.tree(), &path).map_err(out_of_bounds)?.is_some() {
                found.push(path);
            }
        }
        match (found.pop(), found.is_empty()) {
            (Some(path), true) => Ok(path),
            (Some(_), false) => {
                Err(Error::new(Kind::Invalid, format!("Found multiple kustomization files under: {folder}")))
            }
            (None, _) => Err(Error::new(
                Kind::NotFound,
                format!(
                    "unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in \
                     directory '{folder}'"
                ),
            )),
        }
    }

    /// One field of a kustomization; Go compares their names without regard to case.
    fn field(&mut self, file: &File<'_>, name: &str, value: &Value) -> Result<()> {
        let lower = name.to_ascii_lowercase();
        let is = |names: &[&str]| names.contains(&lower.as_str());
        let context = |error: Error| error.context(name);
        if value.is_null() || is(&PLAIN) {
            return Ok(());
        }
        if is(&PATHS) {
            each(value, |entry| self.path(file, text(file, entry)?)).map_err(context)
        } else if is(&WITH_PATH) {
            each(value, |entry| self.entries(file, entry, "path")).map_err(context)
        } else if is(&PLUGINS) {
            each(value, |entry| self.plugin(file, text(file, entry)?)).map_err(context)
        } else if is(&CHARTS) {
            self.chart(file, value).map_err(context)
        } else {
            self.rest(file, &lower, value).map_err(context)
        }
    }

    fn rest(&mut self, file: &File<'_>, name: &str, value: &Value) -> Result<()> {
        match name {
            "patchesstrategicmerge" => each(value, |entry| self.patch(file, text(file, entry)?)),
            "openapi" => self.entries(file, value, "path"),
            "configmapgenerator" | "secretgenerator" => each(value, |entry| {
                ["files", "envs", "env"].iter().try_for_each(|field| self.entries(file, entry, field))
            }),
            _ => Err(file
                .wrong(Kind::Invalid, "this field is not known to kustomize 5")
                .help("correct its name; fields of other versions cannot be checked for what they load")),
        }
    }

    fn chart(&self, file: &File<'_>, value: &Value) -> Result<()> {
        let empty =
            value.as_list().is_some_and(<[Value]>::is_empty) || value.as_map().is_some_and(Map::is_empty);
        if empty {
            return Ok(());
        }
        Err(file
            .wrong(Kind::Precondition, "charts in a kustomization are not rendered")
            .help("render the chart as a source of its own, or commit what it renders to"))
    }

    /// The files that one field of an entry names: a text or a list of texts, each perhaps behind a key and `=`.
    fn entries(&mut self, file: &File<'_>, entry: &Value, field: &str) -> Result<()> {
        let Some(map) = entry.as_map() else { return Ok(()) };
        let named = map.iter().filter(|(name, _)| name.eq_ignore_ascii_case(field));
        for (_, value) in named {
            let keyed = field == "files";
            each(value, |value| {
                let text = text(file, value)?;
                // The whole is looked at first: what is before a `=` may be the beginning of a URL.
                let path = text.split_once('=').filter(|_| keyed && !looks_remote(text));
                self.path(file, path.map_or(text, |(_, path)| path))
            })?;
        }
        Ok(())
    }

    /// A patch: a path or the patch itself.
    fn patch(&mut self, file: &File<'_>, text: &str) -> Result<()> {
        let is_patch = plugins::read(text.as_bytes()).is_ok_and(|value| value.as_map().is_some());
        if is_patch { Ok(()) } else { self.path(file, text) }
    }

    /// A plugin: a path to its configuration or the configuration itself.
    fn plugin(&mut self, file: &File<'_>, text: &str) -> Result<()> {
        let inline = plugins::read(text.as_bytes()).is_ok_and(|value| value.as_map().is_some());
        if inline || text.contains('\n') {
            return plugins::check(text.as_bytes()).map_err(|error| self.refused(file, error));
        }
        let real = self.local(file, text)?;
        self.configures(file, real)
    }

    /// What stands at a path configures plugins.
    fn configures(&mut self, file: &File<'_>, real: TreePath) -> Result<()> {
        if self.tree().kind(&real)? == Some(tree::Kind::Folder) {
            self.open.push((real, true));
            return Ok(());
        }
        let content = self.tree().read(&real)?;
        plugins::check(&content).map_err(|error| self.refused(file, error.context(&real)))
    }

    fn refused(&self, file: &File<'_>, error: Error) -> Error {
        error.at(Place { file: file.path.as_str().into(), line: 0, column: 0, text: "".into() })
    }

    /// A file or a folder that an entry names.
    fn path(&mut self, file: &File<'_>, text: &str) -> Result<()> {
        let real = self.local(file, text)?;
        if file.holds_plugins {
            return self.configures(file, real);
        }
        if self.tree().kind(&real)? == Some(tree::Kind::Folder) {
            self.open.push((real, false));
        }
        Ok(())
    }

    /// Where an entry really stands in the tree; it is needed.
    fn local(&mut self, file: &File<'_>, text: &str) -> Result<TreePath> {
        if looks_remote(text) {
            let message = format!("{text:?} is not in this repository, and is not fetched for the program");
            return Err(file.wrong(Kind::Precondition, message).help(
                "build it in process (--kustomize-engine native), or copy what it names into the repository",
            ));
        }
        let path = file
            .folder
            .join(text)
            .map_err(|error| file.wrong(Kind::Invalid, format!("{text:?}: {error}")))?;
        let real = tree::resolve(self.tree(), &path).map_err(out_of_bounds)?;
        match self.tree().kind(&real)? {
            Some(_) => {
                self.needed.push(path);
                Ok(real)
            }
            None => Err(file.wrong(Kind::NotFound, format!("{text:?}: no such file or directory"))),
        }
    }
}

/// Whether kustomize might take a text for something to fetch (`api/internal/git/repospec.go`). Rather too often: what
/// is here under such a name would be fetched all the same.
fn looks_remote(text: &str) -> bool {
    let lower = text.trim().to_ascii_lowercase();
    let schemes = ["http:", "https:", "ssh:", "git:", "file:", "git::", "gh:", "oci:", "s3:"];
    let first = lower.split('/').next().unwrap_or("");
    lower.contains("://")
        || lower.contains('?')
        || lower.contains("_git/")
        || schemes.iter().any(|scheme| lower.starts_with(scheme))
        || ["github.com/", "github.com:"]
            .iter()
            .any(|host| lower.trim_start_matches("www.").starts_with(host))
        || first.contains('@')
}

/// The entries of a list; anything else is its own only entry.
fn each(value: &Value, mut look: impl FnMut(&Value) -> Result<()>) -> Result<()> {
    match value {
        Value::List(list) => list.iter().try_for_each(look),
        value => look(value),
    }
}

fn text<'v>(file: &File<'_>, value: &'v Value) -> Result<&'v str> {
    value.as_str().ok_or_else(|| file.wrong(Kind::Invalid, "an entry is not text"))
}

#[cfg(test)]
mod tests {
    use super::super::testing::job;
    use super::*;

    fn scan(files: &[(&str, &str)], links: &[(&str, &str)]) -> Result<Vec<String>> {
        let job = job(files, links);
        Ok(closure(&job, &TreePath::parse("app").unwrap())?.iter().map(ToString::to_string).collect())
    }

    /// What one kustomization in `app`, next to a file `cm.yaml`, is told.
    fn told(text: &str) -> Error {
        let files =
            [("app/kustomization.yaml", text), ("app/cm.yaml", "kind: ConfigMap"), ("github.com/o/r/x", "")];
        scan(&files, &[]).unwrap_err()
    }

    #[test]
    fn bases_are_followed_as_far_as_they_lead() {
        let files = [
            (
                "app/Kustomization",
                "Resources: [cm.yaml, ../base]\ncomponents: [../mixin]\npatches: [{path: p.yaml}, {patch: 'a: b'}]\n\
                 configMapGenerator: [{files: [a=f.txt], envs: [e]}]\nnamePrefix: x-\n\
                 patchesStrategicMerge: [\"kind: A\\nmetadata: {}\", p.yaml]\nopenapi: {path: p.yaml}\n",
            ),
            ("base/kustomization.yml", "bases: [../app/../deep/base, ../app/github.com-x.yaml]"),
            ("deep/base/kustomization.yaml", "resources: []"),
            ("mixin/kustomization.yaml", "kind: Component\ntransformers: [t.yaml]"),
            ("mixin/t.yaml", "apiVersion: builtin\nkind: LabelTransformer"),
            ("app/cm.yaml", ""),
            ("app/p.yaml", ""),
            ("app/f.txt", ""),
            ("app/e", ""),
            ("app/github.com-x.yaml", ""),
            ("other/x", ""),
        ];
        let mut needed = scan(&files, &[]).unwrap();
        needed.sort();
        needed.dedup();
        assert_eq!(
            needed,
            [
                "app",
                "app/cm.yaml",
                "app/e",
                "app/f.txt",
                "app/github.com-x.yaml",
                "app/p.yaml",
                "base",
                "deep/base",
                "mixin",
                "mixin/t.yaml"
            ]
        );
    }

    #[test]
    fn bases_that_lead_in_circles_end() {
        let files =
            [("app/kustomization.yaml", "bases: [../b]"), ("b/kustomization.yaml", "bases: [../app, .]")];
        assert!(scan(&files, &[]).is_ok());
    }

    #[test]
    fn whatever_would_be_fetched_is_refused() {
        for entry in [
            "https://h/r?ref=--upload-pack=touch /tmp/pwn",
            "https://h/r//base?version=-x",
            "HTTPS://h/a.yaml",
            "git@github.com:o/r.git",
            "github.com/o/r",
            "GitHub.com/o/r?ref=v1",
            "ssh://git@h/r",
            "git::https://h/r",
            "file:///etc",
            "-oProxyCommand=x@h:r",
            "user@h/r",
            "  https://h/r",
        ] {
            for field in
                ["resources", "bases", "components", "crds", "configurations", "generators", "validators"]
            {
                let error = told(&format!("{field}: ['{entry}']"));
                assert_eq!(error.kind(), Kind::Precondition, "{field} {entry}: {error}");
                assert_eq!(error.place().unwrap().file.as_ref(), "app/kustomization.yaml");
            }
            let error = told(&format!("configMapGenerator: [{{files: ['k={entry}']}}]"));
            assert_eq!(error.kind(), Kind::Precondition, "{entry}: {error}");
            assert_eq!(told(&format!("patches: [{{Path: '{entry}'}}]")).kind(), Kind::Precondition);
            assert_eq!(told(&format!("openapi: {{path: '{entry}'}}")).kind(), Kind::Precondition);
        }
        let error = told("configMapGenerator: [{files: ['https://h/x?a=cm.yaml']}]");
        assert_eq!(error.kind(), Kind::Precondition, "{error}");
    }

    #[test]
    fn charts_and_plugins_are_refused() {
        for text in [
            "helmCharts: [{name: x}]",
            "HelmCharts: [{name: x}]",
            "helmGlobals: {configHome: ./evil}",
            "helmChartInflationGenerator: [{chartName: x}]",
            "generators: [\"apiVersion: builtin\\nkind: HelmChartInflationGenerator\"]",
            "transformers: [\"apiVersion: v1\\nkind: Evil\\nmetadata: {annotations: {config.kubernetes.io/function: 'exec: {path: x}'}}\"]",
            "validators: [\"apiVersion: builtin\\nkind: LabelTransformer\\nmetadata: {annotations: {config.kubernetes.io/function: x}}\"]",
            "generators: [cm.yaml]",
            "transformers: [\"apiVersion: builtin\\nkind: LabelTransformer\\nmetadata: {configFn: {container: x}}\"]",
            "transformers: [\"apiVersion: builtin\\nkind: PatchTransformer\\npath: https://h/p.yaml\"]",
            "generators: [\"apiVersion: builtin\\nkind: ConfigMapGenerator\\nFiles: ['a=https://h/x']\"]",
        ] {
            let error = told(text);
            assert_eq!(error.kind(), Kind::Precondition, "{text}: {error}");
            assert!(error.advice().is_some());
        }
    }

    #[test]
    fn plugins_behind_a_folder_are_looked_at_too() {
        let files = [
            ("app/kustomization.yaml", "transformers: [plugins]"),
            ("app/plugins/kustomization.yaml", "resources: [a.yaml]"),
            ("app/plugins/a.yaml", "apiVersion: evil/v1\nkind: Exec"),
        ];
        assert_eq!(scan(&files, &[]).unwrap_err().kind(), Kind::Precondition);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for (text, kind) in [
            ("resourcess: [cm.yaml]", Kind::Invalid),
            ("re\u{17f}ources: ['https://h/r']", Kind::Invalid),
            ("patches: [{\"pat\\u017f\": x}]", Kind::Invalid),
            ("resources: [1]", Kind::Invalid),
            ("resources: [gone.yaml]", Kind::NotFound),
            ("resources: [../../x]", Kind::Invalid),
            ("resources: [/etc/passwd]", Kind::Invalid),
            ("- a list", Kind::Invalid),
            ("a: [", Kind::Invalid),
        ] {
            assert_eq!(told(text).kind(), kind, "{text}: {}", told(text));
        }
        let error = told("a: 1\nb: [\n");
        assert_eq!(error.place().unwrap().line, 3);
        let two = [("app/kustomization.yaml", ""), ("app/Kustomization", "")];
        assert_eq!(scan(&two, &[]).unwrap_err().message(), "Found multiple kustomization files under: app");
        assert_eq!(scan(&[("app/x", "")], &[]).unwrap_err().kind(), Kind::NotFound);
    }

    #[test]
    fn links_stay_in_the_tree() {
        let files =
            [("app/kustomization.yaml", "resources: [l]"), ("base/kustomization.yaml", "resources: [../x]")];
        assert_eq!(scan(&files, &[("app/l", "../base")]).unwrap_err().kind(), Kind::NotFound);
        let error = scan(&files, &[("app/l", "../../etc")]).unwrap_err();
        assert_eq!(error.message(), "resources: the repository contains out-of-bounds symlinks. file: app/l");
    }
}
