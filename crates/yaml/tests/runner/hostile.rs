//! Inputs made to hurt: nesting, alias bombs, size. Each is an error at once, on a small stack.

use yaml::{Error, Limits, Value, json, kyaml, v2};

/// Runs on a stack of 256 KiB: what recursed with the nesting of the text would not survive.
fn on_a_small_stack<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> T {
    on_a_stack(256 << 10, run)
}

fn on_a_stack<T: Send + 'static>(bytes: usize, run: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = std::thread::Builder::new().stack_size(bytes).spawn(run).unwrap();
    thread.join().unwrap()
}

fn both(text: &str) -> [Result<Value, Error>; 2] {
    let limits = Limits::default();
    [v2::to_value(text.as_bytes(), &limits), kyaml::to_value(text.as_bytes(), &limits)]
}

#[test]
fn ten_thousand_levels_are_an_error() {
    let deep = 10_000;
    let block: String = (0..deep).map(|i| format!("{}a:\n", " ".repeat(i % 3000))).collect();
    let steps: String = (0..2_000).map(|i| format!("{}a:\n", " ".repeat(i))).collect();
    let texts = [
        "[".repeat(deep),
        "{a: ".repeat(deep),
        "- ".repeat(deep),
        "? ".repeat(deep),
        "[{a: ".repeat(deep),
        format!("{}1{}", "[".repeat(deep), "]".repeat(deep)),
        steps,
        block,
    ];
    for text in texts {
        let messages = on_a_small_stack(move || both(&text).map(|result| result.unwrap_err()));
        for error in messages {
            assert!(error.is_limit(), "{error}");
            assert!(error.message().ends_with("exceeded max depth of 1000"), "{error}");
            assert!(error.line().is_some());
        }
    }
}

#[test]
fn the_deepest_allowed_value_is_handled_and_dropped() {
    let text = format!("{}x{}", "[{a: ".repeat(500), "}]".repeat(500));
    // Dropping a value recurses; half of the smallest stack in use has to do, without optimisation too.
    let results = on_a_stack(1 << 20, move || {
        let [v2, kyaml] = both(&text).map(Result::unwrap);
        let text = json::to_string(&v2).unwrap();
        let again = json::from_str(&text, &Limits::default()).unwrap();
        let emitted = v2::marshal(&again).unwrap();
        let equal = json::to_string(&kyaml).unwrap() == text;
        drop((v2, kyaml, again));
        (equal, emitted.len())
    });
    assert!(results.0 && results.1 > 200_000);
}

#[test]
fn depth_through_aliases_counts() {
    let mut text = String::from("a0: &a0 x\n");
    for i in 1..60 {
        text.push_str(&format!("a{i}: &a{i} {}*a{}{}\n", "[".repeat(30), i - 1, "]".repeat(30)));
    }
    for result in on_a_small_stack(move || both(&text)) {
        assert!(result.unwrap_err().is_limit());
    }
}

#[test]
fn alias_bombs_are_an_error() {
    let mut laughs = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    let mut merges = String::from("a0: &a0 {k0: [1, 2, 3]}\n");
    for i in 1..12 {
        let refs = vec![format!("*a{}", i - 1); 10].join(", ");
        laughs.push_str(&format!("a{i}: &a{i} [{refs}]\n"));
        merges.push_str(&format!("a{i}: &a{i} {{<<: [{refs}], k{i}: {{<<: [{refs}]}}}}\n"));
    }
    for text in [laughs, merges] {
        for result in both(&text) {
            let error = result.unwrap_err();
            assert_eq!(error.message(), "yaml: document contains excessive aliasing");
            assert!(error.is_limit() && error.line().is_some());
        }
    }
}

#[test]
fn an_anchor_inside_itself_is_an_error() {
    for text in [
        "&a [*a]",
        "&a {b: *a}",
        "&a {<<: *a}",
        "&a {? *a : b}",
        "a: &a {b: {<<: [*a]}}",
        "&a {b: &b {c: *a, d: *b}}",
    ] {
        for result in both(text) {
            assert!(result.is_err(), "{text}");
        }
    }
}

#[test]
fn sizes_are_budgets() {
    let limits = Limits { bytes: 10, ..Limits::default() };
    assert!(v2::to_value(b"a: 12345678", &limits).unwrap_err().is_limit());
    let limits = Limits { nodes: 10, ..Limits::default() };
    let error = v2::to_value(b"[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]", &limits).unwrap_err();
    assert_eq!(error.message(), "yaml: document has more than 10 nodes");
    assert_eq!((error.line(), error.column()), (Some(1), Some(29)));
}

