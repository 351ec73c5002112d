//! Passwords: bcrypt hashes, derived passwords, and AES with a password as key.

use aes::Aes256;
use aes::cipher::{Block, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use gotmpl::{CallError, Function, Machine, Type, Value};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::args::{Result, bytes, fail, text, write_text};
use crate::encode;

const S: Type = Type::String;

/// The cost of `bcrypt`, as a power of two.
const BCRYPT_COST: u32 = 10;

/// The longest password that bcrypt takes.
const BCRYPT_MAX: usize = 72;

/// What a hash and a derived password take of the budget of steps: some ten milliseconds, and some hundred.
const BCRYPT_STEPS: u64 = 500_000;
const SCRYPT_STEPS: u64 = 1_000_000;

/// What a derived password takes while it is derived.
const SCRYPT_BYTES: usize = 34 << 20;

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::new("bcrypt", &[S], |machine, args| hashed(machine, "bcrypt", bytes(args, 0)).map(Value::from)),
    Function::new("htpasswd", &[S, S], |machine, args| {
        let user = text(machine, args, 0)?;
        if user.contains(':') {
            return write_text(machine, |out| {
                out.put(b"invalid username: ");
                out.put(user.as_bytes());
            });
        }
        let hash = hashed(machine, "htpasswd", bytes(args, 1))?;
        write_text(machine, |out| {
            out.put(user.as_bytes());
            out.put_byte(b':');
            out.put(hash.as_bytes());
        })
    }),
    Function::new("derivePassword", &[Type::Uint32, S, S, S, S], derive),
    Function::new("encryptAES", &[S, S], encrypt),
    Function::new("decryptAES", &[S, S], |machine, args| decrypt(machine, bytes(args, 0), bytes(args, 1))),
];

/// The hash, or the reason why there is none: sprig returns that as text.
fn hashed(machine: &mut Machine<'_>, function: &'static str, password: &[u8]) -> Result<String> {
    const FAILED: &str = "failed to encrypt string with bcrypt: bcrypt: ";
    if password.len() > BCRYPT_MAX {
        return Ok(format!("{FAILED}password length exceeds {BCRYPT_MAX} bytes"));
    }
    machine.work(BCRYPT_STEPS)?;
    let mut salt = [0; 16];
    machine.host.random(function, &mut salt)?;
    Ok(match bcrypt::hash_with_salt(password, BCRYPT_COST, salt) {
        Ok(hash) => hash.format_for_version(bcrypt::Version::TwoA),
        Err(error) => format!("{FAILED}{error}"),
    })
}

/// The name of the Master Password algorithm, which salts everything.
const SCOPE: &[u8] = b"com.lyndir.masterpassword";

/// The shapes of passwords: each letter stands for a set of characters.
const SHAPES: [(&str, &[&str]); 6] = [
    ("maximum", &["anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"]),
    (
        "long",
        &[
            "CvcvnoCvcvCvcv",
            "CvcvCvcvnoCvcv",
            "CvcvCvcvCvcvno",
            "CvccnoCvcvCvcv",
            "CvccCvcvnoCvcv",
            "CvccCvcvCvcvno",
            "CvcvnoCvccCvcv",
            "CvcvCvccnoCvcv",
            "CvcvCvccCvcvno",
            "CvcvnoCvcvCvcc",
            "CvcvCvcvnoCvcc",
            "CvcvCvcvCvccno",
            "CvccnoCvccCvcv",
            "CvccCvccnoCvcv",
            "CvccCvccCvcvno",
            "CvcvnoCvccCvcc",
            "CvcvCvccnoCvcc",
            "CvcvCvccCvccno",
            "CvccnoCvcvCvcc",
            "CvccCvcvnoCvcc",
            "CvccCvcvCvccno",
        ],
    ),
    ("medium", &["CvcnoCvc", "CvcCvcno"]),
    ("short", &["Cvcn"]),
    ("basic", &["aaanaaan", "aannaaan", "aaannaaa"]),
    ("pin", &["nnnn"]),
];

fn set(letter: u8) -> &'static [u8] {
    match letter {
        b'V' => b"AEIOU",
        b'C' => b"BCDFGHJKLMNPQRSTVWXYZ",
        b'v' => b"aeiou",
        b'c' => b"bcdfghjklmnpqrstvwxyz",
        b'a' => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
        b'n' => b"0123456789",
        b'o' => b"@&%?,=[]_:-+*$#!'^~;()/.",
        _ => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
    }
}

/// A part of a salt, its length before it.
fn counted(part: &[u8]) -> Vec<u8> {
    let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes()[..], part].concat()
}

