//! Hostile charts: each ends with an error or within its budget; nothing is read that is not the chart's.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::io::Write;

use gotmpl::Limits;
use manifestd_helm::ValuesOptions;
use support::{on_stack, render, render_within, tree};
use tree::{MemoryTree, TreePath};

const CHART: (&str, &str) = ("c/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n");

/// What a chart of these files ends with.
fn failure(files: &[(&str, &str)]) -> String {
    let files: Vec<_> = files.iter().copied().chain([CHART]).collect();
    render(&tree(&files), "c", &ValuesOptions::default()).unwrap_err().message
}

/// What one template prints or ends with, under a small budget.
fn template(text: &str) -> Result<String, String> {
    let files: Vec<(String, String)> =
        vec![(CHART.0.to_owned(), CHART.1.to_owned()), ("c/templates/t.yaml".to_owned(), text.to_owned())];
    on_stack(move || {
        let files: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        let limits = Limits { steps: 200_000, bytes: 32 << 20 };
        render_within(&tree(&files), "c", &ValuesOptions::default(), limits).map_err(|error| error.message)
    })
}

fn archive(entries: &[(&str, tar::EntryType, &[u8])]) -> MemoryTree {
    let mut archive =
        tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (name, kind, content) in entries {
        let mut header = tar::Header::new_ustar();
        // Not `set_path`, which refuses what a hostile archive holds.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_size(content.len() as u64);
        if kind.is_symlink() || kind.is_hard_link() {
            header.set_link_name("/etc/passwd").unwrap();
        }
        header.set_cksum();
        archive.append(&header, *content).unwrap();
    }
    let packed = archive.into_inner().unwrap().finish().unwrap();
    let mut builder = MemoryTree::builder();
    builder.file(TreePath::parse("c.tgz").unwrap(), packed);
    builder.build().unwrap()
}

fn unpacked(entries: &[(&str, tar::EntryType, &[u8])]) -> Result<String, String> {
    let chart = [("c/Chart.yaml", tar::EntryType::Regular, CHART.1.as_bytes())];
    let entries: Vec<_> = chart.into_iter().chain(entries.iter().copied()).collect();
    render(&archive(&entries), "c.tgz", &ValuesOptions::default()).map_err(|error| error.message)
}

#[test]
fn archives_stay_inside_themselves() {
    let file = tar::EntryType::Regular;
    for (name, why) in [
        ("c/../../x", "chart illegally references parent directory"),
        ("c//etc/x", "chart illegally contains absolute paths"),
        ("c/c:/x", "chart contains illegally named files"),
        ("c\\..\\..\\x", "chart illegally references parent directory"),
        ("Chart.yaml", "chart yaml not in base directory"),
        ("c/.", "chart illegally contains content outside the base directory"),
    ] {
        assert_eq!(unpacked(&[(name, file, b"x")]).unwrap_err(), why, "{name}");
    }
}

#[test]
fn links_in_archives_lead_nowhere() {
    for kind in [tar::EntryType::Symlink, tar::EntryType::Link] {
        let show =
            ("c/templates/t.yaml", tar::EntryType::Regular, &b"a: {{ .Files.Get \"f\" | quote }}\n"[..]);
        let printed = unpacked(&[("c/f", kind, b""), show]).unwrap();
        assert!(printed.ends_with("a: \"\"\n"), "{printed}");
    }
}

#[test]
fn archive_bombs_are_refused() {
    let file = tar::EntryType::Regular;
    let large = vec![0; (5 << 20) + 1];
    let names: Vec<String> = (0..21).map(|number| format!("c/{number}")).collect();
    let many: Vec<_> = names.iter().map(|name| (name.as_str(), file, &large[1..])).collect();
    let error = unpacked(&many).unwrap_err();
    assert_eq!(error, "decompressed chart is larger than the maximum size 104857600");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    (0..25).for_each(|_| packed.write_all(&large).unwrap());
    let mut builder = MemoryTree::builder();
    builder.file(TreePath::parse("c.tgz").unwrap(), packed.finish().unwrap());
    assert!(render(&builder.build().unwrap(), "c.tgz", &ValuesOptions::default()).is_err());
}

#[test]
fn links_stay_in_the_tree() {
    for link in [">/etc/passwd", ">../../../etc/passwd", ">loop"] {
        let error = failure(&[("c/templates/loop", link)]);
        assert!(error.contains("c/templates/loop"), "{error}");
        assert!(!error.contains("root:"), "{error}");
    }
}

