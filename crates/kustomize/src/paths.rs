//! Field paths of replacements: `spec.containers.[name=web].image`, `data.[a.b]`, `*`.
//!
//! Source: kustomize 5.8.1 `kyaml/yaml/match.go`, `kyaml/utils/pathsplitter.go`.

use yaml::Limits;

use crate::error::{Error, Result};
use crate::expression::Expression;
use crate::namespace::wrong_kind;
use crate::node::{List, Node, Scalar};
use crate::reader;
use crate::selector;
use crate::yaml3;

/// A path, split.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Path(pub(crate) Vec<String>);

impl Path {
    /// At dots that are neither escaped nor in brackets; brackets without `=` are a plain key.
    pub(crate) fn parse(text: &str) -> Self {
        let (mut parts, mut part, mut depth, mut escaped) = (Vec::new(), String::new(), 0, false);
        for c in text.chars() {
            match c {
                '.' if escaped => {
                    part.pop();
                    part.push('.');
                }
                '.' if depth == 0 => parts.push(std::mem::take(&mut part)),
                c => {
                    depth += i32::from(c == '[') - i32::from(c == ']');
                    part.push(c);
                }
            }
            escaped = c == '\\';
        }
        parts.push(part);
        Self(parts.into_iter().filter(|part| !part.is_empty()).map(plain_key).collect())
    }

    /// The node at the path; `*` is not for reading.
    pub(crate) fn get<'n>(&self, node: &'n Node) -> Result<Option<&'n Node>> {
        let mut at = node;
        for part in &self.0 {
            let Some(next) = step(at, part)? else { return Ok(None) };
            at = next;
        }
        Ok(Some(at))
    }
}

fn plain_key(part: String) -> String {
    match part.strip_prefix('[').and_then(|part| part.strip_suffix(']')) {
        Some(inner) if !inner.contains('=') => inner.to_owned(),
        _ => part,
    }
}

fn step<'n>(node: &'n Node, part: &str) -> Result<Option<&'n Node>> {
    if part == "*" {
        return Err(Error::new("wildcard is not supported in PathGetter"));
    }
    match node {
        node if node.is_null() => Ok(None),
        Node::List(list) => match (condition(part), part) {
            (Some((key, value)), _) => Ok(list.items.iter().find(|item| {
                if key.is_empty() {
                    item.raw() == value
                } else {
                    item.get(key).is_some_and(|n| n.raw() == value)
                }
            })),
            (None, "-") => Ok(list.items.last()),
            (None, part) if is_index(part) => Ok(part.parse().ok().and_then(|at: usize| list.items.get(at))),
            _ => Err(wrong_kind("MappingNode", node)),
        },
        _ if is_index(part) || part == "-" || condition(part).is_some() => {
            Err(wrong_kind("SequenceNode", node))
        }
        Node::Map(map) => Ok(map.get(part)),
        Node::Scalar(_) => Err(wrong_kind("MappingNode", node)),
    }
}

/// Whether a part counts items.
fn is_index(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit())
}

/// `[key=value]`
fn condition(part: &str) -> Option<(&str, &str)> {
    part.strip_prefix('[')?.strip_suffix(']')?.split_once('=')
}

/// Something to be done at every node of a path.
pub(crate) struct Request<'p> {
    pub(crate) path: &'p Path,
    /// The path as it is written.
    pub(crate) text: &'p str,
    /// What a missing field is made for.
    pub(crate) create: Option<&'p Node>,
}

/// Whether something was found.
type Walked = Result<bool, Failure>;

/// What went wrong on the way.
enum Failure {
    /// The path does not fit.
    Path(Error),
    /// The value does not.
    Set(Error),
}

type Set<'s> = dyn FnMut(&mut Node) -> Result<()> + 's;

