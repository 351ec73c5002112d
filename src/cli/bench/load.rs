//! Many callers at once, and what they measure. The client does not decode answers: on one machine its work would be
//! taken from the server's.

use std::marker::PhantomData;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::{Buf, BufMut, Bytes};
use http::uri::PathAndQuery;
use proto::v1::RenderRequest;
use tonic::Status;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::{Channel, Endpoint};

use super::failed;
use super::stats::Latencies;
use crate::error::Result;

/// Connections at once.
const CONNECTIONS: usize = 4;

/// Calls at once on each connection: together about what two Argo CD controllers keep in flight.
const CALLS: usize = 8;

/// What a load brought to light.
pub(super) struct Measured {
    /// Answers per second.
    pub(super) rate: f64,
    /// How long each call took.
    pub(super) latencies: Latencies,
}

/// A connection that takes answers as bytes.
#[derive(Clone)]
pub(super) struct Client(Grpc<Channel>);

impl Client {
    /// Connects to a server on loopback.
    pub(super) async fn connect(address: SocketAddr) -> Result<Self> {
        let endpoint = Endpoint::from_shared(format!("http://{address}"))
            .map_err(|error| failed("connecting", &error))?;
        let channel = endpoint.connect().await.map_err(|error| failed("connecting", &error))?;
        Ok(Self(Grpc::new(channel).max_decoding_message_size(usize::MAX)))
    }

    /// Renders, and gives the answer's encoding and how long it took.
    pub(super) async fn render(&mut self, request: RenderRequest) -> Result<(Bytes, Duration)> {
        let begun = Instant::now();
        let call = async {
            self.0.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
            let path = PathAndQuery::from_static("/manifestd.v1.Manifestd/Render");
            self.0.unary(tonic::Request::new(request), path, Raw::<RenderRequest>::default()).await
        };
        let answer = call.await.map_err(|status| failed("rendering", &status.message()))?;
        Ok((answer.into_inner(), begun.elapsed()))
    }
}

/// The same request again and again for `time`, from many callers.
pub(super) async fn hammer(address: SocketAddr, request: &RenderRequest, time: Duration) -> Result<Measured> {
    let mut callers = Vec::new();
    let begun = Instant::now();
    for _ in 0..CONNECTIONS {
        let client = Client::connect(address).await?;
        for _ in 0..CALLS {
            callers.push(tokio::spawn(call_until(client.clone(), request.clone(), begun + time)));
        }
    }
    let mut latencies = Vec::new();
    for caller in callers {
        latencies.extend(caller.await.map_err(|error| failed("a caller", &error))??);
    }
    let latencies = Latencies::new(latencies);
    #[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
    let rate = latencies.count() as f64 / begun.elapsed().as_secs_f64();
    Ok(Measured { rate, latencies })
}

async fn call_until(mut client: Client, request: RenderRequest, end: Instant) -> Result<Vec<Duration>> {
    let mut latencies = Vec::new();
    while Instant::now() < end {
        latencies.push(client.render(request.clone()).await?.1);
    }
    Ok(latencies)
}

/// Sends requests as they are or encodes them, and takes answers as bytes.
#[derive(Clone, Copy)]
pub(super) struct Raw<R>(PhantomData<R>);

impl<R> Default for Raw<R> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

/// What [`Raw`] sends.
pub(super) trait RawRequest: Send + Sync + 'static {
    /// Writes its encoding.
    fn write(self, buffer: &mut EncodeBuf<'_>) -> Result<(), Status>;
}

impl RawRequest for RenderRequest {
    fn write(self, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        prost::Message::encode(&self, buffer).map_err(|error| Status::internal(error.to_string()))
    }
}

impl RawRequest for Bytes {
    fn write(self, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(self);
        Ok(())
    }
}

impl<R: RawRequest> Codec for Raw<R> {
    type Encode = R;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self::default()
    }

    fn decoder(&mut self) -> Self {
        Self::default()
    }
}

impl<R: RawRequest> Encoder for Raw<R> {
    type Item = R;
    type Error = Status;

    fn encode(&mut self, item: R, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        item.write(buffer)
    }
}

impl<R: RawRequest> Decoder for Raw<R> {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
