//! One entry: shared bytes, what they belong to, and how long they may be used; and its form outside the process.
//!
//! The outer form is a header (magic and format version, kind, digest, times of creation and expiry, length), a keyed
//! seal over header and body, and the body. The seal is an HMAC, not a plain checksum: who can write to a store must
//! not be able to write an entry we believe (CVE-2024-31989).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::{BufMut, Bytes, BytesMut};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::{Key, Kind};

/// Magic and version of the outer form. Any change of the layout or of a body's encoding changes the last byte.
const FORMAT: [u8; 4] = *b"mfd\x01";
/// Format, kind, digest, created, expires, length of the body.
const HEADER: usize = FORMAT.len() + 1 + 32 + 8 + 8 + 8;
const SEAL: usize = 32;

/// Shared bytes under a key, for a while. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    key: Key,
    created: SystemTime,
    expires: SystemTime,
    body: Bytes,
}

/// The secret that seals entries kept outside the process. Every server that shares a store has the same one.
#[derive(Clone)]
pub struct Seal(Hmac<Sha256>);

/// Why bytes from outside are not the entry that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Too short, too long, or written by another format version.
    #[error("not an entry of this format version")]
    Format,
    /// The entry of another key, put in this one's place.
    #[error("the entry belongs to another key")]
    Key,
    /// The seal does not fit: damaged, or not written by us.
    #[error("the seal does not fit the entry")]
    Seal,
}

impl Entry {
    /// An entry that may be used for `lasts` from now on.
    #[must_use]
    pub fn new(key: Key, body: impl Into<Bytes>, lasts: Duration) -> Self {
        let created = whole_millis(SystemTime::now());
        let expires = created.checked_add(lasts).map_or(created, whole_millis);
        Self { key, created, expires, body: body.into() }
    }

    /// What it is found by.
    #[must_use]
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// When it was made.
    #[must_use]
    pub fn created(&self) -> SystemTime {
        self.created
    }

    /// How long it may still be used; zero when its time is over.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.expires.duration_since(SystemTime::now()).unwrap_or_default()
    }

    /// The bytes.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The bytes, without the rest.
    #[must_use]
    pub fn into_body(self) -> Bytes {
        self.body
    }

    /// The outer form.
    #[must_use]
    pub fn seal(&self, seal: &Seal) -> Bytes {
        let mut out = BytesMut::with_capacity(HEADER + SEAL + self.body.len());
        out.put_slice(&FORMAT);
        out.put_u8(self.key.kind() as u8);
        out.put_slice(self.key.digest());
        out.put_u64(millis(self.created));
        out.put_u64(millis(self.expires));
        out.put_u64(self.body.len() as u64);
        let mac = seal.over(&out, &self.body);
        out.put_slice(&mac.finalize().into_bytes());
        out.put_slice(&self.body);
        out.freeze()
    }

    /// Reads the outer form of the entry of `key`. An entry whose time is over is still an entry: see [`Entry::left`].
    ///
    /// # Errors
    /// [`Broken`] when these are not the bytes [`Entry::seal`] made for `key` with the same secret.
    pub fn unseal(seal: &Seal, key: &Key, outer: &Bytes) -> Result<Self, Broken> {
        let (header, rest) = outer.split_at_checked(HEADER).ok_or(Broken::Format)?;
        let (mac, body) = rest.split_at_checked(SEAL).ok_or(Broken::Format)?;
        let fields = Header::read(header).ok_or(Broken::Format)?;
        if fields.length != body.len() as u64 {
            return Err(Broken::Format);
        }
        seal.over(header, body).verify_slice(mac).map_err(|_| Broken::Seal)?;
        if fields.kind != key.kind() || fields.digest != *key.digest() {
            return Err(Broken::Key);
        }
        let (created, expires) = (time(fields.created)?, time(fields.expires)?);
        Ok(Self { key: *key, created, expires, body: outer.slice(HEADER + SEAL..) })
    }
}

