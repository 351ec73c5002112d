//! Keys and certificates. Chance and time are the host's, so that a run can be repeated.

mod certificate;
mod der;
mod keys;
mod number;
mod pem;
mod rsa;

use core::net::IpAddr;
use std::rc::Rc;

use gotmpl::{CallError, Function, Machine, Object, Type, Value, Walk};
use rand_chacha::ChaCha20Rng;

use crate::args::{Result, bytes, fail, int, text, write_text};
use crate::chance::generator;
use crate::encode;
use certificate::{Issuer, Request};
use keys::PrivateKey;

/// Go's name of the type.
const TYPE: &str = "sprig.certificate";

const S: Type = Type::String;
const I: Type = Type::Int;
const L: Type = Type::List;
const C: Type = Type::Named(TYPE);

/// What making an RSA key takes of the budget of steps: some ten milliseconds, and some hundred for large ones.
const KEY_STEPS: u64 = 1_000_000;
const LARGE_KEY_STEPS: u64 = 5_000_000;

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::new("genPrivateKey", &[S], |machine, args| {
        let kind = text(machine, args, 0)?;
        gen_private_key(machine, &kind)
    }),
    Function::new("genCA", &[S, I], |machine, args| {
        let name = text(machine, args, 0)?;
        Maker::new(machine, "genCA", None)?.authority(&name, int(args, 1))
    })
    .taking(NAME),
    Function::new("genCAWithKey", &[S, I, S], |machine, args| {
        let (name, key) = (text(machine, args, 0)?, text(machine, args, 2)?);
        Maker::new(machine, "genCAWithKey", Some(&key))?.authority(&name, int(args, 1))
    })
    .taking(NAME),
    Function::new("genSelfSignedCert", &[S, L, L, I], |machine, args| {
        check_names(machine, args)?;
        Maker::new(machine, "genSelfSignedCert", None)?.self_signed(args)
    })
    .taking(NAME),
    Function::new("genSelfSignedCertWithKey", &[S, L, L, I, S], |machine, args| {
        check_names(machine, args)?;
        let key = text(machine, args, 4)?;
        Maker::new(machine, "genSelfSignedCertWithKey", Some(&key))?.self_signed(args)
    })
    .taking(NAME),
    Function::new("genSignedCert", &[S, L, L, I, C], |machine, args| {
        check_names(machine, args)?;
        Maker::new(machine, "genSignedCert", None)?.signed(args)
    })
    .taking(NAME),
    Function::new("genSignedCertWithKey", &[S, L, L, I, C, S], |machine, args| {
        check_names(machine, args)?;
        let key = text(machine, args, 5)?;
        Maker::new(machine, "genSignedCertWithKey", Some(&key))?.signed(args)
    })
    .taking(NAME),
    Function::new("buildCustomCert", &[S, S], build_custom).taking(NAME),
];

/// What a name, a key or a certificate takes for each byte: it is nested a few levels deep in what is signed.
const NAME: usize = 40;

/// The most bytes of a name, of all other names together, of a key and of a certificate. Real ones have some thousand.
const MAX_BYTES: usize = 1 << 20;

/// What making a certificate takes whatever is in it.
const MADE: usize = 256 << 10;

/// Accounts for the other names of a certificate; arguments 1 and 2.
fn check_names(machine: &Machine<'_>, args: &[Value]) -> Result<()> {
    for list in &args[1..3] {
        let Value::List(list) = list else { continue };
        let text = |item: &Value| if let Value::Str(text) = item { text.len() } else { 16 };
        let bytes = list.iter().map(text).fold(0, usize::saturating_add);
        check_length(bytes.saturating_add(list.len() * 8))?;
        machine.spend((bytes + list.len() * 16) * NAME)?;
        list.iter().try_for_each(|item| machine.measure(std::slice::from_ref(item), Walk::Through))?;
    }
    Ok(())
}

fn check_length(bytes: usize) -> Result<()> {
    if bytes > MAX_BYTES {
        let message = "a certificate's names, keys and certificates may have 1 MiB";
        return Err(CallError::budget(message));
    }
    Ok(())
}

/// A certificate and its private key, both in PEM.
struct Certificate {
    cert: String,
    key: String,
}

