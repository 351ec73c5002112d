//! Go's `fmt.Sprintf`: verbs, flags, widths, argument numbers, and what it writes when they do not fit.

mod text_verbs;

use self::text_verbs::{Padded, cut, pad, pad_number, pad_with, print_bytes, print_text, put_quoted};
use crate::print::{self, print_value};
use crate::text::TextBuffer;
use crate::value::{Map, Object, Str, UintType, Value};
use crate::{float, quote};

/// The widest padding Go accepts.
const MAX_WIDTH: usize = 1_000_000;

/// What stands between `%` and the verb.
#[derive(Clone, Copy, Debug, Default)]
struct Flags {
    plus: bool,
    minus: bool,
    sharp: bool,
    /// `#` before `v`: as Go's source has it.
    go_syntax: bool,
    /// `+` before `v`: the fields of structs with their names.
    field_names: bool,
    /// Inside of `%!verb(type=value)` no method is called.
    without_methods: bool,
    space: bool,
    zero: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

/// Writes `fmt.Sprintf(format, args…)`.
pub fn sprintf(format: &[u8], args: &[Value], out: &mut TextBuffer<'_>) {
    let mut printer = Printer { format, at: 0, args, next: 0, reordered: false, bad_index: false, out };
    while printer.at < format.len() && !printer.out.is_spent() {
        printer.step();
    }
    printer.extra();
}

struct Printer<'a, 'o, 'b> {
    format: &'a [u8],
    at: usize,
    args: &'a [Value],
    next: usize,
    /// An argument was chosen by number: extra ones are no mistake then.
    reordered: bool,
    /// The number in hand was no number of an argument.
    bad_index: bool,
    out: &'o mut TextBuffer<'b>,
}

impl Printer<'_, '_, '_> {
    fn step(&mut self) {
        let rest = &self.format[self.at..];
        let text = rest.iter().position(|byte| *byte == b'%').unwrap_or(rest.len());
        self.out.put(&rest[..text]);
        self.at += text;
        if self.at < self.format.len() {
            self.at += 1;
            self.directive();
        }
    }

    fn directive(&mut self) {
        let mut flags = self.flags();
        self.bad_index = false;
        let mut indexed = self.index();
        match self.star(&mut indexed) {
            Some(Some(width)) => {
                flags.minus |= width < 0;
                flags.zero &= width >= 0;
                flags.width = usize::try_from(width.unsigned_abs()).ok();
            }
            Some(None) => self.out.put(b"%!(BADWIDTH)"),
            None => {
                flags.width = self.digits();
                self.bad_index |= indexed && flags.width.is_some();
            }
        }
        self.precision(&mut flags, &mut indexed);
        if !indexed {
            self.index();
        }
        self.verb(flags);
    }

    fn flags(&mut self) -> Flags {
        let mut flags = Flags::default();
        while let Some(byte) = self.format.get(self.at) {
            match byte {
                b'#' => flags.sharp = true,
                b'0' => flags.zero = true,
                b'+' => flags.plus = true,
                b'-' => flags.minus = true,
                b' ' => flags.space = true,
                _ => break,
            }
            self.at += 1;
        }
        flags
    }

    /// `[n]`: chooses the next argument. True when there was one.
    fn index(&mut self) -> bool {
        if self.format.get(self.at) != Some(&b'[') {
            return false;
        }
        self.reordered = true;
        let rest = &self.format[self.at + 1..];
        let Some(end) = rest.iter().position(|byte| *byte == b']') else {
            self.bad_index = true;
            self.at += 1;
            return false;
        };
        let number = std::str::from_utf8(&rest[..end]).ok().and_then(|text| text.parse::<usize>().ok());
        self.at += end + 2;
        match number {
            Some(number) if (1..=self.args.len()).contains(&number) => self.next = number - 1,
            _ => self.bad_index = true,
        }
        true
    }

    /// A number in the format. One that is too large takes the rest of the format with it.
    fn digits(&mut self) -> Option<usize> {
        let mut number = None;
        while let Some(digit) = self.format.get(self.at).filter(|byte| byte.is_ascii_digit()) {
            let before = number.unwrap_or(0);
            if before > MAX_WIDTH {
                self.at = self.format.len();
                return None;
            }
            number = Some(before * 10 + usize::from(digit - b'0'));
            self.at += 1;
        }
        number
    }

    /// `*`: a width or precision from the arguments; the inner `None` when what is there is no good number.
    fn star(&mut self, indexed: &mut bool) -> Option<Option<i64>> {
        if self.format.get(self.at) != Some(&b'*') {
            return None;
        }
        self.at += 1;
        *indexed = false;
        let value = match self.args.get(self.next) {
            Some(Value::Int(_, value)) => Some(*value),
            Some(Value::Uint(_, value)) => i64::try_from(*value).ok(),
            _ => None,
        };
        self.next += usize::from(self.next < self.args.len());
        Some(value.filter(|value| value.unsigned_abs() <= MAX_WIDTH as u64))
    }

    fn precision(&mut self, flags: &mut Flags, indexed: &mut bool) {
        if self.format.get(self.at) != Some(&b'.') {
            return;
        }
        self.at += 1;
        self.bad_index |= *indexed;
        *indexed = self.index();
        flags.precision = match self.star(indexed) {
            Some(precision) => precision.and_then(|precision| usize::try_from(precision).ok()),
            None => Some(self.digits().unwrap_or(0)),
        };
        if flags.precision.is_none() {
            self.out.put(b"%!(BADPREC)");
        }
    }

    fn verb(&mut self, flags: Flags) {
        let rest = &self.format[self.at..];
        let Some(verb) = first_char(rest) else {
            self.out.put(b"%!(NOVERB)");
            return;
        };
        self.at += if verb == char::REPLACEMENT_CHARACTER { 1 } else { verb.len_utf8() };
        if verb == '%' {
            self.out.put_byte(b'%');
        } else if self.bad_index {
            self.out.put(format!("%!{verb}(BADINDEX)").as_bytes());
        } else if let Some(arg) = self.args.get(self.next) {
            self.next += 1;
            print_arg(arg, verb, flags, self.out);
        } else {
            self.out.put(format!("%!{verb}(MISSING)").as_bytes());
        }
    }

    fn extra(&mut self) {
        if self.reordered || self.next >= self.args.len() {
            return;
        }
        self.out.put(b"%!(EXTRA ");
        for (index, arg) in self.args[self.next..].iter().enumerate() {
            if index > 0 {
                self.out.put(b", ");
            }
            if let Value::Nil = arg {
                self.out.put(b"<nil>");
            } else {
                self.out.put(arg.type_name().as_bytes());
                self.out.put_byte(b'=');
                print_value(arg, self.out);
            }
        }
        self.out.put_byte(b')');
    }
}

