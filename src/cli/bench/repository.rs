//! Repositories for the benchmarks, made by `git fast-import` and served by git's own daemon on loopback.

use std::io::{BufWriter, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::failed;
use crate::error::{Error, Kind, Result};

/// The longest a server may take to come up.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// A file of a generated commit: its path and its text.
pub(super) type File = (String, String);

/// One generated repository behind a running git daemon; both are gone on drop.
pub(super) struct Repository {
    daemon: Child,
    address: SocketAddr,
    folder: TempDir,
}

impl Repository {
    /// A repository with these files as the only commit of `main`.
    pub(super) fn serve(files: impl Iterator<Item = File>) -> Result<Self> {
        let folder = TempDir::new().map_err(|error| failed("making a temporary folder", &error))?;
        let path = folder.path().join("bench.git");
        finish(git().args(["init", "--quiet", "--bare", "--initial-branch=main"]).arg(&path))?;
        let address = free_address()?;
        let mut daemon = Command::new(exec_path()?.join("git-daemon"));
        daemon.arg(format!("--listen={}", address.ip())).arg(format!("--port={}", address.port()));
        daemon.args(["--export-all", "--reuseaddr"]).arg(format!("--base-path={}", folder.path().display()));
        daemon.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let daemon = daemon.spawn().map_err(|error| failed("starting git's daemon", &error))?;
        let repository = Self { daemon, address, folder };
        repository.commit(files)?;
        wait_for(address)?;
        Ok(repository)
    }

    /// Its URL.
    pub(super) fn url(&self) -> String {
        format!("git://{}/bench.git", self.address)
    }

    /// Puts these files on top of `main`.
    pub(super) fn commit(&self, files: impl Iterator<Item = File>) -> Result<()> {
        let mut command = git();
        command.arg("-C").arg(self.path()).args(["fast-import", "--quiet", "--force"]).stdin(Stdio::piped());
        let mut child = command.spawn().map_err(|error| failed("starting git fast-import", &error))?;
        let input = child.stdin.take().ok_or_else(|| failed("git fast-import", &"it has no input"))?;
        self.write(input, files).map_err(|error| failed("writing to git fast-import", &error))?;
        let status = child.wait().map_err(|error| failed("waiting for git fast-import", &error))?;
        if status.success() { Ok(()) } else { Err(failed("git fast-import", &status)) }
    }

    /// How many objects it holds.
    pub(super) fn objects(&self) -> Result<u64> {
        let output = git().arg("-C").arg(self.path()).args(["count-objects", "-v"]).output();
        let text = output.map_err(|error| failed("git count-objects", &error))?.stdout;
        let text = String::from_utf8_lossy(&text);
        let counts = text.lines().filter_map(|line| line.split_once(": "));
        let counted = counts.filter(|(name, _)| matches!(*name, "count" | "in-pack"));
        Ok(counted.filter_map(|(_, value)| value.parse::<u64>().ok()).sum())
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("bench.git")
    }

    fn write(&self, input: ChildStdin, files: impl Iterator<Item = File>) -> std::io::Result<()> {
        let mut out = BufWriter::new(input);
        let date = 1_700_000_000;
        writeln!(
            out,
            "commit refs/heads/main\ncommitter Bench <bench@example.com> {date} +0000\ndata 5\nBench"
        )?;
        if self.path().join("refs/heads/main").is_file() {
            writeln!(out, "from refs/heads/main^0")?;
        }
        for (path, text) in files {
            write!(out, "M 100644 inline {path}\ndata {}\n{text}\n", text.len())?;
        }
        out.flush()
    }
}

impl Drop for Repository {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

/// The git program with no settings of the user.
pub(super) fn git() -> Command {
    let mut command = Command::new("git");
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").stdin(Stdio::null());
    command
}

/// Runs a git command to its end.
pub(super) fn finish(command: &mut Command) -> Result<()> {
    let output = command.output().map_err(|error| missing(&error))?;
    if output.status.success() {
        return Ok(());
    }
    Err(failed("the program", &String::from_utf8_lossy(&output.stderr).trim()))
}

/// `count` applications of `files` manifests each, beneath `apps/`.
pub(super) fn apps(count: usize, files: usize) -> impl Iterator<Item = File> {
    (0..count).flat_map(move |app| (0..files).map(move |file| manifest(app, file)))
}

/// One manifest of one application; no two are the same.
pub(super) fn manifest(app: usize, file: usize) -> File {
    let text = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: app-{app}-{file}\n  labels:\n    app: app-{app}\ndata:\n  \
         settings.yaml: |\n    number: {file}\n    seed: \"{}\"\n    list:\n    - one\n    - two\n",
        (app * 31 + file).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    );
    (format!("{}/{file:03}.yaml", app_folder(app)), text)
}

/// The folder of one application of [`apps`].
pub(super) fn app_folder(app: usize) -> String {
    format!("apps/{:02}/app-{app:05}", app / 100)
}

/// An address of loopback whose port is free now.
pub(super) fn free_address() -> Result<SocketAddr> {
    let listener =
        TcpListener::bind(("127.0.0.1", 0)).map_err(|error| failed("looking for a free port", &error))?;
    listener.local_addr().map_err(|error| failed("looking for a free port", &error))
}

/// Waits until somebody listens.
pub(super) fn wait_for(address: SocketAddr) -> Result<()> {
    let begun = Instant::now();
    while TcpStream::connect(address).is_err() {
        if begun.elapsed() > PATIENCE {
            return Err(failed("starting a server on loopback", &"it does not answer"));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

fn exec_path() -> Result<PathBuf> {
    let output = git().arg("--exec-path").output().map_err(|error| missing(&error))?;
    Ok(Path::new(String::from_utf8_lossy(&output.stdout).trim()).to_owned())
}

fn missing(error: &std::io::Error) -> Error {
    Error::new(Kind::Precondition, format!("cannot run the git program: {error}"))
        .help("install git; on Debian: apt-get install git")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_keeps_what_it_does_not_touch() {
        if testkit::Program::Git.find("the benchmarks' repositories").is_none() {
            return;
        }
        let repository = Repository::serve(apps(3, 2)).unwrap();
        // A commit, the trees of the root, of apps, of 00 and of three applications, and six files.
        assert_eq!(repository.objects().unwrap(), 13);
        repository.commit(std::iter::once((manifest(0, 0).0, "changed".to_owned()))).unwrap();
        let folder = TempDir::new().unwrap();
        finish(git().args(["clone", "--quiet", &repository.url()]).arg(folder.path())).unwrap();
        let read = |app, file| std::fs::read_to_string(folder.path().join(manifest(app, file).0)).unwrap();
        assert_eq!((read(0, 0), read(2, 1)), ("changed".to_owned(), manifest(2, 1).1));
        let unknown = git().args(["ls-remote", &format!("{}x", repository.url())]).output().unwrap();
        assert!(!unknown.status.success());
    }
}
