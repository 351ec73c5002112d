//! Changes of YAML as text: lines, blocks, scalars and styles, most of which leave it YAML.

use crate::random::Chance;

/// Values that programs read differently, or print differently than they were written.
pub(super) const SCALARS: &[&str] = &[
    "null",
    "~",
    "",
    "true",
    "false",
    "yes",
    "No",
    "on",
    "0",
    "1",
    "-1",
    "007",
    "0o17",
    "0x1F",
    "1_000",
    "1e3",
    "1.0",
    "-0.0",
    ".5",
    "1.",
    ".inf",
    ".nan",
    "12345678901234567890",
    "0.1e-7",
    "1e21",
    "\"\"",
    "''",
    "\"a\\tb\"",
    "\"\\u00e9\"",
    "'it''s'",
    "text",
    "a b",
    "a: b",
    "a #b",
    "\"a # b\"",
    "'true'",
    "\"1\"",
    "2020-01-01",
    "2001-12-14t21:59:43.10-05:00",
    "12:30:45",
    "{}",
    "[]",
    "[1, two, 3.0]",
    "{a: 1}",
    "{a: {b: [c]}}",
    "[[]]",
    "[{}]",
    "!!str 1",
    "!!int \"3\"",
    "!!binary aGk=",
    "=",
    "<<",
    "*a",
    "&a x",
    "|-\n  line",
    ">\n  folded\n  text\n\n  more",
    "|+\n  keep\n\n",
    "é",
    "日本",
    "\u{1F600}",
    "a\\nb",
    "%x",
    "@x",
    "`x`",
    "- x",
    "? x",
    ": x",
    "x:",
    "!x y",
    "\"$(VAR)\"",
    "${VAR}",
    "{{ .Values.x }}",
    "very long text that goes on and on and on, so that an emitter would like to fold it somewhere behind eighty columns",
];

/// Keys that programs read differently than they were written.
const KEYS: &[&str] = &[
    "true",
    "null",
    "1",
    "1.5",
    "\"a b\"",
    "'x'",
    "é",
    "a.b/c",
    "y",
    "no",
    "0x1",
    "~",
    "<<",
    "\"\"",
    "? k",
    "k w",
    "-",
    "2020-01-01",
];

/// Changes a text in one place.
pub(super) fn change(text: &str, chance: &mut Chance) -> String {
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    let at = chance.below(lines.len());
    let end = block_end(&lines, at);
    match chance.below(22) {
        0..=4 => set_scalar(&mut lines[at], chance.pick(SCALARS)),
        5 => drop(lines.remove(at)),
        6 => lines.insert(at, lines[at].clone()),
        7 => {
            // A key that stands twice, its second value another one.
            let mut block = lines[at..end].to_vec();
            let changed = chance.below(block.len());
            set_scalar(&mut block[changed], chance.pick(SCALARS));
            let to = if chance.once_in(2) { at } else { end };
            lines.splice(to..to, block);
        }
        8 => drop(lines.drain(at..end)),
        9 => lines[at..end].iter_mut().for_each(|line| line.insert_str(0, "  ")),
        10 => lines[at..end]
            .iter_mut()
            .for_each(|line| *line = line.strip_prefix("  ").unwrap_or(line).to_owned()),
        11 => lines.insert(at, format!("{}# comment", indent(&lines[at]))),
        12 => lines[at].push_str(" # comment"),
        13 => set_key(&mut lines[at], chance.pick(KEYS)),
        14 => quote(&mut lines[at], chance.pick(&["\"", "'"])),
        15 => {
            lines.insert(at, chance.pick(&["", "---", "...", "  ", "\t", "--- # x", "%YAML 1.2"]).to_owned());
        }
        16 => return other_line_ends(text, chance),
        17 => anchor(&mut lines, at, chance),
        18 => {
            let other = chance.below(lines.len());
            lines.swap(at, other);
        }
        19 => lines[at] = lines[at].replacen(": ", chance.pick(&[":", ":  ", ": \t", ": |\n", " : "]), 1),
        20 => lines[at] = flow(&lines[at]),
        _ => lines.splice(end..end, lines[at..end].to_vec()).for_each(drop),
    }
    lines.join("\n")
}

