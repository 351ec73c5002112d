//! Where a resource came from and what changed it, for the annotations that `buildMetadata` asks for.

use crate::id::Gvk;

/// The place of a resource, a generator or a transformer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Origin {
    /// The file, relative to the folder that is built.
    pub(crate) path: String,
    /// Of something made: the file that asked for it.
    pub(crate) configured_in: String,
    /// Of something made: what made it.
    pub(crate) configured_by: Option<(Gvk, String, String)>,
}

impl Origin {
    /// The lines of the annotation.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        let mut line = |indent: &str, key: &str, text: &str| {
            if !text.is_empty() {
                out.push_str(&format!("{indent}{key}: {}\n", plain(text)));
            }
        };
        line("", "path", &self.path);
        line("", "configuredIn", &self.configured_in);
        if let Some((gvk, name, namespace)) = &self.configured_by {
            out.push_str("configuredBy:\n");
            let mut line = |key: &str, text: &str| {
                if !text.is_empty() {
                    out.push_str(&format!("  {key}: {}\n", plain(text)));
                }
            };
            line("apiVersion", &gvk.api_version());
            line("kind", &gvk.kind);
            line("name", name);
            line("namespace", namespace);
        }
        out
    }
}

/// A text as a YAML scalar on one line.
fn plain(text: &str) -> String {
    yaml::v2::emit(&text.into()).trim_end().to_owned()
}

/// The annotation that lists several.
pub(crate) fn list<'o>(origins: impl Iterator<Item = &'o Origin>) -> String {
    let mut out = String::new();
    for origin in origins {
        for (at, line) in origin.text().lines().enumerate() {
            out.push_str(if at == 0 { "- " } else { "  " });
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}
