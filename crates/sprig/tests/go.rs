//! Every template of `testdata/sprig/cases.jsonl` gives what sprig 3.3.0, run by go1.26.8, gave, error texts included.
//!
//! The clock stands still here and random bytes come from a counter; the cases are those that do not show it.

use std::path::Path;
use std::rc::Rc;

use gotmpl::{
    Budget, CallError, Function, Host, Limits, List, ListType, Machine, Map, Set, Value, builtins, parse,
};

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
        ("el", List::any(vec![]).into()),
        ("m", m),
        ("em", map(&[])),
        ("n", Value::int(7)),
        ("i64", Value::int64(9)),
        ("f", 2.5.into()),
        ("u", "é<&'\"=\0x".into()),
        ("strs", Value::strings(["x", "y"])),
        ("ints", List::new(ListType::Ints, vec![Value::int(1), Value::int(2)]).into()),
    ])
}

/// Random bytes are a counter that begins at the seed.
struct Seeded(u8);

impl Host for Seeded {
    fn method(&self, _receiver: &Value, _name: &str) -> Option<&'static Function> {
        None
    }

    fn random(&mut self, _function: &'static str, bytes: &mut [u8]) -> Result<(), CallError> {
        for byte in bytes {
            self.0 = self.0.wrapping_add(1);
            *byte = self.0;
        }
        Ok(())
    }

    fn now(&mut self, _function: &'static str) -> Result<i64, CallError> {
        Ok(1_700_000_000)
    }

    fn as_any(&mut self) -> &mut dyn std::any::Any {
        self
    }
}

fn render(text: &str, seed: u8) -> Result<String, String> {
    let functions = [&manifestd_sprig::functions(), builtins::FUNCTIONS].concat();
    let number = |name: &str| functions.iter().position(|function| function.name == name);
    let mut set = Set::new();
    for template in parse("t", text, &number).map_err(|error| error.to_string())? {
        set.add(template);
    }
    let mut host = Seeded(seed);
    let budget = Budget::new(Limits::default(), &|| false);
    let out = Machine::new(&functions, Rc::new(set), &mut host, &budget).execute("t", &data());
    out.map(|out| String::from_utf8_lossy(&out).into_owned()).map_err(|error| error.to_string())
}

#[test]
fn templates_give_what_sprig_gives() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/sprig/cases.jsonl");
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
        let got = render(template, 0);
        if got != want {
            failures.push(format!("{template:?}\n  want {want:?}\n  got  {got:?}"));
        }
    }
    assert!(count > 700, "only {count} cases were read");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn chance_is_the_seed() {
    for text in [
        "{{ uuidv4 }}",
        "{{ randAlphaNum 20 }}",
        "{{ randBytes 9 }}",
        "{{ shuffle \"abcdefghijklmnop\" }}",
        "{{ randInt 0 1000000000 }}",
        "{{ htpasswd \"u\" \"p\" }}",
        "{{ encryptAES \"k\" \"secret\" }}",
        "{{ genPrivateKey \"ecdsa\" }}",
        "{{ genPrivateKey \"ed25519\" }}",
        "{{ (genSignedCert \"cn\" nil nil 9 (genCA \"ca\" 9)).Cert }}",
    ] {
        let first = render(text, 1).unwrap();
        assert_eq!(render(text, 1).unwrap(), first, "{text}");
        assert_ne!(render(text, 2).unwrap(), first, "{text}");
    }
}

#[test]
fn now_is_the_clock_of_the_host() {
    let text =
        "{{ now }} {{ date \"2006-01-02\" \"no time\" }} {{ ago (int64 1699999000) }} {{ now | unixEpoch }}";
    assert_eq!(render(text, 0).unwrap(), "2023-11-14 22:13:20 +0000 UTC 2023-11-14 16m40s 1700000000");
}

#[test]
fn certificates_are_read_back() {
    let text = "{{ $ca := genCA \"ca\" 9 }}{{ $c := genSignedCert \"cn\" (list \"10.0.0.1\") (list \"a.b\") 9 $ca }}\
        {{ $b := buildCustomCert (b64enc $c.Cert) (b64enc $c.Key) }}{{ eq $b.Cert $c.Cert }}\
        {{ $d := genSignedCertWithKey \"cn\" nil nil 9 $ca $c.Key }}{{ eq $d.Key $c.Key }}";
    assert_eq!(render(text, 0).unwrap(), "truetrue");
}

#[test]
fn a_certificate_wants_the_key_of_its_issuer() {
    let text = "{{ $k := genPrivateKey \"ecdsa\" }}{{ $a := genCAWithKey \"a\" 9 $k }}\
        {{ $b := buildCustomCert (b64enc $a.Cert) (b64enc (genPrivateKey \"ed25519\")) }}\
        {{ genSignedCertWithKey \"x\" nil nil 9 $b $k }}";
    let error = render(text, 0).unwrap_err();
    assert!(error.ends_with("x509: provided PrivateKey doesn't match parent's PublicKey"), "{error}");
}

#[test]
fn a_damaged_certificate_is_none() {
    let of = |cert: &str| {
        let text =
            "{{ $k := genPrivateKey \"ecdsa\" }}{{ $c := genCAWithKey \"a\" 9 $k }}{{ buildCustomCert (";
        render(&format!("{text}{cert} | b64enc) (b64enc $k) }}}}"), 0).unwrap_err()
    };
    let cut = of("$c.Cert | trunc 400");
    assert!(cut.ends_with("unable to decode certificate"), "{cut}");
    let nothing = of("\"-----BEGIN X-----\\nMAMCAQE=\\n-----END X-----\"");
    assert!(nothing.contains("x509: malformed certificate"), "{nothing}");
}

#[test]
fn hostile_arguments_end_within_their_budget() {
    let error = render("{{ randAlphaNum 9999999999 }}", 0).unwrap_err();
    assert!(error.contains("than the budget allows"), "{error}");
    let error = render("{{ mustRegexMatch \"(?:\\\\pL{100}){10}\" \"a\" }}", 0).unwrap_err();
    assert!(error.contains("expression too large"), "{error}");
    // A derived password takes a hundred milliseconds: the budget allows some hundred of them.
    let endless = "{{ range 1000 }}{{ $_ := derivePassword 1 \"pin\" \"p\" \"u\" \"s\" }}{{ end }}";
    let error = render(endless, 0).unwrap_err();
    assert!(error.contains("more steps than the budget allows"), "{error}");
}
