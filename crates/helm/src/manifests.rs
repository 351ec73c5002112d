//! What templates printed → the output of `helm template`: split into documents, sort by kind, print.
//!
//! Source of the rules: helm `pkg/release/v1/util` and `pkg/action`.

use std::collections::BTreeMap;
use std::sync::Arc;

use gotmpl::Budget;

use crate::engine::{FailedRelease, RenderError};
use crate::message::{Event, MessageLog};
use crate::spread::spread;
use crate::version::Profile;

/// The kinds in the order they are installed; what is not here comes after, by name.
const INSTALL_ORDER: &[&str] = &[
    "PriorityClass",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
];

/// The end of the order since helm 4.
const WEBHOOKS: &[&str] = &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// The events a hook may wait for.
const HOOK_EVENTS: &[&str] = &[
    "pre-install",
    "post-install",
    "pre-delete",
    "post-delete",
    "pre-upgrade",
    "post-upgrade",
    "pre-rollback",
    "post-rollback",
    "test",
    "test-success",
];

/// One document of a rendered file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The file, as `# Source:` shows it.
    pub name: Arc<str>,
    /// The text, as printed.
    pub content: String,
    /// `kind`; empty for a document of comments only.
    pub kind: String,
    /// The hook events; empty for a plain manifest.
    pub events: Vec<String>,
}

/// What of a release is printed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Printing {
    /// No hooks at all.
    pub no_hooks: bool,
    /// No hooks that wait for `test`.
    pub skip_tests: bool,
}

/// The documents of a release: manifests and hooks, each in install order.
#[derive(Clone, Debug, Default)]
pub struct Documents {
    /// Everything that is no hook.
    pub manifests: Vec<Document>,
    /// The hooks.
    pub hooks: Vec<Document>,
}

/// What a document takes besides its text.
const DOCUMENT_BYTES: usize = 256;

/// Splits and sorts what the templates printed.
///
/// # Errors
/// What is wrong with a document; the budget is used up.
pub(crate) fn documents(
    outputs: &BTreeMap<Arc<str>, Vec<u8>>,
    profile: &Profile,
    log: &MessageLog,
    budget: &Budget<'_>,
) -> Result<Documents, RenderError> {
    let mut all = Documents::default();
    let outputs: Vec<_> = outputs.iter().filter(|(name, _)| !name.ends_with("NOTES.txt")).collect();
    for (name, output) in &outputs {
        let separators = memchr::memmem::find_iter(output, "---").count();
        let kept = budget
            .spend(output.len().saturating_add(separators.saturating_mul(DOCUMENT_BYTES)))
            .and_then(|()| budget.read(output.len()));
        kept.map_err(|error| RenderError::budget(name, &error))?;
    }
    for documents in
        spread(&outputs, |(_, output)| output.len(), |(name, output)| of_file(name, output, profile))
    {
        let (documents, error) = documents;
        for document in documents {
            match document {
                Read::Manifest(document) => all.manifests.push(document),
                Read::Hook(document) => all.hooks.push(document),
                Read::UnknownHook(hooks) => log.push(Event::UnknownHook { hooks }),
            }
        }
        if let Some(error) = error {
            let outputs = outputs.into_iter().map(|(name, output)| (name.clone(), output.clone())).collect();
            let release = FailedRelease { outputs, hooks: all.hooks };
            return Err(RenderError { release: Some(Box::new(release)), ..error });
        }
    }
    for list in [&mut all.manifests, &mut all.hooks] {
        list.sort_by(|a, b| rank(&a.kind, profile).cmp(&rank(&b.kind, profile)));
    }
    Ok(all)
}

/// What a document turns out to be.
enum Read {
    Manifest(Document),
    Hook(Document),
    /// It waits for an event that helm does not know: the annotation.
    UnknownHook(String),
}

/// The documents of one file, up to the first that cannot be read.
fn of_file(name: &Arc<str>, output: &[u8], profile: &Profile) -> (Vec<Read>, Option<RenderError>) {
    let text = gotmpl::lossy(output);
    let mut documents = Vec::new();
    for part in split(&text, profile) {
        match read(name, part, profile) {
            Ok(document) => documents.push(document),
            Err(error) => return (documents, Some(error)),
        }
    }
    (documents, None)
}

/// Known kinds by their place, then unknown ones by name.
fn rank<'k>(kind: &'k str, profile: &Profile) -> (usize, &'k str) {
    let webhooks = if profile.orders_webhooks { WEBHOOKS } else { &[] };
    match INSTALL_ORDER.iter().chain(webhooks).position(|known| *known == kind) {
        Some(place) => (place, ""),
        None => (usize::MAX, kind),
    }
}

