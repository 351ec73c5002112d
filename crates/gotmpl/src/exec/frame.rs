//! Walking one template: text is copied, actions are evaluated and printed, branches and loops are taken.

use std::fmt::{self, Write};

use super::operand::Operand;
use super::{ExecError, GO_MAX_DEPTH, MAX_DEPTH, MAX_NESTING, Machine, Place};
use crate::ast::{Branch, Called, Command, Expr, Node, Pipe, Pos, Template};
use crate::function::{CallError, Cause, Walk};
use crate::print;
use crate::quote;
use crate::text::TextBuffer;
use crate::value::{IntType, ListType, UintType, Value};

pub(super) type Result<T> = std::result::Result<T, ExecError>;

/// One template being executed.
pub(super) struct Frame<'t, 'm, 'a> {
    pub(super) machine: &'m mut Machine<'a>,
    pub(super) template: &'t Template,
    pub(super) variables: Vec<(&'t str, Operand)>,
    /// What is being evaluated: errors name it.
    at: At<'t>,
    out: &'m mut TextBuffer<'a>,
}

/// A node and its place.
#[derive(Clone, Copy)]
enum At<'t> {
    Start,
    Node(&'t Node),
    Pipe(&'t Pipe),
    Command(&'t Command),
    Expr(&'t Expr),
}

/// How a list of nodes came to its end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Goes,
    Breaks,
    Continues,
}

/// Executes `template` on `dot`, its output added to `out`.
pub(super) fn run<'a>(
    machine: &mut Machine<'a>,
    template: &Template,
    dot: &Value,
    out: &mut TextBuffer<'a>,
) -> Result<()> {
    execute(machine, template, &Operand::plain(dot.clone()), out)
}

fn execute<'a>(
    machine: &mut Machine<'a>,
    template: &Template,
    dot: &Operand,
    out: &mut TextBuffer<'a>,
) -> Result<()> {
    machine.depth += 1;
    let mut frame = Frame { machine, template, variables: vec![("$", dot.clone())], at: At::Start, out };
    let result = frame.list(dot, &template.body).map(|_| ());
    frame.machine.depth -= 1;
    result
}

