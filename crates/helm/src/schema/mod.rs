//! `values.schema.json`: each chart's own schema against its own coalesced values, before anything is rendered.
//!
//! `boon` compiles and validates; `guard.rs` says beforehand whether that stays within bounds, `pieces.rs` in which order
//! it compiles, `exact.rs` corrects its arithmetic, `words.rs` tells the failures in helm's words, `documents.rs` finds the
//! other files of the chart that it refers to. Nothing else is ever read or fetched.
//! Source of the rules: helm `pkg/chart/common/util/jsonschema.go`.

mod documents;
mod exact;
mod guard;
mod pieces;
mod words;

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use boon::{Compiler, SchemaIndex, Schemas};
use gotmpl::{Budget, Map, Value};
use serde_json::Value as Json;
use tree::Tree;

use crate::engine::RenderError;
use crate::instance::Instance;
use crate::memo::{Memo, OfText};
use crate::size::ReadBudget;
use documents::{DocumentLoader, Documents, Parsed};

/// What the schema calls itself in messages.
const URL: &str = "file:///values.schema.json";
/// The validator recurses, by far less than a page for each of the levels the guard lets through.
const STACK: usize = 64 << 20;

/// How much text the compiled schemas that are kept may have, in bytes. A compiled schema takes some ten times its text.
const KEPT_TEXT: u64 = 1 << 20;

static COMPILED: LazyLock<Memo<Compiled>> = LazyLock::new(|| Memo::new(KEPT_TEXT));

/// Gives up the compiled schemas that are kept.
pub(crate) fn forget_compiled() {
    COMPILED.clear();
}

/// A schema that was read and compiled.
struct Compiled {
    /// Its own text, and those of the files it leads to.
    key: Vec<u8>,
    json: Json,
    documents: Arc<Parsed>,
    ignored_urns: Vec<String>,
    schemas: Schemas,
    index: SchemaIndex,
}

impl OfText for Compiled {
    fn text(&self) -> &[u8] {
        &self.key
    }
}

/// What a byte of a schema takes once it is compiled.
const SCHEMA_BYTES: usize = 64;

/// What is to be checked, chart by chart.
#[derive(Default)]
pub(crate) struct Checks {
    checks: Vec<Check>,
    ignored_urns: Mutex<Vec<String>>,
}

enum Check {
    /// A chart's schema and the chart's own values.
    Schema { chart: String, documents: Documents, values: Json },
    /// Something that fails whatever the schemas say.
    Failure(String),
}

/// Reads the schemas of a chart and of its subcharts.
///
/// # Errors
/// A schema that cannot be read.
pub(crate) fn checks(
    from: (&dyn Tree, &ReadBudget),
    chart: &Instance,
    values: &Map,
    budget: &Budget<'_>,
) -> Result<Checks, RenderError> {
    let mut checks = Checks::default();
    checks.collect(from, chart, values, budget)?;
    Ok(checks)
}

impl Checks {
    fn collect(
        &mut self,
        from: (&dyn Tree, &ReadBudget),
        chart: &Instance,
        values: &Map,
        budget: &Budget<'_>,
    ) -> Result<(), RenderError> {
        if let Some(file) = &chart.chart.schema {
            let text = file.read(from.0, from.1)?;
            let over = |error| RenderError::budget(&format!("{}/values.schema.json", chart.name()), &error);
            budget.spend(text.len().saturating_mul(SCHEMA_BYTES)).map_err(over)?;
            let documents = Documents::read(from, &chart.chart, text)?;
            // Once for the values as JSON, once for those of the validator's library, which are somewhat larger.
            let before = budget.bytes_charged();
            let json_values = sprig::json::to_value(budget, &Value::Map(values.clone())).map_err(over)?;
            let taken = usize::try_from(budget.bytes_charged() - before).unwrap_or(usize::MAX);
            budget.spend(taken.saturating_mul(2)).map_err(over)?;
            let chart = chart.name().to_owned();
            self.checks.push(match json_values {
                Ok(values) => {
                    Check::Schema { chart, documents, values: json(&yaml::json::as_kubernetes(values)) }
                }
                Err(why) => Check::Failure(format!("{chart}:\n{why}")),
            });
        }
        for dependency in &chart.dependencies {
            match values.get(dependency.name().as_bytes()) {
                None | Some(Value::Nil) => {}
                Some(Value::Map(own)) => self.collect(from, dependency, &own, budget)?,
                Some(other) => self.checks.push(Check::Failure(format!(
                    "{}:\ninvalid type for values: expected object (map), got {}\n",
                    dependency.name(),
                    other.type_name()
                ))),
            }
        }
        Ok(())
    }

