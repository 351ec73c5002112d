//! Says before a validation whether it stays within bounds.
//!
//! The validator itself counts nothing and recurses. So the same steps are walked here first, without recursion and
//! without looking at verdicts: every branch counts, so a validation never does more than was counted.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::documents::Parsed;

/// Most levels of schemas and values inside of each other. Real charts stay below 100.
pub(super) const MAX_DEPTH: usize = 1_000;
/// Most steps, each far below a microsecond here and about one in the validator.
const MAX_WORK: usize = 2_000_000;
/// Most parts of a schema: all of Kubernetes' own API has about as many.
const MAX_NODES: usize = 200_000;
/// Most objects among them: `boon` needs time with the square of the number of schemas that refer to each other, two
/// seconds for so many. Schemas of real charts have up to some thousand.
const MAX_OBJECTS: usize = 20_000;
/// Most states of all regular expressions together, some hundred bytes each.
const MAX_STATES: usize = 2_000_000;
/// What a reference to something else than a part of the schema counts, such as to a draft's own schema.
const ELSEWHERE: usize = 10_000;

/// Checks that a validation stays within bounds.
///
/// # Errors
/// Which bound it would break.
pub(super) fn check(schema: &Value, documents: &Parsed, values: &Value) -> Result<(), String> {
    let mut guard = Guard { root: schema, named: HashMap::new(), work: 0, open: Vec::new() };
    let others = documents.iter().filter_map(|(url, document)| Some((url, document.as_ref().ok()?)));
    let others: Vec<(&String, &Value)> = others.collect();
    guard.named.entry(last_part(super::URL).to_owned()).or_default().push(schema);
    for (url, document) in &others {
        guard.named.entry(last_part(url).to_owned()).or_default().push(document);
    }
    guard.scan(others.into_iter().map(|(_, document)| document))?;
    guard.visit(schema, values, 0)?;
    while let Some((schema, value, depth)) = guard.open.pop() {
        if let Value::Object(keywords) = schema {
            guard.keywords(keywords, value, depth + 1)?;
        }
    }
    Ok(())
}

struct Guard<'s> {
    root: &'s Value,
    /// Schemas by the last part of their id, and by `#anchor`.
    named: HashMap<String, Vec<&'s Value>>,
    work: usize,
    /// Schemas to go through, each with a value and its depth.
    open: Vec<(&'s Value, &'s Value, usize)>,
}

impl<'s> Guard<'s> {
    /// Finds what has a name, and weighs the regular expressions.
    fn scan(&mut self, others: impl Iterator<Item = &'s Value>) -> Result<(), String> {
        let (mut nodes, mut objects, mut states) = (0_usize, 0_usize, 0_usize);
        let mut open: Vec<&'s Value> = std::iter::once(self.root).chain(others).collect();
        while let Some(node) = open.pop() {
            nodes += 1;
            match node {
                Value::Array(items) => open.extend(items),
                Value::Object(keywords) => {
                    objects += 1;
                    states = states.saturating_add(self.note(node, keywords));
                    open.extend(keywords.values());
                }
                _ => {}
            }
        }
        if nodes > MAX_NODES {
            return Err(format!(
                "values.schema.json is too large: it has {nodes} parts, {MAX_NODES} are allowed"
            ));
        }
        if objects > MAX_OBJECTS {
            return Err(format!(
                "values.schema.json is too large: it has {objects} objects, {MAX_OBJECTS} are allowed"
            ));
        }
        if states > MAX_STATES {
            return Err(
                "values.schema.json has too many or too large patterns: use smaller repetitions".to_owned()
            );
        }
        Ok(())
    }

    /// Notes the names of a node; answers the weight of its regular expressions.
    fn note(&mut self, node: &'s Value, keywords: &'s Map<String, Value>) -> usize {
        for keyword in ["$id", "id", "$anchor", "$dynamicAnchor"] {
            let Some(name) = keywords.get(keyword).and_then(Value::as_str) else { continue };
            let name =
                if keyword.ends_with("nchor") { format!("#{name}") } else { last_part(name).to_owned() };
            self.named.entry(name).or_default().push(node);
        }
        if keywords.get("$recursiveAnchor") == Some(&Value::Bool(true)) {
            self.named.entry("#".to_owned()).or_default().push(node);
        }
        let pattern = keywords.get("pattern").and_then(Value::as_str);
        let patterns = keywords.get("patternProperties").and_then(Value::as_object);
        let names = patterns.into_iter().flat_map(Map::keys).map(String::as_str);
        pattern.into_iter().chain(names).map(states).fold(0, usize::saturating_add)
    }

