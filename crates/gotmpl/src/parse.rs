//! Tokens → trees. One text may define many templates.
//!
//! Behaviour and messages: Go 1.26 `text/template/parse/parse.go`.

mod pipeline;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::ast::{Branch, Called, Node, Pos, Source, Template, Word};
use crate::lexer::Lexer;
use crate::quote;
use crate::token::{Keyword, Kind, Token};

/// How deep lists and parentheses may nest. Go allows 10,000 parentheses; a template that needs a hundred is hostile.
const MAX_DEPTH: usize = 500;

/// Why a text is not a template. Go's message without its `template: NAME:LINE: ` beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// The name the text was parsed under.
    pub name: Arc<str>,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "template: {}:{}: {}", self.name, self.line, self.message)
    }
}

impl std::error::Error for ParseError {}

type Result<T> = std::result::Result<T, ParseError>;

/// Parses `text`. The answer holds the templates it defines, the text's own (named `name`) last.
///
/// `functions` gives the number of a function by its name: functions are looked up while parsing, so an unknown
/// one is an error even in a branch that never runs.
///
/// # Errors
/// The first mistake in the text.
pub fn parse(
    name: &str,
    text: &str,
    functions: &dyn Fn(&str) -> Option<usize>,
) -> Result<Vec<Arc<Template>>> {
    Parsed::of(name, text, functions)?.named(name)
}

/// A parsed text that has no name yet: files of one content share it, whatever they are called.
#[derive(Debug)]
pub struct Parsed {
    text: Arc<str>,
    /// What it defines.
    defined: Vec<Defined>,
    /// What it does itself.
    body: Arc<[Node]>,
    /// Where its last token begins.
    end: usize,
}

#[derive(Debug)]
struct Defined {
    name: Arc<str>,
    body: Arc<[Node]>,
}

impl Parsed {
    /// Parses `text`; only errors speak of `name`.
    ///
    /// # Errors
    /// The first mistake in the text.
    pub fn of(name: &str, text: &str, functions: &dyn Fn(&str) -> Option<usize>) -> Result<Self> {
        let text: Arc<str> = Arc::from(text);
        let parser = Parser {
            lexer: Lexer::new(&text),
            text: &text,
            name,
            kept: &text,
            functions,
            ahead: Vec::new(),
            line_at: 0,
            action: None,
            scope: Scope::new(),
            defined: Vec::new(),
            depth: 0,
        };
        let (defined, body, end) = parser.run()?;
        Ok(Self { text, defined, body, end })
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// The templates of a source called `name`, its own last.
    ///
    /// # Errors
    /// When the text also defines a template of that name, and neither is empty.
    pub fn named(&self, name: &str) -> Result<Vec<Arc<Template>>> {
        let source = Arc::new(Source::new(name, self.text.clone()));
        let template = |name: &Arc<str>, body: &Arc<[Node]>| {
            Arc::new(Template { name: name.clone(), source: source.clone(), body: body.clone() })
        };
        let mut body = &self.body;
        let mut templates = Vec::with_capacity(self.defined.len() + 1);
        for defined in &self.defined {
            if *defined.name != *name {
                templates.push(template(&defined.name, &defined.body));
            } else if is_blank(body) {
                body = &defined.body;
            } else if !is_blank(&defined.body) {
                let line = line(&self.text, self.end);
                return Err(ParseError { name: source.name.clone(), line, message: twice(name) });
            }
        }
        templates.push(template(&source.name, body));
        Ok(templates)
    }
}

struct Parser<'s> {
    lexer: Lexer<'s>,
    text: &'s str,
    /// What errors call the text.
    name: &'s str,
    /// The text, for pieces that outlive the parser.
    kept: &'s Arc<str>,
    functions: &'s dyn Fn(&str) -> Option<usize>,
    /// Tokens given back, the next one last.
    ahead: Vec<Token>,
    /// Where the last token taken begins; errors name its line.
    line_at: usize,
    /// Where the action in hand begins.
    action: Option<usize>,
    scope: Scope<'s>,
    defined: Vec<Defined>,
    depth: usize,
}