/// The documents of a text, blank ones left out.
pub(crate) fn split<'t>(text: &'t str, profile: &Profile) -> Vec<&'t str> {
    let text = text.trim_start();
    let parts = if profile.splits_at_line_start { at_line_start(text) } else { after_space(text) };
    let trim = |part: &'t str| if profile.keeps_trailing_space { part.trim_start() } else { part.trim() };
    parts.into_iter().map(trim).filter(|part| !part.trim().is_empty()).collect()
}

/// `(?m)^---[ \t]*`
fn at_line_start(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut line) = (0, 0);
    loop {
        if text[line..].starts_with("---") {
            parts.push(&text[start..line]);
            start = line + 3;
            start += text[start..].len() - text[start..].trim_start_matches([' ', '\t']).len();
        }
        // The separator itself may be followed by text on its line.
        match text[line.max(start)..].find('\n') {
            Some(newline) => line = line.max(start) + newline + 1,
            None => break,
        }
    }
    parts.push(&text[start..]);
    parts
}

/// `(?:^|\s*\n)---\s*`, with RE2's white space.
fn after_space(text: &str) -> Vec<&str> {
    const SPACE: &[char] = &['\t', '\n', '\x0c', '\r', ' '];
    let mut parts = Vec::new();
    let mut start = 0;
    let mut search = 0;
    while let Some(found) = text[search..].find("---") {
        let at = search + found;
        let at_begin = at == 0;
        if !at_begin && (at <= start || !text[start..at].ends_with('\n')) {
            search = at + 1;
            while !text.is_char_boundary(search) {
                search += 1;
            }
            continue;
        }
        parts.push(text[start..at].trim_end_matches(SPACE));
        start = text.len() - text[at + 3..].trim_start_matches(SPACE).len();
        search = start;
    }
    parts.push(&text[start..]);
    parts
}

/// Reads a document's head. Helm drops a hook if it does not know one of its events.
fn read(name: &Arc<str>, content: &str, profile: &Profile) -> Result<Read, RenderError> {
    let head = head(content, profile)
        .map_err(|error| RenderError::new(format!("YAML parse error on {name}: {error}")))?;
    let document =
        |events| Document { name: name.clone(), content: content.to_owned(), kind: head.kind, events };
    let Some(hook) = head.hook else { return Ok(Read::Manifest(document(Vec::new()))) };
    let events: Vec<String> = hook.split(',').map(|event| event.trim().to_lowercase()).collect();
    if !events.iter().all(|event| HOOK_EVENTS.contains(&event.as_str())) {
        return Ok(Read::UnknownHook(hook));
    }
    Ok(Read::Hook(document(events)))
}

struct Head {
    kind: String,
    hook: Option<String>,
}

/// `apiVersion`, `kind` and `metadata`, with Go's complaints about other types.
fn head(content: &str, profile: &Profile) -> Result<Head, String> {
    let value = yaml::v2::to_value(content.as_bytes(), &yaml::Limits::default())
        .map_err(|error| format!("error converting YAML to JSON: {error}"))?;
    let wrong = |value: &yaml::Value, of: &str| {
        let kind = value.json_kind();
        format!("error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {kind} into Go {of}")
    };
    if value.is_null() {
        return Ok(Head { kind: String::new(), hook: None });
    }
    let package = if profile.prints_error_blocks { "util" } else { "releaseutil" };
    let Some(map) = value.as_map() else {
        return Err(wrong(&value, &format!("value of type {package}.SimpleHead")));
    };
    text_field(map, "apiVersion", "").map_err(|value| wrong(value, &field("apiVersion")))?;
    let kind = text_field(map, "kind", "").map_err(|value| wrong(value, &field("kind")))?;
    let metadata = match get(map, "metadata") {
        None | Some(yaml::Value::Null) => return Ok(Head { kind, hook: None }),
        Some(yaml::Value::Map(metadata)) => metadata,
        Some(other) => {
            let kind = "struct { Name string \"json:\\\"name\\\"\"; Annotations map[string]string \"json:\\\"annotations\\\"\" }";
            return Err(wrong(other, &format!("struct field SimpleHead.metadata of type {kind}")));
        }
    };
    text_field(metadata, "name", "").map_err(|value| wrong(value, &field("metadata.name")))?;
    let annotations = match get(metadata, "annotations") {
        None | Some(yaml::Value::Null) => return Ok(Head { kind, hook: None }),
        Some(yaml::Value::Map(annotations)) => annotations,
        Some(other) => {
            return Err(wrong(other, "struct field .metadata.annotations of type map[string]string"));
        }
    };
    let mut hook = None;
    for (key, value) in annotations.iter() {
        let text = scalar_text(value)
            .ok_or_else(|| wrong(value, "struct field .metadata.annotations of type string"))?;
        if &**key == "helm.sh/hook" {
            hook = Some(text);
        }
    }
    Ok(Head { kind, hook })
}

fn field(path: &str) -> String {
    match path.contains('.') {
        true => format!("struct field .{path} of type string"),
        false => format!("struct field SimpleHead.{path} of type string"),
    }
}

