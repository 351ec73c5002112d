//! Files made to take all memory or all time, given to the commands: each runs in a child process with an address space of
//! 3 GiB and a time limit of its own, and ends as what it is, an error that says which budget was used up.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The address space of a child, in KiB as `ulimit` takes it.
const ADDRESS_SPACE: u64 = 3 << 20;

/// The memory a child may really take, in KiB: one and a half times the budget of an engine call.
const RESIDENT: u64 = 3 << 19;

/// The time limit of a child.
const TIMEOUT: &str = "8s";

/// When a child is killed: its own limit, and what starting a program takes on a busy machine.
const KILLED_AFTER: Duration = Duration::from_secs(60);

/// How a command has to end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// With an error that names a budget or the time limit.
    Refused,
    /// With any answer or error of its own: it is large, not hostile.
    Own,
}

struct Bomb {
    name: &'static str,
    files: Vec<(String, String)>,
    end: End,
}

fn bomb(name: &'static str, end: End, files: Vec<(&str, String)>) -> Bomb {
    Bomb { name, files: files.into_iter().map(|(path, text)| (path.to_owned(), text)).collect(), end }
}

struct Ended {
    code: Option<i32>,
    stderr: String,
    most_resident: u64,
    took: Duration,
}

/// Runs a command under the limits of a bomb.
fn run(folder: &Path, arguments: &[&str]) -> Ended {
    let limited = format!("ulimit -v {ADDRESS_SPACE}; exec \"$0\" \"$@\"");
    let begun = Instant::now();
    let errors = fs::File::create(folder.join("stderr")).unwrap();
    let mut child = Command::new("sh")
        .args(["-c", &limited, env!("CARGO_BIN_EXE_manifestd")])
        .args(arguments)
        .env_clear()
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(errors)
        .spawn()
        .unwrap();
    let mut most_resident = 0;
    let status = loop {
        most_resident = most_resident.max(resident(&child));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if begun.elapsed() > KILLED_AFTER {
            child.kill().unwrap();
            break child.wait().unwrap();
        }
        thread::sleep(Duration::from_millis(10));
    };
    let stderr = String::from_utf8_lossy(&fs::read(folder.join("stderr")).unwrap()).into_owned();
    Ended { code: status.code(), stderr, most_resident, took: begun.elapsed() }
}

/// The memory a child has taken at most, in KiB.
fn resident(child: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse().ok()).unwrap_or(0)
}

/// What the message of a used up budget says.
const BUDGETS: [&str; 8] = [
    "memory budget",
    "was stopped",
    "time limit",
    "excessive aliasing",
    "are allowed",
    "max depth",
    "larger than",
    "more than",
];

