//! Which ssh host keys are trusted: lines of `known_hosts` as OpenSSH writes them (`sshd(8)`, "SSH_KNOWN_HOSTS FILE
//! FORMAT"), hashed names and patterns included. Certificate authorities are not supported and trust nothing.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use super::base64;

/// What is known about the key a host showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A line names this host and this key.
    Trusted,
    /// No line names the host.
    Unknown,
    /// Lines name the host, but only with keys of these other types.
    OtherTypes(Vec<String>),
    /// A line names the host with another key of the same type.
    Changed,
    /// A line revokes the key.
    Revoked,
}

/// A key as `known_hosts` has it.
#[derive(Clone, Copy, Debug)]
pub struct HostKey<'a> {
    /// The type, as the key itself begins with it.
    pub kind: &'a str,
    /// The key in ssh's wire format.
    pub blob: &'a [u8],
}

impl<'a> HostKey<'a> {
    /// Reads the type off a key in wire format; `None` when it is none.
    #[must_use]
    pub fn new(blob: &'a [u8]) -> Option<Self> {
        let (length, rest) = blob.split_first_chunk::<4>()?;
        let kind = rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        Some(Self { kind: std::str::from_utf8(kind).ok()?, blob })
    }
}

/// One line that says something.
struct Line<'a> {
    revokes: bool,
    hosts: &'a str,
    kind: &'a str,
    blob: Vec<u8>,
}

/// What `lines` say about the key that `host` showed on `port`.
#[must_use]
pub fn check(lines: &str, host: &str, port: u16, key: &HostKey<'_>) -> Verdict {
    let name = name(host, port);
    let mut verdict = Verdict::Unknown;
    for line in lines.lines().filter_map(Line::read).filter(|line| matches(line.hosts, &name)) {
        match (line.revokes, line.kind == key.kind, line.blob == key.blob) {
            (true, _, true) => return Verdict::Revoked,
            (true, ..) => {}
            // A line further down may still revoke it.
            (false, _, true) => verdict = Verdict::Trusted,
            (false, true, false) if verdict != Verdict::Trusted => verdict = Verdict::Changed,
            (false, ..) => verdict.note_type(line.kind),
        }
    }
    verdict
}

impl Verdict {
    fn note_type(&mut self, kind: &str) {
        match self {
            Self::Unknown => *self = Self::OtherTypes(vec![kind.to_owned()]),
            Self::OtherTypes(kinds) if !kinds.iter().any(|one| one == kind) => kinds.push(kind.to_owned()),
            _ => {}
        }
    }
}

impl<'a> Line<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace().peekable();
        let marker = words.next_if(|word| word.starts_with('@'));
        let revokes = match marker {
            None => false,
            Some("@revoked") => true,
            Some(_) => return None,
        };
        let hosts = words.next().filter(|hosts| !hosts.starts_with('#'))?;
        Some(Self { revokes, hosts, kind: words.next()?, blob: base64::decode(words.next()?)? })
    }
}

/// How `known_hosts` writes a host: with the port only when it is not the usual one.
fn name(host: &str, port: u16) -> String {
    let host = host.to_ascii_lowercase();
    if port == 22 { host } else { format!("[{host}]:{port}") }
}

/// Whether the first word of a line names the host.
fn matches(hosts: &str, name: &str) -> bool {
    if let Some(hashed) = hosts.strip_prefix("|1|") {
        return matches_hash(hashed, name).unwrap_or(false);
    }
    let mut found = false;
    for pattern in hosts.split(',') {
        match pattern.strip_prefix('!') {
            Some(pattern) if matches_pattern(pattern, name) => return false,
            Some(_) => {}
            None => found |= matches_pattern(pattern, name),
        }
    }
    found
}

fn matches_hash(hashed: &str, name: &str) -> Option<bool> {
    let (salt, hash) = hashed.split_once('|')?;
    let mut mac = Hmac::<Sha1>::new_from_slice(&base64::decode(salt)?).ok()?;
    mac.update(name.as_bytes());
    Some(mac.verify_slice(&base64::decode(hash)?).is_ok())
}

