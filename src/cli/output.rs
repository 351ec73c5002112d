//! Manifests on standard output: YAML documents or one JSON object per line.

use std::io::{self, Write};

use clap::ValueEnum;
use yaml::Limits;

use crate::error::{Error, Kind, Result};
use crate::request::Manifest;

/// How manifests are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Documents separated by `---`.
    #[default]
    Yaml,
    /// One object per line.
    Json,
}

/// Writes the manifests in order.
///
/// # Errors
/// [`Kind::Unavailable`] when they cannot be written; a reader that wants no more is none.
pub(super) fn manifests(manifests: &[Manifest], format: Format, out: &mut impl Write) -> Result<()> {
    let mut first = true;
    for manifest in manifests {
        let text = match format {
            Format::Json => manifest.json.to_vec(),
            Format::Yaml => document(manifest, std::mem::take(&mut first))?,
        };
        let end = if format == Format::Json { "\n" } else { "" };
        if !written(out.write_all(&text).and_then(|()| out.write_all(end.as_bytes())))? {
            return Ok(());
        }
    }
    written(out.flush()).map(|_| ())
}

/// Whether the reader wants more.
pub(super) fn written(result: io::Result<()>) -> Result<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => {
            Err(Error::new(Kind::Unavailable, format!("standard output cannot be written: {error}")))
        }
    }
}

fn document(manifest: &Manifest, first: bool) -> Result<Vec<u8>> {
    let broken = || Error::new(Kind::Internal, "a rendered manifest is no JSON");
    let text = std::str::from_utf8(&manifest.json).map_err(|_| broken())?;
    let value = yaml::json::from_str(text, &Limits::default()).map_err(|_| broken())?;
    let separator = if first { "" } else { "---\n" };
    let document = yaml::v2::marshal(&value).map_err(|error| unwritable(manifest, &error))?;
    Ok(format!("{separator}{document}").into_bytes())
}

fn unwritable(manifest: &Manifest, error: &yaml::Error) -> Error {
    let message = format!("{} {} cannot be written as YAML: {error}", manifest.kind, manifest.name);
    Error::new(Kind::Invalid, message).help("ask for --output json")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(format: Format) -> String {
        let object = |json: &'static str| Manifest { json: json.as_bytes().into(), ..Manifest::default() };
        let objects = [object(r#"{"a":{"b":["<",1.5]},"kind":"A"}"#), object(r#"{"kind":"B"}"#)];
        let mut out = Vec::new();
        manifests(&objects, format, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn documents_are_separated_and_objects_have_a_line_each() {
        assert_eq!(shown(Format::Yaml), "a:\n  b:\n  - <\n  - 1.5\nkind: A\n---\nkind: B\n");
        assert_eq!(shown(Format::Json), "{\"a\":{\"b\":[\"<\",1.5]},\"kind\":\"A\"}\n{\"kind\":\"B\"}\n");
    }

    #[test]
    fn a_reader_that_wants_no_more_is_no_failure() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let object = Manifest { json: "{}".into(), ..Manifest::default() };
        manifests(&[object], Format::Json, &mut Closed).unwrap();
    }
}
