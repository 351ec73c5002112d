//! A git server that steals: its trees name the objects of somebody's private repository without having them. Whatever
//! the service has read for the owner, the thief gets an error.

use std::collections::BTreeMap;

use proto::v1::source::Origin;
use proto::v1::{
    Credential, DirectoryOptions, GetFilesRequest, Git, HelmFileParameter, HelmOptions, ListAppsRequest,
    ListDirectoriesRequest, RenderRequest, Source,
};
use testkit::http::{Auth, Options, Scripted, Server};
use testkit::pack::Pack;
use testkit::{Oid, Root};
use tonic::Code;

use super::asking::{Asking, ask};
use super::service::{Service, Settings};

/// What stands at a path of one of the thief's applications.
#[derive(Clone, Copy)]
enum File {
    /// A file of his own.
    Own(&'static str),
    /// The id of a private file or folder.
    Stolen(&'static str),
}

use File::{Own, Stolen};

/// A text of the private repository.
const SECRET: &str = "private-6f1c";

const CHART: &str = "apiVersion: v2\nname: c\nversion: 0.1.0\n";
const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: y}\n";
const VALUE: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: h}\ndata: {x: '{{ .Values.v }}'}\n";

/// The private repository: for each sort of file that an engine reads, one that holds the secret.
const PRIVATE: &[(&str, &str)] = &[
    (
        "kus/kustomization.yaml",
        "resources: [a.yaml]\npatches: [{path: p.yaml}]\ncomponents: [c]\nreplacements: [{path: r.yaml}]\n\
         configurations: [cf.yaml]\ngenerators: [gen.yaml]\ntransformers: [tr.yaml]\nopenapi: {path: api.json}\n\
         configMapGenerator: [{name: g, files: [g.txt], envs: [e.env]}]\n",
    ),
    ("kus/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: private-6f1c}\n"),
    ("kus/p.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {p: private-6f1c}\n"),
    ("kus/p6902.yaml", "- op: add\n  path: /data/q\n  value: private-6f1c\n"),
    ("kus/g.txt", "private-6f1c"),
    ("kus/e.env", "K=private-6f1c\n"),
    (
        "kus/c/kustomization.yaml",
        "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\ncommonAnnotations: {x: private-6f1c}\n",
    ),
    (
        "kus/r.yaml",
        "source: {kind: ConfigMap, name: a, fieldPath: metadata.name}\n\
         targets: [{select: {kind: ConfigMap, name: a}, fieldPaths: [data.private-6f1c], options: {create: true}}]\n",
    ),
    ("kus/cf.yaml", "commonAnnotations: [{path: spec/private-6f1c, create: true}]\n"),
    (
        "kus/gen.yaml",
        "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: private-6f1c}\nliterals: [a=b]\n",
    ),
    (
        "kus/tr.yaml",
        "apiVersion: builtin\nkind: AnnotationsTransformer\nmetadata: {name: t}\nannotations: {z: private-6f1c}\n\
         fieldSpecs: [{path: metadata/annotations, create: true}]\n",
    ),
    ("kus/api.json", "{\"definitions\": {\"private-6f1c\": {\"type\": \"object\"}}}"),
    ("kk/kustomization.yaml", "configMapGenerator: [{name: q, literals: [a=private-6f1c]}]\n"),
    ("ch/Chart.yaml", "apiVersion: v2\nname: c\nversion: 0.1.0\ndescription: private-6f1c\n"),
    ("ch/values.yaml", "v: private-6f1c\n"),
    ("ch/prod.yaml", "v: private-6f1c-prod\n"),
    ("ch/values.schema.json", "{\"properties\": {\"v\": {\"type\": \"string\", \"minLength\": 3}}}"),
    ("ch/.helmignore", "private-6f1c\n"),
    ("ch/notes", "private-6f1c"),
    (
        "ch/templates/a.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: t}\n\
         data: {x: private-6f1c, y: '{{ .Values.v }}{{ .Chart.Description }}{{ .Files.Get \"notes\" }}{{ include \"h\" . }}'}\n",
    ),
    ("ch/templates/_h.tpl", "{{ define \"h\" }}private-6f1c{{ end }}"),
    (
        "ch/crds/x.yaml",
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: private-6f1c}\n",
    ),
    ("ch/charts/s/Chart.yaml", "apiVersion: v2\nname: s\nversion: 0.1.0\n"),
    ("ch/charts/s/values.yaml", "w: private-6f1c\n"),
    (
        "ch/charts/s/templates/s.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: s}\ndata: {x: '{{ .Values.w }}'}\n",
    ),
    ("dir/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: d}\ndata: {x: private-6f1c}\n"),
    (
        "dir/b.json",
        "{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {\"name\": \"j\"}, \"data\": {\"x\": \"private-6f1c\"}}",
    ),
    (
        "jn/a.jsonnet",
        "{apiVersion: 'v1', kind: 'ConfigMap', metadata: {name: 'jn'}, data: {x: 'private-6f1c', y: (import 'l.libsonnet').l}}",
    ),
    ("jn/l.libsonnet", "{l: 'private-6f1c'}"),
    ("at/.gitattributes", "*.yaml text eol=crlf\n"),
    ("at/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: at}\n"),
];

