//! Changes of kustomizations: their fields, the resources and patches they name, and flags.

use super::text;
use crate::corpus::KUSTOMIZATIONS;
use crate::input::Input;
use crate::random::Chance;

/// Fields of a kustomization.
const FIELDS: &[&str] = &[
    "namespace: other",
    "namespace: \"\"",
    "namespace: 1",
    "namePrefix: pre-",
    "nameSuffix: -suf",
    "namePrefix: a.b-",
    "namePrefix: 1",
    "commonLabels: {app: x, \"a.b/c\": \"1\"}",
    "commonLabels: {n: 1}",
    "commonAnnotations: {note: \"a: b\", n: \"true\"}",
    "commonAnnotations: {n: null}",
    "labels: [{pairs: {l: v}}]",
    "labels: [{pairs: {l: v}, includeSelectors: true}]",
    "labels: [{pairs: {l: \"1\"}, includeTemplates: true}]",
    "labels:\n- pairs: {l: v}\n  includeSelectors: true\n  includeTemplates: true\n- pairs: {m: w}\n  fields: [{path: spec/x/labels, create: true, kind: Deployment}]",
    "images: [{name: nginx, newTag: \"1.2\"}]",
    "images: [{name: nginx, newName: r.example:5000/n, digest: \"sha256:0123\"}]",
    "images: [{name: \"*\", newTag: x}]",
    "images: [{name: busybox, tagSuffix: -a}, {name: nginx, newTag: 1.10}]",
    "replicas: [{name: web, count: 3}]",
    "replicas: [{name: none, count: 0}]",
    "generatorOptions: {disableNameSuffixHash: true, labels: {g: x}}",
    "generatorOptions: {annotations: {a: \"1\"}, immutable: true}",
    "buildMetadata: [originAnnotations]",
    "buildMetadata: [transformerAnnotations, managedByLabel]",
    "buildMetadata: [x]",
    "sortOptions: {order: fifo}",
    "sortOptions: {order: legacy}",
    "sortOptions:\n  order: legacy\n  legacySortOptions: {orderFirst: [Service], orderLast: [ConfigMap]}",
    "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization",
    "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component",
    "kind: Other",
    "metadata: {name: k, labels: {a: b}}",
    "unknown: x",
    "resources: []",
    "resources: [none.yaml]",
    "bases: [.]",
    "components: [none]",
    "crds: []",
    "vars: []",
    "openapi: {version: v1.21.2}",
    "openapi: {version: v1}",
    "validators: []",
    "helmCharts: []",
    "inventory: {}",
];

/// Generators of config maps and secrets.
const GENERATORS: &[&str] = &[
    "configMapGenerator: [{name: zz, literals: [a=b, c=, \"d=e=f\", \"g='h'\"]}]",
    "configMapGenerator: [{name: zz, literals: [\"=x\"]}]",
    "configMapGenerator: [{name: zz, files: [zz.txt, other=zz.txt]}]",
    "configMapGenerator: [{name: zz, envs: [zz.env]}]",
    "configMapGenerator: [{name: zz, env: zz.env}]",
    "configMapGenerator: [{name: zz, namespace: n, options: {disableNameSuffixHash: true, labels: {l: \"1\"}, annotations: {a: b}, immutable: true}, literals: [a=1]}]",
    "secretGenerator: [{name: zz, type: Opaque, literals: [a=b]}]",
    "secretGenerator: [{name: zz, type: kubernetes.io/tls, files: [tls.crt=zz.txt]}]",
    "configMapGenerator:\n- {name: zz, literals: [a=b]}\n- {name: zz, behavior: merge, literals: [a=c, d=e]}",
    "configMapGenerator: [{name: zz, behavior: replace, literals: [a=b]}]",
    "configMapGenerator: [{name: zz, literals: [a=b, a=c]}]",
    "configMapGenerator: [{name: zz, literals: [\"a=é\\n\"]}]",
    "secretGenerator: [{name: zz, envs: [zz.env], files: [zz.txt]}]",
    "configMapGenerator: [{name: zz, files: [none.txt]}]",
    "configMapGenerator: [{literals: [a=b]}]",
    "configMapGenerator: [{name: zz, files: [\"a/b=zz.txt\"]}]",
];

/// Texts of env files.
const ENVIRONMENTS: &[&str] = &[
    "A=1\nB=two words\n#c\n\nC=\n",
    "A='x'\nB=\"y\"\n",
    "A\n",
    "=x\n",
    " A = 1 \n",
    "export A=1\n",
    "A=1\r\nB=2\r\n",
    "\u{feff}A=1",
    "A=#x\nB=a=b\n",
    "é=1\n",
    "A=1\nA=2\n",
];

