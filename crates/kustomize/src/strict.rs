//! JSON into structs as Go's `encoding/json` does it: names in any case, unknown names refused, no conversion of types,
//! and the first mistake in key order reported in Go's words.

use std::collections::BTreeMap;

use yaml::Value;

/// Something that JSON can be read into.
pub(crate) trait Decode {
    /// The Go type in messages.
    fn go_type() -> String;
    /// Takes over a value that is not null.
    fn decode(&mut self, value: &Value, cx: &mut Context);
}

/// The state of one reading.
#[derive(Debug, Default)]
pub(crate) struct Context {
    /// Whether names that no field has are mistakes, and numbers and booleans no text.
    pub(crate) strict: bool,
    structs: Vec<&'static str>,
    fields: Vec<&'static str>,
    mistake: Option<String>,
}

/// Reads a value; answers the first mistake in Go's words, after `json: `.
pub(crate) fn read<T: Decode + Default>(value: &Value, strict: bool) -> Result<T, String> {
    let mut cx = Context { strict, ..Context::default() };
    let mut out = T::default();
    cx.fill(value, &mut out);
    match cx.mistake {
        Some(mistake) => Err(format!("json: {mistake}")),
        None => Ok(out),
    }
}

impl Context {
    fn fill<T: Decode>(&mut self, value: &Value, into: &mut T) {
        if !value.is_null() {
            into.decode(value, self);
        }
    }

    /// Notes a value of the wrong type.
    fn mismatch(&mut self, value: &Value, wanted: &str) {
        self.mismatch_of(value.json_kind(), wanted);
    }

    fn mismatch_of(&mut self, kind: &str, wanted: &str) {
        let text = match self.structs.last() {
            Some(name) => {
                let fields = self.fields.join(".");
                format!("cannot unmarshal {kind} into Go struct field {name}.{fields} of type {wanted}")
            }
            None => format!("cannot unmarshal {kind} into Go value of type {wanted}"),
        };
        self.mistake.get_or_insert(text);
    }

    /// Visits the fields of an object in the order of their names.
    pub(crate) fn object(
        &mut self,
        names: (&'static str, String),
        value: &Value,
        mut visit: impl FnMut(&str, &Value, &mut Self) -> bool,
    ) {
        let (name, go_type) = names;
        let Some(map) = value.as_map() else { return self.mismatch(value, &go_type) };
        let mut entries: Vec<_> = map.iter().collect();
        entries.sort_unstable_by_key(|(key, _)| *key);
        self.structs.push(name);
        for (key, value) in entries {
            if !visit(key, value, self) && self.strict {
                self.mistake.get_or_insert(format!("unknown field {key:?}"));
            }
        }
        self.structs.pop();
    }

    /// Reads one field; `path` is its name in messages.
    pub(crate) fn field<T: Decode>(&mut self, path: &'static str, value: &Value, into: &mut T) {
        self.fields.push(path);
        self.fill(value, into);
        self.fields.pop();
    }
}

impl Decode for String {
    fn go_type() -> String {
        "string".to_owned()
    }

    fn decode(&mut self, value: &Value, cx: &mut Context) {
        match value {
            Value::String(text) => *self = text.to_string(),
            Value::Bool(b) if !cx.strict => *self = b.to_string(),
            Value::Int(_) | Value::Uint(_) | Value::Float(_) if !cx.strict => {
                yaml::v2::emit(value).trim_end().clone_into(self);
            }
            _ => cx.mismatch(value, "string"),
        }
    }
}

impl Decode for bool {
    fn go_type() -> String {
        "bool".to_owned()
    }

    fn decode(&mut self, value: &Value, cx: &mut Context) {
        match value {
            Value::Bool(b) => *self = *b,
            _ => cx.mismatch(value, "bool"),
        }
    }
}

impl Decode for i64 {
    fn go_type() -> String {
        "int64".to_owned()
    }

    fn decode(&mut self, value: &Value, cx: &mut Context) {
        match value {
            Value::Int(n) => *self = *n,
            Value::Uint(_) | Value::Float(_) => {
                let number = yaml::json::to_string(value).unwrap_or_default();
                cx.mismatch_of(&format!("number {number}"), "int64");
            }
            _ => cx.mismatch(value, "int64"),
        }
    }
}

impl<T: Decode + Default> Decode for Vec<T> {
    fn go_type() -> String {
        format!("[]{}", T::go_type())
    }

    fn decode(&mut self, value: &Value, cx: &mut Context) {
        let Some(items) = value.as_list() else { return cx.mismatch(value, &Self::go_type()) };
        for item in items {
            let mut out = T::default();
            cx.fill(item, &mut out);
            self.push(out);
        }
    }
}

impl<T: Decode + Default> Decode for Option<T> {
    fn go_type() -> String {
        T::go_type()
    }

    fn decode(&mut self, value: &Value, cx: &mut Context) {
        let mut out = T::default();
        out.decode(value, cx);
        *self = Some(out);
    }
}

impl<T: Decode + Default> Decode for BTreeMap<String, T> {
    fn go_type() -> String {
        format!("map[string]{}", T::go_type())
    }

    fn decode(&mut self, value: &Value, cx: &mut Context) {
        let Some(map) = value.as_map() else { return cx.mismatch(value, &Self::go_type()) };
        for (key, value) in map.iter() {
            let mut out = T::default();
            cx.fill(value, &mut out);
            self.insert(key.to_string(), out);
        }
    }
}

/// Anything.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Raw(pub(crate) Value);

impl Decode for Raw {
    fn go_type() -> String {
        "interface {}".to_owned()
    }

    fn decode(&mut self, value: &Value, _: &mut Context) {
        self.0 = value.clone();
    }
}

/// A struct with JSON names. `= "name"` is the name; `in "Path"` the embedded Go structs it lies in.
macro_rules! record {
    ($(#[$doc:meta])* $name:ident as $go:literal {
        $( $(#[$field_doc:meta])* $field:ident: $ty:ty = $json:literal $(in $path:literal)? ),* $(,)?
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub(crate) struct $name {
            $( $(#[$field_doc])* pub(crate) $field: $ty, )*
        }

        impl $crate::strict::Decode for $name {
            fn go_type() -> String {
                concat!("types.", $go).to_owned()
            }

            fn decode(&mut self, value: &yaml::Value, cx: &mut $crate::strict::Context) {
                cx.object(($go, Self::go_type()), value, |key, value, cx| {
                    $( if key.eq_ignore_ascii_case($json) {
                        cx.field(concat!($($path, ".",)? $json), value, &mut self.$field);
                        return true;
                    } )*
                    false
                });
            }
        }
    };
}
pub(crate) use record;

#[cfg(test)]
mod tests;