/// The folders of the private repository whose ids are stolen as a whole.
const FOLDERS: &[&str] = &["kk", "kus/c", "ch/templates", "ch/charts/s", "dir", "jn"];

/// The thief's applications: each reads one stolen thing.
const APPS: &[(&str, &[(&str, File)])] = &[
    ("k-resource", &[("kustomization.yaml", Own("resources: [a.yaml]\n")), ("a.yaml", Stolen("kus/a.yaml"))]),
    ("k-foreign", &[("kustomization.yaml", Own("resources: [a.yaml]\n")), ("a.yaml", Stolen("dir/a.yaml"))]),
    ("k-kustomization", &[("kustomization.yaml", Stolen("kk/kustomization.yaml"))]),
    ("k-base", &[("kustomization.yaml", Own("resources: [b]\n")), ("b", Stolen("kk"))]),
    (
        "k-base-file",
        &[
            ("kustomization.yaml", Own("resources: [b]\n")),
            ("b/kustomization.yaml", Stolen("kk/kustomization.yaml")),
        ],
    ),
    (
        "k-component",
        &[
            ("kustomization.yaml", Own("resources: [a.yaml]\ncomponents: [c]\n")),
            ("a.yaml", Own(MAP)),
            ("c/kustomization.yaml", Stolen("kus/c/kustomization.yaml")),
        ],
    ),
    (
        "k-component-folder",
        &[
            ("kustomization.yaml", Own("resources: [a.yaml]\ncomponents: [c]\n")),
            ("a.yaml", Own(MAP)),
            ("c", Stolen("kus/c")),
        ],
    ),
    (
        "k-patch",
        &[
            ("kustomization.yaml", Own("resources: [a.yaml]\npatches: [{path: p.yaml}]\n")),
            ("a.yaml", Own(MAP)),
            ("p.yaml", Stolen("kus/p.yaml")),
        ],
    ),
    (
        "k-patch-6902",
        &[
            (
                "kustomization.yaml",
                Own("resources: [a.yaml]\npatches: [{path: p.yaml, target: {kind: ConfigMap}}]\n"),
            ),
            ("a.yaml", Own(MAP)),
            ("p.yaml", Stolen("kus/p6902.yaml")),
        ],
    ),
    (
        "k-merge",
        &[
            ("kustomization.yaml", Own("resources: [a.yaml]\npatchesStrategicMerge: [p.yaml]\n")),
            ("a.yaml", Own(MAP)),
            ("p.yaml", Stolen("kus/p.yaml")),
        ],
    ),
    (
        "k-generated",
        &[
            ("kustomization.yaml", Own("configMapGenerator: [{name: g, files: [g.txt]}]\n")),
            ("g.txt", Stolen("kus/g.txt")),
        ],
    ),
    (
        "k-generated-resource",
        &[
            ("kustomization.yaml", Own("secretGenerator: [{name: g, files: [a.yaml]}]\n")),
            ("a.yaml", Stolen("kus/a.yaml")),
        ],
    ),
    (
        "k-env",
        &[
            ("kustomization.yaml", Own("configMapGenerator: [{name: g, envs: [e.env]}]\n")),
            ("e.env", Stolen("kus/e.env")),
        ],
    ),
    (
        "k-replacement",
        &[
            ("kustomization.yaml", Own("resources: [a.yaml]\nreplacements: [{path: r.yaml}]\n")),
            ("a.yaml", Own(MAP)),
            ("r.yaml", Stolen("kus/r.yaml")),
        ],
    ),
    (
        "k-configuration",
        &[
            (
                "kustomization.yaml",
                Own("resources: [a.yaml]\nconfigurations: [cf.yaml]\ncommonAnnotations: {a: b}\n"),
            ),
            ("a.yaml", Own(MAP)),
            ("cf.yaml", Stolen("kus/cf.yaml")),
        ],
    ),
    (
        "k-generator",
        &[("kustomization.yaml", Own("generators: [gen.yaml]\n")), ("gen.yaml", Stolen("kus/gen.yaml"))],
    ),
    (
        "k-transformer",
        &[
            ("kustomization.yaml", Own("resources: [a.yaml]\ntransformers: [tr.yaml]\n")),
            ("a.yaml", Own(MAP)),
            ("tr.yaml", Stolen("kus/tr.yaml")),
        ],
    ),
    (
        "k-openapi",
        &[
            ("kustomization.yaml", Own("resources: [a.yaml]\nopenapi: {path: api.json}\n")),
            ("a.yaml", Own(MAP)),
            ("api.json", Stolen("kus/api.json")),
        ],
    ),
    ("h-chart", &[("Chart.yaml", Stolen("ch/Chart.yaml")), ("templates/a.yaml", Own(MAP))]),
    (
        "h-template",
        &[
            ("Chart.yaml", Own(CHART)),
            ("templates/_h.tpl", Own("{{ define \"h\" }}own{{ end }}")),
            ("templates/a.yaml", Stolen("ch/templates/a.yaml")),
        ],
    ),
    ("h-templates", &[("Chart.yaml", Own(CHART)), ("templates", Stolen("ch/templates"))]),
    (
        "h-helper",
        &[
            ("Chart.yaml", Own(CHART)),
            ("templates/a.yaml", Own(MAP)),
            ("templates/_h.tpl", Stolen("ch/templates/_h.tpl")),
        ],
    ),
    (
        "h-values",
        &[
            ("Chart.yaml", Own(CHART)),
            ("values.yaml", Stolen("ch/values.yaml")),
            ("templates/a.yaml", Own(VALUE)),
        ],
    ),
    (
        "h-schema",
        &[
            ("Chart.yaml", Own(CHART)),
            ("values.yaml", Own("v: four\n")),
            ("values.schema.json", Stolen("ch/values.schema.json")),
            ("templates/a.yaml", Own(VALUE)),
        ],
    ),
    (
        "h-ignore",
        &[
            ("Chart.yaml", Own(CHART)),
            (".helmignore", Stolen("ch/.helmignore")),
            ("templates/a.yaml", Own(MAP)),
        ],
    ),
    (
        "h-crd",
        &[
            ("Chart.yaml", Own(CHART)),
            ("templates/a.yaml", Own(MAP)),
            ("crds/x.yaml", Stolen("ch/crds/x.yaml")),
        ],
    ),
    (
        "h-dependency",
        &[("Chart.yaml", Own(CHART)), ("templates/a.yaml", Own(MAP)), ("charts/s", Stolen("ch/charts/s"))],
    ),
    (
        "h-dependency-values",
        &[
            ("Chart.yaml", Own(CHART)),
            ("templates/a.yaml", Own(MAP)),
            ("charts/s/Chart.yaml", Own("apiVersion: v2\nname: s\nversion: 0.1.0\n")),
            ("charts/s/values.yaml", Stolen("ch/charts/s/values.yaml")),
        ],
    ),
    (
        "h-file",
        &[
            ("Chart.yaml", Own(CHART)),
            (
                "templates/a.yaml",
                Own(
                    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: h}\ndata: {x: '{{ .Files.Get \"notes\" }}'}\n",
                ),
            ),
            ("notes", Stolen("ch/notes")),
        ],
    ),
    (
        "h-option-values",
        &[
            ("Chart.yaml", Own(CHART)),
            ("templates/a.yaml", Own(VALUE)),
            ("prod.yaml", Stolen("ch/prod.yaml")),
        ],
    ),
    (
        "h-option-file",
        &[("Chart.yaml", Own(CHART)), ("templates/a.yaml", Own(VALUE)), ("notes", Stolen("ch/notes"))],
    ),
    ("d-yaml", &[("a.yaml", Stolen("dir/a.yaml"))]),
    ("d-parsed-elsewhere", &[("a.yaml", Stolen("kus/a.yaml"))]),
    ("d-json", &[("b.json", Stolen("dir/b.json"))]),
    ("d-folder", &[("own.yaml", Own(MAP)), ("d", Stolen("dir"))]),
    ("j-main", &[("a.jsonnet", Stolen("jn/a.jsonnet")), ("l.libsonnet", Own("{l: 1}"))]),
    (
        "j-import",
        &[
            (
                "a.jsonnet",
                Own(
                    "{apiVersion: 'v1', kind: 'ConfigMap', metadata: {name: 'jn'}, data: {y: (import 'l.libsonnet').l}}",
                ),
            ),
            ("l.libsonnet", Stolen("jn/l.libsonnet")),
        ],
    ),
    (
        "j-text",
        &[
            (
                "a.jsonnet",
                Own(
                    "{apiVersion: 'v1', kind: 'ConfigMap', metadata: {name: 'jn'}, data: {y: importstr 'l.txt'}}",
                ),
            ),
            ("l.txt", Stolen("jn/l.libsonnet")),
        ],
    ),
    ("a-attributes", &[(".gitattributes", Stolen("at/.gitattributes")), ("a.yaml", Own(MAP))]),
    (
        "a-attributes-of-kustomize",
        &[
            (".gitattributes", Stolen("at/.gitattributes")),
            ("kustomization.yaml", Own("resources: [a.yaml]\n")),
            ("a.yaml", Own(MAP)),
        ],
    ),
];