    /// Checks on a thread of its own while `work` is done on this one: nothing else needs the outcome until templates run.
    ///
    /// # Errors
    /// Helm's text, all charts with their failures.
    pub(crate) fn alongside<T>(&self, work: impl FnOnce() -> T) -> (Result<(), RenderError>, T) {
        if self.checks.is_empty() {
            return (Ok(()), work());
        }
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || self.run());
            let worked = work();
            let outcome = match thread.map(std::thread::ScopedJoinHandle::join) {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(_)) => Err(RenderError::new("unable to validate schema")),
                Err(error) => Err(RenderError::new(format!("unable to validate schema: no thread: {error}"))),
            };
            (outcome, worked)
        })
    }

    fn run(&self) -> Result<(), RenderError> {
        let failures: String = self.checks.iter().filter_map(|check| self.failure(check)).collect();
        if failures.is_empty() {
            return Ok(());
        }
        Err(RenderError::new(format!(
            "values don't meet the specifications of the schema(s) in the following chart(s):\n{failures}"
        )))
    }

    fn failure(&self, check: &Check) -> Option<String> {
        match check {
            Check::Failure(text) => Some(text.clone()),
            Check::Schema { chart, documents, values } => {
                let failure = self.single(documents, values).err()?;
                Some(format!("{chart}:\n{failure}"))
            }
        }
    }

    /// Checks values against one schema.
    fn single(&self, documents: &Documents, values: &Json) -> Result<(), String> {
        let key = documents.key();
        let compiled = COMPILED.get(&key, || {
            let json = parsed(&gotmpl::lossy(&documents.text))?;
            let others = Arc::new(documents.parse());
            guard::check(&json, &others, values)?;
            compiled(key.clone(), json, others)
        })?;
        guard::check(&compiled.json, &compiled.documents, values)?;
        let mut urns = self.ignored_urns.lock().unwrap_or_else(PoisonError::into_inner);
        urns.extend(compiled.ignored_urns.iter().cloned());
        validated(&compiled, values)
    }

    /// The URNs that schemas refer to, each once, in the order they were met.
    pub(crate) fn ignored_urns(&self) -> Vec<String> {
        let urns = self.ignored_urns.lock().unwrap_or_else(PoisonError::into_inner);
        let mut seen = Vec::new();
        urns.iter().for_each(|urn| {
            if !seen.contains(urn) {
                seen.push(urn.clone());
            }
        });
        seen
    }
}

/// A schema's text. Deeper than 128 levels is refused; real ones stay below 50.
fn parsed(text: &str) -> Result<Json, String> {
    serde_json::from_str(text).map_err(|error| {
        // Go's words, where Go refuses the text too.
        match yaml::json::from_str(text, &yaml::Limits::default()) {
            Err(go) => go.to_string(),
            Ok(_) => format!("values.schema.json cannot be read: {error}"),
        }
    })
}

fn json(value: &yaml::Value) -> Json {
    match value {
        yaml::Value::Null => Json::Null,
        yaml::Value::Bool(value) => Json::Bool(*value),
        yaml::Value::Int(value) => Json::from(*value),
        yaml::Value::Uint(value) => Json::from(*value),
        yaml::Value::Float(value) => Json::from(*value),
        yaml::Value::String(text) => Json::from(&**text),
        yaml::Value::List(items) => Json::Array(items.iter().map(json).collect()),
        yaml::Value::Map(map) => {
            Json::Object(map.iter().map(|(key, value)| (key.to_string(), json(value))).collect())
        }
    }
}

fn compiled(key: Vec<u8>, json: Json, documents: Arc<Parsed>) -> Result<Compiled, String> {
    let mut schemas = Schemas::new();
    let mut compiler = Compiler::new();
    let loader = DocumentLoader::new(Arc::clone(&documents));
    compiler.use_loader(Box::new(loader.clone()));
    compiler.add_resource(URL, json.clone()).map_err(|error| words::of_compilation(&error))?;
    for piece in pieces::pieces(&json) {
        // What is wrong with it is wrong with the whole, or nobody asks for it.
        let _ = compiler.compile(&format!("{URL}#{piece}"), &mut schemas);
    }
    let index = compiler.compile(URL, &mut schemas).map_err(|error| words::of_compilation(&error))?;
    Ok(Compiled { key, json, documents, ignored_urns: loader.ignored_urns(), schemas, index })
}

