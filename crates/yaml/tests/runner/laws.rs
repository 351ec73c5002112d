//! Laws: what was written is read back, in YAML and in JSON.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use yaml::{Dialect, Document, Limits, Map, Value, json, kyaml, v2};

/// Pieces that matter to a YAML writer, beside any text at all.
const PIECES: [&str; 28] = [
    " ", "\n", "\t", "\r", "'", "\"", "#", ": ", ":", "- ", "-", "?", "{", "]", ",", "&", "*", "!", "|", ">",
    "%", "@", "word ", "é", "\u{85}", "\u{2028}", "😀", "\u{feff}",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::collection::vec(proptest::sample::select(&PIECES[..]), 0..60)
            .prop_map(|pieces| pieces.concat()),
        "[-+.0-9:_exobTZ~ ]{0,12}",
        "\\PC{0,20}",
        any::<String>(),
        proptest::sample::select(vec!["yes", "null", "1_000", "0o7", "2030-01-01", ".inf", "=", "<<", "---"])
            .prop_map(str::to_owned),
    ]
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::Uint),
        any::<f64>().prop_filter("JSON has only finite numbers", |x| x.is_finite()).prop_map(Value::from),
        text().prop_map(Value::from),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(4, 40, 6, |inner| {
        // go-yaml writes the key `<<` plain and reads it as a merge.
        let key = text().prop_filter("not a merge key", |key| key != "<<");
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::vec((key, inner), 0..6)
                .prop_map(|entries| entries.into_iter().collect::<Map>().into()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, rng_seed: RngSeed::Fixed(23), ..ProptestConfig::default() })]

    #[test]
    fn yaml_is_read_back(value in value()) {
        let text = v2::emit(&value);
        let back = v2::to_value(text.as_bytes(), &Limits::default()).map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?;
        prop_assert_eq!(json::as_kubernetes(back), json::as_kubernetes(value), "{}", text);
    }

    #[test]
    fn json_is_read_back(value in value()) {
        let text = json::to_string(&value).expect("only finite numbers");
        prop_assert_eq!(json::from_str(&text, &Limits::default()).expect("our own JSON"), json::as_kubernetes(value));
        prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
    }

    #[test]
    fn marshal_is_the_long_way_round(value in value()) {
        let by_text = json::to_string(&value).and_then(|text| v2::to_value(text.as_bytes(), &Limits::default()));
        prop_assert_eq!(v2::marshal(&value).ok(), by_text.ok().map(|value| v2::emit(&value)));
    }

    #[test]
    fn any_text_is_an_answer(text in prop_oneof![text(), any::<String>(), value().prop_map(|v| v2::emit(&v))], cut in any::<prop::sample::Index>()) {
        let limits = Limits::default();
        let cut = cut.index(text.len() + 1);
        for bytes in [text.as_bytes(), &text.as_bytes()[..cut], &text.as_bytes()[cut..]] {
            let _ = v2::to_value(bytes, &limits);
            let _ = kyaml::to_value(bytes, &limits);
            let source = yaml::Source::new(bytes, &limits).expect("small");
            let _ = Document::all(&source, Dialect::V3, &limits);
        }
    }
}
