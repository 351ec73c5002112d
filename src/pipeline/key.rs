//! What makes two requests the same: a SHA-256 over every input that can change the answer.
//!
//! Every value is written with its tag and its length, so that no two different inputs are written alike. Structs are
//! taken apart field by field, so that a field that is added later does not compile until somebody has decided about
//! it here.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::plan::{Part, Plan};
use crate::render::Budgets;
use crate::request::{
    DirectoryOptions, HelmFileParameter, HelmOptions, HelmParameter, JsonnetOptions, JsonnetVar,
    KustomizeEdits, KustomizeOptions, KustomizePatch, KustomizeReplica, KustomizeTarget, Renderer,
};
use crate::source::Pinned;

/// Changed whenever the same inputs are written differently, or rendered differently by the same engines.
const VERSION: u64 = 1;

/// What the server adds to a request.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    /// The engines and the versions they behave like.
    pub(super) profile: String,
    pub(super) budgets: Budgets,
}

/// The digests a plan is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Keys {
    /// Over every input: the same key, the same answer.
    pub(super) exact: [u8; 32],
    /// Without revisions and cluster versions, whose use is recorded as facts: the same key, maybe the same answer.
    pub(super) reuse: [u8; 32],
}

impl Keys {
    pub(super) fn new(plan: &Plan, rules: &Rules) -> Self {
        Self { exact: digest("exact", plan, rules, true), reuse: digest("reuse", plan, rules, false) }
    }

    /// Who works on the same: those who want names looked up anew do not share the work of those who do not.
    pub(super) fn flight(&self, plan: &Plan) -> [u8; 32] {
        if plan.fresh_names {
            Sha256::digest([&self.exact[..], b"fresh names"].concat()).into()
        } else {
            self.exact
        }
    }
}

fn digest(purpose: &str, plan: &Plan, rules: &Rules, exact: bool) -> [u8; 32] {
    let Plan { parts, name, namespace, kube_version, api_versions, fresh: _, fresh_names: _ } = plan;
    let mut to = Writer(Sha256::new());
    to.text("purpose", purpose);
    to.number("version", VERSION);
    rules.write(&mut to);
    to.list("sources", parts, |part, to| part.write(to, exact));
    to.text("name", name);
    to.text("namespace", namespace);
    if exact {
        to.list("kube version", kube_version.as_slice(), |version, to| to.text("is", version));
        to.list("API versions", api_versions, |version, to| to.text("has", version));
    }
    to.0.finalize().into()
}

/// Writes values so that they can be told apart: a tag and its length, then the value and its length or count.
struct Writer(Sha256);

impl Writer {
    fn bytes(&mut self, tag: &str, value: &[u8]) {
        for part in [tag.as_bytes(), value] {
            self.0.update((part.len() as u64).to_be_bytes());
            self.0.update(part);
        }
    }

    fn text(&mut self, tag: &str, value: &str) {
        self.bytes(tag, value.as_bytes());
    }

    fn number(&mut self, tag: &str, value: u64) {
        self.bytes(tag, &value.to_be_bytes());
    }

    fn flag(&mut self, tag: &str, value: bool) {
        self.bytes(tag, &[u8::from(value)]);
    }

    /// The count, then every item as `each` writes it.
    fn list<T>(&mut self, tag: &str, items: &[T], each: impl Fn(&T, &mut Self)) {
        self.number(tag, items.len() as u64);
        items.iter().for_each(|item| each(item, self));
    }

    /// The count, then every key and its value as `each` writes it.
    fn pairs<T>(&mut self, tag: &str, pairs: &BTreeMap<String, T>, each: impl Fn(&T, &mut Self)) {
        self.number(tag, pairs.len() as u64);
        for (key, value) in pairs {
            self.text("key", key);
            each(value, self);
        }
    }

    fn texts(&mut self, tag: &str, items: &[String]) {
        self.list(tag, items, |item, to| to.text("item", item));
    }
}

impl Rules {
    fn write(&self, to: &mut Writer) {
        let Self { profile, budgets } = self;
        // Running out of time is never cached, so the time allowed changes no answer.
        let Budgets { time: _, directory_bytes, output_bytes, export_bytes, program_bytes } = budgets;
        to.text("profile", profile);
        to.number("directory bytes", *directory_bytes);
        to.number("output bytes", *output_bytes);
        to.number("export bytes", *export_bytes);
        to.number("program bytes", *program_bytes);
    }
}

impl Part {
    fn write(&self, to: &mut Writer, exact: bool) {
        let Self { pinned, path, ref_name, only_lends, renderer } = self;
        let Pinned { identity, revision, scope, access: _ } = pinned;
        to.text("identity", identity);
        to.bytes("scope", &scope.0);
        if exact {
            to.text("revision", revision);
        }
        to.text("path", path.as_str());
        to.text("ref name", ref_name);
        to.flag("only lends", *only_lends);
        write_renderer(renderer, to);
    }
}

