//! `vars`: values of fields put in place of `$(NAME)`.
//!
//! Sources: kustomize 5.8.1 `api/internal/accumulator/resaccumulator.go`, `api/filters/refvar`.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use yaml::{ScalarStyle, Value};

use crate::error::{Error, Result};
use crate::fieldspec::{self, Create, FieldSpec};
use crate::id::{Gvk, ResId};
use crate::kustomization::Var;
use crate::node::{Node, Scalar};
use crate::paths::Path;
use crate::resmap::ResMap;
use crate::resource::Resource;

const DEFAULT_PATH: &str = "metadata.name";

impl Var {
    fn target(&self) -> ResId {
        let o = &self.object;
        let gvk = if o.api_version.is_empty() {
            Gvk {
                group: o.group.as_str().into(),
                version: o.version.as_str().into(),
                kind: o.kind.as_str().into(),
            }
        } else {
            Gvk::new(&o.api_version, &o.kind)
        };
        ResId { gvk, name: o.name.as_str().into(), namespace: o.namespace.as_str().into() }
    }

    fn path(&self) -> &str {
        if self.field.path.is_empty() { DEFAULT_PATH } else { &self.field.path }
    }

    /// As Go prints the struct.
    fn shown(&self, gvk: &Gvk, path: &str) -> String {
        format!("{{{} {gvk} {{{path}}}}}", self.name)
    }
}

/// Adds the variables of one kustomization, marking the resources they are taken from.
///
/// # Errors
/// A name is taken; a variable fits several resources.
pub(crate) fn add(into: &mut Vec<Var>, map: &mut ResMap, vars: &[Var]) -> Result<()> {
    mark(map, vars).and_then(|()| merge(into, vars)).map_err(|error| {
        let bare = |var: &Var| {
            var.shown(&Gvk { kind: var.object.kind.as_str().into(), ..Gvk::default() }, &var.field.path)
        };
        let list: Vec<_> = vars.iter().map(bare).collect();
        error.under(format!("merging vars [{}]", list.join(" ")))
    })
}

fn mark(map: &mut ResMap, vars: &[Var]) -> Result<()> {
    for var in vars {
        budget::work(map.list.len())?;
        let target = var.target();
        let fits = |resource: &Resource| {
            if !target.namespace.is_empty() || target.gvk.is_cluster_scoped(resource.profile) {
                resource.is_or_was(&target)
            } else {
                resource.has_any_id(|id| id.name == target.name && id.gvk == target.gvk)
            }
        };
        let found: Vec<_> = (0..map.list.len()).filter(|&at| fits(&map.list[at])).collect();
        match found.as_slice() {
            [] => {}
            &[at] => map.list[at].history.vars.push(var.name.as_str().into()),
            several => {
                let (count, var) = (several.len(), var.shown(&target.gvk, &var.field.path));
                return Err(Error::new(format!(
                    "found {count} resId matches for var {var} (unable to disambiguate)"
                )));
            }
        }
    }
    Ok(())
}

/// Adds variables to others.
///
/// # Errors
/// A name is taken.
pub(crate) fn merge(into: &mut Vec<Var>, more: &[Var]) -> Result<()> {
    let mut names: HashSet<String> = into.iter().map(|var| var.name.clone()).collect();
    for var in more {
        budget::charge(2 * size_of::<Var>() + var.name.len())?;
        if !names.insert(var.name.clone()) {
            return Err(Error::new(format!("var '{}' already encountered", var.name)));
        }
        into.push(var.clone());
    }
    Ok(())
}

/// Puts the values in place; answers what is to be said about those that have none.
///
/// # Errors
/// A variable has no resource, or its field is not there.
pub(crate) fn transform(map: &mut ResMap, vars: &[Var], specs: &[FieldSpec]) -> Result<Option<String>> {
    if vars.is_empty() {
        return Ok(None);
    }
    let mut marked = HashMap::new();
    for (at, resource) in map.list.iter().enumerate() {
        for name in &resource.history.vars {
            marked.entry(&**name).or_insert(at);
        }
    }
    let values = vars.iter().map(|var| {
        let resource = marked.get(var.name.as_str()).map(|&at| &map.list[at]);
        Ok((var.name.as_str(), value_of(resource, var)?))
    });
    let values = Values { by_name: values.collect::<Result<_>>()?, used: RefCell::default() };
    for resource in &mut map.list {
        for spec in specs {
            fieldspec::apply(resource, spec, Create::Never, &mut |node| values.put(node))?;
        }
    }
    let used = values.used.borrow();
    let unused: Vec<_> =
        vars.iter().map(|var| var.name.as_str()).filter(|name| !used.contains(name)).collect();
    Ok(match unused.as_slice() {
        [] => None,
        names => Some(format!("well-defined vars that were never replaced: {}", names.join(","))),
    })
}

