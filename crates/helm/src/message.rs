//! What helm says beside its output: the lines of its log, which the program writes to standard error.
//!
//! Helm 4 writes them with `log/slog`, helm 3 with `log` and the place of the call. Each event is one variant of
//! [`Event`]; [`Message`] is an event with the form a version gives it.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;

use tree::TreePath;

use crate::version::Profile;

/// How serious helm takes an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// `INFO`
    Info,
    /// `WARN`
    Warn,
    /// `ERROR`: the failure itself follows.
    Error,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        })
    }
}

/// Something helm writes to its log while it renders a chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A value of the user stands where the chart has a table, which is lost.
    TableLost {
        /// Where, from the chart's name on.
        path: String,
        /// The table.
        table: String,
    },
    /// The user has a table where the chart has a value, which is not used.
    ValueIgnored {
        /// Where, from the chart's name on.
        path: String,
        /// The value.
        value: String,
    },
    /// The same at the top of a chart's values.
    DefaultSkipped {
        /// Where, from the chart's name on.
        path: String,
    },
    /// `global` of a subchart or of its parent is no table.
    GlobalsSkipped {
        /// `destination` or `source`.
        of: &'static str,
    },
    /// A global of a parent is a table, that of the subchart is not.
    GlobalNotMerged {
        /// Its name.
        key: String,
    },
    /// A global of a subchart is a table, that of its parent is not.
    GlobalTableSkipped {
        /// Its name.
        key: String,
    },
    /// A `condition` leads to something that is neither true nor false.
    ConditionNotBool {
        /// The path.
        path: String,
        /// The dependency.
        chart: String,
    },
    /// The same of a tag.
    TagNotBool {
        /// The tag.
        tag: String,
        /// The dependency.
        chart: String,
    },
    /// A `child` of `import-values` is no table of the dependency.
    ImportedTableMissing {
        /// The dependency.
        chart: String,
        /// Helm's text.
        error: String,
    },
    /// A name of `import-values` is no table of the dependency's `exports`.
    ExportMissing {
        /// Helm's text.
        error: String,
    },
    /// A link in the chart's folder was followed.
    LinkFollowed {
        /// The link, from the chart's folder on.
        name: String,
        /// Where it leads, from the root of the tree.
        resolved: String,
    },
    /// `requirements.yaml` in a chart that has its dependencies in `Chart.yaml`.
    RequirementsInChart2,
    /// The same of `requirements.lock`.
    LockInChart2,
    /// `deprecated` of `Chart.yaml`.
    ChartDeprecated,
    /// A schema refers to a URN, which allows everything.
    UrnIgnored {
        /// The URN.
        urn: String,
    },
    /// An object waits for an event that helm does not know, and is left out.
    UnknownHook {
        /// The annotation.
        hooks: String,
    },
    /// The release's name is none.
    ReleaseNameRefused {
        /// Helm's text.
        error: String,
    },
    /// The chart's dependencies cannot be sorted out.
    DependenciesRefused {
        /// Helm's text.
        error: String,
    },
}

/// What helm 4's log says of an event: level, text and attributes.
type Line<'e> = (Level, Cow<'e, str>, Vec<(&'static str, Cow<'e, str>)>);