/// Parts of patches, to be put beneath the head of an object.
const PATCHES: &[&str] = &[
    "metadata: {labels: {p: x}}",
    "metadata: {annotations: {p: \"1\", q: null}}",
    "spec: {replicas: 7}",
    "spec: null",
    "data: {p: q}",
    "data: {$patch: replace, p: q}",
    "spec: {template: {spec: {containers: [{name: web, image: x:1}]}}}",
    "spec: {template: {spec: {containers: [{name: none, env: [{name: A, value: b}]}]}}}",
    "spec: {template: {spec: {containers: [{name: web, $patch: delete}]}}}",
    "spec: {template: {spec: {$setElementOrder/containers: [{name: b}, {name: web}]}}}",
    "spec: {ports: [{port: 80, targetPort: 8080}, {port: 81}]}",
    "$patch: delete",
    "spec: {template: {metadata: {labels: {a: b}}}}",
    "metadata: {labels: {p: 1}}",
    "spec: {$retainKeys: [strategy], strategy: {type: Recreate}}",
    "metadata: {finalizers: [a, b]}",
    "metadata:\n  annotations: {a: \"1\"}\n  annotations: {b: \"2\"}",
    "spec: {template: {spec: {volumes: [{name: v, $retainKeys: [name, emptyDir], emptyDir: {}}]}}}",
    "spec: {template: {spec: {tolerations: [{key: a}]}}}",
];

/// Operations of JSON patches.
const OPERATIONS: &[&str] = &[
    "{op: add, path: /metadata/labels, value: {j: x}}",
    "{op: add, path: /metadata/annotations/a~1b, value: \"1\"}",
    "{op: replace, path: /spec/replicas, value: 4}",
    "{op: remove, path: /spec}",
    "{op: remove, path: /none}",
    "{op: add, path: /spec/template/spec/containers/-, value: {name: j}}",
    "{op: test, path: /kind, value: Deployment}",
    "{op: copy, from: /metadata/name, path: /metadata/labels/name}",
    "{op: move, from: /spec/replicas, path: /spec/r}",
    "{op: replace, path: /metadata/name, value: renamed}",
    "{op: add, path: /spec/ports/0, value: {port: 1}}",
    "{op: replace, path: /spec/template/spec/containers/0/image, value: j:1}",
    "{op: add, path: /data, value: null}",
    "{op: add, path: \"\", value: {kind: X}}",
    "{op: add, path: /spec/x, value: 1.0}",
    "{op: other, path: /x}",
    "{op: add, path: /metadata/labels/n, value: 1}",
];

/// Who a patch is for.
const TARGETS: &[&str] = &[
    "{kind: Deployment}",
    "{kind: \".*\"}",
    "{name: web}",
    "{name: \"w.*\", kind: Service}",
    "{labelSelector: \"app=x\"}",
    "{labelSelector: \"app in (x, y), !z\"}",
    "{annotationSelector: note}",
    "{group: apps}",
    "{version: v1}",
    "{namespace: other}",
    "{kind: ConfigMap, name: zz}",
    "{}",
];

/// Where a replacement takes its value, and where it puts it.
const SOURCES: &[&str] = &[
    "{kind: Service}",
    "{kind: Deployment, fieldPath: metadata.name}",
    "{kind: ConfigMap, name: zz, fieldPath: data.a}",
    "{kind: Service, fieldPath: \"spec.ports.0.port\"}",
    "{kind: Deployment, fieldPath: metadata.labels, options: {}}",
    "{name: web, fieldPath: metadata.name, options: {delimiter: \"-\", index: 0}}",
];
const PLACES: &[&str] = &[
    "metadata.labels.r",
    "metadata.annotations.[a.b/c]",
    "spec.template.spec.containers.[name=web].image",
    "spec.template.spec.containers.*.env.[name=A].value",
    "spec.replicas",
    "data.r",
    "spec.ports.0.port",
    "spec.rules.0.host",
    "none.0.x",
];

