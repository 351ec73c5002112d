//! Kustomizations that would take all memory or all time of a builder that counts too late.

use std::fmt::Write;

/// A kustomization in `app` and the files around it.
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    /// The fields and plugins it is about.
    pub(crate) covers: &'static [&'static str],
    pub(crate) files: Vec<(String, String)>,
    /// What its chart renders to.
    pub(crate) chart: String,
    /// Whether the budget has to refuse it; the others are only large.
    pub(crate) refused: bool,
}

impl Attack {
    fn new(name: &'static str, covers: &'static [&'static str], kustomization: impl Into<String>) -> Self {
        let files = vec![("app/kustomization.yaml".to_owned(), kustomization.into())];
        Self { name, covers, files, chart: String::new(), refused: false }
    }

    fn file(mut self, path: &str, text: impl Into<String>) -> Self {
        self.files.push((format!("app/{path}"), text.into()));
        self
    }

    /// The budget has to refuse it.
    fn refused(mut self) -> Self {
        self.refused = true;
        self
    }
}

/// So many ConfigMaps.
fn config_maps(count: usize) -> String {
    (0..count).fold(String::new(), |mut text, at| {
        writeln!(text, "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a{at}}}\ndata: {{k: v}}")
            .unwrap();
        text
    })
}

/// So many Deployments, each of which names a ConfigMap.
fn deployments(count: usize) -> String {
    (0..count).fold(String::new(), |mut text, at| {
        writeln!(
            text,
            "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: d{at}}}\nspec: {{template: {{spec: \
             {{containers: [{{name: a, image: 'x:1', envFrom: [{{configMapRef: {{name: a{at}}}}}]}}]}}}}}}"
        )
        .unwrap();
        text
    })
}

/// One ConfigMap with this in its data.
fn config_map(data: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: web}}\ndata: {data}\n")
}

fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(line).collect()
}

fn long(bytes: usize) -> String {
    "a".repeat(bytes)
}

/// Aliases to one long text.
fn long_aliases() -> String {
    format!("x: &x {}\ny: [{}]\n", long(200_000), vec!["*x"; 4_000].join(","))
}

/// A plugin of `transformers` or `generators`.
fn plugin(kind: &str, config: &str) -> String {
    format!("apiVersion: builtin\nkind: {kind}\nmetadata: {{name: p}}\n{config}\n")
}

pub(crate) fn attacks() -> Vec<Attack> {
    let groups =
        [names(), labels(), patches(), references(), generators(), configurations(), walks(), plugins()];
    groups.into_iter().flatten().collect()
}

fn names() -> Vec<Attack> {
    let many = config_maps(400);
    let with = |name, covers, text: String| {
        Attack::new(name, covers, format!("{text}\nresources: [cm.yaml]\n")).file("cm.yaml", many.clone())
    };
    vec![
        with("a long prefix", &["namePrefix", "resources"], format!("namePrefix: {}", long(300_000)))
            .refused(),
        with("a long suffix", &["nameSuffix"], format!("nameSuffix: {}", long(300_000))).refused(),
        with("a long namespace", &["namespace"], format!("namespace: {}", long(300_000))).refused(),
        Attack::new("a prefix at every level", &["namePrefix"], "resources: [../l0]\n").levels(
            60,
            "namePrefix: some-longer-prefix-\n",
            &config_maps(300),
        ),
    ]
}

impl Attack {
    /// Bases beneath each other, each with the same fields; the last one has resources.
    fn levels(mut self, count: usize, fields: &str, resources: &str) -> Self {
        for level in 0..count {
            let text = format!("resources: [../l{}]\n{fields}", level + 1);
            self.files.push((format!("l{level}/kustomization.yaml"), text));
        }
        self.files.push((format!("l{count}/kustomization.yaml"), "resources: [cm.yaml]\n".to_owned()));
        self.files.push((format!("l{count}/cm.yaml"), resources.to_owned()));
        self
    }
}

