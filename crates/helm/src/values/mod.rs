//! The user's values: files and `--set` flags in helm's fixed order.

pub(crate) mod coalesce;
mod strvals;

use gotmpl::{Map, Value};

use crate::engine;
use crate::version::Profile;
use strvals::Typing;

/// The user's values as the command line gives them. Applied in this order whatever the order of the flags: files,
/// `--set-json`, `--set`, `--set-string`, `--set-file`, `--set-literal`.
#[derive(Clone, Debug, Default)]
pub struct ValuesOptions {
    /// Values files: the name errors use, and the content.
    pub files: Vec<(String, Vec<u8>)>,
    /// `--set-json`
    pub set_json: Vec<String>,
    /// `--set`
    pub set: Vec<String>,
    /// `--set-string`
    pub set_string: Vec<String>,
    /// `--set-file`
    pub set_file: Vec<String>,
    /// `--set-literal`
    pub set_literal: Vec<String>,
}

/// Reads the file that `--set-file` names.
pub type FileReader<'a> = &'a mut dyn FnMut(&str) -> Result<Vec<u8>, String>;

impl ValuesOptions {
    /// All of them as one map.
    pub(crate) fn merged(&self, profile: &Profile, read: FileReader<'_>) -> Result<Map, String> {
        let values = Map::any([]);
        for (name, content) in &self.files {
            let map = engine::values_documents(content, profile)
                .map_err(|error| format!("failed to parse {name}: {error}"))?;
            engine::merge_maps(&values, &map);
        }
        for text in &self.set_json {
            json(&values, text).map_err(|_| format!("failed parsing --set-json data {text}"))?;
        }
        for (flag, texts, typing) in
            [("--set", &self.set, Typing::Typed), ("--set-string", &self.set_string, Typing::Text)]
        {
            each(&values, texts, flag, typing)?;
        }
        for text in &self.set_file {
            strvals::set(&values, text, Typing::Text, Some(&mut *read))
                .map_err(|error| format!("failed parsing --set-file data: {error}"))?;
        }
        each(&values, &self.set_literal, "--set-literal", Typing::Literal)?;
        Ok(values)
    }
}

fn each(values: &Map, texts: &[String], flag: &str, typing: Typing) -> Result<(), String> {
    for text in texts {
        strvals::set(values, text, typing, None)
            .map_err(|error| format!("failed parsing {flag} data: {error}"))?;
    }
    Ok(())
}

/// `key=JSON`, or one whole object.
fn json(values: &Map, text: &str) -> Result<(), String> {
    if text.trim_start().starts_with('{') {
        return match json_value(text)? {
            Value::Map(map) => {
                engine::merge_maps(values, &map);
                Ok(())
            }
            _ => Err("not an object".to_owned()),
        };
    }
    strvals::set(values, text, Typing::Json, None)
}

/// One JSON value; numbers are floats.
fn json_value(text: &str) -> Result<Value, String> {
    sprig::json::parse(text)
}