/// The line behind the block that begins at `at`: the lines that are indented more.
fn block_end(lines: &[String], at: usize) -> usize {
    let depth = indent(&lines[at]).len();
    let deeper = |line: &&String| line.trim().is_empty() || indent(line).len() > depth;
    at + 1 + lines[at + 1..].iter().take_while(deeper).count()
}

fn indent(line: &str) -> &str {
    &line[..line.len() - line.trim_start_matches(' ').len()]
}

/// Puts `scalar` in the place of what follows a key or a dash.
pub(super) fn set_scalar(line: &mut String, scalar: &str) {
    let inner = format!("\n{}", indent(line));
    let scalar = scalar.replace('\n', &inner);
    if let Some((key, _)) = line.split_once(": ") {
        *line = format!("{key}: {scalar}");
    } else if line.trim_start().starts_with("- ") {
        *line = format!("{}- {scalar}", indent(line));
    } else if line.ends_with(':') {
        line.push(' ');
        line.push_str(&scalar);
    }
}

fn set_key(line: &mut String, key: &str) {
    if let Some((before, value)) = line.split_once(':') {
        let dash = if before.trim_start().starts_with("- ") { "- " } else { "" };
        *line = format!("{}{dash}{key}:{value}", indent(before));
    }
}

fn quote(line: &mut String, mark: &str) {
    if let Some((key, value)) = line.split_once(": ") {
        *line = format!("{key}: {mark}{value}{mark}");
    }
}

/// A mapping of one line in braces.
fn flow(line: &str) -> String {
    match line.trim_start().split_once(": ") {
        Some((key, value)) => format!("{}flow: {{{key}: {value}}}", indent(line)),
        None => line.to_owned(),
    }
}

/// Gives a value a name, and stands for it elsewhere.
fn anchor(lines: &mut [String], at: usize, chance: &mut Chance) {
    if let Some((key, value)) = lines[at].split_once(": ") {
        lines[at] = format!("{key}: &anchor {value}");
    }
    let other = at + chance.below(lines.len() - at);
    if other != at {
        set_scalar(&mut lines[other], "*anchor");
    }
}

fn other_line_ends(text: &str, chance: &mut Chance) -> String {
    match chance.below(5) {
        0 => text.replace('\n', "\r\n"),
        1 => text.trim_end().to_owned(),
        2 => format!("\u{feff}{text}"),
        3 => format!("{text}\n---\n{text}"),
        _ => format!("---\n{text}...\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_go_where_the_old_ones_stood() {
        let set = |line: &str, scalar: &str| {
            let mut line = line.to_owned();
            set_scalar(&mut line, scalar);
            line
        };
        assert_eq!(set("  a: 1", "null"), "  a: null");
        assert_eq!(set("  - x", "[]"), "  - []");
        assert_eq!(set("a:", "|-\n  line"), "a: |-\n  line");
        assert_eq!(set("  a: 1", "|-\n  line"), "  a: |-\n    line");
        assert_eq!(set("# text", "null"), "# text");
    }

    #[test]
    fn a_block_ends_where_the_next_begins() {
        let lines: Vec<String> = "a:\n  b: 1\n\n  c: 2\nd: 3".split('\n').map(str::to_owned).collect();
        assert_eq!((block_end(&lines, 0), block_end(&lines, 1), block_end(&lines, 4)), (4, 3, 5));
    }

    #[test]
    fn any_text_can_be_changed_any_number_of_times() {
        for number in 0..2_000 {
            let mut chance = Chance::of_run(3, number);
            let mut text = chance.pick(&["", "a: 1\n", "a:\n- b: é\n  c: |\n    x\n", "- \n\n:"]).to_string();
            for _ in 0..6 {
                text = change(&text, &mut chance);
            }
        }
    }
}
