//! The real `sshd` of OpenSSH on loopback, serving repositories to one key.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::program::output;
use crate::{Program, Root};

/// A key pair in OpenSSH's format.
#[derive(Clone, Debug)]
pub struct Key {
    /// The private key, without passphrase.
    pub private: String,
    /// The public key: type, base64, comment.
    pub public: String,
}

impl Key {
    /// Makes an Ed25519 key with `ssh-keygen`, or `None` after saying that `test` is skipped.
    ///
    /// # Panics
    /// When `ssh-keygen` fails.
    #[must_use]
    pub fn ed25519(test: &str) -> Option<Self> {
        let program = Program::SshKeygen.find(test)?;
        let folder = TempDir::new().expect("a temporary folder can be made");
        let file = folder.path().join("key");
        let mut command = Command::new(program);
        command.args(["-q", "-t", "ed25519", "-N", "", "-C", "testkit", "-f"]).arg(&file);
        output(&mut command).expect("ssh-keygen makes a key");
        let read = |path: &Path| fs::read_to_string(path).expect("ssh-keygen wrote both files");
        Some(Self { private: read(&file), public: read(&file.with_extension("pub")).trim().to_owned() })
    }
}

/// A running `sshd`; killed on drop.
pub struct Server {
    child: Child,
    address: SocketAddr,
    host_key: Key,
    user: String,
    root: String,
    _folder: TempDir,
}

impl Server {
    /// Serves the repositories beneath `root` to the holder of `allowed`, or `None` after saying that `test` is
    /// skipped. `git-upload-pack` is all the key may run.
    ///
    /// # Panics
    /// When `sshd` does not come up.
    #[must_use]
    pub fn start(test: &str, root: &Root, allowed: &Key) -> Option<Self> {
        Program::Git.find(test)?;
        let host_key = Key::ed25519(test)?;
        Self::with_host_key(test, root, allowed, host_key)
    }

