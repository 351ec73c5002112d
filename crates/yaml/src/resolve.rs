//! What a scalar means: the YAML 1.1 rules of go-yaml v2, and those of v3 that leave `yes` and `on` alone.

use std::borrow::Cow;

use crate::base64;
use crate::error::Dialect;
use crate::event::ScalarStyle;
use crate::node::NodeRef;
use crate::number::{Integer, parse_after_prefix, parse_float, parse_integer, parse_point_float};
use crate::timestamp::{self, Timestamp};

const BAD_BASE64: &str = "!!binary value contains invalid base64 data";
const LONG_PREFIX: &str = "tag:yaml.org,2002:";

/// A scalar's meaning.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scalar<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Timestamp(Timestamp),
    Str(Cow<'a, str>),
}

impl Scalar<'_> {
    /// The short tag it resolves to.
    pub(crate) fn tag(&self) -> &'static str {
        match self {
            Scalar::Null => "!!null",
            Scalar::Bool(_) => "!!bool",
            Scalar::Int(_) | Scalar::Uint(_) => "!!int",
            Scalar::Float(_) => "!!float",
            Scalar::Timestamp(_) => "!!timestamp",
            Scalar::Str(_) => "!!str",
        }
    }
}

/// Why a scalar has no meaning; the text is go-yaml's, without `yaml: `.
pub(crate) type Unresolved = String;

/// What an untagged plain scalar means.
pub(crate) fn plain(text: &str, dialect: Dialect) -> Scalar<'_> {
    resolve(text, dialect, true)
}

/// What a scalar node means, with its tag.
pub(crate) fn node<'d>(node: NodeRef<'d, '_>, dialect: Dialect) -> Result<Scalar<'d>, Unresolved> {
    parts(node.value(), node.tag(), node.scalar_style(), dialect)
}

/// What a text with a tag means.
pub(crate) fn parts<'t>(
    text: &'t str,
    tag: &str,
    style: ScalarStyle,
    dialect: Dialect,
) -> Result<Scalar<'t>, Unresolved> {
    let quoted = style != ScalarStyle::Plain;
    match dialect {
        // v2: without a tag, quotes mean text; a lone `!` is a tag like any unknown one.
        Dialect::V2 if tag.is_empty() && quoted => Ok(Scalar::Str(text.into())),
        Dialect::V2 if tag.is_empty() => Ok(plain(text, dialect)),
        Dialect::V2 => tagged(text, tag, dialect),
        // v3: a lone `!` is as good as no tag; quotes and `!!str` win.
        Dialect::V3 => match shorten(tag).as_ref() {
            "" | "!" if quoted => Ok(Scalar::Str(text.into())),
            "" | "!" => Ok(plain(text, dialect)),
            "!!str" => Ok(Scalar::Str(text.into())),
            _ => tagged(text, tag, dialect),
        },
    }
}

/// `!!int` for `tag:yaml.org,2002:int`.
pub(crate) fn shorten(tag: &str) -> Cow<'_, str> {
    match tag.strip_prefix(LONG_PREFIX) {
        Some(name) => Cow::Owned(format!("!!{name}")),
        None => Cow::Borrowed(tag),
    }
}

fn tagged<'a>(text: &'a str, tag: &str, dialect: Dialect) -> Result<Scalar<'a>, Unresolved> {
    let short = shorten(tag);
    let scalar = match short.as_ref() {
        "!!str" => return Ok(Scalar::Str(text.into())),
        "!!binary" => {
            return base64::decode(text)
                .map(|text| Scalar::Str(text.into()))
                .ok_or_else(|| BAD_BASE64.to_owned());
        }
        "!!bool" | "!!int" | "!!float" | "!!null" => resolve(text, dialect, false),
        "!!timestamp" => resolve(text, dialect, true),
        _ => return Ok(Scalar::Str(text.into())),
    };
    match (short.as_ref(), scalar) {
        (want, scalar) if scalar.tag() == want => Ok(scalar),
        ("!!float", Scalar::Int(n)) => Ok(Scalar::Float(n as f64)),
        (want, scalar) => Err(format!("cannot decode {} `{text}` as a {want}", scalar.tag())),
    }
}