#[test]
fn json_nesting_is_a_budget() {
    let text = "[".repeat(100_000);
    let error = on_a_small_stack(move || json::from_str(&text, &Limits::default()).unwrap_err());
    assert!(error.is_limit());
}

#[test]
fn mistakes_in_json_have_a_place() {
    let cases = [
        ("", "unexpected end of JSON input", (1, 1)),
        ("{\"a\": 1,}", "invalid character '}' looking for beginning of object key string", (1, 9)),
        ("[1 2]", "invalid character '2' after array element", (1, 4)),
        ("{\"a\" 1}", "invalid character '1' after object key", (1, 6)),
        ("nul", "invalid character 'n' in literal null", (1, 1)),
        ("[\n01]", "invalid character '1' after array element", (2, 2)),
        ("\"\\x\"", "invalid character 'x' in string escape code", (1, 3)),
        ("1 1", "invalid character '1' after top-level value", (1, 3)),
        ("\"a\n\"", "invalid character '\\n' in string literal", (1, 3)),
        ("1e999", "json: cannot unmarshal number 1e999 into Go value of type float64", (1, 1)),
    ];
    for (text, message, (line, column)) in cases {
        let error = json::from_str(text, &Limits::default()).unwrap_err();
        assert_eq!(
            (error.message(), error.line(), error.column()),
            (message, Some(line), Some(column)),
            "{text}"
        );
    }
}

/// Aliases to one long text, as values, keys and through merges.
fn long_aliases(text: &str) -> [String; 4] {
    let long = format!("x: &x {text}\n");
    let many = |alias: &str| vec![alias; 2_000].join(",");
    [
        format!("{long}y: [{}]\n", many("*x")),
        format!("{long}y: [{}]\n", many("{*x : 1}")),
        format!("x: &x {{? {text} : {text}}}\ny: [{}]\n", many("*x")),
        format!("x: &x {{a: {text}}}\ny: [{}]\n", many("{<<: *x}")),
    ]
}

#[test]
fn aliases_are_counted_in_bytes() {
    for text in long_aliases(&"a".repeat(100_000)) {
        let error = v2::to_value(text.as_bytes(), &Limits::default()).unwrap_err();
        assert!(error.is_limit(), "{error}");
        assert_eq!(error.message(), format!("yaml: aliases expand to more than {} bytes", 64 << 20));
    }
    for text in long_aliases(&"a".repeat(100)) {
        assert!(v2::to_value(text.as_bytes(), &Limits::default()).is_ok(), "{text:.80}");
    }
}

#[test]
fn an_entry_that_is_merged_again_and_again_is_counted() {
    let wide: String = (0..3_000).map(|at| format!("k{at}: 1, ")).collect();
    let text = format!("a: &a {{{wide}}}\nb: {{<<: [{}]}}\n", vec!["*a"; 3_000].join(","));
    for result in both(&text) {
        let error = result.unwrap_err();
        assert!(error.is_limit(), "{error}");
    }
}

#[test]
fn tags_by_the_hundred_thousand_are_read_at_once() {
    let tags: String = (0..100_000).map(|at| format!("%TAG !a{at}! tag:x{at}:\n")).collect();
    let text = format!("{tags}---\na: !a99999!b c\n");
    for result in both(&text) {
        assert_eq!(json::to_string(&result.unwrap()).unwrap(), r#"{"a":"c"}"#);
    }
    let twice = text.replace("!a99999! tag", "!a5! tag");
    assert!(both(&twice).iter().all(|result| result.is_err()));
}

#[test]
fn a_message_is_no_copy_of_the_text_it_is_about() {
    let digits = "9".repeat(1 << 20);
    for text in [format!("a: !!int {digits}x"), format!("? ~\n: {digits}"), format!("? [{digits}]\n: 1")] {
        let error = v2::to_value(text.as_bytes(), &Limits::default()).unwrap_err();
        assert!(error.message().len() < 300 << 10, "{}", error.message().len());
    }
    let error = json::from_str(&format!("{digits}e999"), &Limits::default()).unwrap_err();
    assert!(error.message().len() < 300 << 10);
}