fn value_of(resource: Option<&Resource>, var: &Var) -> Result<Scalar> {
    budget::work(1)?;
    let shown = || var.shown(&var.target().gvk, var.path());
    let Some(resource) = resource else {
        let text = format!("var '{}' cannot be mapped to a field in the set of known resources", shown());
        return Err(Error::new(text));
    };
    let path = if var.path().contains('=') {
        var.path().to_owned()
    } else {
        var.path().replace('[', ".").replace(']', "")
    };
    match Path::parse(&path).get(&resource.node)? {
        Some(Node::Scalar(scalar)) => Ok(scalar.clone()),
        _ => Err(Error::new(format!(
            "field specified in var '{}' not found in corresponding resource",
            shown()
        ))),
    }
}

/// Values by name.
struct Values<'v> {
    by_name: HashMap<&'v str, Scalar>,
    used: RefCell<HashSet<&'v str>>,
}

impl<'v> Values<'v> {
    fn found(&self, name: &str) -> Option<&Scalar> {
        let (name, value) = self.by_name.get_key_value(name)?;
        self.used.borrow_mut().insert(name);
        Some(value)
    }

    fn put(&self, node: &mut Node) -> Result<()> {
        match node {
            Node::Scalar(scalar) if scalar.is_text() => self.expand(scalar)?,
            Node::Scalar(_) => {}
            Node::Map(map) => {
                for (key, value) in &mut map.entries {
                    if !key.is_text() {
                        let (text, tag) = (&key.text, key.tag());
                        return Err(Error::new(format!("invalid map key: value='{text}', tag='{tag}'")));
                    }
                    if let Node::Scalar(scalar) = value
                        && scalar.is_text()
                    {
                        self.expand(scalar)?;
                    }
                }
            }
            Node::List(list) => {
                for item in &mut list.items {
                    match item {
                        Node::Scalar(scalar) if scalar.is_text() => self.expand(scalar)?,
                        _ => return Err(Error::new("invalid value type expect a string")),
                    }
                }
            }
        }
        Ok(())
    }

    /// A text that is one variable takes its type, others stay text.
    fn expand(&self, scalar: &mut Scalar) -> Result<()> {
        budget::work(scalar.text.len())?;
        let whole = scalar.text.strip_prefix("$(").and_then(|text| text.strip_suffix(')'));
        let value = whole.and_then(|name| self.found(name)).filter(|value| !value.is_text());
        *scalar = match value {
            Some(value) => Scalar {
                text: printed(value, Exponent::Never).into(),
                style: ScalarStyle::Plain,
                share: 0,
                ..value.clone()
            },
            None => {
                let text = self.replaced(&scalar.text)?;
                Scalar::text(&text)
            }
        };
        Ok(())
    }

    fn replaced(&self, text: &str) -> Result<String> {
        budget::charge(text.len())?;
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('$') {
                out.push('$');
                rest = after;
            } else if let Some((name, after)) = rest.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
                match self.found(name) {
                    Some(value) => {
                        budget::charge(value.text.len())?;
                        out.push_str(&printed(value, Exponent::Large));
                    }
                    None => out.push_str(&format!("$({name})")),
                }
                rest = after;
            } else {
                out.push('$');
            }
        }
        out.push_str(rest);
        Ok(out)
    }
}

/// When Go writes a float with an exponent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Exponent {
    /// The float is the whole text.
    Never,
    /// It stands in a text: below 0.0001 and from 1e21.
    Large,
}

/// A value as Go prints its type.
fn printed(value: &Scalar, exponent: Exponent) -> String {
    match value.value(false) {
        Ok(Value::Int(n)) => n.to_string(),
        Ok(Value::Float(x)) => {
            let small = x != 0.0 && x.abs() < 1e-4;
            if exponent == Exponent::Large && (small || x.abs() >= 1e21) {
                yaml::v2::emit(&Value::Float(x)).trim_end().to_owned()
            } else {
                x.to_string()
            }
        }
        Ok(Value::Bool(b)) => b.to_string(),
        _ => value.text.to_string(),
    }
}

#[cfg(test)]
mod tests;