#[test]
fn schemas_refer_to_nothing_elsewhere() {
    for to in ["file:///dev/zero", "file:///etc/passwd", "http://169.254.169.254/x", "../../x.json"] {
        let schema = format!("{{\"properties\": {{\"a\": {{\"$ref\": \"{to}\"}}}}}}");
        let error = failure(&[("c/values.schema.json", &schema), ("c/values.yaml", "a: 1\n")]);
        assert!(error.contains("a schema may only refer to parts of itself"), "{error}");
    }
    let endless = "{\"$defs\": {\"a\": {\"allOf\": [{\"$ref\": \"#/$defs/a\"}, {\"$ref\": \"#/$defs/a\"}]}}, \"$ref\": \"#/$defs/a\"}";
    failure(&[("c/values.schema.json", endless)]);
    let deep = format!("{}{}", "{\"not\":".repeat(100_000), "}".repeat(100_000));
    failure(&[("c/values.schema.json", &deep)]);
}

#[test]
fn aliases_of_aliases_are_refused() {
    let mut bomb = "a0: &a0 [x]\n".to_owned();
    for level in 1..30 {
        let before = level - 1;
        bomb += &format!("a{level}: &a{level} [*a{before}, *a{before}, *a{before}, *a{before}]\n");
    }
    failure(&[("c/values.yaml", &bomb)]);
    failure(&[("c/Chart.yaml.x", ""), ("c/requirements.yaml", &bomb)]);
    let text = bomb.replace('\n', "\\n");
    let printed = template(&format!("a: {{{{ fromYaml \"{text}\" | keys | len }}}}")).unwrap();
    assert!(printed.ends_with("a: 1\n"), "fromYaml has an error under one key: {printed}");
}

/// A map that holds itself, one that holds itself twice, and one whose text is endless though nothing holds itself.
const ENDLESS: [&str; 3] = [
    "{{ $x := dict }}{{ $_ := set $x \"x\" $x }}{{ $y := dict }}{{ $_ := set $y \"x\" $y }}",
    "{{ $x := dict }}{{ $_ := set $x \"x\" (list $x $x) }}{{ $y := dict }}{{ $_ := set $y \"x\" (list $y $y) }}",
    "{{ $x := dict \"a\" 1 }}{{ $y := dict \"a\" 1 }}{{ range 60 }}{{ $x = dict \"l\" $x \"r\" $x }}{{ $y = dict \"l\" $y \"r\" $y }}{{ end }}",
];

#[test]
fn endless_values_are_errors() {
    for endless in ENDLESS {
        for use_ in [
            "$x",
            "print $x",
            "println $x",
            "printf \"%v\" $x",
            "printf \"%#v\" $x",
            "printf \"%!\" $x",
            "html $x",
            "js $x",
            "urlquery $x",
            "toString $x",
            "quote $x",
            "squote $x",
            "cat $x",
            "join \",\" (list $x)",
            "toStrings (list $x)",
            "sortAlpha (list $x)",
            "deepEqual $x $y",
            "has $x (list $y)",
            "uniq (list $x $y)",
            "without (list $x) $y",
            "deepCopy $x",
            "merge $x $y",
            "mergeOverwrite $x $y",
        ] {
            let error = template(&format!("{endless}a: {{{{ {use_} }}}}")).unwrap_err();
            let told = error.contains("hold themselves") || error.contains("than the budget allows");
            assert!(told, "{use_}: {error}");
        }
    }
}

#[test]
fn endless_values_are_nothing_to_encoders() {
    for use_ in ["toYaml", "toYamlPretty", "toJson", "toPrettyJson"] {
        assert_eq!(template(&format!("{}{{{{ {use_} $x }}}}", ENDLESS[0])).as_deref(), Ok("\n"), "{use_}");
        template(&format!("{}{{{{ {use_} $x }}}}", ENDLESS[2])).unwrap_err();
    }
    for use_ in ["toRawJson", "mustToJson", "mustToYaml"] {
        template(&format!("{}{{{{ {use_} $x }}}}", ENDLESS[0])).unwrap_err();
    }
}

#[test]
fn values_nested_deeper_than_the_stack_are_freed() {
    for collection in ["dict \"l\" $x", "list $x"] {
        let deep =
            format!("{{{{ $x := list }}}}{{{{ range 40000 }}}}{{{{ $x = {collection} }}}}{{{{ end }}}}");
        // The stack of a test is small: this must not depend on how deep they are.
        let files = [CHART, ("c/templates/t.yaml", deep.as_str())];
        assert!(render(&tree(&files), "c", &ValuesOptions::default()).is_ok());
    }
}

#[test]
fn large_results_are_refused_before_they_are_made() {
    for use_ in [
        "until 2000000000",
        "untilStep 0 2000000000 1",
        "seq 2000000000",
        "seq -9223372036854775808 9223372036854775807",
        "repeat 2000000000 \"x\"",
        "repeat 9223372036854775807 \"xx\"",
        "indent 2000000000 \"x\"",
        "nindent 2000000000 \"x\"",
        "randAlpha 2000000000",
        "randBytes 2000000000",
        "range 2000000000 }}{{ end",
        "$s := \"x\" }}{{ range 40 }}{{ $s = cat $s $s }}{{ end",
        "$s := \"x\" }}{{ range 40 }}{{ $s = printf \"%s%s\" $s $s }}{{ end",
        "$s := list 1 }}{{ range 40 }}{{ $s = concat $s $s }}{{ end",
        "range 1000 }}{{ $_ := upper (repeat 100000 \"x\") }}{{ end",
    ] {
        let error = template(&format!("{{{{ {use_} }}}}")).unwrap_err();
        assert!(error.contains("than the budget allows"), "{use_}: {error}");
    }
}

