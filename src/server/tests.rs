//! The server over real connections, in front of a service that does what its caller says.

use std::sync::Arc;
use std::time::Duration;

use prost::Message;
use proto::Reply;
use proto::v1::manifestd_client::ManifestdClient;
use proto::v1::{
    GetFilesRequest, GetFilesResponse, ListAppsRequest, ListAppsResponse, ListDirectoriesRequest,
    ListDirectoriesResponse, ListRefsRequest, ListRefsResponse, RenderRequest, ResolveRevisionRequest,
    ResolveRevisionResponse,
};
use proto::v1_server::manifestd_server::Manifestd;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Request, Response, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;

use super::*;
use crate::config::{Environment, Settings, TlsSettings, Values};
use crate::credentials::Secret;

/// Does what the name of the application says.
#[derive(Clone, Default)]
struct Scripted {
    begun: Arc<Notify>,
    go: Arc<Notify>,
}

#[tonic::async_trait]
impl Manifestd for Scripted {
    type RenderStreamStream = tokio_stream::Once<Result<Reply, Status>>;

    async fn render(&self, request: Request<RenderRequest>) -> Result<Response<Reply>, Status> {
        match request.into_inner().name.as_str() {
            "panic" => panic!("as asked"),
            "wait" => {
                self.begun.notify_one();
                self.go.notified().await;
            }
            _ => {}
        }
        Ok(Response::new(Reply::default()))
    }

    async fn render_stream(
        &self,
        _: Request<RenderRequest>,
    ) -> Result<Response<Self::RenderStreamStream>, Status> {
        Ok(Response::new(tokio_stream::once(Ok(Reply::default()))))
    }

    async fn resolve_revision(
        &self,
        _: Request<ResolveRevisionRequest>,
    ) -> Result<Response<ResolveRevisionResponse>, Status> {
        Ok(Response::new(Default::default()))
    }

    async fn list_refs(&self, _: Request<ListRefsRequest>) -> Result<Response<ListRefsResponse>, Status> {
        Ok(Response::new(Default::default()))
    }

    async fn list_apps(&self, _: Request<ListAppsRequest>) -> Result<Response<ListAppsResponse>, Status> {
        Ok(Response::new(Default::default()))
    }

    async fn get_files(&self, _: Request<GetFilesRequest>) -> Result<Response<GetFilesResponse>, Status> {
        Ok(Response::new(Default::default()))
    }

    async fn list_directories(
        &self,
        _: Request<ListDirectoriesRequest>,
    ) -> Result<Response<ListDirectoriesResponse>, Status> {
        Ok(Response::new(Default::default()))
    }
}

/// A server that was started, and what ends it.
struct Started {
    scripted: Scripted,
    grpc: SocketAddr,
    http: SocketAddr,
    ready: Arc<Ready>,
    stop: oneshot::Sender<()>,
    done: JoinHandle<Result<()>>,
}

async fn start(change: impl FnOnce(&mut ServerSettings)) -> Started {
    let environment = Environment { home: Some("/nonexistent".into()), ..Environment::default() };
    let mut settings = Settings::check(Values::new(), &environment).unwrap().server;
    settings.listen = "127.0.0.1:0".parse().unwrap();
    settings.metrics_listen = Some(settings.listen);
    change(&mut settings);
    let options =
        api::Options { max_message_bytes: settings.max_message_bytes, reflection: settings.reflection };
    let server = Server::bind(settings, Arc::new(Metrics::new(Vec::new))).await.unwrap();
    let (grpc, http) = (server.address().unwrap(), server.metrics_address().unwrap().unwrap());
    let (stop, stopped) = oneshot::channel();
    let (scripted, ready) = (Scripted::default(), server.ready.clone());
    let serving = server.run(api::routes(scripted.clone(), &options), async {
        let _ = stopped.await;
    });
    Started { scripted, grpc, http, ready, stop, done: tokio::spawn(serving) }
}

impl Started {
    async fn client(&self) -> ManifestdClient<Channel> {
        ManifestdClient::connect(format!("http://{}", self.grpc)).await.unwrap()
    }

    async fn tls(
        &self,
        config: ClientTlsConfig,
    ) -> Result<ManifestdClient<Channel>, tonic::transport::Error> {
        let endpoint = Endpoint::from_shared(format!("https://{}", self.grpc)).unwrap();
        let config = config.domain_name("localhost");
        Ok(ManifestdClient::new(endpoint.tls_config(config).unwrap().connect().await?))
    }

