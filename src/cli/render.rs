//! `manifestd render`.

use std::io::{self, BufWriter};

use clap::ArgMatches;

use super::output::{self, Format};
use super::place::Place;
use super::{Done, Failure, options, report, say, start};
use crate::error::Result;
use crate::request::{Manifests, RenderRequest, Source};

pub(super) fn run(matches: &ArgMatches) -> Done {
    let settings = start::settings(matches)?;
    let request = request(matches)?;
    let rendered = start::local(settings, async |service| service.pipeline.render(request).await)?;
    let Manifests { objects, warnings, .. } = rendered.body.decode()?;
    if matches.get_flag("warnings") {
        warnings.iter().for_each(|warning| say(&report::warning(warning)));
    }
    let format = matches.get_one::<Format>("output").copied().unwrap_or_default();
    output::manifests(&objects, format, &mut BufWriter::new(io::stdout().lock()))?;
    Ok(())
}

fn request(matches: &ArgMatches) -> Result<RenderRequest, Failure> {
    let text = |name: &str| matches.get_one::<String>(name).cloned().unwrap_or_default();
    let (origin, path) = place(matches).find()?;
    let renderer = options::renderer(matches).map_err(Failure::Usage)?;
    Ok(RenderRequest {
        sources: vec![Source { origin, path, ref_name: String::new(), renderer }],
        name: text("name"),
        namespace: text("namespace"),
        kube_version: matches.get_one::<String>("kube-version").cloned(),
        api_versions: matches.get_many("api-versions").into_iter().flatten().cloned().collect(),
        ..RenderRequest::default()
    })
}

/// Where the files are; `--path` where the command has it.
pub(super) fn place(matches: &ArgMatches) -> Place<'_> {
    let text = |name| matches.try_get_one::<String>(name).ok().flatten().map(String::as_str);
    Place {
        from: text("from").unwrap_or_default(),
        revision: text("revision"),
        tag_prefix: text("tag-prefix"),
        path: text("path"),
        worktree: matches.try_get_one::<bool>("worktree").ok().flatten().copied().unwrap_or_default(),
    }
}
