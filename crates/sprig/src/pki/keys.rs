//! Private keys: made, read from PEM, written to PEM, used to sign.

use crypto_bigint::{BoxedUint, NonZero, Resize};
use p256::ecdsa::SigningKey;
use p256::ecdsa::signature::Signer;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::Rng;

use super::der::{self, Reader};
use super::number::{bytes, is_probably_prime, number, power, remainder};
use super::pem;
use super::rsa::RsaKey;

const OID_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const OID_SHA256_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
const OID_EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const OID_P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const OID_SHA256_ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const OID_ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// A private key.
pub(super) enum PrivateKey {
    Rsa(RsaKey),
    /// On the curve P-256.
    Ec(SigningKey),
    Ed25519(ed25519_dalek::SigningKey),
    Dsa(DsaKey),
}

/// The numbers p, q, g, y, x: a key that can be made and kept, but signs no certificate.
pub(super) struct DsaKey([BoxedUint; 5]);

/// The most bytes of a key: twice what one of 8,192 bits has. The numbers of a longer one would take hours.
const MAX_DER: usize = 16 << 10;

/// Why a key cannot be used, in Go's words where they are known.
type Result<T> = std::result::Result<T, String>;

impl PrivateKey {
    /// A new key of the kind called `kind`; `None` when there is no such kind, or when it is to stop.
    pub(super) fn generate(random: &mut ChaCha20Rng, kind: &str, stop: &dyn Fn() -> bool) -> Option<Self> {
        match kind {
            "" | "rsa" => RsaKey::generate(random, 4_096, stop).map(Self::Rsa),
            "ecdsa" => Some(Self::Ec(p256_key(random))),
            "ed25519" => {
                let mut seed = [0; 32];
                random.fill_bytes(&mut seed);
                Some(Self::Ed25519(ed25519_dalek::SigningKey::from_bytes(&seed)))
            }
            "dsa" => DsaKey::generate(random, stop).map(Self::Dsa),
            _ => None,
        }
    }

    /// Reads a key in PEM.
    pub(super) fn from_pem(text: &str) -> Result<Self> {
        let mut block = pem::decode(text).ok_or("no PEM data in input")?;
        if block.data.len() > MAX_DER {
            block.data.clear();
        }
        let label = &*block.label;
        if label == "PRIVATE KEY" {
            return from_pkcs8(&block.data)
                .ok_or("decoding PEM as PKCS#8: x509: failed to parse private key".into());
        }
        let Some(kind) = label.strip_suffix(" PRIVATE KEY") else {
            return Err(format!("no private key data in PEM block of type {label}"));
        };
        let key = match kind {
            "RSA" => RsaKey::from_der(&block.data).map(Self::Rsa),
            "EC" => ec_from_der(&block.data, None).map(Self::Ec),
            "DSA" => DsaKey::from_der(&block.data).map(Self::Dsa),
            _ => return Err(format!("invalid private key type {label}")),
        };
        key.ok_or_else(|| format!("parsing {kind} private key from PEM: x509: failed to parse private key"))
    }

    /// The key in PEM, in the form that OpenSSL made customary for its kind.
    pub(super) fn to_pem(&self) -> Result<String> {
        Ok(match self {
            Self::Rsa(key) => pem::encode("RSA PRIVATE KEY", &key.to_der().ok_or(UNUSABLE)?),
            Self::Ec(key) => pem::encode("EC PRIVATE KEY", &ec_to_der(key)),
            Self::Ed25519(key) => pem::encode("PRIVATE KEY", &ed25519_to_der(key)),
            Self::Dsa(key) => pem::encode("DSA PRIVATE KEY", &key.to_der()),
        })
    }

    /// The algorithm of the key and its public half, as certificates hold them (`SubjectPublicKeyInfo`), and the
    /// public half alone.
    pub(super) fn public(&self) -> Result<(Vec<u8>, Vec<u8>)> {
        let (algorithm, key) = match self {
            Self::Rsa(key) => (vec![der::oid(OID_RSA), der::element(der::NULL, &[])], key.public_der()),
            Self::Ec(key) => (vec![der::oid(OID_EC), der::oid(OID_P256)], ec_point(key)),
            Self::Ed25519(key) => (vec![der::oid(OID_ED25519)], key.verifying_key().to_bytes().to_vec()),
            Self::Dsa(_) => return Err(NO_SIGNER.to_owned()),
        };
        Ok((der::sequence(&[der::sequence(&algorithm), der::bits(&key)]), key))
    }

    /// The algorithm of its signatures.
    pub(super) fn algorithm(&self) -> Result<Vec<u8>> {
        Ok(match self {
            Self::Rsa(_) => der::sequence(&[der::oid(OID_SHA256_RSA), der::element(der::NULL, &[])]),
            Self::Ec(_) => der::sequence(&[der::oid(OID_SHA256_ECDSA)]),
            Self::Ed25519(_) => der::sequence(&[der::oid(OID_ED25519)]),
            Self::Dsa(_) => return Err(NO_SIGNER.to_owned()),
        })
    }

    /// A signature of `message`.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        match self {
            Self::Rsa(key) => key.sign(message).ok_or_else(|| UNUSABLE.to_owned()),
            Self::Ec(key) => {
                let signature: p256::ecdsa::Signature = key.sign(message);
                let (r, s) = signature.split_bytes();
                Ok(der::sequence(&[der::integer(&r), der::integer(&s)]))
            }
            Self::Ed25519(key) => Ok(ed25519_dalek::Signer::sign(key, message).to_bytes().to_vec()),
            Self::Dsa(_) => Err(NO_SIGNER.to_owned()),
        }
    }
}

