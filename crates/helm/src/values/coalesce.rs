//! A chart's defaults under the user's values, all the way down its subcharts.
//!
//! Source of the rules: helm `pkg/chart/common/util/coalesce.go`. Values of the user are stronger; `null` of the user
//! removes a default; tables are merged, everything else replaced.

use gotmpl::{Budget, CallError, Map, Str, TextBuffer, Value};

use crate::engine::RenderError;
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

/// What values are coalesced with: the version's rules, the budget, and where helm's messages go.
#[derive(Clone, Copy)]
pub(crate) struct Rules<'a> {
    pub(crate) profile: &'a Profile,
    pub(crate) budget: &'a Budget<'a>,
    pub(crate) log: &'a MessageLog,
}

/// What a message takes besides its texts.
const MESSAGE_BYTES: usize = 256;

impl Rules<'_> {
    /// Tells what helm says, whose texts have so many bytes.
    pub(crate) fn tell(&self, bytes: usize, event: Event) -> std::result::Result<(), CallError> {
        self.budget.spend(2 * bytes + MESSAGE_BYTES)?;
        self.log.push(event);
        Ok(())
    }
}

type Result<T = ()> = std::result::Result<T, RenderError>;

/// The values of `chart` and everything beneath, from the user's `values`, which are changed.
///
/// # Errors
/// A value under a subchart's name that is no table; the budget is used up.
pub(crate) fn coalesce(chart: &Instance, values: &Map, rules: Rules<'_>) -> Result {
    Coalescing { rules, nulls: Nulls::Remove }.chart(chart, values, "")
}

/// The same, keeping nulls.
pub(crate) fn merge(chart: &Instance, values: &Map, rules: Rules<'_>) -> Result {
    Coalescing { rules, nulls: Nulls::Keep }.chart(chart, values, "")
}

/// Merges the table `weak` into `strong`, removing what `strong` says is null.
pub(crate) fn coalesce_tables(strong: &Map, weak: &Map, rules: Rules<'_>) -> Result {
    Coalescing { rules, nulls: Nulls::Remove }.tables(strong, weak, "", Nulls::Remove)
}

/// Merges the table `weak` into `strong`, keeping nulls.
pub(crate) fn merge_tables(strong: &Map, weak: &Map, rules: Rules<'_>) -> Result {
    Coalescing { rules, nulls: Nulls::Keep }.tables(strong, weak, "", Nulls::Keep)
}

struct Coalescing<'a> {
    rules: Rules<'a>,
    nulls: Nulls,
}

const GLOBAL: &[u8] = b"global";