    /// As [`Server::start`], under this host key.
    ///
    /// # Panics
    /// When `sshd` does not come up.
    #[must_use]
    pub fn with_host_key(test: &str, root: &Root, allowed: &Key, host_key: Key) -> Option<Self> {
        let program = Program::Sshd.find(test)?;
        privilege_separation_folder();
        let folder = TempDir::new().expect("a temporary folder can be made");
        let address = free_address();
        write_settings(folder.path(), address, allowed, &host_key).expect("the settings can be written");
        let mut command = Command::new(program);
        command.args(["-D", "-e", "-f"]).arg(folder.path().join("sshd_config"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let child = command.spawn().expect("sshd can be started");
        let root = root.path().to_str().expect("temporary folders are UTF-8").to_owned();
        let mut server = Self { child, address, host_key, user: user(), root, _folder: folder };
        server.wait();
        Some(server)
    }

    /// The URL of a repository beneath the root.
    #[must_use]
    pub fn url(&self, repo: &str) -> String {
        format!("ssh://{}@{}{}/{repo}", self.user, self.address, self.root)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The key it shows.
    #[must_use]
    pub fn host_key(&self) -> &Key {
        &self.host_key
    }

    /// The line of `known_hosts` that trusts `key` at this server's address.
    #[must_use]
    pub fn known_hosts(&self, key: &Key) -> String {
        let words: Vec<&str> = key.public.split(' ').take(2).collect();
        format!("[{}]:{} {}\n", self.address.ip(), self.address.port(), words.join(" "))
    }

    fn wait(&mut self) {
        let log = self.child.stderr.take().expect("stderr is piped");
        for _ in 0..500 {
            if TcpStream::connect(self.address).is_ok() {
                // Read on: a full pipe would stop the server.
                thread::spawn(move || io::copy(&mut { log }, &mut io::sink()));
                return;
            }
            if self.child.try_wait().ok().flatten().is_some() {
                break;
            }
            thread::sleep(Duration::from_millis(20));
        }
        // Ends the log, should it still run.
        let _ = self.child.kill();
        let said: Vec<String> = BufReader::new(log).lines().map_while(Result::ok).collect();
        panic!("sshd did not come up: {}", said.join("; "));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have died by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn write_settings(folder: &Path, address: SocketAddr, allowed: &Key, host_key: &Key) -> io::Result<()> {
    let file = |name: &str| folder.join(name).display().to_string();
    fs::write(file("host_key"), &host_key.private)?;
    fs::set_permissions(file("host_key"), fs::Permissions::from_mode(0o600))?;
    fs::write(file("authorized_keys"), format!("restrict {}\n", allowed.public))?;
    let script = "#!/bin/sh\ncase \"$SSH_ORIGINAL_COMMAND\" in\n\"git-upload-pack '\"*) exec git-shell -c \
                  \"$SSH_ORIGINAL_COMMAND\" ;;\nesac\nexit 128\n";
    fs::write(file("forced"), script)?;
    fs::set_permissions(file("forced"), fs::Permissions::from_mode(0o755))?;
    let settings = [
        format!("ListenAddress {address}"),
        format!("HostKey {}", file("host_key")),
        format!("AuthorizedKeysFile {}", file("authorized_keys")),
        format!("ForceCommand {}", file("forced")),
        "AcceptEnv GIT_PROTOCOL".to_owned(),
        "KbdInteractiveAuthentication no".to_owned(),
        "PasswordAuthentication no".to_owned(),
        "PermitRootLogin prohibit-password".to_owned(),
        "PidFile none".to_owned(),
        // The folder is temporary and may stand beneath one that everybody writes to.
        "StrictModes no".to_owned(),
        "UsePAM no".to_owned(),
        // 200 callers at once are tested; the default drops some above ten.
        "MaxStartups 500".to_owned(),
    ];
    fs::write(file("sshd_config"), settings.join("\n") + "\n")
}

/// Started by root, sshd insists on this folder, which the service's start script would make.
fn privilege_separation_folder() {
    // Without the right to make it, sshd is not root and does not need it.
    let _ = fs::create_dir_all("/run/sshd");
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port of loopback is free");
    listener.local_addr().expect("the listener is bound")
}

fn user() -> String {
    let said = output(Command::new("id").arg("-un")).expect("`id` says who we are");
    String::from_utf8_lossy(&said).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn git(server: &Server, key: &Key, known_hosts: &str) -> Result<Vec<u8>, String> {
        let folder = TempDir::new().unwrap();
        let (key_file, hosts) = (folder.path().join("key"), folder.path().join("hosts"));
        fs::write(&key_file, &key.private).unwrap();
        fs::set_permissions(&key_file, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&hosts, known_hosts).unwrap();
        let ssh = format!(
            "ssh -F none -o IdentitiesOnly=yes -o BatchMode=yes -o UserKnownHostsFile={} -i {}",
            hosts.display(),
            key_file.display()
        );
        output(Command::new("git").args(["ls-remote", &server.url("a.git")]).env("GIT_SSH_COMMAND", ssh))
    }

    #[test]
    fn git_lists_with_the_right_keys_only() {
        let test = "sshd";
        let Some(key) = Key::ed25519(test) else { return };
        let Some(other) = Key::ed25519(test) else { return };
        let root = Root::new();
        let commit = root.repo("a.git").commit("main").file("f", "x").write();
        let Some(server) = Server::start(test, &root, &key) else { return };
        let known = server.known_hosts(server.host_key());
        let listed = String::from_utf8(git(&server, &key, &known).unwrap()).unwrap();
        assert!(listed.contains(&commit.to_string()), "{listed}");
        assert!(git(&server, &other, &known).unwrap_err().contains("Permission denied"));
        assert!(git(&server, &key, "").unwrap_err().contains("Host key verification failed"));
        assert!(git(&server, &key, &server.known_hosts(&other)).unwrap_err().contains("CHANGED"));
    }
}