/// `*` for any run of characters, `?` for one; letters of any case. Backtracks to the last `*` only.
fn matches_pattern(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.to_ascii_lowercase().into_bytes(), name.as_bytes());
    let (mut p, mut n) = (0, 0);
    let mut star = None;
    while n < name.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, n));
            p += 1;
        } else if pattern.get(p).is_some_and(|&one| one == b'?' || one == name[n]) {
            (p, n) = (p + 1, n + 1);
        } else if let Some((at, taken)) = star {
            star = Some((at, taken + 1));
            (p, n) = (at + 1, taken + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&one| one == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key of this type with this content, in wire format.
    fn blob(kind: &str, content: &str) -> Vec<u8> {
        let mut blob = Vec::new();
        for part in [kind, content] {
            blob.extend((part.len() as u32).to_be_bytes());
            blob.extend(part.as_bytes());
        }
        blob
    }

    fn line(hosts: &str, kind: &str, content: &str) -> String {
        format!("{hosts} {kind} {} comment", base64::encode(&blob(kind, content)))
    }

    fn hashed(name: &str) -> String {
        let salt = b"twenty bytes of salt";
        let mut mac = Hmac::<Sha1>::new_from_slice(salt).unwrap();
        mac.update(name.as_bytes());
        format!("|1|{}|{}", base64::encode(salt), base64::encode(&mac.finalize().into_bytes()))
    }

    const ED: &str = "ssh-ed25519";
    const RSA: &str = "ssh-rsa";

    fn verdict(lines: &[String], host: &str, port: u16) -> Verdict {
        let shown = blob(ED, "good");
        check(&lines.join("\n"), host, port, &HostKey::new(&shown).unwrap())
    }

    #[test]
    fn names_patterns_ports_and_hashes() {
        let trusts = [
            ("host", "host", 22),
            ("HOST", "host", 22),
            ("host", "Host", 22),
            ("other,host", "host", 22),
            ("10.0.0.1", "10.0.0.1", 22),
            ("[host]:2222", "host", 2222),
            ("*.example.org", "git.example.org", 22),
            ("h?st", "host", 22),
            ("*", "anything", 22),
            ("[*]:2222", "host", 2222),
            ("*.org,!bad.org", "good.org", 22),
            (&hashed("host"), "host", 22),
            (&hashed("[host]:2222"), "host", 2222),
        ];
        for (hosts, host, port) in trusts {
            assert_eq!(
                verdict(&[line(hosts, ED, "good")], host, port),
                Verdict::Trusted,
                "{hosts} {host} {port}"
            );
        }
        let unknown = [
            ("host", "host", 2222),
            ("[host]:2222", "host", 22),
            ("host", "host.evil", 22),
            ("host", "evil.host", 22),
            ("*.org,!bad.org", "bad.org", 22),
            ("!host", "host", 22),
            (&hashed("host"), "other", 22),
            ("|1|broken", "host", 22),
            ("|1|!!|!!", "host", 22),
            ("#host", "host", 22),
        ];
        for (hosts, host, port) in unknown {
            assert_eq!(
                verdict(&[line(hosts, ED, "good")], host, port),
                Verdict::Unknown,
                "{hosts} {host} {port}"
            );
        }
    }

    #[test]
    fn other_keys() {
        assert_eq!(verdict(&[line("host", ED, "bad")], "host", 22), Verdict::Changed);
        let both = [line("host", ED, "bad"), line("host", ED, "good")];
        assert_eq!(verdict(&both, "host", 22), Verdict::Trusted);
        let other = [line("host", RSA, "x"), line("host", RSA, "y")];
        assert_eq!(verdict(&other, "host", 22), Verdict::OtherTypes(vec![RSA.into()]));
        let types = [line("host", RSA, "x"), line("host", ED, "good")];
        assert_eq!(verdict(&types, "host", 22), Verdict::Trusted);
        let types = [line("host", ED, "good"), line("host", RSA, "x")];
        assert_eq!(verdict(&types, "host", 22), Verdict::Trusted);
    }

    #[test]
    fn markers_and_odd_lines() {
        let revoked = [line("host", ED, "good"), format!("@revoked {}", line("*", ED, "good"))];
        assert_eq!(verdict(&revoked, "host", 22), Verdict::Revoked);
        let authority = [format!("@cert-authority {}", line("host", ED, "good"))];
        assert_eq!(verdict(&authority, "host", 22), Verdict::Unknown);
        let odd = ["", "host", "host ssh-ed25519", "host ssh-ed25519 ???", "# host", "@", "\0"];
        assert_eq!(verdict(&odd.map(str::to_owned), "host", 22), Verdict::Unknown);
    }

    #[test]
    fn keys_that_are_none() {
        assert!(HostKey::new(b"").is_none() && HostKey::new(&[255; 8]).is_none());
        assert_eq!(HostKey::new(&blob(RSA, "x")).unwrap().kind, RSA);
    }
}
