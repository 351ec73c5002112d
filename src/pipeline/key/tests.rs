//! Every input is in the key, none of them twice, and known keys stay what they are.

use std::sync::Arc;
use std::time::Duration;

use helm::HelmVersion;
use kustomize::KustomizeVersion;

use super::*;
use crate::request::{Origin, RenderRequest, Source};
use crate::source::Scope;

fn hex(bytes: [u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A request with what it was pinned to and the server's rules: everything a key depends on.
#[derive(Clone)]
struct Case {
    request: RenderRequest,
    pinned: Vec<Pinned>,
    rules: Rules,
}

impl Case {
    fn of(renderer: Renderer) -> Self {
        let origin = Origin::Git {
            url: "https://h/o/r.git".into(),
            revision: "main".into(),
            credential: None,
            tag_prefix: String::new(),
        };
        let source = Source { origin, path: "app".into(), ref_name: String::new(), renderer };
        let other = Source {
            path: String::new(),
            ref_name: "values".into(),
            renderer: Renderer::Detect,
            ..source.clone()
        };
        let commit = "1111111111111111111111111111111111111111";
        let pinned = Pinned::never_opened("https://h/o/r", commit, Scope([7; 32]));
        let request = RenderRequest {
            sources: vec![source, other],
            name: "web".into(),
            namespace: "prod".into(),
            kube_version: Some("1.33.0".into()),
            api_versions: vec!["v1".into(), "apps/v1".into()],
            no_cache: false,
            no_revision_cache: false,
        };
        let budgets = Budgets {
            time: Duration::from_secs(60),
            directory_bytes: 1,
            output_bytes: 2,
            export_bytes: 3,
            program_bytes: 4,
        };
        let rules = Rules { profile: "helm 4.2.1".into(), budgets };
        Self { request, pinned: vec![pinned.clone(), pinned], rules }
    }

    fn keys(&self) -> Keys {
        Keys::new(&Plan::new(self.request.clone(), self.pinned.clone()).unwrap(), &self.rules)
    }

    fn changed(&self, change: impl FnOnce(&mut Self)) -> Keys {
        let mut case = self.clone();
        change(&mut case);
        case.keys()
    }
}

fn directory() -> DirectoryOptions {
    let variable = |name: &str| JsonnetVar { name: name.into(), value: "1".into(), code: true };
    let jsonnet = JsonnetOptions {
        ext_vars: vec![variable("a"), variable("b")],
        tlas: vec![variable("c")],
        libs: vec!["lib".into(), "vendor".into()],
    };
    DirectoryOptions {
        recurse: true,
        include: "*.yaml".into(),
        exclude: "{config.json,env-usw2/*}".into(),
        jsonnet,
    }
}

fn helm() -> HelmOptions {
    let parameter = |name: &str| HelmParameter { name: name.into(), value: "1".into(), force_string: true };
    HelmOptions {
        release_name: "rel".into(),
        namespace: "ns".into(),
        value_files: vec!["values.yaml".into(), "$values/prod.yaml".into()],
        ignore_missing_value_files: true,
        values: "a: 1".into(),
        parameters: vec![parameter("a.b"), parameter("c")],
        file_parameters: vec![HelmFileParameter { name: "x".into(), path: "y".into() }],
        skip_crds: true,
        skip_tests: true,
        skip_schema_validation: true,
        version: Some(HelmVersion::V3_21_4),
    }
}

fn kustomize() -> KustomizeOptions {
    let pairs = || [("a".to_owned(), "b".to_owned())].into();
    let target = KustomizeTarget {
        group: "apps".into(),
        version: "v1".into(),
        kind: "Deployment".into(),
        name: "web".into(),
        namespace: "prod".into(),
        annotation_selector: "x=y".into(),
        label_selector: "y=z".into(),
    };
    let patch = KustomizePatch {
        path: "p.yaml".into(),
        patch: "a: b".into(),
        target: Some(target),
        options: [("allowNameChange".to_owned(), true)].into(),
    };
    KustomizeOptions {
        load_restrictions_none: true,
        enable_helm: true,
        reorder_none: true,
        version: Some(KustomizeVersion::V5_8_1),
        edits: KustomizeEdits {
            name_prefix: "p".into(),
            name_suffix: "s".into(),
            namespace: "ns".into(),
            images: vec!["a:1".into(), "b:2".into()],
            replicas: vec![KustomizeReplica { name: "web".into(), count: 3 }],
            common_labels: pairs(),
            force_common_labels: true,
            label_without_selector: true,
            label_include_templates: true,
            common_annotations: pairs(),
            force_common_annotations: true,
            patches: vec![patch],
            components: vec!["../c".into()],
            ignore_missing_components: true,
        },
    }
}

fn kustomize_of(case: &mut Case) -> &mut KustomizeOptions {
    match &mut case.request.sources[0].renderer {
        Renderer::Kustomize(options) => options,
        other => panic!("{other:?} is not kustomize"),
    }
}

fn edits_of(case: &mut Case) -> &mut KustomizeEdits {
    &mut kustomize_of(case).edits
}

fn patch_of(case: &mut Case) -> &mut KustomizePatch {
    &mut edits_of(case).patches[0]
}

fn target_of(case: &mut Case) -> &mut KustomizeTarget {
    patch_of(case).target.as_mut().unwrap()
}

fn helm_of(case: &mut Case) -> &mut HelmOptions {
    match &mut case.request.sources[0].renderer {
        Renderer::Helm(options) => options,
        other => panic!("{other:?} is not helm"),
    }
}

fn directory_of(case: &mut Case) -> &mut DirectoryOptions {
    match &mut case.request.sources[0].renderer {
        Renderer::Directory(options) => options,
        other => panic!("{other:?} is not a directory"),
    }
}

// The first was computed by a second program, from the description of the encoding alone.
#[test]
fn known_keys_stay_what_they_are() {
    let known = [
        (
            Renderer::Detect,
            "d3a0949ef7e3516a6edc4f0aa07ff46f1687d09bf69078919d95f605be6c871f",
            "f3b10c71cbf7b9c885449b1791206e91d0b7f836f32c7cd27cc4d2ed082cf294",
        ),
        (
            Renderer::Directory(directory()),
            "d481eed76c67c87f93afbf896d7cd44ca7a10007d1bada0bef560fce6d4a2b2f",
            "cc1bdc107358a7c533bb291200ea7c0b69128b913d9f5a479c859a693742fe56",
        ),
        (
            Renderer::Helm(helm()),
            "f6740e8faf4e29f629adaa4fdd21648c27e2f202a3a4c898eab13495a4ac3449",
            "98a721076b020369b751bcf1c9b03b675b97f3e1e21fecf6697116f6c21cf9ca",
        ),
        (
            Renderer::Kustomize(kustomize()),
            "6db90a4f3d651a4894ee5083ac786e38e30bacf4d0f4164172983f6a78c111a1",
            "299ab80b75d57e4c933fe6d2e171d92830e51dbd78904fa7ccb5f2647e06e54d",
        ),
    ];
    for (renderer, exact, reuse) in known {
        let keys = Case::of(renderer.clone()).keys();
        assert_eq!((hex(keys.exact).as_str(), hex(keys.reuse).as_str()), (exact, reuse), "{renderer:?}");
    }
}

type Change = (&'static str, fn(&mut Case));

/// Every change gives other keys than the case and than every other change, in both keys.
fn all_differ(case: &Case, changes: &[Change]) {
    let mut seen = BTreeMap::from([(case.keys().exact, "as it was"), (case.keys().reuse, "as it was")]);
    for (name, change) in changes {
        let keys = case.changed(change);
        for key in [keys.exact, keys.reuse] {
            let same = seen.insert(key, name);
            assert_eq!(same, None, "{name} has the same key as {same:?}");
        }
    }
}

#[test]
fn every_input_is_in_both_keys() {
    let changes: &[Change] = &[
        ("identity", |c| c.pinned[0].identity = Arc::from("https://h/o/s")),
        ("identity of another source", |c| c.pinned[1].identity = Arc::from("https://h/o/s")),
        ("scope", |c| c.pinned[0].scope = Scope([8; 32])),
        ("scope of another source", |c| c.pinned[1].scope = Scope([8; 32])),
        ("path", |c| c.request.sources[0].path = "app2".into()),
        ("path of the source that lends", |c| c.request.sources[1].path = ".".into()),
        ("ref name", |c| c.request.sources[1].ref_name = "v".into()),
        ("a ref name more", |c| c.request.sources[0].ref_name = "v".into()),
        ("one source fewer", |c| drop(c.request.sources.pop())),
        ("one source more", |c| {
            c.request.sources.push(Source { ref_name: "w".into(), ..c.request.sources[1].clone() });
            c.pinned.push(c.pinned[1].clone());
        }),
        ("order of sources", |c| c.request.sources.reverse()),
        ("name", |c| c.request.name = "web2".into()),
        ("no name", |c| c.request.name.clear()),
        ("namespace", |c| c.request.namespace = "test".into()),
        ("no namespace", |c| c.request.namespace.clear()),
        ("profile", |c| c.rules.profile = "helm 3.19.4".into()),
        ("directory bytes", |c| c.rules.budgets.directory_bytes -= 1),
        ("output bytes", |c| c.rules.budgets.output_bytes -= 1),
        ("export bytes", |c| c.rules.budgets.export_bytes -= 1),
        ("program bytes", |c| c.rules.budgets.program_bytes -= 1),
        ("explicit directory", |c| {
            c.request.sources[0].renderer = Renderer::Directory(Default::default());
        }),
        ("explicit helm", |c| c.request.sources[0].renderer = Renderer::Helm(Default::default())),
        ("explicit kustomize", |c| {
            c.request.sources[0].renderer = Renderer::Kustomize(Default::default());
        }),
        ("kustomize without restrictions", |c| {
            c.request.sources[0].renderer =
                Renderer::Kustomize(KustomizeOptions { load_restrictions_none: true, ..Default::default() });
        }),
    ];
    all_differ(&Case::of(Renderer::Detect), changes);
}

#[test]
fn every_option_of_a_directory_is_in_both_keys() {
    let changes: &[Change] = &[
        ("recurse", |c| directory_of(c).recurse = false),
        ("include", |c| directory_of(c).include.clear()),
        ("exclude", |c| directory_of(c).exclude.clear()),
        ("include and exclude swapped", |c| {
            let options = directory_of(c);
            std::mem::swap(&mut options.include, &mut options.exclude);
        }),
        ("name of a variable", |c| directory_of(c).jsonnet.ext_vars[0].name = "z".into()),
        ("value of a variable", |c| directory_of(c).jsonnet.ext_vars[0].value = "2".into()),
        ("code of a variable", |c| directory_of(c).jsonnet.ext_vars[0].code = false),
        ("order of variables", |c| directory_of(c).jsonnet.ext_vars.reverse()),
        ("an argument that was a variable", |c| {
            let jsonnet = &mut directory_of(c).jsonnet;
            jsonnet.tlas.insert(0, jsonnet.ext_vars.pop().unwrap());
        }),
        ("value of an argument", |c| directory_of(c).jsonnet.tlas[0].value = "2".into()),
        ("order of libraries", |c| directory_of(c).jsonnet.libs.reverse()),
        ("one library fewer", |c| drop(directory_of(c).jsonnet.libs.pop())),
    ];
    all_differ(&Case::of(Renderer::Directory(directory())), changes);
}

#[test]
fn every_option_of_helm_is_in_both_keys() {
    let changes: &[Change] = &[
        ("release name", |c| helm_of(c).release_name = "r".into()),
        ("release namespace", |c| helm_of(c).namespace = "n".into()),
        ("name and namespace swapped", |c| {
            let options = helm_of(c);
            std::mem::swap(&mut options.release_name, &mut options.namespace);
        }),
        ("order of values files", |c| helm_of(c).value_files.reverse()),
        ("a values file twice", |c| helm_of(c).value_files.push("values.yaml".into())),
        ("ignore missing", |c| helm_of(c).ignore_missing_value_files = false),
        ("values", |c| helm_of(c).values = "a: 2".into()),
        ("parameter's name", |c| helm_of(c).parameters[0].name = "a".into()),
        ("parameter's value", |c| helm_of(c).parameters[0].value = "2".into()),
        ("parameter's string", |c| helm_of(c).parameters[0].force_string = false),
        ("order of parameters", |c| helm_of(c).parameters.reverse()),
        ("file parameter's name", |c| helm_of(c).file_parameters[0].name = "z".into()),
        ("file parameter's path", |c| helm_of(c).file_parameters[0].path = "z".into()),
        ("skip CRDs", |c| helm_of(c).skip_crds = false),
        ("skip tests", |c| helm_of(c).skip_tests = false),
        ("skip schema validation", |c| helm_of(c).skip_schema_validation = false),
        ("helm version", |c| helm_of(c).version = None),
        ("another helm version", |c| helm_of(c).version = Some(HelmVersion::V4_2_4)),
    ];
    all_differ(&Case::of(Renderer::Helm(helm())), changes);
}

#[test]
fn every_option_of_kustomize_is_in_both_keys() {
    let changes: &[Change] = &[
        ("load restrictions", |c| kustomize_of(c).load_restrictions_none = false),
        ("enable helm", |c| kustomize_of(c).enable_helm = false),
        ("no kustomize version", |c| kustomize_of(c).version = None),
        ("another kustomize version", |c| kustomize_of(c).version = Some(KustomizeVersion::V5_8_3)),
        ("order", |c| kustomize_of(c).reorder_none = false),
        ("name prefix", |c| edits_of(c).name_prefix.clear()),
        ("name suffix", |c| edits_of(c).name_suffix.clear()),
        ("namespace", |c| edits_of(c).namespace.clear()),
        ("an image", |c| edits_of(c).images[0] = "a:2".into()),
        ("order of images", |c| edits_of(c).images.reverse()),
        ("a replica's name", |c| edits_of(c).replicas[0].name = "db".into()),
        ("a replica's count", |c| edits_of(c).replicas[0].count = -3),
        ("no replicas", |c| edits_of(c).replicas.clear()),
        ("a label", |c| drop(edits_of(c).common_labels.insert("a".into(), "c".into()))),
        ("no labels", |c| edits_of(c).common_labels.clear()),
        ("force labels", |c| edits_of(c).force_common_labels = false),
        ("selectors", |c| edits_of(c).label_without_selector = false),
        ("templates", |c| edits_of(c).label_include_templates = false),
        ("an annotation", |c| drop(edits_of(c).common_annotations.insert("a".into(), "c".into()))),
        ("no annotations", |c| edits_of(c).common_annotations.clear()),
        ("force annotations", |c| edits_of(c).force_common_annotations = false),
        ("a patch's path", |c| patch_of(c).path.clear()),
        ("a patch", |c| patch_of(c).patch.clear()),
        ("a patch's options", |c| patch_of(c).options.clear()),
        ("a patch's option", |c| patch_of(c).options = [("allowNameChange".to_owned(), false)].into()),
        ("no target", |c| patch_of(c).target = None),
        ("target's group", |c| target_of(c).group.clear()),
        ("target's version", |c| target_of(c).version.clear()),
        ("target's kind", |c| target_of(c).kind.clear()),
        ("target's name", |c| target_of(c).name.clear()),
        ("target's namespace", |c| target_of(c).namespace.clear()),
        ("target's annotations", |c| target_of(c).annotation_selector.clear()),
        ("target's labels", |c| target_of(c).label_selector.clear()),
        ("no patches", |c| edits_of(c).patches.clear()),
        ("a component", |c| edits_of(c).components[0] = "../d".into()),
        ("no components", |c| edits_of(c).components.clear()),
        ("missing components", |c| edits_of(c).ignore_missing_components = false),
    ];
    all_differ(&Case::of(Renderer::Kustomize(kustomize())), changes);
}

#[test]
fn what_is_recorded_as_facts_is_in_the_exact_key_only() {
    let case = Case::of(Renderer::Detect);
    let changes: &[Change] = &[
        ("revision", |c| c.pinned[0].revision = Arc::from("2222222222222222222222222222222222222222")),
        ("revision of another source", |c| c.pinned[1].revision = Arc::from("2222")),
        ("kube version", |c| c.request.kube_version = Some("1.34.0".into())),
        ("empty kube version", |c| c.request.kube_version = Some(String::new())),
        ("no kube version", |c| c.request.kube_version = None),
        ("API versions", |c| c.request.api_versions.push("batch/v1".into())),
        ("API versions joined", |c| c.request.api_versions = vec!["v1apps/v1".into()]),
        ("API versions with a comma", |c| c.request.api_versions = vec!["apps/v1,v1".into()]),
        ("no API versions", |c| c.request.api_versions.clear()),
    ];
    let mut seen = BTreeMap::from([(case.keys().exact, "as it was")]);
    for (name, change) in changes {
        let keys = case.changed(change);
        assert_eq!(keys.reuse, case.keys().reuse, "{name} changes the reuse key");
        let same = seen.insert(keys.exact, name);
        assert_eq!(same, None, "{name} has the same key as {same:?}");
    }
}

#[test]
fn what_changes_no_answer_changes_no_key() {
    let case = Case::of(Renderer::Detect);
    let changes: &[Change] = &[
        ("order of API versions", |c| c.request.api_versions.reverse()),
        ("an API version twice", |c| c.request.api_versions.push("v1".into())),
        ("no cache", |c| c.request.no_cache = true),
        ("no revision cache", |c| c.request.no_revision_cache = true),
        ("time", |c| c.rules.budgets.time = Duration::from_secs(1)),
        ("another way to write a path", |c| c.request.sources[0].path = "./x/../app/".into()),
        ("the revision's name", |c| {
            let revision = "v1.0.0".to_owned();
            let url = "https://h/o/r".to_owned();
            c.request.sources[0].origin =
                Origin::Git { url, revision, credential: None, tag_prefix: String::new() };
        }),
    ];
    for (name, change) in changes {
        assert_eq!(case.changed(change), case.keys(), "{name}");
    }
}

#[test]
fn no_separator_confuses_neighbours() {
    let keys = |name: &str, namespace: &str| {
        Case::of(Renderer::Detect).changed(|c| {
            c.request.name = name.into();
            c.request.namespace = namespace.into();
        })
    };
    let mut seen = BTreeMap::new();
    let namespace = "namespace";
    for (name, space) in [("a|b", "c"), ("a", "b|c"), ("a\0b", ""), ("a", "\0b"), ("ab", ""), ("", "ab")] {
        assert_eq!(seen.insert(keys(name, space).exact, (name, space)), None, "{name:?} {space:?}");
    }
    // The very bytes that stand between the two fields, inside one of them.
    let inner = [&b"a"[..], &(namespace.len() as u64).to_be_bytes(), namespace.as_bytes()].concat();
    let inner = String::from_utf8(inner).unwrap();
    assert_eq!(seen.insert(keys(&inner, "b").exact, ("inner", "b")), None);
}

#[test]
fn a_single_source_with_a_ref_name_is_rendered() {
    let mut case = Case::of(Renderer::Detect);
    case.request.sources.remove(0);
    let plan = Plan::new(case.request, case.pinned).unwrap();
    assert!(!plan.parts[0].only_lends);
}

#[test]
fn paths_and_ref_names_are_checked() {
    for path in ["/etc", "..", "a/../../b", "a\0b"] {
        let mut case = Case::of(Renderer::Detect);
        case.request.sources[0].path = path.into();
        let error = Plan::new(case.request, case.pinned).unwrap_err();
        assert_eq!(error.kind(), crate::error::Kind::Invalid, "{path:?}");
    }
    let mut case = Case::of(Renderer::Detect);
    case.request.sources[0].ref_name = "values".into();
    let error = Plan::new(case.request, case.pinned).unwrap_err();
    assert_eq!(error.message(), r#"two sources have the ref name "values""#);
}
