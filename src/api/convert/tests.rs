//! What is on the wire arrives in our words, field by field.

use kustomize::KustomizeVersion;
use proto::v1::{self, source};

use super::{asked, render};
use crate::credentials::{Credential, Secret};
use crate::error::Kind;
use crate::request::{
    DirectoryOptions, HelmFileParameter, HelmOptions, HelmParameter, JsonnetOptions, JsonnetVar,
    KustomizeEdits, KustomizeOptions, KustomizePatch, KustomizeReplica, KustomizeTarget, Origin, Renderer,
};

fn git() -> v1::Git {
    v1::Git { url: "https://h/r".into(), ..v1::Git::default() }
}

fn source(git: v1::Git, renderer: Option<source::Renderer>) -> v1::Source {
    v1::Source { origin: Some(source::Origin::Git(git)), renderer }
}

fn request(source: v1::Source) -> v1::RenderRequest {
    v1::RenderRequest { sources: vec![source], ..v1::RenderRequest::default() }
}

fn renderer(options: source::Renderer) -> Result<Renderer, String> {
    let request = render(request(source(git(), Some(options))), true).map_err(|error| error.to_string())?;
    Ok(request.sources.into_iter().next().unwrap().renderer)
}

#[test]
fn a_request_arrives_field_by_field() {
    let git = v1::Git {
        revision: "v1".into(),
        path: "web".into(),
        ref_name: "vals".into(),
        tag_prefix: "app-".into(),
        ..git()
    };
    let request = v1::RenderRequest {
        name: "app".into(),
        namespace: "prod".into(),
        kube_version: "1.33.0".into(),
        api_versions: vec!["apps/v1".into()],
        no_cache: true,
        no_revision_cache: true,
        ..request(source(git, None))
    };
    let got = render(request, false).unwrap();
    assert_eq!((got.name.as_str(), got.namespace.as_str()), ("app", "prod"));
    assert_eq!((got.kube_version.as_deref(), got.api_versions), (Some("1.33.0"), vec!["apps/v1".to_owned()]));
    assert!(got.no_cache && got.no_revision_cache);
    let source = &got.sources[0];
    assert_eq!((source.path.as_str(), source.ref_name.as_str()), ("web", "vals"));
    assert_eq!(source.renderer, Renderer::Detect);
    let Origin::Git { url, revision, credential, tag_prefix } = &source.origin else { panic!("no git") };
    assert_eq!((url.as_str(), revision.as_str(), credential), ("https://h/r", "v1", &None));
    assert_eq!(tag_prefix, "app-");
}

#[test]
fn empty_versions_are_none() {
    assert_eq!(render(request(source(git(), None)), false).unwrap().kube_version, None);
}

#[test]
fn directory_options() {
    let var = |code| v1::JsonnetVar { name: "n".into(), value: "v".into(), code };
    let options = v1::DirectoryOptions {
        recurse: true,
        include: "i".into(),
        exclude: "e".into(),
        jsonnet: Some(v1::JsonnetOptions {
            ext_vars: vec![var(true)],
            tlas: vec![var(false)],
            libs: vec!["l".into()],
        }),
    };
    let var = |code| JsonnetVar { name: "n".into(), value: "v".into(), code };
    let expected = DirectoryOptions {
        recurse: true,
        include: "i".into(),
        exclude: "e".into(),
        jsonnet: JsonnetOptions { ext_vars: vec![var(true)], tlas: vec![var(false)], libs: vec!["l".into()] },
    };
    assert_eq!(renderer(source::Renderer::Directory(options)).unwrap(), Renderer::Directory(expected));
    let empty = renderer(source::Renderer::Directory(v1::DirectoryOptions::default())).unwrap();
    assert_eq!(empty, Renderer::Directory(DirectoryOptions::default()));
}

