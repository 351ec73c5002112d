//! Executing a chart's templates: all files of all charts in one set, deepest first.
//!
//! `functions.rs` is the table of functions, `host.rs` what they share during a run, `objects.rs` and
//! `metadata.rs` the values with methods, `errors.rs` the texts helm makes of failures. Source: helm `pkg/engine`.

mod encode;
mod errors;
mod files;
mod functions;
mod host;
mod metadata;
mod objects;
#[cfg(test)]
mod tests;
mod toml;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use gotmpl::{Budget, CallError, Machine, Map, Set, Str, Template, TextBuffer, Value};

pub(crate) use encode::{merge_maps, to_yaml, value_map, values_documents, values_value};
pub(crate) use files::no_files;
pub(crate) use functions::{forget_parsed, parse, table as functions};
pub(crate) use host::{Chance, Host, Looked};
pub(crate) use metadata::chart_value;
pub(crate) use objects::{KubeVersion, capabilities, table_at, table_error};

use crate::spread::spread;
use crate::version::Profile;

pub use errors::{ErrorPlace, FailedRelease, RenderError};

/// A template file of a chart, ready to be parsed.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// The full name: `c/charts/s/templates/x.yaml`.
    pub(crate) name: Arc<str>,
    /// The text.
    pub(crate) text: Bytes,
    /// Which chart's context it runs in.
    pub(crate) context: usize,
    /// Whether it may be executed: not so for the files of library charts.
    pub(crate) runs: bool,
}

/// Parsed files in the order they run.
#[derive(Debug)]
pub(crate) struct Program {
    templates: Vec<Arc<Template>>,
    runs: Vec<(Arc<str>, usize)>,
    /// Whether any of them speaks of `.Files`, by that name.
    pub(crate) says_files: bool,
}

/// Parses every file: deepest paths first, names descending, so that of two definitions the shallowest wins.
///
/// # Errors
/// Helm's text of what cannot be parsed; the budget is used up.
pub(crate) fn compile(
    mut sources: Vec<Source>,
    profile: &'static Profile,
    budget: &Budget<'_>,
) -> Result<Program, RenderError> {
    for source in &sources {
        let text = gotmpl::lossy(&source.text);
        let parsed =
            budget.spend(functions::parsed_bytes(&text)).and_then(|()| budget.work(text.len() as u64 / 8));
        parsed.map_err(|error| RenderError::budget(&source.name, &error))?;
    }
    sources.sort_by(|a, b| depth(&b.name).cmp(&depth(&a.name)).then_with(|| b.name.cmp(&a.name)));
    let parse = |source: &Source| functions::parse(profile, &source.name, &gotmpl::lossy(&source.text));
    let parsed = spread(&sources, |source| source.text.len(), parse);
    let mut program = Program { templates: Vec::new(), runs: Vec::new(), says_files: false };
    for (source, parsed) in sources.into_iter().zip(parsed) {
        let (parsed, says_files) = parsed.map_err(|error| errors::parse(&error))?;
        program.says_files |= says_files;
        program.templates.extend(parsed);
        if source.runs && !base_name(&source.name).starts_with('_') {
            program.runs.push((source.name, source.context));
        }
    }
    Ok(program)
}

fn depth(name: &str) -> usize {
    name.bytes().filter(|byte| *byte == b'/').count()
}

fn base_name(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// What one run is given.
pub(crate) struct Run<'a> {
    pub(crate) profile: &'static Profile,
    /// The top-level object of each chart.
    pub(crate) contexts: &'a [Map],
    pub(crate) host: &'a mut Host,
    pub(crate) budget: &'a Budget<'a>,
}

/// Executes the files and yields what each printed, by name.
pub(crate) fn execute(program: &Program, run: Run<'_>) -> Result<BTreeMap<Arc<str>, Vec<u8>>, RenderError> {
    let Run { profile, contexts, host, budget } = run;
    let mut set = Set::new();
    program.templates.iter().for_each(|template| set.add(template.clone()));
    let functions = functions::table(profile);
    let mut machine = Machine::new(functions, Rc::new(set), host, budget);
    let mut outputs = BTreeMap::new();
    for (name, context) in &program.runs {
        let dot = &contexts[*context];
        set_template(dot, name);
        let out =
            machine.execute(name, &Value::Map(dot.clone())).map_err(|error| errors::exec(&error, profile))?;
        let out = without_no_value(budget, out).map_err(|error| RenderError::budget(name, &error))?;
        outputs.insert(name.clone(), out);
    }
    Ok(outputs)
}

/// `.Template` is one map per chart, set again before each file.
fn set_template(context: &Map, name: &str) {
    if let Some(Value::Map(template)) = context.get(b"Template") {
        template.set(Str::from("Name"), Value::from(name));
    }
}

/// Helm deletes every `<no value>` from what a template printed, also one the chart wrote itself.
pub(crate) fn without_no_value(budget: &Budget<'_>, out: Vec<u8>) -> Result<Vec<u8>, CallError> {
    const MARK: &[u8] = b"<no value>";
    let marks = memchr::memmem::Finder::new(MARK);
    if marks.find(&out).is_none() {
        return Ok(out);
    }
    let mut kept = TextBuffer::with_room(budget, out.len());
    let mut from = 0;
    for at in marks.find_iter(&out) {
        kept.put(&out[from..at]);
        from = at + MARK.len();
    }
    kept.put(&out[from..]);
    kept.into_bytes()
}
