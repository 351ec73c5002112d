//! Which resources a patch is for: regular expressions over identity, and label selectors.

use std::fmt;

use crate::error::{Error, Result};
use crate::expression::Expression;
use crate::id::{Gvk, ResId};
use crate::label_selector::LabelSelector;
use crate::resource::Resource;
use crate::strict::record;

record! {
    /// A selector as it is written.
    Selector as "Selector" {
        group: String = "group" in "ResId.Gvk",
        version: String = "version" in "ResId.Gvk",
        kind: String = "kind" in "ResId.Gvk",
        name: String = "name" in "ResId",
        namespace: String = "namespace" in "ResId",
        annotation_selector: String = "annotationSelector",
        label_selector: String = "labelSelector",
    }
}

/// What looking at a resource costs.
const RESOURCE_WORK: usize = 64;

/// A selector ready for use.
pub(crate) struct Matcher {
    group: Option<Whole>,
    version: Option<Whole>,
    kind: Option<Whole>,
    name: Option<Whole>,
    namespace: Option<Whole>,
    annotations: LabelSelector,
    labels: LabelSelector,
}

/// A regular expression that a whole text has to match.
#[derive(Debug)]
pub(crate) enum Whole {
    /// One without anything special in it, as nearly all are: compiling it would cost more than the build.
    Text(String),
    Expression(Expression),
}

impl Whole {
    pub(crate) fn is_match(&self, text: &str) -> Result<bool> {
        match self {
            Self::Text(own) => Ok(own == text),
            Self::Expression(expression) => expression.is_match(text),
        }
    }
}

/// A regular expression of Go's; the whole text has to match.
pub(crate) fn anchored(text: &str) -> Result<Option<Whole>> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'/');
    match text {
        "" => Ok(None),
        text if text.bytes().all(is_plain) => Ok(Some(Whole::Text(text.to_owned()))),
        text => compile(&format!("^(?:{text})$")).map(|found| Some(Whole::Expression(found))),
    }
}

/// Compiles a regular expression; the message is Go's for the mistakes people make.
pub(crate) fn compile(text: &str) -> Result<Expression> {
    Expression::compile(&literal_braces(text)).map_err(|error| {
        let error = error.to_string();
        let known = MISTAKES.iter().find(|(ours, _)| error.contains(ours));
        Error::new(format!(
            "error parsing regexp: {}: `{text}`",
            known.map_or("invalid expression", |(_, go)| go)
        ))
    })
}

/// Mistakes that are some in Go too: what they are called here and there.
const MISTAKES: [(&str, &str); 4] = [
    ("unclosed group", "missing closing )"),
    ("unopened group", "unexpected )"),
    ("unclosed character class", "missing closing ]"),
    ("repetition operator missing", "missing argument to repetition operator"),
];

/// Whether Go refuses the expression that [`compile`] refused.
pub(crate) fn is_mistake_in_go(error: &Error) -> bool {
    let text = error.to_string();
    MISTAKES.iter().any(|(_, go)| text.starts_with(&format!("error parsing regexp: {go}: ")))
}

/// In Go a brace that begins no repetition stands for itself.
fn literal_braces(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        let special_class =
            text[..at].ends_with("\\p") || text[..at].ends_with("\\P") || text[..at].ends_with("\\x");
        if c == '{' && !escaped && !special_class && !is_repetition(&text[at + 1..]) {
            out.push('\\');
        }
        out.push(c);
        escaped = c == '\\' && !escaped;
    }
    out
}

fn is_repetition(rest: &str) -> bool {
    // No further than a repetition may go: there may be many braces that begin none.
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != ',').unwrap_or(rest.len());
    let inside = rest[end..].starts_with('}').then(|| &rest[..end]);
    inside.is_some_and(|inside| {
        let (low, high) = inside.split_once(',').unwrap_or((inside, ""));
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        !low.is_empty() && digits(low) && digits(high)
    })
}

fn fits(wanted: Option<&Whole>, text: &str) -> Result<bool> {
    wanted.map_or(Ok(true), |wanted| wanted.is_match(text))
}

impl Selector {
    /// Compiles it.
    pub(crate) fn matcher(&self) -> Result<Matcher> {
        Ok(Matcher {
            group: anchored(&self.group)?,
            version: anchored(&self.version)?,
            kind: anchored(&self.kind)?,
            name: anchored(&self.name)?,
            namespace: anchored(&self.namespace)?,
            annotations: LabelSelector::parse(&self.annotation_selector)?,
            labels: LabelSelector::parse(&self.label_selector)?,
        })
    }

    /// The fields that are set, as they are written again in messages.
    pub(crate) fn fields(&self) -> [(&'static str, &str); 7] {
        [
            ("group", &self.group),
            ("version", &self.version),
            ("kind", &self.kind),
            ("name", &self.name),
            ("namespace", &self.namespace),
            ("annotationSelector", &self.annotation_selector),
            ("labelSelector", &self.label_selector),
        ]
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gvk = Gvk {
            group: self.group.as_str().into(),
            version: self.version.as_str().into(),
            kind: self.kind.as_str().into(),
        };
        let id = ResId { gvk, name: self.name.as_str().into(), namespace: self.namespace.as_str().into() };
        write!(f, "{id}:a={}:l={}", self.annotation_selector, self.label_selector)
    }
}

impl Matcher {
    /// Whether a patch with this target is for the resource: name and namespace as they are or were.
    pub(crate) fn selects(&self, resource: &Resource) -> Result<bool> {
        budget::work(RESOURCE_WORK)?;
        let (now, before) = (resource.id(), resource.original_id());
        let namespace = |id: &ResId| fits(self.namespace.as_ref(), id.effective_namespace(resource.profile));
        let name = |id: &ResId| fits(self.name.as_ref(), &id.name);
        Ok((namespace(&before)? || namespace(&now)?)
            && (name(&before)? || name(&now)?)
            && self.fits_kind(&now)?
            && self.fits_metadata(resource))
    }

    /// Whether an identity the resource has, or had, is selected, its namespace as it is written.
    pub(crate) fn selects_any_id(&self, resource: &Resource) -> Result<bool> {
        for id in std::iter::once(resource.id()).chain(resource.previous_ids()) {
            budget::work(RESOURCE_WORK)?;
            let is_selected = fits(self.namespace.as_ref(), &id.namespace)?
                && fits(self.name.as_ref(), &id.name)?
                && self.fits_kind(&id)?;
            if is_selected {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn fits_kind(&self, id: &ResId) -> Result<bool> {
        Ok(fits(self.group.as_ref(), &id.gvk.group)?
            && fits(self.version.as_ref(), &id.gvk.version)?
            && fits(self.kind.as_ref(), &id.gvk.kind)?)
    }

    pub(crate) fn fits_metadata(&self, resource: &Resource) -> bool {
        (self.labels.is_empty() || self.labels.matches(&resource.texts("labels")))
            && (self.annotations.is_empty() || self.annotations.matches(&resource.texts("annotations")))
    }
}

#[cfg(test)]
mod tests;
