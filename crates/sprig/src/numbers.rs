//! Numbers: conversions (spf13/cast's rules), integer, float and decimal arithmetic, ranges.

use std::borrow::Cow;

use gotmpl::{CallError, Function, IntType, ListBuffer, ListType, Machine, Type, Value, number};

use crate::args::{Result, bytes, fail, int, strval, write_text};
use crate::decimal::Decimal;

const ANY: &[Type] = &[Type::Any];
const TWO: &[Type] = &[Type::Any, Type::Any];

/// What reading a text as a number takes for each byte: copies without underscores and in lower case.
const NUMBER: usize = 6;

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::new("int", ANY, |_, args| Ok(Value::int(to_int(&args[0])))).taking(NUMBER),
    Function::new("int64", ANY, |_, args| Ok(Value::int64(to_int(&args[0])))).taking(NUMBER),
    Function::new("float64", ANY, |_, args| Ok(Value::Float(to_float(&args[0])))).taking(NUMBER),
    Function::new("atoi", &[Type::String], |_, args| {
        Ok(Value::int(
            std::str::from_utf8(bytes(args, 0)).ok().and_then(|text| text.parse().ok()).unwrap_or(0),
        ))
    })
    .taking(NUMBER),
    Function::walking("toDecimal", ANY, |machine, args| octal(machine, &args[0]).map(Value::int64)),
    Function::new("add", &[], |_, args| fold(0, args, i64::wrapping_add)).and_more(Type::Any).taking(NUMBER),
    Function::new("add1", ANY, |_, args| Ok(Value::int64(to_int(&args[0]).wrapping_add(1)))).taking(NUMBER),
    Function::new("sub", TWO, |_, args| Ok(Value::int64(to_int(&args[0]).wrapping_sub(to_int(&args[1])))))
        .taking(NUMBER),
    Function::new("mul", ANY, |_, args| fold(to_int(&args[0]), &args[1..], i64::wrapping_mul))
        .and_more(Type::Any)
        .taking(NUMBER),
    Function::new("div", TWO, |_, args| divide(args, i64::wrapping_div)).taking(NUMBER),
    Function::new("mod", TWO, |_, args| divide(args, i64::wrapping_rem)).taking(NUMBER),
    Function::new("max", ANY, |_, args| fold(to_int(&args[0]), &args[1..], i64::max))
        .and_more(Type::Any)
        .taking(NUMBER),
    Function::new("biggest", ANY, |_, args| fold(to_int(&args[0]), &args[1..], i64::max))
        .and_more(Type::Any)
        .taking(NUMBER),
    Function::new("min", ANY, |_, args| fold(to_int(&args[0]), &args[1..], i64::min))
        .and_more(Type::Any)
        .taking(NUMBER),
    Function::new("maxf", ANY, |_, args| Ok(fold_floats(args, f64::max))).and_more(Type::Any).taking(NUMBER),
    Function::new("minf", ANY, |_, args| Ok(fold_floats(args, f64::min))).and_more(Type::Any).taking(NUMBER),
    Function::new("add1f", ANY, |_, args| decimals(&[args[0].clone(), Value::int(1)], Decimal::add))
        .taking(NUMBER),
    Function::new("addf", &[], |_, args| decimals(args, Decimal::add)).and_more(Type::Any).taking(NUMBER),
    Function::new("subf", ANY, |_, args| decimals(args, Decimal::sub)).and_more(Type::Any).taking(NUMBER),
    Function::new("mulf", ANY, |_, args| decimals(args, Decimal::mul)).and_more(Type::Any).taking(NUMBER),
    Function::new("divf", ANY, |_, args| decimals(args, Decimal::div)).and_more(Type::Any).taking(NUMBER),
    Function::new("ceil", ANY, |_, args| Ok(Value::Float(to_float(&args[0]).ceil()))).taking(NUMBER),
    Function::new("floor", ANY, |_, args| Ok(Value::Float(to_float(&args[0]).floor()))).taking(NUMBER),
    Function::new("round", &[Type::Any, Type::Int], |_, args| Ok(round(args)))
        .and_more(Type::Float64)
        .taking(NUMBER),
    Function::new("until", &[Type::Int], |machine, args| {
        let stop = int(args, 0);
        until_step(machine, (0, stop, if stop < 0 { -1 } else { 1 }))
    }),
    Function::new("untilStep", &[Type::Int, Type::Int, Type::Int], |machine, args| {
        until_step(machine, (int(args, 0), int(args, 1), int(args, 2)))
    }),
    Function::new("seq", &[], seq).and_more(Type::Int),
];

/// cast's `ToInt64`: what cannot be converted is 0.
pub(crate) fn to_int(value: &Value) -> i64 {
    match value {
        Value::Int(IntType::Duration, _) => 0,
        Value::Int(_, value) => *value,
        Value::Uint(_, value) => *value as i64,
        Value::Float(value) => float_to_int(*value),
        Value::Bool(value) => i64::from(*value),
        Value::Str(text) => std::str::from_utf8(text)
            .ok()
            .and_then(|text| number::parse_int(without_zero_fraction(text)))
            .unwrap_or(0),
        _ => 0,
    }
}

/// amd64's conversion: what does not fit is the smallest integer.
fn float_to_int(value: f64) -> i64 {
    let fits = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&value);
    if fits { value as i64 } else { i64::MIN }
}

