//! A chart's defaults under the user's values, all the way down its subcharts.
//!
//! Source of the rules: helm `pkg/chart/common/util/coalesce.go`. Values of the user are stronger; `null` of the user
//! removes a default; tables are merged, everything else replaced.

use gotmpl::{Map, Str, Value};

use crate::instance::Instance;
use crate::message::{Event, MessageLog};
use crate::version::Profile;

/// What of nulls stays.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nulls {
    /// A user's null removes the default and itself (helm's coalescing).
    Remove,
    /// Nulls stay, to remove something later (helm's merging).
    Keep,
}

/// The values of `chart` and everything beneath, from the user's `values`, which are changed.
///
/// # Errors
/// A value under a subchart's name that is no table.
pub(crate) fn coalesce(
    chart: &Instance,
    values: &Map,
    profile: &Profile,
    log: &MessageLog,
) -> Result<(), String> {
    Coalescing { profile, log, nulls: Nulls::Remove }.chart(chart, values, "")
}

/// The same, keeping nulls.
pub(crate) fn merge(
    chart: &Instance,
    values: &Map,
    profile: &Profile,
    log: &MessageLog,
) -> Result<(), String> {
    Coalescing { profile, log, nulls: Nulls::Keep }.chart(chart, values, "")
}

/// Merges the table `weak` into `strong`, removing what `strong` says is null.
pub(crate) fn coalesce_tables(strong: &Map, weak: &Map, profile: &Profile, log: &MessageLog) {
    Coalescing { profile, log, nulls: Nulls::Remove }.tables(strong, weak, "", Nulls::Remove);
}

/// Merges the table `weak` into `strong`, keeping nulls.
pub(crate) fn merge_tables(strong: &Map, weak: &Map, profile: &Profile, log: &MessageLog) {
    Coalescing { profile, log, nulls: Nulls::Keep }.tables(strong, weak, "", Nulls::Keep);
}

struct Coalescing<'a> {
    profile: &'a Profile,
    log: &'a MessageLog,
    nulls: Nulls,
}

const GLOBAL: &[u8] = b"global";

