//! `manifestd build`: a kustomization of this machine → the bytes of `kustomize build`, in process.

mod args;
mod folder;
mod remotes;
mod write;

use std::cell::RefCell;
use std::mem::ManuallyDrop;
use std::time::Duration;

use clap::ArgMatches;
use clap::parser::ValueSource;
use helm::HelmVersion;
use kustomize::{ErrorKind, HelmOptions, KustomizeVersion, LoadRestrictor, Options, Output, Reorder};

use self::folder::Folder;
use super::flags::{is_on, text, texts};
use super::{Done, Failure, report, say, template};
use crate::pipeline::gather::Mounts;
use crate::render::kustomize::{Charts, Found};
use crate::render::{Stop, engine_budget, on_stack};

pub(super) use self::args::command;

/// How long a build may take where the command line does not say: the largest public kustomizations take seconds.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(600);

/// What of the command line decides the output.
struct Ask {
    reorder: Reorder,
    load_restrictor: LoadRestrictor,
    add_managed_by: bool,
    enable_helm: bool,
    kube_version: String,
    api_versions: Vec<String>,
    debug: bool,
    version: KustomizeVersion,
    helm_version: HelmVersion,
    seed: [u8; 32],
    now: i64,
    timeout: Duration,
}

/// A finished build, and what its charts had to say.
type Built = (Result<Output, kustomize::Error>, Found);

pub(super) fn run(matches: &ArgMatches) -> Done {
    let dir = dir(matches)?;
    let ask = Ask::read(matches)?;
    let folder = Folder::find(dir, text(matches, "root"))?;
    // The process ends with this command: what it holds is not freed piece by piece.
    let mounts = ManuallyDrop::new(remotes::gather(matches, &folder, ask.load_restrictor, ask.version)?);
    let stop = Stop::after(ask.timeout);
    let budget = engine_budget(&stop);
    let (output, found) = budget.run(|| on_stack(|| ask.build(&folder, &mounts, &stop)))?;
    found.warnings().iter().for_each(|warning| say(&report::warning(warning)));
    let warned = output.as_ref().map_or_else(kustomize::Error::warnings, Output::warnings);
    warned.iter().for_each(|line| say(&format!("{line}\n")));
    let output = ManuallyDrop::new(output.map_err(|error| failed(&error, &stop))?);
    write::output(&output, text(matches, "output").unwrap_or_default())
}

fn dir(matches: &ArgMatches) -> Result<&str, Failure> {
    let dirs: Vec<&String> = matches.get_many("folder").into_iter().flatten().collect();
    match dirs.as_slice() {
        [] => Ok("."),
        [dir] => Ok(dir),
        _ => Err(words("specify one path to kustomization.yaml")),
    }
}

impl Ask {
    fn read(matches: &ArgMatches) -> Result<Self, Failure> {
        if is_given(matches, "reorder") {
            say(
                "Flag --reorder has been deprecated, use the new 'sortOptions' field in kustomization.yaml instead.\n",
            );
        }
        if is_given(matches, "enable-managedby-label") {
            say(
                "Flag --enable-managedby-label has been deprecated, The flag `enable-managedby-label` has been deprecated. \
                 Use the `managedByLabel` option in the `buildMetadata` field instead.\n",
            );
        }
        let enable_helm = is_on(matches, "enable-helm") || is_on(matches, "enable-alpha-plugins");
        let program = text(matches, "helm-command").unwrap_or_default();
        if program != "helm" && enable_helm {
            return Err(words(&format!(
                "--helm-command {program} is refused: charts are rendered in process and no program is run; leave it out, \
                 and choose the version with --helm-version"
            )));
        }
        let order = one_of(matches, "reorder", [("legacy", Reorder::Legacy), ("none", Reorder::None)])?;
        Ok(Self {
            reorder: if is_given(matches, "reorder") { order } else { Reorder::Unspecified },
            load_restrictor: load_restrictor(matches)?,
            add_managed_by: is_on(matches, "enable-managedby-label")
                || text(matches, "managedby-label-variable") == Some("on"),
            enable_helm,
            kube_version: text(matches, "helm-kube-version").unwrap_or_default().to_owned(),
            api_versions: texts(matches, "helm-api-versions"),
            debug: is_on(matches, "helm-debug"),
            version: matches.get_one::<KustomizeVersion>("kustomize-version").copied().unwrap_or_default(),
            helm_version: matches.get_one::<HelmVersion>("helm-version").copied().unwrap_or_default(),
            seed: template::seed(matches),
            now: template::now(matches),
            timeout: matches.get_one::<Duration>("timeout").copied().unwrap_or(DEFAULT_TIMEOUT),
        })
    }

    fn build(&self, folder: &Folder, mounts: &Mounts, stop: &Stop) -> Built {
        let stop = || stop.check().is_err();
        let charts = Charts {
            version: self.helm_version,
            seed: self.seed,
            now: self.now,
            limits: gotmpl::Limits::default(),
            stop: &stop,
            found: RefCell::default(),
        };
        let helm = HelmOptions {
            renderer: &charts,
            kube_version: &self.kube_version,
            api_versions: &self.api_versions,
            debug: self.debug,
        };
        let options = Options {
            version: self.version,
            reorder: self.reorder,
            add_managed_by: self.add_managed_by,
            load_restrictor: self.load_restrictor,
            display_root: &folder.shown_root,
            whole_disk: folder.shown_root.is_empty(),
            remotes: mounts.remotes.clone(),
            helm: Some(helm).filter(|_| self.enable_helm),
            stop: &stop,
            ..Options::default()
        };
        let output = kustomize::build(&*mounts.tree, &folder.path, &options);
        (output, charts.found.into_inner())
    }
}

/// Where files may lie; an empty text is as good as the default.
fn load_restrictor(matches: &ArgMatches) -> Result<LoadRestrictor, Failure> {
    if text(matches, "load-restrictor") == Some("") {
        return Ok(LoadRestrictor::RootOnly);
    }
    let restrictors = [
        ("LoadRestrictionsRootOnly", LoadRestrictor::RootOnly),
        ("LoadRestrictionsNone", LoadRestrictor::None),
    ];
    one_of(matches, "load-restrictor", restrictors)
}

/// What the value of a flag stands for.
fn one_of<T: Copy>(matches: &ArgMatches, flag: &str, values: [(&'static str, T); 2]) -> Result<T, Failure> {
    let given = text(matches, flag).unwrap_or_default();
    let found = values.iter().find(|(name, _)| *name == given).map(|(_, value)| *value);
    let legal = values.map(|(name, _)| name).join(" ");
    found.ok_or_else(|| words(&format!("illegal flag value --{flag} {given}; legal values: [{legal}]")))
}

fn is_given(matches: &ArgMatches, flag: &str) -> bool {
    matches.value_source(flag) == Some(ValueSource::CommandLine)
}

/// A failed build, with what to do where something lies elsewhere.
fn failed(error: &kustomize::Error, stop: &Stop) -> Failure {
    let text = error.to_string();
    match error.kind() {
        ErrorKind::Limit if stop.check().is_err() => words(&format!("{text}; --timeout gives it more time")),
        ErrorKind::Limit => {
            words(&format!("{text}; make smaller what it multiplies, or split the kustomization"))
        }
        ErrorKind::Remote => words(&format!("{text}; add --kustomize-remotes on to fetch it")),
        _ => words(&text),
    }
}

/// A failure in kustomize's words.
fn words(text: &str) -> Failure {
    Failure::Words(report::Words { text: text.to_owned(), places: Vec::new() })
}