/// cast takes `.0`, `.00`, … off a text before it reads an integer.
fn without_zero_fraction(text: &str) -> &str {
    match text.split_once('.') {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0') => whole,
        _ => text,
    }
}

/// cast's `ToFloat64`.
pub(crate) fn to_float(value: &Value) -> f64 {
    match value {
        Value::Int(IntType::Duration, _) => 0.0,
        Value::Int(_, value) => *value as f64,
        Value::Uint(_, value) => *value as f64,
        Value::Float(value) => *value,
        Value::Bool(value) => f64::from(u8::from(*value)),
        Value::Str(text) => std::str::from_utf8(text)
            .ok()
            .and_then(|text| number::parse_float(&without_separators(text)))
            .unwrap_or(0.0),
        _ => 0.0,
    }
}

/// Go lets `_` stand between two digits.
pub(crate) fn without_separators(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_hexdigit);
    let fits = |(at, _): (usize, &str)| digit(at.checked_sub(1)) && digit(Some(at + 1));
    if text.contains('_') && text.match_indices('_').all(fits) {
        return Cow::Owned(text.replace('_', ""));
    }
    Cow::Borrowed(text)
}

fn octal(machine: &Machine<'_>, value: &Value) -> Result<i64> {
    let text = strval(machine, value)?;
    let digits = std::str::from_utf8(&text).unwrap_or_default();
    Ok(i64::from_str_radix(digits.strip_prefix("0o").unwrap_or(digits), 8).unwrap_or(0))
}

fn fold(first: i64, rest: &[Value], with: fn(i64, i64) -> i64) -> Result {
    Ok(Value::int64(rest.iter().map(to_int).fold(first, with)))
}

fn divide(args: &[Value], with: fn(i64, i64) -> i64) -> Result {
    match to_int(&args[1]) {
        0 => fail("runtime error: integer divide by zero"),
        divisor => Ok(Value::int64(with(to_int(&args[0]), divisor))),
    }
}

fn fold_floats(args: &[Value], with: fn(f64, f64) -> f64) -> Value {
    let first = to_float(&args[0]);
    Value::Float(args[1..].iter().map(to_float).fold(first, with))
}

/// Arithmetic on decimal digits, so that `addf 0.1 0.2` is `0.3`.
fn decimals(
    args: &[Value],
    with: fn(Decimal, &Decimal) -> std::result::Result<Decimal, &'static str>,
) -> Result {
    let Some((first, rest)) = args.split_first() else { return Ok(Value::Float(0.0)) };
    let mut result = Decimal::from_float(to_float(first));
    for arg in rest {
        result = with(result, &Decimal::from_float(to_float(arg))).map_err(CallError::new)?;
    }
    Ok(Value::Float(result.to_float()))
}

/// Up from `.5` (or what the third argument says), else down: negative numbers always go down.
fn round(args: &[Value]) -> Value {
    let from = match args.get(2) {
        Some(Value::Float(from)) => *from,
        _ => 0.5,
    };
    let scale = 10.0_f64.powi(i32::try_from(int(args, 1)).unwrap_or(0));
    let scaled = scale * to_float(&args[0]);
    let fraction = scaled.fract();
    let rounded = if fraction >= from { scaled.ceil() } else { scaled.floor() };
    Value::Float(rounded / scale)
}

/// How many numbers there are from `start` towards `stop`, which is not reached.
fn count((start, stop, step): (i64, i64, i64)) -> usize {
    let (start, stop, step) = (i128::from(start), i128::from(stop), i128::from(step));
    if step == 0 || (stop >= start) != (step > 0) {
        return 0;
    }
    usize::try_from(((stop - start).abs() + step.abs() - 1) / step.abs()).unwrap_or(usize::MAX)
}

/// The numbers of a range, whose count is accounted for.
fn numbers(machine: &Machine<'_>, range: (i64, i64, i64)) -> Result<impl Iterator<Item = i64>> {
    let (start, _, step) = range;
    let count = count(range);
    machine.work(count as u64 / 8)?;
    // Only the last number may be at the end of what there is.
    Ok((0..count).scan(start, move |at, _| {
        let number = *at;
        *at = at.wrapping_add(step);
        Some(number)
    }))
}

fn until_step(machine: &mut Machine<'_>, range: (i64, i64, i64)) -> Result {
    let mut list = ListBuffer::new(machine.budget());
    list.reserve(count(range))?;
    for number in numbers(machine, range)? {
        list.push(Value::Int(IntType::Int, number))?;
    }
    list.into_value(ListType::Ints)
}

/// Like the program `seq`: last; first and last; first, step and last. The last one is included.
fn seq(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let (start, step, last) = match args.len() {
        1 => (1, if int(args, 0) < 1 { -1 } else { 1 }, int(args, 0)),
        2 => (int(args, 0), if int(args, 1) < int(args, 0) { -1 } else { 1 }, int(args, 1)),
        3 => (int(args, 0), int(args, 1), int(args, 2)),
        _ => return Ok(Value::from("")),
    };
    let stop = last.saturating_add(if last < start { -1 } else { 1 });
    let numbers = numbers(machine, (start, stop, step))?;
    write_text(machine, |out| {
        for (index, number) in numbers.enumerate() {
            if index > 0 {
                out.put_byte(b' ');
            }
            gotmpl::print_value(&Value::int(number), out);
            if out.is_spent() {
                break;
            }
        }
    })
}
