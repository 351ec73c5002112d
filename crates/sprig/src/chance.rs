//! Functions of chance: random text, numbers, identifiers. Bytes come from the host, so that a run can be repeated.

use data_encoding::HEXLOWER;
use gotmpl::{Function, Machine, TextBuffer, Type, Value};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::args::{Result, fail, int, text, write_text};
use crate::encode::put_base64;

const COUNT: &[Type] = &[Type::Int];

const DIGITS: &[u8] = b"0123456789";
const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const ALPHANUMERIC: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::new("randAlphaNum", COUNT, |machine, args| picked(machine, "randAlphaNum", ALPHANUMERIC, args)),
    Function::new("randAlpha", COUNT, |machine, args| picked(machine, "randAlpha", LETTERS, args)),
    Function::new("randNumeric", COUNT, |machine, args| picked(machine, "randNumeric", DIGITS, args)),
    Function::new("randAscii", COUNT, |machine, args| {
        let printable: Vec<u8> = (b' '..=b'~').collect();
        picked(machine, "randAscii", &printable, args)
    }),
    Function::new("randBytes", COUNT, rand_bytes),
    Function::new("randInt", &[Type::Int, Type::Int], rand_int),
    Function::new("shuffle", &[Type::String], shuffle),
    Function::new("uuidv4", &[], |machine, _| {
        let mut bytes = [0; 16];
        machine.host.random("uuidv4", &mut bytes)?;
        Ok(Value::from(uuid(bytes)))
    }),
];

/// A generator that the host's random bytes seed.
pub(crate) fn generator(machine: &mut Machine<'_>, function: &'static str) -> Result<ChaCha20Rng> {
    let mut seed = [0; 32];
    machine.host.random(function, &mut seed)?;
    Ok(ChaCha20Rng::from_seed(seed))
}

/// A number below `limit`, all equally likely.
fn below(random: &mut ChaCha20Rng, limit: u64) -> u64 {
    let rest = (u64::MAX - limit + 1) % limit;
    loop {
        let number = random.next_u64();
        if number <= u64::MAX - rest {
            return number % limit;
        }
    }
}

fn index_below(random: &mut ChaCha20Rng, limit: usize) -> usize {
    usize::try_from(below(random, limit as u64)).unwrap_or(0)
}

/// So many characters of `set`; none when the number is negative.
fn picked(machine: &mut Machine<'_>, function: &'static str, set: &[u8], args: &[Value]) -> Result {
    let count = usize::try_from(int(args, 0)).unwrap_or(0);
    let mut text = TextBuffer::with_room(machine.budget(), count);
    let mut random = generator(machine, function)?;
    for _ in 0..count {
        if text.is_spent() {
            break;
        }
        text.put_byte(set[index_below(&mut random, set.len())]);
    }
    text.into_value()
}

/// How many bytes are drawn between two looks at the stop flag: a multiple of what the host draws at once.
const DRAWN: usize = 64 << 10;

/// So many bytes in base64.
fn rand_bytes(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let Ok(count) = usize::try_from(int(args, 0)) else {
        return fail("runtime error: makeslice: len out of range");
    };
    machine.budget().spend_text(count)?;
    let mut bytes = vec![0; count];
    for piece in bytes.chunks_mut(DRAWN) {
        machine.budget().read(piece.len())?;
        machine.host.random("randBytes", piece)?;
    }
    write_text(machine, |out| put_base64(&bytes, out))
}

/// From the first number up to, not including, the second.
fn rand_int(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let (from, to) = (int(args, 0), int(args, 1));
    let Ok(span @ 1..) = u64::try_from(to.wrapping_sub(from)) else {
        return fail("invalid argument to Intn");
    };
    let offset = below(&mut generator(machine, "randInt")?, span);
    Ok(Value::int(from.wrapping_add_unsigned(offset)))
}

fn shuffle(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let whole = text(machine, args, 0)?;
    machine.spend(whole.len().saturating_mul(size_of::<char>()))?;
    let mut chars = Vec::with_capacity(whole.len());
    chars.extend(whole.chars());
    let mut random = generator(machine, "shuffle")?;
    for last in (1..chars.len()).rev() {
        machine.work(u64::from(last % 16 == 0))?;
        chars.swap(last, index_below(&mut random, last + 1));
    }
    let mut out = TextBuffer::with_room(machine.budget(), whole.len());
    chars.into_iter().for_each(|c| out.put_char(c));
    out.into_value()
}

/// Version 4, variant of RFC 9562.
fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = HEXLOWER.encode(&bytes);
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}