/// A node of a tree that is being made: a folder, or an object.
enum Node {
    Folder(BTreeMap<String, Node>),
    Object(&'static str, Oid),
}

/// The private repository, its server, and the ids in it.
struct Owner {
    _root: Root,
    server: Server,
    ids: BTreeMap<&'static str, Oid>,
}

impl Owner {
    fn new() -> Self {
        let root = Root::new();
        let repo = root.repo("private.git");
        let files = PRIVATE.iter().fold(repo.commit("main"), |commit, (path, text)| commit.file(path, text));
        let commit = files.write();
        let tree = repo.git().find_commit(commit).unwrap().tree().unwrap();
        let paths = PRIVATE.iter().map(|(path, _)| *path).chain(FOLDERS.iter().copied());
        let ids = paths.map(|path| (path, tree.get_path(path.as_ref()).unwrap().id())).collect();
        let auth = Some(Auth::Basic("owner".into(), "right".into()));
        let server = Server::start(Options { root: Some(root.path().into()), auth, ..Options::default() });
        Self { _root: root, server, ids }
    }

    fn ask(&self, path: &str) -> RenderRequest {
        let credential =
            Credential { username: "owner".into(), password: "right".into(), ..Credential::default() };
        ask(&self.server.url("private.git"), "main", path).credential(credential)
    }

