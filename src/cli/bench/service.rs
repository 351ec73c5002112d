//! A child process to measure: manifestd itself, or its peer.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use proto::v1::source::Origin;
use proto::v1::{Git, RenderRequest, Source};
use tempfile::TempDir;

use super::failed;
use super::repository::{free_address, wait_for};
use crate::error::Result;

/// A server of this program in a process of its own; killed on drop.
pub(super) struct Service {
    child: Child,
    address: SocketAddr,
    _data: TempDir,
}

impl Service {
    /// `manifestd serve` with an empty data folder.
    pub(super) fn serve() -> Result<Self> {
        Self::serve_with(&[])
    }

    /// The same, rendering where `isolation` says.
    pub(super) fn isolated(isolation: &str) -> Result<Self> {
        Self::serve_with(&[&format!("--isolation={isolation}")])
    }

    fn serve_with(arguments: &[&str]) -> Result<Self> {
        Self::start(|command, address, data| {
            command.args(["serve", "--metrics-listen=off", "--log-level=warn"]).args(arguments);
            command.arg(format!("--listen={address}")).arg("--data-dir").arg(data);
        })
    }

    /// The bare server that answers every render with the content of a file.
    pub(super) fn peer(body: &Path) -> Result<Self> {
        Self::start(|command, address, _| {
            command.args(["bench", super::peer::NAME]).arg(body).arg(address.to_string());
        })
    }

    fn start(arguments: impl FnOnce(&mut Command, SocketAddr, &Path)) -> Result<Self> {
        let data = TempDir::new().map_err(|error| failed("making a temporary folder", &error))?;
        let address = free_address()?;
        let mut command = manifestd()?;
        arguments(&mut command, address, data.path());
        let child =
            command.stdin(Stdio::null()).spawn().map_err(|error| failed("starting manifestd", &error))?;
        let service = Self { child, address, _data: data };
        wait_for(address)?;
        Ok(service)
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Bytes resident now and at the most, as Linux counts them; zero where it does not.
    pub(super) fn memory(&self) -> (u64, u64) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        (kilobytes(&status, "VmRSS:") << 10, kilobytes(&status, "VmHWM:") << 10)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// This very program.
pub(super) fn manifestd() -> Result<Command> {
    let program = std::env::current_exe().map_err(|error| failed("looking for this program", &error))?;
    Ok(Command::new(program))
}

/// The request for a folder of a repository at `main`.
pub(super) fn request(url: &str, path: &str) -> RenderRequest {
    let git =
        Git { url: url.to_owned(), revision: "main".to_owned(), path: path.to_owned(), ..Git::default() };
    RenderRequest {
        sources: vec![Source { origin: Some(Origin::Git(git)), renderer: None }],
        ..RenderRequest::default()
    }
}

fn kilobytes(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}
