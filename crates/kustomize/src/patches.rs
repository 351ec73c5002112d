//! `patches`, `patchesStrategicMerge` and `patchesJson6902`: reading patches and bringing them to their targets.

use yaml::Value;

use crate::accumulate::malformed;
use crate::data;
use crate::error::{Error, Result};
use crate::json6902::JsonPatch;
use crate::kustomization::Patch;
use crate::loader::Loader;
use crate::node::{Node, Scalar};
use crate::resmap::ResMap;
use crate::resource::Resource;
use crate::schema::Schema;
use crate::selector::{Matcher, Selector};
use crate::shares;
use crate::strategic;

/// A patch that has been read.
pub(crate) struct Loaded {
    body: Body,
    target: Option<Selector>,
    /// Where it stands, for messages.
    source: String,
}

enum Body {
    Strategic(Vec<Resource>),
    Json(JsonPatch),
}

/// An entry of `patches`, as it is written again in messages.
pub(crate) fn config_of(patch: &Patch) -> Value {
    let mut map = yaml::Map::new();
    let mut add = |key: &str, text: &str| {
        if !text.is_empty() {
            map.insert(key, text.into());
        }
    };
    add("path", &patch.path);
    add("patch", &patch.patch);
    if let Some(options) = &patch.options {
        let mut out = yaml::Map::new();
        for (key, set) in
            [("allowNameChange", options.allow_name_change), ("allowKindChange", options.allow_kind_change)]
        {
            if set {
                out.insert(key, Value::Bool(true));
            }
        }
        map.insert("options", out.into());
    }
    if let Some(target) = &patch.target {
        map.insert("target", selector_value(target));
    }
    map.into()
}

pub(crate) fn selector_value(selector: &Selector) -> Value {
    let mut out = yaml::Map::new();
    for (key, text) in selector.fields().iter().filter(|(_, text)| !text.is_empty()) {
        out.insert(*key, (*text).into());
    }
    out.into()
}

impl Loaded {
    /// Reads an entry of `patches`; `config` is its text in messages.
    ///
    /// # Errors
    /// Both or neither of text and path; it is neither a resource nor a JSON patch.
    pub(crate) fn read(loader: &Loader<'_>, patch: &Patch, config: &str) -> Result<Self> {
        let inline = patch.patch.trim();
        let (text, source) = match (inline.is_empty(), patch.path.is_empty()) {
            (true, true) => {
                return Err(Error::new(format!("must specify one of patch and path in\n{config}")));
            }
            (false, false) => {
                return Err(Error::new(format!("patch and path can't be set at the same time\n{config}")));
            }
            (false, true) => (inline.to_owned(), format!("[patch: {inline:?}]")),
            (true, false) => {
                let path = &patch.path;
                let bytes = loader.load(path).map_err(|error| {
                    error.under(format!("failed to get the patch file from path({path})"))
                })?;
                (String::from_utf8_lossy(&bytes).into_owned(), format!("[path: {path:?}]"))
            }
        };
        let body = parse(loader, &text, &source)?;
        Ok(Self { body: allow(body, patch), target: patch.target.clone(), source })
    }

    /// Brings the patch to its targets.
    ///
    /// # Errors
    /// There is none; it does not apply.
    pub(crate) fn apply(&self, map: &mut ResMap, schema: &Schema) -> Result<()> {
        let matcher = self.target.as_ref().map(|target| self.matcher(target)).transpose()?;
        match (&self.body, matcher) {
            (Body::Json(patch), _) if patch.is_empty() => Ok(()),
            (Body::Json(_), None) => {
                Err(Error::new(format!("must specify a target for JSON patch {}", self.source)))
            }
            (Body::Json(patch), Some(matcher)) => apply_json(map, patch, &matcher),
            (Body::Strategic(patches), Some(matcher)) => {
                self.apply_to_targets(map, schema, patches, &matcher)
            }
            (Body::Strategic(patches), None) => {
                patches.iter().try_for_each(|patch| apply_to_namesake(map, schema, patch))
            }
        }
    }

    fn matcher(&self, target: &Selector) -> Result<Matcher> {
        target.matcher().map_err(|error| match self.body {
            Body::Json(_) => error,
            Body::Strategic(_) => {
                error.under(format!("unable to find patch target {:?} in `resources`", target.to_string()))
            }
        })
    }

