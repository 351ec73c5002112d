//! Messages of manifestd.v1 to our words and back. What is missing is named as a field of the request.

mod answer;
mod ask;
mod options;

pub(super) use answer::{answered_name, own_fields, refs};
pub(super) use ask::{Asked, asked, patterns, render};

use crate::error::{Error, Kind};

fn missing(field: &str) -> Error {
    Error::new(Kind::Invalid, format!("{field}: must be set"))
}

/// The text, which must not be empty.
fn required(text: String, field: impl FnOnce() -> String) -> Result<String, Error> {
    if text.is_empty() { Err(missing(&field())) } else { Ok(text) }
}

#[cfg(test)]
mod tests;