/// Objects to add.
const OBJECTS: &[&str] = &[
    "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  replicas: 1\n  selector:\n    matchLabels: {app: x}\n  template:\n    metadata:\n      labels: {app: x}\n    spec:\n      containers:\n      - name: web\n        image: nginx:1.0\n        env:\n        - {name: A, value: b}\n        envFrom:\n        - configMapRef: {name: zz}\n",
    "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n  annotations:\n    note: |\n      two\n      lines\nspec:\n  selector: {app: x}\n  ports:\n  - port: 80\n    name: http\n",
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: n}\ndata:\n  a: \"1\"\n  b: |-\n    x\n     y\n",
    "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: l}}\n",
    "apiVersion: v1\nkind: Namespace\nmetadata: {name: other}\n",
    "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: s}\nspec:\n  serviceName: web\n  selector: {matchLabels: {app: x}}\n  template:\n    metadata: {labels: {app: x}}\n    spec: {containers: [{name: web, image: \"nginx@sha512:abc\"}]}\n  volumeClaimTemplates:\n  - metadata: {name: d}\n    spec: {accessModes: [ReadWriteOnce]}\n",
    "apiVersion: x.example/v1\nkind: Own\nmetadata: {generateName: g-}\nspec: {image: nginx, list: [b, a]}\n",
    "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: r}\nsubjects:\n- {kind: ServiceAccount, name: web, namespace: n}\nroleRef: {kind: ClusterRole, name: web}\n",
    "apiVersion: v1\nkind: Secret\nmetadata: {name: zz}\nstringData: {a: b}\ntype: Opaque\n",
    "# only a comment\n",
    "kind: ConfigMap\n",
    "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: web\n",
    "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i}\nspec: {rules: [{host: h, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}\n",
    "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: j}\nspec: {schedule: \"* * * * *\", jobTemplate: {spec: {template: {spec: {containers: [{name: web, image: busybox}]}}}}}\n",
];

/// Changes a kustomization in one place.
#[expect(clippy::too_many_lines, reason = "one arm for each kind of change")]
pub(super) fn change(input: &mut Input, chance: &mut Chance) {
    match chance.below(20) {
        0..=3 => add(input, chance.pick(FIELDS)),
        4 | 5 => generate(input, chance),
        6 | 7 => patch(input, chance),
        8 => {
            let operations = format!("- {}\n- {}\n", chance.pick(OPERATIONS), chance.pick(OPERATIONS));
            let inline = operations.replace('\n', "\n    ");
            add(
                input,
                &format!(
                    "patches:\n- target: {}\n  patch: |-\n    {}",
                    chance.pick(TARGETS),
                    inline.trim_end()
                ),
            );
        }
        9 => {
            let (from, to, place) = (chance.pick(SOURCES), chance.pick(TARGETS), chance.pick(PLACES));
            let options = chance.pick(&[
                "",
                "    options: {create: true}\n",
                "    options: {delimiter: \".\", index: 1}\n",
            ]);
            add(
                input,
                &format!(
                    "replacements:\n- source: {from}\n  targets:\n  - select: {to}\n    fieldPaths: [\"{place}\"]\n{}",
                    options.trim_end()
                ),
            );
        }
        10 | 11 => {
            let name = format!("zz{}.yaml", chance.below(3));
            let path = input.inside(&name);
            input.put(&path, chance.pick(OBJECTS));
            add(input, &format!("resources: [{name}]"));
        }
        12 => {
            let path = kustomization(input);
            let changed = text::change(&input.text(&path), chance);
            input.put(&path, changed);
        }
        13 => input.flags.extend(
            chance
                .pick(&[
                    &["--reorder", "none"][..],
                    &["--reorder", "legacy"],
                    &["--load-restrictor", "LoadRestrictionsNone"],
                    &["--enable-helm"],
                    &["--as-current-user"],
                ])
                .iter()
                .map(|word| (*word).to_owned()),
        ),
        _ => {
            let paths = input.paths(&[".yaml", ".yml"]);
            if !paths.is_empty() {
                let path = paths[chance.below(paths.len())].clone();
                let changed = text::change(&input.text(&path), chance);
                input.put(&path, changed);
            }
        }
    }
}

/// The path of the kustomization file.
fn kustomization(input: &Input) -> String {
    let there =
        KUSTOMIZATIONS.iter().map(|name| input.inside(name)).find(|path| input.files.contains_key(path));
    there.unwrap_or_else(|| input.inside(KUSTOMIZATIONS[0]))
}

/// Adds a field; lists that are there already grow, other fields are replaced.
fn add(input: &mut Input, field: &str) {
    let path = kustomization(input);
    let old = input.text(&path);
    let key = field.split(':').next().unwrap_or_default();
    let head = format!("{key}:");
    let Some(begin) = old.lines().position(|line| line.starts_with(&head)) else {
        let ended = if old.is_empty() || old.ends_with('\n') { "" } else { "\n" };
        input.put(&path, format!("{old}{ended}{field}\n"));
        return;
    };
    let lines: Vec<&str> = old.lines().collect();
    let inner = |line: &&&str| line.starts_with([' ', '-']) || line.is_empty();
    let end = begin + 1 + lines[begin + 1..].iter().take_while(inner).count();
    let item = field[head.len()..].trim();
    let item = item.strip_prefix('[').and_then(|item| item.strip_suffix(']')).map(|item| format!("- {item}"));
    let grows = lines[begin].trim_end() == head && item.as_deref().is_some_and(|item| item.len() > 2);
    let indented = lines.get(begin + 1).is_some_and(|line| line.starts_with(' '));
    let mut changed: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    match item.filter(|_| grows && !indented) {
        Some(item) => changed.insert(end, item),
        None => drop(changed.splice(begin..end, [field.to_owned()])),
    }
    input.put(&path, changed.join("\n") + "\n");
}