fn write_renderer(renderer: &Renderer, to: &mut Writer) {
    match renderer {
        Renderer::Detect => to.text("renderer", "detect"),
        Renderer::Directory(options) => write_directory(options, to),
        Renderer::Helm(options) => write_helm(options, to),
        Renderer::Kustomize(options) => write_kustomize(options, to),
    }
}

fn write_directory(options: &DirectoryOptions, to: &mut Writer) {
    let DirectoryOptions { recurse, include, exclude, jsonnet } = options;
    let JsonnetOptions { ext_vars, tlas, libs } = jsonnet;
    to.text("renderer", "directory");
    to.flag("recurse", *recurse);
    to.text("include", include);
    to.text("exclude", exclude);
    to.list("external variables", ext_vars, write_variable);
    to.list("top-level arguments", tlas, write_variable);
    to.texts("libraries", libs);
}

fn write_variable(variable: &JsonnetVar, to: &mut Writer) {
    let JsonnetVar { name, value, code } = variable;
    to.text("name", name);
    to.text("value", value);
    to.flag("code", *code);
}

fn write_helm(options: &HelmOptions, to: &mut Writer) {
    let HelmOptions {
        release_name,
        namespace,
        value_files,
        ignore_missing_value_files,
        values,
        parameters,
        file_parameters,
        skip_crds,
        skip_tests,
        skip_schema_validation,
        version,
    } = options;
    to.text("renderer", "helm");
    to.text("release name", release_name);
    to.text("release namespace", namespace);
    to.texts("values files", value_files);
    to.flag("ignore missing values files", *ignore_missing_value_files);
    to.text("values", values);
    to.list("parameters", parameters, |parameter, to| {
        let HelmParameter { name, value, force_string } = parameter;
        to.text("name", name);
        to.text("value", value);
        to.flag("force string", *force_string);
    });
    to.list("file parameters", file_parameters, |parameter, to| {
        let HelmFileParameter { name, path } = parameter;
        to.text("name", name);
        to.text("path", path);
    });
    to.flag("skip CRDs", *skip_crds);
    to.flag("skip tests", *skip_tests);
    to.flag("skip schema validation", *skip_schema_validation);
    to.list("helm version", version.as_slice(), |version, to| to.text("is", &version.to_string()));
}

fn write_kustomize(options: &KustomizeOptions, to: &mut Writer) {
    let KustomizeOptions { load_restrictions_none, enable_helm, reorder_none, edits, version } = options;
    to.text("renderer", "kustomize");
    to.flag("no load restrictions", *load_restrictions_none);
    to.flag("enable helm", *enable_helm);
    to.flag("no order", *reorder_none);
    to.list("kustomize version", version.as_slice(), |version, to| to.text("is", version.name()));
    let KustomizeEdits {
        name_prefix,
        name_suffix,
        namespace,
        images,
        replicas,
        common_labels,
        force_common_labels,
        label_without_selector,
        label_include_templates,
        common_annotations,
        force_common_annotations,
        patches,
        components,
        ignore_missing_components,
    } = edits;
    to.text("name prefix", name_prefix);
    to.text("name suffix", name_suffix);
    to.text("namespace", namespace);
    to.texts("images", images);
    to.list("replicas", replicas, |KustomizeReplica { name, count }, to| {
        to.text("name", name);
        to.bytes("count", &count.to_be_bytes());
    });
    to.pairs("labels", common_labels, |value, to| to.text("value", value));
    to.flag("force labels", *force_common_labels);
    to.flag("labels without selector", *label_without_selector);
    to.flag("labels in templates", *label_include_templates);
    to.pairs("annotations", common_annotations, |value, to| to.text("value", value));
    to.flag("force annotations", *force_common_annotations);
    to.list("patches", patches, write_patch);
    to.texts("components", components);
    to.flag("ignore missing components", *ignore_missing_components);
}

fn write_patch(patch: &KustomizePatch, to: &mut Writer) {
    let KustomizePatch { path, patch, target, options } = patch;
    to.text("path", path);
    to.text("patch", patch);
    to.list("target", target.as_slice(), |target, to| {
        let KustomizeTarget { group, version, kind, name, namespace, annotation_selector, label_selector } =
            target;
        to.text("group", group);
        to.text("version", version);
        to.text("kind", kind);
        to.text("name", name);
        to.text("namespace", namespace);
        to.text("annotations", annotation_selector);
        to.text("labels", label_selector);
    });
    to.pairs("options", options, |on, to| to.flag("on", *on));
}

#[cfg(test)]
mod tests;
