//! Strings: trimming, cutting, padding, quoting, splitting, joining.
//!
//! Lengths are bytes, as in Go: cutting may split a character.

use std::borrow::Cow;

use gotmpl::{Function, ListBuffer, ListType, Machine, Map, MapType, Str, TextBuffer, Type, Value, quote};
use memchr::memmem::Finder;

use crate::args::{Result, bytes, elements, fail, int, put_strval, strval, text, write_text};

const S: Type = Type::String;

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::new("trim", &[S], |machine, args| {
        machine.budget().copied(text(machine, args, 0)?.trim().as_bytes())
    }),
    Function::new("trimAll", &[S, S], trim_all),
    Function::new("trimall", &[S, S], trim_all),
    Function::new("trimSuffix", &[S, S], |machine, args| {
        let (suffix, whole) = (bytes(args, 0), bytes(args, 1));
        machine.budget().copied(whole.strip_suffix(suffix).unwrap_or(whole))
    }),
    Function::new("trimPrefix", &[S, S], |machine, args| {
        let (prefix, whole) = (bytes(args, 0), bytes(args, 1));
        machine.budget().copied(whole.strip_prefix(prefix).unwrap_or(whole))
    }),
    Function::new("nospace", &[S], |machine, args| without_spaces(machine, bytes(args, 0))),
    Function::new("trunc", &[Type::Int, S], |machine, args| {
        machine.budget().copied(truncated(int(args, 0), bytes(args, 1)))
    }),
    Function::new("substr", &[Type::Int, Type::Int, S], substr),
    Function::new("abbrev", &[Type::Int, S], |machine, args| {
        write_text(machine, |out| abbreviate(bytes(args, 1), 0, int(args, 0), out))
    }),
    Function::new("abbrevboth", &[Type::Int, Type::Int, S], |machine, args| {
        write_text(machine, |out| abbreviate(bytes(args, 2), int(args, 0), int(args, 1), out))
    }),
    Function::new("repeat", &[Type::Int, S], repeat),
    Function::new("indent", &[Type::Int, S], |machine, args| indent(machine, args, b"")),
    Function::new("nindent", &[Type::Int, S], |machine, args| indent(machine, args, b"\n")),
    Function::walking("quote", &[], |machine, args| spaced(machine, args, put_quoted)).and_more(Type::Any),
    Function::walking("squote", &[], |machine, args| spaced(machine, args, put_single_quoted))
        .and_more(Type::Any),
    Function::walking("cat", &[], |machine, args| spaced(machine, args, gotmpl::print_value))
        .and_more(Type::Any),
    Function::new("replace", &[S, S, S], replace),
    Function::new("contains", &[S, S], |machine, args| {
        Ok(Value::Bool(Pieces::of(machine, bytes(args, 1), bytes(args, 0)).find_next()?.is_some()))
    }),
    Function::new("hasPrefix", &[S, S], |_, args| {
        Ok(Value::Bool(bytes(args, 1).starts_with(bytes(args, 0))))
    }),
    Function::new("hasSuffix", &[S, S], |_, args| Ok(Value::Bool(bytes(args, 1).ends_with(bytes(args, 0))))),
    Function::new("plural", &[S, S, Type::Int], |_, args| Ok(args[usize::from(int(args, 2) != 1)].clone())),
    Function::new("wrap", &[Type::Int, S], |machine, args| {
        write_text(machine, |out| wrap((bytes(args, 1), b"\n"), int(args, 0), false, out))
    }),
    Function::new("wrapWith", &[Type::Int, S, S], |machine, args| {
        write_text(machine, |out| wrap((bytes(args, 2), bytes(args, 1)), int(args, 0), true, out))
    }),
    Function::walking("toString", &[Type::Any], |machine, args| match &args[0] {
        Value::Str(text) | Value::Bytes(text) => Ok(Value::Str(text.clone())),
        value => write_text(machine, |out| gotmpl::print_value(value, out)),
    }),
    Function::walking("toStrings", &[Type::Any], |machine, args| strings(machine, texts(machine, &args[0])?)),
    Function::new("split", &[S, S], |machine, args| {
        numbered(machine, Pieces::of(machine, bytes(args, 1), bytes(args, 0)))
    }),
    Function::new("splitn", &[S, Type::Int, S], |machine, args| {
        numbered(machine, Pieces::of(machine, bytes(args, 2), bytes(args, 0)).at_most(int(args, 1)))
    }),
    Function::new("splitList", &[S, S], |machine, args| {
        let mut pieces = Pieces::of(machine, bytes(args, 1), bytes(args, 0));
        let mut list = ListBuffer::new(machine.budget());
        while let Some(piece) = pieces.next_piece()? {
            list.push_text(piece)?;
        }
        list.into_value(ListType::Strings)
    }),
    Function::walking("join", &[S, Type::Any], join),
    Function::walking("sortAlpha", &[Type::Any], |machine, args| sort_alpha(machine, &args[0])),
    Function::new("hello", &[], |_, _| Ok(Value::from("Hello!"))),
];