impl Event {
    /// Helm 4's line.
    fn structured(&self) -> Line<'_> {
        use Event as E;
        let info = |text: String| (Level::Info, Cow::from(text), Vec::new());
        fn warn<'e>(
            text: &'static str,
            attributes: impl IntoIterator<Item = (&'static str, &'e String)>,
        ) -> Line<'e> {
            let attributes = attributes.into_iter().map(|(key, value)| (key, Cow::from(value.as_str())));
            (Level::Warn, text.into(), attributes.collect())
        }
        const NOT_BOOL: &str = "returned non-bool value";
        match self {
            E::ConditionNotBool { path, chart } => warn(NOT_BOOL, [("path", path), ("chart", chart)]),
            E::TagNotBool { tag, chart } => warn(NOT_BOOL, [("tag", tag), ("chart", chart)]),
            E::ImportedTableMissing { chart, error } => {
                warn("ImportValues missing table from chart", [("chart", chart), ("error", error)])
            }
            E::ExportMissing { error } => warn("ImportValues missing table", [("error", error)]),
            E::ChartDeprecated => warn("this chart is deprecated", []),
            E::UrnIgnored { urn } => {
                warn("unresolved URN reference ignored; using permissive schema", [("urn", urn)])
            }
            E::LinkFollowed { name, resolved } => {
                let text = "found symbolic link in path. Contents of linked file included and used";
                let attributes = vec![("path", name.into()), ("resolved", resolved.into())];
                (Level::Info, text.into(), attributes)
            }
            E::UnknownHook { hooks } => {
                (Level::Info, "skipping unknown hooks".into(), vec![("hookTypes", hooks.into())])
            }
            E::ReleaseNameRefused { error } => {
                (Level::Error, "release name check failed".into(), vec![("error", error.into())])
            }
            E::DependenciesRefused { error } => {
                (Level::Error, "chart dependencies processing failed".into(), vec![("error", error.into())])
            }
            _ => info(self.plain().map_or_else(String::new, |(_, text)| text)),
        }
    }

    /// Helm 3's line: the place of the call, and the text. `None` for what helm 3 does not say, or not so.
    #[expect(clippy::too_many_lines, reason = "one arm for each event")]
    fn plain(&self) -> Option<(&'static str, String)> {
        use Event as E;
        Some(match self {
            E::TableLost { path, table } => (
                "coalesce.go:316",
                format!("warning: cannot overwrite table with non table for {path} ({table})"),
            ),
            E::ValueIgnored { path, value } => (
                "coalesce.go:319",
                format!("warning: destination for {path} is a table. Ignoring non-table value ({value})"),
            ),
            E::DefaultSkipped { path } => {
                ("coalesce.go:237", format!("warning: skipped value for {path}: Not a table."))
            }
            E::GlobalsSkipped { of } => {
                let place = if *of == "source" { "coalesce.go:145" } else { "coalesce.go:138" };
                (place, format!("warning: skipping globals because {of} global is not a table."))
            }
            E::GlobalNotMerged { key } => {
                let key = gotmpl::quote::quoted(key.as_bytes());
                ("coalesce.go:161", format!("Conflict: cannot merge map onto non-map for {key}. Skipping."))
            }
            E::GlobalTableSkipped { key } => ("coalesce.go:175", format!("key {key} is table. Skipping")),
            E::ConditionNotBool { path, chart } => (
                "dependencies.go:64",
                format!("Warning: Condition path '{path}' for chart {chart} returned non-bool value"),
            ),
            E::TagNotBool { tag, chart } => (
                "dependencies.go:95",
                format!("Warning: Tag '{tag}' for chart {chart} returned non-bool value"),
            ),
            E::ImportedTableMissing { chart, error } => (
                "dependencies.go:270",
                format!("Warning: ImportValues missing table from chart {chart}: {error}"),
            ),
            E::ExportMissing { error } => {
                ("dependencies.go:287", format!("Warning: ImportValues missing table: {error}"))
            }
            E::LinkFollowed { name, resolved } => (
                "walk.go:75",
                format!(
                    "found symbolic link in path: {name} resolves to {resolved}. \
                     Contents of linked file included and used"
                ),
            ),
            E::RequirementsInChart2 => (
                "load.go:120",
                "Warning: Dependencies are handled in Chart.yaml since apiVersion \"v2\". \
                 We recommend migrating dependencies to Chart.yaml."
                    .to_owned(),
            ),
            E::LockInChart2 => (
                "load.go:138",
                "Warning: Dependency locking is handled in Chart.lock since apiVersion \"v2\". \
                 We recommend migrating to Chart.lock."
                    .to_owned(),
            ),
            E::ChartDeprecated => ("WARNING", "This chart is deprecated".to_owned()),
            E::UrnIgnored { urn } => (
                "jsonschema.go:192",
                format!("WARNING: unresolved URN reference ignored; using permissive schema: {urn}"),
            ),
            E::UnknownHook { hooks } => {
                let hooks = gotmpl::quote::quoted(hooks.as_bytes());
                ("manifest_sorter.go:199", format!("info: skipping unknown hook: {hooks}"))
            }
            E::ReleaseNameRefused { .. } | E::DependenciesRefused { .. } => return None,
        })
    }
}

/// A line of helm's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What happened.
    pub event: Event,
    /// Whether it is told in helm 4's form, else in helm 3's.
    is_structured: bool,
}

impl Message {
    /// The line as the program writes it, without its newline; `None` where this version says nothing. `base` says
    /// where the chart and the root of its tree lie: `helm` names links by the paths of the machine.
    #[must_use]
    pub fn line(&self, base: Option<&LogBase>) -> Option<String> {
        let event = base.map_or_else(|| self.event.clone(), |base| base.place(&self.event));
        if !self.is_structured {
            return event.plain().map(|(place, text)| format!("{place}: {text}"));
        }
        let (level, text, attributes) = event.structured();
        let mut line = format!("level={level} msg={}", attribute_text(&text));
        for (key, value) in attributes {
            line.push_str(&format!(" {key}={}", attribute_text(&value)));
        }
        Some(line)
    }