/// The Master Password algorithm: counter, shape, password, user, site.
fn derive(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let counter = match args.first() {
        Some(Value::Uint(_, counter)) => u32::try_from(*counter).unwrap_or(u32::MAX),
        _ => 0,
    };
    let kind = text(machine, args, 1)?;
    let Some((_, shapes)) = SHAPES.iter().find(|(name, _)| *name == kind) else {
        return write_text(machine, |out| {
            out.put(b"cannot find password template ");
            out.put(kind.as_bytes());
        });
    };
    machine.work(SCRYPT_STEPS)?;
    machine.budget().look()?;
    let taken = SCRYPT_BYTES + bytes(args, 3).len() * 2 + bytes(args, 4).len();
    machine.spend(taken)?;
    let password = derived(args, counter, shapes);
    machine.budget().give_back(taken);
    password
}

fn derived(args: &[Value], counter: u32, shapes: &[&str]) -> Result {
    let (password, user, site) = (bytes(args, 2), bytes(args, 3), bytes(args, 4));
    let mut key = [0; 64];
    let strength = scrypt::Params::new(15, 8, 2).or_else(|error| fail(error.to_string()))?;
    scrypt::scrypt(password, &[SCOPE, &counted(user)].concat(), &strength, &mut key)
        .or_else(|error| fail(error.to_string()))?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).or_else(|error| fail(error.to_string()))?;
    mac.update(&[SCOPE, &counted(site), &counter.to_be_bytes()].concat());
    let seed = mac.finalize().into_bytes();
    let shape = shapes[usize::from(seed[0]) % shapes.len()];
    let letters = shape.bytes().zip(&seed[1..]).map(|(letter, seed)| {
        let set = set(letter);
        set[usize::from(*seed) % set.len()]
    });
    Ok(Value::from(letters.collect::<Vec<u8>>()))
}

const BLOCK: usize = 16;

/// The cipher with the password as key: cut to 32 bytes, or filled up with zeros.
fn cipher(password: &[u8]) -> Aes256 {
    let mut key = [0; 32];
    let length = password.len().min(key.len());
    key[..length].copy_from_slice(&password[..length]);
    Aes256::new(&key.into())
}

fn mix(block: &[u8], with: &[u8]) -> [u8; BLOCK] {
    std::array::from_fn(|at| block[at] ^ with[at])
}

/// CBC with a random first block, in base64; nothing stays nothing.
fn encrypt(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let (password, plain) = (bytes(args, 0), bytes(args, 1));
    if plain.is_empty() {
        return Ok(Value::from(""));
    }
    machine.budget().spend_text(plain.len() * 3 + 64)?;
    let mut before = [0; BLOCK];
    machine.host.random("encryptAES", &mut before)?;
    let padding = BLOCK - plain.len() % BLOCK;
    let padded = [plain, &vec![padding as u8; padding]].concat();
    let cipher = cipher(password);
    let mut out = Vec::with_capacity(padded.len() + BLOCK);
    out.extend_from_slice(&before);
    for (index, block) in padded.chunks_exact(BLOCK).enumerate() {
        machine.work(u64::from(index % 4 == 0))?;
        let mut mixed: Block<Aes256> = mix(block, &before).into();
        cipher.encrypt_block(&mut mixed);
        before = mixed.into();
        out.extend_from_slice(&before);
    }
    write_text(machine, |text| encode::put_base64(&out, text))
}

fn decrypt(machine: &Machine<'_>, password: &[u8], text: &[u8]) -> Result {
    if text.is_empty() {
        return Ok(Value::from(""));
    }
    let illegal = |at| CallError::new(format!("illegal base64 data at input byte {at}"));
    let data = encode::base64(machine.budget(), text)?.map_err(illegal)?;
    if data.len() < BLOCK {
        let capacity = text.len() / 4 * 3;
        return fail(format!("runtime error: slice bounds out of range [:{BLOCK}] with capacity {capacity}"));
    }
    if data.len() % BLOCK != 0 {
        return fail("crypto/cipher: input not full blocks");
    }
    let cipher = cipher(password);
    machine.budget().spend_text(data.len())?;
    let mut plain = Vec::with_capacity(data.len());
    for (index, pair) in data.chunks_exact(BLOCK).zip(data[BLOCK..].chunks_exact(BLOCK)).enumerate() {
        machine.work(u64::from(index % 4 == 0))?;
        let mut block: Block<Aes256> = mix(pair.1, &[0; BLOCK]).into();
        cipher.decrypt_block(&mut block);
        plain.extend_from_slice(&mix(&block, pair.0));
    }
    let Some(padding) = plain.last().map(|last| usize::from(*last)) else {
        return fail("runtime error: index out of range [-1]");
    };
    match plain.len().checked_sub(padding) {
        Some(length) => machine.budget().copied(&plain[..length]),
        None => fail(format!("runtime error: slice bounds out of range [:-{}]", padding - plain.len())),
    }
}
