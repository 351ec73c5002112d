//! The peer of `bench warm`: a bare tonic server that answers every render with the same bytes from memory.

use std::pin::Pin;

use bytes::Bytes;
use clap::{Arg, ArgMatches, Command};
use proto::Reply;
use proto::v1::{
    GetFilesRequest, GetFilesResponse, ListAppsRequest, ListAppsResponse, ListDirectoriesRequest,
    ListDirectoriesResponse, ListRefsRequest, ListRefsResponse, RenderRequest, RenderResponse,
    ResolveRevisionRequest, ResolveRevisionResponse,
};
use proto::v1_server::manifestd_server::{Manifestd, ManifestdServer};
use tonic::{Request, Response, Status};

use super::failed;
use crate::error::Result;

/// The hidden command that starts it.
pub(super) const NAME: &str = "peer";

struct Peer(Bytes);

/// The command itself: the file that holds the answer, and where to listen.
pub(super) fn command() -> Command {
    Command::new(NAME).hide(true).arg(Arg::new("body").required(true)).arg(Arg::new("address").required(true))
}

/// Serves the content of the file the command line names, until it is killed.
pub(super) async fn run(matches: &ArgMatches) -> Result<()> {
    let text = |name: &str| matches.get_one::<String>(name).map(String::as_str).unwrap_or_default();
    let body = std::fs::read(text("body")).map_err(|error| failed("reading the peer's answer", &error))?;
    let address = text("address").parse().map_err(|error| failed("the peer's address", &error))?;
    let service = ManifestdServer::new(Peer(body.into())).max_encoding_message_size(usize::MAX);
    let served = tonic::transport::Server::builder().add_service(service).serve(address).await;
    served.map_err(|error| failed("serving", &error))
}

fn not_here<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("the peer of the benchmark only renders"))
}

type Parts = Pin<Box<dyn tokio_stream::Stream<Item = Result<Reply, Status>> + Send>>;

#[tonic::async_trait]
impl Manifestd for Peer {
    type RenderStreamStream = Parts;

    async fn render(&self, _: Request<RenderRequest>) -> Result<Response<Reply>, Status> {
        Ok(Response::new(Reply { body: self.0.clone(), own: RenderResponse::default() }))
    }

    async fn render_stream(&self, _: Request<RenderRequest>) -> Result<Response<Parts>, Status> {
        not_here()
    }

    async fn resolve_revision(
        &self,
        _: Request<ResolveRevisionRequest>,
    ) -> Result<Response<ResolveRevisionResponse>, Status> {
        not_here()
    }

    async fn list_refs(&self, _: Request<ListRefsRequest>) -> Result<Response<ListRefsResponse>, Status> {
        not_here()
    }

    async fn list_apps(&self, _: Request<ListAppsRequest>) -> Result<Response<ListAppsResponse>, Status> {
        not_here()
    }

    async fn get_files(&self, _: Request<GetFilesRequest>) -> Result<Response<GetFilesResponse>, Status> {
        not_here()
    }

    async fn list_directories(
        &self,
        _: Request<ListDirectoriesRequest>,
    ) -> Result<Response<ListDirectoriesResponse>, Status> {
        not_here()
    }
}
