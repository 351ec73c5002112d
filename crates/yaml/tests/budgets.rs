//! Every function that reads or writes, against texts and values made to take all memory or all time: what the allocator
//! hands out stays near what was charged, and a raised flag ends the work at once. A new public function has to be in
//! the table here, or the count fails.

#![expect(clippy::unwrap_used, reason = "a test may stop at once")]

use std::collections::BTreeSet;
use std::time::Duration;

use budget::Budget;
use testkit::allocation::{Jemalloc, measure_allocated, thread_time};
use yaml::kyaml::ScalarParts;
use yaml::{Dialect, Document, Limits, ScalarStyle, Source, Value, json, kyaml, v2, v3};

#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// The memory budget here: a debug build uses it up in a moment.
const BYTES: usize = 8 << 20;

/// What may be taken for each byte that is charged or read. Lists and texts grow by doubling, and the counter does not
/// see what is given back.
const TAKEN_PER_CHARGED: u64 = 4;

/// What a call takes whatever it is given.
const FIXED: u64 = 256 << 10;

/// How long a call may go on after the flag was raised, in processor time of a debug build.
const GRACE: Duration = Duration::from_millis(100);

/// A way through the crate.
struct Path {
    name: &'static str,
    takes: Takes,
}

/// What a function is given.
enum Takes {
    Text(fn(&str)),
    Value(fn(&Value)),
}

fn first<T>(text: &str, dialect: Dialect, then: impl FnOnce(yaml::NodeRef<'_, '_>) -> T) {
    let limits = Limits::default();
    let Ok(source) = Source::new(text.as_bytes(), &limits) else { return };
    if let Ok(Some(document)) = Document::first(&source, dialect, &limits) {
        then(document.root());
    }
}

fn scalar(text: &str, style: ScalarStyle) {
    let _ = kyaml::scalar(ScalarParts { text, tag: "", style, flow: false });
}

const PATHS: &[Path] = &[
    Path {
        name: "v2::to_value",
        takes: Takes::Text(|text| drop(v2::to_value(text.as_bytes(), &Limits::default()))),
    },
    Path {
        name: "v2::node_to_value",
        takes: Takes::Text(|text| {
            first(text, Dialect::V2, |node| v2::node_to_value(node, &Limits::default()))
        }),
    },
    Path {
        name: "kyaml::to_value",
        takes: Takes::Text(|text| drop(kyaml::to_value(text.as_bytes(), &Limits::default()))),
    },
    Path {
        name: "kyaml::node_to_value",
        takes: Takes::Text(|text| {
            first(text, Dialect::V3, |node| kyaml::node_to_value(node, &Limits::default()))
        }),
    },
    Path {
        name: "kyaml::entries",
        takes: Takes::Text(|text| first(text, Dialect::V3, |node| kyaml::entries(node).is_ok())),
    },
    Path {
        name: "kyaml::scalar",
        takes: Takes::Text(|text| {
            [ScalarStyle::Plain, ScalarStyle::Folded].iter().for_each(|style| scalar(text, *style))
        }),
    },
    Path { name: "kyaml::implied_tag", takes: Takes::Text(|text| drop(kyaml::implied_tag(text).to_owned())) },
    Path {
        name: "json::from_str",
        takes: Takes::Text(|text| drop(json::from_str(text, &Limits::default()))),
    },
    Path {
        name: "json::write_string",
        takes: Takes::Text(|text| json::write_string(text, &mut String::new())),
    },
    Path { name: "json::to_string", takes: Takes::Value(|value| drop(json::to_string(value))) },
    Path { name: "json::write", takes: Takes::Value(|value| drop(json::write(value, &mut String::new()))) },
    Path {
        name: "json::as_kubernetes",
        takes: Takes::Value(|value| drop(json::as_kubernetes(value.clone()))),
    },
    Path { name: "v2::emit", takes: Takes::Value(|value| drop(v2::emit(value))) },
    Path { name: "v2::marshal", takes: Takes::Value(|value| drop(v2::marshal(value))) },
    Path { name: "v3::order", takes: Takes::Value(|value| drop(order_of(value))) },
    Path { name: "v3::Emitter", takes: Takes::Value(|value| drop(emitted(value))) },
];