#[test]
fn wide_and_precise_verbs_are_what_go_makes_of_them() {
    let length = |text: &str| template(&format!("a: {{{{ {text} | len }}}}")).unwrap();
    for (text, want) in [
        ("printf \"%.999999f\" 1.0", 1_000_001),
        ("printf \"%.999999e\" 1.5", 1_000_005),
        ("printf \"%.999999g\" 1.5", 3),
        ("printf \"%.999999d\" 1", 999_999),
        ("printf \"%999999d\" 1", 999_999),
        ("printf \"%2000000000d\" 1", "%!(NOVERB)%!(EXTRA int=1)".len()),
    ] {
        let got = length(text);
        assert!(got.ends_with(&format!("a: {want}\n")), "{text}: {got}");
    }
}

#[test]
fn templates_that_call_themselves_end() {
    for text in [
        "{{ define \"a\" }}{{ include \"a\" . }}{{ end }}{{ include \"a\" . }}",
        "{{ define \"a\" }}{{ template \"a\" . }}{{ end }}{{ template \"a\" . }}",
        "{{ $d := dict }}{{ $_ := set $d \"t\" \"{{ tpl .t . }}{{ tpl .t . }}\" }}{{ tpl $d.t $d }}",
        "{{ define \"a\" }}{{ include \"b\" . }}{{ end }}{{ define \"b\" }}{{ include \"a\" . }}{{ include \"a\" . }}{{ end }}{{ include \"a\" . }}",
    ] {
        template(text).unwrap_err();
    }
}

#[test]
fn patterns_take_linear_time() {
    for text in [
        "regexMatch \"(a*)*b\" (repeat 20000 \"a\")",
        "regexMatch \"(a|a)*(a|a)*(a|a)*b\" (repeat 20000 \"a\")",
        "mustRegexMatch \"((a{100}){100}){100}\" \"x\"",
        "regexReplaceAll \"a*\" (repeat 100000 \"a\") (repeat 10000 \"$0\")",
    ] {
        let _ = template(&format!("a: {{{{ {text} }}}}"));
    }
}

#[test]
fn nothing_of_this_machine_is_seen() {
    let printed = template(
        "a: {{ .Files.Get \"../../etc/passwd\" }}{{ .Files.Get \"/etc/passwd\" }}{{ lookup \"v1\" \"Secret\" \"a\" \"b\" | len }}{{ getHostByName \"localhost\" }}",
    );
    assert!(printed.unwrap().ends_with("a: 0\n"));
    for function in ["env \"HOME\"", "expandenv \"$HOME\""] {
        let error = template(&format!("{{{{ {function} }}}}")).unwrap_err();
        assert!(error.contains("not defined"), "{error}");
    }
}

#[test]
fn aliases_of_charts_do_not_multiply_without_end() {
    let entries = |name: &str| {
        let alias = |number| format!("{{name: {name}, version: '*', alias: a{number}}}");
        (0..20).map(alias).collect::<Vec<_>>().join(", ")
    };
    let chart = |level: usize| {
        let next = format!("c{}", level + 1);
        let entries = if level < 6 { entries(&next) } else { String::new() };
        format!("apiVersion: v2\nname: c{level}\nversion: 1.0.0\ndependencies: [{entries}]\n")
    };
    let folder =
        |level: usize| (0..=level).map(|level| format!("c{level}/")).collect::<Vec<_>>().join("charts/");
    let files: Vec<_> = (0..=6).map(|level| (format!("{}Chart.yaml", folder(level)), chart(level))).collect();
    let files: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let error = render(&tree(&files), "c0", &ValuesOptions::default()).unwrap_err();
    assert!(error.message.contains("hold more than 1000000 values"), "{error}");
}

#[test]
fn hostile_names_and_indices_are_refused() {
    for name in ["..", ".", "a/b", "a/../b"] {
        let chart = format!("apiVersion: v2\nname: '{name}'\nversion: 1.0.0\n");
        let error = render(&tree(&[("c/Chart.yaml", &chart)]), "c", &ValuesOptions::default()).unwrap_err();
        assert!(error.message.contains("chart.metadata.name"), "{error}");
    }
    for text in ["a[2147483647]=1", "a[99999999999]=1", "a[99999999999999999999]=1"] {
        let values = ValuesOptions { set: vec![text.to_owned()], ..ValuesOptions::default() };
        render(&tree(&[CHART]), "c", &values).unwrap_err();
    }
}