fn labels() -> Vec<Attack> {
    let value = long(200_000);
    let pairs = lines(2_000, |at| format!("  k{at}: v{at}\n"));
    vec![
        Attack::new(
            "a long label",
            &["commonLabels", "labels"],
            format!("commonLabels: {{k: {value}}}\nresources: [d.yaml]\n"),
        )
        .file("d.yaml", deployments(300))
        .refused(),
        Attack::new(
            "a long annotation",
            &["commonAnnotations"],
            format!("commonAnnotations: {{k: {value}}}\nresources: [d.yaml]\n"),
        )
        .file("d.yaml", deployments(300))
        .refused(),
        Attack::new(
            "labels by the thousand",
            &["labels"],
            format!(
                "labels:\n- includeSelectors: true\n  pairs:\n{}resources: [d.yaml]\n",
                pairs.replace("  k", "    k")
            ),
        )
        .file("d.yaml", deployments(60))
        .refused(),
        Attack::new(
            "entries of labels by the hundred",
            &["labels"],
            format!("labels:\n{}resources: [d.yaml]\n", lines(300, |at| format!("- pairs: {{k{at}: v}}\n"))),
        )
        .file("d.yaml", deployments(60)),
        Attack::new("labels that are no map", &["metadata"], "metadata: {name: x}\nresources: [cm.yaml]\n")
            .file("cm.yaml", config_map(&format!("{{k: {value}}}"))),
    ]
}

fn patches() -> Vec<Attack> {
    let value = long(200_000);
    let copies = lines(40, |at| format!("{{op: copy, from: /data, path: /data/x{at}}},"));
    let inserts = lines(4_000, |_| "{op: add, path: /data/l/0, value: x},".to_owned());
    let removes = lines(3_000, |at| format!("{{op: remove, path: /data/k{at}}},"));
    let keys = lines(3_000, |at| format!("k{at}: v, "));
    let containers =
        |count: usize, image: &str| lines(count, |at| format!("{{name: c{at}, image: '{image}'}},"));
    let deployment = |containers: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec: {{template: {{spec: {{containers: \
             [{containers}]}}}}}}\n"
        )
    };
    vec![
        Attack::new(
            "one patch for every resource",
            &["patches"],
            format!("patches: [{{target: {{kind: ConfigMap}}, patch: 'data: {{x: {value}}}'}}]\nresources: [cm.yaml]\n")
                .replace("patch: 'data", "patch: '{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, data")
                .replace("}'}]", "}}'}]"),
        )
        .file("cm.yaml", config_maps(400))
        .refused(),
        Attack::new(
            "patches with a slow expression",
            &["patches"],
            format!(
                "patches:\n{}resources: [cm.yaml]\n",
                lines(30, |at| format!(
                    "- {{target: {{name: '(a+)+(b|c)*{at}'}}, patch: '[{{op: add, path: /x, value: 1}}]'}}\n"
                ))
            ),
        )
        .file("cm.yaml", config_maps(1_000)),
        Attack::new(
            "a patch that doubles",
            &["patches"],
            format!("patches: [{{target: {{kind: ConfigMap}}, patch: '[{copies}]'}}]\nresources: [cm.yaml]\n"),
        )
        .file("cm.yaml", config_map("{a: x}"))
        .refused(),
        Attack::new(
            "a patch that inserts at the front",
            &["patchesJson6902"],
            format!(
                "patchesJson6902: [{{target: {{kind: ConfigMap, version: v1, name: web}}, patch: '[{inserts}]'}}]\nresources: [cm.yaml]\n"
            ),
        )
        .file("cm.yaml", config_map("{l: [x]}")),
        Attack::new(
            "a patch that removes every key",
            &["patchesJson6902"],
            format!(
                "patchesJson6902: [{{target: {{kind: ConfigMap, version: v1, name: web}}, patch: '[{removes}]'}}]\nresources: [cm.yaml]\n"
            ),
        )
        .file("cm.yaml", config_map(&format!("{{{keys}}}"))),
        Attack::new("two long lists of containers", &["patchesStrategicMerge"], "patchesStrategicMerge: [p.yaml]\nresources: [d.yaml]\n")
            .file("d.yaml", deployment(&containers(3_000, "x:1")))
            .file("p.yaml", deployment(&containers(3_000, "x:2"))),
        Attack::new("two wide maps", &["patchesStrategicMerge"], "patchesStrategicMerge: [p.yaml]\nresources: [cm.yaml]\n")
            .file("cm.yaml", config_map(&format!("{{{keys}}}")))
            .file("p.yaml", config_map(&format!("{{{keys}}}"))),
        Attack::new("patches by the thousand", &["patchesStrategicMerge"], "patchesStrategicMerge: [p.yaml]\nresources: [cm.yaml]\n")
            .file("cm.yaml", config_maps(1_500))
            .file("p.yaml", config_maps(1_500)),
        Attack::new(
            "images with expressions",
            &["images"],
            format!(
                "images:\n{}resources: [d.yaml]\n",
                lines(40, |at| format!("- {{name: 'x{at}.*(a|b)+', newTag: '1'}}\n"))
            ),
        )
        .file("d.yaml", deployments(200)),
        Attack::new(
            "a long tag",
            &["images", "imageTags"],
            format!("imageTags: [{{name: x, newTag: {value}}}]\nresources: [d.yaml]\n"),
        )
        .file("d.yaml", deployments(400))
        .refused(),
        Attack::new(
            "replicas by the hundred",
            &["replicas"],
            format!(
                "replicas:\n{}resources: [d.yaml]\n",
                lines(200, |at| format!("- {{name: d{at}, count: 2}}\n"))
            ),
        )
        .file("d.yaml", deployments(200)),
    ]
}

