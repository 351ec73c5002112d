//! Label selectors as Kubernetes writes them: `a=b,c!=d,e in (f,g),!h`.
//!
//! The language, the limits of its words and the messages are those of Kubernetes' `pkg/labels`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

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
        let mut reader = Reader { words: words(text), at: 0 };
        let mut all = Vec::new();
        while let Some(word) = reader.peek() {
            if !word.is_name() && word.text != "!" {
                let text = word.text;
                return Err(Error::new(format!(
                    "found '{text}', expected: !, identifier, or 'end of string'"
                )));
            }
            let one = reader.requirement();
            all.push(one.map_err(|error| error.under("unable to parse requirement"))?);
            reader.comma()?;
        }
        Ok(Self(all))
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

/// A name or a sign.
#[derive(Clone, Copy)]
struct Word<'t> {
    text: &'t str,
    is_sign: bool,
}

impl Word<'_> {
    fn is_name(self) -> bool {
        !self.is_sign
    }
}

const SIGNS: [&str; 9] = ["==", "!=", "=", "!", "(", ")", ",", ">", "<"];

fn words(text: &str) -> Vec<Word<'_>> {
    let is_sign = |c: char| "=!(),><".contains(c);
    let mut words = Vec::new();
    let mut rest = text.trim_start_matches([' ', '\t', '\r', '\n']);
    while !rest.is_empty() {
        let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
        let len = match sign {
            Some(sign) => sign.len(),
            None => rest.find(|c: char| is_sign(c) || " \t\r\n".contains(c)).unwrap_or(rest.len()),
        };
        words.push(Word { text: &rest[..len], is_sign: sign.is_some() });
        rest = rest[len..].trim_start_matches([' ', '\t', '\r', '\n']);
    }
    words
}

struct Reader<'t> {
    words: Vec<Word<'t>>,
    at: usize,
}

impl<'t> Reader<'t> {
    fn peek(&self) -> Option<Word<'t>> {
        self.words.get(self.at).copied()
    }

    fn next(&mut self) -> Option<Word<'t>> {
        let word = self.peek();
        self.at += 1;
        word
    }

    /// The text of what comes next, empty at the end.
    fn found(&self) -> &'t str {
        self.peek().map_or("", |word| word.text)
    }

    fn is_next(&self, sign: &str) -> bool {
        self.peek().is_some_and(|word| word.is_sign && word.text == sign)
    }

    /// What separates requirements; one has to follow it.
    fn comma(&mut self) -> Result<()> {
        let text = self.found();
        match self.next() {
            None => return Ok(()),
            Some(word) if word.is_sign && word.text == "," => {}
            Some(_) => return Err(Error::new(format!("found '{text}', expected: ',' or 'end of string'"))),
        }
        match self.peek() {
            Some(word) if word.is_name() || word.text == "!" => Ok(()),
            _ => Err(Error::new(format!("found '{}', expected: identifier after ','", self.found()))),
        }
    }

    fn requirement(&mut self) -> Result<Requirement> {
        let is_absent = self.is_next("!");
        self.at += usize::from(is_absent);
        let key = self.name()?;
        check_key(key)?;
        let test = if is_absent { Test::Absent } else { self.test()? };
        let values = match &test {
            Test::In(values) | Test::NotIn(values) => values.as_slice(),
            _ => &[],
        };
        values.iter().try_for_each(|value| check_value(key, value))?;
        Ok(Requirement { key: key.to_owned(), test })
    }

    fn name(&mut self) -> Result<&'t str> {
        match self.peek() {
            Some(word) if word.is_name() => {
                self.at += 1;
                Ok(word.text)
            }
            _ => Err(Error::new(format!("found '{}', expected: identifier", self.found()))),
        }
    }

    fn test(&mut self) -> Result<Test> {
        let operator = self.found();
        if operator.is_empty() || self.is_next(",") {
            return Ok(Test::Exists);
        }
        self.at += 1;
        let number = |value: &str| {
            value.parse().map_err(|_| Error::new("for 'Gt', 'Lt' operators, the value must be an integer"))
        };
        match operator {
            "in" => Ok(Test::In(self.values()?)),
            "notin" => Ok(Test::NotIn(self.values()?)),
            "=" | "==" => Ok(Test::In(vec![self.value()?.to_owned()])),
            "!=" => Ok(Test::NotIn(vec![self.value()?.to_owned()])),
            ">" => Ok(Test::Above(number(self.value()?)?)),
            "<" => Ok(Test::Below(number(self.value()?)?)),
            other => Err(Error::new(format!("found '{other}', expected: '=', '!=', '==', 'in', notin'"))),
        }
    }

    /// One value; none is the empty one.
    fn value(&mut self) -> Result<&'t str> {
        if self.peek().is_none() || self.is_next(",") { Ok("") } else { self.name() }
    }

    /// Values in parentheses; a comma with nothing beside it stands for the empty one.
    fn values(&mut self) -> Result<Vec<String>> {
        if !self.is_next("(") {
            return Err(Error::new(format!("found '{}' expected: '('", self.found())));
        }
        self.at += 1;
        let mut values = Vec::new();
        let starts = self.is_next(",") || self.is_next(")") || self.peek().is_some_and(Word::is_name);
        if !starts {
            return Err(Error::new(format!("found '{}', expected: ',', ')' or identifier", self.found())));
        }
        let mut is_open = true;
        while !self.is_next(")") {
            if self.is_next(",") {
                self.at += 1;
                if is_open || self.is_next(")") {
                    values.push(String::new());
                }
                is_open = true;
            } else if let (true, Some(word)) = (is_open, self.peek().filter(|word| word.is_name())) {
                self.at += 1;
                values.push(word.text.to_owned());
                is_open = false;
            } else {
                let wanted = if is_open { "',', or identifier" } else { "',' or ')'" };
                return Err(Error::new(format!("found '{}', expected: {wanted}", self.found())));
            }
        }
        self.at += 1;
        Ok(if values.is_empty() { vec![String::new()] } else { values })
    }
}