fn trim_all(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let (set, whole) = (text(machine, args, 0)?, text(machine, args, 1)?);
    let set = CharSet::of(machine, &set)?;
    machine.budget().copied(whole.trim_matches(|c| set.holds(c)).as_bytes())
}

/// A few characters are looked through one by one; of many there is a bit for each.
enum CharSet<'t> {
    Few(&'t str),
    Many(Vec<u64>),
}

impl<'t> CharSet<'t> {
    const FEW: usize = 64;

    fn of(machine: &Machine<'_>, text: &'t str) -> Result<Self> {
        if text.len() <= Self::FEW {
            return Ok(Self::Few(text));
        }
        let words = usize::try_from(u32::from(char::MAX) / 64 + 1).unwrap_or(0);
        machine.spend(words * size_of::<u64>())?;
        let mut bits = vec![0; words];
        for c in text.chars() {
            let (word, bit) = Self::place(c);
            bits[word] |= bit;
        }
        Ok(Self::Many(bits))
    }

    fn place(c: char) -> (usize, u64) {
        let code = u32::from(c);
        (usize::try_from(code / 64).unwrap_or(0), 1 << (code % 64))
    }

    fn holds(&self, c: char) -> bool {
        match self {
            Self::Few(text) => text.contains(c),
            Self::Many(bits) => {
                let (word, bit) = Self::place(c);
                bits[word] & bit != 0
            }
        }
    }
}

/// sprig drops spaces byte by byte and takes each byte for a character: when there is a space, text beyond ASCII comes
/// out mangled.
fn without_spaces(machine: &Machine<'_>, whole: &[u8]) -> Result {
    if !whole.iter().any(|byte| char::from(*byte).is_whitespace()) {
        return machine.budget().copied(whole);
    }
    write_text(machine, |out| {
        for c in whole.iter().map(|byte| char::from(*byte)).filter(|c| !c.is_whitespace()) {
            out.put_char(c);
        }
    })
}

fn truncated(length: i64, whole: &[u8]) -> &[u8] {
    let count = usize::try_from(length.unsigned_abs()).unwrap_or(usize::MAX);
    match length {
        _ if count >= whole.len() && length != 0 => whole,
        length if length < 0 => &whole[whole.len() - count..],
        _ => &whole[..count.min(whole.len())],
    }
}

fn substr(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let (start, end, whole) = (int(args, 0), int(args, 1), bytes(args, 2));
    let length = i64::try_from(whole.len()).unwrap_or(i64::MAX);
    let (from, to) = match (start, end) {
        (start, end) if start < 0 => (0, end),
        (start, end) if end < 0 || end > length => (start, length),
        range => range,
    };
    if from > to || to < 0 || to > length {
        let shown = if from == 0 && start < 0 { format!("[:{to}]") } else { format!("[{from}:{to}]") };
        if to < 0 || to > length {
            return fail(format!("runtime error: slice bounds out of range {}", out_of(&shown, to, length)));
        }
        return fail(format!("runtime error: slice bounds out of range {shown}"));
    }
    let index = |number: i64| usize::try_from(number).unwrap_or(0);
    machine.budget().copied(&whole[index(from)..index(to)])
}