fn references() -> Vec<Attack> {
    let value = long(100_000);
    let same_names = lines(150, |at| {
        let volumes = lines(20, |volume| format!("{{name: v{volume}, configMap: {{name: a}}}},"));
        format!(
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a, namespace: n{at}}}\n---\napiVersion: \
             apps/v1\nkind: Deployment\nmetadata: {{name: a, namespace: n{at}}}\nspec: {{template: {{spec: {{volumes: \
             [{volumes}]}}}}}}\n"
        )
    });
    let subjects = lines(1_000, |at| format!("{{kind: ServiceAccount, name: s, namespace: n{at}}},"));
    let accounts = lines(1_000, |at| {
        format!("---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: s, namespace: n{at}}}\n")
    });
    let binding = format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {{name: b}}\nroleRef: \
         {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: r}}\nsubjects: [{subjects}]\n"
    );
    let vars = "vars:\n- {name: A, objref: {apiVersion: v1, kind: ConfigMap, name: web}, fieldref: {fieldpath: data.x}}\n";
    let replacement = |index: usize| {
        format!(
            "- source: {{kind: ConfigMap, name: web, fieldPath: data.x}}\n  targets: [{{select: {{kind: ConfigMap}}, \
             fieldPaths: [data.x], options: {{delimiter: '-', index: {index}}}}}]\n"
        )
    };
    vec![
        Attack::new("names by the thousand", &["resources"], "namePrefix: p-\nresources: [cm.yaml, d.yaml]\n")
            .file("cm.yaml", config_maps(1_000))
            .file("d.yaml", deployments(1_000)),
        Attack::new("one name in many namespaces", &["resources"], "namePrefix: p-\nresources: [a.yaml]\n")
            .file("a.yaml", same_names),
        Attack::new("subjects by the thousand", &["resources"], "namePrefix: p-\nresources: [a.yaml, b.yaml]\n")
            .file("a.yaml", accounts)
            .file("b.yaml", binding),
        Attack::new(
            "a variable used again and again",
            &["vars"],
            format!("{vars}configurations: [c.yaml]\nresources: [cm.yaml]\n"),
        )
        .file("c.yaml", "varReference: [{path: data/z, kind: ConfigMap}]\n")
        .file("cm.yaml", config_map(&format!("{{x: {value}, z: '{}'}}", "$(A)".repeat(5_000))))
        .refused(),
        Attack::new(
            "variables by the thousand",
            &["vars"],
            format!(
                "vars:\n{}resources: [cm.yaml]\n",
                lines(1_000, |at| format!(
                    "- {{name: V{at}, objref: {{apiVersion: v1, kind: ConfigMap, name: a{at}}}}}\n"
                ))
            ),
        )
        .file("cm.yaml", config_maps(1_000)),
        Attack::new(
            "a replacement that grows",
            &["replacements"],
            format!("replacements:\n{}resources: [cm.yaml]\n", lines(60, replacement)),
        )
        .file("cm.yaml", config_map("{x: a-b-c}"))
        .refused(),
        Attack::new(
            "a long value for every resource",
            &["replacements"],
            format!(
                "replacements:\n- sourceValue: {value}\n  targets: [{{select: {{kind: ConfigMap}}, fieldPaths: \
                 [data.k]}}]\nresources: [cm.yaml]\n"
            ),
        )
        .file("cm.yaml", config_maps(2_000)),
        Attack::new(
            "replacements in a document inside a text",
            &["replacements"],
            format!(
                "replacements:\n{}resources: [cm.yaml]\n",
                lines(60, |_| {
                    "- sourceValue: x\n  targets: [{select: {kind: ConfigMap}, fieldPaths: [data.doc.a]}]\n".to_owned()
                })
            ),
        )
        .file("cm.yaml", config_map(&format!("{{doc: '{{a: 1, b: [{}]}}'}}", "1,".repeat(2_000)))),
    ]
}