impl Object for Certificate {
    fn type_name(&self) -> &'static str {
        TYPE
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "Cert" => Some(Value::from(&*self.cert)),
            "Key" => Some(Value::from(&*self.key)),
            _ => None,
        }
    }

    fn go_fields(&self) -> Option<Vec<(&'static str, Value)>> {
        Some(vec![("Cert", Value::from(&*self.cert)), ("Key", Value::from(&*self.key))])
    }

    fn size(&self) -> usize {
        2 * (self.cert.len() + self.key.len()) + 64
    }

    fn json(&self) -> Value {
        let fields = [("Cert", &self.cert), ("Key", &self.key)];
        Value::Map(gotmpl::Map::any(fields.map(|(name, text)| (name.into(), Value::from(&**text)))))
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

fn gen_private_key(machine: &mut Machine<'_>, kind: &str) -> Result {
    if !["", "rsa", "dsa", "ecdsa", "ed25519"].contains(&kind) {
        return write_text(machine, |out| {
            out.put(b"Unknown type ");
            out.put(kind.as_bytes());
        });
    }
    machine.work(LARGE_KEY_STEPS)?;
    machine.spend(MADE)?;
    let mut random = generator(machine, "genPrivateKey")?;
    let budget = machine.budget();
    let Some(key) = PrivateKey::generate(&mut random, kind, &|| budget.look().is_err()) else {
        budget.look()?;
        return fail("failed to generate private key");
    };
    Ok(Value::from(key.to_pem()?))
}

/// Makes one certificate.
struct Maker {
    random: ChaCha20Rng,
    /// Seconds since 1970.
    now: i64,
    key: PrivateKey,
}

impl Maker {
    /// For a key in PEM, or a new one.
    fn new(machine: &mut Machine<'_>, function: &'static str, key: Option<&str>) -> Result<Self> {
        machine.work(KEY_STEPS)?;
        machine.spend(MADE)?;
        check_length(key.map_or(0, str::len))?;
        let budget = machine.budget();
        let mut random = generator(machine, function)?;
        let now = machine.host.now(function)?;
        let key = match key {
            Some(text) => {
                PrivateKey::from_pem(text).or_else(|why| fail(format!("parsing private key: {why}")))?
            }
            None => match rsa::RsaKey::generate(&mut random, 2_048, &|| budget.look().is_err()) {
                Some(key) => PrivateKey::Rsa(key),
                None => {
                    budget.look()?;
                    return fail("error generating rsa key");
                }
            },
        };
        Ok(Self { random, now, key })
    }

    fn request(&mut self, name: &str, days: i64) -> Request {
        let mut serial = [0; 16];
        rand_chacha::rand_core::Rng::fill_bytes(&mut self.random, &mut serial);
        Request::new(name, serial, (self.now, days))
    }

    fn authority(mut self, name: &str, days: i64) -> Result {
        check_length(name.len())?;
        let mut request = self.request(name, days);
        request.is_authority = true;
        self.finish(&request, None)
    }

    fn self_signed(mut self, args: &[Value]) -> Result {
        let request = self.leaf(args)?;
        self.finish(&request, None)
    }

    fn signed(mut self, args: &[Value]) -> Result {
        let issuer = issuer(&args[4])?;
        let request = self.leaf(args)?;
        self.finish(&request, Some(&issuer))
    }

    /// A request for a name, addresses and host names; arguments 0 to 3.
    fn leaf(&mut self, args: &[Value]) -> Result<Request> {
        let addresses = addresses(&args[1])?;
        let names = host_names(&args[2])?;
        check_length(bytes(args, 0).len())?;
        let mut request = self.request(&gotmpl::lossy(bytes(args, 0)), int(args, 3));
        request.addresses = addresses;
        request.names = names;
        Ok(request)
    }

    /// Signed by `issuer`, or by its own key.
    fn finish(&self, request: &Request, issuer: Option<&Issuer>) -> Result {
        let data = request
            .signed(&self.key, issuer)
            .or_else(|why| fail(format!("error creating certificate: {why}")))?;
        let cert = pem::encode("CERTIFICATE", &data);
        Ok(Value::Object(Rc::new(Certificate { cert, key: self.key.to_pem()? })))
    }
}

/// Elements of a list of texts; the error names the one that is none.
fn texts(list: &Value, wrong: &str) -> Result<Vec<String>> {
    let Value::List(list) = list else { return Ok(Vec::new()) };
    let text = |item: &Value| match item {
        Value::Str(text) => Ok(text.lossy().into_owned()),
        other => {
            let shown = gotmpl::sprint_value(other);
            fail(format!("error {wrong}: {} is not a string", String::from_utf8_lossy(&shown)))
        }
    };
    list.iter().map(text).collect()
}

fn addresses(list: &Value) -> Result<Vec<IpAddr>> {
    let parse = |text: String| text.parse().or_else(|_| fail(format!("error parsing ip: {text}")));
    texts(list, "parsing ip")?.into_iter().map(parse).collect()
}

fn host_names(list: &Value) -> Result<Vec<String>> {
    texts(list, "processing alternate dns name")
}

fn issuer(value: &Value) -> Result<Issuer> {
    let given = match value {
        Value::Object(object) => object.as_any().downcast_ref::<Certificate>(),
        _ => None,
    };
    let Some(block) = given.and_then(|given| pem::decode(&given.cert)) else {
        return fail("unable to decode certificate");
    };
    let key = PrivateKey::from_pem(given.map_or("", |given| &given.key))
        .or_else(|why| fail(format!("error parsing private key: {why}")))?;
    Issuer::new(&block.data, key).ok_or_else(malformed)
}

fn malformed() -> gotmpl::CallError {
    "error parsing certificate: decodedCert.Bytes: x509: malformed certificate".into()
}

/// A certificate and a key of the chart's own, in base64 of PEM.
fn build_custom(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    check_length(bytes(args, 0).len().max(bytes(args, 1).len()))?;
    machine.spend(MADE)?;
    let Ok(cert) = encode::decode_base64(bytes(args, 0)) else {
        return fail("unable to decode base64 certificate");
    };
    let Ok(key) = encode::decode_base64(bytes(args, 1)) else {
        return fail("unable to decode base64 private key");
    };
    let text = |data: Vec<u8>| String::from_utf8_lossy(&data).into_owned();
    let (cert, key) = (text(cert), text(key));
    let Some(block) = pem::decode(&cert) else { return fail("unable to decode certificate") };
    let parsed = PrivateKey::from_pem(&key);
    if certificate::parts(&block.data).is_none() {
        return Err(malformed());
    }
    parsed.or_else(|why| fail(format!("error parsing private key: {why}")))?;
    Ok(Value::Object(Rc::new(Certificate { cert, key })))
}