    /// The `grpc-status` of a call whose body begins with these bytes and does not end, sent with these headers.
    async fn status_of_unfinished(&self, path: &str, headers: &[(&str, &str)], start: &[u8]) -> String {
        let stream = TcpStream::connect(self.grpc).await.unwrap();
        let (mut client, connection) = h2::client::handshake(stream).await.unwrap();
        let connection = tokio::spawn(connection);
        let mut request = ::http::Request::post(format!("http://{}{path}", self.grpc))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (answer, mut body) = client.send_request(request.body(()).unwrap(), false).unwrap();
        if !start.is_empty() {
            body.send_data(start.to_vec().into(), false).unwrap();
        }
        let status = answer.await.unwrap().headers()["grpc-status"].to_str().unwrap().to_owned();
        connection.abort();
        status
    }

    /// The `grpc-status` of a call that waits for ever, sent without tonic's client, which keeps deadlines by itself.
    async fn status_of_waiting(&self, timeout: &str) -> String {
        let stream = TcpStream::connect(self.grpc).await.unwrap();
        let (mut client, connection) = h2::client::handshake(stream).await.unwrap();
        let connection = tokio::spawn(connection);
        let request = ::http::Request::post(format!("http://{}/manifestd.v1.Manifestd/Render", self.grpc))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .header("grpc-timeout", timeout)
            .body(())
            .unwrap();
        let (answer, mut body) = client.send_request(request, false).unwrap();
        let message = named("wait").encode_to_vec();
        let prefix = [0, 0, 0, 0, u8::try_from(message.len()).unwrap()];
        body.send_data([&prefix[..], &message].concat().into(), true).unwrap();
        let status = answer.await.unwrap().headers()["grpc-status"].to_str().unwrap().to_owned();
        connection.abort();
        status
    }

    async fn http(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.http).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

fn named(name: &str) -> RenderRequest {
    RenderRequest { name: name.into(), ..RenderRequest::default() }
}

#[tokio::test]
async fn a_panic_fails_its_call_and_the_next_one_works() {
    let server = start(|_| ()).await;
    let mut client = server.client().await;
    let status = client.render(named("panic")).await.unwrap_err();
    assert_eq!(status.code(), Code::Internal);
    assert!(!status.message().contains("as asked"));
    client.render(named("")).await.unwrap();
}

#[tokio::test]
async fn a_request_over_the_limit_is_out_of_range_and_the_next_one_works() {
    let server = start(|settings| settings.max_message_bytes = 100_000).await;
    let mut client = server.client().await;
    let status = client.render(named(&"x".repeat(200_000))).await.unwrap_err();
    assert_eq!(status.code(), Code::OutOfRange);
    client.render(named(&"x".repeat(50_000))).await.unwrap();
}

#[tokio::test]
async fn reflection_is_off_unless_asked_for() {
    let list = tonic_reflection::pb::v1::ServerReflectionRequest {
        message_request: Some(
            tonic_reflection::pb::v1::server_reflection_request::MessageRequest::ListServices(String::new()),
        ),
        ..Default::default()
    };
    for (reflection, expected) in [(false, Code::Unimplemented), (true, Code::Ok)] {
        let server = start(|settings| settings.reflection = reflection).await;
        let channel =
            Endpoint::from_shared(format!("http://{}", server.grpc)).unwrap().connect().await.unwrap();
        let mut client = ServerReflectionClient::new(channel);
        let answer = client.server_reflection_info(tokio_stream::once(list.clone())).await;
        let answer = match answer {
            Ok(mut stream) => stream.get_mut().message().await.map(|_| ()),
            Err(status) => Err(status),
        };
        assert_eq!(answer.map_or_else(|status| status.code(), |()| Code::Ok), expected);
    }
}

#[tokio::test]
async fn a_token_guards_everything_but_health() {
    let server = start(|settings| settings.token = Some(Secret::new("s3cret"))).await;
    let mut client = server.client().await;
    let status = client.render(named("")).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    let mut request = Request::new(named(""));
    request.metadata_mut().insert("authorization", "Bearer s3cret".parse().unwrap());
    client.render(request).await.unwrap();
    let channel = Endpoint::from_shared(format!("http://{}", server.grpc)).unwrap().connect().await.unwrap();
    HealthClient::new(channel).check(HealthCheckRequest::default()).await.unwrap();
}

#[tokio::test]
async fn the_callers_deadline_has_its_own_code() {
    let server = start(|_| ()).await;
    for timeout in ["50m", "1n"] {
        assert_eq!(server.status_of_waiting(timeout).await, "4", "{timeout}");
    }
}

#[tokio::test]
async fn calls_under_way_finish_before_the_server_ends() {
    let server = start(|_| ()).await;
    let mut client = server.client().await;
    let call = tokio::spawn(async move { client.render(named("wait")).await });
    server.scripted.begun.notified().await;
    assert!(server.http("/readyz").await.starts_with("HTTP/1.1 200"));
    server.stop.send(()).unwrap();
    while server.ready.wants_calls() {
        tokio::task::yield_now().await;
    }
    assert!(!server.done.is_finished());
    server.scripted.go.notify_one();
    call.await.unwrap().unwrap();
    server.done.await.unwrap().unwrap();
}

#[tokio::test]
async fn the_drain_has_a_time_limit() {
    let server = start(|settings| settings.drain_time = Duration::from_millis(50)).await;
    let mut client = server.client().await;
    let call = tokio::spawn(async move { client.render(named("wait")).await });
    server.scripted.begun.notified().await;
    server.stop.send(()).unwrap();
    server.done.await.unwrap().unwrap();
    call.abort();
}

#[tokio::test]
async fn watching_health_does_not_hold_up_the_drain() {
    let server = start(|settings| settings.drain_time = Duration::from_secs(600)).await;
    let channel = Endpoint::from_shared(format!("http://{}", server.grpc)).unwrap().connect().await.unwrap();
    let mut watch =
        HealthClient::new(channel).watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status, 1);
    server.stop.send(()).unwrap();
    server.done.await.unwrap().unwrap();
    assert_eq!(watch.message().await.unwrap().unwrap().status, 2);
}