const UNUSABLE: &str = "crypto/rsa: invalid private key";
const NO_SIGNER: &str = "x509: certificate private key does not implement crypto.Signer";

fn from_pkcs8(data: &[u8]) -> Option<PrivateKey> {
    let mut whole = Reader(data).sequence()?;
    whole.integer()?;
    let mut algorithm = whole.sequence()?;
    let key = whole.expect(der::OCTET_STRING)?;
    match algorithm.expect(der::OID)? {
        OID_RSA => RsaKey::from_der(key).map(PrivateKey::Rsa),
        OID_EC => ec_from_der(key, algorithm.expect(der::OID)).map(PrivateKey::Ec),
        OID_ED25519 => {
            let seed = Reader(key).expect(der::OCTET_STRING)?.try_into().ok()?;
            Some(PrivateKey::Ed25519(ed25519_dalek::SigningKey::from_bytes(seed)))
        }
        _ => None,
    }
}

fn p256_key(random: &mut ChaCha20Rng) -> SigningKey {
    let mut bytes = [0; 32];
    loop {
        random.fill_bytes(&mut bytes);
        if let Ok(key) = SigningKey::from_slice(&bytes) {
            return key;
        }
    }
}

/// The public point, not compressed.
fn ec_point(key: &SigningKey) -> Vec<u8> {
    key.verifying_key().to_sec1_point(false).as_bytes().to_vec()
}

/// Reads the form of SEC 1; the curve may be named outside of it.
fn ec_from_der(data: &[u8], curve: Option<&[u8]>) -> Option<SigningKey> {
    let mut key = Reader(data).sequence()?;
    key.integer()?;
    let secret = key.expect(der::OCTET_STRING)?;
    let named = key.optional(der::context(0)).and_then(|inner| Reader(inner.content).expect(der::OID));
    if named.or(curve)? != OID_P256 {
        return None;
    }
    SigningKey::from_slice(secret).ok()
}

fn ec_to_der(key: &SigningKey) -> Vec<u8> {
    der::sequence(&[
        der::integer(&[1]),
        der::element(der::OCTET_STRING, &key.to_bytes()),
        der::nested(der::context(0), &[der::oid(OID_P256)]),
        der::nested(der::context(1), &[der::bits(&ec_point(key))]),
    ])
}

/// The form of PKCS #8.
fn ed25519_to_der(key: &ed25519_dalek::SigningKey) -> Vec<u8> {
    let seed = der::element(der::OCTET_STRING, &key.to_bytes());
    der::sequence(&[
        der::integer(&[]),
        der::sequence(&[der::oid(OID_ED25519)]),
        der::element(der::OCTET_STRING, &seed),
    ])
}

/// Sizes of DSA keys, in bytes.
const DSA_MODULUS: usize = 256;
const DSA_DIVISOR: usize = 32;

/// Primes whose multiples are no candidates for a modulus.
const SMALL_PRIMES: [u8; 30] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103,
    107, 109, 113, 127,
];

/// A random odd number of so many bytes, its highest bit set.
fn candidate(random: &mut ChaCha20Rng, length: usize) -> BoxedUint {
    let mut bytes = vec![0; length];
    random.fill_bytes(&mut bytes);
    bytes[0] |= 0x80;
    bytes[length - 1] |= 1;
    number(&bytes)
}

impl DsaKey {
    /// A key with a modulus of 2,048 bits and a divisor of 256.
    fn generate(random: &mut ChaCha20Rng, stop: &dyn Fn() -> bool) -> Option<Self> {
        let divisor = loop {
            let divisor = candidate(random, DSA_DIVISOR);
            if is_probably_prime(&divisor) {
                break divisor;
            }
            if stop() {
                return None;
            }
        };
        let modulus = dsa_modulus(random, &divisor, stop)?;
        let one = BoxedUint::one();
        let cofactor = (modulus.clone() - &one) / NonZero::new(divisor.clone()).into_option()?;
        let generator = power(&number(&[2]), &cofactor, &modulus)?;
        let private = remainder(&candidate(random, DSA_DIVISOR), &divisor)?;
        let public = power(&generator, &private, &modulus)?;
        Some(Self([modulus, divisor, generator, public, private]))
    }

    fn from_der(data: &[u8]) -> Option<Self> {
        let mut key = Reader(data).sequence()?;
        key.integer()?;
        let mut next = || key.integer().map(number);
        Some(Self([next()?, next()?, next()?, next()?, next()?]))
    }

    fn to_der(&self) -> Vec<u8> {
        let numbers = self.0.iter().map(|number| der::integer(&bytes(number)));
        der::sequence(&[der::integer(&[])].into_iter().chain(numbers).collect::<Vec<_>>())
    }
}

/// A prime one above a multiple of `divisor`; `None` when it is to stop.
fn dsa_modulus(random: &mut ChaCha20Rng, divisor: &BoxedUint, stop: &dyn Fn() -> bool) -> Option<BoxedUint> {
    let step = number(&[bytes(divisor).as_slice(), &[0]].concat()) >> 7;
    loop {
        if stop() {
            return None;
        }
        let start = candidate(random, DSA_MODULUS);
        let rest = remainder(&start, &step)?.resize(start.bits_precision());
        let modulus = start - &rest + &BoxedUint::one();
        let divided =
            |prime: &u8| remainder(&modulus, &number(&[*prime])).is_none_or(|rest| bytes(&rest).is_empty());
        let sized = modulus.bits_vartime() as usize == DSA_MODULUS * 8;
        if sized && !SMALL_PRIMES.iter().any(divided) && is_probably_prime(&modulus) {
            return Some(modulus);
        }
    }
}