/// What is known inside one template's body.
struct Scope<'s> {
    /// Names in the order of their declaration, which ends them in reverse.
    variables: Vec<&'s str>,
    /// How often each name is declared here.
    known: HashMap<&'s str, usize>,
    ranges: usize,
}

impl<'s> Scope<'s> {
    fn new() -> Self {
        let mut scope = Self { variables: Vec::new(), known: HashMap::new(), ranges: 0 };
        scope.declare("$");
        scope
    }

    fn declare(&mut self, name: &'s str) {
        self.variables.push(name);
        *self.known.entry(name).or_default() += 1;
    }

    fn knows(&self, name: &str) -> bool {
        self.known.get(name).is_some_and(|count| *count > 0)
    }

    /// Ends all but the first `count` declarations.
    fn end_after(&mut self, count: usize) {
        for name in self.variables.drain(count..) {
            if let Some(count) = self.known.get_mut(name) {
                *count -= 1;
            }
        }
    }
}

/// What ended a list of nodes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    End,
    Else,
}

impl Ending {
    fn text(self) -> &'static str {
        match self {
            Self::End => "{{end}}",
            Self::Else => "{{else}}",
        }
    }
}

/// One node, or the end of the list it would be in.
enum Step {
    Node(Node),
    Ending(Ending),
    /// A `define`, which leaves nothing behind.
    Nothing,
}

impl<'s> Parser<'s> {
    fn run(mut self) -> Result<(Vec<Defined>, Arc<[Node]>, usize)> {
        let mut body = Vec::new();
        while self.peek().kind != Kind::Eof {
            match self.top_level()? {
                Step::Node(node) => body.push(node),
                Step::Ending(ending) => return self.error(format!("unexpected {}", ending.text())),
                Step::Nothing => {}
            }
        }
        Ok((self.defined, Arc::from(body), self.line_at))
    }

    fn top_level(&mut self) -> Result<Step> {
        let delim = self.next();
        if delim.kind == Kind::LeftDelim {
            let token = self.next_solid();
            if token.kind == Kind::Keyword(Keyword::Define) {
                self.define()?;
                return Ok(Step::Nothing);
            }
            self.give_back(token);
        }
        self.give_back(delim);
        self.text_or_action()
    }

    fn define(&mut self) -> Result<()> {
        const CONTEXT: &str = "define clause";
        let token = self.next_solid();
        let name = self.template_name(token, CONTEXT)?;
        self.expect_right(CONTEXT)?;
        let outer = std::mem::replace(&mut self.scope, Scope::new());
        let (body, ending) = self.list()?;
        self.scope = outer;
        if ending != Ending::End {
            return self.error(format!("unexpected {} in {CONTEXT}", ending.text()));
        }
        self.add(name, body)
    }

    /// Keeps a definition; of two with one name, one must be empty.
    fn add(&mut self, name: Arc<str>, body: Vec<Node>) -> Result<()> {
        let defined = Defined { name, body: Arc::from(body) };
        match self.defined.iter().position(|other| other.name == defined.name) {
            None => self.defined.push(defined),
            Some(index) if is_blank(&self.defined[index].body) => self.defined[index] = defined,
            Some(_) if is_blank(&defined.body) => {}
            Some(_) => return self.error(twice(&defined.name)),
        }
        Ok(())
    }

    /// Nodes up to `end` or `else`.
    fn list(&mut self) -> Result<(Vec<Node>, Ending)> {
        self.deeper()?;
        let mut nodes = Vec::new();
        while self.peek_solid().kind != Kind::Eof {
            match self.text_or_action()? {
                Step::Node(node) => nodes.push(node),
                Step::Ending(ending) => {
                    self.depth -= 1;
                    return Ok((nodes, ending));
                }
                Step::Nothing => {}
            }
        }
        self.error("unexpected EOF")
    }