    fn apply_to_targets(
        &self,
        map: &mut ResMap,
        schema: &Schema,
        patches: &[Resource],
        matcher: &Matcher,
    ) -> Result<()> {
        let patch = match patches {
            [] => return Ok(()),
            [patch] => patch,
            _ => {
                return Err(Error::new(format!(
                    "Multiple Strategic-Merge Patches in one `patches` entry is not allowed to set `patches.target` field: {}",
                    self.source
                )));
            }
        };
        for target in &mut map.list {
            if matcher.selects(target)? {
                apply_copy(target, schema, patch)?;
            }
        }
        map.drop_gone();
        if patch.history.allow_name_change || patch.history.allow_kind_change {
            map.check_unique()?;
        }
        Ok(())
    }
}

fn allow(body: Body, patch: &Patch) -> Body {
    let Body::Strategic(mut patches) = body else { return body };
    let options = patch.options.clone().unwrap_or_default();
    for patch in &mut patches {
        patch.history.allow_name_change = options.allow_name_change;
        patch.history.allow_kind_change = options.allow_kind_change;
        // kustomize notes each in the patch's annotations, which makes text of all of them.
        for _ in [options.allow_name_change, options.allow_kind_change].into_iter().filter(|allowed| *allowed)
        {
            let texts = patch.texts("annotations");
            patch.set_texts("annotations", &texts);
        }
    }
    Body::Strategic(patches)
}

fn parse(loader: &Loader<'_>, text: &str, source: &str) -> Result<Body> {
    let limits = loader.shared.yaml_limits();
    let resources = loader.shared.read_resources(text.as_bytes());
    let json = JsonPatch::parse(text, &limits);
    match (resources, json) {
        (Ok(resources), Ok(json)) if !resources.is_empty() && !json.is_empty() => {
            Err(Error::new(format!("illegally qualifies as both an SM and JSON patch: {source}")))
        }
        (Ok(resources), _) => Ok(Body::Strategic(resources)),
        (Err(_), Ok(json)) => Ok(Body::Json(json)),
        (Err(_), Err(_)) => Err(Error::new(format!("unable to parse SM or JSON patch from {source}"))),
    }
}

fn apply_json(map: &mut ResMap, patch: &JsonPatch, matcher: &Matcher) -> Result<()> {
    for resource in &mut map.list {
        if !matcher.selects(resource)? {
            continue;
        }
        resource.store_previous_id()?;
        json_patch(resource, patch)?;
        let annotations = resource.texts("annotations");
        resource.set_texts("annotations", &annotations);
    }
    Ok(())
}

/// Applies a JSON patch; annotations kustomize would have there make `metadata.annotations` exist.
pub(crate) fn json_patch(resource: &mut Resource, patch: &JsonPatch) -> Result<()> {
    let mut node = std::mem::replace(&mut resource.node, Node::map());
    if resource.has_history()
        && let Some(metadata) = node.get_mut("metadata").and_then(Node::as_map_mut)
        && metadata.get("annotations").is_none_or(Node::is_null)
    {
        metadata.put("annotations", Node::map());
    }
    // What takes the document's place on the way is dropped again.
    let before = budget::temporarily(|| data::of(&node, resource.profile))
        .map_err(|error| data::explain(&node, error))?;
    let (after, grown) = patch.apply(before)?;
    budget::charge(grown)?;
    resource.node = budget::temporarily(|| Node::from_value(&after));
    resource.history.shares.clear();
    budget::look()?;
    Ok(())
}

fn apply_to_namesake(map: &mut ResMap, schema: &Schema, patch: &Resource) -> Result<()> {
    let id = patch.id();
    let at = map.position(&id).map_err(|error| {
        error.under(format!("no resource matches strategic merge patch {:?}", id.to_string()))
    })?;
    apply_strategic(&mut map.list[at], schema, patch)
}

/// A patch with a target: its labels and annotations are text first, and it takes the target's apiVersion. Its kind
/// stays, so that a Deployment's patch of something else merges lists as in a Deployment.
fn apply_copy(target: &mut Resource, schema: &Schema, patch: &Resource) -> Result<()> {
    budget::charge(patch.node.weight())?;
    let mut copy = patch.clone();
    for field in ["labels", "annotations"] {
        if copy.node.at(&["metadata", field]).is_some() {
            let next_is_null = copy.second_block(field).is_some_and(Node::is_null);
            let texts = copy.texts(field);
            copy.set_texts(field, &texts);
            if next_is_null && !texts.is_empty() {
                // Texts put into a null do not show.
                copy.metadata().put(field, Node::Scalar(Scalar::tagged("", "!!null")));
            }
        }
    }
    copy.set_api_version(&target.gvk());
    apply_strategic(target, schema, &copy)
}