#[test]
fn helm_options() {
    let options = v1::HelmOptions {
        release_name: "r".into(),
        namespace: "n".into(),
        value_files: vec!["a.yaml".into(), "$vals/b.yaml".into()],
        ignore_missing_value_files: true,
        values: "a: 1".into(),
        parameters: vec![v1::HelmParameter { name: "p".into(), value: "1".into(), force_string: true }],
        file_parameters: vec![v1::HelmFileParameter { name: "f".into(), path: "x".into() }],
        skip_crds: true,
        skip_tests: true,
        skip_schema_validation: true,
        helm_version: "3.21.4".into(),
    };
    let expected = HelmOptions {
        release_name: "r".into(),
        namespace: "n".into(),
        value_files: vec!["a.yaml".into(), "$vals/b.yaml".into()],
        ignore_missing_value_files: true,
        values: "a: 1".into(),
        parameters: vec![HelmParameter { name: "p".into(), value: "1".into(), force_string: true }],
        file_parameters: vec![HelmFileParameter { name: "f".into(), path: "x".into() }],
        skip_crds: true,
        skip_tests: true,
        skip_schema_validation: true,
        version: Some(helm::HelmVersion::V3_21_4),
    };
    assert_eq!(renderer(source::Renderer::Helm(options)).unwrap(), Renderer::Helm(expected));
}

fn sent_patch() -> v1::KustomizePatch {
    let target = v1::KustomizeTarget {
        group: "g".into(),
        version: "v".into(),
        kind: "k".into(),
        name: "n".into(),
        namespace: "ns".into(),
        annotation_selector: "a".into(),
        label_selector: "l".into(),
    };
    v1::KustomizePatch {
        path: "f".into(),
        patch: "t".into(),
        target: Some(target),
        options: [("o".to_owned(), true)].into(),
    }
}

fn patch() -> KustomizePatch {
    let target = KustomizeTarget {
        group: "g".into(),
        version: "v".into(),
        kind: "k".into(),
        name: "n".into(),
        namespace: "ns".into(),
        annotation_selector: "a".into(),
        label_selector: "l".into(),
    };
    KustomizePatch {
        path: "f".into(),
        patch: "t".into(),
        target: Some(target),
        options: [("o".to_owned(), true)].into(),
    }
}

#[test]
fn kustomize_options() {
    let pairs = |name: &str| [(name.to_owned(), "1".to_owned())];
    let options = v1::KustomizeOptions {
        load_restrictions_none: true,
        enable_helm: true,
        reorder_none: true,
        name_prefix: "p".into(),
        name_suffix: "s".into(),
        namespace: "ns".into(),
        images: vec!["i:1".into()],
        replicas: vec![v1::KustomizeReplica { name: "r".into(), count: 2 }],
        common_labels: pairs("l").into(),
        force_common_labels: true,
        label_without_selector: true,
        label_include_templates: true,
        common_annotations: pairs("a").into(),
        force_common_annotations: true,
        patches: vec![sent_patch()],
        components: vec!["c".into()],
        ignore_missing_components: true,
        kustomize_version: "5.8.1".into(),
    };
    let edits = KustomizeEdits {
        name_prefix: "p".into(),
        name_suffix: "s".into(),
        namespace: "ns".into(),
        images: vec!["i:1".into()],
        replicas: vec![KustomizeReplica { name: "r".into(), count: 2 }],
        common_labels: pairs("l").into(),
        force_common_labels: true,
        label_without_selector: true,
        label_include_templates: true,
        common_annotations: pairs("a").into(),
        force_common_annotations: true,
        patches: vec![patch()],
        components: vec!["c".into()],
        ignore_missing_components: true,
    };
    let expected = KustomizeOptions {
        load_restrictions_none: true,
        enable_helm: true,
        reorder_none: true,
        edits,
        version: Some(KustomizeVersion::V5_8_1),
    };
    assert_eq!(renderer(source::Renderer::Kustomize(options)).unwrap(), Renderer::Kustomize(expected));
}