impl Request<'_> {
    /// Visits the nodes.
    ///
    /// # Errors
    /// None is there, or the path does not fit what is; whatever `set` answers.
    pub(crate) fn visit(&self, root: &mut Node, set: &mut Set<'_>) -> Result<()> {
        let or_create = if self.create.is_some() { " or create" } else { "" };
        let missing = format!("unable to find{or_create} field {:?} in replacement target", self.text);
        match self.walk(root, &self.path.0, set) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Error::new(missing)),
            Err(Failure::Set(error)) => Err(error),
            Err(Failure::Path(error)) => Err(error.under(missing)),
        }
    }

    fn walk(&self, node: &mut Node, path: &[String], set: &mut Set<'_>) -> Walked {
        budget::work(NODE_WORK).map_err(|why| Failure::Path(why.into()))?;
        let Some((part, rest)) = path.split_first() else {
            set(node).map_err(Failure::Set)?;
            return Ok(true);
        };
        if node.is_null() && self.create.is_some() {
            *node = empty_for(part);
        }
        let on_items = part == "*" || is_index(part) || condition(part).is_some();
        match node {
            Node::List(list) if on_items => self.walk_list(list, part, rest, set),
            Node::Map(map) if !on_items => {
                if map.get(part).is_none_or(|node| node.is_null() && !rest.is_empty()) {
                    let Some(value) = self.create else { return Ok(false) };
                    map.put(part, made_for(rest, value));
                }
                match map.get_mut(part) {
                    None => Ok(false),
                    Some(Node::Scalar(text)) if !rest.is_empty() && !text.is_null() => {
                        self.walk_inside(&text.text, rest, set)
                    }
                    Some(next) => self.walk(next, rest, set),
                }
            }
            node if node.is_null() => Ok(false),
            _ => {
                let wanted = if on_items { "SequenceNode" } else { "MappingNode" };
                Err(Failure::Path(wrong_kind(wanted, node)))
            }
        }
    }

    /// Goes on inside a text that is a document itself. What is set there is lost; the path only has to fit.
    fn walk_inside(&self, text: &str, rest: &[String], set: &mut Set<'_>) -> Walked {
        match reader::parse(text.as_bytes(), &Limits::default()).map_err(Failure::Path)? {
            Some(mut node) => self.walk(&mut node, rest, set),
            None => Ok(false),
        }
    }

    fn walk_list(&self, list: &mut List, part: &str, rest: &[String], set: &mut Set<'_>) -> Walked {
        if part == "*" {
            let mut found = false;
            for item in &mut list.items {
                found |= self.walk(item, rest, set)?;
            }
            return Ok(found);
        }
        if let Some((key, value)) = condition(part) {
            return self.walk_matching(list, (key, value), rest, set);
        }
        let at = part.parse::<usize>().unwrap_or(usize::MAX);
        if at == list.items.len()
            && let Some(value) = self.create
        {
            list.items.push(made_for(rest, value));
        }
        let len = list.items.len();
        let Some(item) = list.items.get_mut(at) else {
            let text = format!("index {part} specified but only {len} elements found");
            return Err(Failure::Path(Error::new(text)));
        };
        self.walk(item, rest, set)
    }

    fn walk_matching(
        &self,
        list: &mut List,
        (key, value): (&str, &str),
        rest: &[String],
        set: &mut Set<'_>,
    ) -> Walked {
        let expression = selector::compile(value).map_err(Failure::Path)?;
        let fits = |item: &Node| {
            let field = if key.is_empty() { Some(item) } else { item.get(key) };
            field.map_or(Ok(false), |field| is_match(&expression, field)).map_err(Failure::Path)
        };
        let mut matching = Vec::new();
        for (at, item) in list.items.iter().enumerate() {
            if fits(item)? {
                matching.push(at);
            }
        }
        if let (true, Some(made)) = (matching.is_empty(), self.create) {
            let made = keyed(key, value, rest, made);
            if fits(&made)? {
                matching.push(list.items.len());
            }
            list.items.push(made);
        }
        let mut found = false;
        // Nothing is looked for inside a plain value, whatever the rest of the path says.
        let rest = if key.is_empty() { &[] } else { rest };
        for at in matching {
            found |= self.walk(&mut list.items[at], rest, set)?;
        }
        Ok(found)
    }
}

/// The expression is looked for anywhere in the text of the value.
fn is_match(expression: &Expression, node: &Node) -> Result<bool> {
    budget::work(NODE_WORK)?;
    let text = yaml3::emit(node);
    expression.is_match(text.trim_end_matches('\n'))
}

/// What looking at a node costs.
const NODE_WORK: usize = 64;

fn keyed(key: &str, value: &str, rest: &[String], made: &Node) -> Node {
    if key.is_empty() {
        return Node::untagged(value);
    }
    let mut map = crate::node::Map::default();
    map.put(key, Node::untagged(value));
    if let Some(next) = rest.first() {
        map.entry(next, || made_for(&rest[1..], made));
    }
    Node::Map(map)
}

/// The node that is put where the rest of a path begins.
fn made_for(rest: &[String], value: &Node) -> Node {
    match (rest.first(), value) {
        (Some(part), _) => empty_for(part),
        (None, Node::Scalar(_)) => Node::Scalar(Scalar::untagged("")),
        (None, Node::Map(_)) => Node::map(),
        (None, Node::List(_)) => Node::List(List::default()),
    }
}

fn empty_for(part: &str) -> Node {
    if condition(part).is_some() || is_index(part) { Node::List(List::default()) } else { Node::map() }
}

#[cfg(test)]
mod tests;