fn apply_strategic(target: &mut Resource, schema: &Schema, patch: &Resource) -> Result<()> {
    let (id, allow) = (target.id(), &patch.history);
    if allow.allow_name_change || allow.allow_kind_change {
        target.store_previous_id()?;
    }
    let node = std::mem::replace(&mut target.node, Node::map());
    let schema = schema.with_hints([target.hints.as_deref(), patch.hints.as_deref()]);
    let Some(merged) = strategic::merge(&schema, node, &patch.node)? else { return Ok(()) };
    target.node = merged;
    if target.is_gone() {
        return Ok(());
    }
    if !allow.allow_kind_change {
        target.set_kind(&id.gvk.kind);
    }
    if !allow.allow_name_change {
        target.set_name(&id.name);
    }
    target.set_namespace(&id.namespace);
    shares::settle(target)
}

/// The patches of one `patchesStrategicMerge`.
pub(crate) struct StrategicList(Vec<Resource>);

impl StrategicList {
    /// Reads every entry as a document, or else as a path.
    ///
    /// # Errors
    /// One is neither; all of them are empty.
    pub(crate) fn read(loader: &Loader<'_>, paths: &[String], inline: &str) -> Result<Self> {
        let shared = loader.shared;
        let mut patches = Vec::new();
        for text in paths {
            match shared.read_resources(text.as_bytes()) {
                Ok(found) if !found.is_empty() => patches.extend(found),
                _ => {
                    let found = shared.read_resources(&loader.load(text)?);
                    patches.extend(found.map_err(|error| malformed(error, text))?);
                }
            }
        }
        if !inline.is_empty() {
            patches.extend(shared.read_resources(inline.as_bytes())?);
        }
        if patches.is_empty() {
            let files = paths.join(" ");
            return Err(Error::new(format!("patch appears to be empty; files=[{files}], Patch={inline}")));
        }
        Ok(Self(patches))
    }

    /// Brings each to the one resource of its name.
    ///
    /// # Errors
    /// There is none, or several.
    pub(crate) fn apply(&self, map: &mut ResMap, schema: &Schema) -> Result<()> {
        for patch in &self.0 {
            let at = map.position(&patch.id())?;
            apply_copy(&mut map.list[at], schema, patch)?;
            map.drop_gone();
        }
        Ok(())
    }
}

/// One entry of `patchesJson6902`.
pub(crate) struct Json6902 {
    patch: JsonPatch,
    target: Selector,
}

impl Json6902 {
    /// Reads it.
    ///
    /// # Errors
    /// It has no target name, no operations, or both a path and a text.
    pub(crate) fn read(loader: &Loader<'_>, entry: &Patch) -> Result<Self> {
        let Some(target) = entry.target.clone().filter(|target| !target.name.is_empty()) else {
            return Err(Error::new("must specify the target name"));
        };
        let text = match (entry.path.is_empty(), entry.patch.is_empty()) {
            (true, true) => return Err(Error::new("empty file path and empty jsonOp")),
            (false, false) => return Err(Error::new("must specify a file path or jsonOp, not both")),
            (true, false) => entry.patch.clone(),
            (false, true) => String::from_utf8_lossy(&loader.load(&entry.path)?).into_owned(),
        };
        let patch = JsonPatch::parse(&text, &loader.shared.yaml_limits())
            .map_err(|error| error.under(format!("decoding {text:?}")))?;
        if patch.is_empty() {
            let (path, text) = (&entry.path, &entry.patch);
            return Err(Error::new(format!("patch appears to be empty; file={path}, JsonOp={text}")));
        }
        Ok(Self { patch, target })
    }

    /// Applies it to the resources the target selects, if there are any.
    ///
    /// # Errors
    /// It does not apply.
    pub(crate) fn apply(&self, map: &mut ResMap) -> Result<()> {
        let matcher = self.target.matcher()?;
        for resource in &mut map.list {
            if matcher.selects(resource)? {
                json_patch(resource, &self.patch)?;
            }
        }
        Ok(())
    }
}