const KEY_NAME: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const SUBDOMAIN: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const MAX_NAME: usize = 63;
const MAX_SUBDOMAIN: usize = 253;

/// The rules of a word.
struct Rules(LazyLock<[Regex; 3]>);

static RULES: Rules = Rules(LazyLock::new(|| {
    [KEY_NAME.to_owned(), format!("({KEY_NAME})?"), SUBDOMAIN.to_owned()]
        .map(|text| Regex::new(&format!("^({text})$")).expect("the expressions are constants"))
}));

fn explain(rule: &str, expression: &str, examples: [&str; 3]) -> String {
    let examples = examples.map(|example| format!("'{example}', ")).join(" or ");
    format!("{rule} (e.g. {examples}regex used for validation is '{expression}')")
}

const NAME_RULE: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

fn check_key(key: &str) -> Result<()> {
    let [name_rule, _, domain_rule] = &*RULES.0;
    let explained = || explain(NAME_RULE, KEY_NAME, ["MyName", "my.name", "123-abc"]);
    let mut mistakes = Vec::new();
    let (prefix, name) = key.split_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    if name.contains('/') {
        mistakes.push(format!(
            "a qualified name {} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
            explained()
        ));
        return refuse_key(key, &mistakes);
    }
    match prefix {
        Some("") => mistakes.push("prefix part must be non-empty".to_owned()),
        Some(prefix) if prefix.len() > MAX_SUBDOMAIN => {
            mistakes.push(format!("prefix part must be no more than {MAX_SUBDOMAIN} characters"));
        }
        Some(prefix) if !domain_rule.is_match(prefix) => {
            let rule = "prefix part a DNS-1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
            let text = format!("{rule} (e.g. 'example.com', regex used for validation is '{SUBDOMAIN}')");
            mistakes.push(text);
        }
        _ => {}
    }
    if name.is_empty() {
        mistakes.push("name part must be non-empty".to_owned());
    } else if name.len() > MAX_NAME {
        mistakes.push(format!("name part must be no more than {MAX_NAME} characters"));
    }
    if !name_rule.is_match(name) {
        mistakes.push(format!("name part {}", explained()));
    }
    refuse_key(key, &mistakes)
}

fn refuse_key(key: &str, mistakes: &[String]) -> Result<()> {
    match mistakes {
        [] => Ok(()),
        mistakes => Err(Error::new(format!("invalid label key {key:?}: {}", mistakes.join("; ")))),
    }
}

fn check_value(key: &str, value: &str) -> Result<()> {
    let mut mistakes = Vec::new();
    if value.len() > MAX_NAME {
        mistakes.push(format!("must be no more than {MAX_NAME} characters"));
    }
    if !RULES.0[1].is_match(value) {
        let rule = format!("a valid label must be an empty string or {}", &NAME_RULE["must ".len()..]);
        let expression = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?";
        mistakes.push(explain(&rule, expression, ["MyValue", "my_value", "12345"]));
    }
    if mistakes.is_empty() {
        return Ok(());
    }
    let text = format!("invalid label value: {value:?}: at key: {key:?}: {}", mistakes.join("; "));
    Err(Error::new(text))
}

#[cfg(test)]
mod tests {
    use super::LabelSelector;

    fn selects(selector: &str, labels: &[(&str, &str)]) -> bool {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        LabelSelector::parse(selector).unwrap().matches(&labels)
    }

    #[test]
    fn all_requirements_have_to_hold() {
        let labels = [("a", "b"), ("n", "5"), ("x.io/y", "in")];
        for selector in [
            "",
            "a",
            "a=b",
            "a == b",
            "a!=c",
            "!z",
            "a in (b,c)",
            "a in(,b)",
            "z notin (q)",
            "n>4,n<6",
            "x.io/y in (in)",
            "a = b , n",
        ] {
            assert!(selects(selector, &labels), "{selector:?}");
        }
        for selector in ["!a", "a=c", "a!=b", "z", "z=", "a in (c)", "a notin (b)", "n>5", "a>1"] {
            assert!(!selects(selector, &labels), "{selector:?}");
        }
    }

    #[test]
    fn mistakes_are_told_in_the_words_of_kubernetes() {
        let cases = [
            ("a b", "unable to parse requirement: found 'b', expected: '=', '!=', '==', 'in', notin'"),
            ("a in (b", "unable to parse requirement: found '', expected: ',' or ')'"),
            ("a,", "found '', expected: identifier after ','"),
            ("a=b c", "found 'c', expected: ',' or 'end of string'"),
            ("=b", "found '=', expected: !, identifier, or 'end of string'"),
            ("a>b", "unable to parse requirement: for 'Gt', 'Lt' operators, the value must be an integer"),
        ];
        for (selector, expected) in cases {
            assert_eq!(LabelSelector::parse(selector).unwrap_err().to_string(), expected);
        }
    }
}