fn out_of(shown: &str, to: i64, length: i64) -> String {
    if to < 0 { format!("[:{to}]") } else { format!("{shown} with length {length}") }
}

/// Cuts the middle out so that at most `width` bytes stay, `...` marking the cuts.
fn abbreviate(whole: &[u8], offset: i64, width: i64, out: &mut TextBuffer<'_>) {
    if width < 4 || (offset > 0 && width < 7) {
        return out.put(whole);
    }
    let (length, width) = (whole.len(), usize::try_from(width).unwrap_or(usize::MAX));
    if length <= width {
        return out.put(whole);
    }
    let mut offset = usize::try_from(offset).unwrap_or(0).min(length);
    if length - offset < width - 3 {
        offset = length - (width - 3);
    }
    if offset <= 4 {
        out.put(&whole[..width - 3]);
        return out.put(b"...");
    }
    out.put(b"...");
    if offset + width - 3 < length {
        let inner = i64::try_from(width - 3).unwrap_or(i64::MAX);
        return abbreviate(&whole[offset..], 0, inner, out);
    }
    out.put(&whole[length - (width - 3)..]);
}

fn count(number: i64) -> Result<usize> {
    usize::try_from(number).or_else(|_| fail("strings: negative Repeat count"))
}

fn repeat(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let (times, whole) = (count(int(args, 0))?, bytes(args, 1));
    let length = whole.len().saturating_mul(times);
    let mut out = TextBuffer::with_room(machine.budget(), length);
    if length > 0 && !out.is_spent() {
        (0..times).for_each(|_| out.put(whole));
    }
    out.into_value()
}

/// Pads every line, also an empty one and the one after the last newline.
fn indent(machine: &mut Machine<'_>, args: &[Value], before: &[u8]) -> Result {
    let (width, whole) = (count(int(args, 0))?, bytes(args, 1));
    let lines = 1 + memchr::memchr_iter(b'\n', whole).count();
    let size = lines.saturating_mul(width).saturating_add(whole.len() + before.len());
    let mut out = TextBuffer::with_room(machine.budget(), size);
    out.put(before);
    for (index, line) in whole.split(|byte| *byte == b'\n').enumerate() {
        if index > 0 {
            out.put_byte(b'\n');
        }
        out.put_repeated(b' ', width);
        out.put(line);
        if out.is_spent() {
            break;
        }
    }
    out.into_value()
}

/// What is there of the arguments, written one after the other with a space between.
fn spaced<'a>(machine: &Machine<'a>, args: &[Value], put: fn(&Value, &mut TextBuffer<'a>)) -> Result {
    write_text(machine, |out| {
        for (index, arg) in args.iter().filter(|arg| !matches!(arg, Value::Nil)).enumerate() {
            if index > 0 {
                out.put_byte(b' ');
            }
            put(arg, out);
        }
    })
}

fn put_quoted(value: &Value, out: &mut TextBuffer<'_>) {
    if let Value::Str(text) | Value::Bytes(text) = value {
        return quote::put_quoted(text, false, out);
    }
    let mut printed = TextBuffer::new(out.budget());
    gotmpl::print_value(value, &mut printed);
    match printed.into_bytes() {
        Ok(printed) => quote::put_quoted(&printed, false, out),
        Err(error) => out.fail(error),
    }
}

fn put_single_quoted(value: &Value, out: &mut TextBuffer<'_>) {
    out.put_byte(b'\'');
    gotmpl::print_value(value, out);
    out.put_byte(b'\'');
}