#[tokio::test]
async fn metrics_and_health_over_http() {
    let server = start(|_| ()).await;
    server.client().await.render(named("")).await.unwrap();
    assert!(server.http("/healthz").await.ends_with("\r\n\r\nok\n"));
    assert!(server.http("/nothing").await.starts_with("HTTP/1.1 404"));
    let metrics = server.http("/metrics").await;
    assert!(
        metrics.contains("manifestd_requests_total{rpc=\"Render\",code=\"OK\",answered=\"\"} 1"),
        "{metrics}"
    );
}

#[tokio::test]
async fn a_call_that_was_left_is_counted() {
    let server = start(|_| ()).await;
    let mut client = server.client().await;
    let call = tokio::spawn(async move { client.render(named("wait")).await });
    server.scripted.begun.notified().await;
    call.abort();
    server.ready.idle().await;
    let line = "manifestd_requests_total{rpc=\"Render\",code=\"CANCELLED\",answered=\"\"} 1";
    assert!(server.http("/metrics").await.contains(line));
}

#[tokio::test]
async fn tls_and_mutual_tls() {
    let certificates = testkit::Certificates::new();
    let trusting = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(&certificates.authority));
    let known = trusting.clone().identity(Identity::from_pem(&certificates.client, &certificates.client_key));
    let other = testkit::Certificates::new();
    let unknown = trusting.clone().identity(Identity::from_pem(&other.client, &other.client_key));
    for (mutual, config, served) in [
        (false, &trusting, true),
        (false, &ClientTlsConfig::new(), false),
        (true, &known, true),
        (true, &trusting, false),
        (true, &unknown, false),
    ] {
        let tls = TlsSettings {
            certificate: certificates.server.clone(),
            key: Secret::new(&certificates.server_key),
            client_ca: mutual.then(|| certificates.authority.clone()),
        };
        let server = start(|settings| settings.tls = Some(tls)).await;
        // With TLS 1.3 a client learns only from its first call that its certificate was refused.
        let answer = match server.tls(config.clone()).await {
            Ok(mut client) => client.render(named("")).await.is_ok(),
            Err(_) => false,
        };
        assert_eq!(answer, served, "mutual: {mutual}");
    }
}

#[tokio::test]
async fn tls_files_that_are_none_are_refused_before_serving() {
    let tls = TlsSettings { certificate: "no PEM".into(), key: Secret::new("nor this"), client_ca: None };
    let server = start(|settings| settings.tls = Some(tls)).await;
    let error = server.done.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), Kind::Invalid);
    assert!(!error.to_string().contains("nor this"));
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let Err(error) = bind(address).await else { panic!("two listeners on {address}") };
    assert!(error.message().starts_with(&format!("cannot listen on {address}: ")));
}

/// The path of a method.
const RENDER: &str = "/manifestd.v1.Manifestd/Render";

#[tokio::test]
async fn a_call_without_the_token_is_refused_by_its_headers() {
    let server = start(|settings| settings.token = Some(Secret::new("s3cret"))).await;
    for headers in [&[][..], &[("authorization", "Bearer s3cre")]] {
        assert_eq!(server.status_of_unfinished(RENDER, headers, b"").await, "16");
    }
    assert_eq!(server.ready.calls(), 0);
}

