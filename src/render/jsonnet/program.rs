//! The evaluation of one Jsonnet program, in the worker. Knows no tree and no files: imports are asked for.

use std::collections::HashMap;
use std::rc::Rc;

use rsjsonnet_lang::arena::Arena;
use rsjsonnet_lang::interner::InternedStr;
use rsjsonnet_lang::program::{
    Callbacks, EvalError, EvalErrorKind, EvalStackTraceItem, ImportError, LoadError, NativeError, Program,
    Thunk, Value,
};
use rsjsonnet_lang::span::{SourceId, SpanContext, SpanId};

use super::explain::{self, Words};
use crate::render::names_secret;
use crate::request::JsonnetVar;

/// The deepest nesting of calls (the default of the jsonnet program).
const MAX_CALLS: usize = 500;

/// The longest line shown in a picture, in characters; longer ones are left out.
const MAX_LINE: usize = 500;

/// What an import came to.
#[derive(Clone)]
pub(super) struct Source {
    /// Its path in the tree; empty for the code of a variable.
    pub file: Rc<str>,
    /// Its content.
    pub content: Rc<[u8]>,
}

/// Answers imports; `None` is a refusal whose reason the importer knows.
pub(super) trait Importer {
    /// What `path` means in the file `from`.
    fn import(&mut self, from: &str, path: &str) -> Option<Source>;
}

/// What to evaluate, and with what.
pub(super) struct Input<'a> {
    pub source: Source,
    pub ext_vars: &'a [JsonnetVar],
    pub tlas: &'a [JsonnetVar],
}

/// Why a program has no value.
#[derive(Debug)]
pub(super) struct Failure {
    /// What went wrong, in one line.
    pub message: String,
    /// Whether it was an import that was refused.
    pub import: bool,
    /// Where.
    pub spot: Option<Spot>,
}

/// A place in a file of the tree, counted from 1.
#[derive(Debug)]
pub(super) struct Spot {
    pub file: String,
    pub line: u32,
    pub column: u32,
    /// The text of the line.
    pub text: String,
}

/// The value of a program as JSON. A function is called with the top-level arguments.
pub(super) fn evaluate(input: &Input<'_>, importer: &mut dyn Importer) -> Result<String, Failure> {
    let arena = Arena::new();
    let mut program = Program::new(&arena);
    program.set_max_stack(MAX_CALLS);
    let mut session = Session {
        importer,
        sources: HashMap::new(),
        loaded: HashMap::new(),
        seen: HashMap::new(),
        failure: None,
    };
    for (name, thunk) in session.variables(&mut program, input.ext_vars)? {
        program.add_ext_var(name, &thunk);
    }
    let tlas = session.variables(&mut program, input.tlas)?;
    let main = session.load(&mut program, &input.source).map_err(|words| session.failure(&program, words))?;
    let value = run(&mut program, &mut session, &main, &tlas);
    value.map_err(|error| session.evaluation_failure(&program, &error))
}

fn run<'p>(
    program: &mut Program<'p>,
    session: &mut Session<'p, '_>,
    main: &Thunk<'p>,
    tlas: &[(InternedStr<'p>, Thunk<'p>)],
) -> Result<String, EvalError> {
    let mut value = program.eval_value(main, session)?;
    if value.is_function() {
        value = program.eval_call(main, &[], tlas, session)?;
    }
    program.manifest_json(&value, false)
}

/// What one evaluation has loaded so far.
struct Session<'p, 'i> {
    importer: &'i mut dyn Importer,
    /// Every text in which a span can be.
    sources: HashMap<SourceId, Source>,
    /// Imported programs by path: a file imported twice is one value.
    loaded: HashMap<Rc<str>, Thunk<'p>>,
    /// Answered imports by importing file and path as written.
    seen: HashMap<(Rc<str>, Rc<str>), Source>,
    /// Why the last import failed, when it was not refused.
    failure: Option<Failure>,
}

