//! Real programs tests compare with or serve from, and how to get them.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A program a test needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// `git`, with `http-backend` and `upload-pack`.
    Git,
    /// `sshd` of OpenSSH.
    Sshd,
    /// `ssh-keygen` of OpenSSH.
    SshKeygen,
    /// `redis-server`.
    Redis,
    /// The `helm` program.
    Helm,
    /// The `kustomize` program.
    Kustomize,
}

impl Program {
    /// Its path, or `None` after saying on stderr that `test` is skipped and how to get the program.
    #[must_use]
    pub fn find(self, test: &str) -> Option<PathBuf> {
        let found = self.path();
        if found.is_none() {
            skip(test, &format!("`{}` is not installed; {}", self.name(), self.help()));
        }
        found
    }

    /// Its path, if it is installed.
    #[must_use]
    pub fn path(self) -> Option<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        // Debian keeps servers out of a user's PATH.
        let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
        folders.map(|folder| folder.join(self.name())).find(|file| file.is_file())
    }

    fn name(self) -> &'static str {
        match self {
            Self::Git => "git",
            Self::Sshd => "sshd",
            Self::SshKeygen => "ssh-keygen",
            Self::Redis => "redis-server",
            Self::Helm => "helm",
            Self::Kustomize => "kustomize",
        }
    }

    fn help(self) -> &'static str {
        match self {
            Self::Git => "on Debian: apt-get install git",
            Self::Sshd | Self::SshKeygen => "on Debian: apt-get install openssh-server",
            Self::Redis => "on Debian: apt-get install redis-server",
            Self::Helm => "see https://helm.sh/docs/intro/install/",
            Self::Kustomize => "see https://kubectl.docs.kubernetes.io/installation/kustomize/",
        }
    }
}

/// The folder of shared specifications and cases beside the project (`MANIFESTD_SHARED`, else `../shared`), or
/// `None` after saying on stderr that `test` is skipped.
#[must_use]
pub fn shared(test: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let folder = std::env::var_os("MANIFESTD_SHARED").map_or_else(beside, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    skip(test, "there is no ../shared beside the project; put it there or name it in MANIFESTD_SHARED");
    None
}

/// Runs a command to its end and returns its standard output, or its standard error when it failed.
///
/// # Errors
/// The program's standard error.
///
/// # Panics
/// When the program cannot be started.
pub(crate) fn output(command: &mut Command) -> Result<Vec<u8>, String> {
    let done = command.output().expect("the program can be started");
    if done.status.success() {
        Ok(done.stdout)
    } else {
        Err(String::from_utf8_lossy(&done.stderr).into_owned())
    }
}

#[expect(clippy::print_stderr, reason = "a skipped test must say so where people look")]
fn skip(test: &str, why: &str) {
    eprintln!("SKIPPED {test}: {why}");
}