fn resolve(text: &str, dialect: Dialect, timestamps: bool) -> Scalar<'_> {
    let Some(&first) = text.as_bytes().first() else { return Scalar::Null };
    match first {
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' => word(text, dialect),
        b'.' => point(text),
        b'0'..=b'9' | b'+' | b'-' => number(text, dialect, timestamps),
        _ => Scalar::Str(text.into()),
    }
}

fn word(text: &str, dialect: Dialect) -> Scalar<'_> {
    match text {
        "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "true" | "True" | "TRUE" => Scalar::Bool(true),
        "false" | "False" | "FALSE" => Scalar::Bool(false),
        _ => match (dialect, text) {
            (Dialect::V2, "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON") => Scalar::Bool(true),
            (Dialect::V2, "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF") => Scalar::Bool(false),
            _ => Scalar::Str(text.into()),
        },
    }
}

fn point(text: &str) -> Scalar<'_> {
    match text {
        ".inf" | ".Inf" | ".INF" => Scalar::Float(f64::INFINITY),
        ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
        _ => parse_point_float(text).map_or_else(|| Scalar::Str(text.into()), Scalar::Float),
    }
}

fn number(text: &str, dialect: Dialect, timestamps: bool) -> Scalar<'_> {
    match text {
        "+.inf" | "+.Inf" | "+.INF" => return Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Scalar::Float(f64::NEG_INFINITY),
        _ => {}
    }
    if timestamps && let Some(moment) = timestamp::parse(text) {
        return Scalar::Timestamp(moment);
    }
    let digits = if text.contains('_') { Cow::Owned(text.replace('_', "")) } else { Cow::Borrowed(text) };
    let integer = parse_integer(&digits);
    match integer
        .or_else(|| if parse_float(&digits).is_some() { None } else { odd_integer(&digits, dialect) })
    {
        Some(Integer::Int(n)) => Scalar::Int(n),
        Some(Integer::Uint(n)) => Scalar::Uint(n),
        None => parse_float(&digits).map_or_else(|| Scalar::Str(text.into()), Scalar::Float),
    }
}

/// go-yaml's second try at `0b` (and in v3 `0o`) numbers, which lets a sign follow the prefix.
fn odd_integer(text: &str, dialect: Dialect) -> Option<Integer> {
    let (minus, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (digits, radix) = match (dialect, rest.strip_prefix("0b"), rest.strip_prefix("0o")) {
        (_, Some(digits), _) => (digits, 2),
        (Dialect::V3, None, Some(digits)) => (digits, 8),
        _ => return None,
    };
    if !minus {
        return parse_after_prefix(digits, radix);
    }
    match digits.as_bytes().first() {
        Some(b'+' | b'-') => None,
        _ => parse_after_prefix(&format!("-{digits}"), radix),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_norway_problem_is_one_of_v2() {
        assert_eq!(plain("no", Dialect::V2), Scalar::Bool(false));
        assert_eq!(plain("no", Dialect::V3), Scalar::Str("no".into()));
        assert_eq!(plain("oN", Dialect::V2), Scalar::Str("oN".into()));
    }

    #[test]
    fn numbers_of_both() {
        for dialect in [Dialect::V2, Dialect::V3] {
            assert_eq!(plain("0o17", dialect), Scalar::Int(15));
            assert_eq!(plain("08", dialect), Scalar::Float(8.0));
            assert_eq!(plain("1_000", dialect), Scalar::Int(1000));
            assert_eq!(plain("0b-1", dialect), Scalar::Int(-1));
            assert_eq!(plain("1e400", dialect), Scalar::Str("1e400".into()));
        }
        assert_eq!(plain("0o-7", Dialect::V2), Scalar::Str("0o-7".into()));
        assert_eq!(plain("0o-7", Dialect::V3), Scalar::Int(-7));
    }
}
