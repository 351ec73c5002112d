//! The flags of a kustomization.

use std::collections::BTreeMap;

use clap::{Arg, ArgMatches};
use yaml::{Limits, Map, Value};

use super::{is_given, many, one, pairs, switch, text, texts};
use crate::request::{KustomizeEdits, KustomizeOptions, KustomizePatch, KustomizeReplica, KustomizeTarget};

/// The flags.
pub(super) fn args() -> impl Iterator<Item = Arg> {
    [
        switch("kustomize-load-restrictions-none", "Let files outside the kustomization's folder be read"),
        switch("kustomize-enable-helm", "Render the charts of helmCharts, which must be in the repository"),
        switch("kustomize-reorder-none", "Leave the objects in the order they were found in"),
        one("kustomize-name-prefix", "TEXT", "In front of names"),
        one("kustomize-name-suffix", "TEXT", "Behind names"),
        one("kustomize-namespace", "NAME", "The namespace, instead of the kustomization's"),
        many(
            "kustomize-image",
            "IMAGE",
            "An image, such as `name=newname:tag@digest` or `name:tag`; `*` keeps a part",
        ),
        many("kustomize-replicas", "NAME=COUNT", "How many replicas a workload has"),
        many("kustomize-label", "NAME=TEXT", "A label of all objects, their selectors and templates"),
        switch("kustomize-force-labels", "Labels replace those of the kustomization"),
        switch("kustomize-label-without-selector", "Labels go to metadata only"),
        switch("kustomize-label-include-templates", "Labels without selectors go to templates too"),
        many("kustomize-annotation", "NAME=TEXT", "An annotation of all objects"),
        switch("kustomize-force-annotations", "Annotations replace those of the kustomization"),
        many(
            "kustomize-patch",
            "YAML",
            "An entry of `patches`, such as `{path: p.yaml}` or `{target: {kind: Job}, patch: …}`",
        ),
        many("kustomize-component", "FOLDER", "A component, relative to the kustomization, or a pattern"),
        switch("kustomize-ignore-missing-components", "Leave out components that do not exist"),
    ]
    .into_iter()
}

/// Whether any of them was given.
pub(super) fn is_any_given(matches: &ArgMatches) -> bool {
    args().any(|arg| is_given(matches, arg.get_id().as_str()))
}

/// What the flags say.
///
/// # Errors
/// In words, for a usage error.
pub(super) fn options(matches: &ArgMatches) -> Result<KustomizeOptions, String> {
    Ok(KustomizeOptions {
        // `--kustomize-version` is the server's setting, and this command its own server.
        version: None,
        load_restrictions_none: matches.get_flag("kustomize-load-restrictions-none"),
        enable_helm: matches.get_flag("kustomize-enable-helm"),
        reorder_none: matches.get_flag("kustomize-reorder-none"),
        edits: KustomizeEdits {
            name_prefix: text(matches, "kustomize-name-prefix"),
            name_suffix: text(matches, "kustomize-name-suffix"),
            namespace: text(matches, "kustomize-namespace"),
            images: texts(matches, "kustomize-image"),
            replicas: replicas(matches)?,
            common_labels: map(matches, "kustomize-label")?,
            force_common_labels: matches.get_flag("kustomize-force-labels"),
            label_without_selector: matches.get_flag("kustomize-label-without-selector"),
            label_include_templates: matches.get_flag("kustomize-label-include-templates"),
            common_annotations: map(matches, "kustomize-annotation")?,
            force_common_annotations: matches.get_flag("kustomize-force-annotations"),
            patches: texts(matches, "kustomize-patch")
                .iter()
                .map(|text| patch(text))
                .collect::<Result<_, _>>()?,
            components: texts(matches, "kustomize-component"),
            ignore_missing_components: matches.get_flag("kustomize-ignore-missing-components"),
        },
    })
}

fn map(matches: &ArgMatches, flag: &'static str) -> Result<BTreeMap<String, String>, String> {
    Ok(pairs(matches, [flag])?.into_iter().map(|(name, value, _)| (name, value)).collect())
}