impl Coalescing<'_> {
    fn chart(&mut self, chart: &Instance, values: &Map, prefix: &str) -> Result {
        self.defaults(chart, values, prefix)?;
        for subchart in &chart.dependencies {
            let name = subchart.name();
            let own = match values.get(name.as_bytes()) {
                None => Map::any([]),
                Some(Value::Map(own)) => own,
                Some(other) => {
                    return Err(format!("type mismatch on {name}: {}", self.printed_as_bool(&other)?).into());
                }
            };
            self.rules.budget.spend_map(1)?;
            values.set(Str::from(name), Value::Map(own.clone()));
            let prefix = joined(prefix, &chart.metadata.name);
            self.globals(&own, values, &prefix)?;
            self.chart(subchart, &own, &prefix)?;
        }
        Ok(())
    }

    /// The chart's own defaults under `values`.
    fn defaults(&mut self, chart: &Instance, values: &Map, prefix: &str) -> Result {
        let prefix = joined(prefix, &chart.metadata.name);
        let copy = deep_copy_map(self.rules.budget, &chart.values)?;
        for (key, default) in self.entries(&copy)? {
            let nulls = if chart.has_dependency(&key.lossy()) { Nulls::Keep } else { self.nulls };
            match values.get(&key) {
                None => self.missing(values, key, default)?,
                Some(Value::Nil) if self.nulls == Nulls::Remove => {
                    values.remove(&key);
                }
                Some(Value::Map(own)) => match default {
                    Value::Map(default) => {
                        self.tables(&own, &default, &joined(&prefix, &key.lossy()), nulls)?;
                    }
                    Value::Nil => {}
                    _ => {
                        let path = joined(&prefix, &key.lossy());
                        self.rules.tell(path.len(), Event::DefaultSkipped { path })?;
                    }
                },
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// The entries of a map as they are now.
    fn entries(&self, map: &Map) -> Result<Vec<(Str, Value)>> {
        self.rules.budget.spend_entries(map.len())?;
        self.rules.budget.work(map.len() as u64)?;
        Ok(map.entries())
    }

    /// The user says nothing of `key`.
    fn missing(&self, values: &Map, key: Str, default: Value) -> Result {
        if self.rules.profile.drops_null_defaults && self.nulls == Nulls::Remove {
            match &default {
                Value::Nil => return Ok(()),
                Value::Map(map) => remove_nulls(map),
                _ => {}
            }
        }
        self.rules.budget.spend_entry()?;
        values.set(key, default);
        Ok(())
    }

    /// A nested table of the user says nothing of `key`.
    fn missing_in_table(&self, strong: &Map, key: Str, value: Value, nulls: Nulls) -> Result {
        if self.rules.profile.drops_null_defaults && nulls == Nulls::Remove {
            match &value {
                Value::Nil => return Ok(()),
                Value::Map(map) => remove_nulls(map),
                _ => {}
            }
        }
        self.rules.budget.spend_entry()?;
        strong.set(key, value);
        Ok(())
    }

    fn tables(&mut self, strong: &Map, weak: &Map, prefix: &str, nulls: Nulls) -> Result {
        for (key, value) in self.entries(weak)? {
            let full = joined(prefix, &key.lossy());
            match (strong.get(&key), &value) {
                (None, _) => self.missing_in_table(strong, key, value, nulls)?,
                (Some(Value::Nil), Value::Nil) => {}
                (Some(Value::Nil), _) => {
                    if nulls == Nulls::Remove {
                        strong.remove(&key);
                    }
                }
                (Some(Value::Map(own)), Value::Map(other)) => self.tables(&own, other, &full, nulls)?,
                (Some(_), Value::Map(_)) => {
                    let table = self.printed(b"%v", &value)?;
                    self.rules.tell(full.len() + table.len(), Event::TableLost { path: full, table })?;
                }
                (Some(Value::Map(_)), Value::Nil) => {}
                (Some(Value::Map(_)), other) => {
                    let value = self.printed(b"%v", other)?;
                    self.rules.tell(full.len() + value.len(), Event::ValueIgnored { path: full, value })?;
                }
                (Some(_), _) => {}
            }
        }
        Ok(())
    }

    /// The parent's globals over those of a subchart.
    fn globals(&mut self, sub: &Map, parent: &Map, prefix: &str) -> Result {
        let Some(own) = self.global(sub, "destination")? else { return Ok(()) };
        let Some(above) = self.global(parent, "source")? else { return Ok(()) };
        for (key, value) in self.entries(&above)? {
            self.rules.budget.spend_entry()?;
            match (own.get(&key), value) {
                (None, Value::Map(value)) => {
                    own.set(key, Value::Map(self.copy_of_table(&value)?));
                }
                (Some(Value::Map(existing)), Value::Map(value)) => {
                    let copy = self.copy_of_table(&value)?;
                    self.tables(&copy, &existing, &joined(prefix, &key.lossy()), Nulls::Keep)?;
                    own.set(key, Value::Map(copy));
                }
                (Some(_), Value::Map(_)) => {
                    let key = key.lossy().into_owned();
                    self.rules.tell(key.len(), Event::GlobalNotMerged { key })?;
                }
                (Some(Value::Map(_)), _) => {
                    let key = key.lossy().into_owned();
                    self.rules.tell(key.len(), Event::GlobalTableSkipped { key })?;
                }
                (_, value) => {
                    own.set(key, value);
                }
            }
        }
        sub.set(Str::from(GLOBAL), Value::Map(own));
        Ok(())
    }

    /// The table `global`; a new one where there is none, nothing where it is no table.
    fn global(&self, values: &Map, of: &'static str) -> Result<Option<Map>> {
        match values.get(GLOBAL) {
            None => {
                self.rules.budget.spend_map(1)?;
                Ok(Some(Map::any([])))
            }
            Some(Value::Map(map)) => Ok(Some(map)),
            Some(_) => {
                self.rules.tell(0, Event::GlobalsSkipped { of })?;
                Ok(None)
            }
        }
    }

    /// A copy whose inner tables are those of the original: what a subchart brings into them shows in the parent, as in
    /// helm.
    fn copy_of_table(&self, table: &Map) -> Result<Map> {
        self.rules.budget.spend_map(table.len())?;
        Ok(Map::any(self.entries(table)?))
    }

    /// A value as a warning shows it.
    fn printed(&self, verb: &[u8], value: &Value) -> Result<String> {
        let mut out = TextBuffer::new(self.rules.budget);
        gotmpl::sprintf(verb, std::slice::from_ref(value), &mut out);
        let text = out.into_bytes()?;
        self.rules.budget.spend_text(3 * text.len())?;
        Ok(gotmpl::lossy(&text).into_owned())
    }

    /// Go prints the value with a verb for booleans.
    fn printed_as_bool(&self, value: &Value) -> Result<String> {
        self.printed(b"%t", value)
    }
}

fn joined(prefix: &str, key: &str) -> String {
    if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") }
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
pub(crate) fn deep_copy_map(budget: &Budget<'_>, map: &Map) -> std::result::Result<Map, CallError> {
    budget.spend_map(map.len())?;
    let copy = Map::any([]);
    let mut copied = Ok(());
    map.each(|key, value| {
        copied = deep_copy(budget, value).map(|value| {
            copy.set(key.clone(), value);
        });
        copied.is_ok()
    });
    copied.map(|()| copy)
}

/// A copy that shares no table with the original; lists cannot be changed, but tables in them can.
pub(crate) fn deep_copy(budget: &Budget<'_>, value: &Value) -> std::result::Result<Value, CallError> {
    Ok(match value {
        Value::Map(map) => Value::Map(deep_copy_map(budget, map)?),
        Value::List(list) if list.iter().any(|item| matches!(item, Value::Map(_) | Value::List(_))) => {
            budget.spend_list(list.len())?;
            let mut items = Vec::with_capacity(list.len());
            for item in list.iter() {
                items.push(deep_copy(budget, item)?);
            }
            Value::List(gotmpl::List::new(list.of, items))
        }
        other => other.clone(),
    })
}
