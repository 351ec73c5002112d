//! A running `manifestd serve` and its client, as the tests of this binary use them.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use bytes::{Buf, BufMut, Bytes};
use http::uri::PathAndQuery;
use proto::v1::manifestd_client::ManifestdClient;
use proto::v1::{RenderRequest, RenderResponse};
use tempfile::TempDir;
use tonic::Status;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::{Channel, Endpoint};

/// The longest any call of a test may take, far above every limit the tests set.
const PATIENCE: Duration = Duration::from_secs(60);

/// Texts no error, log line or metric may ever hold.
pub(crate) const CANARY: &str = "canary-7f3a91";

/// What a render is answered with.
pub(crate) type Answer = Result<RenderResponse, Status>;

/// A running service; killed on drop.
pub(crate) struct Service {
    child: Child,
    grpc: SocketAddr,
    metrics: SocketAddr,
    log: Arc<Mutex<String>>,
    data: Arc<TempDir>,
}

/// How to start a [`Service`].
pub(crate) struct Settings {
    /// Where it keeps repositories; shared by those that follow one another.
    pub(crate) data: Arc<TempDir>,
    /// More flags.
    pub(crate) flags: Vec<String>,
    /// A shell command that ends in `exec "$@"`, to start it under limits.
    pub(crate) wrapper: Option<String>,
}

impl Settings {
    /// A fresh data folder and these flags.
    pub(crate) fn flags(flags: &[&str]) -> Self {
        let flags = flags.iter().map(ToString::to_string).collect();
        Self { data: Arc::new(TempDir::new().unwrap()), flags, wrapper: None }
    }
}

impl Service {
    /// Starts with a fresh data folder and limits that fit small tests.
    pub(crate) fn start() -> Self {
        Self::with(&Settings::flags(&[]))
    }

    /// Starts with these settings and waits until it is ready.
    pub(crate) fn with(settings: &Settings) -> Self {
        let (grpc, metrics) = (free_address(), free_address());
        let mut command = command(settings.wrapper.as_deref());
        command.arg("serve").arg(format!("--listen={grpc}")).arg(format!("--metrics-listen={metrics}"));
        command.arg("--data-dir").arg(settings.data.path()).args(&settings.flags);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let log = collected(child.stderr.take().unwrap());
        let mut service = Self { child, grpc, metrics, log, data: settings.data.clone() };
        service.wait();
        service
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether `/healthz` answers.
    pub(crate) fn is_live(&self) -> bool {
        !http_get(self.metrics, "/healthz").is_empty()
    }

    /// The most memory it ever had resident.
    pub(crate) fn peak_resident_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        let kilobytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        kilobytes << 10
    }

    /// Where it serves gRPC, and where metrics and health.
    pub(crate) fn addresses(&self) -> (SocketAddr, SocketAddr) {
        (self.grpc, self.metrics)
    }

    /// Whether `/healthz` says so.
    pub(crate) fn is_healthy(&self) -> bool {
        http_get(self.metrics, "/healthz").starts_with("HTTP/1.1 200")
    }

    /// The time that processors spent on it so far, in steps of 10 ms.
    pub(crate) fn processor_time(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        let ticks: u64 = fields[11..13].iter().map(|field| field.parse::<u64>().unwrap()).sum();
        Duration::from_millis(ticks * 10)
    }