/// A path, headers, the body, and the code that refuses it.
type RefusedCall<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [u8], Code);

#[tokio::test]
async fn what_cannot_be_received_is_refused_before_it_is_there() {
    let server = start(|settings| settings.max_message_bytes = 100_000).await;
    let table: [RefusedCall<'_>; 6] = [
        ("/manifestd.v1.Manifestd/Other", &[], b"", Code::Unimplemented),
        ("/other.Service/Render", &[], b"", Code::Unimplemented),
        (RENDER, &[("grpc-encoding", "gzip")], b"", Code::Unimplemented),
        (RENDER, &[], b"\x01\0\0\0\x05", Code::Unimplemented),
        (RENDER, &[], b"\0\0\x10\0\0", Code::OutOfRange),
        // A field of a wrong type is the first of a message that does not end.
        (RENDER, &[], b"\0\0\x01\0\0\x08\x01", Code::InvalidArgument),
    ];
    for (path, headers, start, code) in table {
        let status = server.status_of_unfinished(path, headers, start).await;
        assert_eq!(status, (code as i32).to_string(), "{path} {start:?}");
    }
    server.client().await.render(named("")).await.unwrap();
}

#[tokio::test]
async fn memory_of_requests_is_bounded_and_comes_back() {
    let server = start(|settings| settings.request_memory_bytes = 8 << 20).await;
    let mut client = server.client().await;
    let text = "x".repeat(3 << 20);
    for _ in 0..3 {
        let status = client.render(named(&text)).await.unwrap_err();
        assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    }
    for _ in 0..10 {
        client.render(named(&"x".repeat(2 << 20))).await.unwrap();
    }
    let used = server.http("/metrics").await;
    assert!(used.contains("\nmanifestd_request_memory_bytes 0\n"), "{used}");
}

#[tokio::test]
async fn headers_without_messages_keep_nobody_out() {
    let server = start(|settings| settings.max_streams = 2_000).await;
    let mut connections = Vec::new();
    // More calls than may wait.
    for _ in 0..4 {
        let stream = TcpStream::connect(server.grpc).await.unwrap();
        let (mut client, connection) = h2::client::handshake(stream).await.unwrap();
        connections.push(tokio::spawn(connection));
        for _ in 0..1_500 {
            client = client.ready().await.unwrap();
            let request = ::http::Request::post(format!("http://{}{RENDER}", server.grpc)).body(()).unwrap();
            connections.push(tokio::spawn({
                let (answer, body) = client.send_request(request, false).unwrap();
                async move {
                    // Dropping the body would end the call.
                    let _body = body;
                    answer.await.map(drop)
                }
            }));
        }
    }
    for _ in 0..20 {
        server.client().await.render(named("")).await.unwrap();
    }
    connections.iter().for_each(JoinHandle::abort);
}

#[tokio::test]
async fn one_peer_has_so_many_connections() {
    let server = start(|settings| settings.max_connections_per_peer = 3).await;
    let mut idle = Vec::new();
    for _ in 0..10 {
        idle.push(TcpStream::connect(server.grpc).await.unwrap());
        server.client().await.render(named("")).await.unwrap();
    }
    let metrics = server.http("/metrics").await;
    let line = metrics.lines().find(|line| line.starts_with("manifestd_connections ")).unwrap();
    let count: usize = line.rsplit(' ').next().unwrap().parse().unwrap();
    assert!((1..=3).contains(&count), "{count}");
}

#[tokio::test]
async fn every_service_on_the_port_has_a_schema() {
    let server = start(|settings| settings.reflection = true).await;
    let channel = Endpoint::from_shared(format!("http://{}", server.grpc)).unwrap().connect().await.unwrap();
    let list = tonic_reflection::pb::v1::ServerReflectionRequest {
        message_request: Some(
            tonic_reflection::pb::v1::server_reflection_request::MessageRequest::ListServices(String::new()),
        ),
        ..Default::default()
    };
    let mut client = ServerReflectionClient::new(channel);
    let mut answers = client.server_reflection_info(tokio_stream::once(list)).await.unwrap().into_inner();
    let answer = answers.message().await.unwrap().unwrap().message_response.unwrap();
    let tonic_reflection::pb::v1::server_reflection_response::MessageResponse::ListServicesResponse(services) =
        answer
    else {
        panic!("{answer:?}")
    };
    let schema = api::schema();
    assert!(services.service.len() >= 2);
    for service in services.service {
        let start = format!("/{}/", service.name);
        assert!(schema.paths().any(|path| path.starts_with(&start)), "{} has no descriptors", service.name);
    }
}
