//! The credentials file: which credential opens which remotes, by the beginning of their URLs.
//!
//! ```yaml
//! - url: https://git.example.org/team
//!   username: robot
//!   passwordFile: token.txt
//! - url: git@git.example.org:team
//!   sshPrivateKeyFile: /keys/id_ed25519
//! ```
//!
//! A list, in YAML or JSON. The longest `url` that is a beginning of the remote's URL wins, on the borders of names:
//! `https://h/org` opens `https://h/org/repo`, but not `https://h/org-evil`; an ssh URL needs its user. Every text has a twin ending in `File`
//! that names a file with it, relative to the credentials file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use yaml::{Limits, Map, Value, v2};

use crate::error::{Error, Kind, Result};

use super::{Credential, Secret};

/// The largest file read, the credentials file or one it names.
const MAX_FILE: u64 = 4 << 20;

/// Credentials by the beginnings of URLs.
#[derive(Clone, Debug, Default)]
pub struct Book(Vec<(String, Arc<Credential>)>);

impl Book {
    /// Reads the file at `path`. `normal` gives the normal form of a URL, as remotes are looked up by it.
    ///
    /// # Errors
    /// [`Kind::Invalid`] with every mistake of the file, one per line; no secret is repeated.
    pub fn read(path: &Path, normal: impl Fn(&str) -> Result<String>) -> Result<Self> {
        let text = read_file(path)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Self::parse(&text, folder, normal)
    }

    /// As [`Book::read`], for the file's text; `folder` is what its paths are relative to.
    ///
    /// # Errors
    /// As [`Book::read`].
    pub fn parse(text: &str, folder: &Path, normal: impl Fn(&str) -> Result<String>) -> Result<Self> {
        let wrong = |what: &str| Error::new(Kind::Invalid, format!("the credentials file {what}"));
        let not_yaml = |error: yaml::Error| {
            let line = error.line().unwrap_or_default();
            wrong(&format!("is no YAML: something is wrong at or before line {line}"))
        };
        let value = v2::to_value(text.as_bytes(), &Limits::default()).map_err(not_yaml)?;
        if value.is_null() {
            return Ok(Self::default());
        }
        let list = value.as_list().ok_or_else(|| wrong("is no list"))?;
        let mut book = Self::default();
        let mut mistakes = Vec::new();
        for (at, entry) in list.iter().enumerate() {
            let entry = Entry { fields: entry.as_map(), folder };
            match entry.read(&normal) {
                Ok(read) => book.0.push(read),
                Err(error) => mistakes.push(format!("entry {}: {}", at + 1, error.message())),
            }
        }
        if !mistakes.is_empty() {
            return Err(wrong(&format!("has mistakes: {}", mistakes.join("; "))));
        }
        book.0.sort_by_key(|(url, _)| std::cmp::Reverse(url.len()));
        Ok(book)
    }

    /// The credential for the remote with this normal form of its URL.
    #[must_use]
    pub fn find(&self, url: &str) -> Option<Arc<Credential>> {
        self.0.iter().find(|(prefix, _)| begins(url, prefix)).map(|(_, credential)| credential.clone())
    }
}

/// Whether `prefix` is a beginning of `url` that ends where a name ends.
fn begins(url: &str, prefix: &str) -> bool {
    let Some(rest) = url.strip_prefix(prefix) else { return false };
    // After a whole URL a colon begins a port, which is another server; after user@host it begins the path.
    let path = rest.starts_with('/') || (rest.starts_with(':') && !prefix.contains("://"));
    rest.is_empty() || rest == ".git" || path || prefix.ends_with(':')
}

/// One entry of the file.
struct Entry<'a> {
    fields: Option<&'a Map>,
    folder: &'a Path,
}

/// The fields of an entry that hold text.
const TEXTS: &[&str] = &[
    "username",
    "password",
    "bearerToken",
    "sshPrivateKey",
    "knownHosts",
    "caBundle",
    "clientCertificate",
    "clientKey",
    "proxy",
];

