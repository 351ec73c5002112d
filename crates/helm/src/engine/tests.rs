//! Walks every function that templates can call with hostile arguments: what a call takes from the allocator is within
//! what it charged, and it looks at the stop flag often.
//!
//! A function is in the walk by being in a table.

use std::collections::BTreeSet;
use std::time::Duration;

use gotmpl::{Budget, CallError, Calling, Cause, Function, IntType, Limits, List, ListType, MapType, Type};
use testkit::allocation::{StopProbe, measure_allocated};

use super::host::Chance;
use super::{files, objects, *};
use crate::version::HelmVersion;

/// What a call may take besides what it charged: its error's text, and what is too small to count.
const SLACK: u64 = 256 << 10;

/// How often what was charged a call may take.
const TIMES: u64 = 2;

/// The bytes of a long text, and of a very long one.
const LONG: usize = 48 << 10;
const VERY_LONG: usize = 2 << 20;

/// How long a call may go on without a look at the flag, and after it was raised. The clock is the thread's processor
/// time; a build without optimisation takes some ten times as long as a release.
const MAX_STRETCH: Duration = Duration::from_millis(100);

/// Functions that are not called like others, with the reason.
const SPECIAL: [(&str, &str); 2] = [
    ("and", "the executor evaluates its arguments one by one and calls nothing"),
    ("or", "the executor evaluates its arguments one by one and calls nothing"),
];

/// Functions whose work is one step of a fixed length, with the reason.
const FIXED_TIME: [(&str, &str); 3] = [
    (
        "derivePassword",
        "scrypt with the parameters of the algorithm is one call of some hundred milliseconds",
    ),
    ("bcrypt", "one hash is one call of some ten milliseconds"),
    ("htpasswd", "one hash is one call of some ten milliseconds"),
];

const LIMITS: Limits = Limits { steps: 400_000, bytes: 512 << 20 };

/// All functions and methods of all versions, each once.
fn all_functions() -> Vec<Function> {
    let mut seen = BTreeSet::new();
    let tables = HelmVersion::ALL.iter().flat_map(|version| functions::table(version.profile()));
    let methods = sprig::methods().into_iter().chain(files::METHODS.iter()).chain(objects::methods());
    let key = |function: &&Function| (function.name, function.call as usize);
    tables.chain(methods).filter(|function| seen.insert(key(function))).copied().collect()
}

fn with_machine<T>(budget: &Budget<'_>, work: impl FnOnce(&mut Machine<'_>) -> T) -> T {
    let profile = HelmVersion::default().profile();
    let mut host = Host::new(profile, Chance { seed: [7; 32], now: 1_700_000_000 }, Rc::default());
    let mut set = Set::new();
    let (parsed, _) = functions::parse(profile, "c/t", "{{ define \"a\" }}x{{ . }}{{ end }}").unwrap();
    parsed.into_iter().for_each(|template| set.add(template));
    work(&mut Machine::new(functions::table(profile), Rc::new(set), &mut host, budget))
}

/// The result of a function that makes an argument for others.
fn made_by(name: &str, args: &[Value]) -> Value {
    let functions = all_functions();
    let function = functions.iter().find(|function| function.name == name).unwrap();
    with_machine(&Budget::unlimited(), |machine| machine.call(function, args)).unwrap()
}

fn repeated(text: &str, bytes: usize) -> Value {
    Value::from(text.repeat(bytes / text.len()))
}

/// Texts that are long, and texts that ask for much.
fn texts(bytes: usize) -> Vec<Value> {
    let long = [
        "a",
        "\n",
        "\u{e9}",
        "\"",
        "a ",
        "Ab1-",
        "<",
        "/../",
        "1",
        "[",
        "a: [1, 1]\n",
        "[1,",
        "{{ . }}",
        "\u{1F600}",
    ];
    let short = [
        "",
        "a",
        ".*b|a",
        "(a|b|c)*$",
        "(\\\\pL{1,100}){1,9}",
        "((a*)*)*b",
        "%999999d%v",
        "%-999999s%999999x",
        "[[:^alpha:]]+",
        "2006-01-02T15:04:05.999999999Z07:00 Monday January",
        "**{a,b}*",
        "http://u:p@h/%41?q#f",
        "1.2.3-a+b",
        ">=1 || <2",
        "a = [1, 2]",
        "{\"a\":[1]}",
        "YQ==",
        "-1h2m3.5s",
        "rsa",
        "ed25519",
        "Europe/Berlin",
        "0x1p-2",
        "${1}$0$name",
        "\u{130}",
    ];
    let mut texts: Vec<Value> = long.iter().map(|text| repeated(text, bytes)).collect();
    texts.push(Value::from(vec![0xff; bytes]));
    texts.extend(short.map(Value::from));
    texts
}

