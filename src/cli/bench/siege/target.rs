//! The server under siege: started as operators start it, within a limit of address space, and watched from outside.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use proto::v1::RenderRequest;
use tempfile::TempDir;
use tonic::Status;
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint};

use super::super::failed;
use super::super::load::Raw;
use super::super::repository::{File, Repository, free_address, wait_for};
use super::super::service::request;
use super::bombs::bombs;
use crate::error::Result;

/// The token that calls must bear.
pub(super) const TOKEN: &str = "siege-token";

/// The address space of the server and of each of its workers, in the kilobytes of `ulimit`.
const ADDRESS_SPACE_KB: u64 = 3 << 20;

/// Under siege a render ends after this time, so that a minute sees some of them.
const RENDER_TIMEOUT: &str = "--render-timeout=5s";

/// Renders at once, as on a small node.
pub(super) const SLOTS: usize = 2;

/// The folder of the usual application.
const SMALL: &str = "small";

/// The server, and the repositories it is asked for.
pub(super) struct Target {
    child: Mutex<Child>,
    /// Where it serves gRPC.
    pub(super) grpc: SocketAddr,
    /// Where it serves health.
    pub(super) http: SocketAddr,
    usual: Repository,
    bombs: Repository,
    _data: TempDir,
}

impl Target {
    /// Makes the repositories and starts the server.
    pub(super) fn start() -> Result<Self> {
        let usual = Repository::serve(std::iter::once(small_file()))?;
        let files = bombs().into_iter().flat_map(|bomb| {
            bomb.files.into_iter().map(move |(path, text)| (format!("{}/{path}", bomb.name), text))
        });
        let bombs = Repository::serve(files)?;
        let data = TempDir::new().map_err(|error| failed("making a temporary folder", &error))?;
        let token = data.path().join("token");
        std::fs::write(&token, TOKEN).map_err(|error| failed("writing a token", &error))?;
        let (grpc, http) = (free_address()?, free_address()?);
        let child = command(grpc, http, data.path(), &token)?
            .spawn()
            .map_err(|error| failed("starting manifestd", &error))?;
        let target = Self { child: Mutex::new(child), grpc, http, usual, bombs, _data: data };
        wait_for(grpc)?;
        wait_for(http)?;
        Ok(target)
    }

    /// Whether the process that was started is still there.
    pub(super) fn is_alive(&self) -> bool {
        self.child().try_wait().is_ok_and(|ended| ended.is_none())
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The request for a small application of this name.
    pub(super) fn small_request(&self, name: &str) -> RenderRequest {
        RenderRequest { name: name.to_owned(), ..request(&self.usual.url(), SMALL) }
    }

    /// The request for a bomb, for an application of this name.
    pub(super) fn bomb_request(&self, folder: &str, name: &str) -> RenderRequest {
        RenderRequest { name: name.to_owned(), ..request(&self.bombs.url(), folder) }
    }

    /// Resident bytes of the server and of the server with everything it started.
    pub(super) fn memory(&self) -> (u64, u64) {
        let processes = processes();
        let of_group = |root: u32| {
            let mut known = vec![root];
            let mut total = 0;
            // Parents have been listed before their children only by chance.
            for _ in 0..3 {
                for process in &processes {
                    if known.contains(&process.parent) && !known.contains(&process.id) {
                        known.push(process.id);
                    }
                }
            }
            for process in processes.iter().filter(|process| known.contains(&process.id)) {
                total += process.resident;
            }
            total
        };
        let id = self.child().id();
        let own = processes.iter().find(|process| process.id == id);
        (own.map_or(0, |process| process.resident), of_group(id))
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        // It may have ended by itself.
        let mut child = self.child();
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// A connection that sends and takes messages as bytes.
#[derive(Clone)]
pub(super) struct Caller(Grpc<Channel>);

impl Caller {
    /// Connects from an address of loopback of its own.
    pub(super) async fn connect(address: SocketAddr, from: [u8; 4]) -> Result<Self> {
        let endpoint = Endpoint::from_shared(format!("http://{address}"))
            .map_err(|error| failed("connecting", &error))?
            .local_address(Some(from.into()));
        let channel = endpoint.connect().await.map_err(|error| failed("connecting", &error))?;
        Ok(Self(Grpc::new(channel).max_decoding_message_size(usize::MAX)))
    }

    /// Sends these bytes as a render request.
    pub(super) async fn render(&mut self, message: Bytes, token: &str) -> Result<Bytes, Status> {
        self.0.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
        let mut request = tonic::Request::new(message);
        let bearer = format!("Bearer {token}").parse().map_err(|_| Status::internal("no header"))?;
        request.metadata_mut().insert("authorization", bearer);
        let path = http::uri::PathAndQuery::from_static("/manifestd.v1.Manifestd/Render");
        Ok(self.0.unary(request, path, Raw::<Bytes>::default()).await?.into_inner())
    }
}

fn command(grpc: SocketAddr, http: SocketAddr, data: &Path, token: &Path) -> Result<Command> {
    let program = std::env::current_exe().map_err(|error| failed("looking for this program", &error))?;
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -v {ADDRESS_SPACE_KB}; exec \"$@\""), "sh"]).arg(program);
    command.args(["serve", "--log-level=off", RENDER_TIMEOUT]);
    command.arg(format!("--parallelism-limit={SLOTS}"));
    command.arg(format!("--listen={grpc}")).arg(format!("--metrics-listen={http}"));
    command.arg("--data-dir").arg(data.join("data")).arg("--token-file").arg(token);
    command.stdin(Stdio::null());
    Ok(command)
}

fn small_file() -> File {
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: small}\ndata: {a: b}\n";
    (format!("{SMALL}/a.yaml"), text.to_owned())
}

/// A process as Linux tells of it.
struct Process {
    id: u32,
    parent: u32,
    resident: u64,
}

fn processes() -> Vec<Process> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let ids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    ids.filter_map(process).collect()
}

fn process(id: u32) -> Option<Process> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let value = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let kilobytes = value("VmRSS:").and_then(|text| text.trim_end_matches(" kB").parse::<u64>().ok());
    Some(Process { id, parent: value("PPid:")?.parse().ok()?, resident: kilobytes.unwrap_or(0) << 10 })
}
