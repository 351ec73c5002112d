//! ssh, through libgit2 and libssh2: keys stay in memory, host keys are checked here, and no program is started.
//!
//! libgit2 speaks version 0 of git's protocol: the listing is always the whole one, and commits that are not listed
//! are given only by servers that say so.

use std::path::Path;
use std::sync::Arc;

use git2::{AutotagOption, CertificateCheckStatus, CredentialType, Direction, FetchOptions, RemoteCallbacks};
use gix::ObjectId;
use sha2::{Digest, Sha256};

use crate::credentials::known_hosts::{self, HostKey, Verdict};
use crate::credentials::{Credential, base64};
use crate::error::{Error, Kind, Result};

use super::super::link::{Limits, Link};
use super::super::refs::Listing;
use super::super::remote::Host;
use super::{Fetched, Want, failure, relay};

/// The user where neither the URL nor the credential names one; all hosting services use it.
const USER: &str = "git";

/// A repository behind ssh, and how it is opened.
pub(super) struct Ssh<'a> {
    /// The user of the URL.
    pub(super) user: Option<&'a str>,
    /// The host.
    pub(super) host: &'a Host,
    /// The path, as the remote side takes it.
    pub(super) path: &'a str,
    /// With what it is opened.
    pub(super) by: &'a Credential,
    /// The server's own `known_hosts` lines.
    pub(super) known_hosts: &'a str,
}

/// What the server lists under `prefixes`; everything when there are none.
pub(super) fn list(ssh: &Ssh<'_>, prefixes: &[String], limits: &Limits, link: &Arc<Link>) -> Result<Listing> {
    let url = ssh.url(limits, link)?;
    let failed = |error: git2::Error| failed(link, &error);
    let mut remote = git2::Remote::create_detached(url).map_err(failed)?;
    let connection =
        remote.connect_auth(Direction::Fetch, Some(ssh.callbacks(link)), None).map_err(failed)?;
    listing(connection.list().map_err(failed)?, prefixes, limits.refs)
}