    /// What the user of a service should read; `None` for what only repeats the failure.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        if !self.is_structured {
            return self.event.plain().map(|(_, text)| without_prefix(&text).to_owned());
        }
        let (level, text, attributes) = self.event.structured();
        if level == Level::Error {
            return None;
        }
        let mut warning = without_prefix(&text).to_owned();
        for (at, (key, value)) in attributes.iter().enumerate() {
            let before = if at == 0 { ": " } else { " " };
            warning.push_str(&format!("{before}{key}={}", attribute_text(value)));
        }
        Some(warning)
    }
}

/// Where a chart lies on the machine.
#[derive(Clone, Debug)]
pub struct LogBase {
    /// The chart's folder as helm names it: absolute, links kept.
    pub chart: String,
    /// The root of the tree, through no link.
    pub root: String,
}

impl LogBase {
    /// Helm's text for the link called `link` in the chart, which leads to the path `missing` of the tree.
    #[must_use]
    pub fn broken_link(&self, link: &str, missing: &TreePath) -> String {
        let missing = format!("{}/{missing}", self.root.trim_end_matches('/'));
        crate::load::broken_link(&format!("{}/{link}", self.chart), &missing)
    }

    fn place(&self, event: &Event) -> Event {
        match event {
            Event::LinkFollowed { name, resolved } => Event::LinkFollowed {
                name: format!("{}/{name}", self.chart),
                resolved: format!("{}/{resolved}", self.root.trim_end_matches('/')),
            },
            event => event.clone(),
        }
    }
}

fn without_prefix(text: &str) -> &str {
    let prefixes = ["warning: ", "Warning: ", "WARNING: ", "info: "];
    prefixes.iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(text)
}

/// A value as `slog.TextHandler` writes it: quoted where it would not be one plain word.
fn attribute_text(text: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c > ' ' && c != '"' && c != '=' && gotmpl::quote::is_print(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(gotmpl::quote::quoted(text.as_bytes()))
}

/// The messages of loading and rendering one chart, in the order they were said.
#[derive(Debug)]
pub struct MessageLog {
    is_structured: bool,
    messages: RefCell<Vec<Message>>,
}

impl MessageLog {
    /// An empty log in the form of a version.
    #[must_use]
    pub fn new(profile: &Profile) -> Self {
        Self { is_structured: profile.prints_error_blocks, messages: RefCell::default() }
    }

    pub(crate) fn push(&self, event: Event) {
        self.messages.borrow_mut().push(Message { event, is_structured: self.is_structured });
    }

    /// How many there are.
    pub(crate) fn mark(&self) -> usize {
        self.messages.borrow().len()
    }

    /// Forgets what was said after `mark`: it will be said again.
    pub(crate) fn rewind(&self, mark: usize) {
        self.messages.borrow_mut().truncate(mark);
    }

    /// What was said.
    #[must_use]
    pub fn take(&self) -> Vec<Message> {
        self.messages.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HelmVersion;

    fn line(event: Event, version: HelmVersion) -> Option<String> {
        let log = MessageLog::new(version.profile());
        log.push(event);
        log.take()[0].line(None)
    }

    #[test]
    fn attributes_are_quoted_as_slog_does() {
        for (text, shown) in [
            ("post-instal", "post-instal"),
            ("", "\"\""),
            ("a b", "\"a b\""),
            ("a=b", "\"a=b\""),
            ("ü", "ü"),
            ("a\"\n", "\"a\\\"\\n\""),
        ] {
            assert_eq!(attribute_text(text), shown);
        }
    }

    #[test]
    fn each_version_has_its_form() {
        let hook = || Event::UnknownHook { hooks: "crd-install, x".to_owned() };
        assert_eq!(
            line(hook(), HelmVersion::V4_3_2).as_deref(),
            Some("level=INFO msg=\"skipping unknown hooks\" hookTypes=\"crd-install, x\"")
        );
        assert_eq!(
            line(hook(), HelmVersion::V3_21_4).as_deref(),
            Some("manifest_sorter.go:199: info: skipping unknown hook: \"crd-install, x\"")
        );
        let name = || Event::ReleaseNameRefused { error: "no name".to_owned() };
        assert_eq!(line(name(), HelmVersion::V3_21_4), None);
        assert_eq!(
            line(name(), HelmVersion::V4_2_1).as_deref(),
            Some("level=ERROR msg=\"release name check failed\" error=\"no name\"")
        );
    }
}
