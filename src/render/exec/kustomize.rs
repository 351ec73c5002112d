//! `kustomize build` in a room, after a scan has found all it needs and nothing that is not allowed
//! (spec: argocd.md §3.4).

use tree::TreePath;

use super::export::Export;
use super::room::Room;
use super::{Run, Settings, scan};
use crate::error::{Error, Kind, Result};
use crate::render::Job;
use crate::render::documents::Printed;
use crate::render::values::SOURCE;
use crate::request::KustomizeOptions;

/// Builds the kustomization in `folder`, which leads through no link.
///
/// # Errors
/// What kustomize says ([`Kind::Invalid`](crate::error::Kind::Invalid)); remote entries, charts and plugins, and a
/// missing program ([`Kind::Precondition`](crate::error::Kind::Precondition)); files that do not exist, leave the
/// repository, or are too large.
pub fn kustomize(
    job: &Job,
    folder: &TreePath,
    settings: &Settings,
    options: &KustomizeOptions,
) -> Result<Printed> {
    settings.kustomize.require()?;
    if let Some(version) = options.version {
        let message = format!(
            "kustomize {version} was asked for, but kustomizations are built with the kustomize program here"
        );
        return Err(Error::new(Kind::Precondition, message).help("leave the version to the server"));
    }
    if options.enable_helm {
        return Err(Error::new(
            Kind::Precondition,
            "charts of a kustomization are rendered by the native engine only",
        )
        .help("start the server with `--kustomize-engine native`, or leave out enable_helm"));
    }
    let mut room = Room::new(settings, &job.budgets)?;
    let mut export = Export::new(&*job.tree, SOURCE, &job.stop);
    for path in scan::closure(job, folder)? {
        export.reach(&mut room, &path)?;
    }
    let place = room.place(SOURCE, folder);
    let mut arguments = vec!["build".to_owned(), place.to_string_lossy().into_owned()];
    if options.load_restrictions_none {
        arguments.push("--load-restrictor=LoadRestrictionsNone".to_owned());
    }
    if options.reorder_none {
        arguments.push("--reorder=none".to_owned());
    }
    let title = format!("kustomize build {}", folder.to_string().escape_debug());
    let run = Run {
        program: &settings.kustomize,
        title: &title,
        arguments,
        folder: place,
        environment: Vec::new(),
    };
    let (documents, stderr) = run.run(job, &room)?;
    let lines = stderr.lines().map(|line| line.trim_start_matches("# Warning:").trim());
    let warnings = lines.filter(|line| !line.is_empty()).map(str::to_owned).collect();
    Ok(Printed { documents, warnings })
}
