//! What a kustomization of this machine names elsewhere: fetched, where the user says so, and mounted.

use std::sync::Arc;

use clap::ArgMatches;
use kustomize::{KustomizeVersion, LoadRestrictor, Options, wants};

use super::folder::Folder;
use crate::cli::{Failure, flags, start};
use crate::error::{Error, Kind, Result};
use crate::pipeline::gather::{MOST_ROUNDS, Mounts, named, too_deep};
use crate::render::{Remotes, Want, on_stack};
use crate::source::{PartName, Sources};

/// The tree with everything mounted that the kustomization names elsewhere; as it is where nothing may be fetched.
///
/// # Errors
/// What is wrong with a name or a setting, and what went wrong on the way.
pub(super) fn gather(
    matches: &ArgMatches,
    folder: &Folder,
    load_restrictor: LoadRestrictor,
    version: KustomizeVersion,
) -> Result<Mounts, Failure> {
    let mounts = Mounts { tree: Arc::clone(&folder.tree), remotes: Remotes::new() };
    if flags::text(matches, "kustomize-remotes") == Some("off") {
        return Ok(mounts);
    }
    let settings = start::settings(matches)?;
    let gathering = Gathering { folder, load_restrictor, version };
    Ok(start::local(settings, async |service| gathering.run(service.sources(), mounts).await)?)
}

struct Gathering<'a> {
    folder: &'a Folder,
    load_restrictor: LoadRestrictor,
    version: KustomizeVersion,
}

impl Gathering<'_> {
    async fn run(&self, sources: &Sources, mut mounts: Mounts) -> Result<Mounts> {
        for _ in 0..MOST_ROUNDS {
            let wants = self.wants(&mounts)?;
            if wants.is_empty() {
                return Ok(mounts);
            }
            mounts.check_free()?;
            for want in wants {
                let name = PartName { file: want.file.clone(), repository: want.repository.clone() };
                let part = sources.part(&name, &[], false).await.map_err(|error| named(error, &want))?;
                mounts.add(want, part)?;
            }
        }
        Err(too_deep())
    }

    fn wants(&self, mounts: &Mounts) -> Result<Vec<Want>> {
        let (tree, remotes) = (Arc::clone(&mounts.tree), mounts.remotes.clone());
        let look = || {
            let options = Options {
                version: self.version,
                load_restrictor: self.load_restrictor,
                display_root: &self.folder.shown_root,
                remotes,
                ..Options::default()
            };
            wants(&*tree, &self.folder.path, &options)
        };
        let found = on_stack(look)?.map_err(|error| Error::new(Kind::Invalid, error.to_string()))?;
        Ok(found.into_iter().map(Want::from).collect())
    }
}
