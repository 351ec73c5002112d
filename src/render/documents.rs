//! From what an engine printed to manifests: documents, objects, and where helm says each came from.

use bytes::Bytes;
use manifest::{Document, Object};
use tree::TreePath;
use yaml::Limits;

use super::Job;
use super::output::Output;
use crate::error::{Error, Kind, Place, Result};

/// How helm marks a document, followed by the chart's name and the path in the chart.
const SOURCE_MARK: &str = "# Source: ";

/// What an engine printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Printed {
    /// A stream of YAML documents.
    pub documents: Bytes,
    /// What it warned of, a line each.
    pub warnings: Vec<String>,
}

/// The manifests an engine printed for `folder`.
///
/// # Errors
/// When a document is no YAML, or not an object (spec: argocd.md §3.2); when they are larger than the output budget.
pub(super) fn output<'a>(job: &'a Job, folder: &TreePath, printed: &Printed) -> Result<Output<'a>> {
    let mut output = Output::new(job, &printed.warnings);
    for (at, document) in manifest::split(&printed.documents).enumerate() {
        let document = document.map_err(|error| Error::new(Kind::Invalid, error.to_string()))?;
        let file = source(job, folder, &document)?;
        let objects =
            objects(document.text).map_err(|(kind, message)| wrong(at + 1, kind, &message, &file))?;
        output.extend(&objects, &file)?;
    }
    if output.is_empty() {
        output.warn(&format!("nothing was rendered from {folder}"));
    }
    Ok(output)
}

/// The objects of a document; an error is its kind and message.
fn objects(text: &[u8]) -> Result<Vec<Object>, (Kind, String)> {
    let values = manifest::yaml_document(text, &Limits::default()).map_err(|error| {
        let kind = if error.is_limit() { Kind::OverBudget } else { Kind::Invalid };
        (kind, error.to_string())
    })?;
    let mut objects = Vec::new();
    for value in values {
        objects.extend(manifest::flatten(value).map_err(|error| (Kind::Invalid, error.to_string()))?);
    }
    Ok(objects)
}

fn wrong(number: usize, kind: Kind, message: &str, file: &str) -> Error {
    let error = Error::new(kind, format!("manifest {number}: failed to unmarshal manifest: {message}"));
    if file.is_empty() {
        error
    } else {
        error.at(Place { file: file.into(), line: 0, column: 0, text: "".into() })
    }
}

/// The file a document came from, relative to the root of the repository; empty where that is not known, or it is
/// no file there (a template of a packed chart).
fn source(job: &Job, folder: &TreePath, document: &Document<'_>) -> Result<String> {
    let first = document.text.split(|byte| *byte == b'\n').find(|line| !line.is_empty());
    let first = first.and_then(|line| std::str::from_utf8(line).ok()).unwrap_or("");
    let within = first.trim_end().strip_prefix(SOURCE_MARK).and_then(|path| Some(path.split_once('/')?.1));
    let Some(Ok(path)) = within.map(|within| folder.join(within)) else { return Ok(String::new()) };
    let is_file = job.tree.kind(&path)? == Some(tree::Kind::File);
    Ok(if is_file { path.as_str().to_owned() } else { String::new() })
}

#[cfg(test)]
mod tests {
    use super::super::exec::testing::job;
    use super::*;
    use crate::request::Manifest;

    fn manifests(documents: &'static str) -> Result<Vec<(String, String)>> {
        let job = job(&[("app/templates/a.yaml", "")], &[]);
        let printed = Printed { documents: documents.into(), warnings: Vec::new() };
        let output = output(&job, &TreePath::parse("app").unwrap(), &printed)?.finish("Helm");
        let pair = |object: Manifest| (object.name, object.file);
        Ok(output.objects.into_iter().map(pair).collect())
    }

    #[test]
    fn documents_tell_their_files() {
        let printed = "---\n# Source: web/templates/a.yaml\nkind: A\nmetadata: {name: a}\n---\n# Source: web/none\n\
                       kind: List\nitems: [{kind: B, metadata: {name: b}}]\n---\n# Source: web/../../x\nkind: C\n";
        let pair = |name: &str, file: &str| (name.to_owned(), file.to_owned());
        assert_eq!(
            manifests(printed).unwrap(),
            [pair("a", "app/templates/a.yaml"), pair("b", ""), pair("", "")]
        );
    }

    #[test]
    fn a_document_that_is_no_object_says_which() {
        let error = manifests("# Source: web/templates/a.yaml\na: 1\n").unwrap_err();
        let message =
            "app/templates/a.yaml: manifest 1: failed to unmarshal manifest: Object 'Kind' is missing";
        assert_eq!(error.to_string(), message);
        assert!(manifests("kind: A\n---\na: [\n").unwrap_err().message().starts_with("manifest 2: "));
    }
}
