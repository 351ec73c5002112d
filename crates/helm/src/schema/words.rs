//! Failures of schemas in the words of the library helm uses (`santhosh-tekuri/jsonschema` v6).

use std::cmp::Ordering;
use std::fmt::Display;

use boon::{CompileError, ErrorKind, InstanceLocation, InstanceToken, ValidationError};
use serde_json::{Number, Value};

use super::exact;

/// Longer texts end with `…`: enumerations can be long, and fail often.
const MAX_TEXT: usize = 256 << 10;

/// What is wrong with the values: one line for each failure, indented below the one it belongs to. `None` when
/// nothing is, by exact arithmetic.
pub(super) fn of_values(error: &ValidationError<'_, '_>) -> Option<String> {
    let mut out = String::new();
    causes(error, 0, &mut out);
    exact::is_failure(error).then_some(out)
}

/// What is wrong with the schema itself.
pub(super) fn of_compilation(error: &CompileError) -> String {
    match error {
        CompileError::LoadUrlError { url, src } => format!("failing loading {url:?}: {src}"),
        CompileError::ValidationError { url, src } => {
            format!("{url:?} is not valid against metaschema: {}", whole(src))
        }
        CompileError::JsonPointerNotFound(url) => format!("json-pointer in {url:?} not found"),
        CompileError::AnchorNotFound { url, reference } => {
            format!("anchor in {reference:?} not found in schema {url:?}")
        }
        CompileError::DuplicateId { url, id, ptr1, ptr2 } => {
            format!("duplicate id {id:?} in {url:?} at {ptr1:?} and {ptr2:?}")
        }
        CompileError::DuplicateAnchor { anchor, url, ptr1, ptr2 } => {
            format!("duplicate anchor {anchor:?} in {url:?} at {ptr1:?} and {ptr2:?}")
        }
        CompileError::UnsupportedDraft { url } => format!("draft {url:?} is not supported"),
        CompileError::MetaSchemaCycle { url } => format!("cycle in resolving $schema in {url:?}"),
        other => format!("{other:#}"),
    }
}

/// A failure with its first line.
fn whole(error: &ValidationError<'_, '_>) -> String {
    let mut out = match &error.kind {
        ErrorKind::Schema { url } => format!("jsonschema validation failed with {}\n", quoted(url)),
        _ => String::new(),
    };
    causes(error, 0, &mut out);
    out.truncate(out.trim_end().len());
    out
}

fn causes(error: &ValidationError<'_, '_>, indent: usize, out: &mut String) {
    for cause in in_order(error) {
        if out.len() > MAX_TEXT {
            out.push_str("…\n");
            return;
        }
        let indent = branches(error, cause, indent, out);
        tell(cause, indent, out);
    }
}

fn tell(error: &ValidationError<'_, '_>, indent: usize, out: &mut String) {
    if matches!(error.kind, ErrorKind::Reference { .. }) && error.causes.len() == 1 {
        return causes(error, indent, out);
    }
    line(&error.instance_location.to_string(), &kind(&error.kind), indent, out);
    causes(error, indent + 1, out);
}

fn line(place: &str, text: &str, indent: usize, out: &mut String) {
    out.push_str(&format!("{}- at {}: {text}\n", "  ".repeat(indent), quoted(place)));
}

/// Lines for `allOf`, `anyOf` and `oneOf` on the way from a failure to its cause: `boon` leaves them out where one
/// branch failed. Answers the indentation below them.
///
/// The way is what the cause's schema has behind the schema of the failure; each step to a member or an item takes
/// one more part of the cause's place.
fn branches(
    error: &ValidationError<'_, '_>,
    cause: &ValidationError<'_, '_>,
    mut indent: usize,
    out: &mut String,
) -> usize {
    let Some(way) = cause.schema_url.strip_prefix(location(error)) else { return indent };
    let place: Vec<String> = cause.instance_location.to_string().split('/').map(str::to_owned).collect();
    let mut depth = error.instance_location.tokens.len() + 1;
    // A failure of branches is told already.
    let mut is_branch = matches!(error.kind, ErrorKind::AllOf | ErrorKind::AnyOf | ErrorKind::OneOf(None));
    let mut steps = way.split('/').skip(1);
    while let Some(step) = steps.next() {
        let failed = match step {
            "allOf" => ErrorKind::AllOf,
            "anyOf" => ErrorKind::AnyOf,
            "oneOf" => ErrorKind::OneOf(None),
            _ => {
                let (named, deeper) = reach(step);
                depth += usize::from(deeper);
                steps.by_ref().take(usize::from(named)).for_each(drop);
                continue;
            }
        };
        steps.next();
        if std::mem::take(&mut is_branch) {
            continue;
        }
        line(&place[..depth.min(place.len())].join("/"), &kind(&failed), indent, out);
        indent += 1;
    }
    indent
}

