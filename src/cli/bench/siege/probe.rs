//! What somebody else sees of the server meanwhile: a small render, a cached answer, and `/healthz`.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::time::{Instant, sleep, timeout};

use super::super::failed;
use super::super::stats::{Latencies, Millis};
use super::target::{Caller, TOKEN, Target};
use crate::error::Result;

/// Who probes: not the address of the attackers, which is the usual one of loopback.
pub(super) const PROBER: [u8; 4] = [127, 0, 0, 9];

/// The pause between two probes of a kind.
const PAUSE: Duration = Duration::from_millis(50);

/// A probe that takes longer has failed.
const MAX_TIME: Duration = Duration::from_secs(20);

/// What is probed.
#[derive(Clone, Copy, Debug)]
pub(super) enum ProbeKind {
    /// A small application, rendered anew.
    Render,
    /// The same application, from memory.
    Cached,
    /// `/healthz`.
    Health,
}

impl ProbeKind {
    pub(super) const ALL: [Self; 3] = [Self::Render, Self::Cached, Self::Health];

    /// The 99th percentile that is promised.
    fn promised(self) -> Duration {
        Duration::from_millis(match self {
            Self::Render => 500,
            Self::Cached => 100,
            Self::Health => 50,
        })
    }
}

/// What the probes of one kind came to.
pub(super) struct Probed {
    kind: ProbeKind,
    latencies: Latencies,
    /// What the first that failed was told.
    failure: Option<String>,
    failed: usize,
}

impl Probed {
    /// As one column of the report.
    pub(super) fn column(&self) -> String {
        let [p50, p99] = [50, 99].map(|percent| Millis(self.latencies.percentile(percent)));
        let failed = if self.failed == 0 { String::new() } else { format!(" ({} failed)", self.failed) };
        format!("{p50} / {p99}{failed}")
    }

    /// What was promised and did not hold; `latencies` says whether times count.
    pub(super) fn broken(&self, latencies: bool) -> Option<String> {
        let (kind, promised) = (self.kind, self.kind.promised());
        if let Some(failure) = &self.failure {
            return Some(format!("{kind:?} failed {} times, first with: {failure}", self.failed));
        }
        let p99 = self.latencies.percentile(99);
        let slow = latencies && p99 > promised;
        slow.then(|| format!("{kind:?} took {} (p99), promised are {}", Millis(p99), Millis(promised)))
    }
}

/// Probes until the end.
pub(super) async fn probe(kind: ProbeKind, target: Arc<Target>, end: Instant) -> Result<Probed> {
    let mut caller = Caller::connect(target.grpc, PROBER).await?;
    let (mut times, mut failure, mut failures, mut number) = (Vec::new(), None, 0, 0_u64);
    while Instant::now() < end {
        number += 1;
        let begun = Instant::now();
        let done = timeout(MAX_TIME, probe_once(kind, &target, &mut caller, number)).await;
        times.push(begun.elapsed());
        let outcome = done.unwrap_or_else(|_| Err("it took too long".to_owned()));
        if let Err(told) = outcome {
            failures += 1;
            failure.get_or_insert(told);
        }
        sleep(PAUSE).await;
    }
    Ok(Probed { kind, latencies: Latencies::new(times), failure, failed: failures })
}

async fn probe_once(
    kind: ProbeKind,
    target: &Target,
    caller: &mut Caller,
    number: u64,
) -> Result<(), String> {
    let mut request = target.small_request("small");
    match kind {
        ProbeKind::Health => return healthy(target.http).await.map_err(|error| error.to_string()),
        ProbeKind::Cached => {}
        ProbeKind::Render => {
            request.name = format!("small-{number}");
            request.no_cache = true;
        }
    }
    let message = Bytes::from(request.encode_to_vec());
    caller.render(message, TOKEN).await.map(drop).map_err(|status| format!("{status}"))
}

/// Asks as a kubelet does: over a connection of its own.
async fn healthy(address: SocketAddr) -> Result<()> {
    let asked = async {
        let socket = TcpSocket::new_v4()?;
        socket.bind((Ipv4Addr::from(PROBER), 0).into())?;
        let mut stream = socket.connect(address).await?;
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    let answer = asked.await.map_err(|error| failed("asking for /healthz", &error))?;
    if answer.starts_with("HTTP/1.1 200") { Ok(()) } else { Err(failed("asking for /healthz", &answer)) }
}
