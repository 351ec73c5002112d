//! Functions of chance: random text, numbers, identifiers. Bytes come from the host, so that a run can be repeated.

use data_encoding::{BASE64, HEXLOWER};
use gotmpl::{Function, Machine, Type, Value};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::args::{Result, fail, int, text};

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
    machine.spend(count)?;
    let mut random = generator(machine, function)?;
    let text: Vec<u8> = (0..count).map(|_| set[index_below(&mut random, set.len())]).collect();
    Ok(Value::from(text))
}

/// So many bytes in base64.
fn rand_bytes(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let Ok(count) = usize::try_from(int(args, 0)) else {
        return fail("runtime error: makeslice: len out of range");
    };
    machine.spend(count.saturating_mul(3))?;
    let mut bytes = vec![0; count];
    machine.host.random("randBytes", &mut bytes)?;
    Ok(Value::from(BASE64.encode(&bytes)))
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
    let mut chars: Vec<char> = text(args, 0).chars().collect();
    machine.spend(chars.len() * size_of::<char>())?;
    let mut random = generator(machine, "shuffle")?;
    for last in (1..chars.len()).rev() {
        chars.swap(last, index_below(&mut random, last + 1));
    }
    Ok(Value::from(chars.into_iter().collect::<String>()))
}

/// Version 4, variant of RFC 9562.
fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = HEXLOWER.encode(&bytes);
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}