impl Coalescing<'_> {
    fn chart(&mut self, chart: &Instance, values: &Map, prefix: &str) -> Result<(), String> {
        self.defaults(chart, values, prefix);
        for subchart in &chart.dependencies {
            let name = subchart.name();
            let own = match values.get(name.as_bytes()) {
                None => Map::any([]),
                Some(Value::Map(own)) => own,
                Some(other) => return Err(format!("type mismatch on {name}: {}", printed_as_bool(&other))),
            };
            values.set(Str::from(name), Value::Map(own.clone()));
            let prefix = joined(prefix, &chart.metadata.name);
            self.globals(&own, values, &prefix);
            self.chart(subchart, &own, &prefix)?;
        }
        Ok(())
    }

    /// The chart's own defaults under `values`.
    fn defaults(&mut self, chart: &Instance, values: &Map, prefix: &str) {
        let prefix = joined(prefix, &chart.metadata.name);
        for (key, default) in deep_copy_map(&chart.values).entries() {
            let nulls = if chart.has_dependency(&key.lossy()) { Nulls::Keep } else { self.nulls };
            match values.get(&key) {
                None => self.missing(values, key, default),
                Some(Value::Nil) if self.nulls == Nulls::Remove => {
                    values.remove(&key);
                }
                Some(Value::Map(own)) => match default {
                    Value::Map(default) => self.tables(&own, &default, &joined(&prefix, &key.lossy()), nulls),
                    Value::Nil => {}
                    _ => {
                        let path = joined(&prefix, &key.lossy());
                        self.log.push(Event::DefaultSkipped { path });
                    }
                },
                Some(_) => {}
            }
        }
    }

    /// The user says nothing of `key`.
    fn missing(&self, values: &Map, key: Str, default: Value) {
        if self.profile.drops_null_defaults && self.nulls == Nulls::Remove {
            match &default {
                Value::Nil => return,
                Value::Map(map) => remove_nulls(map),
                _ => {}
            }
        }
        values.set(key, default);
    }

    /// A nested table of the user says nothing of `key`.
    fn missing_in_table(&self, strong: &Map, key: Str, value: Value, nulls: Nulls) {
        if self.profile.drops_null_defaults && nulls == Nulls::Remove {
            match &value {
                Value::Nil => return,
                Value::Map(map) => remove_nulls(map),
                _ => {}
            }
        }
        strong.set(key, value);
    }

    fn tables(&mut self, strong: &Map, weak: &Map, prefix: &str, nulls: Nulls) {
        for (key, value) in weak.entries() {
            let full = joined(prefix, &key.lossy());
            match (strong.get(&key), &value) {
                (None, _) => self.missing_in_table(strong, key, value, nulls),
                (Some(Value::Nil), Value::Nil) => {}
                (Some(Value::Nil), _) => {
                    if nulls == Nulls::Remove {
                        strong.remove(&key);
                    }
                }
                (Some(Value::Map(own)), Value::Map(other)) => self.tables(&own, other, &full, nulls),
                (Some(_), Value::Map(_)) => {
                    self.log.push(Event::TableLost { path: full, table: printed(&value) });
                }
                (Some(Value::Map(_)), Value::Nil) => {}
                (Some(Value::Map(_)), other) => {
                    self.log.push(Event::ValueIgnored { path: full, value: printed(other) });
                }
                (Some(_), _) => {}
            }
        }
    }

    /// The parent's globals over those of a subchart.
    fn globals(&mut self, sub: &Map, parent: &Map, prefix: &str) {
        let Some(own) = self.global(sub, "destination") else { return };
        let Some(above) = self.global(parent, "source") else { return };
        for (key, value) in above.entries() {
            match (own.get(&key), value) {
                (None, Value::Map(value)) => {
                    own.set(key, Value::Map(copy_of_table(&value)));
                }
                (Some(Value::Map(existing)), Value::Map(value)) => {
                    let copy = copy_of_table(&value);
                    self.tables(&copy, &existing, &joined(prefix, &key.lossy()), Nulls::Keep);
                    own.set(key, Value::Map(copy));
                }
                (Some(_), Value::Map(_)) => {
                    self.log.push(Event::GlobalNotMerged { key: key.lossy().into_owned() });
                }
                (Some(Value::Map(_)), _) => {
                    self.log.push(Event::GlobalTableSkipped { key: key.lossy().into_owned() });
                }
                (_, value) => {
                    own.set(key, value);
                }
            }
        }
        sub.set(Str::from(GLOBAL), Value::Map(own));
    }

    /// The table `global`; a new one where there is none, nothing where it is no table.
    fn global(&self, values: &Map, of: &'static str) -> Option<Map> {
        match values.get(GLOBAL) {
            None => Some(Map::any([])),
            Some(Value::Map(map)) => Some(map),
            Some(_) => {
                self.log.push(Event::GlobalsSkipped { of });
                None
            }
        }
    }
}

/// A copy whose inner tables are those of the original: what a subchart brings into them shows in the parent, as in helm.
fn copy_of_table(table: &Map) -> Map {
    Map::any(table.entries())
}

fn joined(prefix: &str, key: &str) -> String {
    if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") }
}

fn printed(value: &Value) -> String {
    String::from_utf8_lossy(&gotmpl::sprint_value(value)).into_owned()
}

/// Go prints the value with a verb for booleans.
fn printed_as_bool(value: &Value) -> String {
    String::from_utf8_lossy(&gotmpl::sprintf(b"%t", std::slice::from_ref(value), usize::MAX)).into_owned()
}

fn remove_nulls(map: &Map) {
    for (key, value) in map.entries() {
        match value {
            Value::Nil => {
                map.remove(&key);
            }
            Value::Map(inner) => remove_nulls(&inner),
            _ => {}
        }
    }
}

/// A copy that shares no table with the original.
pub(crate) fn deep_copy_map(map: &Map) -> Map {
    Map::any(map.entries().into_iter().map(|(key, value)| (key, deep_copy(&value))))
}

/// A copy that shares no table with the original; lists cannot be changed, but tables in them can.
pub(crate) fn deep_copy(value: &Value) -> Value {
    match value {
        Value::Map(map) => Value::Map(deep_copy_map(map)),
        Value::List(list) if list.iter().any(|item| matches!(item, Value::Map(_) | Value::List(_))) => {
            Value::List(gotmpl::List::new(list.of, list.iter().map(deep_copy).collect()))
        }
        other => other.clone(),
    }
}
