//! What is asked for.

use proto::v1::{self, source};

use super::{missing, options, required};
use crate::credentials::{Credential, Secret};
use crate::error::{Error, Kind, Result};
use crate::request::{Origin, RenderRequest, Renderer, Source};

/// A repository at a revision, as every call but `Render` asks for it.
#[derive(Debug)]
pub(crate) struct Asked {
    /// What to open.
    pub(crate) source: Source,
    /// Do not answer from cached names of revisions.
    pub(crate) no_revision_cache: bool,
}

/// The fields in which those calls are alike.
#[derive(Debug)]
pub(crate) struct Fields {
    url: String,
    revision: String,
    tag_prefix: String,
    credential: Option<v1::Credential>,
    no_revision_cache: bool,
}

macro_rules! fields {
    ($($message:ident),*) => {$(
        impl From<v1::$message> for Fields {
            fn from(message: v1::$message) -> Self {
                let v1::$message { url, revision, tag_prefix, credential, no_revision_cache, .. } = message;
                Self { url, revision, tag_prefix, credential, no_revision_cache }
            }
        }
    )*};
}

fields!(ResolveRevisionRequest, ListAppsRequest, GetFilesRequest, ListDirectoriesRequest);

impl From<v1::ListRefsRequest> for Fields {
    fn from(message: v1::ListRefsRequest) -> Self {
        let v1::ListRefsRequest { url, credential, no_revision_cache } = message;
        let (revision, tag_prefix) = (String::new(), String::new());
        Self { url, revision, tag_prefix, credential, no_revision_cache }
    }
}

/// A render, its credentials refused unless `secrets` may be sent on this connection.
pub(crate) fn render(request: v1::RenderRequest, secrets: bool) -> Result<RenderRequest> {
    if request.sources.is_empty() {
        return Err(missing("sources"));
    }
    let source = |(i, from)| source(from, &format!("sources[{i}]"), secrets);
    Ok(RenderRequest {
        sources: request.sources.into_iter().enumerate().map(source).collect::<Result<_>>()?,
        name: request.name,
        namespace: request.namespace,
        kube_version: Some(request.kube_version).filter(|version| !version.is_empty()),
        api_versions: request.api_versions,
        no_cache: request.no_cache,
        no_revision_cache: request.no_revision_cache,
    })
}

/// A repository at a revision, its credential refused unless `secrets` may be sent on this connection.
pub(crate) fn asked(from: impl Into<Fields>, secrets: bool) -> Result<Asked> {
    let Fields { url, revision, tag_prefix, credential, no_revision_cache } = from.into();
    let url = required(url, || "url".into())?;
    let credential = credential.map(|from| self::credential(from, "credential", secrets)).transpose()?;
    let origin = Origin::Git { url, revision, tag_prefix, credential };
    let source = Source { origin, path: String::new(), ref_name: String::new(), renderer: Renderer::Detect };
    Ok(Asked { source, no_revision_cache })
}

/// Checks that there are patterns.
pub(crate) fn patterns(patterns: &[String]) -> Result<()> {
    let empty = patterns.iter().position(String::is_empty);
    match empty {
        Some(position) => Err(missing(&format!("patterns[{position}]"))),
        None if patterns.is_empty() => Err(missing("patterns")),
        None => Ok(()),
    }
}

fn source(from: v1::Source, at: &str, secrets: bool) -> Result<Source> {
    let Some(source::Origin::Git(git)) = from.origin else {
        return Err(missing(&format!("{at}.git")).help("say where the files of this source come from"));
    };
    let url = required(git.url, || format!("{at}.git.url"))?;
    let credential =
        git.credential.map(|from| credential(from, &format!("{at}.git.credential"), secrets)).transpose()?;
    Ok(Source {
        origin: Origin::Git { url, revision: git.revision, tag_prefix: git.tag_prefix, credential },
        path: git.path,
        ref_name: git.ref_name,
        renderer: options::renderer(from.renderer, at)?,
    })
}

fn credential(from: v1::Credential, at: &str, secrets: bool) -> Result<Credential> {
    if !secrets {
        let message = format!("{at}: this connection is not encrypted, and credentials are not taken on it");
        return Err(Error::new(Kind::Invalid, message)
            .help("start the server with --tls-certificate and --tls-key, or give it --credentials-file"));
    }
    if from.client_certificate.is_empty() != from.client_key.is_empty() {
        return Err(Error::new(
            Kind::Invalid,
            format!("{at}: client_certificate and client_key need each other"),
        ));
    }
    Ok(Credential {
        username: from.username,
        password: Secret::new(from.password),
        bearer_token: Secret::new(from.bearer_token),
        ssh_private_key: Secret::new(from.ssh_private_key),
        known_hosts: from.known_hosts,
        ca_bundle: from.ca_bundle,
        client_certificate: from.client_certificate,
        client_key: Secret::new(from.client_key),
        proxy: Secret::new(from.proxy),
        insecure: from.insecure,
    })
}
