//! Executing templates: the machine that holds what a whole run shares, and its budgets.
//!
//! `frame.rs` walks one template, `eval.rs` evaluates what stands in its actions, `operand.rs` is what evaluation
//! passes around. Behaviour: Go 1.26 `text/template/exec.go`.

mod call;
mod eval;
mod frame;
mod operand;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use crate::ast::Template;
use crate::budget::Budget;
use crate::function::{CallError, Cause, Function, Walk};
use crate::quote;
use crate::text::TextBuffer;
use crate::value::{Map, Value};

/// How deep templates may call each other. Helm's `include` allows 1,000 of one name; Go's own limit, which the message
/// names, would take gigabytes of stack.
const MAX_DEPTH: usize = 3_000;

/// How deep blocks and pipelines may be nested, those of the calling templates counted: what bounds the stack. Measured
/// with the worst mixtures, a level takes up to 10 KB of stack in a debug build; real charts stay below 1,000.
const MAX_NESTING: usize = 30_000;

/// How deep functions go into values. The encoders end before that, with Go's texts.
const MAX_WALK: usize = 1_100;

/// The limit that Go's message names.
const GO_MAX_DEPTH: usize = 100_000;

/// The templates one template can call, by name. Layers: `tpl` puts one on top without copying what is beneath.
#[derive(Debug, Default)]
pub struct Set {
    beneath: Option<Rc<Set>>,
    templates: HashMap<Arc<str>, Arc<Template>>,
}

impl Set {
    /// An empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty layer on top of `beneath`.
    #[must_use]
    pub fn over(beneath: Rc<Self>) -> Self {
        Self { beneath: Some(beneath), templates: HashMap::new() }
    }

    /// Adds a template; one that holds nothing but white space does not replace another, as in Go.
    pub fn add(&mut self, template: Arc<Template>) {
        if template.is_empty() && self.get(template.name()).is_some() {
            return;
        }
        self.templates.insert(template.name().clone(), template);
    }

    /// The template called `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<Template>> {
        self.templates.get(name).or_else(|| self.beneath.as_ref()?.get(name))
    }
}

/// What surrounds an execution: methods of values, and whatever functions need.
pub trait Host {
    /// The method `name` of `receiver`; its function gets the receiver as first argument, undeclared.
    fn method(&self, receiver: &Value, name: &str) -> Option<&'static Function>;

    /// Fills `bytes` with random ones for `function`.
    ///
    /// # Errors
    /// Where there is no chance.
    fn random(&mut self, function: &'static str, bytes: &mut [u8]) -> Result<(), CallError> {
        let _ = bytes;
        Err(CallError::new(format!("{function}: there is no source of random numbers here")))
    }

    /// Seconds since 1970 for `function`.
    ///
    /// # Errors
    /// Where there is no clock.
    fn now(&mut self, function: &'static str) -> Result<i64, CallError> {
        Err(CallError::new(format!("{function}: there is no clock here")))
    }

    /// The host itself, for functions that know it.
    fn as_any(&mut self) -> &mut dyn std::any::Any;
}

/// A host for templates that need none.
#[derive(Debug, Default)]
pub struct NoHost;

impl Host for NoHost {
    fn method(&self, _receiver: &Value, _name: &str) -> Option<&'static Function> {
        None
    }

    fn as_any(&mut self) -> &mut dyn std::any::Any {
        self
    }
}

/// One run: functions, templates, host and budget.
pub struct Machine<'a> {
    functions: &'a [Function],
    /// The templates that can be called now.
    pub set: Rc<Set>,
    /// What surrounds the run.
    pub host: &'a mut dyn Host,
    budget: &'a Budget<'a>,
    depth: usize,
    nesting: usize,
    /// Maps that were changed in place: they may hold themselves, and are emptied at the end.
    changed: Vec<Map>,
    /// Hashes of what is kept between runs and was charged to this one.
    known: HashSet<u64>,
}

impl<'a> Machine<'a> {
    /// A machine that has not run yet.
    pub fn new(
        functions: &'a [Function],
        set: Rc<Set>,
        host: &'a mut dyn Host,
        budget: &'a Budget<'a>,
    ) -> Self {
        Self {
            functions,
            set,
            host,
            budget,
            depth: 0,
            nesting: 0,
            changed: Vec::new(),
            known: HashSet::new(),
        }
    }

    /// Runs the template called `name` on `dot` and yields what it prints.
    ///
    /// # Errors
    /// Where and why it failed.
    pub fn execute(&mut self, name: &str, dot: &Value) -> Result<Vec<u8>, ExecError> {
        match self.set.get(name).cloned() {
            Some(template) => self.run(&template, dot),
            None => Err(ExecError::bare(format!(
                "template: no template {} associated with template \"gotpl\"",
                quote::quoted(name.as_bytes())
            ))),
        }
    }

