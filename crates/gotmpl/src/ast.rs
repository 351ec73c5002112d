//! The tree of a parsed template. Immutable and shared: many renders execute one tree at the same time.
//!
//! Nodes print as Go prints them, because errors quote them: `executing "t" at <.Values.x>`.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

/// A place in a template's source: a byte offset.
pub(crate) type Pos = u32;

/// A named template: what `define`, `block` or a whole file makes.
#[derive(Debug)]
pub struct Template {
    /// The name `template` and `include` call it by.
    pub(crate) name: Arc<str>,
    /// The file (or other source) it was parsed from; errors name it.
    pub(crate) source: Arc<Source>,
    /// What it does.
    pub(crate) body: Arc<[Node]>,
}

/// A parsed text, kept for the places of errors.
#[derive(Debug)]
pub struct Source {
    /// The name it was parsed under.
    pub name: Arc<str>,
    /// The text.
    pub text: Arc<str>,
    /// Where its lines begin, once an error asked.
    lines: OnceLock<Vec<Pos>>,
}

impl Source {
    /// A text under a name.
    pub(crate) fn new(name: &str, text: Arc<str>) -> Self {
        Self { name: Arc::from(name), text, lines: OnceLock::new() }
    }

    /// Line (from 1) and column (bytes from the line's start, from 0) of a place.
    pub(crate) fn place(&self, pos: Pos) -> (usize, usize) {
        let at = (pos as usize).min(self.text.len());
        let line = self.lines().partition_point(|start| *start as usize <= at);
        let start =
            line.checked_sub(1).and_then(|index| self.lines().get(index)).map_or(0, |start| *start as usize);
        (line.max(1), at - start)
    }

    /// Where the lines begin. Errors of templates that call each other deeply ask for thousands of places.
    fn lines(&self) -> &[Pos] {
        self.lines.get_or_init(|| {
            let newlines = self.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
            let starts = newlines.map(|(at, _)| Pos::try_from(at + 1).unwrap_or(Pos::MAX));
            std::iter::once(0).chain(starts).collect()
        })
    }
}

/// A piece of a template's source, which it keeps alive: what a template says is never copied.
#[derive(Clone)]
pub(crate) struct Word {
    text: Arc<str>,
    start: Pos,
    end: Pos,
}

impl Word {
    pub(crate) fn new(text: Arc<str>, start: usize, end: usize) -> Self {
        let pos = |at: usize| Pos::try_from(at).unwrap_or(Pos::MAX);
        Self { text, start: pos(start), end: pos(end) }
    }

    /// This piece and the one that follows it without a gap.
    pub(crate) fn up_to(self, next: &Self) -> Self {
        Self { end: next.end, ..self }
    }

    /// The names of a path: `a` and `b` of `.a.b`, after the variable's own of `$x.a.b`.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &str> {
        self.split('.').skip(1)
    }

    /// The variable's name of `$x.a.b`.
    pub(crate) fn variable(&self) -> &str {
        self.split('.').next().unwrap_or_default()
    }
}

impl Deref for Word {
    type Target = str;