impl<'p> Session<'p, '_> {
    /// Values of variables, the last of a name only.
    fn variables(
        &mut self,
        program: &mut Program<'p>,
        variables: &[JsonnetVar],
    ) -> Result<Vec<(InternedStr<'p>, Thunk<'p>)>, Failure> {
        let last: HashMap<&str, &JsonnetVar> =
            variables.iter().map(|variable| (variable.name.as_str(), variable)).collect();
        let mut thunks = Vec::new();
        for variable in last.into_values() {
            thunks.push((program.intern_str(&variable.name), self.variable(program, variable)?));
        }
        Ok(thunks)
    }

    fn variable(&mut self, program: &mut Program<'p>, variable: &JsonnetVar) -> Result<Thunk<'p>, Failure> {
        if !variable.code {
            return Ok(program.value_to_thunk(&Value::string(&variable.value)));
        }
        let code = Source { file: Rc::from(""), content: Rc::from(variable.value.as_bytes()) };
        let thunk = self.load(program, &code);
        thunk.map_err(|words| {
            let failure = self.failure(program, words);
            Failure {
                message: format!("the code of variable {}: {}", variable.name, failure.message),
                ..failure
            }
        })
    }

    fn load(&mut self, program: &mut Program<'p>, source: &Source) -> Result<Thunk<'p>, Words> {
        let (context, id) = program.span_manager_mut().insert_source_context(source.content.len());
        self.sources.insert(id, source.clone());
        let thunk = program.load_source(context, &source.content, true, &source.file);
        thunk.map_err(|error: LoadError| explain::load(&error))
    }

    /// What an import expression asks for.
    fn ask(&mut self, program: &Program<'p>, from: SpanId, path: &str) -> Result<Source, ImportError> {
        let from =
            self.locate(program, from).map_or_else(|| Rc::from(""), |(source, _, _)| source.file.clone());
        let key = (from, Rc::from(path));
        if let Some(source) = self.seen.get(&key) {
            return Ok(source.clone());
        }
        let source = self.importer.import(&key.0, path).ok_or(ImportError)?;
        self.seen.insert(key, source.clone());
        Ok(source)
    }

    /// The source and the byte range of a span; `None` in the standard library.
    fn locate(&self, program: &Program<'p>, span: SpanId) -> Option<(&Source, usize, usize)> {
        let (context, start, end) = program.span_manager().get_span(span);
        let SpanContext::Source(id) = program.span_manager().get_context(context);
        self.sources.get(id).map(|source| (source, start, end))
    }

    fn failure(&self, program: &Program<'p>, words: Words) -> Failure {
        let found = words.spans.iter().find_map(|&span| self.locate(program, span));
        let spot = found.and_then(|(source, start, _)| spot(source, start));
        let mut message = words.text;
        if let (true, Some((source, start, end))) = (words.quote, found) {
            // What stands there may be what the line is secretive about; a line too long to show is not looked into.
            let open = |spot: &Spot| !spot.text.is_empty() && !names_secret(&spot.text);
            let shown = start >= source.content.len() || spot.as_ref().is_none_or(open);
            message +=
                &if shown { format!(" {}", quote(&source.content, start, end)) } else { " text".to_owned() };
        }
        Failure { message, import: false, spot }
    }

    fn evaluation_failure(&mut self, program: &Program<'p>, error: &EvalError) -> Failure {
        let refused = matches!(error.kind, EvalErrorKind::ImportFailed { .. });
        match self.failure.take() {
            Some(failure) if refused => failure,
            _ => Failure { import: refused, ..self.failure(program, explain::eval(error)) },
        }
    }
}

impl<'p> Callbacks<'p> for Session<'p, '_> {
    fn import(
        &mut self,
        program: &mut Program<'p>,
        from: SpanId,
        path: &str,
    ) -> Result<Thunk<'p>, ImportError> {
        let source = self.ask(program, from, path)?;
        if let Some(thunk) = self.loaded.get(&source.file) {
            return Ok(thunk.clone());
        }
        let loaded = self.load(program, &source);
        let thunk = loaded.map_err(|words| {
            self.failure = Some(self.failure(program, words));
            ImportError
        })?;
        self.loaded.insert(source.file, thunk.clone());
        Ok(thunk)
    }

    fn import_str(
        &mut self,
        program: &mut Program<'p>,
        from: SpanId,
        path: &str,
    ) -> Result<String, ImportError> {
        self.ask(program, from, path).map(|source| String::from_utf8_lossy(&source.content).into_owned())
    }

    fn import_bin(
        &mut self,
        program: &mut Program<'p>,
        from: SpanId,
        path: &str,
    ) -> Result<Vec<u8>, ImportError> {
        self.ask(program, from, path).map(|source| source.content.to_vec())
    }

    /// `std.trace` writes nowhere: what it says may be a secret, and nobody reads a server's trace.
    fn trace(&mut self, _: &mut Program<'p>, _: &str, _: &[EvalStackTraceItem]) {}

    fn native_call(
        &mut self,
        _: &mut Program<'p>,
        _: InternedStr<'p>,
        _: &[Value<'p>],
    ) -> Result<Value<'p>, NativeError> {
        Err(NativeError)
    }
}

/// The source of a span in backquotes, its beginning if it is long.
fn quote(content: &[u8], start: usize, end: usize) -> String {
    const MOST: usize = 40;
    let text = String::from_utf8_lossy(content.get(start..end).unwrap_or_default());
    let first = text.lines().next().unwrap_or_default();
    match first.char_indices().nth(MOST) {
        _ if first.is_empty() => "end of the file".to_owned(),
        Some((cut, _)) => format!("`{}…`", &first[..cut]),
        None => format!("`{first}`"),
    }
}

/// The line and column of an offset; `None` in the code of a variable, which is no file.
fn spot(source: &Source, offset: usize) -> Option<Spot> {
    if source.file.is_empty() {
        return None;
    }
    let before = &source.content[..offset.min(source.content.len())];
    let start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    let rest = &source.content[start..];
    let end = rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
    let text = String::from_utf8_lossy(&rest[..end]);
    let text = text.trim_end_matches('\r');
    Some(Spot {
        file: source.file.to_string(),
        line: before.iter().filter(|&&byte| byte == b'\n').count() as u32 + 1,
        column: String::from_utf8_lossy(&before[start..]).chars().count() as u32 + 1,
        text: if text.chars().count() > MAX_LINE { String::new() } else { text.to_owned() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers from a table and counts.
    struct Table(HashMap<&'static str, &'static str>, usize);

    impl Importer for Table {
        fn import(&mut self, _: &str, path: &str) -> Option<Source> {
            self.1 += 1;
            let content = self.0.get(path)?;
            Some(Source { file: Rc::from(path), content: Rc::from(content.as_bytes()) })
        }
    }

    fn text(name: &str, value: &str, code: bool) -> JsonnetVar {
        JsonnetVar { name: name.to_owned(), value: value.to_owned(), code }
    }

    fn input(code: &str) -> Input<'_> {
        let source = Source { file: Rc::from("a/main.jsonnet"), content: Rc::from(code.as_bytes()) };
        Input { source, ext_vars: &[], tlas: &[] }
    }

    fn failure(code: &str) -> (String, Option<(u32, u32)>) {
        let table = HashMap::from([("bad", "{\n  a: b }")]);
        let failure = evaluate(&input(code), &mut Table(table, 0)).unwrap_err();
        (failure.message, failure.spot.map(|spot| (spot.line, spot.column)))
    }

    #[test]
    fn variables_and_imports_reach_the_program() {
        let code = "function(t, u=5) [std.extVar('e'), std.extVar('c') + 1, t, u, import 'x', importstr 'x', import 'x']";
        let mut input = input(code);
        let ext_vars = [text("e", "old", false), text("e", "new", false), text("c", "1 + 1", true)];
        let tlas = [text("t", "T", false)];
        (input.ext_vars, input.tlas) = (&ext_vars, &tlas);
        let mut table = Table(HashMap::from([("x", "{a: 1}")]), 0);
        let value = evaluate(&input, &mut table).ok().unwrap();
        assert_eq!(value, r#"["new", 3, "T", 5, {"a": 1}, "{a: 1}", {"a": 1}]"#);
        assert_eq!(table.1, 1, "the same path is asked for once");
    }

    #[test]
    fn failures_say_what_and_where() {
        assert_eq!(failure("{\n  a: 1\n  b: 2\n}"), ("expected , or } but found `b`".into(), Some((3, 3))));
        assert_eq!(failure("{\n  a: x }"), ("unknown variable: x".into(), Some((2, 6))));
        assert_eq!(failure("{a: error 'no'}"), ("no".into(), Some((1, 5))));
        assert_eq!(failure("{a: import 'none'}"), ("cannot import \"none\"".into(), Some((1, 5))));
        assert_eq!(failure("{a: import 'bad'}"), ("unknown variable: b".into(), Some((2, 6))));
        assert_eq!(failure("std.extVar('v')"), ("undefined external variable: v".into(), Some((1, 1))));
        assert_eq!(failure("std.length(1)").1, Some((1, 1)));
        assert_eq!(
            failure("local f(x) = f(x) + 1; f(1)").0,
            "calls nest deeper than the limit allows (infinite recursion?)"
        );
    }
}
