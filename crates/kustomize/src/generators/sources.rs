//! Where the data of generated resources comes from.
//!
//! Source: kustomize 5.8.1 `api/kv/kv.go`.

use crate::error::{Error, Result};
use crate::loader::Loader;

/// A key and its bytes.
pub(crate) struct Pair {
    pub(crate) key: String,
    pub(crate) value: Vec<u8>,
}

/// The sources of one resource.
pub(crate) struct Sources<'a> {
    pub(crate) envs: &'a [String],
    pub(crate) literals: &'a [String],
    pub(crate) files: &'a [String],
}

/// What a pair takes beside its texts, first as one and then as an entry of the resource.
const PAIR_BYTES: usize = 4 * size_of::<Pair>();

/// Go's line scanner ends a file silently at a line this long.
const MAX_LINE: usize = 64 * 1024;

/// How many bytes of a line that is no text a message shows.
const MAX_SHOWN: usize = 4 * 1024;

impl Sources<'_> {
    /// Reads them all: env files, literals, files.
    pub(crate) fn load(&self, loader: &Loader<'_>) -> Result<Vec<Pair>> {
        let mut pairs = Vec::new();
        let under = |what: &str, list: &[String]| format!("loading KV pairs: {what}[{}]", list.join(" "));
        for path in self.envs {
            let read = loader.load(path).and_then(|bytes| env_file(&bytes));
            pairs.extend(read.map_err(|error| error.under(under("env source files: ", self.envs)))?);
        }
        for text in self.literals {
            budget::charge(PAIR_BYTES + text.len())?;
            pairs.push(literal(text).map_err(|error| error.under(under("literal sources ", self.literals)))?);
        }
        for text in self.files {
            budget::charge(PAIR_BYTES)?;
            pairs.push(file(loader, text).map_err(|error| error.under(under("file sources: ", self.files)))?);
        }
        Ok(pairs)
    }
}

fn literal(text: &str) -> Result<Pair> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => {
            Ok(Pair { key: key.to_owned(), value: unquoted(value).as_bytes().to_vec() })
        }
        _ => Err(Error::new(format!("invalid literal source {text}, expected key=value"))),
    }
}

/// Without one pair of quotes around it.
fn unquoted(text: &str) -> &str {
    let inner = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}

fn file(loader: &Loader<'_>, text: &str) -> Result<Pair> {
    let (key, path) = match text.split('=').collect::<Vec<_>>().as_slice() {
        [path] => (path.rsplit('/').next().unwrap_or(path).to_owned(), (*path).to_owned()),
        ["", path] => {
            return Err(Error::new(format!("missing key name for file path {path:?} in source {text:?}")));
        }
        [key, ""] => {
            return Err(Error::new(format!("missing file path for key name {key:?} in source {text:?}")));
        }
        [key, path] => ((*key).to_owned(), (*path).to_owned()),
        _ => return Err(Error::new(format!("source {text:?} key name or file path contains '='"))),
    };
    Ok(Pair { key, value: loader.load(&path)? })
}

fn env_file(bytes: &[u8]) -> Result<Vec<Pair>> {
    let mut pairs = Vec::new();
    for (at, line) in bytes.split(|&b| b == b'\n').enumerate() {
        budget::charge(PAIR_BYTES + line.len())?;
        if line.len() >= MAX_LINE {
            break;
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line = if at == 0 { line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line) } else { line };
        pairs.extend(env_line(line)?);
    }
    Ok(pairs)
}

fn env_line(line: &[u8]) -> Result<Option<Pair>> {
    let Ok(text) = std::str::from_utf8(line) else {
        let bytes: Vec<_> = line.iter().take(MAX_SHOWN).map(u8::to_string).collect();
        let (bytes, shown) = (bytes.join(" "), String::from_utf8_lossy(line));
        return Err(Error::new(format!("line [{bytes}] has invalid utf8 bytes : {shown}")));
    };
    let text = text.trim_start();
    if text.is_empty() || text.starts_with('#') {
        return Ok(None);
    }
    let (key, value) = text.split_once('=').unwrap_or((text, ""));
    if key.is_empty() {
        return Ok(None);
    }
    Ok(Some(Pair { key: key.to_owned(), value: value.as_bytes().to_vec() }))
}

#[cfg(test)]
mod tests;