fn replace(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let (old, new, whole) = (bytes(args, 0), bytes(args, 1), bytes(args, 2));
    let mut out = TextBuffer::new(machine.budget());
    let mut pieces = Pieces::of(machine, whole, old);
    // Go puts the new text before every character and at the end, where the old one is empty.
    if old.is_empty() {
        out.put(new);
    }
    let mut first = true;
    while let Some(piece) = pieces.next_piece()? {
        if !first {
            out.put(new);
        }
        first = false;
        out.put(piece);
        if out.is_spent() {
            break;
        }
    }
    if old.is_empty() && !whole.is_empty() {
        out.put(new);
    }
    out.into_value()
}

/// How much of a text is searched between two looks at the stop flag.
const SEARCHED: usize = 1 << 20;

/// `strings.SplitN(whole, separator, limit)`, piece by piece; an empty separator splits into characters.
struct Pieces<'m, 'a, 't> {
    machine: &'m Machine<'a>,
    finder: Finder<'t>,
    rest: Option<&'t [u8]>,
    left: usize,
}

impl<'m, 'a, 't> Pieces<'m, 'a, 't> {
    fn of(machine: &'m Machine<'a>, whole: &'t [u8], separator: &'t [u8]) -> Self {
        Self { machine, finder: Finder::new(separator), rest: Some(whole), left: usize::MAX }
    }

    fn at_most(self, pieces: i64) -> Self {
        Self { left: usize::try_from(pieces).unwrap_or(usize::MAX), ..self }
    }

    fn separator(&self) -> &[u8] {
        self.finder.needle()
    }

    fn next_piece(&mut self) -> Result<Option<&'t [u8]>> {
        if self.left == 0 {
            return Ok(None);
        }
        let Some(rest) = self.rest else { return Ok(None) };
        let cut = match (self.left, self.separator()) {
            (1, _) => None,
            (_, []) => char_length(rest),
            _ => self.find_next()?,
        };
        self.left -= 1;
        let length = self.separator().len();
        self.rest = cut.map(|cut| &rest[cut + length..]);
        let piece = cut.map_or(rest, |cut| &rest[..cut]);
        let is_end = cut.is_none() && length == 0 && piece.is_empty();
        Ok((!is_end).then_some(piece))
    }

    /// Where the separator stands next in what is left. A long text is searched in overlapping pieces.
    fn find_next(&self) -> Result<Option<usize>> {
        let rest = self.rest.unwrap_or_default();
        let length = self.separator().len();
        let window = SEARCHED.max(length.saturating_mul(2));
        let mut from = 0;
        loop {
            let to = rest.len().min(from + window);
            if let Some(found) = self.finder.find(&rest[from..to]) {
                self.machine.budget().read(found)?;
                return Ok(Some(from + found));
            }
            self.machine.budget().read(to - from)?;
            if to == rest.len() {
                return Ok(None);
            }
            from = to - length.saturating_sub(1);
        }
    }
}

/// The bytes of the first character; `None` when it is the last one.
fn char_length(rest: &[u8]) -> Option<usize> {
    let head = &rest[..rest.len().min(4)];
    let chunk = head.utf8_chunks().next()?;
    let length = chunk.valid().chars().next().map_or(1, char::len_utf8);
    (length < rest.len()).then_some(length)
}

/// `_0`, `_1`, … → piece.
fn numbered(machine: &Machine<'_>, mut pieces: Pieces<'_, '_, '_>) -> Result {
    machine.budget().spend_map(0)?;
    let map = Map::new(MapType::Strings);
    let mut index = 0_usize;
    while let Some(piece) = pieces.next_piece()? {
        machine.budget().spend_entry()?;
        machine.spend(32)?;
        let piece = machine.budget().copied(piece)?;
        let key = machine.budget().copied(format!("_{index}").as_bytes())?;
        let Value::Str(key) = key else { break };
        map.set(key, piece);
        index += 1;
    }
    Ok(Value::Map(map))
}

