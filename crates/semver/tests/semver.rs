//! Our own table of versions and constraints. In doubt Masterminds/semver v3.5.0 gave the answer.

use manifestd_semver::{Constraint, Version};

#[test]
fn versions_are_read_loosely_and_printed_in_normal_form() {
    let cases = [
        ("1.2.3", "1.2.3"),
        ("v1.2", "1.2.0"),
        ("1", "1.0.0"),
        ("01.02.03", "1.2.3"),
        ("v1.2.3-rc.1+build.5", "1.2.3-rc.1+build.5"),
        ("1-alpha", "1.0.0-alpha"),
    ];
    for (text, normal) in cases {
        let version = Version::parse(text).unwrap();
        assert_eq!(version.to_string(), normal, "{text}");
        assert_eq!(version.original(), text);
    }
}

#[test]
fn errors_are_worded_as_helm_shows_them() {
    let cases = [
        ("1.2.3.4", "invalid semantic version"),
        ("V1", "invalid semantic version"),
        ("", "invalid semantic version"),
        ("1.2.3-01", "version segment starts with 0"),
        (
            "99999999999999999999",
            "error parsing version segment: strconv.ParseUint: parsing \"99999999999999999999\": value out of range",
        ),
    ];
    for (text, message) in cases {
        assert_eq!(Version::parse(text).unwrap_err().to_string(), message, "{text}");
    }
    assert_eq!(
        Version::parse(&"1".repeat(300)).unwrap_err().to_string(),
        "version string is too long (max 256 bytes)"
    );
    let strict = [
        ("", "version string empty"),
        ("1.2", "invalid semantic version"),
        ("v1.2.3", "invalid characters in version"),
        ("1.02.3", "version segment starts with 0"),
        ("1.2.3-", "invalid prerelease string"),
        ("1.2.3+a..b", "invalid metadata string"),
        ("1..3", "strconv.ParseUint: parsing \"\": invalid syntax"),
    ];
    for (text, message) in strict {
        assert_eq!(Version::parse_strict(text).unwrap_err().to_string(), message, "{text}");
    }
}

#[test]
fn versions_are_ordered_as_semver_orders_them() {
    let ascending = [
        "0.9",
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-rc.2",
        "1.0.0-rc.10",
        "1.0.0",
        "1.0.1",
        "1.10",
    ];
    for pair in ascending.windows(2) {
        assert!(Version::parse(pair[0]).unwrap() < Version::parse(pair[1]).unwrap(), "{pair:?}");
    }
    assert_eq!(Version::parse("1.0.0+a").unwrap(), Version::parse("v1+b").unwrap());
}

#[test]
fn constraints_allow_what_the_library_allows() {
    // Constraint, versions allowed, versions refused.
    let cases: &[(&str, &[&str], &[&str])] = &[
        ("1.2.3", &["1.2.3", "v1.2.3+meta"], &["1.2.4"]),
        ("=1.2", &["1.2.0", "1.2.9"], &["1.3.0"]),
        ("!=1.2", &["1.3.0", "2.2.0"], &["1.2.7"]),
        (">1", &["2.0.0"], &["1.5.0"]),
        (">1.2", &["1.3.0"], &["1.2.9"]),
        ("<=1.2", &["1.2.9"], &["1.3.0"]),
        ("=<1.2.3", &["1.2.3"], &["1.2.4"]),
        ("=>1.2.3", &["1.2.3"], &["1.2.2"]),
        ("~1", &["1.9.0"], &["2.0.0"]),
        ("~>1.2.3", &["1.2.9"], &["1.3.0", "1.2.2"]),
        ("^1.2.3", &["1.9.0"], &["2.0.0", "1.2.2"]),
        ("^0.2.3", &["0.2.9"], &["0.3.0"]),
        ("^0.0.3", &["0.0.3"], &["0.0.4"]),
        ("^0", &["0.9.9"], &["1.0.0"]),
        ("*", &["0.0.0", "9.9.9"], &["1.0.0-rc.1"]),
        ("1.x", &["1.9.0"], &["2.0.0"]),
        ("1.2 - 1.4.5", &["1.2.0", "1.4.5"], &["1.4.6", "1.1.9"]),
        (">=1.2 <2 || >=3", &["1.5.0", "3.0.0"], &["2.0.0"]),
        (">= 1.2.0, != 1.3.0", &["1.4.0"], &["1.3.0"]),
        (">=1.2.0", &["1.3.0"], &["1.3.0-beta"]),
        (">=1.2.0-0", &["1.3.0-beta"], &["1.2.0-"]),
        (">=1.19-0 <2", &["1.20.0-rc.1", "1.30.1"], &["2.0.0"]),
    ];
    for (text, allowed, refused) in cases {
        let constraint = Constraint::parse(text).unwrap();
        for version in *allowed {
            assert!(constraint.allows(&Version::parse(version).unwrap()), "{text} allows {version}");
        }
        for version in refused.iter().filter_map(|text| Version::parse(text).ok()) {
            assert!(!constraint.allows(&version), "{text} refuses {version}");
        }
    }
}

#[test]
fn what_is_no_constraint_says_so() {
    for (text, message) in [
        ("foo", "improper constraint: \"foo\""),
        ("main", "improper constraint: \"main\""),
        ("", "improper constraint: \"\""),
        (">=1 ||", "improper constraint: \"\""),
        (">=1,", "improper constraint: \">=1,\""),
        ("a \"b\"\t", "improper constraint: \"a \\\"b\\\"\\t\""),
        ("1.2.3.4", "improper constraint: \"1.2.3.4\""),
        ("1.2.3-01", "constraint parser error"),
        ("xx", "constraint parser error"),
    ] {
        assert_eq!(Constraint::parse(text).unwrap_err().to_string(), message, "{text:?}");
    }
    assert!(Constraint::parse(&"1||".repeat(40)).is_err());
    assert!(Constraint::parse(&"1".repeat(600)).is_err());
}

#[test]
fn the_highest_of_many_tags() {
    let tags = ["v1.0.0", "v1.2.0", "1.2.0", "v2.0.0-rc.1", "v2.0.0", "latest", "nightly-2024"];
    let highest = |text: &str| Constraint::parse(text).unwrap().highest(tags);
    assert_eq!(highest("1.*"), Some("v1.2.0"));
    assert_eq!(highest("<2.0.0-z"), Some("v2.0.0-rc.1"));
    assert_eq!(highest("*"), Some("v2.0.0"));
    assert_eq!(highest(">=3"), None);
}

proptest::proptest! {
    /// No text panics, and a version survives being printed and read again.
    #[test]
    fn no_text_panics(text in "[v0-9xX*.|<>=!~^, a-c+-]{0,24}") {
        let _ = Constraint::parse(&text);
        let _ = Version::parse_strict(&text);
        if let Ok(version) = Version::parse(&text) {
            proptest::prop_assert_eq!(Version::parse_strict(&version.to_string()).unwrap(), version);
        }
    }
}