    /// A connected client. Its channel belongs to the current runtime.
    pub(crate) async fn client(&self) -> ManifestdClient<Channel> {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.grpc)).unwrap().timeout(PATIENCE);
        let client = ManifestdClient::new(endpoint.connect().await.unwrap());
        client.max_decoding_message_size(usize::MAX)
    }

    /// Renders once over a connection of its own.
    pub(crate) async fn render(&self, request: RenderRequest) -> Answer {
        self.client().await.render(request).await.map(tonic::Response::into_inner)
    }

    /// Sends these bytes as a render request.
    pub(crate) async fn call(&self, body: Bytes) -> Result<(), Status> {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.grpc)).unwrap().timeout(PATIENCE);
        let mut client = Grpc::new(endpoint.connect().await.unwrap());
        client.ready().await.unwrap();
        let path = PathAndQuery::from_static("/manifestd.v1.Manifestd/Render");
        client.unary(tonic::Request::new(body), path, Raw).await.map(drop)
    }

    /// Renders all of these at once over one connection; the answers in the order of the requests.
    pub(crate) async fn render_all(&self, requests: impl Iterator<Item = RenderRequest>) -> Vec<Answer> {
        let client = self.client().await;
        let start = |request| {
            let mut client = client.clone();
            tokio::spawn(async move { client.render(request).await.map(tonic::Response::into_inner) })
        };
        let tasks: Vec<_> = requests.map(start).collect();
        let mut answers = Vec::new();
        for task in tasks {
            answers.push(task.await.unwrap());
        }
        answers
    }

    /// Renders all of these, never more at once than the queue of one permit holds.
    pub(crate) async fn render_in_turn(&self, requests: impl Iterator<Item = RenderRequest>) -> Vec<Answer> {
        let requests: Vec<_> = requests.collect();
        let mut answers = Vec::new();
        for some in requests.chunks(16) {
            answers.extend(self.render_all(some.iter().cloned()).await);
        }
        answers
    }

    /// The metrics now: name with labels → value.
    pub(crate) fn metrics(&self) -> Metrics {
        let text = http_get(self.metrics, "/metrics");
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let pairs = lines.filter_map(|line| line.rsplit_once(' '));
        Metrics(pairs.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?))).collect())
    }

    /// What it wrote to stderr so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Kills it as `kill -9` does and waits until it is gone.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Fails if a text tells a secret, or a path of this machine.
    pub(crate) fn assert_silent(&self, text: &str) {
        assert!(!text.contains(CANARY), "a credential leaked: {text}");
        let data = self.data.path().to_str().unwrap();
        for path in [data, "/tmp/", "/root/", "/home/", env!("CARGO_MANIFEST_DIR")] {
            assert!(!text.contains(path), "a path of this machine leaked: {text}");
        }
    }

    /// Fails if it has panicked or logged a secret.
    pub(crate) fn assert_healthy(&mut self) {
        let log = self.log();
        assert!(!log.contains("panicked"), "{log}");
        assert!(!log.contains(CANARY), "a credential leaked into the log: {log}");
        assert!(self.child.try_wait().unwrap().is_none(), "it has ended: {log}");
    }

    fn wait(&mut self) {
        let begun = Instant::now();
        while !ready(self.metrics) {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "it ended while starting ({ended:?}): {}", self.log());
            assert!(begun.elapsed() < PATIENCE, "it did not become ready: {}", self.log());
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Metrics at one moment.
pub(crate) struct Metrics(BTreeMap<String, f64>);

impl Metrics {
    /// The sum of every series whose name begins with `name` and whose labels hold every text of `labels`.
    pub(crate) fn sum(&self, name: &str, labels: &[&str]) -> f64 {
        let series = self.0.iter().filter(|(key, _)| {
            let (base, rest) = key.split_once('{').unwrap_or((key, ""));
            base == name && labels.iter().all(|label| rest.contains(label))
        });
        series.map(|(_, value)| value).sum()
    }
}

/// The manifestd program without the environment's settings, under a wrapper if one is given.
pub(crate) fn command(wrapper: Option<&str>) -> Command {
    let program = env!("CARGO_BIN_EXE_manifestd");
    let mut command = match wrapper {
        None => Command::new(program),
        Some(script) => {
            let mut shell = Command::new("sh");
            shell.args(["-c", script, "sh", program]);
            shell
        }
    };
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MANIFESTD_")) {
        command.env_remove(name);
    }
    command
}

/// An address of loopback whose port is free now.
pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap()
}

fn ready(metrics: SocketAddr) -> bool {
    TcpStream::connect(metrics).is_ok() && http_get(metrics, "/readyz").starts_with("HTTP/1.1 200")
}

fn http_get(address: SocketAddr, path: &str) -> String {
    let mut text = String::new();
    let Ok(mut stream) = TcpStream::connect(address) else { return text };
    let asked = write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    if asked.is_ok() {
        // A server that is being killed may break off.
        let _ = stream.read_to_string(&mut text);
    }
    text
}

fn collected(log: impl Read + Send + 'static) -> Arc<Mutex<String>> {
    let text = Arc::new(Mutex::new(String::new()));
    let writer = text.clone();
    thread::spawn(move || {
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            *writer.lock().unwrap() += &(line + "\n");
        }
    });
    text
}

/// Sends bytes as they are and forgets answers.
#[derive(Clone, Copy, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = ();
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buf: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buf.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = ();
    type Error = Status;

    fn decode(&mut self, buf: &mut DecodeBuf<'_>) -> Result<Option<()>, Status> {
        buf.advance(buf.remaining());
        Ok(Some(()))
    }
}
