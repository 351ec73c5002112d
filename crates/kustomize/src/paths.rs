//! Field paths of replacements: `spec.containers.[name=web].image`, `data.[a.b]`, `*`.
//!
//! Source: kustomize 5.8.1 `kyaml/yaml/match.go`, `kyaml/utils/pathsplitter.go`.

use regex::Regex;

use crate::error::{Error, Result};
use crate::node::{List, Node, Scalar};
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
        Node::Map(map) => Ok(map.get(part)),
        Node::List(list) => match (condition(part), part) {
            (Some((key, value)), _) => Ok(list.items.iter().find(|item| {
                if key.is_empty() {
                    item.raw() == value
                } else {
                    item.get(key).is_some_and(|n| n.raw() == value)
                }
            })),
            (None, "-") => Ok(list.items.last()),
            (None, part) => Ok(part.parse::<usize>().ok().and_then(|at| list.items.get(at))),
        },
        Node::Scalar(_) => Ok(None),
    }
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

type Set<'s> = dyn FnMut(&mut Node) -> Result<()> + 's;

impl Request<'_> {
    /// Visits the nodes.
    ///
    /// # Errors
    /// None is there; whatever `set` answers.
    pub(crate) fn visit(&self, root: &mut Node, set: &mut Set<'_>) -> Result<()> {
        let found = self.walk(root, &self.path.0, set)?;
        if found {
            return Ok(());
        }
        let or_create = if self.create.is_some() { " or create" } else { "" };
        Err(Error::new(format!("unable to find{or_create} field {:?} in replacement target", self.text)))
    }

    fn walk(&self, node: &mut Node, path: &[String], set: &mut Set<'_>) -> Result<bool> {
        let Some((part, rest)) = path.split_first() else {
            set(node)?;
            return Ok(true);
        };
        if node.is_null() && self.create.is_some() {
            *node = empty_for(part);
        }
        match node {
            Node::Map(map) if part == "*" => {
                let mut found = false;
                for (_, value) in &mut map.entries {
                    found |= self.walk(value, rest, set)?;
                }
                Ok(found)
            }
            Node::Map(map) => {
                if map.get(part).is_none_or(|node| node.is_null() && !rest.is_empty()) {
                    let Some(value) = self.create else { return Ok(false) };
                    map.put(part, made_for(rest, value));
                }
                map.get_mut(part).map_or(Ok(false), |next| self.walk(next, rest, set))
            }
            Node::List(list) => self.walk_list(list, part, rest, set),
            Node::Scalar(_) => Ok(false),
        }
    }

    fn walk_list(&self, list: &mut List, part: &str, rest: &[String], set: &mut Set<'_>) -> Result<bool> {
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
        let Ok(at) = part.parse::<usize>() else { return Ok(false) };
        if at == list.items.len()
            && let Some(value) = self.create
        {
            list.items.push(made_for(rest, value));
        }
        let len = list.items.len();
        let Some(item) = list.items.get_mut(at) else {
            let text = self.text;
            let or_create = if self.create.is_some() { " or create" } else { "" };
            return Err(Error::new(format!(
                "unable to find{or_create} field {text:?} in replacement target: index {at} specified but only {len} elements found"
            )));
        };
        self.walk(item, rest, set)
    }

    fn walk_matching(
        &self,
        list: &mut List,
        (key, value): (&str, &str),
        rest: &[String],
        set: &mut Set<'_>,
    ) -> Result<bool> {
        let regex = selector::compile(value)?;
        let fits = |item: &Node| {
            let field = if key.is_empty() { Some(item) } else { item.get(key) };
            field.is_some_and(|field| is_match(&regex, field))
        };
        if let (false, Some(made)) = (list.items.iter().any(fits), self.create) {
            list.items.push(keyed(key, value, rest, made));
        }
        let mut found = false;
        for item in list.items.iter_mut().filter(|item| fits(item)) {
            found |= self.walk(item, rest, set)?;
        }
        Ok(found)
    }
}

/// The expression is looked for anywhere in the text of the value.
fn is_match(regex: &Regex, node: &Node) -> bool {
    let text = yaml3::emit(node);
    regex.is_match(text.trim_end_matches('\n'))
}

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
    let is_item = condition(part).is_some() || part.parse::<usize>().is_ok() || part == "-";
    if is_item { Node::List(List::default()) } else { Node::map() }
}
