//! Any bytes as YAML: nothing panics, and a value that was read is the same after JSON and after YAML text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use yaml::{Dialect, Document, Error, Limits, Source, Value, json, kyaml, v2};

fuzz_target!(|data: &[u8]| {
    let limits = Limits { nodes: 100_000, ..Limits::default() };
    if let Ok(source) = Source::new(data, &limits) {
        check_error(Document::all(&source, Dialect::V3, &limits).err(), data);
    }
    for result in [v2::to_value(data, &limits), kyaml::to_value(data, &limits)] {
        match result {
            Ok(value) => check(value),
            Err(error) => check_error(Some(error), data),
        }
    }
    if let Ok(text) = std::str::from_utf8(data) {
        match json::from_str(text, &limits) {
            Ok(value) => check(value),
            Err(error) => check_error(Some(error), data),
        }
    }
});

fn check(value: Value) {
    let limits = Limits::default();
    let text = json::to_string(&value).expect("readers let only finite numbers through");
    let value = json::as_kubernetes(value);
    assert_eq!(json::from_str(&text, &limits).as_ref(), Ok(&value));
    let _ = v2::marshal(&value);
    if !text.contains("\"\\u003c\\u003c\":") {
        // The key `<<` is written plain, as Go does, and read as a merge.
        let text = v2::emit(&value);
        assert_eq!(v2::to_value(text.as_bytes(), &limits).map(json::as_kubernetes), Ok(value), "{text}");
    }
}

/// The place of a mistake is inside the input.
fn check_error(error: Option<Error>, data: &[u8]) {
    let Some(error) = error else { return };
    assert!(!error.message().is_empty());
    let lines = data.len() + 2;
    assert!(error.line().is_none_or(|line| (1..=lines).contains(&(line as usize))));
    assert!(error.column().is_none_or(|column| (1..=lines).contains(&(column as usize))));
}