    fn deeper(&mut self) -> Result<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH { self.error("max expression depth exceeded") } else { Ok(()) }
    }

    fn text_or_action(&mut self) -> Result<Step> {
        let token = self.next_solid();
        match token.kind {
            Kind::Text => Ok(Step::Node(Node::Text(self.kept(token)))),
            Kind::LeftDelim => {
                self.action = Some(token.start);
                let step = self.action();
                self.action = None;
                step
            }
            _ => self.unexpected(token, "input"),
        }
    }

    fn action(&mut self) -> Result<Step> {
        let token = self.next_solid();
        let Kind::Keyword(keyword) = token.kind else {
            self.give_back(token);
            let pos = pos(self.peek());
            let pipe = self.pipeline("command", Kind::RightDelim)?;
            return Ok(Step::Node(Node::Action { pos, pipe }));
        };
        Ok(Step::Node(match keyword {
            Keyword::Block => self.block()?,
            Keyword::Break => self.leave(token, "{{break}}", Node::Break { pos: pos(token) })?,
            Keyword::Continue => self.leave(token, "{{continue}}", Node::Continue { pos: pos(token) })?,
            Keyword::Else => return self.else_(),
            Keyword::End => {
                self.expect_right("end")?;
                return Ok(Step::Ending(Ending::End));
            }
            Keyword::If => Node::If(Box::new(self.branch("if")?)),
            Keyword::Range => Node::Range(Box::new(self.branch("range")?)),
            Keyword::With => Node::With(Box::new(self.branch("with")?)),
            Keyword::Template => self.template()?,
            Keyword::Define => return self.unexpected(token, "command"),
        }))
    }

    fn leave(&mut self, _token: Token, word: &str, node: Node) -> Result<Node> {
        let after = self.next_solid();
        if after.kind != Kind::RightDelim {
            return self.unexpected(after, word);
        }
        if self.scope.ranges == 0 {
            return self.error(format!("{word} outside {{{{range}}}}"));
        }
        Ok(node)
    }

    /// `{{else}}`; before `if` and `with` the rest of the action stays for [`Parser::branch`].
    fn else_(&mut self) -> Result<Step> {
        if !matches!(self.peek_solid().kind, Kind::Keyword(Keyword::If | Keyword::With)) {
            self.expect_right("else")?;
        }
        Ok(Step::Ending(Ending::Else))
    }

    fn branch(&mut self, context: &'static str) -> Result<Branch> {
        let variables = self.scope.variables.len();
        let pos = pos(self.peek_solid());
        let pipe = self.pipeline(context, Kind::RightDelim)?;
        let ranges = usize::from(context == "range");
        self.scope.ranges += ranges;
        let (then, ending) = self.list()?;
        self.scope.ranges -= ranges;
        let otherwise = if ending == Ending::Else { Some(self.otherwise(context)?) } else { None };
        self.scope.end_after(variables);
        Ok(Branch { pos, pipe, then, otherwise })
    }

    /// What follows `else`: a list, or for `else if` and `else with` one nested branch that shares the `end`.
    fn otherwise(&mut self, context: &'static str) -> Result<Vec<Node>> {
        let chained = match self.peek().kind {
            Kind::Keyword(Keyword::If) if context == "if" => true,
            Kind::Keyword(Keyword::With) if context == "with" => true,
            _ => false,
        };
        if chained {
            self.next();
            self.deeper()?;
            let branch = Box::new(self.branch(context)?);
            self.depth -= 1;
            return Ok(vec![if context == "if" { Node::If(branch) } else { Node::With(branch) }]);
        }
        let (list, ending) = self.list()?;
        if ending != Ending::End {
            return self.error(format!("expected end; found {}", ending.text()));
        }
        Ok(list)
    }

    /// `block`: a definition and its use in one.
    fn block(&mut self) -> Result<Node> {
        const CONTEXT: &str = "block clause";
        let token = self.next_solid();
        let name = self.template_name(token, CONTEXT)?;
        let quoted = quote::quoted(name.as_bytes()).into_boxed_str();
        let pipe = self.pipeline(CONTEXT, Kind::RightDelim)?;
        let outer = std::mem::replace(&mut self.scope, Scope::new());
        let (body, ending) = self.list()?;
        self.scope = outer;
        if ending != Ending::End {
            return self.error(format!("unexpected {} in {CONTEXT}", ending.text()));
        }
        self.add(name.clone(), body)?;
        Ok(Node::Template { pos: pos(token), called: Box::new(Called { name, quoted, pipe: Some(pipe) }) })
    }

    fn template(&mut self) -> Result<Node> {
        const CONTEXT: &str = "template clause";
        let token = self.next_solid();
        let name = self.template_name(token, CONTEXT)?;
        let quoted = quote::quoted(name.as_bytes()).into_boxed_str();
        let after = self.next_solid();
        let pipe = if after.kind == Kind::RightDelim {
            None
        } else {
            self.give_back(after);
            Some(self.pipeline(CONTEXT, Kind::RightDelim)?)
        };
        Ok(Node::Template { pos: pos(token), called: Box::new(Called { name, quoted, pipe }) })
    }

    fn template_name(&mut self, token: Token, context: &str) -> Result<Arc<str>> {
        if !matches!(token.kind, Kind::String | Kind::RawString) {
            return self.unexpected(token, context);
        }
        let name = quote::unquote(self.word(token)).or_else(|message| self.error(message))?;
        Ok(Arc::from(String::from_utf8_lossy(&name)))
    }

    fn next(&mut self) -> Token {
        let token = self.ahead.pop().unwrap_or_else(|| self.lexer.next());
        self.line_at = token.start;
        token
    }

    fn next_solid(&mut self) -> Token {
        loop {
            let token = self.next();
            if token.kind != Kind::Space {
                return token;
            }
        }
    }

    fn peek(&mut self) -> Token {
        let token = self.next();
        self.give_back(token);
        token
    }

    /// The next token that is no space; the spaces before it are gone.
    fn peek_solid(&mut self) -> Token {
        let token = self.next_solid();
        self.give_back(token);
        token
    }

    fn give_back(&mut self, token: Token) {
        self.ahead.push(token);
    }

    fn expect_right(&mut self, context: &str) -> Result<()> {
        let token = self.next_solid();
        if token.kind == Kind::RightDelim { Ok(()) } else { self.unexpected(token, context) }
    }

    fn word(&self, token: Token) -> &'s str {
        &self.text[token.start..token.end]
    }

    /// A token's text, to be part of the tree.
    fn kept(&self, token: Token) -> Word {
        Word::new(self.kept.clone(), token.start, token.end)
    }

    fn line(&self, at: usize) -> usize {
        line(self.text, at)
    }

    fn error<T>(&self, message: impl Into<String>) -> Result<T> {
        Err(ParseError { name: Arc::from(self.name), line: self.line(self.line_at), message: message.into() })
    }

    fn unexpected<T>(&self, token: Token, context: &str) -> Result<T> {
        if token.kind == Kind::Error {
            return self.lexing_failed(token);
        }
        self.error(format!("unexpected {} in {context}", self.printed(token)))
    }

    /// The lexer's own message, with where the action began if that is another line.
    fn lexing_failed<T>(&self, token: Token) -> Result<T> {
        let message = self.lexer.message();
        let began = self.action.map(|at| self.line(at)).filter(|line| *line != self.line(token.start));
        let Some(line) = began else { return self.error(message) };
        let word = if message.ends_with(" action") { "" } else { " in action" };
        self.error(format!("{message}{word} started at {}:{line}", self.name))
    }

    /// A token as Go prints it in messages.
    fn printed(&self, token: Token) -> String {
        let word = self.word(token);
        match token.kind {
            Kind::Eof => "EOF".to_owned(),
            Kind::Keyword(_) | Kind::Nil | Kind::Dot => format!("<{word}>"),
            _ if word.len() > 10 => {
                let start: String = word.chars().take(10).collect();
                format!("{}...", quote::quoted(start.as_bytes()))
            }
            _ => quote::quoted(word.as_bytes()),
        }
    }
}

impl Template {
    /// Whether there is nothing but white space in it: such a template does not replace another.
    pub(crate) fn is_empty(&self) -> bool {
        is_blank(&self.body)
    }

    /// The name it is called by.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }
}

fn is_blank(body: &[Node]) -> bool {
    body.iter().all(|node| match node {
        Node::Text(text) => text.trim_ascii().is_empty(),
        _ => false,
    })
}

/// The line, from 1, of the byte `at`.
fn line(text: &str, at: usize) -> usize {
    1 + text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count()
}

fn twice(name: &str) -> String {
    format!("template: multiple definition of template {}", quote::quoted(name.as_bytes()))
}

fn pos(token: Token) -> Pos {
    Pos::try_from(token.start).unwrap_or(Pos::MAX)
}
