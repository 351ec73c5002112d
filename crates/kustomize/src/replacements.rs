//! `replacements`: values taken from one resource and put into others.
//!
//! Sources: kustomize 5.8.1 `api/filters/replacement/replacement.go`, `api/types/replacement.go`.

use yaml::{Value, v2};

use crate::error::{Error, Result};
use crate::growth::Growth;
use crate::id::{Gvk, ResId};
use crate::loader::Loader;
use crate::node::{Node, Scalar};
use crate::paths::{self, Path};
use crate::resmap::ResMap;
use crate::resource::Resource;
use crate::selector::{Matcher, Selector};
use crate::shares;
use crate::strict::{self, record};
use crate::structured;

record! {
    /// An entry of `replacements`: a file, or a replacement.
    ReplacementField as "ReplacementField" {
        path: String = "path",
        source: Option<Source> = "source" in "Replacement",
        source_value: Option<String> = "sourceValue" in "Replacement",
        targets: Option<Vec<Target>> = "targets" in "Replacement",
    }
}

record! {
    /// A replacement.
    Replacement as "Replacement" {
        source: Option<Source> = "source",
        source_value: Option<String> = "sourceValue",
        targets: Option<Vec<Target>> = "targets",
    }
}

record! {
    /// The field a value is taken from.
    Source as "SourceSelector" {
        group: String = "group" in "ResId.Gvk",
        version: String = "version" in "ResId.Gvk",
        kind: String = "kind" in "ResId.Gvk",
        name: String = "name" in "ResId",
        namespace: String = "namespace" in "ResId",
        field_path: String = "fieldPath",
        options: Option<FieldOptions> = "options",
    }
}

record! {
    /// The fields a value is put into.
    Target as "TargetSelector" {
        select: Option<Selector> = "select",
        reject: Vec<Selector> = "reject",
        field_paths: Vec<String> = "fieldPaths",
        options: Option<FieldOptions> = "options",
    }
}

record! {
    /// A part of a text instead of the whole.
    FieldOptions as "FieldOptions" {
        delimiter: String = "delimiter",
        index: i64 = "index",
        encoding: String = "encoding",
        create: bool = "create",
    }
}

const DEFAULT_PATH: &str = "metadata.name";

impl Replacement {
    /// The replacements of all entries, files read.
    ///
    /// # Errors
    /// An entry has a path and a replacement; a file is missing or wrong.
    pub(crate) fn load_all(loader: &Loader<'_>, entries: &[ReplacementField]) -> Result<Vec<Self>> {
        let mut all = Vec::new();
        for entry in entries {
            let inline = entry.source.is_some() || entry.targets.is_some() || entry.source_value.is_some();
            if entry.path.is_empty() {
                let ReplacementField { source, source_value, targets, .. } = entry.clone();
                all.push(Self { source, source_value, targets });
            } else if inline {
                return Err(Error::new("cannot specify both path and inline replacement"));
            } else {
                all.extend(from_file(loader, &entry.path)?);
            }
        }
        Ok(all)
    }
}

fn from_file(loader: &Loader<'_>, path: &str) -> Result<Vec<Replacement>> {
    let value = v2::to_value(&loader.load(path)?, &loader.shared.yaml_limits())?;
    let profile = loader.shared.profile();
    let wrong = |text: String| Error::new(format!("error unmarshaling JSON: while decoding JSON: {text}"));
    match &value {
        Value::List(_) => strict::read(&value, false, profile).map_err(wrong),
        Value::Map(_) => Ok(vec![strict::read(&value, false, profile).map_err(wrong)?]),
        _ => Err(Error::new(format!(
            "unsupported replacement type encountered within replacement path: {path}"
        ))),
    }
}

/// Runs all replacements in order; each sees what the ones before it did.
///
/// # Errors
/// No or several sources; a field that is not there.
pub(crate) fn transform(map: &mut ResMap, list: &[Replacement]) -> Result<()> {
    let mut growth = Growth::default();
    for replacement in list {
        let targets = replacement.targets.as_deref();
        let value = match (&replacement.source, &replacement.source_value, targets) {
            (Some(_), Some(_), _) => {
                return Err(Error::new("value and resource selectors are mutually exclusive"));
            }
            (None, None, _) | (_, _, None | Some([])) => {
                return Err(Error::new("replacements must specify a source and at least one target"));
            }
            (None, Some(text), _) => Node::untagged(text),
            (Some(source), None, _) => value_of(map, source)?,
        };
        for target in targets.unwrap_or_default() {
            apply(map, &value, target, &mut growth)?;
        }
    }
    Ok(())
}

fn value_of(map: &ResMap, source: &Source) -> Result<Node> {
    let wanted = ResId {
        gvk: Gvk {
            group: source.group.as_str().into(),
            version: source.version.as_str().into(),
            kind: source.kind.as_str().into(),
        },
        name: source.name.as_str().into(),
        namespace: source.namespace.as_str().into(),
    };
    let mut found = map.list.iter().filter(|resource| resource.has_any_id(|id| is_source(id, &wanted)));
    let shown = shown(source, &wanted);
    let resource = match (found.next(), found.next()) {
        (Some(resource), None) => resource,
        (None, _) => return Err(Error::new(format!("nothing selected by {shown}"))),
        (Some(_), Some(_)) => return Err(Error::new(format!("multiple matches for selector {shown}"))),
    };
    let path = if source.field_path.is_empty() { DEFAULT_PATH } else { &source.field_path };
    let node = Path::parse(path)
        .get(&resource.node)
        .map_err(|error| error.under("error looking up replacement source"))?;
    let node = node.filter(|node| !is_absent(node));
    let Some(node) = node else {
        return Err(Error::new(format!("fieldPath `{path}` is missing for replacement source {wanted}")));
    };
    let mut value = refined(node, source.options.as_ref())?;
    shares::forget(&mut value);
    Ok(value)
}