/// A map that holds another in two places, and so on: a few values that print without end.
fn shared_maps(levels: usize) -> Value {
    (0..levels).fold(Value::int(1), |inner, _| {
        Value::Map(Map::any([("l".into(), inner.clone()), ("r".into(), inner)]))
    })
}

fn nested(levels: usize) -> Value {
    (0..levels).fold(Value::int(1), |inner, level| match level % 2 {
        0 => Value::List(List::any(vec![inner])),
        _ => Value::Map(Map::any([("k".into(), inner)])),
    })
}

fn many(count: usize) -> Value {
    Value::Map(Map::any((0..count).map(|index| (Str::from(format!("k{index}")), Value::int(1)))))
}

fn lists(bytes: usize) -> Vec<Value> {
    let count = bytes / 32;
    let numbers = (0..count).map(|number| Value::int(number as i64)).collect();
    let floats = (0..count).map(|number| Value::Float(number as f64 / 7.0)).collect();
    let texts = (0..count).map(|number| Value::from(format!("{number:x}"))).collect();
    let long = repeated("a", bytes);
    vec![
        Value::List(List::nil(ListType::Any)),
        Value::List(List::any(numbers)),
        Value::List(List::any(floats)),
        Value::List(List::any(texts)),
        Value::List(List::any(vec![long; 64])),
        Value::List(List::any(vec![Value::List(List::any(vec![Value::Nil; 8])); count / 8])),
        Value::List(List::any(vec![shared_maps(40)])),
        nested(400),
    ]
}

fn maps(bytes: usize) -> Vec<Value> {
    let long = repeated("a", bytes);
    let holds_itself = Map::any([]);
    holds_itself.set("x".into(), Value::Map(holds_itself.clone()));
    vec![
        Value::Map(Map::any([])),
        Value::Map(Map::nil(MapType::Any)),
        many(bytes / 64),
        Value::Map(Map::any([
            ("host".into(), long.clone()),
            ("path".into(), long.clone()),
            ("k1".into(), long),
        ])),
        shared_maps(60),
        Value::Map(Map::any([("k".into(), nested(2_000))])),
        Value::Map(holds_itself),
    ]
}

fn integers() -> Vec<Value> {
    [-1, 0, 1, 3, 1_000, 1 << 20, i64::MAX, i64::MIN].map(Value::int).to_vec()
}

fn files_value(bytes: usize) -> Value {
    let files = no_files();
    for index in 0..64 {
        files.set(Str::from(format!("d/f{index}")), Value::Bytes(Str::from("a\n".repeat(bytes / 256))));
    }
    Value::Map(files)
}

fn objects_of_all_kinds() -> Vec<Value> {
    let looked = Rc::default();
    let profile = HelmVersion::V3_21_4.profile();
    let kube = crate::capabilities::kube_version(None, profile).unwrap();
    let versions: Vec<String> = (0..500).map(|number| format!("g{number}/v1")).collect();
    let metadata = crate::Metadata { name: "c".repeat(LONG), ..Default::default() };
    vec![
        made_by("now", &[]),
        made_by("semver", &[Value::from("1.2.3")]),
        made_by("genCA", &[Value::from("a"), Value::int(1)]),
        capabilities(kube, &versions, profile, &looked),
        chart_value(&Budget::unlimited(), &metadata, true, profile).unwrap(),
        files_value(LONG),
    ]
}

/// Arguments of a type.
struct Kinds {
    texts: Vec<Value>,
    lists: Vec<Value>,
    maps: Vec<Value>,
    objects: Vec<Value>,
}

impl Kinds {
    fn new(bytes: usize) -> Self {
        Self { texts: texts(bytes), lists: lists(bytes), maps: maps(bytes), objects: objects_of_all_kinds() }
    }

