//! Requests in few words.

use prost::Message;
use proto::v1::source::{Origin, Renderer};
use proto::v1::{
    Credential, DirectoryOptions, ErrorDetail, Git, HelmOptions, RenderRequest, RenderResponse, Source,
};
use tonic::Status;

/// A folder of a repository at a revision.
pub(crate) fn ask(url: &str, revision: &str, path: &str) -> RenderRequest {
    let git = Git { url: url.into(), revision: revision.into(), path: path.into(), ..Git::default() };
    let source = Source { origin: Some(Origin::Git(git)), renderer: None };
    RenderRequest {
        sources: vec![source],
        name: "app".into(),
        namespace: "ns".into(),
        ..RenderRequest::default()
    }
}

/// More words on a request.
pub(crate) trait Asking: Sized {
    /// Renders plain files with these options.
    fn directory(self, options: DirectoryOptions) -> Self;
    /// Renders a chart with these options.
    fn helm(self, options: HelmOptions) -> Self;
    /// Opens the repository with this.
    fn credential(self, credential: Credential) -> Self;
    /// Neither cached results nor cached names.
    fn fresh(self) -> Self;
}

impl Asking for RenderRequest {
    fn directory(mut self, options: DirectoryOptions) -> Self {
        self.sources[0].renderer = Some(Renderer::Directory(options));
        self
    }

    fn helm(mut self, options: HelmOptions) -> Self {
        self.sources[0].renderer = Some(Renderer::Helm(options));
        self
    }

    fn credential(mut self, credential: Credential) -> Self {
        if let Some(Origin::Git(git)) = &mut self.sources[0].origin {
            git.credential = Some(credential);
        }
        self
    }

    fn fresh(self) -> Self {
        Self { no_cache: true, no_revision_cache: true, ..self }
    }
}

/// The objects as `Kind/name`, in order.
pub(crate) fn names(response: &RenderResponse) -> Vec<String> {
    response.manifests.iter().map(|manifest| format!("{}/{}", manifest.kind, manifest.name)).collect()
}

/// The detail that says where in a file the error is.
pub(crate) fn place(status: &Status) -> ErrorDetail {
    let details = proto::rpc::Status::decode(status.details()).unwrap();
    let any = details.details.first().expect("the error has a detail");
    ErrorDetail::decode(any.value.as_slice()).unwrap()
}
