//! `.Chart`: the metadata of a chart as templates see it.

use std::any::Any;
use std::rc::Rc;

use gotmpl::{Budget, CallError, List, ListBuffer, ListType, Map, MapType, Object, Str, Value};

use super::objects::as_json_map;
use crate::chart::{Dependency, Maintainer, Metadata};
use crate::version::Profile;

/// `.Chart`: a map of Go field names in helm 4, a struct before.
///
/// # Errors
/// The budget is used up.
pub(crate) fn chart_value(
    budget: &Budget<'_>,
    metadata: &Metadata,
    is_root: bool,
    profile: &Profile,
) -> Result<Value, CallError> {
    let is_map = profile.chart_is_map;
    let mut fields = metadata_fields(budget, metadata, is_map)?;
    let embedded = fields.len();
    fields.push(Field { omits_empty: false, ..field("IsRoot", "IsRoot", Value::Bool(is_root)) });
    let chart =
        Struct { type_name: "struct { chart.Metadata; IsRoot bool }", kind: "struct", embedded, fields };
    Ok(chart.value(is_map))
}

/// A field of a Go struct.
#[derive(Clone)]
struct Field {
    name: &'static str,
    json: &'static str,
    /// JSON does without it when it is empty.
    omits_empty: bool,
    value: Value,
}

fn field(name: &'static str, json: &'static str, value: Value) -> Field {
    Field { name, json, omits_empty: true, value }
}

fn metadata_fields(budget: &Budget<'_>, metadata: &Metadata, is_map: bool) -> Result<Vec<Field>, CallError> {
    let maintainers = metadata.maintainers.iter().flatten().map(|entry| maintainer(entry).value(is_map));
    let mut dependencies = ListBuffer::new(budget);
    for entry in metadata.dependencies.iter().flatten() {
        dependencies.push(dependency(budget, entry, is_map)?.value(is_map))?;
    }
    Ok(vec![
        field("Name", "name", text(&metadata.name)),
        field("Home", "home", text(&metadata.home)),
        field("Sources", "sources", texts(&metadata.sources, is_map)),
        field("Version", "version", text(&metadata.version)),
        field("Description", "description", text(&metadata.description)),
        field("Keywords", "keywords", texts(&metadata.keywords, is_map)),
        field("Maintainers", "maintainers", Value::List(List::any(maintainers.collect()))),
        field("Icon", "icon", text(&metadata.icon)),
        field("APIVersion", "apiVersion", text(&metadata.api_version)),
        field("Condition", "condition", text(&metadata.condition)),
        field("Tags", "tags", text(&metadata.tags)),
        field("AppVersion", "appVersion", text(&metadata.app_version)),
        field("Deprecated", "deprecated", Value::Bool(metadata.deprecated)),
        field("Annotations", "annotations", annotations(metadata.annotations.as_deref())),
        field("KubeVersion", "kubeVersion", text(&metadata.kube_version)),
        field("Dependencies", "dependencies", dependencies.into_value(ListType::Any)?),
        field("Type", "type", text(&metadata.kind)),
    ])
}

fn maintainer(maintainer: &Maintainer) -> Struct {
    let fields = vec![
        field("Name", "name", text(&maintainer.name)),
        field("Email", "email", text(&maintainer.email)),
        field("URL", "url", text(&maintainer.url)),
    ];
    Struct { type_name: "*chart.Maintainer", kind: "ptr", embedded: 0, fields }
}

fn dependency(budget: &Budget<'_>, dependency: &Dependency, is_map: bool) -> Result<Struct, CallError> {
    let always = |field: Field| Field { omits_empty: false, ..field };
    budget.spend_map(8)?;
    let mut imports = ListBuffer::new(budget);
    for import in &dependency.import_values {
        imports.push(sprig::json::from_value(budget, import)?)?;
    }
    let fields = vec![
        always(field("Name", "name", text(&dependency.name))),
        field("Version", "version", text(&dependency.version)),
        always(field("Repository", "repository", text(&dependency.repository))),
        field("Condition", "condition", text(&dependency.condition)),
        field("Tags", "tags", texts(&dependency.tags, is_map)),
        field("Enabled", "enabled", Value::Bool(dependency.enabled)),
        field("ImportValues", "import-values", imports.into_value(ListType::Any)?),
        field("Alias", "alias", text(&dependency.alias)),
    ];
    Ok(Struct { type_name: "*chart.Dependency", kind: "ptr", embedded: 0, fields })
}

fn text(text: &str) -> Value {
    Value::from(text)
}

fn texts(items: &[String], is_map: bool) -> Value {
    let of = if is_map { ListType::Any } else { ListType::Strings };
    Value::List(List::new(of, items.iter().map(|item| text(item)).collect()))
}

fn annotations(annotations: Option<&[(String, String)]>) -> Value {
    let Some(annotations) = annotations else { return Value::Map(Map::nil(MapType::Strings)) };
    let map = Map::new(MapType::Strings);
    for (key, value) in annotations {
        map.set(Str::from(key.as_str()), Value::from(value.as_str()));
    }
    Value::Map(map)
}

/// A Go struct, its fields in the order of their declaration: unknown fields are errors, and JSON has the names
/// of `Chart.yaml`.
struct Struct {
    type_name: &'static str,
    kind: &'static str,
    /// So many fields are those of `chart.Metadata` within the struct.
    embedded: usize,
    fields: Vec<Field>,
}

impl Struct {
    /// As an object, or as the map that helm 4 makes of it.
    fn value(self, is_map: bool) -> Value {
        if is_map {
            let entries = self.fields.into_iter().map(|field| (Str::from(field.name), field.value));
            return Value::Map(Map::any(entries));
        }
        Value::Object(Rc::new(self))
    }

    fn metadata(&self) -> Option<Value> {
        let fields = self.fields[..self.embedded].to_vec();
        let metadata = Self { type_name: "chart.Metadata", kind: "struct", embedded: 0, fields };
        (self.embedded > 0).then(|| metadata.value(false))
    }
}

/// No fewer bytes than the text of a field takes.
fn size_of_field(value: &Value) -> usize {
    match value {
        Value::Str(text) => text.len(),
        Value::List(list) => list.iter().map(|item| 4 + size_of_field(item)).sum(),
        Value::Map(map) => {
            let mut bytes = 0;
            map.each(|key, value| {
                bytes += key.len() + 4 + size_of_field(value);
                true
            });
            bytes
        }
        Value::Object(object) => object.size(),
        _ => 32,
    }
}

impl Object for Struct {
    fn type_name(&self) -> &'static str {
        self.type_name
    }

    fn kind(&self) -> &'static str {
        self.kind
    }

    fn field(&self, name: &str) -> Option<Value> {
        if name == "Metadata" {
            return self.metadata();
        }
        self.fields.iter().find(|field| field.name == name).map(|field| field.value.clone())
    }

    fn go_fields(&self) -> Option<Vec<(&'static str, Value)>> {
        let own = self.fields[self.embedded..].iter().map(|field| (field.name, field.value.clone()));
        Some(self.metadata().map(|metadata| ("Metadata", metadata)).into_iter().chain(own).collect())
    }

    fn size(&self) -> usize {
        128 + self.fields.iter().map(|field| 32 + size_of_field(&field.value)).sum::<usize>()
    }

    fn json(&self) -> Value {
        as_json_map(self)
    }

    fn json_members(&self) -> Option<Vec<(&'static str, Value)>> {
        let shown = self.fields.iter().filter(|field| !field.omits_empty || field.value.truth());
        Some(shown.map(|field| (field.json, field.value.clone())).collect())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
