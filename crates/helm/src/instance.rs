//! A chart as one release uses it: dependencies enabled, renamed and sorted out, values imported.
//!
//! The loaded [`Chart`] is shared and never changed; an [`Instance`] is made of it for each render.
//! Source of the rules: helm `pkg/chart/v2/util/dependencies.go`.

use std::collections::HashMap;
use std::sync::Arc;

use gotmpl::{Budget, Map, Str, TextBuffer, Value};

use crate::chart::{Chart, Dependency, Metadata};
use crate::engine::{self, RenderError, table_at, table_error};
use crate::message::Event;
use crate::values::coalesce::{self, Rules, coalesce_tables, deep_copy_map, merge_tables};

/// How many values all charts of a release may hold together. Each use of a chart has its own, and uses multiply with
/// each level of aliases; the largest public charts stay far below.
const MAX_VALUES: u64 = 1_000_000;

/// Refuses a chart whose uses of subcharts would fill the memory, before any is made.
pub(crate) fn check_size(chart: &Arc<Chart>) -> std::result::Result<(), String> {
    if size(chart, &mut HashMap::new()) <= MAX_VALUES {
        return Ok(());
    }
    Err(format!(
        "the chart and its dependencies, used again by each alias, hold more than {MAX_VALUES} values"
    ))
}

fn size(chart: &Arc<Chart>, known: &mut HashMap<*const Chart, u64>) -> u64 {
    if let Some(size) = known.get(&Arc::as_ptr(chart)) {
        return *size;
    }
    let entries: Vec<&Dependency> = chart.metadata.dependencies.iter().flatten().collect();
    let sizes = chart.dependencies.iter().map(|dependency| {
        let uses = entries.iter().filter(|entry| entry.name == dependency.metadata.name).count();
        size(dependency, known).saturating_mul(uses.max(1) as u64)
    });
    let own = 1 + entries.len() as u64 + count(&chart.values);
    let size = sizes.fold(own, u64::saturating_add);
    known.insert(Arc::as_ptr(chart), size);
    size
}

fn count(value: &yaml::Value) -> u64 {
    match value {
        yaml::Value::List(items) => 1 + items.iter().map(count).sum::<u64>(),
        yaml::Value::Map(map) => 1 + map.iter().map(|(_, value)| count(value)).sum::<u64>(),
        _ => 1,
    }
}

/// The most tables that the path of an import may lead through.
const MAX_LEVELS: usize = 500;

type Result<T> = std::result::Result<T, RenderError>;

/// A chart as one release uses it.
pub(crate) struct Instance {
    /// What was loaded.
    pub(crate) chart: Arc<Chart>,
    /// The metadata; the name may be an alias.
    pub(crate) metadata: Metadata,
    /// The defaults, with what was imported from dependencies.
    pub(crate) values: Map,
    /// The dependencies that are left.
    pub(crate) dependencies: Vec<Instance>,
}

impl Instance {
    /// The chart and all its subcharts as they were loaded.
    ///
    /// # Errors
    /// The budget is used up.
    pub(crate) fn of(chart: &Arc<Chart>, budget: &Budget<'_>) -> Result<Self> {
        let name = &chart.metadata.name;
        let over = |error| RenderError::budget(&format!("{name}/values.yaml"), &error);
        let dependencies = chart.dependencies.iter().map(|chart| Self::of(chart, budget));
        Ok(Self {
            chart: chart.clone(),
            metadata: chart.metadata.clone(),
            values: engine::value_map(budget, &chart.values).map_err(over)?,
            dependencies: dependencies.collect::<Result<_>>()?,
        })
    }

    /// The name, or the alias.
    pub(crate) fn name(&self) -> &str {
        &self.metadata.name
    }

    /// Whether a subchart has this name.
    pub(crate) fn has_dependency(&self, name: &str) -> bool {
        self.dependencies.iter().any(|dependency| dependency.name() == name)
    }

