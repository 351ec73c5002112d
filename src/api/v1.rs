//! `manifestd.v1.Manifestd`: each method is convert, call, convert.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use std::vec;

use bytes::Bytes;
use prost::Message;
use proto::Reply;
use proto::v1::{
    App, File, GetFilesRequest, GetFilesResponse, ListAppsRequest, ListAppsResponse, ListDirectoriesRequest,
    ListDirectoriesResponse, ListRefsRequest, ListRefsResponse, RenderRequest, ResolveRevisionRequest,
    ResolveRevisionResponse,
};
use proto::v1_server::manifestd_server::Manifestd;
use tonic::{Code, Request, Response, Status};
use tree::{Tree, TreePath};

use super::convert::{self, Asked};
use super::status::{plain, status};
use super::stream::parts;
use super::{Counted, Held};
use crate::error::{Error, Kind, Result};
use crate::inspect::{self, Budget};
use crate::pipeline::{Pipeline, Replies};
use crate::render::Stop;
use crate::render::detect::Type;
use crate::request::Rendered;
use crate::source::{Pinned, Sources};
use crate::telemetry::Metrics;

/// What the API is told at the start.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Whether requests may hold credentials: the connection is encrypted, or does not leave this machine.
    pub secrets: bool,
    /// The largest message in bytes.
    pub max_message_bytes: usize,
    /// Bytes of all replies being sent together.
    pub reply_memory_bytes: u64,
}

/// The service behind the wire.
pub struct Api {
    pipeline: Pipeline,
    metrics: Arc<Metrics>,
    limits: Limits,
    replies: Replies,
}

impl Api {
    /// The service over its parts.
    #[must_use]
    pub fn new(pipeline: Pipeline, metrics: Arc<Metrics>, limits: Limits) -> Self {
        Self { pipeline, metrics, limits, replies: Replies::new(limits.reply_memory_bytes) }
    }

    fn sources(&self) -> &Sources {
        self.pipeline.stages().sources()
    }

    async fn rendered(&self, request: RenderRequest) -> Result<Rendered> {
        let request = convert::render(request, self.limits.secrets)?;
        let rendered = self.pipeline.render(request).await?;
        for (stage, time) in &rendered.timings {
            self.metrics.stage(stage, *time);
        }
        Ok(rendered)
    }

    async fn pinned(&self, asked: Asked) -> Result<Pinned> {
        let Asked { source, no_revision_cache } = asked;
        let pinned = self.sources().pin(&[source], no_revision_cache).await?;
        pinned.into_iter().next().ok_or_else(|| Error::new(Kind::Internal, "one source was not pinned"))
    }

    /// What `look` finds in the files asked for, and their revision.
    async fn inspect<T: Send + 'static>(
        &self,
        asked: Result<Asked>,
        look: impl FnOnce(&dyn Tree, &Stop) -> Result<T> + Send + 'static,
    ) -> Result<(T, String), Status> {
        let found = async {
            let pinned = self.pinned(asked?).await?;
            let tree = self.sources().open(&pinned).await?;
            Ok((looked(tree, look).await?, pinned.revision.to_string()))
        };
        found.await.map_err(|error| status(&error))
    }

    /// The reply with its room, if one message can hold it.
    async fn reply<M: Message>(&self, message: M, advice: &str) -> Result<Response<M>, Status> {
        let size = message.encoded_len();
        self.fits(size, advice)?;
        let room = self.replies.reserve(size as u64).await.map_err(|error| status(&error))?;
        let mut response = Response::new(message);
        response.extensions_mut().insert(Held(Arc::new(room)));
        Ok(response)
    }

    fn fits(&self, size: usize, advice: &str) -> Result<(), Status> {
        let most = self.limits.max_message_bytes;
        if size <= most {
            return Ok(());
        }
        let message = format!("the answer of {size} bytes is over the message limit of {most} bytes");
        Err(plain(Code::OutOfRange, &message, advice))
    }
}

/// What `look` finds in the tree; it is stopped when its caller leaves.
async fn looked<T: Send + 'static>(
    tree: Arc<dyn Tree>,
    look: impl FnOnce(&dyn Tree, &Stop) -> Result<T> + Send + 'static,
) -> Result<T> {
    let stop = Stop::after(LOOK);
    let _left = StopOnDrop(stop.clone());
    let found = tokio::task::spawn_blocking(move || look(&*tree, &stop)).await;
    found.map_err(|_| Error::new(Kind::Internal, "looking through the files broke off"))?
}

struct StopOnDrop(Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.raise();
    }
}

/// The files that match any of the patterns, within one budget for all.
fn files(tree: &dyn Tree, patterns: &[String], bytes: usize, stop: &Stop) -> Result<Vec<File>> {
    let mut found = BTreeMap::new();
    for pattern in patterns {
        let used: usize = found.values().map(Bytes::len).sum();
        let budget = Budget { bytes: bytes.saturating_sub(used) as u64 };
        found.extend(inspect::files(tree, pattern, budget, stop)?);
    }
    Ok(found.into_iter().map(|(path, content)| File { path: path.to_string(), content }).collect())
}

