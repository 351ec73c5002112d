//! Label selectors as Kubernetes writes them: `a=b,c!=d,e in (f,g),!h`.

use std::collections::BTreeMap;

use crate::error::{Error, Result};

/// Requirements that all have to hold.
#[derive(Debug, Default)]
pub(crate) struct LabelSelector(Vec<Requirement>);

#[derive(Debug)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Debug)]
enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Absent,
    Above(i64),
    Below(i64),
}

impl LabelSelector {
    /// Reads a selector; an empty one selects everything.
    ///
    /// # Errors
    /// It is no selector.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let parts = split(text).into_iter().map(str::trim);
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        parts.map(|part| requirement(part, text)).collect::<Result<_>>().map(Self)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|requirement| requirement.test.holds(labels.get(&requirement.key)))
    }
}

impl Test {
    fn holds(&self, value: Option<&String>) -> bool {
        let number = || value.and_then(|value| value.parse::<i64>().ok());
        match self {
            Self::In(values) => value.is_some_and(|value| values.contains(value)),
            Self::NotIn(values) => value.is_none_or(|value| !values.contains(value)),
            Self::Exists => value.is_some(),
            Self::Absent => value.is_none(),
            Self::Above(n) => number().is_some_and(|value| value > *n),
            Self::Below(n) => number().is_some_and(|value| value < *n),
        }
    }
}

/// At commas that are not in parentheses.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn requirement(part: &str, whole: &str) -> Result<Requirement> {
    let bad = || Error::new(format!("unable to parse requirement: '{part}' in the selector '{whole}'"));
    let make = |key: &str, test: Test| {
        let key = key.trim();
        let good = !key.is_empty() && !key.contains(|c: char| c.is_whitespace() || "()=!<>".contains(c));
        if good { Ok(Requirement { key: key.to_owned(), test }) } else { Err(bad()) }
    };
    if let Some(key) = part.strip_prefix('!') {
        return make(key, Test::Absent);
    }
    let one = |value: &str| vec![value.trim().to_owned()];
    if let Some((key, value)) = part.split_once("!=") {
        return make(key, Test::NotIn(one(value)));
    }
    if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return make(key, Test::In(one(value)));
    }
    if let Some((key, value)) = part.split_once('>') {
        return make(key, Test::Above(value.trim().parse().map_err(|_| bad())?));
    }
    if let Some((key, value)) = part.split_once('<') {
        return make(key, Test::Below(value.trim().parse().map_err(|_| bad())?));
    }
    let Some((head, set)) = part.split_once('(') else { return make(part, Test::Exists) };
    let values: Vec<_> = set
        .trim_end()
        .strip_suffix(')')
        .ok_or_else(bad)?
        .split(',')
        .map(|value| value.trim().to_owned())
        .collect();
    match head.trim().rsplit_once(char::is_whitespace) {
        Some((key, "in")) => make(key, Test::In(values)),
        Some((key, "notin")) => make(key, Test::NotIn(values)),
        _ => Err(bad()),
    }
}
