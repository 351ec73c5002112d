//! Every template of `testdata/gotmpl/cases.jsonl` gives what Go's text/template gave, error texts included.

use std::path::Path;
use std::rc::Rc;

use manifestd_gotmpl::{Budget, Limits, List, ListType, Machine, Map, NoHost, Set, Value, builtins, parse};

fn map(entries: &[(&str, Value)]) -> Value {
    Value::Map(Map::any(entries.iter().map(|(key, value)| ((*key).into(), value.clone()))))
}

fn data() -> Value {
    let e = map(&[("e", 5.0.into())]);
    let m = map(&[("b", 2.0.into()), ("a", 1.0.into()), ("c", map(&[("d", e)]))]);
    map(&[
        ("s", "hello".into()),
        ("i", 3.0.into()),
        ("b", false.into()),
        ("nul", Value::Nil),
        ("lst", List::any(vec!["c".into(), "a".into(), "b".into()]).into()),
        ("m", m),
        ("em", map(&[])),
        ("n", Value::int(7)),
        ("u", "é<&'\"=\0x".into()),
        ("strs", Value::strings(["x", "y"])),
        ("ints", List::new(ListType::Ints, vec![Value::int(1), Value::int(2)]).into()),
    ])
}

fn render(text: &str) -> Result<String, String> {
    let number = |name: &str| builtins::FUNCTIONS.iter().position(|function| function.name == name);
    let mut set = Set::new();
    for template in parse("t", text, &number).map_err(|error| error.to_string())? {
        set.add(template);
    }
    let mut host = NoHost;
    let budget = Budget::new(Limits::default(), &|| false);
    let out = Machine::new(builtins::FUNCTIONS, Rc::new(set), &mut host, &budget).execute("t", &data());
    out.map(|out| String::from_utf8_lossy(&out).into_owned()).map_err(|error| error.to_string())
}

#[test]
fn templates_give_what_go_gives() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/gotmpl/cases.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    let mut failures = Vec::new();
    let mut count = 0;
    for line in text.lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let template = case["template"].as_str().unwrap();
        let want = match (case["out"].as_str(), case["err"].as_str()) {
            (Some(out), _) => Ok(out.to_owned()),
            (None, error) => Err(error.unwrap().to_owned()),
        };
        count += 1;
        let got = render(template);
        if got != want {
            failures.push(format!("{template:?}\n  want {want:?}\n  got  {got:?}"));
        }
    }
    assert!(count > 150, "only {count} cases were read");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn hostile_templates_end_within_their_budget() {
    let endless = "{{ define \"a\" }}{{ template \"a\" . }}{{ end }}{{ template \"a\" . }}";
    let deep = format!("{{{{ {}1{} }}}}", "(".repeat(20_000), ")".repeat(20_000));
    let nested = format!("{}{}", "{{ if true }}".repeat(5_000), "{{ end }}".repeat(5_000));
    let wide = "{{ range 100000 }}{{ range 100000 }}x{{ end }}{{ end }}";
    let thread = std::thread::Builder::new().stack_size(256 << 20);
    let run = thread.spawn(move || [endless, &deep, &nested, wide].map(|text| render(text).unwrap_err()));
    let [endless, deep, nested, wide] = run.unwrap().join().unwrap();
    assert!(endless.contains("exceeded maximum template depth"), "{endless}");
    assert!(deep.contains("max expression depth exceeded"), "{deep}");
    assert!(nested.contains("max expression depth exceeded"), "{nested}");
    assert!(wide.contains("than the budget allows"), "{wide}");
}

#[test]
fn a_map_that_holds_itself_is_printed_and_freed() {
    let map = Map::any([]);
    map.set("self".into(), Value::Map(map.clone()));
    let printed = manifestd_gotmpl::sprint_value(&Value::Map(map.clone()));
    map.clear();
    assert!(printed.ends_with(b"]"));
}