impl Entry<'_> {
    fn read(&self, normal: impl Fn(&str) -> Result<String>) -> Result<(String, Arc<Credential>)> {
        let fields = self.fields.ok_or_else(|| invalid("is no mapping"))?;
        for name in fields.keys() {
            let text = TEXTS.contains(&name.strip_suffix("File").unwrap_or(name));
            if !text && !matches!(&**name, "url" | "insecure") {
                return Err(invalid(&format!("does not know the field '{name}'")));
            }
        }
        let url = self.word("url")?.filter(|url| !url.is_empty()).ok_or_else(|| invalid("has no url"))?;
        let insecure = match fields.get("insecure") {
            None | Some(Value::Null) => false,
            Some(Value::Bool(insecure)) => *insecure,
            Some(_) => return Err(invalid("insecure is neither true nor false")),
        };
        Ok((prefix(&url, normal)?, Arc::new(Credential { insecure, ..self.credential()? })))
    }

    fn credential(&self) -> Result<Credential> {
        let text = |name: &str| self.text(name).map(Option::unwrap_or_default);
        let secret = |name: &str| text(name).map(Secret::new);
        Ok(Credential {
            username: text("username")?.trim_end().to_owned(),
            password: self.token("password")?,
            bearer_token: self.token("bearerToken")?,
            ssh_private_key: secret("sshPrivateKey")?,
            known_hosts: text("knownHosts")?,
            ca_bundle: text("caBundle")?,
            client_certificate: text("clientCertificate")?,
            client_key: secret("clientKey")?,
            proxy: self.token("proxy")?,
            insecure: false,
        })
    }

    /// A secret of one line; the line break that editors put at the end of a file is not part of it.
    fn token(&self, name: &str) -> Result<Secret> {
        Ok(Secret::new(self.text(name)?.unwrap_or_default().trim_end_matches(['\n', '\r'])))
    }

    /// The text of a field, or of the file its twin names.
    fn text(&self, name: &str) -> Result<Option<String>> {
        let twin = format!("{name}File");
        match (self.word(name)?, self.word(&twin)?) {
            (Some(_), Some(_)) => Err(invalid(&format!("has both {name} and {twin}"))),
            (given, None) => Ok(given),
            (None, Some(path)) => read_file(&self.folder.join(PathBuf::from(path)))
                .map(Some)
                .map_err(|error| error.context(&twin)),
        }
    }

    fn word(&self, name: &str) -> Result<Option<String>> {
        match self.fields.and_then(|fields| fields.get(name)) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => {
                let text =
                    value.as_str().ok_or_else(|| invalid(&format!("{name} is no text: put it in quotes")))?;
                Ok(Some(text.to_owned()))
            }
        }
    }
}

/// A beginning of URLs in normal form. It may be only a scheme and a host, which is no URL of a repository.
fn prefix(url: &str, normal: impl Fn(&str) -> Result<String>) -> Result<String> {
    let url = url.trim_end_matches('/');
    if url.ends_with("://") || url.ends_with(':') {
        return Ok(url.to_ascii_lowercase());
    }
    // With a name at the end that is taken off again, a host alone is read as well.
    let name = if url.contains('@') && !url.contains(':') { ":x" } else { "/x" };
    let none = |error: Error| invalid(&format!("its url is none: {}", error.message()));
    let normal = normal(&format!("{url}{name}")).map_err(none)?;
    Ok(normal.strip_suffix(name).unwrap_or(&normal).to_owned())
}

fn read_file(path: &Path) -> Result<String> {
    let unreadable = |error: std::io::Error| invalid(&format!("a file cannot be read: {}", error.kind()));
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if size > MAX_FILE {
        return Err(invalid("a file is larger than 4 MiB"));
    }
    std::fs::read_to_string(path).map_err(unreadable)
}

