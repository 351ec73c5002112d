//! The real `git http-backend` behind CGI.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;

use super::wire::{self, Request};
use crate::Program;

/// An answer being made by the program.
pub(super) struct Answer {
    status: String,
    headers: Vec<(String, String)>,
    body: Option<(Child, BufReader<ChildStdout>)>,
}

/// Starts the program on a request and reads the head of its answer; 404 without a root.
pub(super) fn answer(request: &Request, root: Option<&Path>) -> io::Result<Answer> {
    let Some(root) = root else {
        return Ok(Answer { status: "404 Not Found".to_owned(), headers: Vec::new(), body: None });
    };
    let mut child = command(request, root).spawn()?;
    let mut input = child.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let body = request.body.clone();
    // On its own thread: the program may answer before it has read everything.
    thread::spawn(move || input.write_all(&body).ok());
    let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let mut output = BufReader::new(output);
    let mut answer = Answer { status: "200 OK".to_owned(), headers: Vec::new(), body: None };
    answer.read_head(&mut output)?;
    answer.body = Some((child, output));
    Ok(answer)
}

impl Answer {
    fn read_head(&mut self, output: &mut impl BufRead) -> io::Result<()> {
        for line in output.lines() {
            let line = line?;
            let Some((name, value)) = line.split_once(':') else { return Ok(()) };
            if name.eq_ignore_ascii_case("status") {
                value.trim().clone_into(&mut self.status);
            } else {
                self.headers.push((name.to_owned(), value.trim().to_owned()));
            }
        }
        Ok(())
    }

    /// Sends the head, then every part of the body and at last an empty one through `write`.
    pub(super) fn send<W: Write>(
        mut self,
        out: &mut W,
        mut write: impl FnMut(&mut W, &[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        wire::head(out, &self.status, &self.headers)?;
        let mut part = vec![0; 64 << 10];
        while let Some((_, body)) = &mut self.body {
            let count = body.read(&mut part)?;
            if count == 0 {
                break;
            }
            write(out, &part[..count])?;
        }
        write(out, b"")
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if let Some((child, _)) = &mut self.body {
            // It has ended already unless the client went away.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn command(request: &Request, root: &Path) -> Command {
    let git = Program::Git.path().unwrap_or_else(|| "git".into());
    let mut command = Command::new(git);
    command
        .arg("http-backend")
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut set = |name: &str, value: OsString| {
        command.env(name, value);
    };
    set("PATH", std::env::var_os("PATH").unwrap_or_default());
    set("HOME", root.into());
    set("GIT_CONFIG_NOSYSTEM", "1".into());
    set("GIT_PROJECT_ROOT", root.into());
    set("GIT_HTTP_EXPORT_ALL", "1".into());
    set("REQUEST_METHOD", request.method.clone().into());
    set("PATH_INFO", request.path.clone().into());
    set("QUERY_STRING", request.query.clone().into());
    set("REMOTE_ADDR", "127.0.0.1".into());
    set("CONTENT_LENGTH", request.body.len().to_string().into());
    let passed = [
        ("content-type", "CONTENT_TYPE"),
        ("content-encoding", "HTTP_CONTENT_ENCODING"),
        ("git-protocol", "GIT_PROTOCOL"),
    ];
    for (header, name) in passed {
        if let Some(value) = request.header(header) {
            set(name, value.into());
        }
    }
    command
}