fn check(bombs: Vec<Bomb>, arguments: &[&str]) {
    let mut wrong = Vec::new();
    for bomb in bombs {
        let folder = laid_out(&bomb);
        let ended = run(folder.path(), arguments);
        let Ended { code, stderr, most_resident, took } = ended;
        let shown: String = stderr.chars().take(400).collect();
        let mut complain = |what: &str| wrong.push(format!("{}: {what} after {took:?}: {shown}", bomb.name));
        if code.is_none() || code == Some(101) {
            complain("broke off");
        }
        if most_resident > RESIDENT {
            complain(&format!("took {} MiB", most_resident >> 10));
        }
        let is_refused = code != Some(0) && BUDGETS.iter().any(|words| stderr.contains(words));
        if bomb.end == End::Refused && !is_refused {
            complain(&format!("was not refused by a budget (code {code:?})"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn laid_out(bomb: &Bomb) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in &bomb.files {
        let path = folder.path().join("app").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

const HEAD: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";

/// Aliases to one long text.
fn aliases(bytes: usize, count: usize) -> String {
    format!("x: &x {}\ny: [{}]\n", "a".repeat(bytes), vec!["*x"; count].join(","))
}

fn maps(count: usize) -> String {
    (0..count).fold(String::new(), |mut text, at| {
        writeln!(text, "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a{at}}}").unwrap();
        text
    })
}

fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(line).collect()
}

#[test]
fn kustomizations() {
    let refused = |name, files| bomb(name, End::Refused, files);
    let own = |name, files| bomb(name, End::Own, files);
    let resources = || "resources: [a.yaml]\n".to_owned();
    let yaml = "kustomization.yaml";
    let laughs = (1..12).fold("a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned(), |text, level| {
        format!("{text}a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 9].join(","))
    });
    let merges = (1..14).fold("a0: &a0 {k: 1}\n".to_owned(), |text, level| {
        format!("{text}a{level}: &a{level} {{<<: [{}]}}\n", vec![format!("*a{}", level - 1); 10].join(","))
    });
    let prefix = |bytes: usize| format!("namePrefix: \"{}\"\nresources: [a.yaml]\n", "p".repeat(bytes));
    let mut bombs = vec![
        refused("aliases in resources", vec![(yaml, resources()), ("a.yaml", HEAD.to_owned() + &aliases(1_000_000, 3_000))]),
        refused("short aliases in resources", vec![(yaml, resources()), ("a.yaml", HEAD.to_owned() + &aliases(50_000, 16_000))]),
        refused("laughs", vec![(yaml, resources()), ("a.yaml", HEAD.to_owned() + &laughs)]),
        own("merges", vec![(yaml, resources()), ("a.yaml", HEAD.to_owned() + &merges)]),
        refused("aliases in the kustomization", vec![(yaml, aliases(1_000_000, 3_000))]),
        refused("aliases in a configuration", vec![(yaml, "configurations: [c.yaml]\n".to_owned()), ("c.yaml", aliases(1_000_000, 3_000))]),
        own("aliases in a patch", vec![
            (yaml, "resources: [a.yaml]\npatches: [{path: p.yaml}]\n".to_owned()),
            ("a.yaml", HEAD.to_owned()),
            ("p.yaml", HEAD.to_owned() + &aliases(1_000_000, 3_000)),
        ]),
        refused("a prefix of 200 KB", vec![(yaml, prefix(200_000)), ("a.yaml", maps(6_000))]),
        refused("a prefix of 1 MB", vec![(yaml, prefix(1_000_000)), ("a.yaml", maps(2_000))]),
        refused("indentation", vec![
            (yaml, resources()),
            ("a.yaml", format!("{HEAD}x: {}{}{}\n", "[".repeat(900), "1,".repeat(1_000_000), "]".repeat(900))),
        ]),
        refused("one file a thousand times", vec![
            (yaml, format!("configMapGenerator:\n{}", lines(1_000, |at| format!("- {{name: a{at}, files: [b.txt]}}\n")))),
            ("b.txt", "a".repeat(900_000)),
        ]),
        refused("a variable", vec![
            (yaml, "resources: [a.yaml]\nvars: [{name: A, objref: {apiVersion: v1, kind: ConfigMap, name: a}, fieldref: {fieldpath: data.x}}]\nconfigurations: [c.yaml]\n".to_owned()),
            ("c.yaml", "varReference: [{path: data/z, kind: ConfigMap}]\n".to_owned()),
            ("a.yaml", format!("{HEAD}data: {{x: '{}', z: '{}'}}\n", "a".repeat(500_000), "$(A)".repeat(100_000))),
        ]),
        refused("copies", vec![
            (yaml, format!("resources: [a.yaml]\npatches:\n{}", lines(40, |at| format!("- {{target: {{kind: ConfigMap}}, patch: \"[{{op: copy, from: /data, path: /data/x{at}}}]\"}}\n")))),
            ("a.yaml", format!("{HEAD}data: {{a: x}}\n")),
        ]),
        refused("replacements", vec![
            (yaml, format!("resources: [a.yaml]\nreplacements:\n{}", lines(60, |at| format!("- source: {{kind: ConfigMap, name: a, fieldPath: data.x}}\n  targets: [{{select: {{kind: ConfigMap}}, fieldPaths: [data.x], options: {{delimiter: \"-\", index: {at}}}}}]\n")))),
            ("a.yaml", format!("{HEAD}data: {{x: a-b-c}}\n")),
        ]),
        refused("types", vec![
            (yaml, "resources: [a.yaml]\ncrds: [o.yaml]\n".to_owned()),
            ("a.yaml", HEAD.to_owned()),
            ("o.yaml", lines(30, |at| format!("t{at}: {{Schema: {{properties: {{kind: {{}}, apiVersion: {{}}, metadata: {{}}, {}}}}}}}\n", lines(10, |field| format!("p{field}: {{$ref: t{}}}, ", at + 1))))),
        ]),
        own("a circle", vec![(yaml, "resources: [b]\n".to_owned()), ("b/kustomization.yaml", "resources: [../]\n".to_owned())]),
        own("equal keys", vec![(yaml, resources()), ("a.yaml", format!("{HEAD}data:\n{}", " k: x\n".repeat(200_000)))]),
        own("directives", vec![(yaml, resources()), ("a.yaml", format!("{}---\n{HEAD}", lines(100_000, |at| format!("%TAG !a{at}! tag:x\n"))))]),
        own("a number of a megabyte", vec![(yaml, resources()), ("a.yaml", format!("{HEAD}x: {}\n", "9".repeat(4_000_000)))]),
        own("comments", vec![(yaml, resources()), ("a.yaml", format!("{HEAD}{}", "# a\n".repeat(300_000)))]),
    ];
    bombs.extend([
        two_ways("two ways with a resource", maps(1)),
        two_ways("two ways to nothing", String::new()),
    ]);
    check(bombs, &["build", "app", "--timeout", TIMEOUT]);
}

/// Each level names the next one twice.
fn two_ways(name: &'static str, resources: String) -> Bomb {
    let mut files = vec![("kustomization.yaml".to_owned(), "resources: [l0]\n".to_owned())];
    for level in 0..40 {
        files.push((format!("l{level}/kustomization.yaml"), "resources: [a, b]\n".to_owned()));
        for side in ["a", "b"] {
            let text = format!("resources: [../../l{}]\nnamePrefix: {side}\n", level + 1);
            files.push((format!("l{level}/{side}/kustomization.yaml"), text));
        }
    }
    let last = if resources.is_empty() { "namePrefix: x\n" } else { "resources: [a.yaml]\n" };
    files.push(("l40/kustomization.yaml".to_owned(), last.to_owned()));
    files.push(("l40/a.yaml".to_owned(), resources));
    Bomb { name, files, end: End::Refused }
}

#[test]
fn folders_of_manifests() {
    let refused = |name, text: String| bomb(name, End::Refused, vec![("a.yaml", text)]);
    let own = |name, text: String| bomb(name, End::Own, vec![("a.yaml", text)]);
    let json = |name, text: String| bomb(name, End::Own, vec![("a.json", text)]);
    let wide = (0..2_000).fold(String::new(), |text, at| format!("{text}k{at}: 1, "));
    let bombs = vec![
        refused("aliases", HEAD.to_owned() + &aliases(1_000_000, 3_000)),
        refused("short aliases", HEAD.to_owned() + &aliases(100_000, 30_000)),
        refused("aliases by the million", HEAD.to_owned() + &aliases(5_000_000, 1_000_000)),
        refused(
            "aliases in a map",
            format!(
                "{HEAD}x: &x {{a: \"{}\"}}\ny: [{}]\n",
                "a".repeat(1_000_000),
                vec!["*x"; 3_000].join(",")
            ),
        ),
        own(
            "wide merges",
            format!("{HEAD}a0: &a0 {{{wide}}}\n{}", lines(3_000, |at| format!("b{at}: {{<<: *a0, z: 1}}\n"))),
        ),
        own("a merge with itself", format!("{HEAD}a: &a {{<<: *a}}\n")),
        own("documents", "---\n".repeat(500_000)),
        refused("brackets", "[".repeat(3_000_000)),
        own("a long key", format!("{}: 1\n", "k".repeat(3_000_000))),
        own("question marks", "? ".repeat(1_000_000)),
        own("dashes", "- ".repeat(1_000_000)),
        own("keys", format!("{HEAD}data:\n{}", lines(200_000, |at| format!(" k{at}: x\n")))),
        own("equal keys", format!("{HEAD}data:\n{}", " k: x\n".repeat(300_000))),
        own("directives", format!("{}---\n{HEAD}", lines(100_000, |at| format!("%TAG !a{at}! tag:x\n")))),
        own("anchors", format!("{HEAD}x: [{}]\n", lines(200_000, |at| format!("&a{at} 1,")))),
        own("empty lines", format!("{HEAD}data:\n  x: |\n{}    a\n", "    \n".repeat(500_000))),
        own(
            "indented lines",
            format!("{HEAD}data:\n  x: |\n{}    a\n", lines(3_000, |at| " ".repeat(at) + "\n")),
        ),
        own("comments", format!("{HEAD}#{}\n{}", "#".repeat(3_000_000), "# a\n".repeat(200_000))),
        own("a large number", format!("{HEAD}x: {}\n", "9".repeat(3_000_000))),
        own(
            "odd numbers",
            format!(
                "{HEAD}x: [1e99999999999, 0x{}, 1{}, {}0]\n",
                "f".repeat(1_000_000),
                "_".repeat(100_000),
                "1:".repeat(100_000)
            ),
        ),
        json("deep JSON", "[".repeat(2_000_000)),
        json("deep objects", "{\"a\":".repeat(500_000)),
        json(
            "a large JSON number",
            format!(
                "{{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"x\":{}e9999999}}",
                "1".repeat(3_000_000)
            ),
        ),
        json(
            "escapes",
            format!(
                "{{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"x\":\"{}\"}}",
                "\\u0001".repeat(500_000)
            ),
        ),
    ];
    check(bombs, &["render", "app", "--render-timeout", TIMEOUT]);
}

/// Programs that the evaluator of Jsonnet cannot stop by itself.
#[test]
fn jsonnet_programs() {
    let refused = |name, text: &str| bomb(name, End::Refused, vec![("a.jsonnet", text.to_owned())]);
    let own = |name, text: &str| bomb(name, End::Own, vec![("a.jsonnet", text.to_owned())]);
    let bombs = vec![
        own("recursion", "local f(x)=f(x+1)+1; f(0)"),
        refused("a tail call", "local f(x)=f(x+1) tailstrict; f(0)"),
        refused("repeat", "std.length(std.repeat('a',10000000000))"),
        refused("doubling", "local f(n,s)=if n==0 then s else f(n-1,s+s); std.length(f(60,'aaaaaaaaaa'))"),
        refused(
            "a comprehension",
            "std.length([x*y for x in std.range(1,100000) for y in std.range(1,100000)])",
        ),
        own("an import of itself", "import 'a.jsonnet'"),
        refused("calls without end", "local f(n)=if n<2 then 1 else f(n-1)+f(n-2); f(90)"),
        refused("objects", "local f(n)=if n==0 then {a:1} else {a:f(n-1),b:f(n-1)}; f(60)"),
        refused("a wide format", "std.format('%1000000000d',[1])"),
        refused("a long array", "std.sort(std.makeArray(1e8,function(i)-i))"),
        refused("base64", "std.base64(std.repeat('é',1000000000))"),
        own("brackets", &format!("{}1{}", "(".repeat(50_000), ")".repeat(50_000))),
        own("braces", &format!("{}1{}", "{a:".repeat(50_000), "}".repeat(50_000))),
        own("a file of the machine", "importstr '/proc/self/environ'"),
        own("a native function", "std.native('readFile')('/etc/passwd')"),
    ];
    check(bombs, &["render", "app", "--render-timeout", TIMEOUT]);
}

/// Every function of the standard library, the library itself says which there are, with huge texts, numbers and arrays.
#[test]
fn jsonnet_functions() {
    let names = functions_of_std();
    assert!(names.len() > 120, "{names:?}");
    let ways = names.iter().flat_map(|name| ARGUMENTS.iter().map(move |arguments| call(name, arguments)));
    let ways: Vec<String> = ways.collect();
    let wrong: Vec<String> = thread::scope(|scope| {
        let halves = ways.chunks(ways.len().div_ceil(2));
        let threads: Vec<_> = halves
            .map(|half| scope.spawn(|| half.iter().filter_map(|way| wrong_end(way)).collect::<Vec<_>>()))
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Arguments of four: a function takes as many as it has parameters.
const ARGUMENTS: [&str; 3] = [
    "[s, 1e10, s, s]",
    "[1e10, function(a) a, 1e10, 1]",
    "[function(a, b) a, std.makeArray(3000000, function(i) s), s, 1]",
];

fn call(name: &str, arguments: &str) -> String {
    format!(
        "local s = std.repeat('%9d', 1000000); local f = std['{name}'];\n\
         local a = {arguments};\nlocal n = if std.isFunction(f) then std.length(f) else -1;\n\
         local value = if n < 0 then f else if n == 0 then f() else if n == 1 then f(a[0]) \
         else if n == 2 then f(a[0], a[1]) else if n == 3 then f(a[0], a[1], a[2]) \
         else f(a[0], a[1], a[2], a[3]);\n\
         {{ apiVersion: 'v1', kind: 'A', metadata: {{ name: 'a' }}, size: std.length(std.toString(value)) }}\n"
    )
}

fn functions_of_std() -> Vec<String> {
    let text = "{ apiVersion: 'v1', kind: 'A', metadata: { name: 'a' }, names: std.objectFieldsAll(std) }";
    let folder = laid_out(&bomb("names", End::Own, vec![("a.jsonnet", text.to_owned())]));
    let output = Command::new(env!("CARGO_BIN_EXE_manifestd"))
        .args(["render", "app", "-o", "json"])
        .env_clear()
        .current_dir(folder.path())
        .output()
        .unwrap();
    let printed: serde_json::Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let manifest = if printed.is_array() { &printed[0] } else { &printed };
    manifest["names"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

/// What is wrong with how a program ends; it may have a value, or say why not.
fn wrong_end(program: &str) -> Option<String> {
    let folder = laid_out(&bomb("function", End::Own, vec![("a.jsonnet", program.to_owned())]));
    let Ended { code, stderr, most_resident, took } =
        run(folder.path(), &["render", "app", "--render-timeout", "3s"]);
    let is_clear =
        code == Some(0) || stderr.contains("jsonnet") || BUDGETS.iter().any(|words| stderr.contains(words));
    if code.is_some() && code != Some(101) && is_clear && most_resident <= RESIDENT {
        return None;
    }
    let name = program.split('\'').nth(3).unwrap_or_default();
    Some(format!("std.{name}: code {code:?}, {} MiB after {took:?}: {stderr:.300}", most_resident >> 10))
}