    fn deref(&self) -> &str {
        self.text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

/// One step of a template's body.
#[derive(Debug)]
pub(crate) enum Node {
    Text(Word),
    Action { pos: Pos, pipe: Pipe },
    If(Box<Branch>),
    With(Box<Branch>),
    Range(Box<Branch>),
    Template { pos: Pos, called: Box<Called> },
    Break { pos: Pos },
    Continue { pos: Pos },
}

/// What `template` and `block` call.
#[derive(Debug)]
pub(crate) struct Called {
    pub(crate) name: Arc<str>,
    /// The name as Go quotes it.
    pub(crate) quoted: Box<str>,
    pub(crate) pipe: Option<Pipe>,
}

/// `if`, `with` or `range` with its two lists.
#[derive(Debug)]
pub(crate) struct Branch {
    pub(crate) pos: Pos,
    pub(crate) pipe: Pipe,
    pub(crate) then: Vec<Node>,
    pub(crate) otherwise: Option<Vec<Node>>,
}

/// `$a, $b := command | command`
#[derive(Debug)]
pub(crate) struct Pipe {
    pub(crate) pos: Pos,
    pub(crate) variables: Vec<Word>,
    /// `=` instead of `:=`
    pub(crate) assigns: bool,
    pub(crate) commands: Vec<Command>,
}

/// A command: an operand, or a function with its arguments.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) pos: Pos,
    pub(crate) args: Vec<Expr>,
}

/// An operand.
#[derive(Debug)]
pub(crate) struct Expr {
    pub(crate) pos: Pos,
    pub(crate) kind: ExprKind,
}

#[derive(Debug)]
pub(crate) enum ExprKind {
    Dot,
    Nil,
    Bool(bool),
    Number(Box<Number>),
    /// The value, and the text as written.
    String(Arc<[u8]>, Word),
    /// `.a.b`
    Field(Word),
    /// `$x.a.b`
    Variable(Word),
    /// `(pipe).a.b`: what is in parentheses, and `.a.b`.
    Chain(Box<Expr>, Word),
    /// A function by name, with its number in the table it was parsed against.
    Function(Word, usize),
    Pipe(Box<Pipe>),
}

/// A constant as Go keeps it: every kind of number it can be.
#[derive(Debug, Clone)]
pub(crate) struct Number {
    pub(crate) text: Box<str>,
    pub(crate) int: Option<i64>,
    pub(crate) uint: Option<u64>,
    pub(crate) float: Option<f64>,
    /// Real and imaginary part of what is no other number.
    pub(crate) complex: Option<(f64, f64)>,
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Action { pipe, .. } => write!(f, "{{{{{pipe}}}}}"),
            Self::If(branch) => branch.print("if", f),
            Self::With(branch) => branch.print("with", f),
            Self::Range(branch) => branch.print("range", f),
            Self::Template { called, .. } => match &called.pipe {
                Some(pipe) => write!(f, "{{{{template {} {pipe}}}}}", called.quoted),
                None => write!(f, "{{{{template {}}}}}", called.quoted),
            },
            Self::Break { .. } => f.write_str("{{break}}"),
            Self::Continue { .. } => f.write_str("{{continue}}"),
        }
    }
}

impl Branch {
    pub(crate) fn print(&self, word: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{{{word} {}}}}}", self.pipe)?;
        self.then.iter().try_for_each(|node| write!(f, "{node}"))?;
        if let Some(otherwise) = &self.otherwise {
            f.write_str("{{else}}")?;
            otherwise.iter().try_for_each(|node| write!(f, "{node}"))?;
        }
        f.write_str("{{end}}")
    }
}

impl fmt::Display for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.variables.is_empty() {
            let names: Vec<&str> = self.variables.iter().map(|name| &**name).collect();
            f.write_str(&names.join(", "))?;
            f.write_str(if self.assigns { " = " } else { " := " })?;
        }
        for (index, command) in self.commands.iter().enumerate() {
            f.write_str(if index > 0 { " | " } else { "" })?;
            write!(f, "{command}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, arg) in self.args.iter().enumerate() {
            f.write_str(if index > 0 { " " } else { "" })?;
            match arg.kind {
                ExprKind::Pipe(_) => write!(f, "({arg})")?,
                _ => write!(f, "{arg}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExprKind::Dot => f.write_str("."),
            ExprKind::Nil => f.write_str("nil"),
            ExprKind::Bool(value) => write!(f, "{value}"),
            ExprKind::Number(number) => f.write_str(&number.text),
            ExprKind::String(_, quoted) => f.write_str(quoted),
            ExprKind::Field(path) | ExprKind::Variable(path) => f.write_str(path),
            ExprKind::Chain(inner, path) => match inner.kind {
                ExprKind::Pipe(_) => write!(f, "({inner}){}", &**path),
                _ => write!(f, "{inner}{}", &**path),
            },
            ExprKind::Function(name, _) => f.write_str(name),
            ExprKind::Pipe(pipe) => write!(f, "{pipe}"),
        }
    }
}
