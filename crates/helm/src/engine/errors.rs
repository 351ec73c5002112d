//! The texts helm makes of parse and execution failures.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use gotmpl::{CallError, Cause, ExecError, ParseError};

use crate::manifests::Document;
use crate::version::Profile;
use crate::wants::Want;

/// What surrounds the message of `fail` and `required`, so that helm finds it in the chain of errors.
pub(crate) const MARK_START: &str = "HELM_ERR_START";
/// The end of such a message.
pub(crate) const MARK_END: &str = "HELM_ERR_END";

/// Why a chart could not be rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderError {
    /// Helm's text, without `Error: `.
    pub message: String,
    /// Whether a budget ran out or the render was stopped, rather than the chart being wrong.
    pub cause: Cause,
    /// The files and lines that led there, outermost first; the last one is where it failed.
    pub chain: Vec<ErrorPlace>,
    /// The tree could not answer: it says nothing about the chart.
    pub tree: Option<Box<tree::Error>>,
    /// The dependencies whose absence is the failure.
    pub wants: Vec<Want>,
    /// What there was of the release when it failed; `None` where it had not begun. Helm then advises to use `--debug`.
    pub release: Option<Box<FailedRelease>>,
}

/// A release that failed while it was rendered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FailedRelease {
    /// What each file printed, where all of them could be executed.
    pub outputs: BTreeMap<Arc<str>, Vec<u8>>,
    /// The hooks that were found before a document could not be read.
    pub hooks: Vec<Document>,
}

/// A place in a chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorPlace {
    /// The file's full name, as `# Source:` shows it.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in bytes, from 1; 0 when unknown.
    pub column: usize,
}

impl RenderError {
    /// A failure that has no place in a template.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            message,
            cause: Cause::Template,
            chain: Vec::new(),
            tree: None,
            wants: Vec::new(),
            release: None,
        }
    }

    /// The same of a release that had begun.
    pub(crate) fn of_release(self) -> Self {
        Self { release: self.release.or_else(|| Some(Box::default())), ..self }
    }

    /// A budget that ran out while `file` was worked on.
    pub(crate) fn budget(file: &str, error: &CallError) -> Self {
        let place = ErrorPlace { file: file.to_owned(), line: 1, column: 0 };
        let message = format!("{file}: {}", error.message);
        Self { cause: error.cause, chain: vec![place], ..Self::new(message) }
    }
}

impl fmt::Display for RenderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for RenderError {}

impl From<CallError> for RenderError {
    fn from(error: CallError) -> Self {
        Self { cause: error.cause, ..Self::new(error.message) }
    }
}

impl From<String> for RenderError {
    fn from(message: String) -> Self {
        Self::new(message)
    }
}

/// A template that does not parse: helm keeps the place and what follows the last colon.
pub(crate) fn parse(error: &ParseError) -> RenderError {
    let last = error.message.rsplit(": ").next().unwrap_or(&error.message);
    let place = ErrorPlace { file: error.name.to_string(), line: error.line, column: 0 };
    let message = format!("parse error at ({}:{}): {last}", error.name, error.line);
    RenderError { chain: vec![place], ..RenderError::new(message) }
}

/// A template that failed while running.
pub(crate) fn exec(error: &ExecError, profile: &Profile) -> RenderError {
    let chain: Vec<&ExecError> = std::iter::successors(Some(error), |error| error.inner.as_deref()).collect();
    let places: Vec<ErrorPlace> = chain.iter().filter_map(|error| place(error)).collect();
    RenderError { cause: error.cause, chain: places, ..RenderError::new(message(error, &chain, profile)) }
}

fn place(error: &ExecError) -> Option<ErrorPlace> {
    let place = error.place.as_ref()?;
    Some(ErrorPlace { file: place.source.to_string(), line: place.line, column: place.column + 1 })
}

fn message(error: &ExecError, chain: &[&ExecError], profile: &Profile) -> String {
    let whole = error.to_string();
    if let Some(marked) = marked(&whole) {
        let at = error.place.as_ref().map_or_else(String::new, location);
        return format!("execution error at ({at}): {marked}");
    }
    if !profile.prints_error_blocks || error.foreign {
        return whole;
    }
    let mut blocks: Vec<String> = chain.iter().map(|error| block(error)).collect();
    blocks.dedup();
    blocks.concat().trim().to_owned()
}

/// The message of `fail` or `required` inside an error's text.
fn marked(text: &str) -> Option<&str> {
    let start = text.find(MARK_START)? + MARK_START.len();
    let end = start + text[start..].find(MARK_END)?;
    Some(&text[start..end])
}

fn location(place: &gotmpl::Place) -> String {
    format!("{}:{}:{}", place.source, place.line, place.column)
}

/// One frame of the chain, in helm 4's form.
fn block(error: &ExecError) -> String {
    let Some(place) = &error.place else { return format!("{}\n", error.message) };
    let message = match &error.inner {
        Some(_) => error.message.trim_end(),
        None => &error.message,
    };
    let name = gotmpl::quote::quoted(place.template.as_bytes());
    format!("{}\n  executing {name} at <{}>:\n    {message}\n", location(place), place.context)
}
