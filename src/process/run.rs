//! One run: start, read under limits, wait, and leave nothing behind.

use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};

use bytes::{Bytes, BytesMut};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

use super::launch::{FAILED, LAUNCH, MARK};
use super::{Call, GLANCE, NO_PATH, Output};
use crate::error::{Error, Kind, Result};

/// A process group, killed whole when this goes.
struct Group(Option<Pid>);

impl Group {
    fn kill(&self) {
        if let Some(leader) = self.0 {
            // It fails only when nobody is left in the group.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What was read from a program that ended by itself.
struct Ended {
    status: ExitStatus,
    stdout: Bytes,
    stderr: Bytes,
}

pub(super) async fn run(call: &Call<'_>, stop: impl Fn() -> Result<()>) -> Result<Output> {
    stop()?;
    let mut child = command(call)?.spawn().map_err(|error| unavailable("start the launcher", &error))?;
    let group = Group(child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)));
    let ended = tokio::select! {
        ended = end(call, &mut child, &group) => ended?,
        error = stopped(stop) => return Err(error.context(format_args!("`{}`", call.title))),
    };
    judge(call, ended)
}

/// What the system takes as one argument; it counts the NUL behind it.
const ARGUMENT_BYTES: usize = 128 << 10;

fn check(call: &Call<'_>) -> Result<()> {
    call.arguments.iter().try_for_each(|argument| {
        if argument.contains('\0') {
            return Err(Error::new(Kind::Invalid, format!("`{}`: an option holds a NUL byte", call.title)));
        }
        if argument.len() >= ARGUMENT_BYTES {
            let message = format!("`{}`: an option is longer than {ARGUMENT_BYTES} bytes", call.title);
            return Err(Error::new(Kind::OverBudget, message).help("put it into a file of the repository"));
        }
        Ok(())
    })
}

fn command(call: &Call<'_>) -> Result<Command> {
    check(call)?;
    let mut command = Command::new(call.program.launcher());
    command
        .arg(LAUNCH)
        .arg(call.limits.data_bytes.to_string())
        .arg(std::process::id().to_string())
        .arg(call.room)
        .arg(call.program.place()?)
        .args(&call.arguments)
        .current_dir(call.folder)
        .env_clear()
        .envs([("PATH", NO_PATH), ("LC_ALL", "C"), ("LANG", "C"), ("TZ", "UTC")])
        .env("HOME", call.room)
        .env("TMPDIR", call.room)
        .envs(call.environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    Ok(command)
}

/// Answers once `stop` says so.
async fn stopped(stop: impl Fn() -> Result<()>) -> Error {
    loop {
        if let Err(error) = stop() {
            return error;
        }
        tokio::time::sleep(GLANCE).await;
    }
}

async fn end(call: &Call<'_>, child: &mut Child, group: &Group) -> Result<Ended> {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let status = async {
        let status = child.wait().await.map_err(|error| unavailable("wait for the program", &error));
        // What the program left running would keep the pipes open, and us waiting.
        group.kill();
        status
    };
    let stdout = read(call, stdout, "standard output", call.limits.stdout_bytes);
    let stderr = read(call, stderr, "standard error", call.limits.stderr_bytes);
    let (status, stdout, stderr) = tokio::try_join!(status, stdout, stderr)?;
    Ok(Ended { status, stdout, stderr })
}

/// Everything a pipe holds, if that is not too much.
async fn read(call: &Call<'_>, pipe: Option<impl AsyncRead + Unpin>, name: &str, most: u64) -> Result<Bytes> {
    let mut content = BytesMut::new();
    let Some(pipe) = pipe else { return Ok(content.freeze()) };
    let mut pipe = pipe.take(most.saturating_add(1));
    loop {
        let count = pipe.read_buf(&mut content).await.map_err(|error| unavailable("read a pipe", &error))?;
        if content.len() as u64 > most {
            let message = format!("`{}` wrote more than {most} bytes to {name}", call.title);
            return Err(Error::new(Kind::OverBudget, message));
        }
        if count == 0 {
            return Ok(content.freeze());
        }
    }
}

fn judge(call: &Call<'_>, ended: Ended) -> Result<Output> {
    let stderr = call.hide(&String::from_utf8_lossy(&ended.stderr));
    if ended.status.success() {
        return Ok(Output { stdout: ended.stdout, stderr });
    }
    let said = stderr.trim();
    if ended.status.code() == Some(FAILED) && said.starts_with(MARK) {
        let why = said.trim_start_matches(MARK);
        return Err(Error::new(Kind::Unavailable, format!("cannot start {}: {why}", call.program.name())));
    }
    let (kind, cause) = cause(call, ended.status, said);
    let message = format!("`{}` failed {cause}: {said}", call.title);
    Err(Error::new(kind, message.trim_end_matches([' ', ':'])))
}

/// Why a program failed: of which kind that is, and in words.
fn cause(call: &Call<'_>, status: ExitStatus, said: &str) -> (Kind, String) {
    let bytes = call.limits.data_bytes;
    if said.lines().any(wants_memory) {
        return (Kind::OverBudget, format!("for want of memory, of which it may have {bytes} bytes"));
    }
    match (status.code(), status.signal()) {
        (Some(code), _) => (Kind::Invalid, format!("exit status {code}")),
        (None, Some(signal)) => (Kind::Unavailable, format!("signal {signal}")),
        (None, None) => (Kind::Internal, "for no reason".to_owned()),
    }
}

/// Whether a line is a runtime's last words: Go's (`fatal error: …`), or those of small programs. Errors that programs
/// report in good order begin differently, and may well speak of memory.
fn wants_memory(line: &str) -> bool {
    let signs = ["out of memory", "cannot allocate", "memory exhausted"];
    !line.starts_with("Error") && signs.iter().any(|sign| line.contains(sign))
}

/// A failure of the system, not of the program.
pub(super) fn unavailable(what: &str, error: &std::io::Error) -> Error {
    Error::new(Kind::Unavailable, format!("cannot {what}: {error}"))
}