    /// Decides which dependencies take part, for the user's `values`, and imports their values.
    pub(crate) fn process(&mut self, values: &Map, rules: Rules<'_>) -> Result<()> {
        self.enable(values, "", rules)?;
        self.import_all(rules)
    }

    fn enable(&mut self, values: &Map, path: &str, rules: Rules<'_>) -> Result<()> {
        if self.metadata.dependencies.is_empty() {
            return Ok(());
        }
        self.select(rules.budget)?;
        let coalesced = deep_copy_map(rules.budget, values)?;
        coalesce::coalesce(self, &coalesced, rules)?;
        let mut entries: Vec<Dependency> = self.metadata.dependencies.drain(..).flatten().collect();
        entries.iter_mut().for_each(|entry| entry.enabled = true);
        by_tags(&mut entries, &coalesced, rules)?;
        by_conditions(&mut entries, &coalesced, path, rules)?;
        let disabled: Vec<String> =
            entries.iter().filter(|entry| !entry.enabled).map(|entry| entry.name.clone()).collect();
        self.dependencies.retain(|dependency| !disabled.iter().any(|name| name == dependency.name()));
        entries.retain(|entry| entry.enabled);
        self.metadata.dependencies = entries.into_iter().map(Some).collect();
        for dependency in &mut self.dependencies {
            let path = format!("{path}{}.", dependency.metadata.name);
            dependency.enable(&coalesced, &path, rules)?;
        }
        Ok(())
    }

    /// The loaded charts no entry asks for, then for each entry the first one that fits, under its alias.
    fn select(&mut self, budget: &Budget<'_>) -> Result<()> {
        let loaded = std::mem::take(&mut self.dependencies);
        let entries = &mut self.metadata.dependencies;
        let mut selected: Vec<Instance> = Vec::new();
        for chart in &loaded {
            if !entries.iter().flatten().any(|entry| fits(entry, &chart.metadata)) {
                selected.push(chart.copy(budget)?);
            }
        }
        for entry in entries.iter_mut().flatten() {
            if let Some(chart) = loaded.iter().find(|chart| fits(entry, &chart.metadata)) {
                let mut copy = chart.copy(budget)?;
                if !entry.alias.is_empty() {
                    copy.metadata.name.clone_from(&entry.alias);
                }
                selected.push(copy);
            }
            if !entry.alias.is_empty() {
                entry.name.clone_from(&entry.alias);
            }
        }
        self.dependencies = selected;
        Ok(())
    }

    fn copy(&self, budget: &Budget<'_>) -> Result<Self> {
        let dependencies = self.dependencies.iter().map(|dependency| dependency.copy(budget));
        Ok(Self {
            chart: self.chart.clone(),
            metadata: self.metadata.clone(),
            values: deep_copy_map(budget, &self.values)?,
            dependencies: dependencies.collect::<Result<_>>()?,
        })
    }

    fn import_all(&mut self, rules: Rules<'_>) -> Result<()> {
        for dependency in &mut self.dependencies {
            dependency.import_all(rules)?;
        }
        self.import(rules)
    }

    /// The defaults of all subcharts become part of this chart's own, nulls and all, and under them what
    /// `import-values` takes from them.
    fn import(&mut self, rules: Rules<'_>) -> Result<()> {
        if self.metadata.dependencies.is_empty() {
            return Ok(());
        }
        let all = Map::any([]);
        coalesce::merge(self, &all, rules)?;
        let imported = Map::any([]);
        for entry in self.metadata.dependencies.iter().flatten() {
            for import in &entry.import_values {
                import_one(entry, import, (&all, &imported), rules)?;
            }
        }
        merge_tables(&all, &imported, rules)?;
        self.values = all;
        Ok(())
    }
}

/// Whether a loaded chart is what an entry asks for.
fn fits(entry: &Dependency, metadata: &Metadata) -> bool {
    entry.name == metadata.name
        && semver::Constraint::parse(&entry.version).is_ok_and(|constraint| {
            semver::Version::parse(&metadata.version).is_ok_and(|version| constraint.allows(&version))
        })
}

