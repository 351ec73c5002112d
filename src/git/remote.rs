//! Where a repository is: the URL as given, checked, taken apart, and in normal form. Nothing is contacted here.

use std::path::PathBuf;
use std::sync::Arc;

use crate::credentials::{Credential, Secret};
use crate::error::{Error, Kind, Result};

/// The longest URL read. Servers and browsers stop at 8 KiB as well.
const MAX_URL: usize = 8 << 10;

/// A repository, from its URL: checked, without credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// The normal form: equal for URLs that surely name the same repository. Holds no secret.
    pub identity: Arc<str>,
    /// How it is reached.
    pub place: Place,
}

/// How a repository is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// `https://` or `http://`.
    Http {
        /// Whether TLS is used.
        tls: bool,
        /// Host and port.
        host: Host,
        /// The path, percent-encoded as given, beginning with `/`.
        path: String,
    },
    /// `ssh://user@host/path` or `user@host:path`.
    Ssh {
        /// The user of the URL; `None` leaves it to the credential.
        user: Option<String>,
        /// Host and port.
        host: Host,
        /// The path for the remote side, decoded: absolute, or relative to the user's home folder in the scp form.
        path: String,
    },
    /// `git://`.
    Git {
        /// Host and port.
        host: Host,
        /// The path, decoded, beginning with `/`.
        path: String,
    },
    /// `file://` or a path: opened where it is.
    Local(PathBuf),
}

/// A host with its port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// The name in lower case, or an address; an IPv6 address without its brackets.
    pub name: String,
    /// The port, the scheme's own when the URL names none.
    pub port: u16,
}

impl Host {
    /// The host as URLs write it: IPv6 in brackets, the port only when it is not `default`.
    #[must_use]
    pub fn authority(&self, default: u16) -> String {
        let name = if self.name.contains(':') { format!("[{}]", self.name) } else { self.name.clone() };
        if self.port == default { name } else { format!("{name}:{}", self.port) }
    }
}

impl Remote {
    /// Reads a URL. What it holds of a credential is taken out and returned beside.
    ///
    /// # Errors
    /// [`Kind::Invalid`] for schemes other than https, http, ssh, git and file, and for everything that could be
    /// read as something else further on: options in disguise, control characters, dot segments.
    pub fn parse(url: &str) -> Result<(Self, Option<Credential>)> {
        plain_text(url)?;
        if let Some((scheme, rest)) = url.split_once("://") {
            return Self::with_scheme(scheme, rest);
        }
        if let Some((helper, _)) = url.split_once("::") {
            return Err(scheme_refused(helper));
        }
        match url.split_once(':') {
            Some((authority, path)) if !authority.contains('/') => Self::scp(authority, path),
            _ => Ok((Self::local(url), None)),
        }
    }

    /// The URL for messages and logs: the normal form.
    #[must_use]
    pub fn display(&self) -> &str {
        match self.place {
            // The folder's path is the host's business.
            Place::Local(_) => "the local repository",
            _ => &self.identity,
        }
    }