fn generators() -> Vec<Attack> {
    let big = long(400_000);
    let literals = lines(20_000, |at| format!("k{at}=v,"));
    let env = lines(60_000, |at| format!("k{at}=v\n"));
    vec![
        Attack::new(
            "one file in many ConfigMaps",
            &["configMapGenerator"],
            format!(
                "configMapGenerator:\n{}",
                lines(200, |at| format!("- {{name: a{at}, files: [big.txt]}}\n"))
            ),
        )
        .file("big.txt", big.clone())
        .refused(),
        Attack::new(
            "one file under many names",
            &["secretGenerator", "generatorOptions"],
            format!(
                "generatorOptions: {{labels: {{a: b}}}}\nsecretGenerator: [{{name: s, files: [{}]}}]\n",
                lines(200, |at| format!("x{at}=big.txt,"))
            ),
        )
        .file("big.txt", big)
        .refused(),
        Attack::new(
            "literals by the thousand",
            &["configMapGenerator"],
            format!("configMapGenerator: [{{name: a, literals: [{literals}]}}]\n"),
        ),
        Attack::new("a long env file", &["secretGenerator"], "secretGenerator: [{name: s, envs: [e.env]}]\n")
            .file("e.env", env),
        Attack::new(
            "generators by the thousand",
            &["configMapGenerator"],
            format!("configMapGenerator:\n{}", lines(2_000, |at| format!("- {{name: a{at}}}\n"))),
        ),
        chart("a chart that prints much", "helmCharts: [{name: c}]\n", &["helmCharts", "helmGlobals"]),
        chart(
            "an old chart",
            "helmChartInflationGenerator: [{chartName: c}]\n",
            &["helmChartInflationGenerator"],
        ),
    ]
}