    /// Renders everything, so that whatever the service keeps of it is kept.
    async fn warm(&self, service: &Service) {
        for path in ["kus", "kk", "ch", "dir", "jn", "at"] {
            let rendered = service.render(self.ask(path)).await;
            let rendered = rendered.unwrap_or_else(|status| panic!("{path}: {status:?}"));
            assert!(path == "at" || format!("{rendered:?}").contains(SECRET), "{path}: {rendered:?}");
        }
    }
}

/// A server of the thief's applications. An honest one has what it names; a stealing one does not.
fn applications(owner: &Owner, honest: bool) -> Server {
    let mut pack = Pack::new();
    let mut root = BTreeMap::new();
    if honest {
        for (_, text) in PRIVATE {
            pack.blob(text);
        }
        honest_folders(&mut pack);
    }
    for (app, files) in APPS {
        for (path, file) in *files {
            let (mode, id) = match file {
                Own(text) => ("100644", pack.blob(text)),
                Stolen(from) if FOLDERS.contains(from) => ("40000", owner.ids[from]),
                Stolen(from) => ("100644", owner.ids[from]),
            };
            put(&mut root, &format!("{app}/{path}"), Node::Object(mode, id));
        }
    }
    let tree = write(&mut pack, &root);
    let commit = pack.commit(tree);
    Scripted { commit, pack: pack.bytes() }.start()
}

/// The stolen folders, with everything in them.
fn honest_folders(pack: &mut Pack) {
    let mut root = BTreeMap::new();
    for (path, text) in PRIVATE {
        let id = pack.blob(text);
        put(&mut root, path, Node::Object("100644", id));
    }
    write(pack, &root);
}

fn put(folder: &mut BTreeMap<String, Node>, path: &str, node: Node) {
    match path.split_once('/') {
        None => drop(folder.insert(path.to_owned(), node)),
        Some((name, rest)) => {
            let inner = folder.entry(name.to_owned()).or_insert_with(|| Node::Folder(BTreeMap::new()));
            let Node::Folder(inner) = inner else { panic!("{path}: a file is a folder") };
            put(inner, rest, node);
        }
    }
}

fn write(pack: &mut Pack, folder: &BTreeMap<String, Node>) -> Oid {
    let mut entries = Vec::new();
    for (name, node) in folder {
        let (mode, id) = match node {
            Node::Object(mode, id) => (*mode, *id),
            Node::Folder(inner) => ("40000", write(pack, inner)),
        };
        entries.push((mode, name.as_str(), id));
    }
    pack.tree(&entries)
}

/// The request that reads what the application has stolen.
fn ask_for(server: &Server, app: &str) -> RenderRequest {
    let request = ask(&server.url("apps.git"), "main", app);
    match app {
        "h-option-values" => {
            request.helm(HelmOptions { value_files: vec!["prod.yaml".into()], ..HelmOptions::default() })
        }
        "h-option-file" => {
            let file = HelmFileParameter { name: "v".into(), path: "notes".into() };
            request.helm(HelmOptions { file_parameters: vec![file], ..HelmOptions::default() })
        }
        "d-folder" => request.directory(DirectoryOptions { recurse: true, ..DirectoryOptions::default() }),
        _ => request,
    }
}

fn service() -> Service {
    Service::with(&Settings::flags(&["--fetch-timeout=10s", "--render-timeout=20s"]))
}

#[tokio::test]
async fn a_tree_that_names_private_objects_gives_none_of_them() {
    let owner = Owner::new();
    let (honest, thief) = (applications(&owner, true), applications(&owner, false));
    let service = service();
    owner.warm(&service).await;
    for (app, _) in APPS {
        let status = service.render(ask_for(&thief, app)).await.expect_err(app);
        assert_eq!(status.code(), Code::Unavailable, "{app}: {status:?}");
        assert!(status.message().contains("is missing from the repository"), "{app}: {status:?}");
        assert!(!format!("{status:?}").contains(SECRET), "{app}: {status:?}");
    }
    // The same applications render where their server has what it names: each one reads what was stolen above.
    for (app, _) in APPS {
        let rendered = service.render(ask_for(&honest, app)).await;
        let rendered = rendered.unwrap_or_else(|status| panic!("{app}: {status:?}"));
        assert!(!rendered.manifests.is_empty(), "{app}");
    }
    // And they render for nobody else because of it.
    for (app, _) in APPS {
        let status = service.render(ask_for(&thief, app)).await.expect_err(app);
        assert_eq!(status.code(), Code::Unavailable, "{app}: {status:?}");
    }
}

#[tokio::test]
async fn values_lent_by_a_second_source_are_not_stolen_either() {
    let owner = Owner::new();
    let (honest, thief) = (applications(&owner, true), applications(&owner, false));
    let service = service();
    owner.warm(&service).await;
    // The chart is of the honest server in both requests; only the values are stolen.
    let lent = |server: &Server| {
        let files = vec!["$v/h-option-values/prod.yaml".into()];
        let mut request = ask_for(&honest, "h-option-file")
            .helm(HelmOptions { value_files: files, ..HelmOptions::default() });
        let git = Git {
            url: server.url("apps.git"),
            revision: "main".into(),
            ref_name: "v".into(),
            ..Git::default()
        };
        request.sources.push(Source { origin: Some(Origin::Git(git)), renderer: None });
        request
    };
    let rendered = service.render(lent(&honest)).await.unwrap();
    assert!(format!("{rendered:?}").contains("private-6f1c-prod"), "{rendered:?}");
    let status = service.render(lent(&thief)).await.expect_err("stolen values");
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    assert!(!format!("{status:?}").contains(SECRET), "{status:?}");
}

#[tokio::test]
async fn the_other_calls_tell_nothing_either() {
    let owner = Owner::new();
    let thief = applications(&owner, false);
    let service = service();
    owner.warm(&service).await;
    let mut client = service.client().await;
    let url = thief.url("apps.git");
    for pattern in ["**", "d-yaml/*", "k-base/b/*", "a-attributes/*"] {
        let patterns = vec![pattern.into()];
        let request = GetFilesRequest { url: url.clone(), patterns, ..GetFilesRequest::default() };
        let status = client.get_files(request).await.expect_err(pattern);
        assert_eq!(status.code(), Code::Unavailable, "{pattern}: {status:?}");
        assert!(!format!("{status:?}").contains(SECRET), "{pattern}: {status:?}");
    }
    let request = ListDirectoriesRequest { url: url.clone(), ..ListDirectoriesRequest::default() };
    let status = client.list_directories(request).await.expect_err("a stolen folder");
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    let status = client.list_apps(ListAppsRequest { url, ..ListAppsRequest::default() }).await;
    let status = status.expect_err("a stolen folder");
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
}
