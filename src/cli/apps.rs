//! `manifestd apps`.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::Duration;

use clap::ArgMatches;

use super::{Done, output, render, start};
use crate::inspect;
use crate::render::Stop;
use crate::request::{Renderer, Source};

/// A repository of a million files is walked in a few seconds.
const LOOK: Duration = Duration::from_secs(60);

pub(super) fn run(matches: &ArgMatches) -> Done {
    let settings = start::settings(matches)?;
    let (origin, _) = render::place(matches).find()?;
    let source = Source { origin, path: String::new(), ref_name: String::new(), renderer: Renderer::Detect };
    let apps = start::local(settings, async |service| {
        let pinned = service.sources().pin(&[source], true).await?;
        let mut apps = Vec::new();
        for pinned in pinned {
            apps.extend(inspect::apps(&*service.sources().open(&pinned).await?, &Stop::after(LOOK))?);
        }
        Ok(apps)
    })?;
    let mut lines = String::new();
    for (path, renderer) in apps {
        let _ = writeln!(lines, "{path}\t{}", renderer.name());
    }
    output::written(io::stdout().lock().write_all(lines.as_bytes()))?;
    Ok(())
}