/// The texts of a list's elements, nil ones left out; anything else is a list of itself.
fn texts(machine: &Machine<'_>, value: &Value) -> Result<Vec<Str>> {
    let Some(items) = elements(machine, value)? else {
        return if matches!(value, Value::Nil) { Ok(Vec::new()) } else { Ok(vec![shared(machine, value)?]) };
    };
    machine.budget().spend_list(items.len())?;
    let mut texts = Vec::with_capacity(items.len());
    for item in items.iter().filter(|item| !matches!(item, Value::Nil)) {
        texts.push(shared(machine, item)?);
    }
    Ok(texts)
}

/// sprig's text of a value: that of a string is shared.
fn shared(machine: &Machine<'_>, value: &Value) -> Result<Str> {
    match value {
        Value::Str(text) | Value::Bytes(text) => Ok(text.clone()),
        value => {
            let mut out = TextBuffer::new(machine.budget());
            gotmpl::print_value(value, &mut out);
            out.into_text()
        }
    }
}

fn strings(machine: &Machine<'_>, texts: Vec<Str>) -> Result {
    machine.budget().spend_list(texts.len())?;
    Ok(Value::List(gotmpl::List::new(ListType::Strings, texts.into_iter().map(Value::Str).collect())))
}

fn join(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let separator = bytes(args, 0);
    let whole = std::slice::from_ref(&args[1]);
    let items = match elements(machine, &args[1])? {
        Some(items) => items,
        None => Cow::Borrowed(whole),
    };
    write_text(machine, |out| {
        for (index, item) in items.iter().filter(|item| !matches!(item, Value::Nil)).enumerate() {
            if index > 0 {
                out.put(separator);
            }
            put_strval(item, out);
            if out.is_spent() {
                break;
            }
        }
    })
}

fn sort_alpha(machine: &Machine<'_>, value: &Value) -> Result {
    // Nothing is no list of nothing here.
    if matches!(value, Value::Nil) {
        return strings(machine, vec![Str::from(&*strval(machine, value)?)]);
    }
    let mut parts = texts(machine, value)?;
    sort_texts(machine, &mut parts)?;
    strings(machine, parts)
}

/// Sorts by merging. Comparing is accounted for: texts may be long, and differ at their ends only.
fn sort_texts(machine: &Machine<'_>, texts: &mut Vec<Str>) -> Result<()> {
    let budget = machine.budget();
    let mut width = 1;
    while width < texts.len() {
        budget.spend_list(texts.len())?;
        let mut merged = Vec::with_capacity(texts.len());
        for pair in texts.chunks(width * 2) {
            let (left, right) = pair.split_at(width.min(pair.len()));
            let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
            while let (Some(first), Some(second)) = (left.peek(), right.peek()) {
                budget.read(first.len().min(second.len()))?;
                merged.extend(if first <= second { left.next() } else { right.next() }.cloned());
            }
            merged.extend(left.chain(right).cloned());
        }
        budget.work(texts.len() as u64)?;
        *texts = merged;
        width *= 2;
    }
    Ok(())
}

/// Greedy wrapping at spaces; a word longer than the width is cut only if `cuts`.
fn wrap(texts: (&[u8], &[u8]), width: i64, cuts: bool, out: &mut TextBuffer<'_>) {
    let (whole, newline) = texts;
    let width = usize::try_from(width.max(1)).unwrap_or(1);
    let newline = if newline.is_empty() { b"\n" } else { newline };
    let mut rest = whole;
    while rest.len() > width && !out.is_spent() {
        if rest[0] == b' ' {
            rest = &rest[1..];
            continue;
        }
        let space = rest[..=width].iter().rposition(|byte| *byte == b' ');
        let cut = match space {
            Some(space) => space,
            None if cuts => width,
            None => match rest[width..].iter().position(|byte| *byte == b' ') {
                Some(space) => width + space,
                None => break,
            },
        };
        out.put(&rest[..cut]);
        out.put(newline);
        rest = &rest[cut + usize::from(space.is_some() || !cuts)..];
    }
    out.put(rest);
}