fn validated(compiled: &Compiled, values: &Json) -> Result<(), String> {
    let failures = compiled.schemas.validate(values, compiled.index);
    match failures.map_err(|error| words::of_values(&error)) {
        Err(Some(failures)) => Err(failures),
        Err(None) | Ok(()) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn verdict(schema: &str, values: &str) -> Result<(), String> {
        let documents = Documents::alone(Bytes::copy_from_slice(schema.as_bytes()));
        let values = serde_json::from_str(values).unwrap();
        let checks = Checks {
            checks: vec![Check::Schema { chart: String::new(), documents, values }],
            ignored_urns: Mutex::default(),
        };
        let told = |error: RenderError| error.to_string().split_once(":\n:\n").unwrap().1.to_owned();
        checks.alongside(|| ()).0.map_err(told)
    }

    fn refused(schema: &str, values: &str) -> String {
        verdict(schema, values).unwrap_err()
    }

    #[test]
    fn failures_are_told_in_helms_words_and_in_one_order() {
        let schema = r#"{"required": ["q"], "properties": {"b": {"type": "string"}, "a": {"maximum": 65535}},
            "additionalProperties": false}"#;
        let told = refused(schema, r#"{"b": 1, "a": 70000, "z": 1, "c": 2}"#);
        assert_eq!(
            told,
            "- at '': missing property 'q'\n- at '/a': maximum: got 70,000, want 65,535\n\
             - at '/b': got number, want string\n- at '': additional properties 'c', 'z' not allowed\n"
        );
    }

    #[test]
    fn alternatives_fail_in_the_order_of_the_schema() {
        let one = |name: &str| format!(r#"{{"properties": {{"{name}": {{"const": 1}}}}}}"#);
        let schema = format!(r#"{{"anyOf": [{}, {}]}}"#, one("b"), one("a"));
        let told = refused(&schema, r#"{"a": 2, "b": 2}"#);
        assert_eq!(
            told,
            "- at '': 'anyOf' failed\n  - at '/b': value must be 1\n  - at '/a': value must be 1\n"
        );
    }

    #[test]
    fn every_draft_is_known() {
        let four = r#"{"$schema": "http://json-schema.org/draft-04/schema#",
            "properties": {"x": {"maximum": 5, "exclusiveMaximum": true}}}"#;
        assert_eq!(refused(four, r#"{"x": 5}"#), "- at '/x': exclusiveMaximum: got 5, want 5\n");
        for draft in ["draft-06", "draft-07"] {
            let schema = format!(
                r#"{{"$schema": "http://json-schema.org/{draft}/schema#", "properties": {{"x": {{"const": 1}}}}}}"#
            );
            assert_eq!(refused(&schema, r#"{"x": 5}"#), "- at '/x': value must be 1\n");
        }
        let nineteen = r##"{"$schema": "https://json-schema.org/draft/2019-09/schema", "$recursiveAnchor": true,
            "properties": {"x": {"$recursiveRef": "#"}, "y": false}}"##;
        assert_eq!(refused(nineteen, r#"{"x": {"y": 1}}"#), "- at '/x/y': false schema\n");
        let twenty = r##"{"$defs": {"n": {"$dynamicAnchor": "n", "additionalProperties": {"$dynamicRef": "#n"},
            "type": "object"}}, "$ref": "#/$defs/n"}"##;
        assert_eq!(refused(twenty, r#"{"x": {"y": 1}}"#), "- at '/x/y': got number, want object\n");
    }

    #[test]
    fn nothing_outside_is_read() {
        for (url, why) in [
            ("other.json", "open /other.json: no such file or directory"),
            ("file:///etc/passwd", "open /etc/passwd: no such file or directory"),
            ("http://example.com/s.json", "may only refer to files of its chart"),
            ("https://example.com/s", "may only refer to files of its chart"),
        ] {
            let schema = format!(r#"{{"properties": {{"x": {{"$ref": "{url}"}}}}}}"#);
            let told = refused(&schema, "{}");
            assert!(told.starts_with("failing loading ") && told.contains(why), "{told}");
        }
        assert_eq!(verdict(r#"{"properties": {"x": {"$ref": "urn:a:b"}}}"#, r#"{"x": 1}"#), Ok(()));
    }

    #[test]
    fn a_large_schema_says_what_a_small_one_does() {
        let fine =
            |i: usize| format!(r##""p{i}": {{"type": "integer", "allOf": [{{"$ref": "#/$defs/d"}}]}}"##);
        let properties: Vec<String> = (0..300).map(fine).collect();
        let schema = |defs: &str| {
            format!(
                r#"{{"properties": {{{}}}, "$defs": {{"d": {{"minimum": 3}}{defs}}}}}"#,
                properties.join(",")
            )
        };
        let told = refused(&schema(""), r#"{"p7": 1, "p299": "x", "p4": 5}"#);
        assert_eq!(
            told,
            "- at '/p299': got string, want integer\n- at '/p7': 'allOf' failed\n  - at '/p7': minimum: got 1, want 3\n"
        );
        // What is wrong where nobody looks is not told.
        let unused = schema(r#", "unused": {"$ref": "http://example.com/"}"#);
        assert_eq!(verdict(&unused, r#"{"p7": 3}"#), Ok(()));
    }

    #[test]
    fn a_long_chain_of_references_is_an_error() {
        let links: Vec<String> =
            (0..15_000).map(|i| format!(r##""a{i}": {{"$ref": "#/$defs/a{}"}}"##, i + 1)).collect();
        let schema =
            format!(r##"{{"$ref": "#/$defs/a0", "$defs": {{{}, "a15000": true}}}}"##, links.join(","));
        assert!(refused(&schema, "{}").contains("too deep"));
        let nested = "{\"not\":".repeat(100_000) + "{}" + &"}".repeat(100_000);
        assert!(refused(&nested, "{}").contains("depth"));
    }

    #[test]
    fn a_schema_of_very_many_parts_is_an_error() {
        let many =
            |count: usize| (0..count).map(|i| format!(r#""p{i}": {{}}"#)).collect::<Vec<_>>().join(",");
        let refused = refused(&format!(r#"{{"properties": {{{}}}}}"#, many(20_000)), "{}");
        assert!(refused.contains("too large: it has 20002 objects"), "{refused}");
        assert_eq!(verdict(&format!(r#"{{"properties": {{{}}}}}"#, many(5_000)), "{}"), Ok(()));
    }

    #[test]
    fn the_deepest_the_guard_lets_through_fits_the_stack() {
        let levels = guard::MAX_DEPTH - 2;
        let links: Vec<String> = (0..levels)
            .map(|i| format!(r##""a{i}": {{"allOf": [{{"$ref": "#/$defs/a{}"}}]}}"##, i + 1))
            .collect();
        let schema =
            format!(r##"{{"$ref": "#/$defs/a0", "$defs": {{{}, "a{levels}": false}}}}"##, links.join(","));
        assert!(verdict(&schema, "{}").is_err());
        let half: Vec<String> = links.into_iter().take(levels / 2 - 2).collect();
        let end = levels / 2 - 2;
        let schema =
            format!(r##"{{"$ref": "#/$defs/a0", "$defs": {{{}, "a{end}": false}}}}"##, half.join(","));
        let told = refused(&schema, "{}");
        assert!(told.ends_with("false schema\n"), "{told}");
    }

    #[test]
    fn work_that_doubles_at_each_level_is_an_error() {
        let twice = |i: usize| {
            format!(
                r##""a{i}": {{"anyOf": [{{"$ref": "#/$defs/a{0}"}}, {{"$ref": "#/$defs/a{0}"}}]}}"##,
                i + 1
            )
        };
        let links: Vec<String> = (0..60).map(twice).collect();
        let schema = format!(r##"{{"$ref": "#/$defs/a0", "$defs": {{{}, "a60": false}}}}"##, links.join(","));
        assert!(refused(&schema, "{}").contains("too much work"));
    }

    #[test]
    fn patterns_are_bounded() {
        assert!(
            refused(r#"{"properties": {"x": {"pattern": "((a{900}){900}){900}"}}}"#, "{}")
                .contains("patterns")
        );
        assert_eq!(
            verdict(r#"{"properties": {"x": {"pattern": "^[a-z]{1,63}$"}}}"#, r#"{"x": "a"}"#),
            Ok(())
        );
    }
}
