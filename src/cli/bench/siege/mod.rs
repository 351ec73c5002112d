//! `bench siege`: attacks a server with everything in the table of attacks, one after the other, and measures what
//! others see of it meanwhile.

mod attacks;
mod bombs;
mod connections;
mod probe;
mod raw;
mod target;
mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use clap::{Arg, ArgAction, ArgMatches, Command};
use prost::Message;
use tokio::runtime::{Handle, Runtime};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::stats::Megabytes;
use super::{failed, say};
use crate::error::{Error, Kind, Result};

use attacks::{Attack, AttackKind, attacks};
use probe::{ProbeKind, Probed, probe};
use target::{Caller, SLOTS, TOKEN, Target};

/// The name of the command.
pub(super) const NAME: &str = "siege";

/// Callers of an attack: as many as there are render slots, and four.
const CALLERS: usize = SLOTS + 4;

/// How often memory is looked at.
const SAMPLE_PAUSE: Duration = Duration::from_millis(100);

/// How long the last calls of an attack may take: renders end after five seconds, and three may wait for each slot.
const END_TIME: Duration = Duration::from_secs(40);

/// What the server alone may take: one and a half times the memory of requests, replies and the cache.
const MAX_SERVER_BYTES: u64 = (3 * (512 + 512 + 128) / 2) << 20;

/// What it may take with its workers: the memory of renders comes on top.
const MAX_TOTAL_BYTES: u64 = MAX_SERVER_BYTES + 3 * (1 << 30) / 2;

/// The command's arguments.
pub(super) fn command() -> Command {
    let seconds = Arg::new("seconds")
        .long("seconds")
        .default_value("60")
        .value_parser(clap::value_parser!(u64).range(1..))
        .help("How long each attack goes on");
    let only = Arg::new("only")
        .long("only")
        .value_name("ATTACK")
        .action(ArgAction::Append)
        .help("Only attacks whose name begins with this; may be given several times");
    let no_latency = Arg::new("no-latency")
        .long("no-latency")
        .action(ArgAction::SetTrue)
        .help("Judge answers, memory and the process, and not how long the probes took");
    let list =
        Arg::new("list").long("list").action(ArgAction::SetTrue).help("Print the names of the attacks");
    Command::new(NAME)
        .about("Attack a server in every way we know, and measure what others see of it meanwhile")
        .args([seconds, only, no_latency, list])
}

/// Runs the attacks.
///
/// # Errors
/// When a promise did not hold: the process ended, took too much memory, or kept others waiting.
pub(super) async fn run(matches: &ArgMatches) -> Result<()> {
    let chosen = chosen(matches)?;
    if matches.get_flag("list") {
        return chosen.iter().try_for_each(|attack| say(&attack.name));
    }
    let time = Duration::from_secs(matches.get_one("seconds").copied().unwrap_or(60));
    let latencies = !matches.get_flag("no-latency");
    say(&format!(
        "{:<24} {:<34} {:<34} {:<34} {:<26} calls and answers",
        "attack", "small render p50 / p99", "cached p50 / p99", "/healthz p50 / p99", "server, with workers"
    ))?;
    // The attackers' own work must not hold up the probes.
    let probers = Runtime::new().map_err(|error| failed("starting a runtime", &error))?;
    let mut broken = Vec::new();
    let mut target = Arc::new(Target::start()?);
    warm_up(&target).await?;
    for attack in &chosen {
        let outcome = run_attack(&target, attack, probers.handle(), time).await?;
        say(&outcome.line(&attack.name))?;
        broken.extend(outcome.broken(latencies).into_iter().map(|what| format!("{}: {what}", attack.name)));
        if !target.is_alive() {
            broken.push(format!("{}: the server ended", attack.name));
            target = Arc::new(Target::start()?);
            warm_up(&target).await?;
        }
    }
    probers.shutdown_background();
    if broken.is_empty() {
        return say("every promise held; the server's process is the same as before");
    }
    Err(Error::new(
        Kind::Precondition,
        format!("{} promises did not hold:\n{}", broken.len(), broken.join("\n")),
    ))
}

fn chosen(matches: &ArgMatches) -> Result<Vec<Attack>> {
    let only: Vec<&String> = matches.get_many("only").into_iter().flatten().collect();
    let begins = |attack: &Attack| only.iter().any(|name| attack.name.starts_with(name.as_str()));
    let chosen: Vec<_> = attacks().into_iter().filter(|attack| only.is_empty() || begins(attack)).collect();
    if chosen.is_empty() {
        return Err(Error::new(Kind::Invalid, "no attack has such a name").help("see --list"));
    }
    Ok(chosen)
}

/// What an attack came to.
struct Outcome {
    probed: Vec<Probed>,
    server_bytes: u64,
    total_bytes: u64,
    answers: BTreeMap<String, u64>,
}

impl Outcome {
    fn line(&self, name: &str) -> String {
        let columns: Vec<_> = self.probed.iter().map(|probed| format!("{:<34}", probed.column())).collect();
        let memory = format!("{}, {}", Megabytes(self.server_bytes), Megabytes(self.total_bytes));
        let answers: Vec<_> = self.answers.iter().map(|(code, count)| format!("{code} {count}")).collect();
        format!("{name:<24} {} {memory:<26} {}", columns.join(" "), answers.join(", "))
    }