fn listing(heads: &[git2::RemoteHead<'_>], prefixes: &[String], max: usize) -> Result<Listing> {
    let mut listing = Listing::default();
    let wanted = |name: &str| prefixes.is_empty() || prefixes.iter().any(|prefix| name.starts_with(prefix));
    for head in heads.iter().take(max.saturating_mul(2).saturating_add(2)) {
        // What a tag stands for follows it, under its name with this end.
        let name = head.name().trim_end_matches("^{}");
        if name == "HEAD" {
            listing.head_name = head.symref_target().map(str::to_owned);
        }
        if name == "HEAD" || wanted(name) {
            listing.insert(name, id(head.oid()));
        }
    }
    Ok(listing)
}

/// Fetches what is wanted into its folder.
pub(super) fn fetch(ssh: &Ssh<'_>, want: &Want<'_>, limits: &Limits, link: &Arc<Link>) -> Result<Fetched> {
    let url = ssh.url(limits, link)?;
    let failed = |error: git2::Error| failed(link, &error);
    let folder = want.folder.join("ssh.git");
    let repository = repository(&folder, want)?;
    let mut remote = repository.remote_anonymous(&url).map_err(failed)?;
    let mut connection =
        remote.connect_auth(Direction::Fetch, Some(ssh.callbacks(link)), None).map_err(failed)?;
    let specs = refspecs(&connection, want).map_err(failed)?;
    let mut options = FetchOptions::new();
    options.remote_callbacks(ssh.callbacks(link)).download_tags(AutotagOption::None).update_fetchhead(false);
    options.depth(i32::try_from(want.depth).unwrap_or(i32::MAX));
    match connection.remote().download(&specs, Some(&mut options)) {
        Ok(()) => take_packs(&folder, want.folder).map(|()| Fetched::Done),
        Err(error) if link.failure().is_none() && failure::text_is_refusal(error.message()) => {
            Ok(refusal(error.message()))
        }
        Err(error) => Err(failed(error)),
    }
}

/// What a refusal means: that libgit2 did not even ask since the server gives only what it lists, or that it asked.
fn refusal(text: &str) -> Fetched {
    if text.contains("cannot fetch a specific object") { Fetched::Refused } else { Fetched::Missing }
}

/// A repository for libgit2 to fetch into, which sees what is here and knows that it has no history.
fn repository(folder: &Path, want: &Want<'_>) -> Result<git2::Repository> {
    let unusable = |_| Error::new(Kind::Unavailable, "the data folder cannot be used for a fetch");
    drop(git2::Repository::init_bare(folder).map_err(unusable)?);
    if let Some(base) = &want.base {
        let objects = base.git_dir().join("objects");
        let write = |file: &str, text: String| {
            std::fs::write(folder.join(file), text)
                .map_err(|error| failure::disk(&error).unwrap_or_else(unwritable))
        };
        write("objects/info/alternates", format!("{}\n", objects.display()))?;
        write("shallow", want.haves.iter().map(|id| format!("{id}\n")).collect())?;
        for have in want.haves {
            write(&format!("refs/heads/{have}"), format!("{have}\n"))?;
        }
    }
    git2::Repository::open_bare(folder).map_err(unusable)
}

/// What is asked for: commits by the names that stand for them, else by their ids.
fn refspecs(
    connection: &git2::RemoteConnection<'_, '_, '_>,
    want: &Want<'_>,
) -> Result<Vec<String>, git2::Error> {
    let heads = connection.list()?;
    let spec = |wanted: &ObjectId| {
        let head = heads.iter().find(|head| id(head.oid()) == *wanted);
        let id = wanted.to_string();
        format!("+{}:refs/fetched/{id}", head.map_or(&*id, |head| head.name().trim_end_matches("^{}")))
    };
    Ok(want.ids.iter().map(spec).collect())
}

/// Moves the packs that libgit2 wrote to where they are looked for.
fn take_packs(from: &Path, to: &Path) -> Result<()> {
    let broken = |error: std::io::Error| failure::disk(&error).unwrap_or_else(unwritable);
    for entry in std::fs::read_dir(from.join("objects/pack")).map_err(broken)?.flatten() {
        std::fs::rename(entry.path(), to.join(entry.file_name())).map_err(broken)?;
    }
    Ok(())
}

fn unwritable() -> Error {
    Error::new(Kind::Unavailable, "the data folder cannot be written")
}

fn id(oid: git2::Oid) -> ObjectId {
    ObjectId::from_bytes_or_panic(oid.as_bytes())
}

/// Why libgit2 failed: what the link knows, else by the kind of its error.
fn failed(link: &Link, error: &git2::Error) -> Error {
    tracing::debug!(%error, "libgit2 failed");
    if let Some(known) = link.failure().or_else(|| link.check_time().err()) {
        return known;
    }
    if error.code() == git2::ErrorCode::Auth {
        return Error::new(Kind::Unauthenticated, "the remote refused the ssh key or password");
    }
    if failure::text_is_missing(error.message()) {
        return failure::missing();
    }
    if error.message().contains("private key") {
        return Error::new(Kind::Invalid, "the ssh key of the credential cannot be read")
            .help("give a private key without a passphrase, in OpenSSH's or PEM format");
    }
    match error.class() {
        git2::ErrorClass::Ssh => Error::new(Kind::Unavailable, ssh_cause(error.message())),
        git2::ErrorClass::Net => failure::missing(),
        _ => Error::new(Kind::Unavailable, "the remote's answer is not what git servers say"),
    }
}

/// Why there is no ssh connection, by what libssh2 says.
fn ssh_cause(text: &str) -> &'static str {
    let has = |words: &str| text.to_ascii_lowercase().contains(words);
    match () {
        () if has("banner") => "the remote does not speak ssh on that port",
        () if has("exchange encryption keys") || has("key exchange") => {
            "the remote has no ssh key exchange, cipher or host key in common with us"
        }
        () if has("socket") || has("disconnect") => "the remote closed the ssh connection",
        () => "the ssh connection failed",
    }
}