    /// Whether it is a folder of this machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        matches!(self.place, Place::Local(_))
    }

    /// The URL an http client asks; `None` for other schemes.
    #[must_use]
    pub fn http_url(&self) -> Option<String> {
        match &self.place {
            Place::Http { tls: true, host, path } => Some(format!("https://{}{path}", host.authority(443))),
            Place::Http { tls: false, host, path } => Some(format!("http://{}{path}", host.authority(80))),
            _ => None,
        }
    }

    fn with_scheme(scheme: &str, rest: &str) -> Result<(Self, Option<Credential>)> {
        match scheme.to_ascii_lowercase().as_str() {
            "https" => Self::http(true, rest),
            "http" => Self::http(false, rest),
            "ssh" | "git+ssh" | "ssh+git" => Self::ssh(rest),
            "git" => Self::git(rest),
            "file" => Self::file(rest),
            _ => Err(scheme_refused(scheme)),
        }
    }

    fn http(tls: bool, rest: &str) -> Result<(Self, Option<Credential>)> {
        let parts = Parts::split(rest)?;
        let host = parts.host(if tls { 443 } else { 80 })?;
        let path = trim_path(parts.path)?;
        check_path(&decode(&path)?)?;
        if path.contains(['?', '#']) {
            return Err(invalid("the URL of a repository has neither a query nor a fragment"));
        }
        let place = Place::Http { tls, host, path };
        let mut remote = Self { identity: Arc::from(""), place };
        remote.identity = remote.http_url().unwrap_or_default().into();
        Ok((remote, parts.credential()?))
    }

    fn ssh(rest: &str) -> Result<(Self, Option<Credential>)> {
        let parts = Parts::split(rest)?;
        let host = parts.host(22)?;
        let path = decode(&trim_path(parts.path)?)?;
        check_path(&path)?;
        let user = parts.user()?;
        let shown = user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
        let identity = format!("ssh://{shown}{}{path}", host.authority(22)).into();
        Ok((Self { identity, place: Place::Ssh { user, host, path } }, None))
    }

    fn scp(authority: &str, path: &str) -> Result<(Self, Option<Credential>)> {
        let parts = Parts { userinfo: None, host: authority, path: "" }.with_user();
        let host = parts.host(22)?;
        if host.port != 22 || path.is_empty() {
            return Err(invalid(
                "the form user@host:path needs a path and has no port; write ssh://user@host:port/path",
            ));
        }
        let path = path.trim_end_matches('/').to_owned();
        check_path(&path)?;
        let user = parts.user()?;
        let shown = user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
        let identity = match path.starts_with('/') {
            true => format!("ssh://{shown}{}{path}", host.authority(22)),
            false => format!("{shown}{}:{path}", host.authority(22)),
        };
        Ok((Self { identity: identity.into(), place: Place::Ssh { user, host, path } }, None))
    }

    fn git(rest: &str) -> Result<(Self, Option<Credential>)> {
        let parts = Parts::split(rest)?;
        if parts.userinfo.is_some() {
            return Err(invalid("git:// knows no users"));
        }
        let host = parts.host(9418)?;
        let path = decode(&trim_path(parts.path)?)?;
        check_path(&path)?;
        let identity = format!("git://{}{path}", host.authority(9418)).into();
        Ok((Self { identity, place: Place::Git { host, path } }, None))
    }

    fn file(rest: &str) -> Result<(Self, Option<Credential>)> {
        let path = rest.strip_prefix("localhost").unwrap_or(rest);
        if !path.starts_with('/') {
            return Err(invalid("file:// names no host; write file:///path"));
        }
        Ok((Self::local(&decode(path)?), None))
    }

    fn local(path: &str) -> Self {
        Self { identity: format!("file://{path}").into(), place: Place::Local(PathBuf::from(path)) }
    }
}

/// A URL after its scheme, taken apart.
#[derive(Clone, Copy)]
struct Parts<'a> {
    userinfo: Option<&'a str>,
    host: &'a str,
    path: &'a str,
}