fn first_char(bytes: &[u8]) -> Option<char> {
    let head = &bytes[..bytes.len().min(4)];
    let chunk = head.utf8_chunks().next()?;
    Some(chunk.valid().chars().next().unwrap_or(char::REPLACEMENT_CHARACTER))
}

fn print_arg(arg: &Value, verb: char, flags: Flags, out: &mut TextBuffer<'_>) {
    match verb {
        'T' if matches!(arg, Value::Nil) => pad(b"<nil>", flags, out),
        'T' => pad(cut(arg.type_name().as_bytes(), flags.precision), flags, out),
        'v' | 'w' => {
            let flags =
                Flags { plus: false, sharp: false, go_syntax: flags.sharp, field_names: flags.plus, ..flags };
            print_verb(arg, verb, flags, out);
        }
        _ => print_verb(arg, verb, flags, out),
    }
}

fn print_verb(arg: &Value, verb: char, flags: Flags, out: &mut TextBuffer<'_>) {
    match arg {
        _ if verb == 'v' && flags.go_syntax => print_go_syntax(arg, flags, out),
        Value::List(_) | Value::Map(_) | Value::Object(_) if verb == 'w' => bad_verb(arg, (verb, flags), out),
        Value::Nil if verb == 'v' => pad(b"<nil>", flags, out),
        Value::Bool(value) if matches!(verb, 't' | 'v') => {
            pad(if *value { b"true" } else { b"false" }, flags, out);
        }
        Value::Int(of, value) => match of.string_method(*value) {
            Some(text) if is_for_texts(verb, flags) => print_text(arg, text.as_bytes(), (verb, flags), out),
            _ => print_integer(arg, (*value < 0, value.unsigned_abs()), (verb, flags), out),
        },
        Value::Uint(_, value) => print_integer(arg, (false, *value), (verb, flags), out),
        Value::Float(value) => print_float(arg, *value, (verb, flags), out),
        Value::Str(text) => print_text(arg, text, (verb, flags), out),
        Value::Bytes(bytes) => print_bytes(arg, bytes, (verb, flags), out),
        Value::List(list) => {
            print_items(LIST, list.iter(), out, |item, out| print_element(item, verb, flags, out));
        }
        Value::Map(map) => {
            out.put(b"map");
            print_entries(LIST, map, out, |(key, value), out| {
                print_verb(&Value::Str(key.clone()), verb, flags, out);
                out.put_byte(b':');
                print_element(value, verb, flags, out);
            });
        }
        Value::Object(object) => print_object(&**object, arg, (verb, flags), out),
        _ => bad_verb(arg, (verb, flags), out),
    }
}