impl Seal {
    /// The seal of this secret.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        // HMAC fills a short key up with zeros to the hash's block, so this is the same as the secret alone.
        let mut block = [0; 64];
        block[..secret.len()].copy_from_slice(secret);
        Self(Hmac::new(&block.into()))
    }

    fn over(&self, header: &[u8], body: &[u8]) -> Hmac<Sha256> {
        self.0.clone().chain_update(header).chain_update(body)
    }
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal")
    }
}

/// The header's fields, not yet believed.
struct Header {
    kind: Kind,
    digest: [u8; 32],
    created: u64,
    expires: u64,
    length: u64,
}

impl Header {
    fn read(bytes: &[u8]) -> Option<Self> {
        let (kind, rest) = bytes.strip_prefix(&FORMAT)?.split_first()?;
        let kind = Kind::ALL.into_iter().find(|known| *known as u8 == *kind)?;
        let (digest, numbers) = rest.split_first_chunk::<32>()?;
        let (numbers, []) = numbers.as_chunks::<8>() else { return None };
        let [created, expires, length] = numbers else { return None };
        let [created, expires, length] = [created, expires, length].map(|number| u64::from_be_bytes(*number));
        Some(Self { kind, digest: *digest, created, expires, length })
    }
}

fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn time(millis: u64) -> Result<SystemTime, Broken> {
    UNIX_EPOCH.checked_add(Duration::from_millis(millis)).ok_or(Broken::Format)
}

/// The outer form keeps milliseconds; so does the inner one, lest an entry change on its way out and back.
fn whole_millis(moment: SystemTime) -> SystemTime {
    time(millis(moment)).unwrap_or(moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(body: &'static str) -> Entry {
        Entry::new(Key::new(Kind::Body, [3; 32]), body, Duration::from_secs(60))
    }

    fn seal() -> Seal {
        Seal::new(&[9; 32])
    }

    #[test]
    fn goes_out_and_comes_back() {
        for body in ["", "the body"] {
            let entry = entry(body);
            assert_eq!(Entry::unseal(&seal(), entry.key(), &entry.seal(&seal())), Ok(entry));
        }
    }

    #[test]
    fn any_flipped_bit_is_noticed() {
        let (entry, seal) = (entry("the body"), seal());
        let outer = entry.seal(&seal);
        for bit in 0..outer.len() * 8 {
            let mut bytes = outer.to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let found = Entry::unseal(&seal, entry.key(), &bytes.into());
            assert!(found.is_err(), "bit {bit} was not noticed");
        }
    }

    #[test]
    fn any_cut_and_anything_added_is_noticed() {
        let (entry, seal) = (entry("the body"), seal());
        let outer = entry.seal(&seal);
        for end in 0..outer.len() {
            assert_eq!(Entry::unseal(&seal, entry.key(), &outer.slice(..end)), Err(Broken::Format));
        }
        let longer = [outer.as_ref(), b"x"].concat().into();
        assert_eq!(Entry::unseal(&seal, entry.key(), &longer), Err(Broken::Format));
    }

    #[test]
    fn another_key_kind_or_secret_is_noticed() {
        let (entry, seal) = (entry("the body"), seal());
        let outer = entry.seal(&seal);
        let others = [Key::new(Kind::Body, [4; 32]), Key::new(Kind::Answer, [3; 32])];
        for other in others {
            assert_eq!(Entry::unseal(&seal, &other, &outer), Err(Broken::Key));
        }
        assert_eq!(Entry::unseal(&Seal::new(&[8; 32]), entry.key(), &outer), Err(Broken::Seal));
    }

    #[test]
    fn an_older_format_is_not_an_entry() {
        let (entry, seal) = (entry("the body"), seal());
        let mut bytes = entry.seal(&seal).to_vec();
        bytes[3] = 0;
        assert_eq!(Entry::unseal(&seal, entry.key(), &bytes.into()), Err(Broken::Format));
    }
}