impl<'a> Parts<'a> {
    fn split(rest: &'a str) -> Result<Self> {
        if rest.contains([' ', '\\']) {
            return Err(invalid("the URL holds a blank or a backslash; write %20 for a blank in a path"));
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (host, path) = rest.split_at(end);
        Ok(Self { userinfo: None, host, path }.with_user())
    }

    fn with_user(self) -> Self {
        match self.host.rsplit_once('@') {
            Some((userinfo, host)) => Self { userinfo: Some(userinfo), host, ..self },
            None => self,
        }
    }

    fn host(&self, default: u16) -> Result<Host> {
        let (name, port) = match self.host.strip_prefix('[') {
            Some(rest) => {
                let (name, port) = rest.split_once(']').ok_or_else(|| invalid("a bracket is not closed"))?;
                (check_v6(name)?, port.strip_prefix(':').or(port.is_empty().then_some("")))
            }
            None => match self.host.split_once(':') {
                Some((name, port)) => (check_name(name)?, Some(port)),
                None => (check_name(self.host)?, Some("")),
            },
        };
        let port = port.ok_or_else(|| invalid("something follows the host's bracket"))?;
        Ok(Host { name, port: if port.is_empty() { default } else { check_port(port)? } })
    }

    /// The user name of the URL, decoded and checked.
    fn user(&self) -> Result<Option<String>> {
        let Some(userinfo) = self.userinfo else { return Ok(None) };
        let user = decode(userinfo.split(':').next().unwrap_or_default())?;
        let plain = |c: char| c.is_alphanumeric() || "._-+@~".contains(c);
        if user.is_empty() || user.starts_with('-') || !user.chars().all(plain) {
            return Err(invalid(
                "the user name of the URL is empty, begins with '-' or holds odd characters",
            ));
        }
        Ok(Some(user))
    }

    /// User and password of the URL as a credential for http.
    fn credential(&self) -> Result<Option<Credential>> {
        let Some(userinfo) = self.userinfo else { return Ok(None) };
        let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
        let (username, password) = (decode(user)?, decode(password)?);
        if username.starts_with('-') {
            return Err(invalid("the user name of the URL begins with '-'"));
        }
        Ok(Some(Credential { username, password: Secret::new(password), ..Credential::default() }))
    }
}

fn plain_text(url: &str) -> Result<()> {
    if url.is_empty() {
        return Err(invalid("the URL of the repository is empty"));
    }
    if url.len() > MAX_URL {
        return Err(invalid("the URL of the repository is longer than 8 KiB"));
    }
    if url.starts_with('-') {
        return Err(invalid("the URL of the repository begins with '-'"));
    }
    no_controls(url)
}

fn no_controls(text: &str) -> Result<()> {
    if text.chars().any(char::is_control) {
        return Err(invalid("the URL holds a control character"));
    }
    Ok(())
}

/// The path without trailing slashes, at least `/x`.
fn trim_path(path: &str) -> Result<String> {
    let path = path.trim_end_matches('/');
    if path.is_empty() {
        return Err(invalid("the URL names no repository, only a host"));
    }
    Ok(path.to_owned())
}

/// Checks a decoded path: nothing that a client, a shell or a server could read as more than names.
fn check_path(path: &str) -> Result<()> {
    if path.contains('\\') {
        return Err(invalid("the path of the URL holds a backslash"));
    }
    for (at, name) in path.split('/').enumerate() {
        if name == "." || name == ".." {
            return Err(invalid("the path of the URL holds '.' or '..'"));
        }
        if at <= 1 && name.starts_with('-') {
            return Err(invalid("the path of the URL begins with '-'"));
        }
    }
    Ok(())
}

fn check_name(name: &str) -> Result<String> {
    let name = name.to_ascii_lowercase();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-' || c == '_';
    if name.is_empty() || name.starts_with(['-', '.']) || !name.chars().all(plain) {
        return Err(invalid("the host of the URL is empty, begins with '-' or '.', or holds odd characters"));
    }
    // `0x7f.1` and `2130706433` are addresses to some resolvers and names to others.
    let last = name.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    let number = last.starts_with("0x") || last.bytes().all(|byte| byte.is_ascii_digit());
    if number && name.parse::<std::net::Ipv4Addr>().is_err() {
        return Err(invalid("the host of the URL is neither a name nor an address of four decimal numbers"));
    }
    Ok(name)
}

fn check_v6(name: &str) -> Result<String> {
    let address =
        name.parse::<std::net::Ipv6Addr>().map_err(|_| invalid("not an IPv6 address in the brackets"))?;
    Ok(address.to_string())
}

fn check_port(port: &str) -> Result<u16> {
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    port.parse()
        .ok()
        .filter(|&port| digits && port > 0)
        .ok_or_else(|| invalid("the port is no number from 1 to 65535"))
}

/// Takes percent-encoding off; what comes out must still be plain text.
fn decode(text: &str) -> Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let (byte, after) = if byte == b'%' { hex_pair(after)? } else { (byte, after) };
        bytes.push(byte);
        rest = after;
    }
    let text =
        String::from_utf8(bytes).map_err(|_| invalid("the percent-encoding of the URL is no UTF-8"))?;
    no_controls(&text)?;
    Ok(text)
}

