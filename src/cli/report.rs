//! Failures for people: one line for logs, the picture for a terminal, and the exit code.

use std::fmt::Write;

use crate::error::{Error, Kind, Place};

/// What `--help` says about exit codes; [`code`] is what happens.
pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    the files or options are wrong, too large, or need something that is not here
  2    the command line or the settings are wrong
  3    no such repository, revision or path
  4    the repository refused the credentials, or is not allowed
  5    the outside world failed or a time limit ran out; trying again may help
  70   a mistake of manifestd's
  130  interrupted";

/// The exit code of a wrong command line, which is also clap's, and of wrong settings.
pub(super) const USAGE: u8 = 2;

/// The exit code of what cannot be rendered, which is that of helm and kustomize.
pub(super) const WORDS: u8 = 1;

/// More of a line than this does not help to see where in it something is.
const WIDEST: usize = 100;

/// The exit code of a kind of failure.
pub(super) fn code(kind: Kind) -> u8 {
    match kind {
        Kind::Invalid | Kind::OverBudget | Kind::Precondition => 1,
        Kind::NotFound => 3,
        Kind::Unauthenticated | Kind::Denied => 4,
        Kind::Unavailable | Kind::Deadline | Kind::Busy => 5,
        Kind::Internal => 70,
        Kind::Cancelled => 130,
    }
}

/// Something that cannot be rendered, in the words of the program that a command stands for.
#[derive(Debug)]
pub(super) struct Words {
    /// The program's text.
    pub(super) text: String,
    /// Where, innermost first.
    pub(super) places: Vec<Place>,
}

impl Words {
    /// What the program prints.
    pub(super) fn text(&self) -> String {
        format!("Error: {}\n", self.text)
    }

    /// The program's text, the line with a caret under the place, and the lines that led there.
    pub(super) fn picture(&self, colours: bool) -> String {
        let paint = Paint(colours);
        let text: String =
            self.text.chars().map(|letter| if letter == '\n' { '\n' } else { harmless(letter) }).collect();
        let mut picture = format!("{}: {}\n", paint.red("Error"), paint.bold(&text));
        let width = self.places.iter().map(|place| place.line.max(1).to_string().len()).max().unwrap_or(1);
        for (at, place) in self.places.iter().take(MOST_PLACES).enumerate() {
            let arrow = if at == 0 { "" } else { "called from\n" };
            picture.push_str(arrow);
            locate(&mut picture, place, width, &paint);
        }
        let unsaid = self.places.len().saturating_sub(MOST_PLACES);
        if unsaid > 0 {
            let _ = writeln!(picture, "and {unsaid} more");
        }
        picture
    }
}

/// The most places of a picture: a template that includes itself has a thousand.
const MOST_PLACES: usize = 10;

/// The failure in one line, with its advice.
pub(super) fn line(error: &Error) -> String {
    let advice = error.advice().map(|advice| format!(" ({advice})")).unwrap_or_default();
    format!("error: {}", shown(&format!("{error}{advice}")))
}

/// Something the user should know that is no failure.
pub(super) fn warning(text: &str) -> String {
    format!("warning: {}\n", shown(text))
}

/// A line of the log of the program that a command stands for.
pub(super) fn log_line(text: &str) -> String {
    format!("{}\n", shown(text))
}

/// The failure as a picture: what, where, the line with a caret under the place, and what to do.
pub(super) fn picture(error: &Error, colours: bool) -> String {
    let paint = Paint(colours);
    let mut picture = format!("{}: {}\n", paint.red("error"), paint.bold(&shown(error.message())));
    let width = error.place().map_or(1, |place| place.line.max(1).to_string().len());
    if let Some(place) = error.place() {
        locate(&mut picture, place, width, &paint);
    }
    if let Some(advice) = error.advice() {
        let bar = paint.blue("=");
        let _ = writeln!(picture, "{:width$} {bar} {}: {}", "", paint.bold("help"), shown(advice));
    }
    picture
}

fn locate(picture: &mut String, place: &Place, width: usize, paint: &Paint) {
    let at = match (place.line, place.column) {
        (0, _) => String::new(),
        (line, 0) => format!(":{line}"),
        (line, column) => format!(":{line}:{column}"),
    };
    let _ = writeln!(picture, "{:width$}{} {}{at}", "", paint.blue("-->"), shown(&place.file));
    if place.line == 0 || place.text.is_empty() {
        return;
    }
    let (text, before) = window(place);
    let bar = paint.blue("|");
    let number = paint.blue(&place.line.to_string());
    let _ = writeln!(picture, "{:width$} {bar}\n{number} {bar} {}", "", text);
    if let Some(before) = before {
        let _ = writeln!(picture, "{:width$} {bar} {before}{}", "", paint.red("^"));
    }
}