/// Whether a name follows a keyword, and whether it leads to a member or an item.
fn reach(keyword: &str) -> (bool, bool) {
    match keyword {
        "properties" | "patternProperties" | "prefixItems" => (true, true),
        "dependentSchemas" | "dependencies" | "$defs" | "definitions" => (true, false),
        "additionalProperties"
        | "unevaluatedProperties"
        | "items"
        | "additionalItems"
        | "unevaluatedItems"
        | "contains" => (false, true),
        _ => (false, false),
    }
}

/// The schema a failure is about.
fn location<'s>(error: &ValidationError<'s, '_>) -> &'s str {
    match &error.kind {
        ErrorKind::Schema { url } | ErrorKind::Reference { url, .. } => url,
        _ => error.schema_url,
    }
}

/// Failures of members and items in the order of their places; those of alternatives, and the others, stay where they
/// are. The library's own order is one of chance for some keywords.
fn in_order<'e, 's, 'v>(error: &'e ValidationError<'s, 'v>) -> Vec<&'e ValidationError<'s, 'v>> {
    let mut causes: Vec<_> = error.causes.iter().filter(|cause| exact::is_failure(cause)).collect();
    if matches!(error.kind, ErrorKind::AllOf | ErrorKind::AnyOf | ErrorKind::OneOf(_)) {
        return causes;
    }
    let depth = error.instance_location.tokens.len();
    for run in causes.chunk_by_mut(|a, b| {
        a.instance_location.tokens.len() > depth && b.instance_location.tokens.len() > depth
    }) {
        run.sort_by(|a, b| by_place(&a.instance_location, &b.instance_location));
    }
    causes
}

fn by_place(a: &InstanceLocation<'_>, b: &InstanceLocation<'_>) -> Ordering {
    let pairs = a.tokens.iter().zip(&b.tokens).map(|pair| match pair {
        (InstanceToken::Prop(a), InstanceToken::Prop(b)) => a.cmp(b),
        (InstanceToken::Item(a), InstanceToken::Item(b)) => a.cmp(b),
        _ => Ordering::Equal,
    });
    pairs.fold(Ordering::Equal, Ordering::then).then(a.tokens.len().cmp(&b.tokens.len()))
}

fn kind(kind: &ErrorKind<'_, '_>) -> String {
    match kind {
        ErrorKind::Group | ErrorKind::Reference { .. } => "validation failed".to_owned(),
        ErrorKind::Schema { url } => format!("jsonschema validation failed with {}", quoted(url)),
        ErrorKind::ContentSchema => "'contentSchema' failed".to_owned(),
        ErrorKind::RefCycle { url, kw_loc1, kw_loc2 } => {
            format!("both {kw_loc1} and {kw_loc2} resolve to {url:?} causing reference cycle")
        }
        ErrorKind::FalseSchema => "false schema".to_owned(),
        ErrorKind::Type { got, want } => {
            let want: Vec<String> = want.iter().map(|want| want.to_string()).collect();
            format!("got {got}, want {}", want.join(" or "))
        }
        ErrorKind::Not => "'not' failed".to_owned(),
        ErrorKind::AllOf => "'allOf' failed".to_owned(),
        ErrorKind::AnyOf => "'anyOf' failed".to_owned(),
        ErrorKind::OneOf(None) => "'oneOf' failed, none matched".to_owned(),
        ErrorKind::OneOf(Some((i, j))) => {
            format!("'oneOf' failed, subschemas {}, {} matched", grouped(*i), grouped(*j))
        }
        other => {
            of_scalars(other).or_else(|| of_objects(other)).or_else(|| of_lists(other)).unwrap_or_default()
        }
    }
}

fn of_scalars(kind: &ErrorKind<'_, '_>) -> Option<String> {
    Some(match kind {
        ErrorKind::Enum { want } => enumeration(want),
        ErrorKind::Const { want } if is_primitive(want) => format!("value must be {}", shown(want)),
        ErrorKind::Const { .. } => "'const' failed".to_owned(),
        ErrorKind::Format { got, want, err } => format!("{} is not valid {want}: {err}", shown(got)),
        ErrorKind::MinLength { got, want } => count("minLength", *got, *want),
        ErrorKind::MaxLength { got, want } => count("maxLength", *got, *want),
        ErrorKind::Pattern { got, want } => {
            format!("{} does not match pattern {}", quoted(got), quoted(want))
        }
        ErrorKind::ContentEncoding { want, err } => format!("value is not {} encoded: {err}", quoted(want)),
        ErrorKind::ContentMediaType { want, err, .. } => {
            format!("value if not of mediatype {}: {err}", quoted(want))
        }
        ErrorKind::Minimum { got, want } => limit("minimum", got, want),
        ErrorKind::Maximum { got, want } => limit("maximum", got, want),
        ErrorKind::ExclusiveMinimum { got, want } => limit("exclusiveMinimum", got, want),
        ErrorKind::ExclusiveMaximum { got, want } => limit("exclusiveMaximum", got, want),
        ErrorKind::MultipleOf { got, want } => limit("multipleOf", got, want),
        _ => return None,
    })
}

