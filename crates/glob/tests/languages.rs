//! Our own table of patterns and names for each language. Where a case was in doubt, the Go library of that language
//! (gobwas/glob v0.2.3, doublestar v4.10.0, Go 1.26) gave the answer.

use std::time::{Duration, Instant};

use manifestd_glob::{Error, doublestar, gobwas, path};

/// Pattern, names that match, names that do not.
type Case = (&'static str, &'static [&'static str], &'static [&'static str]);

fn check(cases: &[Case], matches: impl Fn(&str, &str) -> bool) {
    for (pattern, yes, no) in cases {
        for name in *yes {
            assert!(matches(pattern, name), "{pattern:?} must match {name:?}");
        }
        for name in *no {
            assert!(!matches(pattern, name), "{pattern:?} must not match {name:?}");
        }
    }
}

#[test]
fn gobwas_without_separators() {
    let cases: &[Case] = &[
        ("", &[""], &["a"]),
        ("*.yaml", &["a.yaml", "deep/er/a.yaml", ".yaml"], &["a.yml", "a.yaml.bak"]),
        ("{*.yaml,*.json}", &["a.yaml", "b/a.json"], &["a.jsonnet"]),
        ("{config.json,env-usw2/*}", &["config.json", "env-usw2/a/b.yaml"], &["a/config.json", "env-usw2"]),
        ("a?c", &["abc", "a/c", "aéc"], &["ac", "abbc"]),
        ("[ab]x", &["ax", "bx"], &["cx", "x"]),
        ("[!ab]x", &["cx", "/x"], &["ax"]),
        ("[a-c]x", &["bx"], &["dx", "-x"]),
        ("[ac-e]x", &["-x", "cx", "ex"], &["dx"]),
        ("[\\]]", &["]"], &["\\"]),
        ("\\*.yaml", &["*.yaml"], &["a.yaml"]),
        ("a,b}", &["a,b}"], &["a"]),
        ("{a,{b,c}d}e", &["ae", "bde", "cde"], &["be", "ade"]),
        ("{a,}b", &["ab", "b"], &["a"]),
        ("{a,b", &["a", "b"], &["{a,b"]),
        ("charts/*/values.yaml", &["charts/a/values.yaml", "charts/values.yaml"], &["values.yaml"]),
        ("ends\\", &["ends"], &["ends\\"]),
    ];
    check(cases, |pattern, name| gobwas::Pattern::compile(pattern, &[]).unwrap().matches(name));
}

#[test]
fn gobwas_with_a_separator() {
    let cases: &[Case] = &[
        ("https://host/*", &["https://host/a"], &["https://host/a/b"]),
        ("https://host/**", &["https://host/a", "https://host/a/b"], &["https://other/a"]),
        ("https://*.host/*/*.git", &["https://x.host/a/b.git"], &["https://x.host/b.git"]),
        ("a/*/b", &["a/x/b"], &["a/b", "a/x/y/b"]),
        ("?", &["a"], &["/", "ab"]),
        ("a***b", &["ab", "a/x/b"], &["a"]),
    ];
    check(cases, |pattern, name| gobwas::Pattern::compile(pattern, &['/']).unwrap().matches(name));
}

#[test]
fn gobwas_patterns_that_do_not_compile() {
    for pattern in ["[", "[]", "[]a]", "[a", "[b-a]", "[a-", "[a-bc]", "[!", "a\u{fffd}", "a\0b"] {
        assert!(gobwas::Pattern::compile(pattern, &[]).is_err(), "{pattern:?}");
    }
}

#[test]
fn doublestar_patterns() {
    let cases: &[Case] = &[
        ("*.yaml", &["a.yaml"], &["b/a.yaml"]),
        ("**/*.yaml", &["a.yaml", "b/a.yaml", "c/b/a.yaml"], &["a.yml"]),
        ("a/**", &["a", "a/", "a/b", "a/b/c"], &["ab", "b/a"]),
        ("a/**/", &["a", "a/b/"], &["a/b"]),
        ("a/**/b", &["a/b", "a/x/b", "a/x/y/b"], &["ab", "a/xb"]),
        ("a**/b", &["a/b", "ax/b"], &["a/x/b"]),
        ("**", &["", "a", "a/b"], &[]),
        ("**a", &["a", "ba"], &["b/a"]),
        ("values-{dev,prod}.yaml", &["values-dev.yaml"], &["values-.yaml"]),
        ("{a,b/**}/c", &["a/c", "b/c", "b/x/y/c"], &["a/x/c"]),
        ("{**,a}/b", &["b", "x/y/b", "a/b"], &["bb"]),
        ("a{,b}**/c", &["a/c", "ab/c", "a/x/c"], &["a"]),
        ("a*{,b}", &["ax", "axb"], &["a"]),
        ("[a-c]?", &["b1"], &["d1", "b/"]),
        ("[^a]x", &["bx", "/x"], &["ax"]),
        ("[!a]x", &["bx"], &["ax"]),
        ("[a-c-e]", &["b", "-", "e"], &["d"]),
        ("[\\a-c]", &["b"], &["\\"]),
        ("\\*", &["*"], &["a"]),
        ("a,b", &["a,b"], &["a"]),
    ];
    check(cases, |pattern, name| doublestar::matches(pattern, name).unwrap());
}

#[test]
fn doublestar_patterns_that_do_not_compile() {
    for pattern in ["[", "[]", "[^]a]", "{a", "a}", "a\\", "{[a,b]}c", "[a"] {
        assert!(doublestar::matches(pattern, "a").is_err(), "{pattern:?}");
    }
}

#[test]
fn path_patterns() {
    let cases: &[Case] = &[
        ("*", &["a", ""], &["a/b"]),
        ("a/*/c", &["a/b/c"], &["a/c", "a/b/b/c"]),
        ("**", &["ab"], &["a/b"]),
        ("[a-c]?", &["b1"], &["d1", "b/"]),
        ("[^a]b", &["cb", "/b"], &["ab"]),
        ("[!a]", &["!", "a"], &["b"]),
        ("[\\-a]", &["-", "a"], &["\\"]),
        ("{a,b}", &["{a,b}"], &["a"]),
        ("a\\*", &["a*"], &["ab"]),
    ];
    check(cases, |pattern, name| path::matches(pattern, name).unwrap());
    for pattern in ["[", "[]a]", "[-]", "[a-]", "a\\", "[a", "[^]"] {
        assert!(path::matches(pattern, "x").is_err(), "{pattern:?}");
    }
}

#[test]
fn hostile_patterns_take_no_longer_than_others() {
    let name = "a".repeat(4000);
    let stars = "*a".repeat(1000) + "b";
    let begun = Instant::now();
    assert!(!gobwas::Pattern::compile(&stars, &[]).unwrap().matches(&name));
    assert!(!doublestar::matches(&stars, &name).unwrap());
    assert!(!path::matches(&stars, &name).unwrap());
    let groups = "{a,aa}".repeat(600) + "b";
    assert!(!gobwas::Pattern::compile(&groups, &[]).unwrap().matches(&name));
    assert!(!doublestar::matches(&groups, &name).unwrap());
    assert!(!doublestar::matches(&("**/".repeat(1300) + "b"), &"a/".repeat(2000)).unwrap());
    // Without a bound these would take longer than the universe has lasted.
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}

#[test]
fn nesting_and_length_are_bounded() {
    let deep = "{a,".repeat(1000);
    assert_eq!(gobwas::Pattern::compile(&deep, &[]).err(), Some(Error::TooDeep));
    let deep = deep + &"}".repeat(1000);
    assert_eq!(doublestar::matches(&deep, "a"), Err(Error::TooDeep));
    let long = "a".repeat(5000);
    assert_eq!(gobwas::Pattern::compile(&long, &[]).err(), Some(Error::TooLong));
    assert_eq!(path::matches(&long, "a"), Err(Error::TooLong));
}

proptest::proptest! {
    /// Any text is a pattern or an error, never a panic; a text without special characters matches itself alone.
    #[test]
    fn no_text_panics(pattern in "[a-c*?\\[\\]{},!^\\\\/é-]{0,12}", name in "[a-c/,é-]{0,8}") {
        let _ = gobwas::Pattern::compile(&pattern, &[]).map(|pattern| pattern.matches(&name));
        let _ = doublestar::matches(&pattern, &name);
        let _ = path::matches(&pattern, &name);
        proptest::prop_assert!(gobwas::Pattern::compile(&name, &['/']).unwrap().matches(&name));
        proptest::prop_assert!(doublestar::matches(&name, &name).unwrap());
        proptest::prop_assert!(path::matches(&name, &name).unwrap());
    }
}