fn order_of(value: &Value) -> Vec<usize> {
    let keys: Vec<&str> =
        value.as_map().map(|map| map.keys().map(|key| &**key).collect()).unwrap_or_default();
    v3::order(&keys)
}

fn emitted(value: &Value) -> String {
    let mut out = v3::Emitter::new();
    put(&mut out, value, 0);
    out.finish()
}

fn put(out: &mut v3::Emitter, value: &Value, depth: usize) {
    match value {
        Value::List(items) => {
            out.start_list();
            items.iter().for_each(|item| put(out, item, depth + 1));
            out.end();
        }
        Value::Map(map) => {
            out.start_map();
            for (key, item) in map.iter() {
                out.key(key.as_bytes());
                put(out, item, depth + 1);
            }
            out.end();
        }
        Value::String(text) => out.text(text.as_bytes()),
        Value::Float(x) => out.float(*x),
        _ => out.word("null"),
    }
}

fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(line).collect()
}

fn texts() -> Vec<(&'static str, String)> {
    let long = "a".repeat(60_000);
    let words = "a ".repeat(60_000);
    let laughs = (1..12).fold("a0: &a0 [x, x, x, x, x, x, x, x]\n".to_owned(), |text, level| {
        format!("{text}a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 8].join(","))
    });
    let wide = lines(2_000, |at| format!("k{at}: 1, "));
    vec![
        ("a long word", long.clone()),
        ("many words", format!("x: {words}\n")),
        ("many lines", format!("x: |\n{}", " a\n".repeat(30_000))),
        ("folded lines", format!("x: >\n{}", " a\n".repeat(20_000))),
        ("quoted words", format!("x: '{words}'\n")),
        ("quoted lines", format!("x: \"{}\"\n", "a\n\n".repeat(16_000))),
        ("escapes", format!("x: \"{}\"\n", "\\u0001\\x02".repeat(12_000))),
        ("blanks", format!("x:{}1\n", " ".repeat(120_000))),
        ("blank lines", format!("x: |\n{} a\n", "  \n".repeat(30_000))),
        ("comments", format!("{}x: 1\n", "# a\n".repeat(20_000))),
        ("a long comment", format!("#{long}\nx: 1\n")),
        ("directives", format!("{}---\nx: 1\n", lines(4_000, |at| format!("%TAG !a{at}! tag:x\n")))),
        ("tags", format!("%TAG !a! tag:{}\n---\n[{}]\n", "x".repeat(4_000), "!a!b c,".repeat(5_000))),
        ("anchors", format!("[{}]\n", lines(8_000, |at| format!("&a{at} 1,")))),
        ("a long anchor", format!("&{long} 1\n")),
        ("aliases to a long text", format!("x: &x {long}\ny: [{}]\n", vec!["*x"; 4_000].join(","))),
        ("keys that are aliases", format!("x: &x {long}\ny: [{}]\n", vec!["{*x : 1}"; 2_000].join(","))),
        ("laughs", laughs),
        ("merges", format!("a: &a {{{wide}}}\nb: {{<<: [{}]}}\n", vec!["*a"; 2_000].join(","))),
        (
            "merges in many places",
            format!("a: &a {{{wide}}}\n{}", lines(1_000, |at| format!("b{at}: {{<<: *a}}\n"))),
        ),
        ("numbers", format!("[{}]\n", "1e5,0x1f,1_000,.5,".repeat(3_000))),
        ("a large number", "9".repeat(120_000)),
        ("base 60", format!("x: {}0\n", "1:".repeat(20_000))),
        ("timestamps", format!("[{}]\n", "2001-12-14 21:59:43.10,".repeat(8_000))),
        ("binary", format!("x: !!binary {}\n", "AAAA".repeat(20_000))),
        ("brackets", "[".repeat(60_000)),
        ("braces", "{a: ".repeat(20_000)),
        ("dashes", "- ".repeat(40_000)),
        ("questions", "? ".repeat(40_000)),
        ("keys", lines(6_000, |at| format!("k{at}: v\n"))),
        ("equal keys", "k: v\n".repeat(6_000)),
        ("documents", "--- 1\n".repeat(10_000)),
        ("JSON", format!("[{}1]", "{\"a\":[1,\"b\",null]},".repeat(3_000))),
        ("JSON escapes", format!("\"{}\"", "\\u0041\\n".repeat(12_000))),
        ("JSON blanks", format!("[{}1]", " ".repeat(120_000))),
    ]
}

fn values() -> Vec<(&'static str, Value)> {
    let deep = (0..900).fold(Value::from(vec![Value::Int(1); 4_000]), |inner, _| Value::from(vec![inner]));
    let deep_text = (0..900).fold(Value::from("a\n".repeat(4_000)), |inner, _| Value::from(vec![inner]));
    let prefix = "k".repeat(2_000);
    let keys: yaml::Map = (0..800).map(|at| (format!("{prefix}{at}"), Value::Int(at))).collect();
    let natural: yaml::Map =
        (0..4_000).map(|at| (format!("k{}", at * 7 % 4_000), Value::Float(0.5))).collect();
    let shared =
        (0..40).fold(Value::from("x".repeat(1_000)), |inner, _| Value::from(vec![inner.clone(), inner]));
    vec![
        ("deep lists", deep),
        ("deep lines", deep_text),
        ("long keys", keys.into()),
        ("many keys", natural.into()),
        ("a value in itself again and again", shared),
        ("a long text", "a b".repeat(40_000).into()),
        ("lines", "a b\n".repeat(20_000).into()),
        ("controls", "\u{1}".repeat(40_000).into()),
        ("wide characters", "\u{1F600}".repeat(20_000).into()),
        ("quotes", "'\"\\".repeat(20_000).into()),
        ("texts that look like numbers", vec![Value::from("1e5"); 6_000].into()),
        ("DEL", "\u{7f} ".repeat(20_000).into()),
    ]
}

/// Calls every function with everything it takes.
fn for_each_call(mut each: impl FnMut(&str, u64, &(dyn Fn() + Sync))) {
    let (texts, values) = (texts(), values());
    for path in PATHS {
        match path.takes {
            Takes::Text(call) => texts.iter().for_each(|(name, text)| {
                each(&format!("{} of {name}", path.name), text.len() as u64, &|| call(text));
            }),
            Takes::Value(call) => values.iter().for_each(|(name, value)| {
                each(&format!("{} of {name}", path.name), 0, &|| call(value));
            }),
        }
    }
}

/// Calls on a thread with a stack for the deepest values.
fn on_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(64 << 20);
        thread.spawn_scoped(scope, work).unwrap().join().unwrap()
    })
}