    /// Runs `template` on `dot` and yields what it prints.
    ///
    /// # Errors
    /// Where and why it failed.
    pub fn run(&mut self, template: &Template, dot: &Value) -> Result<Vec<u8>, ExecError> {
        let mut out = TextBuffer::new(self.budget);
        frame::run(self, template, dot, &mut out)?;
        out.into_bytes().map_err(ExecError::from)
    }

    /// The functions of this run.
    #[must_use]
    pub fn functions(&self) -> &'a [Function] {
        self.functions
    }

    /// What the run may still use up.
    #[must_use]
    pub fn budget(&self) -> &'a Budget<'a> {
        self.budget
    }

    /// Accounts for `bytes` that a function is about to make.
    ///
    /// # Errors
    /// When the budget is used up.
    pub fn spend(&self, bytes: usize) -> Result<(), CallError> {
        self.budget.spend(bytes)
    }

    /// Accounts for `steps` of work.
    ///
    /// # Errors
    /// When the budget is used up or the stop flag is raised.
    pub fn work(&self, steps: u64) -> Result<(), CallError> {
        self.budget.work(steps)
    }

    /// Whether this run sees the hash `key` for the first time: what is kept between runs is charged once in each.
    pub fn is_first(&mut self, key: u64) -> bool {
        self.known.insert(key)
    }

    /// Calls a function with arguments of the types it declares. What it takes is accounted for before: going through the
    /// texts among its arguments, and through everything in them if it does.
    ///
    /// # Errors
    /// What the function says; the budget is used up.
    pub fn call(&mut self, function: &Function, args: &[Value]) -> Result<Value, CallError> {
        let text = |arg: &Value| if let Value::Str(text) | Value::Bytes(text) = arg { text.len() } else { 0 };
        let bytes = args.iter().map(text).sum();
        self.budget.work(1)?;
        self.budget.read(bytes)?;
        self.budget.spend(bytes.saturating_mul(function.bytes_per_byte))?;
        self.measure(args, function.walk)?;
        (function.call)(self, args)
    }

    /// Accounts for going through everything that `values` hold.
    ///
    /// # Errors
    /// When the budget is used up, or where `walk` has no depth of its own, when they are nested too deeply.
    pub fn measure(&self, values: &[Value], walk: Walk) -> Result<(), CallError> {
        if walk == Walk::No {
            return Ok(());
        }
        for value in values {
            let fits = value.measure(MAX_WALK, &mut |values, bytes| {
                self.budget.work(values as u64)?;
                self.budget.read(bytes)
            })?;
            if !fits && walk == Walk::Through {
                return Err(CallError::new("the values are nested too deeply, or hold themselves"));
            }
        }
        Ok(())
    }

    /// Notes that `map` was changed in place.
    ///
    /// # Errors
    /// When the budget is used up.
    pub fn note_change(&mut self, map: &Map) -> Result<(), CallError> {
        if !self.changed.iter().rev().take(8).any(|known| known.same(map)) {
            self.budget.spend(4 * std::mem::size_of::<Map>())?;
            self.changed.push(map.clone());
        }
        Ok(())
    }
}

impl Drop for Machine<'_> {
    /// A map that holds itself would never be freed.
    fn drop(&mut self) {
        self.changed.iter().for_each(Map::clear);
    }
}

/// Where and why an execution failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecError {
    /// Where; `None` when there is no place.
    pub place: Option<Place>,
    /// Why; the beginning of the reason when `inner` is the rest of it.
    pub message: String,
    /// What kind of failure it is.
    pub cause: Cause,
    /// The execution of another template whose failure this one is.
    pub inner: Option<Box<ExecError>>,
    /// A function failed with a text of its own, here or in the innermost execution.
    pub foreign: bool,
}

/// Where an execution failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The source the template was parsed from.
    pub source: Arc<str>,
    /// Line, from 1.
    pub line: usize,
    /// Column in bytes, from 0, as Go counts it.
    pub column: usize,
    /// The template's name.
    pub template: Arc<str>,
    /// The node that was being evaluated, as Go prints it.
    pub context: String,
}

impl ExecError {
    fn bare(message: String) -> Self {
        Self { place: None, message, cause: Cause::Template, inner: None, foreign: false }
    }
}

impl From<CallError> for ExecError {
    fn from(error: CallError) -> Self {
        Self { cause: error.cause, inner: error.inner, ..Self::bare(error.message) }
    }
}

impl fmt::Display for ExecError {
    /// The whole chain, outermost first. No level holds the text of those inside: it would grow with their square.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for error in std::iter::successors(Some(self), |error| error.inner.as_deref()) {
            if let Some(place) = &error.place {
                let name = quote::quoted(place.template.as_bytes());
                write!(f, "template: {}:{}:{}: ", place.source, place.line, place.column)?;
                write!(f, "executing {name} at <{}>: ", place.context)?;
            }
            f.write_str(&error.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for ExecError {}