fn invalid(message: &str) -> Error {
    Error::new(Kind::Invalid, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stands in for the normal form, which this module does not know: lower case, nothing that begins with `-`.
    fn normal(url: &str) -> Result<String> {
        if url.starts_with('-') { Err(invalid("begins with '-'")) } else { Ok(url.to_ascii_lowercase()) }
    }

    fn parse(text: &str) -> Result<Book> {
        Book::parse(text, Path::new("/nowhere"), normal)
    }

    #[test]
    fn the_longest_beginning_wins_on_the_borders_of_names() {
        let urls = [
            "https://",
            "https://h",
            "https://h/org",
            "https://h/org/repo",
            "git@h",
            "git@h:org",
            "ssh://git@h",
        ];
        let text: String = urls.iter().map(|url| format!("- url: {url}\n  username: '{url}'\n")).collect();
        let book = parse(&text).unwrap();
        for (url, wanted) in [
            ("https://h/org/repo", Some("https://h/org/repo")),
            ("https://h/org/repo.git", Some("https://h/org/repo")),
            ("https://h/org/repo/sub", Some("https://h/org/repo")),
            ("https://h/org/repository", Some("https://h/org")),
            ("https://h/org", Some("https://h/org")),
            ("https://h/org-evil/repo", Some("https://h")),
            ("https://h/x", Some("https://h")),
            ("https://h:8443/x", Some("https://")),
            ("https://h.evil/org", Some("https://")),
            ("http://h/org", None),
            ("git@h:org/repo", Some("git@h:org")),
            ("git@h:organ/repo", Some("git@h")),
            ("git@h.evil:org/repo", None),
            ("ssh://git@h/org", Some("ssh://git@h")),
            ("ssh://git@h:22222/org", None),
            ("ssh://me@h/org", None),
        ] {
            let found = book.find(url);
            assert_eq!(found.as_ref().map(|found| found.username.as_str()), wanted, "{url}");
        }
    }

    #[test]
    fn every_field_inline_or_from_a_file() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("token"), "from file\n").unwrap();
        let text = r#"[{"url": "https://h", "username": "u", "passwordFile": "token", "sshPrivateKey": "key\n",
            "knownHosts": "lines", "caBundle": "ca", "clientCertificate": "cert", "clientKey": "k",
            "proxy": "http://p", "insecure": true}, {"url": "https://other", "bearerToken": "t"}]"#;
        let book = Book::parse(text, folder.path(), normal).unwrap();
        let found = book.find("https://h/r").unwrap();
        let wanted = Credential {
            username: "u".into(),
            password: Secret::new("from file"),
            bearer_token: Secret::default(),
            ssh_private_key: Secret::new("key\n"),
            known_hosts: "lines".into(),
            ca_bundle: "ca".into(),
            client_certificate: "cert".into(),
            client_key: Secret::new("k"),
            proxy: Secret::new("http://p"),
            insecure: true,
        };
        assert_eq!(*found, wanted);
        assert_eq!(book.find("https://other/r").unwrap().bearer_token.expose(), "t");
    }

    #[test]
    fn all_mistakes_are_told_together_and_no_secret() {
        let text = r#"
- username: canary
- url: https://h
  pasword: canary
- url: https://h
  password: 12345
- url: https://h
  insecure: canary
- url: https://h
  password: canary
  passwordFile: x
- url: https://h
  passwordFile: not-there
- canary
- url: -canary
"#;
        let error = parse(text).unwrap_err();
        for words in [
            "entry 1: has no url",
            "entry 2: does not know the field 'pasword'",
            "entry 3: password is no text",
            "entry 4: insecure",
            "entry 5: has both password and passwordFile",
            "entry 6: passwordFile: a file cannot be read",
            "entry 7: is no mapping",
            "entry 8: its url is none",
        ] {
            assert!(error.message().contains(words), "{words}: {error}");
        }
        assert!(!error.message().contains("canary") && !error.message().contains("nowhere"), "{error}");
        for text in ["a: b", "[", "- url: \"canary"] {
            let error = parse(text).unwrap_err();
            assert!(error.kind() == Kind::Invalid && !error.message().contains("canary"), "{error}");
        }
        assert!(parse("").unwrap().find("https://h").is_none());
    }
}