    fn visit(&mut self, schema: &'s Value, value: &'s Value, depth: usize) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err(
                "values.schema.json leads too deep: more than 1000 schemas or values inside of each other"
                    .to_owned(),
            );
        }
        self.spend(1)?;
        self.open.push((schema, value, depth));
        Ok(())
    }

    fn spend(&mut self, work: usize) -> Result<(), String> {
        self.work = self.work.saturating_add(work);
        if self.work > MAX_WORK {
            return Err(
                "values.schema.json is too much work for these values: its branches multiply".to_owned()
            );
        }
        Ok(())
    }

    fn keywords(
        &mut self,
        keywords: &'s Map<String, Value>,
        value: &'s Value,
        depth: usize,
    ) -> Result<(), String> {
        self.spend(size(value))?;
        for (keyword, argument) in keywords {
            self.spend(1)?;
            match value {
                Value::Object(members) => self.on_object(keyword, argument, members, depth)?,
                Value::Array(items) => self.on_list(keyword, argument, items, depth)?,
                _ => {}
            }
            self.in_place(keyword, argument, value, depth)?;
        }
        Ok(())
    }

    /// Keywords that hold schemas for the value itself.
    fn in_place(
        &mut self,
        keyword: &str,
        argument: &'s Value,
        value: &'s Value,
        depth: usize,
    ) -> Result<(), String> {
        match (keyword, argument) {
            ("$ref" | "$dynamicRef" | "$recursiveRef", Value::String(reference)) => {
                self.refer(reference, value, depth)
            }
            ("allOf" | "anyOf" | "oneOf", Value::Array(schemas)) => {
                schemas.iter().try_for_each(|schema| self.visit(schema, value, depth))
            }
            ("not" | "if" | "then" | "else", schema) => self.visit(schema, value, depth),
            ("dependencies" | "dependentSchemas", Value::Object(schemas)) => {
                schemas.values().try_for_each(|schema| self.visit(schema, value, depth))
            }
            ("enum", Value::Array(wanted)) => self.spend(wanted.len()),
            _ => Ok(()),
        }
    }

    fn on_object(
        &mut self,
        keyword: &str,
        argument: &'s Value,
        members: &'s Map<String, Value>,
        depth: usize,
    ) -> Result<(), String> {
        match (keyword, argument) {
            ("properties", Value::Object(schemas)) => members.iter().try_for_each(|(name, member)| {
                schemas.get(name).map_or(Ok(()), |schema| self.visit(schema, member, depth))
            }),
            ("patternProperties", Value::Object(schemas)) => schemas.values().try_for_each(|schema| {
                members.values().try_for_each(|member| self.visit(schema, member, depth))
            }),
            ("additionalProperties" | "unevaluatedProperties", schema) => {
                members.values().try_for_each(|member| self.visit(schema, member, depth))
            }
            ("propertyNames", schema) => {
                members.keys().try_for_each(|_| self.visit(schema, &Value::Null, depth))
            }
            _ => Ok(()),
        }
    }

    fn on_list(
        &mut self,
        keyword: &str,
        argument: &'s Value,
        items: &'s [Value],
        depth: usize,
    ) -> Result<(), String> {
        match (keyword, argument) {
            ("items" | "prefixItems", Value::Array(schemas)) => {
                schemas.iter().zip(items).try_for_each(|(schema, item)| self.visit(schema, item, depth))
            }
            ("items" | "additionalItems" | "unevaluatedItems" | "contains", schema) => {
                items.iter().try_for_each(|item| self.visit(schema, item, depth))
            }
            ("uniqueItems", _) => self.spend(items.len().saturating_mul(items.len().min(20))),
            _ => Ok(()),
        }
    }

    /// Everything a reference may mean: names are not unique here, so this can be more than it does mean.
    fn refer(&mut self, reference: &str, value: &'s Value, depth: usize) -> Result<(), String> {
        let (document, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let targets: Vec<&'s Value> = if fragment.is_empty() && !document.is_empty() {
            self.named.get(last_part(document)).cloned().unwrap_or_default()
        } else if fragment.is_empty() || fragment.starts_with('/') {
            let pointer = percent_decoded(fragment);
            let named = self.named.iter().filter(|(name, _)| fragment.is_empty() || !name.starts_with('#'));
            let named = named.flat_map(|(_, nodes)| nodes.iter().copied());
            // The root has a name of its own too: once is enough, or each reference would double the work.
            let all = named.filter(|node| !std::ptr::eq(*node, self.root)).chain([self.root]);
            all.filter_map(|node| node.pointer(&pointer)).collect()
        } else {
            self.named.get(&format!("#{fragment}")).cloned().unwrap_or_default()
        };
        if targets.is_empty() {
            return self.spend(ELSEWHERE);
        }
        self.spend(self.named.len())?;
        targets.into_iter().try_for_each(|schema| self.visit(schema, value, depth))
    }
}

/// What is behind the last slash of a URL, without an empty fragment.
fn last_part(url: &str) -> &str {
    let url = url.strip_suffix('#').unwrap_or(url);
    url.rsplit('/').next().unwrap_or(url)
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = tail.get(..2).and_then(|code| std::str::from_utf8(code).ok());
        match (first, code.and_then(|code| u8::from_str_radix(code, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What looking at a value itself costs.
fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() / 64,
        Value::Array(items) => items.len(),
        Value::Object(members) => members.len(),
        _ => 0,
    }
}

/// No fewer states than a regular expression has: its length times all of its repetitions.
fn states(pattern: &str) -> usize {
    let classes = pattern.matches(['\\', '.']).count() + pattern.matches("[^").count();
    let repetitions = pattern.split('{').skip(1).filter_map(|rest| {
        let (counts, _) = rest.split_once('}')?;
        counts.split(',').filter_map(|count| count.trim().parse::<usize>().ok()).max()
    });
    repetitions.fold(pattern.len() + 100 * classes, |states, count| states.saturating_mul(count.max(1)))
}