impl<'t> Frame<'t, '_, '_> {
    /// Does `work` one level deeper.
    pub(super) fn nested<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.machine.nesting >= MAX_NESTING {
            return self
                .fail_with(CallError::budget("the templates are nested deeper than the budget allows"));
        }
        self.machine.nesting += 1;
        let result = work(self);
        self.machine.nesting -= 1;
        result
    }

    fn list(&mut self, dot: &Operand, nodes: &'t [Node]) -> Result<Flow> {
        self.nested(|frame| frame.nodes(dot, nodes))
    }

    fn nodes(&mut self, dot: &Operand, nodes: &'t [Node]) -> Result<Flow> {
        for node in nodes {
            let flow = self.node(dot, node)?;
            if flow != Flow::Goes {
                return Ok(flow);
            }
        }
        Ok(Flow::Goes)
    }

    fn node(&mut self, dot: &Operand, node: &'t Node) -> Result<Flow> {
        self.at = At::Node(node);
        self.step()?;
        match node {
            Node::Text(text) => self.write(text.as_bytes())?,
            Node::Action { pipe, .. } => {
                let value = self.pipeline(dot, pipe)?;
                if pipe.variables.is_empty() {
                    self.at = At::Node(node);
                    self.print(&value)?;
                }
            }
            Node::If(branch) => return self.branch(dot, branch, false),
            Node::With(branch) => return self.branch(dot, branch, true),
            Node::Range(branch) => return self.range(dot, branch),
            Node::Template { called, .. } => self.call_template(dot, node, called)?,
            Node::Break { .. } => return Ok(Flow::Breaks),
            Node::Continue { .. } => return Ok(Flow::Continues),
        }
        Ok(Flow::Goes)
    }

    fn write(&mut self, text: &[u8]) -> Result<()> {
        self.out.put(text);
        self.check_output()
    }

    fn print(&mut self, value: &Operand) -> Result<()> {
        match &value.value {
            None => self.out.put(b"<no value>"),
            Some(Value::Str(text)) => self.out.put(text),
            Some(value) => {
                let measured = self.machine.measure(std::slice::from_ref(value), Walk::Through);
                measured.or_else(|error| self.fail_with(error))?;
                print::print_in_place(value, self.out);
            }
        }
        self.check_output()
    }

    fn check_output(&self) -> Result<()> {
        self.out.error().map_or(Ok(()), |error| self.fail_with(error.clone()))
    }

    fn branch(&mut self, dot: &Operand, branch: &'t Branch, binds: bool) -> Result<Flow> {
        let mark = self.variables.len();
        let value = self.pipeline(dot, &branch.pipe)?;
        let flow = match &branch.otherwise {
            _ if value.truth() => self.list(if binds { &value } else { dot }, &branch.then),
            Some(otherwise) => self.list(dot, otherwise),
            None => Ok(Flow::Goes),
        };
        self.variables.truncate(mark);
        flow
    }

    fn range(&mut self, dot: &Operand, branch: &'t Branch) -> Result<Flow> {
        let mark = self.variables.len();
        let value = self.pipeline(dot, &branch.pipe)?;
        let ran = self.iterate(&value, branch)?;
        let flow = match &branch.otherwise {
            Some(otherwise) if !ran => self.list(dot, otherwise),
            _ => Ok(Flow::Goes),
        };
        self.variables.truncate(mark);
        flow
    }

    /// Runs the loop's body for every element; false when there is none.
    fn iterate(&mut self, value: &Operand, branch: &'t Branch) -> Result<bool> {
        match &value.value {
            None | Some(Value::Nil) => Ok(false),
            Some(Value::List(list)) => {
                let boxed = list.of == ListType::Any;
                let items = list.iter().map(|item| Operand { value: Some(item.clone()), boxed });
                self.each(branch, items.enumerate().map(|(index, item)| (index_of(index), item)))
            }
            Some(Value::Bytes(bytes)) => {
                let items =
                    bytes.iter().map(|byte| Operand::plain(Value::Uint(UintType::Uint8, u64::from(*byte))));
                self.each(branch, items.enumerate().map(|(index, item)| (index_of(index), item)))
            }
            Some(Value::Map(map)) => {
                let boxed = map.holds_any();
                self.machine.budget().spend_entries(map.len()).or_else(|error| self.fail_with(error))?;
                let entries = map.entries().into_iter();
                let entries = entries.map(|(key, value)| {
                    (Operand::plain(Value::Str(key)), Operand { value: Some(value), boxed })
                });
                self.each(branch, entries)
            }
            Some(Value::Int(width, count)) => self.count(branch, *width, *count),
            Some(other) => {
                let text = print::sprint_value(other);
                self.fail(format!("range can't iterate over {}", String::from_utf8_lossy(&text)))
            }
        }
    }

    fn count(&mut self, branch: &'t Branch, width: IntType, count: i64) -> Result<bool> {
        if branch.pipe.variables.len() > 1 {
            return self.fail(format!("can't use {count} to iterate over more than one variable"));
        }
        let numbers = (0..count).map(|number| (Operand::NONE, Operand::plain(Value::Int(width, number))));
        self.each(branch, numbers)
    }

    fn each(&mut self, branch: &'t Branch, items: impl Iterator<Item = (Operand, Operand)>) -> Result<bool> {
        let mark = self.variables.len();
        let mut ran = false;
        for (index, item) in items {
            ran = true;
            self.step()?;
            self.bind(&branch.pipe, index, &item)?;
            let flow = self.list(&item, &branch.then)?;
            self.variables.truncate(mark);
            if flow == Flow::Breaks {
                break;
            }
        }
        Ok(ran)
    }

    /// Gives the loop's variables their values of this turn.
    fn bind(&mut self, pipe: &'t Pipe, index: Operand, item: &Operand) -> Result<()> {
        let top = self.variables.len();
        match (pipe.variables.as_slice(), pipe.assigns) {
            ([], _) => {}
            ([only], true) => self.assign(only, item.clone())?,
            ([first, second, ..], true) => {
                self.assign(first, index)?;
                self.assign(second, item.clone())?;
            }
            ([_], false) => self.variables[top - 1].1 = item.clone(),
            ([_, _, ..], false) => {
                self.variables[top - 1].1 = item.clone();
                self.variables[top - 2].1 = index;
            }
        }
        Ok(())
    }

    pub(super) fn assign(&mut self, name: &str, value: Operand) -> Result<()> {
        match self.place_of(name)? {
            Some(place) => {
                self.variables[place].1 = value;
                Ok(())
            }
            None => self.fail(format!("undefined variable: {name}")),
        }
    }

    /// Where the innermost variable of a name is. Looking through very many of them is accounted for.
    pub(super) fn place_of(&mut self, name: &str) -> Result<Option<usize>> {
        let place = self.variables.iter().rposition(|(known, _)| *known == name);
        let looked_at = self.variables.len() - place.unwrap_or(0);
        if looked_at > MANY_VARIABLES {
            let steps = (looked_at / MANY_VARIABLES) as u64;
            self.machine.work(steps).or_else(|error| self.fail_with(error))?;
        }
        Ok(place)
    }

    fn call_template(&mut self, dot: &Operand, node: &'t Node, called: &'t Called) -> Result<()> {
        let Called { name, pipe, .. } = called;
        let Some(template) = self.machine.set.get(name).cloned() else {
            return self.fail(format!("template {} not defined", quote::quoted(name.as_bytes())));
        };
        if self.machine.depth >= MAX_DEPTH {
            return self.fail(format!("exceeded maximum template depth ({GO_MAX_DEPTH})"));
        }
        let dot = match pipe {
            Some(pipe) => self.pipeline(dot, pipe)?,
            None => Operand::NONE,
        };
        self.at = At::Node(node);
        execute(self.machine, &template, &dot, self.out)
    }

    pub(super) fn at_pipe(&mut self, pipe: &'t Pipe) {
        self.at = At::Pipe(pipe);
    }

    pub(super) fn at_command(&mut self, command: &'t Command) {
        self.at = At::Command(command);
    }

    pub(super) fn at_expr(&mut self, expr: &'t Expr) {
        self.at = At::Expr(expr);
    }

    fn step(&mut self) -> Result<()> {
        self.machine.work(1).or_else(|error| self.fail_with(error))
    }

    /// Fails at the node in hand.
    pub(super) fn fail<T>(&self, message: impl Into<String>) -> Result<T> {
        Err(self.error(message.into()))
    }

    /// Fails at the node in hand with what a function said.
    pub(super) fn fail_with<T>(&self, error: CallError) -> Result<T> {
        let foreign = error.inner.as_ref().is_none_or(|inner| inner.foreign);
        Err(ExecError { cause: error.cause, inner: error.inner, foreign, ..self.error(error.message) })
    }

    /// The node in hand as Go prints it; of one that is very long only the beginning.
    fn context(&self) -> String {
        let mut context = Excerpt(String::new());
        match write!(context, "{}", self.at) {
            Ok(()) => context.0,
            Err(fmt::Error) => context.0 + "...",
        }
    }

    fn error(&self, message: String) -> ExecError {
        let (line, column) = self.template.source.place(self.at.pos());
        let place = Place {
            source: self.template.source.name.clone(),
            line,
            column,
            template: self.template.name.clone(),
            context: self.context(),
        };
        ExecError { place: Some(place), message, cause: Cause::Template, inner: None, foreign: false }
    }
}

