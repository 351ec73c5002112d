//! Renderer options.

use helm::HelmVersion;
use kustomize::KustomizeVersion;
use proto::v1::{self, source};

use super::required;
use crate::error::{Error, Kind, Result};
use crate::request::{
    DirectoryOptions, HelmFileParameter, HelmOptions, HelmParameter, JsonnetOptions, JsonnetVar,
    KustomizeEdits, KustomizeOptions, KustomizePatch, KustomizeReplica, KustomizeTarget, Renderer,
};

/// The renderer of the source named `at`; none is a choice too.
pub(super) fn renderer(renderer: Option<source::Renderer>, at: &str) -> Result<Renderer> {
    Ok(match renderer {
        None => Renderer::Detect,
        Some(source::Renderer::Directory(options)) => Renderer::Directory(directory(options, at)?),
        Some(source::Renderer::Helm(options)) => Renderer::Helm(helm(options, at)?),
        Some(source::Renderer::Kustomize(options)) => Renderer::Kustomize(kustomize(options, at)?),
    })
}

fn directory(options: v1::DirectoryOptions, at: &str) -> Result<DirectoryOptions> {
    Ok(DirectoryOptions {
        recurse: options.recurse,
        include: options.include,
        exclude: options.exclude,
        jsonnet: jsonnet(options.jsonnet.unwrap_or_default(), at)?,
    })
}

fn jsonnet(options: v1::JsonnetOptions, at: &str) -> Result<JsonnetOptions> {
    Ok(JsonnetOptions {
        ext_vars: vars(options.ext_vars, &format!("{at}.directory.jsonnet.ext_vars"))?,
        tlas: vars(options.tlas, &format!("{at}.directory.jsonnet.tlas"))?,
        libs: options.libs,
    })
}

fn vars(vars: Vec<v1::JsonnetVar>, at: &str) -> Result<Vec<JsonnetVar>> {
    let var = |(i, var): (usize, v1::JsonnetVar)| {
        let name = required(var.name, || format!("{at}[{i}].name"))?;
        Ok(JsonnetVar { name, value: var.value, code: var.code })
    };
    vars.into_iter().enumerate().map(var).collect()
}

fn helm(options: v1::HelmOptions, at: &str) -> Result<HelmOptions> {
    Ok(HelmOptions {
        release_name: options.release_name,
        namespace: options.namespace,
        value_files: options.value_files,
        ignore_missing_value_files: options.ignore_missing_value_files,
        values: options.values,
        parameters: parameters(options.parameters, at)?,
        file_parameters: file_parameters(options.file_parameters, at)?,
        skip_crds: options.skip_crds,
        skip_tests: options.skip_tests,
        skip_schema_validation: options.skip_schema_validation,
        version: helm_version(&options.helm_version, at)?,
    })
}

/// A version the service knows; empty is the server's.
fn helm_version(text: &str, at: &str) -> Result<Option<HelmVersion>> {
    let wrong = |error| Error::new(Kind::Invalid, format!("{at}.helm.helm_version: {error}"));
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(wrong) }
}

fn parameters(parameters: Vec<v1::HelmParameter>, at: &str) -> Result<Vec<HelmParameter>> {
    let parameter = |(i, parameter): (usize, v1::HelmParameter)| {
        let name = required(parameter.name, || format!("{at}.helm.parameters[{i}].name"))?;
        Ok(HelmParameter { name, value: parameter.value, force_string: parameter.force_string })
    };
    parameters.into_iter().enumerate().map(parameter).collect()
}

fn file_parameters(parameters: Vec<v1::HelmFileParameter>, at: &str) -> Result<Vec<HelmFileParameter>> {
    let parameter = |(i, parameter): (usize, v1::HelmFileParameter)| {
        let name = required(parameter.name, || format!("{at}.helm.file_parameters[{i}].name"))?;
        let path = required(parameter.path, || format!("{at}.helm.file_parameters[{i}].path"))?;
        Ok(HelmFileParameter { name, path })
    };
    parameters.into_iter().enumerate().map(parameter).collect()
}

fn kustomize(options: v1::KustomizeOptions, at: &str) -> Result<KustomizeOptions> {
    let replica = |(i, from): (usize, v1::KustomizeReplica)| {
        let name = required(from.name, || format!("{at}.kustomize.replicas[{i}].name"))?;
        Ok(KustomizeReplica { name, count: from.count })
    };
    Ok(KustomizeOptions {
        load_restrictions_none: options.load_restrictions_none,
        enable_helm: options.enable_helm,
        reorder_none: options.reorder_none,
        edits: KustomizeEdits {
            name_prefix: options.name_prefix,
            name_suffix: options.name_suffix,
            namespace: options.namespace,
            images: options.images,
            replicas: options.replicas.into_iter().enumerate().map(replica).collect::<Result<_>>()?,
            common_labels: options.common_labels.into_iter().collect(),
            force_common_labels: options.force_common_labels,
            label_without_selector: options.label_without_selector,
            label_include_templates: options.label_include_templates,
            common_annotations: options.common_annotations.into_iter().collect(),
            force_common_annotations: options.force_common_annotations,
            patches: options.patches.into_iter().map(patch).collect(),
            components: options.components,
            ignore_missing_components: options.ignore_missing_components,
        },
        version: kustomize_version(&options.kustomize_version, at)?,
    })
}

/// A version the service knows; empty is the server's.
fn kustomize_version(text: &str, at: &str) -> Result<Option<KustomizeVersion>> {
    let wrong = |error| Error::new(Kind::Invalid, format!("{at}.kustomize.kustomize_version: {error}"));
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(wrong) }
}

fn patch(from: v1::KustomizePatch) -> KustomizePatch {
    let target = |from: v1::KustomizeTarget| KustomizeTarget {
        group: from.group,
        version: from.version,
        kind: from.kind,
        name: from.name,
        namespace: from.namespace,
        annotation_selector: from.annotation_selector,
        label_selector: from.label_selector,
    };
    KustomizePatch {
        path: from.path,
        patch: from.patch,
        target: from.target.map(target),
        options: from.options.into_iter().collect(),
    }
}