/// A repository of a million files is walked in a few seconds.
const LOOK: Duration = Duration::from_secs(60);

/// One manifest cannot be cut.
const ONE_IS_LARGE: &str = "raise --max-message-bytes and the client's own limit: one manifest is that large";

#[tonic::async_trait]
impl Manifestd for Api {
    type RenderStreamStream = tokio_stream::Iter<vec::IntoIter<Result<Reply, Status>>>;

    async fn render(&self, request: Request<RenderRequest>) -> Result<Response<Reply>, Status> {
        let rendered = self.rendered(request.into_inner()).await.map_err(|error| status(&error))?;
        let reply = Reply { own: convert::own_fields(&rendered), body: rendered.body.0.clone() };
        let mut response = self.reply(reply, "ask with RenderStream").await?;
        response.extensions_mut().insert(Counted(convert::answered_name(&rendered.answered)));
        Ok(response)
    }

    async fn render_stream(
        &self,
        request: Request<RenderRequest>,
    ) -> Result<Response<Self::RenderStreamStream>, Status> {
        let rendered = self.rendered(request.into_inner()).await.map_err(|error| status(&error))?;
        let broken = || status(&Error::new(Kind::Internal, "a kept result cannot be cut into parts"));
        let bodies = parts(&rendered.body.0).ok_or_else(broken)?;
        for body in &bodies {
            self.fits(body.len(), ONE_IS_LARGE)?;
        }
        let part = |body| Reply { body, ..Reply::default() };
        let last = Reply { own: convert::own_fields(&rendered), ..Reply::default() };
        let replies: Vec<_> = bodies.into_iter().map(part).chain([last]).map(Ok).collect();
        let mut response = Response::new(tokio_stream::iter(replies));
        response.extensions_mut().insert(Counted(convert::answered_name(&rendered.answered)));
        Ok(response)
    }

    async fn resolve_revision(
        &self,
        request: Request<ResolveRevisionRequest>,
    ) -> Result<Response<ResolveRevisionResponse>, Status> {
        let asked = convert::asked(request.into_inner(), self.limits.secrets);
        let pinned = async { self.pinned(asked?).await }.await.map_err(|error| status(&error))?;
        Ok(Response::new(ResolveRevisionResponse { revision: pinned.revision.to_string() }))
    }

    async fn list_refs(
        &self,
        request: Request<ListRefsRequest>,
    ) -> Result<Response<ListRefsResponse>, Status> {
        let asked =
            convert::asked(request.into_inner(), self.limits.secrets).map_err(|error| status(&error))?;
        let refs = self.sources().refs(&asked.source.origin, asked.no_revision_cache).await;
        let refs = convert::refs(&refs.map_err(|error| status(&error))?);
        self.reply(refs, "the repository has too many refs to list").await
    }

    async fn list_apps(
        &self,
        request: Request<ListAppsRequest>,
    ) -> Result<Response<ListAppsResponse>, Status> {
        let asked = convert::asked(request.into_inner(), self.limits.secrets);
        let (apps, revision) = self.inspect(asked, inspect::apps).await?;
        let app =
            |(path, kind): (TreePath, Type)| App { path: path.to_string(), renderer: kind.name().into() };
        let response = ListAppsResponse { apps: apps.into_iter().map(app).collect(), revision };
        self.reply(response, "the repository has too many applications to list").await
    }

    async fn get_files(
        &self,
        request: Request<GetFilesRequest>,
    ) -> Result<Response<GetFilesResponse>, Status> {
        let mut request = request.into_inner();
        let patterns = std::mem::take(&mut request.patterns);
        let asked = convert::patterns(&patterns).and_then(|()| convert::asked(request, self.limits.secrets));
        let bytes = self.limits.max_message_bytes;
        let (files, revision) =
            self.inspect(asked, move |tree, stop| files(tree, &patterns, bytes, stop)).await?;
        self.reply(GetFilesResponse { files, revision }, "ask for fewer files").await
    }

    async fn list_directories(
        &self,
        request: Request<ListDirectoriesRequest>,
    ) -> Result<Response<ListDirectoriesResponse>, Status> {
        let request = request.into_inner();
        let hidden = request.hidden;
        let asked = convert::asked(request, self.limits.secrets);
        let look = move |tree: &dyn Tree, stop: &Stop| inspect::directories(tree, hidden, stop);
        let (paths, revision) = self.inspect(asked, look).await?;
        let paths = paths.iter().map(ToString::to_string).collect();
        let response = ListDirectoriesResponse { paths, revision };
        self.reply(response, "the repository has too many folders to list").await
    }
}
