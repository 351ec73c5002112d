//! Literals and env files.

use super::*;

fn pairs(bytes: &[u8]) -> Vec<(String, String)> {
    let text = |pair: Pair| (pair.key, String::from_utf8(pair.value).unwrap());
    env_file(bytes).unwrap().into_iter().map(text).collect()
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn literals() {
    for (text, key, value) in [
        ("a=b", "a", "b"),
        ("a=", "a", ""),
        ("a=b=c", "a", "b=c"),
        ("a=\"b\"", "a", "b"),
        ("a='b'", "a", "b"),
        ("a='b\"", "a", "'b\""),
        ("a=\"", "a", "\""),
        ("a=\"\"b\"\"", "a", "\"b\""),
    ] {
        let pair = literal(text).unwrap();
        assert_eq!((pair.key.as_str(), pair.value.as_slice()), (key, value.as_bytes()), "{text}");
    }
    for text in ["", "abc", "=b"] {
        let error = literal(text).err().unwrap().to_string();
        assert_eq!(error, format!("invalid literal source {text}, expected key=value"));
    }
}

#[test]
fn env_files() {
    let text = "\u{feff}A=1\r\n# no\n\n  B = 2 \nC\nexport D=\"x\"\n\tE==\n";
    let wanted = [("A", "1"), ("B ", " 2 "), ("C", ""), ("export D", "\"x\""), ("E", "=")];
    assert_eq!(pairs(text.as_bytes()), owned(&wanted));
    assert_eq!(pairs(b""), []);
}

#[test]
fn a_line_that_is_too_long_ends_the_file_silently() {
    let long = format!("A=1\nB={}\nC=3\n", "x".repeat(MAX_LINE));
    assert_eq!(pairs(long.as_bytes()), owned(&[("A", "1")]));
}

#[test]
fn env_files_are_text() {
    let error = env_file(b"A=1\nB=\xff\n").err().unwrap().to_string();
    assert!(error.starts_with("line [66 61 255] has invalid utf8 bytes : B="), "{error}");
}
