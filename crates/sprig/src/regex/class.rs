//! Character classes of Go's syntax: `[a-z]`, `\d`, `[[:alpha:]]`, `\p{Greek}`; all of them ASCII but the last.

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange, HirKind};

use super::parse::{Code, Error, Flags, escape};

type Ranges = &'static [(char, char)];

const DIGIT: Ranges = &[('0', '9')];
const SPACE: Ranges = &[('\t', '\n'), ('\x0c', '\r'), (' ', ' ')];
const WORD: Ranges = &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')];

const POSIX: [(&str, Ranges); 14] = [
    ("alnum", &[('0', '9'), ('A', 'Z'), ('a', 'z')]),
    ("alpha", &[('A', 'Z'), ('a', 'z')]),
    ("ascii", &[('\0', '\x7f')]),
    ("blank", &[('\t', '\t'), (' ', ' ')]),
    ("cntrl", &[('\0', '\x1f'), ('\x7f', '\x7f')]),
    ("digit", DIGIT),
    ("graph", &[('!', '~')]),
    ("lower", &[('a', 'z')]),
    ("print", &[(' ', '~')]),
    ("punct", &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')]),
    ("space", &[('\t', '\r'), (' ', ' ')]),
    ("upper", &[('A', 'Z')]),
    ("word", WORD),
    ("xdigit", &[('0', '9'), ('A', 'F'), ('a', 'f')]),
];

type Read<T> = Result<T, Error>;

/// A class, and what is behind it.
type Found<'a> = (ClassUnicode, &'a str);

/// A class of these ranges; with case folding also what folds to them.
fn of(ranges: Ranges, negated: bool, flags: Flags) -> ClassUnicode {
    let ranges = ranges.iter().map(|(low, high)| ClassUnicodeRange::new(*low, *high));
    finished(ClassUnicode::new(ranges), negated, flags)
}

fn finished(mut class: ClassUnicode, negated: bool, flags: Flags) -> ClassUnicode {
    if flags.fold {
        class.case_fold_simple();
    }
    if negated {
        class.negate();
    }
    class
}

/// One character; with case folding all its forms.
pub(super) fn single(c: char, flags: Flags) -> ClassUnicode {
    finished(ClassUnicode::new([ClassUnicodeRange::new(c, c)]), false, flags)
}

/// `\d \s \w` and their opposites.
pub(super) fn perl(text: &str, flags: Flags) -> Option<Found<'_>> {
    let mut chars = text.strip_prefix('\\')?.chars();
    let letter = chars.next()?;
    let ranges = match letter.to_ascii_lowercase() {
        'd' => DIGIT,
        's' => SPACE,
        'w' => WORD,
        _ => return None,
    };
    Some((of(ranges, letter.is_ascii_uppercase(), flags), chars.as_str()))
}

/// `[:alpha:]` and `[:^alpha:]`, inside brackets.
fn posix(text: &str, flags: Flags) -> Read<Option<Found<'_>>> {
    let Some((name, rest)) = text.strip_prefix("[:").and_then(|inner| inner.split_once(":]")) else {
        return Ok(None);
    };
    let (name, negated) = name.strip_prefix('^').map_or((name, false), |name| (name, true));
    match POSIX.iter().find(|(known, _)| *known == name) {
        Some((_, ranges)) => Ok(Some((of(ranges, negated, flags), rest))),
        None => Err(Error::new(Code::ClassRange, &text[..text.len() - rest.len()])),
    }
}

/// `\pN`, `\p{Greek}`, `\P{^Greek}`
pub(super) fn unicode(text: &str, flags: Flags) -> Read<Option<Found<'_>>> {
    let (inner, capital) = match (text.strip_prefix("\\p"), text.strip_prefix("\\P")) {
        (Some(inner), _) => (inner, false),
        (_, Some(inner)) => (inner, true),
        _ => return Ok(None),
    };
    let Some(first) = inner.chars().next() else { return Err(Error::new(Code::ClassRange, text)) };
    let end = match first {
        '{' => inner.find('}').map(|close| close + 1).ok_or_else(|| Error::new(Code::ClassRange, text))?,
        c => c.len_utf8(),
    };
    let (name, rest) = inner.split_at(end);
    let name = name.strip_prefix('{').map_or(name, |name| &name[..name.len() - 1]);
    let (name, caret) = name.strip_prefix('^').map_or((name, false), |name| (name, true));
    let wrong = || Error::new(Code::ClassRange, &text[..text.len() - rest.len()]);
    let class = table(name).ok_or_else(wrong)?;
    Ok(Some((finished(class, capital != caret, flags), rest)))
}

/// The category or script called `name`; case, spaces, `-` and `_` do not count.
fn table(name: &str) -> Option<ClassUnicode> {
    let plain: String = name.chars().filter(|c| !matches!(c, ' ' | '-' | '_')).collect();
    if plain.is_empty() || !plain.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let special = ["any", "assigned", "ascii"].contains(&&*plain.to_ascii_lowercase());
    let spellings = if special { vec![plain] } else { vec![format!("gc={plain}"), format!("sc={plain}")] };
    spellings.iter().find_map(|spelling| {
        match regex_syntax::parse(&format!("\\p{{{spelling}}}")).ok()?.into_kind() {
            HirKind::Class(regex_syntax::hir::Class::Unicode(class)) => Some(class),
            HirKind::Class(regex_syntax::hir::Class::Bytes(class)) => class.to_unicode_class(),
            _ => None,
        }
    })
}

/// A class in brackets; `text` begins with the bracket.
pub(super) fn bracketed(text: &str, flags: Flags) -> Read<Found<'_>> {
    let inner = &text[1..];
    let (mut rest, negated) = inner.strip_prefix('^').map_or((inner, false), |rest| (rest, true));
    let mut class = ClassUnicode::empty();
    let mut first = true;
    // A bracket that closes stands for itself at the beginning.
    while first || !rest.starts_with(']') {
        first = false;
        let (part, behind) = item(rest, text, flags)?;
        class.union(&part);
        rest = behind;
    }
    if negated {
        class.negate();
    }
    Ok((class, &rest[1..]))
}

/// A named class, a character, or a range of them.
fn item<'a>(text: &'a str, whole: &'a str, flags: Flags) -> Read<Found<'a>> {
    if let Some(found) = posix(text, flags)? {
        return Ok(found);
    }
    if let Some(found) = unicode(text, flags)? {
        return Ok(found);
    }
    if let Some(found) = perl(text, flags) {
        return Ok(found);
    }
    let (low, rest) = character(text, whole)?;
    let Some(behind) = rest.strip_prefix('-').filter(|behind| !behind.is_empty() && !behind.starts_with(']'))
    else {
        return Ok((single(low, flags), rest));
    };
    let (high, rest) = character(behind, whole)?;
    if high < low {
        return Err(Error::new(Code::ClassRange, &text[..text.len() - rest.len()]));
    }
    Ok((finished(ClassUnicode::new([ClassUnicodeRange::new(low, high)]), false, flags), rest))
}

fn character<'a>(text: &'a str, whole: &str) -> Read<(char, &'a str)> {
    let mut chars = text.chars();
    match chars.next() {
        None => Err(Error::new(Code::MissingBracket, whole)),
        Some('\\') => escape(text),
        Some(c) => Ok((c, chars.as_str())),
    }
}
