//! X.509 certificates as Go's `x509.CreateCertificate` makes them of sprig's templates.

use core::net::IpAddr;

use sha2::{Digest, Sha256};

use super::der::{self, Reader};
use super::keys::PrivateKey;
use crate::date::utc;

const OID_COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const OID_KEY_ID: &[u8] = &[0x55, 0x1d, 0x0e];
const OID_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
const OID_OTHER_NAMES: &[u8] = &[0x55, 0x1d, 0x11];
const OID_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
const OID_ISSUER_KEY_ID: &[u8] = &[0x55, 0x1d, 0x23];
const OID_EXTENDED_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
const OID_SERVER: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];
const OID_CLIENT: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];

const BOOLEAN_TRUE: [u8; 3] = [0x01, 0x01, 0xff];

/// Bits that are not used, then signatures and key encipherment, for authorities also certificates.
const USAGE: [u8; 2] = [5, 0xa0];
const AUTHORITY_USAGE: [u8; 2] = [2, 0xa4];

/// Tags of other names.
const DNS_NAME: u8 = 0x82;
const IP_ADDRESS: u8 = 0x87;

/// What a certificate is to say.
pub(super) struct Request {
    name: String,
    serial: [u8; 16],
    /// Seconds since 1970.
    validity: [i64; 2],
    pub(super) addresses: Vec<IpAddr>,
    pub(super) names: Vec<String>,
    pub(super) is_authority: bool,
}

/// Whose key signs.
pub(super) struct Issuer {
    key: PrivateKey,
    parts: Parts,
}

/// What a certificate says that those it signs repeat.
pub(super) struct Parts {
    subject: Vec<u8>,
    public: Vec<u8>,
    key_id: Option<Vec<u8>>,
}

impl Issuer {
    /// The holder of a certificate and its key; `None` when the certificate is none.
    pub(super) fn new(data: &[u8], key: PrivateKey) -> Option<Self> {
        Some(Self { key, parts: parts(data)? })
    }
}

impl Request {
    /// For a name, from now on for so many days.
    pub(super) fn new(name: &str, serial: [u8; 16], time: (i64, i64)) -> Self {
        let (now, days) = time;
        // Go counts in nanoseconds, which wrap around after some three hundred years.
        let nanos = days.wrapping_mul(86_400_000_000_000);
        let end = now.saturating_add(nanos.div_euclid(1_000_000_000));
        let name = name.to_owned();
        Self {
            name,
            serial,
            validity: [now, end],
            addresses: Vec::new(),
            names: Vec::new(),
            is_authority: false,
        }
    }

    /// The certificate for the holder of `key`, signed by `issuer` or by itself.
    pub(super) fn signed(&self, key: &PrivateKey, issuer: Option<&Issuer>) -> Result<Vec<u8>, String> {
        let signer = issuer.map_or(key, |issuer| &issuer.key);
        let (public, key_bits) = key.public()?;
        if let Some(issuer) = issuer
            && issuer.parts.public != issuer.key.public()?.0
        {
            return Err("x509: provided PrivateKey doesn't match parent's PublicKey".to_owned());
        }
        let subject = name(&self.name);
        let issued_by = issuer.map_or(&subject, |issuer| &issuer.parts.subject);
        let issuer_key =
            issuer.filter(|_| *issued_by != subject).and_then(|issuer| issuer.parts.key_id.as_deref());
        let algorithm = signer.algorithm()?;
        let body = der::sequence(&[
            der::nested(der::context(0), &[der::integer(&[2])]),
            der::integer(&self.serial),
            algorithm.clone(),
            issued_by.clone(),
            der::sequence(&[time(self.validity[0])?, time(self.validity[1])?]),
            subject.clone(),
            public,
            der::nested(der::context(3), &[der::sequence(&self.extensions(&key_bits, issuer_key))]),
        ]);
        let signature = signer.sign(&body)?;
        Ok(der::sequence(&[body, algorithm, der::bits(&signature)]))
    }

