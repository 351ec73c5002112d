//! Encodings and digests: base64, base32, SHA-1, SHA-2, Adler-32.
//!
//! What cannot be decoded yields Go's error text as the result, not a failure.

use data_encoding::{BASE32, BASE64, Encoding, HEXLOWER};
use gotmpl::{Budget, Function, Machine, TextBuffer, Type, Value};
use sha1::Digest;

use crate::args::{Result, bytes, write_text};

const S: &[Type] = &[Type::String];

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::new("b64enc", S, |machine, args| write_text(machine, |out| put_base64(bytes(args, 0), out))),
    Function::new("b32enc", S, |machine, args| {
        write_text(machine, |out| put_encoded(bytes(args, 0), &BASE32, BASE32_PIECE, out))
    }),
    Function::new("b64dec", S, |machine, args| {
        let data = base64(machine.budget(), bytes(args, 0))?;
        decoded(machine, "base64", data)
    }),
    Function::new("b32dec", S, |machine, args| {
        let data = base32(machine.budget(), bytes(args, 0))?;
        decoded(machine, "base32", data)
    }),
    Function::new("sha1sum", S, digest::<sha1::Sha1>),
    Function::new("sha256sum", S, digest::<sha2::Sha256>),
    Function::new("sha512sum", S, digest::<sha2::Sha512>),
    Function::new("adler32sum", S, |machine, args| {
        let mut sum = adler2::Adler32::new();
        for piece in bytes(args, 0).chunks(DIGESTED) {
            machine.budget().read(piece.len())?;
            sum.write_slice(piece);
        }
        Ok(Value::from(sum.checksum().to_string()))
    }),
];

/// How much is encoded at once: whole groups, so that the pieces make one text.
const BASE64_PIECE: usize = 3 << 10;
const BASE32_PIECE: usize = 5 << 10;

/// Writes Go's standard base64.
pub(crate) fn put_base64(data: &[u8], out: &mut TextBuffer<'_>) {
    put_encoded(data, &BASE64, BASE64_PIECE, out);
}

fn put_encoded(data: &[u8], encoding: &Encoding, piece: usize, out: &mut TextBuffer<'_>) {
    let mut text = String::new();
    for piece in data.chunks(piece) {
        if out.is_spent() {
            return;
        }
        text.clear();
        encoding.encode_append(piece, &mut text);
        out.put(text.as_bytes());
    }
}

/// How many bytes are hashed between two looks at the stop flag.
const DIGESTED: usize = 256 << 10;

fn digest<D: Digest>(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let mut digest = D::new();
    for piece in bytes(args, 0).chunks(DIGESTED) {
        machine.budget().read(piece.len())?;
        digest.update(piece);
    }
    Ok(Value::from(HEXLOWER.encode(&digest.finalize())))
}

/// What decoding yields: the data, or the offset of the first wrong byte as Go reports it.
pub(crate) type Decoded = std::result::Result<Vec<u8>, usize>;

/// The data, or where it is wrong in Go's words.
fn decoded(machine: &Machine<'_>, encoding: &str, data: Decoded) -> Result {
    match data {
        Ok(data) => {
            machine.budget().spend_text(data.len())?;
            Ok(Value::from(data))
        }
        Err(at) => Ok(Value::from(format!("illegal {encoding} data at input byte {at}"))),
    }
}

fn is_newline(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

/// Go's standard base64 decoder: padding is wanted, newlines anywhere are not looked at.
///
/// # Errors
/// The budget is used up.
pub(crate) fn base64(budget: &Budget<'_>, text: &[u8]) -> Result<Decoded> {
    budget.spend_text(text.len())?;
    Ok(decode_base64(text))
}

/// The same for a text whose length is bounded and accounted for.
pub(crate) fn decode_base64(text: &[u8]) -> Decoded {
    let mut data = Vec::with_capacity(text.len() / 4 * 3);
    let mut group = Vec::with_capacity(4);
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        at += 1;
        match (base64_digit(*byte), *byte) {
            (Some(digit), _) => group.push(digit),
            (None, byte) if is_newline(byte) => continue,
            (None, b'=') => {
                base64_padding(text, at, group.len())?;
                push_bits(&mut data, &group, 6);
                return Ok(data);
            }
            _ => return Err(at - 1),
        }
        if group.len() == 4 {
            push_bits(&mut data, &group, 6);
            group.clear();
        }
    }
    if group.is_empty() { Ok(data) } else { Err(at - group.len()) }
}

fn base64_digit(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

/// Checks what stands at and behind the first `=`, which is in front of `at`, after `digits` of a group.
fn base64_padding(text: &[u8], mut at: usize, digits: usize) -> std::result::Result<(), usize> {
    let skip = |at: usize| at + text[at..].iter().take_while(|byte| is_newline(**byte)).count();
    if digits < 2 {
        return Err(at - 1);
    }
    if digits == 2 {
        at = skip(at);
        match text.get(at) {
            None => return Err(text.len()),
            Some(b'=') => at += 1,
            Some(_) => return Err(at - 1),
        }
    }
    at = skip(at);
    if at < text.len() { Err(at) } else { Ok(()) }
}

/// Appends the whole bytes that digits of `width` bits make.
fn push_bits(data: &mut Vec<u8>, digits: &[u8], width: u32) {
    let (mut held, mut bits) = (0_u32, 0);
    for digit in digits {
        held = (held << width | u32::from(*digit)) & 0xffff;
        bits += width;
        if bits >= 8 {
            bits -= 8;
            data.push((held >> bits & 0xff) as u8);
        }
    }
}

/// Go's standard base32 decoder; newlines are not counted in the offset.
fn base32(budget: &Budget<'_>, text: &[u8]) -> Result<Decoded> {
    budget.spend_text(text.len().saturating_mul(3))?;
    Ok(decode_base32(text))
}

fn decode_base32(text: &[u8]) -> Decoded {
    let text: Vec<u8> = text.iter().copied().filter(|byte| !is_newline(*byte)).collect();
    let mut data = Vec::with_capacity(text.len() / 8 * 5);
    let mut group = Vec::with_capacity(8);
    for (at, byte) in text.iter().enumerate() {
        let left = text.len() - at - 1;
        if *byte == b'=' && group.len() >= 2 && left < 8 {
            base32_padding(&text, at, group.len())?;
            push_bits(&mut data, &group, 5);
            return Ok(data);
        }
        group.push(base32_digit(*byte).ok_or(at)?);
        if group.len() == 8 {
            push_bits(&mut data, &group, 5);
            group.clear();
        }
    }
    if group.is_empty() { Ok(data) } else { Err(text.len() - group.len()) }
}

fn base32_digit(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'2'..=b'7' => Some(byte - b'2' + 26),
        _ => None,
    }
}

/// Checks the padding whose first `=` stands at `at`, after `digits` of the last group.
fn base32_padding(text: &[u8], at: usize, digits: usize) -> std::result::Result<(), usize> {
    let behind = &text[at + 1..];
    let wanted = 8 - 1 - digits;
    if behind.len() < wanted {
        return Err(text.len());
    }
    if let Some(wrong) = behind[..wanted].iter().position(|byte| *byte != b'=') {
        return Err(at + wrong);
    }
    if matches!(digits, 3 | 6) { Err(at) } else { Ok(()) }
}