fn hex_pair(rest: &[u8]) -> Result<(u8, &[u8])> {
    let digit = |at: usize| rest.get(at).and_then(|&byte| char::from(byte).to_digit(16));
    match (digit(0), digit(1)) {
        (Some(high), Some(low)) => Ok(((high * 16 + low) as u8, &rest[2..])),
        _ => Err(invalid("a '%' of the URL is not followed by two hexadecimal digits")),
    }
}

fn scheme_refused(scheme: &str) -> Error {
    let shown: String = scheme.chars().filter(char::is_ascii_alphanumeric).take(20).collect();
    invalid(&format!("URLs of the kind '{shown}:' are not allowed"))
        .help("repositories are reached by https, http, ssh, git or file URLs")
}

fn invalid(message: &str) -> Error {
    Error::new(Kind::Invalid, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// URL → normal form, or `None` when it must be refused.
    const URLS: &[(&str, Option<&str>)] = &[
        ("https://github.com/org/repo", Some("https://github.com/org/repo")),
        ("https://github.com/org/repo.git", Some("https://github.com/org/repo.git")),
        ("HTTPS://GitHub.com/Org/Repo/", Some("https://github.com/Org/Repo")),
        ("https://github.com:443/org/repo//", Some("https://github.com/org/repo")),
        ("https://github.com:8443/org/repo", Some("https://github.com:8443/org/repo")),
        ("http://host:80/r", Some("http://host/r")),
        ("http://host:443/r", Some("http://host:443/r")),
        ("https://user@host/r", Some("https://host/r")),
        ("https://user:pa%40ss@host/r", Some("https://host/r")),
        ("https://user:p@ss@host/r", Some("https://host/r")),
        (
            "https://dev.azure.com/org/My%20Project/_git/r",
            Some("https://dev.azure.com/org/My%20Project/_git/r"),
        ),
        ("https://[2001:DB8::1]/r", Some("https://[2001:db8::1]/r")),
        ("https://[2001:db8:0::1]:444/r", Some("https://[2001:db8::1]:444/r")),
        ("https://10.0.0.1/r", Some("https://10.0.0.1/r")),
        ("https://xn--bcher-kva.example/r", Some("https://xn--bcher-kva.example/r")),
        ("ssh://git@host/org/repo", Some("ssh://git@host/org/repo")),
        ("ssh://git@HOST:22/org/repo/", Some("ssh://git@host/org/repo")),
        ("ssh://git@host:2222/org/repo", Some("ssh://git@host:2222/org/repo")),
        ("ssh://host/org/repo", Some("ssh://host/org/repo")),
        ("ssh://git:secret@host/org/repo", Some("ssh://git@host/org/repo")),
        ("git+ssh://git@host/r", Some("ssh://git@host/r")),
        ("ssh://git@[::1]:2222/r", Some("ssh://git@[::1]:2222/r")),
        ("git@github.com:org/repo.git", Some("git@github.com:org/repo.git")),
        ("git@GitHub.com:org/repo.git/", Some("git@github.com:org/repo.git")),
        ("github.com:org/repo", Some("github.com:org/repo")),
        ("git@host:/abs/repo", Some("ssh://git@host/abs/repo")),
        ("git@host:~user/repo", Some("git@host:~user/repo")),
        ("git://host/r", Some("git://host/r")),
        ("git://host:9418/r.git", Some("git://host/r.git")),
        ("git://host:1/r.git", Some("git://host:1/r.git")),
        ("file:///srv/r.git", Some("file:///srv/r.git")),
        ("file://localhost/srv/r.git", Some("file:///srv/r.git")),
        ("file:///srv/a%20b", Some("file:///srv/a b")),
        ("/srv/r.git", Some("file:///srv/r.git")),
        ("./r", Some("file://./r")),
        (".", Some("file://.")),
        ("r", Some("file://r")),
        ("", None),
        ("ext::sh -c touch% /tmp/pwn", None),
        ("fd::17", None),
        ("fd::17/foo", None),
        ("ftp://host/r", None),
        ("gopher://host/r", None),
        ("javascript://host/r", None),
        ("--upload-pack=touch /tmp/pwn", None),
        ("-oProxyCommand=id", None),
        ("ssh://-oProxyCommand=id/r", None),
        ("ssh://-oProxyCommand=id@host/r", None),
        ("ssh://%2doProxyCommand=id@host/r", None),
        ("ssh://git@-host/r", None),
        ("ssh://git@host/-r", None),
        ("ssh://git@host/%2dr", None),
        ("git@host:-r", None),
        ("-git@host:r", None),
        ("git@host:", None),
        ("https://-host/r", None),
        ("https://-user@host/r", None),
        ("https://%2duser@host/r", None),
        ("https://host", None),
        ("https://host/", None),
        ("https:///r", None),
        ("https://host:0/r", None),
        ("https://host:65536/r", None),
        ("https://host:+22/r", None),
        ("https://host/a\nb", None),
        ("https://host/a%0ab", None),
        ("https://host/a%0D%0Ab", None),
        ("https://us%0aer@host/r", None),
        ("https://host/a%00b", None),
        ("https://host/a%", None),
        ("https://host/a%zz", None),
        ("https://host/a%ff", None),
        ("https://host/org/../other", None),
        ("https://host/org/%2e%2e/other", None),
        ("https://host/./r", None),
        ("https://host\\@evil/r", None),
        ("https://host/a\\..\\b", None),
        ("https://host/a%5cb", None),
        ("https://host/a b", None),
        ("https://host/r?service=x", None),
        ("https://host/r#frag", None),
        ("https://host?x/r", None),
        ("https://ho%73t/r", None),
        ("https://bücher.example/r", None),
        ("https://2130706433/r", None),
        ("https://0x7f.1/r", None),
        ("https://127.1/r", None),
        ("https://0177.0.0.1/r", None),
        ("https://127.0.0.1./r", None),
        ("https://[::1/r", None),
        ("https://[::1]x/r", None),
        ("https://[fe80::1%25eth0]/r", None),
        ("https://.host/r", None),
        ("git://user@host/r", None),
        ("git://host/../r", None),
        ("file://host/r", None),
        ("file:///a%0ab", None),
        ("file://", None),
    ];

    #[test]
    fn urls() {
        for (url, wanted) in URLS {
            let found = Remote::parse(url);
            let identity = found.as_ref().ok().map(|(remote, _)| &*remote.identity);
            assert_eq!(identity, *wanted, "{url}: {found:?}");
            if let Err(error) = found {
                assert_eq!(error.kind(), Kind::Invalid, "{url}");
            }
        }
    }

    #[test]
    fn credentials_leave_the_url() {
        let (remote, credential) = Remote::parse("https://me:s%3Acret@host/r").unwrap();
        let credential = credential.unwrap();
        assert_eq!((credential.username.as_str(), credential.password.expose()), ("me", "s:cret"));
        assert!(!format!("{remote:?}").contains("cret"));
        assert_eq!(remote.http_url().unwrap(), "https://host/r");
    }

    #[test]
    fn refusals_do_not_repeat_secrets() {
        let error = Remote::parse("https://me:hunter2@host/../r").unwrap_err();
        assert!(!format!("{error:?} {:?}", error.advice()).contains("hunter2"));
    }

    #[test]
    fn a_very_long_url_is_refused() {
        let url = format!("https://host/{}", "a".repeat(MAX_URL));
        assert_eq!(Remote::parse(&url).unwrap_err().kind(), Kind::Invalid);
    }
}