    fn broken(&self, latencies: bool) -> Vec<String> {
        let mut broken: Vec<_> = self.probed.iter().filter_map(|probed| probed.broken(latencies)).collect();
        for (who, bytes, max) in [
            ("the server", self.server_bytes, MAX_SERVER_BYTES),
            ("the server with its workers", self.total_bytes, MAX_TOTAL_BYTES),
        ] {
            if bytes > max {
                broken.push(format!(
                    "{who} took {}, at most {} are allowed",
                    Megabytes(bytes),
                    Megabytes(max)
                ));
            }
        }
        broken
    }
}

/// Puts the cached answer into the server's memory.
async fn warm_up(target: &Arc<Target>) -> Result<()> {
    let mut caller = Caller::connect(target.grpc, probe::PROBER).await?;
    let message = Bytes::from(target.small_request("small").encode_to_vec());
    caller.render(message, TOKEN).await.map(drop).map_err(|status| failed("the first render", &status))
}

/// One attack by all its callers, with probes beside it.
async fn run_attack(
    target: &Arc<Target>,
    attack: &Attack,
    probers: &Handle,
    time: Duration,
) -> Result<Outcome> {
    let message = match attack.kind {
        AttackKind::Message(bytes) | AttackKind::MessageWithoutToken(bytes) => Bytes::from(bytes()),
        AttackKind::Render | AttackKind::Connection(_) => Bytes::new(),
    };
    let end = Instant::now() + time;
    let caller = |number| AttackCaller {
        target: target.clone(),
        folder: attack.name.clone(),
        kind: attack.kind,
        message: message.clone(),
        number,
    };
    let callers: Vec<JoinHandle<BTreeMap<String, u64>>> =
        (0..CALLERS).map(|number| tokio::spawn(caller(number).attack_until(end))).collect();
    let probes: Vec<_> =
        ProbeKind::ALL.into_iter().map(|kind| probers.spawn(probe(kind, target.clone(), end))).collect();
    let (mut server_bytes, mut total_bytes) = (0, 0);
    while Instant::now() < end
        || (callers.iter().any(|caller| !caller.is_finished()) && Instant::now() < end + END_TIME)
    {
        let (server, total) = target.memory();
        server_bytes = server.max(server_bytes);
        total_bytes = total.max(total_bytes);
        sleep(SAMPLE_PAUSE).await;
    }
    let mut answers = BTreeMap::new();
    for caller in callers {
        if !caller.is_finished() {
            caller.abort();
            *answers.entry("still running".to_owned()).or_default() += 1;
            continue;
        }
        for (code, count) in caller.await.map_err(|error| failed("a caller", &error))? {
            *answers.entry(code).or_default() += count;
        }
    }
    let mut probed = Vec::new();
    for probe in probes {
        probed.push(probe.await.map_err(|error| failed("a probe", &error))??);
    }
    Ok(Outcome { probed, server_bytes, total_bytes, answers })
}

/// One caller of an attack.
struct AttackCaller {
    target: Arc<Target>,
    folder: String,
    kind: AttackKind,
    /// What it sends, where that is always the same.
    message: Bytes,
    number: usize,
}

impl AttackCaller {
    /// What it was answered, by code.
    async fn attack_until(self, end: Instant) -> BTreeMap<String, u64> {
        let mut answers = BTreeMap::new();
        if let AttackKind::Connection(attack) = self.kind {
            answers.insert("sent".to_owned(), attack.run(&self.target, end).await);
            return answers;
        }
        let token = if matches!(self.kind, AttackKind::MessageWithoutToken(_)) { "wrong" } else { TOKEN };
        let (mut caller, mut round) = (None, 0);
        while Instant::now() < end {
            let answered = call(&self.target, &mut caller, self.message(round), token).await;
            *answers.entry(answered).or_default() += 1;
            round += 1;
        }
        answers
    }

    fn message(&self, round: u64) -> Bytes {
        if !matches!(self.kind, AttackKind::Render) {
            return self.message.clone();
        }
        let name = format!("{}-{}-{round}", self.folder, self.number);
        self.target.bomb_request(&self.folder, &name).encode_to_vec().into()
    }
}

/// One call over the caller's connection, which is renewed after a failure of the transport.
async fn call(target: &Target, caller: &mut Option<Caller>, message: Bytes, token: &str) -> String {
    if caller.is_none() {
        *caller = Caller::connect(target.grpc, [127, 0, 0, 1]).await.ok();
    }
    let Some(open) = caller else {
        sleep(SAMPLE_PAUSE).await;
        return "no connection".to_owned();
    };
    match open.render(message, token).await {
        Ok(_) => "OK".to_owned(),
        Err(status) => {
            if matches!(status.code(), tonic::Code::Unavailable | tonic::Code::Unknown) {
                *caller = None;
                sleep(SAMPLE_PAUSE).await;
            }
            crate::api::code_name(status.code()).to_owned()
        }
    }
}