#[test]
fn what_is_missing_is_named() {
    let message = |request| {
        let error = render(request, true).unwrap_err();
        assert_eq!(error.kind(), Kind::Invalid);
        error.message().to_owned()
    };
    assert_eq!(message(v1::RenderRequest::default()), "sources: must be set");
    let nowhere = v1::Source::default();
    let second =
        v1::RenderRequest { sources: vec![source(git(), None), nowhere], ..v1::RenderRequest::default() };
    assert_eq!(message(second), "sources[1].git: must be set");
    assert_eq!(message(request(source(v1::Git::default(), None))), "sources[0].git.url: must be set");
    let replicas = vec![v1::KustomizeReplica::default()];
    let kustomize = v1::KustomizeOptions { replicas, ..v1::KustomizeOptions::default() };
    assert_eq!(
        renderer(source::Renderer::Kustomize(kustomize)).unwrap_err(),
        "sources[0].kustomize.replicas[0].name: must be set"
    );
    let helm =
        v1::HelmOptions { parameters: vec![v1::HelmParameter::default()], ..v1::HelmOptions::default() };
    assert_eq!(
        renderer(source::Renderer::Helm(helm)).unwrap_err(),
        "sources[0].helm.parameters[0].name: must be set"
    );
    let file = v1::HelmFileParameter { name: "a".into(), ..v1::HelmFileParameter::default() };
    let helm = v1::HelmOptions { file_parameters: vec![file], ..v1::HelmOptions::default() };
    assert_eq!(
        renderer(source::Renderer::Helm(helm)).unwrap_err(),
        "sources[0].helm.file_parameters[0].path: must be set"
    );
    let jsonnet =
        v1::JsonnetOptions { tlas: vec![v1::JsonnetVar::default()], ..v1::JsonnetOptions::default() };
    let directory = v1::DirectoryOptions { jsonnet: Some(jsonnet), ..v1::DirectoryOptions::default() };
    assert_eq!(
        renderer(source::Renderer::Directory(directory)).unwrap_err(),
        "sources[0].directory.jsonnet.tlas[0].name: must be set"
    );
    assert_eq!(asked(v1::ListAppsRequest::default(), true).unwrap_err().message(), "url: must be set");
}

fn credential() -> v1::Credential {
    v1::Credential {
        username: "u".into(),
        password: "canary".into(),
        bearer_token: "b".into(),
        ssh_private_key: "k".into(),
        known_hosts: "h".into(),
        ca_bundle: "ca".into(),
        client_certificate: "c".into(),
        client_key: "ck".into(),
        proxy: "p".into(),
        insecure: true,
    }
}

#[test]
fn credentials_arrive_where_they_may_be_sent() {
    let from =
        v1::ListRefsRequest { url: "u".into(), credential: Some(credential()), no_revision_cache: true };
    let got = asked(from, true).unwrap();
    assert!(got.no_revision_cache);
    let Origin::Git { credential: Some(got), .. } = got.source.origin else { panic!("no credential") };
    let Credential {
        username,
        password,
        bearer_token,
        ssh_private_key,
        known_hosts,
        ca_bundle,
        client_certificate,
        client_key,
        proxy,
        insecure,
    } = got;
    assert_eq!([username, known_hosts, ca_bundle, client_certificate], ["u", "h", "ca", "c"]);
    let secrets = [password, bearer_token, ssh_private_key, client_key, proxy];
    assert_eq!(secrets.each_ref().map(Secret::expose), ["canary", "b", "k", "ck", "p"]);
    assert!(insecure);
}

#[test]
fn credentials_are_refused_where_they_may_not() {
    let git = v1::Git { credential: Some(credential()), ..git() };
    assert!(!format!("{git:?}").contains("canary"));
    let error = render(request(source(git, None)), false).unwrap_err();
    assert_eq!(error.kind(), Kind::Invalid);
    assert!(error.message().starts_with("sources[0].git.credential: this connection is not encrypted"));
    let from =
        v1::ListRefsRequest { url: "u".into(), credential: Some(credential()), no_revision_cache: false };
    assert!(asked(from, false).unwrap_err().message().starts_with("credential: this connection"));
}

#[test]
fn a_client_certificate_needs_its_key() {
    let half = v1::Credential { client_key: String::new(), ..credential() };
    let from = v1::ListRefsRequest { url: "u".into(), credential: Some(half), no_revision_cache: false };
    assert_eq!(
        asked(from, true).unwrap_err().message(),
        "credential: client_certificate and client_key need each other"
    );
}
