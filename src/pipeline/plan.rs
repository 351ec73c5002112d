//! A request whose names are settled and whose words are in canonical form: what the key is made of, and all that the
//! rest of the road knows of the request.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};
use tree::TreePath;

use super::key::Keys;
use super::slots::Tenant;
use crate::error::{Error, Kind, Result};
use crate::render::{Job, OrderOrigin};
use crate::request::{RenderRequest, Renderer, Source};
use crate::source::Pinned;

/// A [`RenderRequest`] after resolving.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// The sources, in the request's order.
    pub(super) parts: Vec<Part>,
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) kube_version: Option<String>,
    /// Sorted, each once.
    pub(super) api_versions: Vec<String>,
    /// Whether earlier results must not be used.
    pub(super) fresh: bool,
    /// Whether names of revisions must be looked up anew.
    pub(super) fresh_names: bool,
}

/// One source of a plan.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) pinned: Pinned,
    pub(super) path: TreePath,
    /// The name it lends its files under; empty when it lends none.
    pub(super) ref_name: String,
    /// Whether it only lends its files and is not rendered.
    pub(super) only_lends: bool,
    pub(super) renderer: Renderer,
}

impl Plan {
    /// The plan for a request whose sources are pinned, in the same order.
    ///
    /// # Errors
    /// [`Kind::Invalid`] for no sources, a path that is none, and two sources of one ref name.
    pub(super) fn new(request: RenderRequest, pinned: Vec<Pinned>) -> Result<Self> {
        let RenderRequest {
            sources,
            name,
            namespace,
            kube_version,
            api_versions,
            no_cache,
            no_revision_cache,
        } = request;
        if sources.is_empty() {
            return Err(Error::new(Kind::Invalid, "the request names no source to render"));
        }
        check_ref_names(&sources)?;
        let alone = sources.len() == 1;
        let parts = sources.into_iter().zip(pinned).map(|(source, pinned)| Part::new(source, pinned, alone));
        let api_versions: BTreeSet<String> = api_versions.into_iter().collect();
        Ok(Self {
            parts: parts.collect::<Result<_>>()?,
            name,
            namespace,
            kube_version,
            api_versions: api_versions.into_iter().collect(),
            fresh: no_cache,
            fresh_names: no_revision_cache,
        })
    }

    /// The sources as they are pinned.
    pub(super) fn pins(&self) -> Vec<Pinned> {
        self.parts.iter().map(|part| part.pinned.clone()).collect()
    }

    /// Whose turn it is to render: the repository of the first source.
    pub(super) fn tenant(&self) -> Tenant {
        self.parts.first().map_or_else(|| Tenant::from(""), |part| part.pinned.identity.clone())
    }

    /// What each source was pinned to.
    pub(super) fn revisions(&self) -> Vec<String> {
        self.parts.iter().map(|part| part.pinned.revision.to_string()).collect()
    }

    /// Who asks for what, for workers and logs.
    pub(super) fn origin(&self, keys: Keys) -> OrderOrigin {
        let mut scope = Sha256::new();
        for Part { pinned, .. } in &self.parts {
            scope.update((pinned.identity.len() as u64).to_be_bytes());
            scope.update(pinned.identity.as_bytes());
            scope.update(pinned.scope.0);
        }
        let shown = self.parts.iter().map(|Part { pinned, path, renderer, .. }| {
            format!("{} at {}, path {path}, {}", pinned.identity, pinned.revision, renderer.name())
        });
        OrderOrigin {
            key: keys.exact,
            scope: scope.finalize().into(),
            shown: shown.collect(),
            earlier: Vec::new(),
        }
    }

    /// The value of an input that is not a file, as facts hold it.
    pub(super) fn input(&self, name: &str) -> Option<Vec<u8>> {
        match name {
            Job::KUBE_VERSION => Some(Job::kube_version_value(self.kube_version.as_deref())),
            Job::API_VERSIONS => Some(Job::api_versions_value(&self.api_versions)),
            name => {
                Job::api_version_of(name).map(|version| Job::api_version_value(&self.api_versions, version))
            }
        }
    }
}

impl Part {
    fn new(source: Source, pinned: Pinned, alone: bool) -> Result<Self> {
        let Source { origin: _, path, ref_name, renderer } = source;
        let only_lends = !alone && path.is_empty() && !ref_name.is_empty();
        let path = TreePath::parse(&path).map_err(|error| {
            Error::new(Kind::Invalid, format!("the path {path:?} cannot be used: {error}"))
                .help("give a path relative to the root of the repository")
        })?;
        Ok(Self { pinned, path, ref_name, only_lends, renderer })
    }
}

fn check_ref_names(sources: &[Source]) -> Result<()> {
    let mut seen = BTreeSet::new();
    for name in sources.iter().map(|source| &source.ref_name).filter(|name| !name.is_empty()) {
        if !seen.insert(name) {
            let message = format!("two sources have the ref name {name:?}");
            return Err(Error::new(Kind::Invalid, message).help("give each source its own ref name"));
        }
    }
    Ok(())
}