/// Whether a verb prints what a `String` method says.
fn is_for_texts(verb: char, flags: Flags) -> bool {
    matches!(verb, 'v' | 's' | 'x' | 'X' | 'q') && !flags.without_methods
}

/// The fields of an object, whose memory is charged; `None` where only its text is known.
fn fields_of(object: &dyn Object, out: &mut TextBuffer<'_>) -> Option<Vec<(&'static str, Value)>> {
    match out.budget().spend(object.size().saturating_mul(4)) {
        Ok(()) => object.go_fields(),
        Err(error) => {
            out.fail(error);
            None
        }
    }
}

fn print_object(object: &dyn Object, arg: &Value, how: (char, Flags), out: &mut TextBuffer<'_>) {
    let (verb, flags) = how;
    match fields_of(object, out) {
        Some(fields) if !(object.is_stringer() && is_for_texts(verb, flags)) => {
            out.put(if object.kind() == "ptr" { b"&{" } else { b"{" });
            for (at, (name, value)) in fields.iter().enumerate() {
                out.put(if at > 0 { b" " } else { b"" });
                if flags.field_names {
                    out.put(name.as_bytes());
                    out.put_byte(b':');
                }
                print_element(value, verb, flags, out);
            }
            out.put_byte(b'}');
        }
        _ => {
            if let Some(text) = printed(object, out) {
                print_text(arg, &text, how, out);
            }
        }
    }
}

/// A struct as Go's source has it.
fn print_object_syntax(object: &dyn Object, flags: Flags, out: &mut TextBuffer<'_>) {
    let fields = match (object.go_string(), fields_of(object, out)) {
        (None, Some(fields)) => fields,
        (Some(text), _) => return pad(text.as_bytes(), flags, out),
        (None, None) => {
            if let Some(text) = printed(object, out) {
                pad(&text, flags, out);
            }
            return;
        }
    };
    let type_name = object.type_name();
    let shown = if object.kind() == "ptr" { type_name.replacen('*', "&", 1) } else { type_name.to_owned() };
    out.put(shown.as_bytes());
    print_items(GO_SYNTAX, fields.iter(), out, |(name, value), out| {
        out.put(name.as_bytes());
        out.put_byte(b':');
        print_element_syntax(value, flags, out);
    });
}

fn print_nil_syntax(value: &Value, out: &mut TextBuffer<'_>) {
    out.put(value.type_name().as_bytes());
    out.put(b"(nil)");
}

/// `%#v`: as Go's source has it.
fn print_go_syntax(value: &Value, flags: Flags, out: &mut TextBuffer<'_>) {
    let hexadecimal = |number: u8, out: &mut TextBuffer<'_>| {
        print_go_syntax(&Value::Uint(UintType::Uint8, u64::from(number)), flags, out);
    };
    match value {
        Value::Str(text) => put_quoted(cut(text, flags.precision), flags, out),
        Value::Int(..) => print_verb(value, 'd', flags, out),
        Value::Uint(..) => print_verb(value, 'x', Flags { sharp: true, ..flags }, out),
        Value::Float(_) => print_verb(value, 'g', flags, out),
        Value::Bool(_) => print_verb(value, 't', flags, out),
        Value::List(list) if list.is_nil() => print_nil_syntax(value, out),
        Value::Map(map) if map.is_nil() => print_nil_syntax(value, out),
        Value::List(list) => {
            out.put(value.type_name().as_bytes());
            print_items(GO_SYNTAX, list.iter(), out, |item, out| print_element_syntax(item, flags, out));
        }
        Value::Map(map) => {
            out.put(value.type_name().as_bytes());
            print_entries(GO_SYNTAX, map, out, |(key, value), out| {
                print_go_syntax(&Value::Str(key.clone()), flags, out);
                out.put_byte(b':');
                print_element_syntax(value, flags, out);
            });
        }
        Value::Bytes(bytes) => {
            out.put(b"[]byte");
            print_items(GO_SYNTAX, bytes.iter(), out, |byte, out| hexadecimal(*byte, out));
        }
        Value::Object(object) => print_object_syntax(&**object, flags, out),
        Value::Nil => pad(b"<nil>", flags, out),
    }
}