#[test]
fn what_is_taken_was_charged() {
    let mut wrong = Vec::new();
    for_each_call(|name, read, call| {
        let budget = Budget::new(BYTES, || false);
        let ((), taken) = on_stack(|| measure_allocated(|| budget.run(call)));
        let most = FIXED + TAKEN_PER_CHARGED * (budget.charged() as u64 + read);
        if taken > most {
            wrong.push(format!("{name}: took {taken} of {most} bytes"));
        }
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_raised_flag_ends_every_call() {
    let mut wrong = Vec::new();
    for_each_call(|name, _, call| {
        for after in [Duration::from_millis(1), Duration::from_millis(20)] {
            let late = on_stack(|| {
                let due = thread_time() + after;
                let budget = Budget::new(usize::MAX / 4, move || thread_time() >= due);
                budget.run(call);
                thread_time().saturating_sub(due)
            });
            if late > GRACE {
                wrong.push(format!("{name}: went on for {late:?} after {after:?}"));
            }
        }
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The public functions of the modules that read and write, by their sources.
fn public_functions() -> BTreeSet<String> {
    let modules = [
        ("v2", include_str!("../src/v2/mod.rs")),
        ("v3", include_str!("../src/v3/mod.rs")),
        ("kyaml", include_str!("../src/kyaml/mod.rs")),
        ("json", include_str!("../src/json/mod.rs")),
    ];
    let functions = modules.into_iter().flat_map(|(module, text)| {
        let names = text.lines().filter_map(|line| line.strip_prefix("pub fn "));
        names.map(move |rest| format!("{module}::{}", rest.split(['(', '<']).next().unwrap_or_default()))
    });
    // A type whose methods write.
    functions.chain(["v3::Emitter".to_owned()]).collect()
}

#[test]
fn every_function_is_in_the_table() {
    let table: BTreeSet<String> = PATHS.iter().map(|path| path.name.to_owned()).collect();
    assert_eq!(table, public_functions());
}
