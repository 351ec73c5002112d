//! What a renderer has yielded so far, encoded and within budget.

use bytes::Bytes;
use manifest::Object;

use super::Job;
use crate::error::{Error, Kind, Result};
use crate::request::{Manifest, Manifests};

/// The most warnings kept; the rest are counted.
const MAX_WARNINGS: usize = 100;

/// The most manifests of one source: each costs memory beside its text, and an application of a tenth is unheard of.
const MAX_MANIFESTS: usize = 50_000;

/// Collects the manifests of one source.
pub(super) struct Output<'a> {
    job: &'a Job,
    manifests: Vec<Manifest>,
    bytes: u64,
    warnings: Vec<String>,
    unsaid: usize,
}

impl<'a> Output<'a> {
    /// Nothing yet but warnings.
    pub(super) fn new(job: &'a Job, warnings: &[String]) -> Self {
        let mut output = Self { job, manifests: Vec::new(), bytes: 0, warnings: Vec::new(), unsaid: 0 };
        warnings.iter().for_each(|warning| output.warn(warning));
        output
    }

    pub(super) fn is_empty(&self) -> bool {
        self.manifests.is_empty()
    }

    /// One line for the user; what a file's name holds of line breaks and the like is escaped.
    pub(super) fn warn(&mut self, warning: &str) {
        if self.warnings.len() < MAX_WARNINGS {
            self.warnings.push(one_line(warning));
        } else {
            self.unsaid += 1;
        }
    }

    /// Takes the objects of one file; `file` is empty where it is not known.
    ///
    /// # Errors
    /// [`Kind::OverBudget`] when the manifests become larger than the output budget.
    pub(super) fn extend(&mut self, objects: &[Object], file: &str) -> Result<()> {
        objects.iter().try_for_each(|object| {
            self.job.stop.check()?;
            self.push(object, file)
        })
    }

    /// The manifests, rendered by `renderer`.
    pub(super) fn finish(mut self, renderer: &str) -> Manifests {
        if self.unsaid > 0 {
            self.warnings.push(format!("and {} more warnings", self.unsaid));
        }
        Manifests { objects: self.manifests, renderers: vec![renderer.to_owned()], warnings: self.warnings }
    }

    fn push(&mut self, object: &Object, file: &str) -> Result<()> {
        // Aliases may stand for far more text than the file has: weigh before writing.
        self.check(self.bytes.saturating_add(object.weight()))?;
        let json = object.json().map_err(|error| Error::new(Kind::Invalid, format!("{file}: {error}")))?;
        self.bytes = self.bytes.saturating_add(json.len() as u64);
        self.check(self.bytes)?;
        self.manifests.push(Manifest {
            json: Bytes::from(json),
            group: object.group().to_owned(),
            version: object.version().to_owned(),
            kind: object.kind().to_owned(),
            namespace: object.namespace().to_owned(),
            name: object.name().to_owned(),
            file: file.to_owned(),
            source: 0,
        });
        Ok(())
    }

    fn check(&self, bytes: u64) -> Result<()> {
        let budget = self.job.budgets.output_bytes;
        if bytes <= budget && self.manifests.len() <= MAX_MANIFESTS {
            return Ok(());
        }
        let message =
            format!("the rendered manifests are larger than {budget} bytes, or more than {MAX_MANIFESTS}");
        Err(Error::new(Kind::OverBudget, message).help("split the application"))
    }
}

fn one_line(text: &str) -> String {
    let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_one_line() {
        assert_eq!(one_line("a\nINFO b\u{1b}[0m ü"), "a\\nINFO b\\u{1b}[0m ü");
    }
}