/// Whether the selector names it; here kinds without namespace count as in the default one.
fn is_source(id: &ResId, wanted: &ResId) -> bool {
    fn or_default(namespace: &str) -> &str {
        if namespace.is_empty() { "default" } else { namespace }
    }
    (wanted.name.is_empty() || wanted.name == id.name)
        && (wanted.namespace.is_empty() || or_default(&wanted.namespace) == or_default(&id.namespace))
        && id.gvk.is_selected(&wanted.gvk)
}

/// A field that holds nothing counts as missing; an empty text is something.
fn is_absent(node: &Node) -> bool {
    node.is_null() || node.as_scalar().is_none() && node.is_nil_or_empty()
}

/// A source as messages show it.
fn shown(source: &Source, wanted: &ResId) -> String {
    let mut text = wanted.to_string();
    if !source.field_path.is_empty() {
        text.push_str(&format!(":{}", source.field_path));
    }
    if let Some(options) = source.options.as_ref().filter(|options| **options != FieldOptions::default()) {
        let FieldOptions { delimiter, index, create, .. } = options;
        text.push_str(&format!(":{delimiter}({index}), create={create}"));
    }
    text
}

/// The part of a text that the options name.
fn refined(node: &Node, options: Option<&FieldOptions>) -> Result<Node> {
    let Some(options) = options.filter(|options| !options.delimiter.is_empty()) else {
        return Ok(node.clone());
    };
    let Node::Scalar(scalar) = node else {
        return Err(Error::new("delimiter option can only be used with scalar nodes"));
    };
    let mut parts = scalar.text.split(options.delimiter.as_str());
    let part = usize::try_from(options.index).ok().and_then(|at| parts.nth(at)).ok_or_else(|| {
        let (index, text) = (options.index, &scalar.text);
        Error::new(format!("options.index {index} is out of bounds for value {text}"))
    })?;
    Ok(Node::Scalar(Scalar { text: part.into(), ..scalar.clone() }))
}

fn apply(map: &mut ResMap, value: &Node, target: &Target, growth: &mut Growth) -> Result<()> {
    let Some(select) = &target.select else {
        return Err(Error::new("target must specify resources to select"));
    };
    let select = select.matcher()?;
    let reject: Vec<_> =
        target.reject.iter().map(|reject| Ok((reject, reject.matcher()?))).collect::<Result<_>>()?;
    for resource in &mut map.list {
        let is_selected = select.fits_metadata(resource) && select.selects_any_id(resource)?;
        if is_selected && !is_rejected(resource, &reject)? {
            set_fields(resource, value, target, growth)?;
        }
    }
    Ok(())
}

fn is_rejected(resource: &Resource, reject: &[(&Selector, Matcher)]) -> Result<bool> {
    for (written, matcher) in reject {
        let [group, version, kind, name, namespace, annotations, labels] =
            written.fields().map(|(_, text)| !text.is_empty());
        let names_id = group || version || kind || name || namespace;
        let by_id = names_id && matcher.selects_any_id(resource)?;
        if by_id || ((annotations || labels) && matcher.fits_metadata(resource)) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn set_fields(resource: &mut Resource, value: &Node, target: &Target, growth: &mut Growth) -> Result<()> {
    let default = [DEFAULT_PATH.to_owned()];
    let field_paths = if target.field_paths.is_empty() { &default[..] } else { &target.field_paths };
    let create = target.options.as_ref().is_some_and(|options| options.create);
    for text in field_paths {
        let path = Path::parse(text);
        let depth = path.0.len();
        let change =
            structured::Change { value, options: target.options.as_ref(), profile: resource.profile };
        if structured::set(&mut resource.node, &path, change, growth)? {
            continue;
        }
        let request = paths::Request { path: &path, text, create: create.then_some(value) };
        request.visit(&mut resource.node, &mut |node| {
            growth.node(value, depth)?;
            set_value(node, value, target.options.as_ref())?;
            if value.as_scalar().is_some() { growth.node(node, depth) } else { Ok(()) }
        })?;
        shares::settle(resource)?;
    }
    Ok(())
}

/// Puts a value in the place of a node, or in a part of its text.
///
/// # Errors
/// A part is asked for of what is no text.
pub(crate) fn set_value(node: &mut Node, value: &Node, options: Option<&FieldOptions>) -> Result<()> {
    let text = match options.filter(|options| !options.delimiter.is_empty()) {
        None => value.raw().to_owned(),
        Some(options) => {
            let Node::Scalar(scalar) = &*node else {
                return Err(Error::new("delimiter option can only be used with scalar nodes"));
            };
            budget::charge(scalar.text.len() + value.raw().len())?;
            joined(&scalar.text, value.raw(), options)?
        }
    };
    match (&mut *node, value) {
        (Node::Scalar(scalar), _) if !scalar.is_null() => scalar.text = text.into(),
        (_, Node::Scalar(scalar)) => *node = Node::Scalar(Scalar { text: text.into(), ..scalar.clone() }),
        _ => *node = value.clone(),
    }
    Ok(())
}

fn joined(old: &str, value: &str, options: &FieldOptions) -> Result<String> {
    budget::charge(old.matches(options.delimiter.as_str()).count() * size_of::<&str>())?;
    let mut parts: Vec<&str> = old.split(options.delimiter.as_str()).collect();
    match usize::try_from(options.index) {
        Err(_) => parts.insert(0, value),
        Ok(at) if at >= parts.len() => parts.push(value),
        Ok(at) => parts[at] = value,
    }
    Ok(parts.join(&options.delimiter))
}

#[cfg(test)]
mod tests;