impl Ssh<'_> {
    fn user(&self) -> &str {
        let given = Some(self.by.username.as_str()).filter(|user| !user.is_empty());
        self.user.or(given).unwrap_or(USER)
    }

    /// The URL for libgit2: the repository, at the near end of a relay.
    fn url(&self, limits: &Limits, link: &Arc<Link>) -> Result<String> {
        let near = relay::open(self.host, limits, link)?;
        Ok(format!("[{}@{near}]:{}", self.user(), self.path))
    }

    fn callbacks(&self, link: &Arc<Link>) -> RemoteCallbacks<'_> {
        let mut callbacks = RemoteCallbacks::new();
        let (checking, asking, counting) = (link.clone(), link.clone(), link.clone());
        callbacks.certificate_check(move |shown, _| {
            let key = shown.as_hostkey().and_then(|key| key.hostkey()).and_then(HostKey::new);
            self.check(key)
                .map(|()| CertificateCheckStatus::CertificateOk)
                .map_err(|error| give_up(&checking, error))
        });
        let mut asked = false;
        callbacks.credentials(move |_, _, allowed| {
            let first = allowed.contains(CredentialType::USERNAME) || !std::mem::replace(&mut asked, true);
            let given = if first { self.credential(allowed) } else { Err(refused()) };
            given.map_err(|error| give_up(&asking, error))
        });
        callbacks.transfer_progress(move |progress| {
            counting.objects(progress.total_objects() as u64);
            // What was received may take long to unpack: that is no fault of the remote.
            counting.check_time().is_ok()
        });
        callbacks
    }

    fn credential(&self, allowed: CredentialType) -> Result<git2::Cred> {
        let user = self.user();
        let (key, password) = (self.by.ssh_private_key.expose(), self.by.password.expose());
        let made = if allowed.contains(CredentialType::USERNAME) {
            git2::Cred::username(user)
        } else if allowed.contains(CredentialType::SSH_KEY) && !key.is_empty() {
            // Without its last line break, a key is not recognised.
            git2::Cred::ssh_key_from_memory(user, None, &format!("{}\n", key.trim_end()), None)
        } else if allowed.contains(CredentialType::USER_PASS_PLAINTEXT) && !password.is_empty() {
            git2::Cred::userpass_plaintext(user, password)
        } else {
            return Err(Error::new(Kind::Unauthenticated, "the remote asks for an ssh key")
                .help("send a credential with the request, or put one into the credentials file"));
        };
        made.map_err(|_| Error::new(Kind::Invalid, "the ssh key of the credential cannot be used"))
    }

    /// Whether the host showed a key that is trusted.
    fn check(&self, key: Option<HostKey<'_>>) -> Result<()> {
        if self.by.insecure {
            return Ok(());
        }
        let key = key.ok_or_else(|| Error::new(Kind::Unauthenticated, "the ssh host showed no key"))?;
        let lines = format!("{}\n{}", self.by.known_hosts, self.known_hosts);
        let verdict = known_hosts::check(&lines, &self.host.name, self.host.port, &key);
        judge(verdict, &self.host.authority(22), &key)
    }
}

fn judge(verdict: Verdict, host: &str, key: &HostKey<'_>) -> Result<()> {
    let print = base64::encode(&Sha256::digest(key.blob));
    let shown = format!("{} SHA256:{}", key.kind, print.trim_end_matches('='));
    let error = |text: String| Error::new(Kind::Unauthenticated, text);
    match verdict {
        Verdict::Trusted => Ok(()),
        Verdict::Unknown => Err(error(format!("the ssh host key of {host} is not known: {shown}"))
            .help("compare the fingerprint with what the host publishes, then add its line to known_hosts (ssh-keyscan prints it)")),
        Verdict::OtherTypes(kinds) => Err(error(format!(
            "known_hosts has {} of {host}, but it showed {shown}",
            kinds.join(", ")
        ))
        .help("add all keys of the host to known_hosts; ssh-keyscan prints them")),
        Verdict::Changed => Err(error(format!("the ssh host key of {host} has changed: {shown}"))
            .help("somebody may be listening in; only when the host says that its key is new, replace its line in known_hosts")),
        Verdict::Revoked => Err(error(format!("the ssh host key of {host} is revoked: {shown}"))),
    }
}

fn refused() -> Error {
    Error::new(Kind::Unauthenticated, "the remote refused the ssh key or password")
}

/// Ends the conversation for this reason.
fn give_up(link: &Link, error: Error) -> git2::Error {
    git2::Error::from_str(&link.fail(error).to_string())
}