fn print_element_syntax(value: &Value, flags: Flags, out: &mut TextBuffer<'_>) {
    match value {
        Value::Nil => out.put(b"interface {}(nil)"),
        value => print_go_syntax(value, flags, out),
    }
}

/// Nil inside a collection prints as such whatever the verb.
fn print_element(value: &Value, verb: char, flags: Flags, out: &mut TextBuffer<'_>) {
    match value {
        Value::Nil => out.put(b"<nil>"),
        value => print_verb(value, verb, flags, out),
    }
}

/// What stands before, between and after the items of a collection.
type Marks = [&'static str; 3];

const LIST: Marks = ["[", " ", "]"];
const GO_SYNTAX: Marks = ["{", ", ", "}"];

fn print_items<'o, 'b, T>(
    [before, between, after]: Marks,
    items: impl Iterator<Item = T>,
    out: &'o mut TextBuffer<'b>,
    mut print: impl FnMut(T, &mut TextBuffer<'b>),
) {
    out.put(before.as_bytes());
    for (index, item) in items.enumerate() {
        if out.is_spent() {
            return;
        }
        if index > 0 {
            out.put(between.as_bytes());
        }
        print(item, out);
    }
    out.put(after.as_bytes());
}

fn print_entries<'o, 'b>(
    [before, between, after]: Marks,
    map: &Map,
    out: &'o mut TextBuffer<'b>,
    mut print: impl FnMut((&Str, &Value), &mut TextBuffer<'b>),
) {
    out.put(before.as_bytes());
    let mut first = true;
    map.each(|key, value| {
        if !first {
            out.put(between.as_bytes());
        }
        first = false;
        print((key, value), out);
        !out.is_spent()
    });
    out.put(after.as_bytes());
}

/// What an object prints; `None` when a budget is used up.
fn printed(object: &dyn Object, out: &mut TextBuffer<'_>) -> Option<Vec<u8>> {
    let mut text = TextBuffer::new(out.budget());
    print::print_object(object, &mut text);
    text.into_bytes().map_err(|error| out.fail(error)).ok()
}

/// `%!verb(type=value)`; flags, width and precision apply to the value.
fn bad_verb(arg: &Value, how: (char, Flags), out: &mut TextBuffer<'_>) {
    let (verb, flags) = how;
    out.put(format!("%!{verb}(").as_bytes());
    if matches!(arg, Value::Nil) {
        out.put(b"<nil>");
    } else {
        out.put(arg.type_name().as_bytes());
        out.put_byte(b'=');
        print_verb(arg, 'v', Flags { without_methods: true, ..flags }, out);
    }
    out.put_byte(b')');
}

fn print_integer(arg: &Value, number: (bool, u64), how: (char, Flags), out: &mut TextBuffer<'_>) {
    let (verb, flags) = how;
    let magnitude = number.1;
    let (digits, prefix) = match verb {
        'v' | 'd' => (magnitude.to_string(), ""),
        'b' => (format!("{magnitude:b}"), if flags.sharp { "0b" } else { "" }),
        'o' => (format!("{magnitude:o}"), ""),
        'O' => (format!("{magnitude:o}"), "0o"),
        'x' => (format!("{magnitude:x}"), if flags.sharp { "0x" } else { "" }),
        'X' => (format!("{magnitude:X}"), if flags.sharp { "0X" } else { "" }),
        'c' | 'q' | 'U' => return print_rune(number, how, out),
        _ => return bad_verb(arg, (verb, flags), out),
    };
    if magnitude == 0 && flags.precision == Some(0) {
        return pad(b"", Flags { zero: false, ..flags }, out);
    }
    let sign = sign(number.0, flags);
    let zeros = flags.precision.unwrap_or(0).saturating_sub(digits.len());
    let octal = matches!(verb, 'o' | 'O') && flags.sharp && zeros == 0 && !digits.starts_with('0');
    let number = Padded { sign, prefix, zeros: zeros + usize::from(octal), digits: &digits };
    pad_number(&number, Flags { zero: flags.zero && flags.precision.is_none(), ..flags }, out);
}

fn sign(negative: bool, flags: Flags) -> &'static str {
    match (negative, flags.plus, flags.space) {
        (true, ..) => "-",
        (_, true, _) => "+",
        (_, _, true) => " ",
        _ => "",
    }
}

fn print_rune(number: (bool, u64), how: (char, Flags), out: &mut TextBuffer<'_>) {
    let (verb, flags) = how;
    // A negative number counts as the large one of the same bits.
    let code = if number.0 { number.1.wrapping_neg() } else { number.1 };
    let known = u32::try_from(code).ok().and_then(char::from_u32);
    let c = known.unwrap_or(char::REPLACEMENT_CHARACTER);
    let flags = Flags { zero: flags.zero && verb != 'U', ..flags };
    match verb {
        'c' => pad(c.encode_utf8(&mut [0; 4]).as_bytes(), flags, out),
        'q' => pad(quote::quoted_char(c, flags.plus).as_bytes(), flags, out),
        _ => pad_with(flags, out, |out| {
            let digits = format!("{code:X}");
            out.put(b"U+");
            out.put_repeated(b'0', flags.precision.unwrap_or(4).max(4).saturating_sub(digits.len()));
            out.put(digits.as_bytes());
            if let Some(c) = known.filter(|c| flags.sharp && quote::is_print(*c)) {
                out.put(format!(" '{c}'").as_bytes());
            }
        }),
    }
}

fn print_float(arg: &Value, value: f64, how: (char, Flags), out: &mut TextBuffer<'_>) {
    let (verb, flags) = how;
    // The digits are made in one piece, perhaps a point and zeros are put in.
    if let Err(error) = out.budget().spend(4 * flags.precision.unwrap_or(0)) {
        return out.fail(error);
    }
    let text = match verb {
        'v' => float::format(value, 'g', flags.precision),
        'g' | 'G' => float::format(value, verb, flags.precision),
        'e' | 'E' | 'f' | 'F' => float::format(value, verb, Some(flags.precision.unwrap_or(6))),
        'x' | 'X' => float::hexadecimal(value, verb == 'X', flags.precision),
        'b' => float::binary(value),
        _ => return bad_verb(arg, (verb, flags), out),
    };
    let negative = text.starts_with('-');
    let magnitude = text.trim_start_matches(['-', '+']);
    let pointed = (flags.sharp && verb != 'b' && value.is_finite()).then(|| with_point(magnitude, how));
    let magnitude = pointed.as_deref().unwrap_or(magnitude);
    let infinite = value.is_infinite() && text.starts_with('+') && flags.plus;
    let shown = if value.is_infinite() && !negative && !infinite { "+" } else { sign(negative, flags) };
    let flags = Flags { zero: flags.zero && value.is_finite(), ..flags };
    pad_number(&Padded { sign: shown, prefix: "", zeros: 0, digits: magnitude }, flags, out);
}

/// `#`: a number with its point, and for `g` with the zeros at its end.
fn with_point(magnitude: &str, how: (char, Flags)) -> String {
    let (verb, flags) = how;
    let hexadecimal = matches!(verb, 'x' | 'X');
    let exponent = |c: char| matches!(c, 'p' | 'P') || (!hexadecimal && matches!(c, 'e' | 'E'));
    let (number, tail) = magnitude.split_at(magnitude.find(exponent).unwrap_or(magnitude.len()));
    let wanted = match verb {
        'v' | 'g' | 'G' | 'x' => flags.precision.unwrap_or(6),
        _ => 0,
    };
    let significant = number.trim_start_matches(['0', '.']).chars().filter(|c| *c != '.').count();
    let point = if number.contains('.') { "" } else { "." };
    // A lone zero counts as a digit.
    let shown = if number == "0" { 1 } else { significant };
    format!("{number}{point}{}{tail}", "0".repeat(wanted.saturating_sub(shown)))
}