/// A chart whose manifests are a thousand times as long as what it takes to name it.
fn chart(name: &'static str, fields: &str, covers: &'static [&'static str]) -> Attack {
    let text = format!("helmGlobals: {{chartHome: charts}}\n{fields}namePrefix: {}\n", long(100_000));
    let attack = Attack::new(name, covers, text)
        .file("charts/c/Chart.yaml", "apiVersion: v2\nname: c\nversion: 0.1.0\n")
        .file("charts/c/values.yaml", "a: 1\n");
    Attack { chart: config_maps(1_000), ..attack }.refused()
}

fn configurations() -> Vec<Attack> {
    let specs = lines(3_000, |at| format!("{{path: spec/a{at}/b, kind: K{at}}},"));
    let references = lines(500, |at| {
        format!(
            "- {{kind: K{at}, fieldSpecs: [{}]}}\n",
            lines(20, |field| format!("{{path: spec/a{field}/b}},"))
        )
    });
    let crd = lines(30, |at| {
        let fields = lines(10, |field| format!("p{field}: {{$ref: t{}}}, ", at + 1));
        format!(
            "t{at}: {{Schema: {{properties: {{kind: {{}}, apiVersion: {{}}, metadata: {{}}, {fields}}}}}}}\n"
        )
    });
    let definitions =
        lines(10_000, |at| format!("\"a{at}\": {{\"$ref\": \"#/definitions/a{}\"}},", (at + 1) % 10_000));
    vec![
        Attack::new("specs by the thousand", &["configurations"], "configurations: [c.yaml]\nnamePrefix: x\nresources: [d.yaml]\n")
            .file("c.yaml", format!("namePrefix: [{specs}]\ncommonLabels: [{specs}]\n"))
            .file("d.yaml", deployments(100)),
        Attack::new("references by the thousand", &["configurations"], "configurations: [c.yaml]\nnamePrefix: x\nresources: [d.yaml]\n")
            .file("c.yaml", format!("nameReference:\n{references}"))
            .file("d.yaml", deployments(100)),
        Attack::new("types with ten to the thirty fields", &["crds"], "crds: [c.yaml]\nresources: [cm.yaml]\n")
            .file("c.yaml", crd)
            .file("cm.yaml", config_map("{a: b}"))
            .refused(),
        Attack::new("a circle of definitions", &["openapi"], "openapi: {path: o.json}\npatches: [{path: p.yaml}]\nresources: [cm.yaml]\n")
            .file("o.json", format!("{{\"definitions\": {{{}\"z\": {{}}}}}}", definitions))
            .file("p.yaml", config_map("{a: c}"))
            .file("cm.yaml", config_map("{a: b}")),
        Attack::new(
            "kinds to sort by, by the thousand",
            &["sortOptions"],
            format!(
                "sortOptions: {{order: legacy, legacySortOptions: {{orderFirst: [{}]}}}}\nresources: [cm.yaml]\n",
                lines(20_000, |at| format!("K{at},"))
            ),
        )
        .file("cm.yaml", config_maps(500)),
        Attack::new(
            "what every step changed",
            &["buildMetadata"],
            format!(
                "buildMetadata: [originAnnotations, transformerAnnotations, managedByLabel]\nlabels:\n{}resources: [cm.yaml]\n",
                lines(40, |at| format!("- pairs: {{k{at}: v}}\n"))
            ),
        )
        .file("cm.yaml", config_maps(60)),
    ]
}

fn walks() -> Vec<Attack> {
    let laughs = (1..12).fold("a0: &a0 [x, x, x, x, x, x, x, x]\n".to_owned(), |text, level| {
        format!("{text}a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 8].join(","))
    });
    let head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n";
    let deep = format!("{}{}{}", "[".repeat(900), "1,".repeat(30_000), "]".repeat(900));
    let mut all = vec![
        Attack::new("aliases to a long text in resources", &["resources"], "resources: [cm.yaml]\n")
            .file("cm.yaml", format!("{head}{}", long_aliases()))
            .refused(),
        Attack::new("a million laughs in resources", &["resources"], "resources: [cm.yaml]\n")
            .file("cm.yaml", format!("{head}{laughs}"))
            .refused(),
        Attack::new(
            "aliases in the kustomization",
            &["apiVersion", "kind"],
            format!("kind: Kustomization\n{}", long_aliases()),
        )
        .refused(),
        Attack::new("aliases in a patch", &["patches"], "patches: [{path: p.yaml}]\nresources: [cm.yaml]\n")
            .file("cm.yaml", config_map("{a: b}"))
            .file("p.yaml", format!("{head}{}", long_aliases())),
        Attack::new("aliases in a configuration", &["configurations"], "configurations: [c.yaml]\n")
            .file("c.yaml", long_aliases())
            .refused(),
        Attack::new("indentation", &["resources"], "resources: [cm.yaml]\n")
            .file("cm.yaml", format!("{head}x: {deep}\n"))
            .refused(),
        Attack::new("a list of lists", &["resources"], "resources: [l.yaml]\n").file(
            "l.yaml",
            format!(
                "apiVersion: v1\nkind: List\nmetadata: {{name: x}}\nitems: [{}]\n",
                lines(2_000, |at| format!("{{apiVersion: v1, kind: ConfigMap, metadata: {{name: a{at}}}}},"))
            ),
        ),
        Attack::new("keys that are equal", &["resources"], "resources: [cm.yaml]\n")
            .file("cm.yaml", config_map(&format!("{{{}}}", "k: v, ".repeat(5_000)))),
        Attack::new("comments that could be schemas", &["resources"], "resources: [cm.yaml]\n").file(
            "cm.yaml",
            format!("{head}data: # {{\"a\": 1}}\n{}", lines(3_000, |at| format!("  # {at}\n  k{at}: v\n"))),
        ),
        Attack::new(
            "files by the hundred",
            &["resources"],
            format!("resources: [{}]\n", lines(800, |at| format!("r{at}.yaml,"))),
        ),
        Attack::new("bases that name each other", &["bases"], "bases: [../b]\n"),
        Attack::new("two ways at every level", &["components"], "resources: [../l0]\n"),
    ];
    if let Some(files) = all.iter_mut().find(|attack| attack.name == "files by the hundred") {
        files.files.extend((0..800).map(|at| {
            (format!("app/r{at}.yaml"), format!("{{apiVersion: v1, kind: A, metadata: {{name: n{at}}}}}\n"))
        }));
    }
    if let Some(circle) = all.iter_mut().find(|attack| attack.name == "bases that name each other") {
        circle.files.push(("b/kustomization.yaml".to_owned(), "bases: [../app]\n".to_owned()));
    }
    if let Some(diamond) = all.iter_mut().find(|attack| attack.name == "two ways at every level") {
        diamond.files.extend(levels_with_two_ways(30));
        diamond.refused = true;
    }
    all
}

/// Each level names the next one twice: two to the power of the levels.
fn levels_with_two_ways(count: usize) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for level in 0..count {
        files
            .push((format!("l{level}/kustomization.yaml"), "resources: [a, b]\ncomponents: []\n".to_owned()));
        for side in ["a", "b"] {
            let text = format!("resources: [../../l{}]\nnamePrefix: {side}\n", level + 1);
            files.push((format!("l{level}/{side}/kustomization.yaml"), text));
        }
    }
    files.push((format!("l{count}/kustomization.yaml"), "resources: [cm.yaml]\n".to_owned()));
    files.push((format!("l{count}/cm.yaml"), config_map("{a: b}")));
    files
}

fn plugins() -> Vec<Attack> {
    let value = long(200_000);
    let at = |path: &str| format!("fieldSpecs: [{{path: {path}, create: true}}]");
    let transformers: [(&'static str, &'static [&'static str], String); 15] = [
        (
            "AnnotationsTransformer",
            &["AnnotationsTransformer", "transformers"],
            format!("annotations: {{k: {value}}}\n{}", at("metadata/annotations")),
        ),
        (
            "LabelTransformer",
            &["LabelTransformer"],
            format!("labels: {{k: {value}}}\n{}", at("metadata/labels")),
        ),
        ("PrefixTransformer", &["PrefixTransformer"], format!("prefix: {value}\n{}", at("metadata/name"))),
        ("SuffixTransformer", &["SuffixTransformer"], format!("suffix: {value}\n{}", at("metadata/name"))),
        (
            "PrefixSuffixTransformer",
            &["PrefixSuffixTransformer"],
            format!("prefix: {value}\nsuffix: {value}\n{}", at("metadata/name")),
        ),
        ("NamespaceTransformer", &["NamespaceTransformer"], at("spec/ns")),
        (
            "ImageTagTransformer",
            &["ImageTagTransformer"],
            format!("imageTag: {{name: v, newName: {value}}}\n{}", at("data/k")),
        ),
        (
            "ReplicaCountTransformer",
            &["ReplicaCountTransformer"],
            format!("replica: {{name: a1, count: 3}}\n{}", at("spec/replicas")),
        ),
        (
            "ValueAddTransformer",
            &["ValueAddTransformer"],
            format!("value: {value}\ntargets: [{{fieldPath: data/k}}]"),
        ),
        ("HashTransformer", &["HashTransformer"], String::new()),
        (
            "ReplacementTransformer",
            &["ReplacementTransformer"],
            format!(
                "replacements: [{{sourceValue: {value}, targets: [{{select: {{kind: ConfigMap}}, fieldPaths: [data.k]}}]}}]"
            ),
        ),
        (
            "PatchTransformer",
            &["PatchTransformer"],
            format!("target: {{kind: ConfigMap}}\npatch: '[{{op: add, path: /data/x, value: {value}}}]'"),
        ),
        (
            "PatchStrategicMergeTransformer",
            &["PatchStrategicMergeTransformer"],
            format!(
                "patches: '{{apiVersion: v1, kind: ConfigMap, metadata: {{name: a1}}, data: {{x: {value}}}}}'"
            ),
        ),
        (
            "PatchJson6902Transformer",
            &["PatchJson6902Transformer"],
            format!(
                "target: {{kind: ConfigMap, name: 'a.*'}}\njsonOp: '[{{op: add, path: /data/x, value: {value}}}]'"
            ),
        ),
        ("prefixes by the hundred", &["PrefixTransformer"], format!("prefix: a\n{}", at("metadata/name"))),
    ];
    let mut all: Vec<Attack> = Vec::new();
    for (name, covers, config) in transformers {
        let kind = covers[0];
        let text = match name {
            "prefixes by the hundred" => lines(150, |at| {
                format!("---\n{}", plugin(kind, &config).replace("name: p", &format!("name: p{at}")))
            }),
            _ => plugin(kind, &config),
        };
        let text = if kind == "NamespaceTransformer" {
            text.replace("name: p", &format!("name: p, namespace: {value}"))
        } else {
            text
        };
        let refused = !matches!(
            name,
            "ReplicaCountTransformer"
                | "HashTransformer"
                | "PatchStrategicMergeTransformer"
                | "ReplacementTransformer"
                | "prefixes by the hundred"
        );
        let mut attack = Attack::new(name, covers, "transformers: [t.yaml]\nresources: [cm.yaml]\n")
            .file("t.yaml", text)
            .file("cm.yaml", config_maps(if name == "prefixes by the hundred" { 100 } else { 400 }));
        attack.refused = refused;
        all.push(attack);
    }
    let generators: [(&'static str, &'static [&'static str], String); 4] = [
        (
            "ConfigMapGenerator",
            &["ConfigMapGenerator", "generators"],
            format!("name: g\nfiles: [{}]", lines(200, |at| format!("x{at}=big.txt,"))),
        ),
        (
            "SecretGenerator",
            &["SecretGenerator"],
            format!("name: g\nfiles: [{}]", lines(200, |at| format!("x{at}=big.txt,"))),
        ),
        (
            "HelmChartInflationGenerator",
            &["HelmChartInflationGenerator"],
            "chartHome: charts\nname: c".to_owned(),
        ),
        (
            "IAMPolicyGenerator",
            &["IAMPolicyGenerator"],
            format!(
                "cloud: gke\nkubernetesService: {{name: {value}}}\nserviceAccount: {{name: a, projectId: {value}}}"
            ),
        ),
    ];
    for (name, covers, config) in generators {
        let attack = Attack::new(name, covers, "generators: [g.yaml]\n")
            .file("g.yaml", plugin(name, &config))
            .file("big.txt", long(400_000))
            .file("charts/c/Chart.yaml", "apiVersion: v2\nname: c\nversion: 0.1.0\n")
            .file("charts/c/values.yaml", "a: 1\n");
        let refused = matches!(name, "ConfigMapGenerator" | "SecretGenerator");
        all.push(Attack { chart: config_maps(1_000), refused, ..attack });
    }
    all.push(
        Attack::new(
            "validators by the dozen",
            &["validators"],
            format!("validators: [{}]\nresources: [cm.yaml]\n", lines(12, |at| format!("v{at}.yaml,"))),
        )
        .file("cm.yaml", config_maps(400)),
    );
    if let Some(validators) = all.last_mut() {
        validators.files.extend((0..12).map(|at| {
            let config = "labels: {validated-by: me}\nfieldSpecs: [{path: metadata/labels, create: true}]";
            (format!("app/v{at}.yaml"), plugin("LabelTransformer", config))
        }));
    }
    all
}
