//! Letter case: upper, lower, title, and the naming conventions.

use gotmpl::{Function, Type, Value};

use crate::args::text;

const S: &[Type] = &[Type::String];

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::new("upper", S, |_, args| {
        Ok(Value::from(text(args, 0).chars().map(upper).collect::<String>()))
    }),
    Function::new("lower", S, |_, args| {
        Ok(Value::from(text(args, 0).chars().map(lower).collect::<String>()))
    }),
    Function::new("title", S, |_, args| Ok(Value::from(title(&text(args, 0))))),
    Function::new("untitle", S, |_, args| Ok(Value::from(untitle(&text(args, 0))))),
    Function::new("swapcase", S, |_, args| Ok(Value::from(swap(&text(args, 0))))),
    Function::new("initials", S, |_, args| Ok(Value::from(initials(&text(args, 0))))),
    Function::new("snakecase", S, |_, args| Ok(Value::from(words_joined(&text(args, 0), '_')))),
    Function::new("kebabcase", S, |_, args| Ok(Value::from(words_joined(&text(args, 0), '-')))),
    Function::new("camelcase", S, |_, args| Ok(Value::from(pascal(&text(args, 0))))),
];

/// Go maps one character to one character; where Rust's mapping has several, it stays.
fn upper(c: char) -> char {
    let mut mapped = c.to_uppercase();
    match (mapped.next(), mapped.next()) {
        (Some(single), None) => single,
        _ => c,
    }
}

fn lower(c: char) -> char {
    if c == 'İ' {
        return 'i';
    }
    let mut mapped = c.to_lowercase();
    match (mapped.next(), mapped.next()) {
        (Some(single), None) => single,
        _ => c,
    }
}

/// Go's `strings.Title`: ASCII letters, digits and `_` are parts of words; beyond ASCII, letters and digits are, and
/// of the rest only spaces separate.
fn separates(c: char) -> bool {
    match c {
        c if c.is_ascii() => !c.is_ascii_alphanumeric() && c != '_',
        c if c.is_alphanumeric() => false,
        c => c.is_whitespace(),
    }
}

fn title(text: &str) -> String {
    let mut before = ' ';
    let map = |c: char| {
        let mapped = if separates(before) { upper(c) } else { c };
        before = c;
        mapped
    };
    text.chars().map(map).collect()
}

fn untitle(text: &str) -> String {
    let mut start = true;
    let map = |c: char| {
        let mapped = if start { lower(c) } else { c };
        start = c.is_whitespace();
        mapped
    };
    text.chars().map(map).collect()
}

fn swap(text: &str) -> String {
    let map = |c: char| if c.is_uppercase() { lower(c) } else { upper(c) };
    text.chars().map(map).collect()
}

fn initials(text: &str) -> String {
    text.split_whitespace().filter_map(|word| word.chars().next()).collect()
}

/// What kind of run a word is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Run {
    Letters,
    Digits,
    /// `-`, `_` and white space.
    Connector,
    Other,
}

fn run_of(c: char) -> Run {
    match c {
        '-' | '_' => Run::Connector,
        c if c.is_whitespace() => Run::Connector,
        c if c.is_numeric() => Run::Digits,
        c if c.is_alphabetic() => Run::Letters,
        _ => Run::Other,
    }
}

/// The first word of `text` and the rest. Letters end where an upper case letter begins a new word: `HTTPServer` is
/// `HTTP`, `Server`.
fn next_word(text: &str) -> (Run, &str, &str) {
    let chars: Vec<(usize, char)> = text.char_indices().collect();
    let run = run_of(chars[0].1);
    let same = chars.iter().take_while(|(_, c)| run_of(*c) == run).count();
    let end = if run == Run::Letters { letters_end(&chars[..same]) } else { same };
    let cut = chars.get(end).map_or(text.len(), |(at, _)| *at);
    (run, &text[..cut], &text[cut..])
}

fn letters_end(chars: &[(usize, char)]) -> usize {
    let upper = chars.iter().take_while(|(_, c)| c.is_uppercase()).count();
    let lower = chars[upper..].iter().take_while(|(_, c)| !c.is_uppercase()).count();
    match (upper, lower) {
        (0 | 1, _) => upper + lower,
        (_, 0) => upper,
        // The last upper case letter belongs to the lower case ones.
        _ => upper - 1,
    }
}

/// `snakecase` and `kebabcase`: lower case words joined by `connector`. Digits stick to the letters before them
/// unless letters in lower case follow.
fn words_joined(text: &str, connector: char) -> String {
    let mut words = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (run, word, after) = next_word(rest);
        words.push((run, word));
        rest = after;
    }
    let mut out = String::new();
    let mut glued = true;
    let mut index = 0;
    while let Some((run, word)) = words.get(index) {
        let (next, after) = (words.get(index + 1).map(|next| next.0), words.get(index + 2));
        match run {
            Run::Connector => {
                out.extend(
                    word.chars()
                        .map(|c| if c.is_whitespace() || c == '-' || c == '_' { connector } else { c }),
                );
                glued = true;
            }
            Run::Other => {
                out.push_str(word);
                glued = true;
            }
            Run::Letters | Run::Digits => {
                if !glued {
                    out.push(connector);
                }
                out.extend(word.chars().map(lower));
                glued = *run == Run::Digits && next == Some(Run::Letters) && false;
            }
        }
        if *run == Run::Letters && next == Some(Run::Digits) {
            let lower_follows = after.is_some_and(|(run, word)| {
                *run == Run::Letters && word.chars().next().is_some_and(char::is_lowercase)
            });
            if lower_follows {
                out.push(connector);
            }
            glued = true;
        }
        index += 1;
    }
    out
}

/// `camelcase`: each word's first letter upper, the rest lower; connectors go, except at the ends.
fn pascal(text: &str) -> String {
    let connector = |c: char| c == '_' || c == '-' || c.is_whitespace();
    let inner = text.trim_matches(connector);
    if inner.is_empty() {
        return text.to_owned();
    }
    let head = text.len() - text.trim_start_matches(connector).len();
    let tail = head + inner.len();
    let mut out = text[..head].to_owned();
    let mut start = true;
    let mut previous_lower = false;
    for c in inner.chars() {
        if connector(c) {
            start = true;
            continue;
        }
        let begins = start || (c.is_uppercase() && previous_lower);
        out.push(if begins { upper(c) } else { lower(c) });
        previous_lower = !c.is_uppercase();
        start = false;
    }
    out.push_str(&text[tail..]);
    out
}