/// The part of the line around the place, and what stands before the caret; nothing where the column is unknown.
fn window(place: &Place) -> (String, Option<String>) {
    let letters: Vec<char> = place.text.trim_end().chars().map(harmless).collect();
    let column = (place.column as usize).min(letters.len() + 1);
    let start = if letters.len() > WIDEST { column.saturating_sub(WIDEST / 2) } else { 0 };
    let end = letters.len().min(start + WIDEST);
    let (left, right) = (if start > 0 { "…" } else { "" }, if end < letters.len() { "…" } else { "" });
    let text = format!("{left}{}{right}", String::from_iter(&letters[start..end]));
    let before = column.checked_sub(1).map(|before| {
        let blank = letters[start..before].iter().map(|letter| if *letter == '\t' { '\t' } else { ' ' });
        left.chars().map(|_| ' ').chain(blank).collect()
    });
    (text, before)
}

/// Text of a repository must not steer the terminal.
fn shown(text: &str) -> String {
    text.trim_end().chars().map(|letter| if letter == '\n' { ' ' } else { harmless(letter) }).collect()
}

fn harmless(letter: char) -> char {
    // Besides control characters, those that change the direction of what follows.
    let steers = letter.is_control() || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if steers && letter != '\t' { '\u{fffd}' } else { letter }
}

/// Colours, where they are wanted.
struct Paint(bool);

impl Paint {
    fn red(&self, text: &str) -> String {
        self.paint("1;31", text)
    }

    fn blue(&self, text: &str) -> String {
        self.paint("1;34", text)
    }

    fn bold(&self, text: &str) -> String {
        self.paint("1", text)
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.0 { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use yaml::Value;

    use super::*;

    /// `testdata/cli/<case>/`: `error.yaml` is the failure, `line.txt` and `picture.txt` how it looks.
    #[test]
    fn failures_look_as_expected() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/cli");
        let mut cases: Vec<_> = fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()).collect();
        cases.sort();
        assert!(cases.len() >= 5);
        for case in cases {
            let error = failure(&fs::read(case.join("error.yaml")).unwrap());
            check(&case.join("line.txt"), &(line(&error) + "\n"));
            check(&case.join("picture.txt"), &picture(&error, false));
        }
    }

    fn check(file: &Path, got: &str) {
        if std::env::var_os("UPDATE").is_some() {
            fs::write(file, got).unwrap();
        }
        assert_eq!(got, fs::read_to_string(file).unwrap(), "{}", file.display());
    }

    fn failure(yaml: &[u8]) -> Error {
        let value = yaml::v2::to_value(yaml, &yaml::Limits::default()).unwrap();
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let number = |name: &str| match value.get(name) {
            Some(Value::Int(number)) => u32::try_from(*number).unwrap(),
            _ => 0,
        };
        let mut error = Error::new(Kind::Invalid, text("message").unwrap());
        if let Some(file) = text("file") {
            error = error.at(Place {
                file: file.into(),
                line: number("line"),
                column: number("column"),
                text: text("text").unwrap_or_default().into(),
            });
        }
        text("help").into_iter().fold(error, Error::help)
    }

    #[test]
    fn colours_only_where_they_are_wanted() {
        let error = Error::new(Kind::Invalid, "no");
        assert!(picture(&error, true).contains("\u{1b}[1;31merror\u{1b}[0m"));
        assert!(!picture(&error, false).contains('\u{1b}'));
    }

    #[test]
    fn every_exit_code_is_in_the_help() {
        let kinds = [
            Kind::Invalid,
            Kind::NotFound,
            Kind::Unauthenticated,
            Kind::Denied,
            Kind::Unavailable,
            Kind::Deadline,
            Kind::Cancelled,
            Kind::Busy,
            Kind::OverBudget,
            Kind::Precondition,
            Kind::Internal,
        ];
        for kind in kinds {
            assert!(EXIT_CODES.contains(&format!("\n  {:<3}  ", code(kind))), "{kind:?}");
        }
    }
}