/// How many variables are looked through in one step.
const MANY_VARIABLES: usize = 32;

/// The beginning of a text. Every level of a chain of errors has such a one.
struct Excerpt(String);

/// How many bytes of a node errors show.
const MAX_CONTEXT: usize = 16 << 10;

impl fmt::Write for Excerpt {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = MAX_CONTEXT.saturating_sub(self.0.len());
        if text.len() <= room {
            self.0.push_str(text);
            return Ok(());
        }
        self.0.push_str(&text[..text.floor_char_boundary(room)]);
        Err(fmt::Error)
    }
}

fn index_of(index: usize) -> Operand {
    Operand::plain(Value::int(i64::try_from(index).unwrap_or(i64::MAX)))
}

impl At<'_> {
    fn pos(&self) -> Pos {
        match self {
            Self::Start => 0,
            Self::Node(node) => match node {
                Node::Text(_) => 0,
                Node::Action { pos, .. }
                | Node::Template { pos, .. }
                | Node::Break { pos }
                | Node::Continue { pos } => *pos,
                Node::If(branch) | Node::With(branch) | Node::Range(branch) => branch.pos,
            },
            Self::Pipe(pipe) => pipe.pos,
            Self::Command(command) => command.pos,
            Self::Expr(expr) => expr.pos,
        }
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start => Ok(()),
            Self::Node(node) => node.fmt(f),
            Self::Pipe(pipe) => pipe.fmt(f),
            Self::Command(command) => command.fmt(f),
            Self::Expr(expr) => expr.fmt(f),
        }
    }
}
