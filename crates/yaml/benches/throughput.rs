//! Throughput of reading, beside unsafe-libyaml (events) and serde_yaml_ng (text to JSON text), in one run.
//!
//! `cargo bench -p manifestd-yaml` prints megabytes per second and the two ratios that have a target:
//! events at least 0.8 of unsafe-libyaml's, text to JSON at least twice serde_yaml_ng's. The input is a manifest file
//! of about 2 MB made here: custom resource definitions, deep, with long descriptions and quoted strings.

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use yaml::{Dialect, Document, EventKind, Limits, Parser, Source, json, v2};

const INPUT_BYTES: usize = 2_000_000;
/// Each measure is the best of this many, taken in turn so that a busy moment hits all alike.
const ROUNDS: usize = 15;

type Measure = (&'static str, fn(&str) -> usize);

const MEASURES: [Measure; 7] = [
    ("events", events),
    ("events, unsafe-libyaml", events_libyaml),
    ("node tree", node_tree),
    ("text to value", text_to_value),
    ("text to JSON", text_to_json),
    ("text to JSON, serde_yaml_ng", text_to_json_serde),
    ("text to YAML (v2)", text_to_yaml),
];

#[expect(clippy::print_stdout, reason = "a benchmark reports on stdout")]
fn main() {
    let text = manifest();
    let mut best = [Duration::MAX; MEASURES.len()];
    for _ in 0..ROUNDS {
        for ((_, run), best) in MEASURES.iter().zip(&mut best) {
            let start = Instant::now();
            black_box(run(black_box(&text)));
            *best = (*best).min(start.elapsed());
        }
    }
    println!("{:.2} MB of custom resource definitions, best of {ROUNDS}", text.len() as f64 / 1e6);
    for ((name, _), best) in MEASURES.iter().zip(&best) {
        println!("{name:<30} {:>7.1} MB/s", text.len() as f64 / 1e6 / best.as_secs_f64());
    }
    let ratio = |ours: usize, theirs: usize| best[theirs].as_secs_f64() / best[ours].as_secs_f64();
    println!("events / unsafe-libyaml        {:>7.2} (target 0.8)", ratio(0, 1));
    println!("to JSON / serde_yaml_ng        {:>7.2} (target 2.0)", ratio(4, 5));
}

fn source(text: &str) -> Source<'_> {
    Source::new(text.as_bytes(), &Limits::default()).expect("the input is within the limits")
}

fn events(text: &str) -> usize {
    let source = source(text);
    let mut parser = Parser::new(&source, Dialect::V2, &Limits::default());
    let mut count = 0;
    loop {
        count += 1;
        let event = parser.next_event().expect("the input is YAML");
        if matches!(event.kind, EventKind::StreamEnd) {
            return count;
        }
        black_box(event);
    }
}

#[expect(unsafe_code, reason = "the peer has no other interface")]
fn events_libyaml(text: &str) -> usize {
    use std::mem::MaybeUninit;
    use unsafe_libyaml as unsafe_sys;
    let mut count = 0;
    // SAFETY: the parser is initialised before use and deleted after; the input outlives it; every event is deleted.
    unsafe {
        let mut parser = MaybeUninit::<unsafe_sys::yaml_parser_t>::uninit();
        let parser = parser.as_mut_ptr();
        assert!(unsafe_sys::yaml_parser_initialize(parser).ok);
        unsafe_sys::yaml_parser_set_input_string(parser, text.as_ptr(), text.len() as u64);
        loop {
            let mut event = MaybeUninit::<unsafe_sys::yaml_event_t>::uninit();
            assert!(unsafe_sys::yaml_parser_parse(parser, event.as_mut_ptr()).ok);
            let kind = (*event.as_ptr()).type_;
            unsafe_sys::yaml_event_delete(event.as_mut_ptr());
            count += 1;
            if kind == unsafe_sys::YAML_STREAM_END_EVENT {
                break;
            }
        }
        unsafe_sys::yaml_parser_delete(parser);
    }
    count
}

fn node_tree(text: &str) -> usize {
    let source = source(text);
    Document::all(&source, Dialect::V3, &Limits::default()).expect("the input is YAML").len()
}

fn text_to_value(text: &str) -> usize {
    let mut count = 0;
    each_value(text, |value| count += usize::from(!black_box(value).is_null()));
    count
}

fn each_value(text: &str, mut with: impl FnMut(&yaml::Value)) {
    let source = source(text);
    let limits = Limits::default();
    let mut parser = Parser::new(&source, Dialect::V2, &limits);
    while let Some(document) = Document::read(&mut parser, &limits).expect("the input is YAML") {
        with(&v2::node_to_value(document.root(), &limits).expect("the input has only text keys"));
    }
}

fn text_to_json(text: &str) -> usize {
    let mut out = String::with_capacity(text.len());
    each_value(text, |value| {
        json::write(value, &mut out).expect("the input has only finite numbers");
        out.push('\n');
    });
    out.len()
}

fn text_to_json_serde(text: &str) -> usize {
    use serde_yaml_ng::{Deserializer, Value};
    let mut out = String::with_capacity(text.len());
    for document in Deserializer::from_str(text) {
        let value = <Value as serde::Deserialize>::deserialize(document).expect("the input is YAML");
        out.push_str(&serde_json::to_string(&value).expect("the input has only text keys"));
        out.push('\n');
    }
    out.len()
}

fn text_to_yaml(text: &str) -> usize {
    let mut written = 0;
    each_value(text, |value| written += v2::emit(value).len());
    written
}

/// A file of custom resource definitions, always the same.
fn manifest() -> String {
    let mut out = String::new();
    let mut number = 0;
    while out.len() < INPUT_BYTES {
        number += 1;
        write!(
            out,
            "---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  annotations:\n    \
             controller-gen.kubebuilder.io/version: v0.14.{number}\n    checksum/config: \"{:016x}\"\n  name: things{number}.example.com\nspec:\n  \
             group: example.com\n  names:\n    kind: Thing{number}\n    plural: things{number}\n    shortNames: [th, \"th{number}\"]\n  \
             scope: Namespaced\n  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema:\n      openAPIV3Schema:\n",
            number * 0x9E37_79B9_u64
        )
        .expect("writing to a String cannot fail");
        schema(&mut out, 8, 4, number);
    }
    out
}

/// One level of a schema, and the levels below.
fn schema(out: &mut String, indent: usize, depth: usize, seed: u64) {
    let pad = " ".repeat(indent);
    let fields = 3 + (seed as usize + depth) % 3;
    writeln!(out, "{pad}type: object\n{pad}required:\n{pad}- field0\n{pad}- field1\n{pad}properties:")
        .expect("a String");
    for field in 0..fields {
        write!(
            out,
            "{pad}  field{field}:\n{pad}    description: |-\n{pad}      Field{field} selects how the controller treats the resource when its\n\
             {pad}      owner is gone. Defaults to \"Orphan\".\n\n{pad}      More info: https://example.com/docs/field#{seed}\n"
        )
        .expect("a String");
        if depth > 0 && field < 2 {
            schema(out, indent + 4, depth - 1, seed.wrapping_mul(31).wrapping_add(field as u64));
            continue;
        }
        write!(
            out,
            "{pad}    type: string\n{pad}    maxLength: {}\n{pad}    pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$'\n{pad}    \
             default: \"value-{seed}\"\n{pad}    x-note: It is a plain scalar that goes on\n{pad}      over a second line of text\n{pad}    \
             nullable: {}\n{pad}    enum: [Always, \"Never\", IfNotPresent]\n",
            seed % 253,
            field % 2 == 0
        )
        .expect("a String");
    }
}