/// A key in Go's way: exact, else in any case.
pub(crate) fn get<'v>(map: &'v yaml::Map, key: &str) -> Option<&'v yaml::Value> {
    map.get(key)
        .or_else(|| map.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value))
}

fn text_field<'v>(map: &'v yaml::Map, key: &str, default: &str) -> Result<String, &'v yaml::Value> {
    match get(map, key) {
        None | Some(yaml::Value::Null) => Ok(default.to_owned()),
        Some(value) => scalar_text(value).ok_or(value),
    }
}

/// Scalars become text where text is wanted: integers in decimal, floats with the digits of a 32-bit float.
pub(crate) fn scalar_text(value: &yaml::Value) -> Option<String> {
    match value {
        yaml::Value::Null => Some(String::new()),
        yaml::Value::Bool(value) => Some(value.to_string()),
        yaml::Value::Int(value) => Some(value.to_string()),
        yaml::Value::Uint(value) => Some(value.to_string()),
        yaml::Value::Float(value) => Some(float_text(*value)),
        yaml::Value::String(text) => Some(text.to_string()),
        yaml::Value::List(_) | yaml::Value::Map(_) => None,
    }
}

/// `FormatFloat(value, 'g', -1, 32)`
fn float_text(value: f64) -> String {
    let short: f64 = (value as f32).to_string().parse().unwrap_or(value);
    gotmpl::float::shortest(short)
}

/// What `helm template --debug` prints of a release that failed: what the files printed, and the hooks found so far.
pub(crate) fn print_failed(release: &FailedRelease, printing: Printing) -> Vec<u8> {
    let mut buffer = Vec::new();
    for (name, output) in &release.outputs {
        let text = gotmpl::lossy(output);
        if !text.trim().is_empty() {
            source_line(&mut buffer, name);
            buffer.extend_from_slice(output);
            buffer.push(b'\n');
        }
    }
    let mut out = buffer.trim_ascii().to_vec();
    out.push(b'\n');
    for hook in release.hooks.iter().filter(|hook| printing.prints(hook)) {
        document(&mut out, hook);
    }
    out
}

/// The standard output of `helm template`.
pub(crate) fn print(documents: &Documents, crds: &[(String, Vec<u8>)], printing: Printing) -> Vec<u8> {
    let mut buffer = Vec::new();
    for (name, data) in crds {
        source_line(&mut buffer, name);
        buffer.extend_from_slice(data);
        buffer.push(b'\n');
    }
    for manifest in &documents.manifests {
        document(&mut buffer, manifest);
    }
    let text = gotmpl::lossy(&buffer);
    let mut out = match text {
        std::borrow::Cow::Borrowed(text) => text.trim().as_bytes().to_vec(),
        std::borrow::Cow::Owned(_) => buffer.trim_ascii().to_vec(),
    };
    out.push(b'\n');
    for hook in documents.hooks.iter().filter(|hook| printing.prints(hook)) {
        document(&mut out, hook);
    }
    out
}

impl Printing {
    /// Whether a hook is printed.
    #[must_use]
    pub fn prints(&self, hook: &Document) -> bool {
        let is_test = hook.events.iter().any(|event| matches!(event.as_str(), "test" | "test-success"));
        !(self.no_hooks || (self.skip_tests && is_test))
    }
}

fn source_line(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(format!("---\n# Source: {name}\n").as_bytes());
}

/// A document as it is printed, and written to a file.
pub(crate) fn document(out: &mut Vec<u8>, document: &Document) {
    source_line(out, &document.name);
    out.extend_from_slice(document.content.as_bytes());
    out.push(b'\n');
}

/// `--show-only`: the printed documents whose path, without the root chart's name, matches one of `patterns`.
pub(crate) fn show_only(
    output: &[u8],
    patterns: &[String],
    profile: &Profile,
) -> Result<Vec<u8>, RenderError> {
    let text = gotmpl::lossy(output);
    let parts = split(&text, profile);
    let mut out = Vec::new();
    for pattern in patterns {
        let mut found = false;
        for part in &parts {
            let Some(path) = source_of(part) else { continue };
            // A pattern that cannot be read matches nothing.
            if glob::path::matches(pattern, path).unwrap_or(false) {
                found = true;
                out.extend_from_slice(format!("---\n{part}\n").as_bytes());
            }
        }
        if !found {
            return Err(RenderError::new(format!("could not find template {pattern} in chart")));
        }
    }
    Ok(out)
}

/// The path after `# Source: ROOT/`.
fn source_of(part: &str) -> Option<&str> {
    part.lines().find_map(|line| {
        let path = &line[line.find("# Source: ")? + "# Source: ".len()..];
        let (root, rest) = path.split_once('/')?;
        (!root.is_empty() && !rest.is_empty()).then_some(rest)
    })
}
