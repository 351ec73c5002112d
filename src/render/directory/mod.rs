//! Directory sources: plain YAML, JSON and Jsonnet, file by file (spec: argocd.md §3.5).

mod parse;
mod text;
mod walk;

use tree::TreePath;

use self::parse::Yaml;
use self::text::Text;
use self::walk::{Candidate, Format};
use super::jsonnet::Evaluator;
use super::output::Output;
use super::{Engines, Job};
use crate::error::{Error, Kind, Place, Result};
use crate::request::DirectoryOptions;

/// A file that holds these bytes anywhere is left out.
const SKIP_MARKER: &str = "+argocd:skip-file-rendering";

/// The manifests in `folder`, in the order of a walk.
///
/// # Errors
/// When a file that is meant to hold manifests does not, or leads out of the tree; when a budget is used up.
pub(super) fn render<'a>(
    job: &'a Job,
    folder: &TreePath,
    options: &'a DirectoryOptions,
    engines: &'a Engines,
) -> Result<Output<'a>> {
    let (candidates, warnings) = walk::candidates(job, folder, options)?;
    let mut rendering = Rendering {
        job,
        evaluator: Evaluator::new(job, &engines.jsonnet, folder, &options.jsonnet)?,
        output: Output::new(job, &warnings),
    };
    for candidate in &candidates {
        job.stop.check()?;
        rendering.file(candidate)?;
    }
    if rendering.output.is_empty() {
        rendering.output.warn(&format!("no manifests were found in {folder}"));
    }
    Ok(rendering.output)
}

struct Rendering<'a> {
    job: &'a Job,
    evaluator: Evaluator<'a>,
    output: Output<'a>,
}

impl Rendering<'_> {
    fn file(&mut self, candidate: &Candidate) -> Result<()> {
        let content = self.job.tree.read(&candidate.real)?;
        let text = Text::decode(&content);
        if text.contains(SKIP_MARKER) {
            return Ok(());
        }
        if text.damaged {
            let message = "some bytes are no UTF-8 and were replaced by U+FFFD";
            self.output.warn(&format!("{}: {message}", candidate.path));
        }
        match candidate.format {
            Format::Yaml => self.yaml(&candidate.path, &text),
            Format::Json => {
                self.output.extend(&parse::json(&text, &candidate.path)?, &candidate.path.to_string())
            }
            Format::Jsonnet => self.jsonnet(&candidate.path, &text),
        }
    }

    fn yaml(&mut self, path: &TreePath, text: &Text<'_>) -> Result<()> {
        match parse::yaml(text, path)? {
            Yaml::Objects(objects) => self.output.extend(&objects, &path.to_string()),
            Yaml::Foreign(reason) => {
                self.output
                    .warn(&format!("{path}: ignored, it does not look like a Kubernetes manifest: {reason}"));
                Ok(())
            }
        }
    }

    fn jsonnet(&mut self, path: &TreePath, text: &Text<'_>) -> Result<()> {
        let value = self.evaluator.evaluate(path, &text.bytes)?;
        let objects = parse::generated(value).map_err(|error| {
            let message = format!("the program's value holds no manifests: {error}");
            let place = Place { file: path.to_string().into(), line: 0, column: 0, text: "".into() };
            Error::new(Kind::Invalid, message).at(place)
        })?;
        self.output.extend(&objects, &path.to_string())
    }
}