fn of_objects(kind: &ErrorKind<'_, '_>) -> Option<String> {
    Some(match kind {
        ErrorKind::PropertyName { prop } => format!("invalid propertyName {}", quoted(prop)),
        ErrorKind::MinProperties { got, want } => count("minProperties", *got, *want),
        ErrorKind::MaxProperties { got, want } => count("maxProperties", *got, *want),
        ErrorKind::AdditionalProperties { got } => {
            let mut names: Vec<&str> = got.iter().map(|name| &**name).collect();
            names.sort_unstable();
            format!("additional properties {} not allowed", list(&names))
        }
        ErrorKind::Required { want } if want.len() == 1 => format!("missing property {}", list(want)),
        ErrorKind::Required { want } => format!("missing properties {}", list(want)),
        ErrorKind::Dependency { prop, missing } | ErrorKind::DependentRequired { prop, missing } => {
            format!("properties {} required, if {} exists", list(missing), quoted(prop))
        }
        _ => return None,
    })
}

fn of_lists(kind: &ErrorKind<'_, '_>) -> Option<String> {
    const CONTAINS: &str = "items required to match contains schema, but";
    Some(match kind {
        ErrorKind::MinItems { got, want } => count("minItems", *got, *want),
        ErrorKind::MaxItems { got, want } => count("maxItems", *got, *want),
        ErrorKind::AdditionalItems { got } => format!("last {} additionalItem(s) not allowed", grouped(*got)),
        ErrorKind::UniqueItems { got: [i, j] } => {
            format!("items at {} and {} are equal", grouped(*i), grouped(*j))
        }
        ErrorKind::Contains => "no items match contains schema".to_owned(),
        ErrorKind::MinContains { got, want } if got.is_empty() => {
            format!("min {} {CONTAINS} none matched", grouped(*want))
        }
        ErrorKind::MinContains { got, want } => format!("min {} {CONTAINS} {}", grouped(*want), matched(got)),
        ErrorKind::MaxContains { got, want } => format!("max {} {CONTAINS} {}", grouped(*want), matched(got)),
        _ => return None,
    })
}

fn matched(items: &[usize]) -> String {
    let places: Vec<String> = items.iter().map(usize::to_string).collect();
    format!("matched {} items at {}", grouped(items.len()), places.join(" "))
}

fn count(keyword: &str, got: usize, want: usize) -> String {
    format!("{keyword}: got {}, want {}", grouped(got), grouped(want))
}

fn limit(keyword: &str, got: &Number, want: &Number) -> String {
    format!("{keyword}: got {}, want {}", in_english(got), in_english(want))
}

fn enumeration(want: &[Value]) -> String {
    if !want.iter().all(is_primitive) {
        return "'enum' failed".to_owned();
    }
    let all: Vec<String> = want.iter().map(shown).collect();
    match all.as_slice() {
        [only] => format!("value must be {only}"),
        _ => format!("value must be one of {}", all.join(", ")),
    }
}

fn is_primitive(value: &Value) -> bool {
    !matches!(value, Value::Array(_) | Value::Object(_))
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => quoted(text),
        Value::Array(_) | Value::Object(_) => "value".to_owned(),
        other => other.to_string(),
    }
}

fn list(names: &[&str]) -> String {
    names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ")
}

/// In single quotes, otherwise as Go's `%q`.
fn quoted(text: &str) -> String {
    let double = gotmpl::quote::quoted(text.as_bytes());
    let inner = double.get(1..double.len().saturating_sub(1)).unwrap_or_default();
    format!("'{}'", inner.replace("\\\"", "\"").replace('\'', "\\'"))
}

/// A number as an English reader expects it, as `golang.org/x/text` prints it: `70,000`.
fn grouped(number: impl Display) -> String {
    let text = number.to_string();
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
    let mut out = String::from(sign);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The same for a float: from a million on with a power of ten, `1.5×10⁰⁶`.
fn in_english(number: &Number) -> String {
    let text = gotmpl::float::shortest(number.as_f64().unwrap_or_default());
    let Some((digits, exponent)) = text.split_once('e') else {
        return match text.split_once('.') {
            Some((whole, fraction)) => format!("{}.{fraction}", grouped(whole)),
            None => grouped(text),
        };
    };
    let raised = exponent.chars().filter_map(|c| match c {
        '-' => Some('⁻'),
        c => "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().nth(c.to_digit(10)? as usize),
    });
    format!("{digits}×10{}", raised.collect::<String>())
}