fn generate(input: &mut Input, chance: &mut Chance) {
    let path = input.inside("zz.env");
    input.put(&path, chance.pick(ENVIRONMENTS));
    let path = input.inside("zz.txt");
    let content: &[u8] = chance.pick(&[
        &b"one\ntwo\n"[..],
        b"no line end",
        b"",
        b"\xff\x00",
        "\u{e9}\t\r\n".as_bytes(),
        b"  lead\n",
        b"a: b # c\n",
    ]);
    input.put(&path, content);
    add(input, chance.pick(GENERATORS));
}

/// A strategic merge patch for one of the objects that are there, or for a target.
fn patch(input: &mut Input, chance: &mut Chance) {
    let part = chance.pick(PATCHES);
    let heads = heads(input);
    let head = match heads.is_empty() {
        true => "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}".to_owned(),
        false => heads[chance.below(heads.len())].clone(),
    };
    // One `metadata`, unless there are two on purpose.
    let text = match part.strip_prefix("metadata: {") {
        Some(rest) => format!("{}, {rest}\n", head.trim_end_matches('}')),
        None => format!("{head}\n{part}\n"),
    };
    let field = match chance.below(3) {
        0 => {
            let path = input.inside("zz-patch.yaml");
            input.put(&path, text);
            "patches: [{path: zz-patch.yaml}]".to_owned()
        }
        1 => {
            let path = input.inside("zz-patch.yaml");
            input.put(&path, text);
            "patchesStrategicMerge: [zz-patch.yaml]".to_owned()
        }
        _ => {
            let inline = text.trim_end().replace('\n', "\n    ");
            let options = chance.pick(&["", "\n  options: {allowNameChange: true, allowKindChange: true}"]);
            format!("patches:\n- target: {}\n  patch: |-\n    {inline}{options}", chance.pick(TARGETS))
        }
    };
    add(input, &field);
}

/// The heads of the objects in the files, as a patch names them.
fn heads(input: &Input) -> Vec<String> {
    let mut heads = Vec::new();
    for path in input.paths(&[".yaml", ".yml"]) {
        for document in input.text(&path).split("\n---") {
            let field = |head: &str| document.lines().find_map(|line| line.strip_prefix(head)).map(str::trim);
            if let (Some(version), Some(kind), Some(name)) =
                (field("apiVersion:"), field("kind:"), field("  name:"))
            {
                heads.push(format!("apiVersion: {version}\nkind: {kind}\nmetadata: {{name: {name}}}"));
            }
        }
    }
    heads
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::arguments::Engine;

    fn input(text: &str) -> Input {
        let files = BTreeMap::from([("a/kustomization.yaml".to_owned(), text.as_bytes().to_vec())]);
        Input { engine: Engine::Kustomize, files, folder: "a".to_owned(), flags: Vec::new() }
    }

    #[test]
    fn fields_are_added_once_and_lists_grow() {
        for (before, field, after) in [
            ("a: 1", "namespace: x", "a: 1\nnamespace: x\n"),
            ("resources:\n- a\n- b\nc: 1\n", "resources: [z]", "resources:\n- a\n- b\n- z\nc: 1\n"),
            ("resources: [a]\nc: 1\n", "resources: [z]", "resources: [z]\nc: 1\n"),
            ("labels:\n- a: 1\n  b: 2\n", "labels: []", "labels: []\n"),
            ("namespace: a\nb: 1\n", "namespace: x", "namespace: x\nb: 1\n"),
        ] {
            let mut input = input(before);
            add(&mut input, field);
            assert_eq!(input.text("a/kustomization.yaml"), after, "{before}");
        }
    }

    #[test]
    fn objects_are_named_as_patches_name_them() {
        let mut input = input("");
        input.put("a/x.yaml", OBJECTS[0]);
        assert_eq!(heads(&input), ["apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}"]);
    }

    #[test]
    fn any_kustomization_can_be_changed() {
        for number in 0..500 {
            let mut chance = Chance::of_run(5, number);
            let mut input = input("resources:\n- x.yaml\n");
            (0..5).for_each(|_| change(&mut input, &mut chance));
        }
    }
}