    fn extensions(&self, key: &[u8], issuer_key: Option<&[u8]>) -> Vec<Vec<u8>> {
        let usage = if self.is_authority { AUTHORITY_USAGE } else { USAGE };
        let constraints = if self.is_authority { BOOLEAN_TRUE.to_vec() } else { Vec::new() };
        let purposes = der::sequence(&[der::oid(OID_SERVER), der::oid(OID_CLIENT)]);
        let mut extensions = vec![
            extension(OID_KEY_USAGE, true, &der::element(der::BIT_STRING, &usage)),
            extension(OID_EXTENDED_USAGE, false, &purposes),
            extension(OID_CONSTRAINTS, true, &der::sequence(&[constraints])),
        ];
        if self.is_authority {
            let id = der::element(der::OCTET_STRING, &Sha256::digest(key)[..20]);
            extensions.push(extension(OID_KEY_ID, false, &id));
        }
        if let Some(id) = issuer_key {
            extensions.push(extension(OID_ISSUER_KEY_ID, false, &der::sequence(&[der::element(0x80, id)])));
        }
        let others = self.other_names();
        if !others.is_empty() {
            extensions.push(extension(OID_OTHER_NAMES, self.name.is_empty(), &der::sequence(&others)));
        }
        extensions
    }

    fn other_names(&self) -> Vec<Vec<u8>> {
        let names = self.names.iter().map(|name| der::element(DNS_NAME, name.as_bytes()));
        let addresses = self.addresses.iter().map(|address| match address.to_canonical() {
            IpAddr::V4(address) => der::element(IP_ADDRESS, &address.octets()),
            IpAddr::V6(address) => der::element(IP_ADDRESS, &address.octets()),
        });
        names.chain(addresses).collect()
    }
}

fn extension(id: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = if critical { BOOLEAN_TRUE.to_vec() } else { Vec::new() };
    der::sequence(&[der::oid(id), critical, der::element(der::OCTET_STRING, value)])
}

/// A name with nothing but a common name, which may be missing.
fn name(common: &str) -> Vec<u8> {
    if common.is_empty() {
        return der::sequence(&[]);
    }
    let printable = |byte: u8| byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&byte);
    let tag = if common.bytes().all(printable) { der::PRINTABLE_STRING } else { der::UTF8_STRING };
    let pair = der::sequence(&[der::oid(OID_COMMON_NAME), der::element(tag, common.as_bytes())]);
    der::sequence(&[der::nested(der::SET, &[pair])])
}

/// A time in the form that its year asks for.
fn time(seconds: i64) -> Result<Vec<u8>, String> {
    let (year, text) = utc(seconds, b"20060102150405Z");
    match year {
        1950..2050 => Ok(der::element(der::UTC_TIME, &text[2..])),
        0..10_000 => Ok(der::element(der::GENERALIZED_TIME, &text)),
        _ => Err("asn1: structure error: cannot represent time as GeneralizedTime".to_owned()),
    }
}

/// What a certificate says; `None` when it is none.
pub(super) fn parts(data: &[u8]) -> Option<Parts> {
    let mut body = Reader(data).sequence()?.sequence()?;
    body.optional(der::context(0));
    body.integer()?;
    body.sequence()?;
    body.sequence()?;
    body.sequence()?;
    let subject = body.next()?;
    let public = body.next()?;
    if subject.tag != der::SEQUENCE || public.tag != der::SEQUENCE {
        return None;
    }
    let mut key_id = None;
    while let Some(part) = body.next() {
        if part.tag == der::context(3) {
            key_id = key_id_in(Reader(part.content).sequence()?);
        }
    }
    Some(Parts { subject: subject.whole.to_vec(), public: public.whole.to_vec(), key_id })
}

fn key_id_in(mut extensions: Reader<'_>) -> Option<Vec<u8>> {
    while let Some(mut extension) = extensions.sequence() {
        if extension.expect(der::OID)? != OID_KEY_ID {
            continue;
        }
        extension.optional(BOOLEAN_TRUE[0]);
        let value = extension.expect(der::OCTET_STRING)?;
        return Reader(value).expect(der::OCTET_STRING).map(<[u8]>::to_vec);
    }
    None
}