    fn of(&self, of: Type) -> Vec<Value> {
        match of {
            Type::String => self.texts.clone(),
            Type::Bool => vec![Value::Bool(true), Value::Bool(false)],
            Type::Int => integers(),
            Type::Int64 => integers().iter().map(|number| as_integer(number, IntType::Int64)).collect(),
            Type::Duration => integers().iter().map(|number| as_integer(number, IntType::Duration)).collect(),
            Type::Uint32 => {
                [0, u32::MAX].map(|number| Value::Uint(gotmpl::UintType::Uint64, number.into())).to_vec()
            }
            Type::Float64 => [0.0, 0.5, f64::NAN, f64::MAX].map(Value::Float).to_vec(),
            Type::Map => self.maps.clone(),
            Type::List => self.lists.clone(),
            Type::Strings => vec![Value::strings(vec!["a"; 1_000])],
            Type::Named(name) => {
                let found = self.objects.iter().filter(|object| object.type_name() == name);
                found.cloned().collect()
            }
            Type::Any | Type::Reflect => {
                let scalars = [Value::Nil, Value::Bool(true), Value::Float(f64::NAN), Value::Float(1e300)];
                let bytes = [Value::Bytes(Str::from(vec![1; LONG]))];
                let groups = [
                    &scalars[..],
                    &bytes,
                    &integers(),
                    &self.texts[..],
                    &self.lists,
                    &self.maps,
                    &self.objects,
                ];
                groups.concat()
            }
        }
    }
}

fn as_integer(value: &Value, of: IntType) -> Value {
    if let Value::Int(_, number) = value { Value::Int(of, *number) } else { value.clone() }
}

/// What methods are called on.
fn receivers(function: &Function, kinds: &Kinds) -> Vec<Value> {
    let is = |table: &[Function]| table.iter().any(|method| method.call as usize == function.call as usize);
    let named = |of: &str| kinds.objects.iter().filter(|object| object.type_name() == of).cloned().collect();
    if is(&files::METHODS) {
        return named(files::FILES_TYPE);
    }
    if sprig::methods().iter().any(|method| method.call as usize == function.call as usize) {
        let of = if function.params.first() == Some(&Type::Named("time.Time")) { "time.Time" } else { "" };
        let all = kinds.objects.iter().filter(|object| {
            matches!(object.type_name(), "time.Time" | "*semver.Version")
                && (of.is_empty() || object.type_name() == of)
        });
        return all.cloned().collect();
    }
    let typed = kinds.maps.iter().filter_map(|map| match map {
        Value::Map(map) => Some(Value::Map(map.seen_as(MapType::Named("common.Values")))),
        _ => None,
    });
    let set = Value::List(List::new(ListType::Named("common.VersionSet"), vec![Value::from("v1"); 1_000]));
    typed.chain([set]).chain(kinds.objects.iter().cloned()).collect()
}

/// The arguments of every call of a function: each kind in each place, among plain and among large ones.
fn calls(function: &Function, kinds: &Kinds, is_method: bool) -> Vec<Vec<Value>> {
    let receivers = match function.calling {
        // The executor puts the text of what is called before the arguments.
        Calling::Named => vec![Value::from("name")],
        _ if is_method => receivers(function, kinds),
        _ => vec![],
    };
    let is_method = !receivers.is_empty();
    let fixed = function.params.len();
    let most = if function.variadic.is_some() { fixed.max(4) } else { fixed };
    let mut calls = Vec::new();
    for arity in fixed..=most {
        let of = |at: usize| function.params.get(at).copied().or(function.variadic).unwrap_or(Type::Any);
        let choices: Vec<Vec<Value>> = (0..arity).map(|at| kinds.of(of(at))).collect();
        let plain =
            |at: usize| choices[at].iter().rfind(|value| value.truth()).unwrap_or(&choices[at][0]).clone();
        let large =
            |at: usize| choices[at].iter().find(|value| value.truth()).unwrap_or(&choices[at][0]).clone();
        let mut all: Vec<Vec<Value>> = Vec::new();
        if arity == 0 {
            all.push(Vec::new());
        }
        for (at, of_argument) in choices.iter().enumerate() {
            for choice in of_argument {
                for others in [&plain as &dyn Fn(usize) -> Value, &large] {
                    all.push(
                        (0..arity)
                            .map(|other| if other == at { choice.clone() } else { others(other) })
                            .collect(),
                    );
                }
            }
        }
        if is_method {
            for receiver in &receivers {
                calls.extend(all.iter().map(|args| [std::slice::from_ref(receiver), args].concat()));
            }
        } else {
            calls.extend(all);
        }
    }
    calls
}

