//! The files of a chart that its schema refers to. Helm looks for them at the root of the machine; here the chart's
//! folder is the root, and nothing else is read or fetched.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use boon::UrlLoader;
use bytes::Bytes;
use serde_json::Value as Json;
use tree::Tree;

use super::parsed;
use crate::chart::{Chart, File};
use crate::load::LoadError;
use crate::size::ReadBudget;

/// The most files a schema may lead to.
const MAX_DOCUMENTS: usize = 200;

/// What stands before the path of a file in the URL that a reference means.
const SCHEME: &str = "file:///";

/// A schema's own text, and the files it leads to by their path in the chart.
pub(super) struct Documents {
    pub(super) text: Bytes,
    others: BTreeMap<String, Bytes>,
}

/// The files read as JSON, by the URL that references have for them.
pub(super) type Parsed = BTreeMap<String, Result<Json, String>>;

impl Documents {
    /// A schema that leads nowhere else.
    #[cfg(test)]
    pub(super) fn alone(text: Bytes) -> Self {
        Self { text, others: BTreeMap::new() }
    }

    /// Reads what the schema `text` of `chart` leads to, directly or through other files.
    ///
    /// # Errors
    /// What the tree says, or too many files.
    pub(super) fn read(
        (tree, budget): (&dyn Tree, &ReadBudget),
        chart: &Chart,
        text: Bytes,
    ) -> Result<Self, LoadError> {
        let mut documents = Self { text, others: BTreeMap::new() };
        let mut open = references(&documents.text, "values.schema.json");
        while let Some(path) = open.pop() {
            if documents.others.contains_key(&path) || path == "values.schema.json" {
                continue;
            }
            let Some(file) = find(chart, &path) else { continue };
            if documents.others.len() >= MAX_DOCUMENTS {
                let told = format!("values.schema.json leads to more than {MAX_DOCUMENTS} files");
                return Err(LoadError::Chart(told));
            }
            let content = file.read(tree, budget)?;
            open.extend(references(&content, &path));
            documents.others.insert(path, content);
        }
        Ok(documents)
    }

    /// All texts as one, which stands for the whole of them.
    pub(super) fn key(&self) -> Vec<u8> {
        let mut key = self.text.to_vec();
        for (path, content) in &self.others {
            key.extend_from_slice(format!("\0{path}\0{}\0", content.len()).as_bytes());
            key.extend_from_slice(content);
        }
        key
    }

    pub(super) fn parse(&self) -> Parsed {
        let others = self.others.iter();
        others.map(|(path, text)| (format!("{SCHEME}{path}"), parsed(&gotmpl::lossy(text)))).collect()
    }
}

/// The file of a chart at `path`; `charts/NAME/…` is a file of a subchart.
fn find<'c>(chart: &'c Chart, path: &str) -> Option<&'c File> {
    let own = chart.files.iter().chain(&chart.templates).chain(&chart.schema);
    own.into_iter().find(|file| &*file.name == path).or_else(|| {
        let (name, rest) = path.strip_prefix("charts/")?.split_once('/')?;
        find(chart.dependencies.iter().find(|chart| chart.metadata.name == name)?, rest)
    })
}

/// The files that the references of a document mean, as paths in the chart.
fn references(text: &[u8], path: &str) -> Vec<String> {
    let mut paths = Vec::new();
    // What cannot be read is told when it is compiled.
    if let Ok(json) = parsed(&gotmpl::lossy(text)) {
        collect(&json, Some(path), &mut paths);
    }
    paths
}

/// `base` is the path that references count from; `None` where that is no file.
fn collect(value: &Json, base: Option<&str>, paths: &mut Vec<String>) {
    match value {
        Json::Array(items) => items.iter().for_each(|item| collect(item, base, paths)),
        Json::Object(members) => {
            let id = members.get("$id").or_else(|| members.get("id")).and_then(Json::as_str);
            let own = id.map(|id| target(base, id));
            let base = own.as_ref().map_or(base, |own| own.as_deref());
            for keyword in ["$ref", "$dynamicRef", "$recursiveRef", "$schema"] {
                let reference = members.get(keyword).and_then(Json::as_str);
                paths.extend(reference.and_then(|reference| target(base, reference)));
            }
            members.values().for_each(|member| collect(member, base, paths));
        }
        _ => {}
    }
}

/// The path that a reference leads to from `base`; `None` for what is no file.
fn target(base: Option<&str>, reference: &str) -> Option<String> {
    let reference = reference.split(['#', '?']).next().unwrap_or(reference);
    if let Some(path) = reference.strip_prefix(SCHEME) {
        return Some(clean("", path));
    }
    let is_url = reference.split_once(':').is_some_and(|(scheme, _)| !scheme.contains('/'));
    if is_url || reference.starts_with("//") {
        return None;
    }
    let base = base?;
    match reference.strip_prefix('/') {
        _ if reference.is_empty() => Some(base.to_owned()),
        Some(path) => Some(clean("", path)),
        None => Some(clean(base.rsplit_once('/').map_or("", |(folder, _)| folder), reference)),
    }
}

/// `path` from `folder`, never above the root.
fn clean(folder: &str, path: &str) -> String {
    let mut names: Vec<&str> = Vec::new();
    for name in folder.split('/').chain(path.split('/')) {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    names.join("/")
}

/// Gives out the documents, and nothing else. `urn:` allows everything, as in helm.
#[derive(Clone, Default)]
pub(super) struct DocumentLoader {
    pub(super) documents: Arc<Parsed>,
    urns: Arc<Mutex<Vec<String>>>,
}

impl DocumentLoader {
    pub(super) fn new(documents: Arc<Parsed>) -> Self {
        Self { documents, urns: Arc::default() }
    }

    /// The URNs that were asked for.
    pub(super) fn ignored_urns(&self) -> Vec<String> {
        self.urns.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl UrlLoader for DocumentLoader {
    fn load(&self, url: &str) -> Result<Json, Box<dyn std::error::Error>> {
        if url.starts_with("urn:") {
            self.urns.lock().unwrap_or_else(PoisonError::into_inner).push(url.to_owned());
            return Ok(Json::Bool(true));
        }
        if let Some(document) = self.documents.get(url) {
            return document.clone().map_err(Into::into);
        }
        match url.strip_prefix("file://") {
            Some(path) => Err(format!("open {path}: no such file or directory").into()),
            None => {
                Err("a schema may only refer to files of its chart; put what it refers to under \"$defs\" \
                 or into a file of the chart"
                    .into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_count_from_the_file_they_stand_in() {
        for (base, reference, path) in [
            ("values.schema.json", "defs.json#/x", Some("defs.json")),
            ("values.schema.json", "./schemas/a.json", Some("schemas/a.json")),
            ("schemas/a.json", "b.json", Some("schemas/b.json")),
            ("schemas/a.json", "../../../etc/passwd", Some("etc/passwd")),
            ("a.json", "file:///etc/passwd", Some("etc/passwd")),
            ("a.json", "/x/y", Some("x/y")),
            ("a.json", "#/x", Some("a.json")),
            ("a.json", "https://example.com/a.json", None),
            ("a.json", "urn:a:b", None),
        ] {
            assert_eq!(target(Some(base), reference).as_deref(), path, "{reference}");
        }
    }

    #[test]
    fn an_id_on_the_web_takes_its_references_with_it() {
        let json =
            serde_json::json!({"$id": "https://example.com/x/", "properties": {"a": {"$ref": "b.json"}}});
        assert_eq!(references(json.to_string().as_bytes(), "values.schema.json"), [""; 0]);
    }
}