fn import_one(entry: &Dependency, import: &yaml::Value, maps: (&Map, &Map), rules: Rules<'_>) -> Result<()> {
    let (all, imported) = maps;
    let (child, parent) = match import {
        yaml::Value::Map(map) => {
            // What is not there is `<nil>` in a path, too.
            let text = |key: &str| -> Result<String> {
                let value = map
                    .get(key)
                    .map_or(Ok(Value::Nil), |value| sprig::json::from_value(rules.budget, value))?;
                let mut out = TextBuffer::new(rules.budget);
                gotmpl::print_value(&value, &mut out);
                Ok(gotmpl::lossy(&out.into_bytes()?).into_owned())
            };
            (format!("{}.{}", entry.name, text("child")?), text("parent")?)
        }
        yaml::Value::String(name) => (format!("{}.exports.{name}", entry.name), ".".to_owned()),
        _ => return Ok(()),
    };
    let Some(table) = table_at(all, &child) else {
        let error = table_error(all, &child);
        let bytes = entry.name.len() + error.len();
        let event = match import {
            yaml::Value::Map(_) => Event::ImportedTableMissing { chart: entry.name.clone(), error },
            _ => Event::ExportMissing { error },
        };
        return Ok(rules.tell(bytes, event)?);
    };
    let levels = parent.bytes().filter(|byte| *byte == b'.').count();
    if levels > MAX_LEVELS {
        return Err(format!("import-values: the path of a parent has more than {MAX_LEVELS} parts").into());
    }
    rules.budget.spend((1 + levels) * 1_024 + 2 * parent.len())?;
    let nested = nest(&parent, deep_copy_map(rules.budget, &table)?);
    coalesce_tables(imported, &nested, rules)
}

/// The table under a dotted path; `.` is the root.
fn nest(path: &str, table: Map) -> Map {
    if path == "." || path.is_empty() {
        return table;
    }
    path.rsplit('.').fold(table, |inner, name| Map::any([(Str::from(name), Value::Map(inner))]))
}

/// A true tag leaves an entry in; else a false one takes it out.
fn by_tags(entries: &mut [Dependency], values: &Map, rules: Rules<'_>) -> Result<()> {
    let Some(Value::Map(tags)) = values.get(b"tags") else { return Ok(()) };
    for entry in entries {
        let (mut on, mut off) = (false, false);
        for tag in &entry.tags {
            match tags.get(tag.as_bytes()) {
                Some(Value::Bool(true)) => on = true,
                Some(Value::Bool(false)) => off = true,
                Some(_) => {
                    let (tag, chart) = (tag.clone(), entry.name.clone());
                    rules.tell(tag.len() + chart.len(), Event::TagNotBool { tag, chart })?;
                }
                None => {}
            }
        }
        if on || off {
            entry.enabled = on;
        }
    }
    Ok(())
}

/// The first path that leads to a boolean decides.
fn by_conditions(entries: &mut [Dependency], values: &Map, prefix: &str, rules: Rules<'_>) -> Result<()> {
    for entry in entries {
        for condition in entry.condition.trim().split(',').filter(|condition| !condition.is_empty()) {
            match value_at(values, &format!("{prefix}{condition}")) {
                Some(Value::Bool(value)) => {
                    entry.enabled = value;
                    break;
                }
                Some(_) => {
                    let (path, chart) = (condition.to_owned(), entry.name.clone());
                    rules.tell(path.len() + chart.len(), Event::ConditionNotBool { path, chart })?;
                }
                None => {}
            }
        }
    }
    Ok(())
}

/// The value at a dotted path, tables refused.
fn value_at(values: &Map, path: &str) -> Option<Value> {
    let (table, name) = match path.rsplit_once('.') {
        Some((parent, name)) => (table_at(values, parent)?, name),
        None => (values.clone(), path),
    };
    table.get(name.as_bytes()).filter(|value| !matches!(value, Value::Map(_)))
}