fn replicas(matches: &ArgMatches) -> Result<Vec<KustomizeReplica>, String> {
    let replica = |(name, count, _): (String, String, bool)| {
        let count = count.parse();
        let count = count.map_err(|_| format!("--kustomize-replicas {name}: must be like NAME=3"))?;
        Ok(KustomizeReplica { name, count })
    };
    pairs(matches, ["kustomize-replicas"])?.into_iter().map(replica).collect()
}

fn patch(text: &str) -> Result<KustomizePatch, String> {
    let wrong = |why: &str| format!("--kustomize-patch: {why}");
    let value =
        yaml::v2::to_value(text.as_bytes(), &Limits::default()).map_err(|error| wrong(&error.to_string()))?;
    let map = value.as_map().ok_or_else(|| wrong("must be a map, such as {path: p.yaml}"))?;
    only(map, &["path", "patch", "target", "options"])
        .map_err(|key| wrong(&format!("unknown field {key:?}")))?;
    let target =
        value.get("target").and_then(Value::as_map).map(|map| target(map).map_err(|why| wrong(&why)));
    let options = value.get("options").and_then(Value::as_map).into_iter().flat_map(Map::iter);
    Ok(KustomizePatch {
        path: field(map, "path"),
        patch: field(map, "patch"),
        target: target.transpose()?,
        options: options.map(|(name, on)| (name.to_string(), matches!(on, Value::Bool(true)))).collect(),
    })
}

fn target(map: &Map) -> Result<KustomizeTarget, String> {
    let known = ["group", "version", "kind", "name", "namespace", "annotationSelector", "labelSelector"];
    only(map, &known).map_err(|key| format!("unknown field {key:?} of target"))?;
    Ok(KustomizeTarget {
        group: field(map, "group"),
        version: field(map, "version"),
        kind: field(map, "kind"),
        name: field(map, "name"),
        namespace: field(map, "namespace"),
        annotation_selector: field(map, "annotationSelector"),
        label_selector: field(map, "labelSelector"),
    })
}

fn field(map: &Map, name: &str) -> String {
    map.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Fails with the first key that is not known.
fn only(map: &Map, known: &[&str]) -> Result<(), String> {
    map.keys().find(|key| !known.contains(&&***key)).map_or(Ok(()), |key| Err(key.to_string()))
}

#[cfg(test)]
mod tests {
    use clap::Command;

    use super::*;

    fn read(flags: &[&str]) -> Result<KustomizeOptions, String> {
        let command = Command::new("render").args(args());
        options(&command.get_matches_from([&["render"], flags].concat()))
    }

    #[test]
    fn flags_make_edits() {
        let flags = [
            "--kustomize-image=a:1",
            "--kustomize-replicas=web=3",
            "--kustomize-label=a=b=c",
            "--kustomize-force-labels",
            "--kustomize-patch={target: {kind: Job}, patch: x, options: {allowNameChange: true}}",
            "--kustomize-component=../c",
        ];
        let target = KustomizeTarget { kind: "Job".into(), ..KustomizeTarget::default() };
        let expected = KustomizeEdits {
            images: vec!["a:1".into()],
            replicas: vec![KustomizeReplica { name: "web".into(), count: 3 }],
            common_labels: [("a".to_owned(), "b=c".to_owned())].into(),
            force_common_labels: true,
            patches: vec![KustomizePatch {
                patch: "x".into(),
                target: Some(target),
                options: [("allowNameChange".to_owned(), true)].into(),
                ..KustomizePatch::default()
            }],
            components: vec!["../c".into()],
            ..KustomizeEdits::default()
        };
        assert_eq!(read(&flags).unwrap().edits, expected);
        assert!(read(&["--kustomize-enable-helm"]).unwrap().enable_helm);
    }

    #[test]
    fn what_cannot_be_meant_is_told() {
        for (flag, why) in [
            ("--kustomize-replicas=web=many", "--kustomize-replicas web: must be like NAME=3"),
            ("--kustomize-patch=x", "--kustomize-patch: must be a map, such as {path: p.yaml}"),
            ("--kustomize-patch={paht: x}", "--kustomize-patch: unknown field \"paht\""),
            ("--kustomize-patch={target: {knd: x}}", "--kustomize-patch: unknown field \"knd\" of target"),
        ] {
            assert_eq!(read(&[flag]).unwrap_err(), why);
        }
    }
}
