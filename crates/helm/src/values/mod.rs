//! The user's values: files and `--set` flags in helm's fixed order.

pub(crate) mod coalesce;
mod strvals;

use gotmpl::{Budget, Map, Value};

use crate::engine::{self, RenderError};
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
    pub(crate) fn merged(
        &self,
        budget: &Budget<'_>,
        profile: &Profile,
        read: FileReader<'_>,
    ) -> Result<Map, RenderError> {
        let values = Map::any([]);
        for (name, content) in &self.files {
            let over = |error| RenderError::budget(name, &error);
            let map = engine::values_documents(budget, content, profile)
                .map_err(over)?
                .map_err(|error| format!("failed to parse {name}: {error}"))?;
            engine::merge_maps(budget, &values, &map).map_err(over)?;
        }
        for text in &self.set_json {
            json(budget, &values, text).map_err(|error| match error {
                strvals::Problem::Budget(error) => RenderError::budget("--set-json", &error),
                strvals::Problem::Wrong(_) => format!("failed parsing --set-json data {text}").into(),
            })?;
        }
        for (flag, texts, typing) in
            [("--set", &self.set, Typing::Typed), ("--set-string", &self.set_string, Typing::Text)]
        {
            each(budget, &values, texts, flag, typing)?;
        }
        for text in &self.set_file {
            strvals::set(budget, &values, text, Typing::Text, Some(&mut *read))
                .map_err(|error| problem("--set-file", error))?;
        }
        each(budget, &values, &self.set_literal, "--set-literal", Typing::Literal)?;
        Ok(values)
    }
}

fn each(
    budget: &Budget<'_>,
    values: &Map,
    texts: &[String],
    flag: &str,
    typing: Typing,
) -> Result<(), RenderError> {
    for text in texts {
        strvals::set(budget, values, text, typing, None).map_err(|error| problem(flag, error))?;
    }
    Ok(())
}

fn problem(flag: &str, problem: strvals::Problem) -> RenderError {
    match problem {
        strvals::Problem::Wrong(error) => format!("failed parsing {flag} data: {error}").into(),
        strvals::Problem::Budget(error) => RenderError::budget(flag, &error),
    }
}

/// `key=JSON`, or one whole object.
fn json(budget: &Budget<'_>, values: &Map, text: &str) -> Result<(), strvals::Problem> {
    if text.trim_start().starts_with('{') {
        return match sprig::json::parse(budget, text)?? {
            Value::Map(map) => Ok(engine::merge_maps(budget, values, &map)?),
            _ => Err("not an object".to_owned().into()),
        };
    }
    strvals::set(budget, values, text, Typing::Json, None)
}