fn shown(args: &[Value]) -> String {
    let one = |value: &Value| match value {
        Value::Str(text) => {
            format!("{} bytes of {:?}", text.len(), gotmpl::lossy(&text[..text.len().min(12)]))
        }
        Value::List(list) => format!("{} of {} elements", list.type_name(), list.len()),
        Value::Map(map) => format!("{} of {} entries", map.type_name(), map.len()),
        other => format!("{} {other:?}", other.type_name()).chars().take(60).collect(),
    };
    args.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// What is wrong with a call, if anything.
fn fault(function: &Function, args: &[Value], raise_after: Duration) -> Option<String> {
    let probe = StopProbe::raised_after(raise_after);
    let stop = || probe.is_raised();
    let budget = Budget::new(LIMITS, &stop);
    let called = || with_machine(&budget, |machine| measure_allocated(|| machine.call(function, args)));
    let Ok((result, taken)) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(called)) else {
        return Some(format!("{}({}): panicked", function.name, shown(args)));
    };
    let (charged, stretch) = (budget.bytes_charged(), probe.longest_stretch());
    let told = result.as_ref().err().map_or("", |error: &CallError| &error.message);
    let call = || format!("{}({}): {:.80}", function.name, shown(args), told);
    if taken > TIMES * charged + SLACK {
        return Some(format!("{}: took {taken} bytes and charged {charged}", call()));
    }
    let is_fixed = FIXED_TIME.iter().any(|(name, _)| *name == function.name);
    if stretch > MAX_STRETCH && !is_fixed {
        return Some(format!("{}: {stretch:?} without a look at the flag", call()));
    }
    let late = probe.time_since_raised().filter(|time| *time > MAX_STRETCH && !is_fixed);
    late.map(|time| format!("{}: went on for {time:?} after the flag was raised", call()))
}

fn walk(bytes: usize, is_wanted: impl Fn(&[Value]) -> bool, raise_after: Duration) {
    let kinds = Kinds::new(bytes);
    let functions = all_functions();
    let tables: BTreeSet<&str> = HelmVersion::ALL
        .iter()
        .flat_map(|version| functions::table(version.profile()))
        .map(|function| function.name)
        .collect();
    let mut walked = BTreeSet::new();
    let mut faults = Vec::new();
    for function in &functions {
        walked.insert(function.name);
        if SPECIAL.iter().any(|(name, _)| *name == function.name) {
            continue;
        }
        let is_method = !functions::table(HelmVersion::default().profile())
            .iter()
            .chain(functions::table(HelmVersion::V3_21_4.profile()))
            .any(|known| known.call as usize == function.call as usize);
        let calls = calls(function, &kinds, is_method);
        assert!(!calls.is_empty(), "{} is not called", function.name);
        let before = faults.len();
        for args in calls.iter().filter(|args| is_wanted(args)) {
            // A stretch may be long once, when others had the processor's caches: what is wrong is so each time.
            let each_time: Option<Vec<_>> = (0..3).map(|_| fault(function, args, raise_after)).collect();
            faults.extend(each_time.and_then(|faults| faults.into_iter().next()));
            if faults.len() > before + 4 {
                break;
            }
        }
    }
    assert!(tables.iter().all(|name| walked.contains(name)), "a function of a table was not walked");
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
#[ignore = "not seen to end: over 80 s without optimisation, and faults are expected in functions not reached yet"]
fn every_function_charges_what_it_takes_and_looks_at_the_flag() {
    walk(LONG, |_| true, Duration::MAX);
}

#[test]
#[ignore = "not seen to end: over 80 s without optimisation, and faults are expected in functions not reached yet"]
fn every_function_with_a_very_long_text_ends_when_the_flag_is_raised() {
    let is_long = |arg: &Value| matches!(arg, Value::Str(text) if text.len() > LONG);
    walk(VERY_LONG, |args| args.iter().any(is_long), Duration::from_millis(1));
}

#[test]
fn reasons_are_given_for_functions_that_exist() {
    let functions = all_functions();
    for (name, reason) in SPECIAL.iter().chain(&FIXED_TIME) {
        assert!(functions.iter().any(|function| function.name == *name) && !reason.is_empty(), "{name}");
    }
}

#[test]
fn a_budget_that_is_used_up_is_told_with_function_and_limit() {
    let budget = Budget::new(Limits { bytes: 1 << 20, ..LIMITS }, &|| false);
    let functions = all_functions();
    let repeat = functions.iter().find(|function| function.name == "repeat").unwrap();
    let args = [Value::int(2 << 20), Value::from("x")];
    let error = with_machine(&budget, |machine| machine.call(repeat, &args)).unwrap_err();
    assert_eq!(error.cause, Cause::Budget);
    assert!(error.message.contains("than the budget allows (1 MiB in all)"), "{}", error.message);
}
