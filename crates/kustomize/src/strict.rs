//! JSON into structs as Go's `encoding/json` does it: names in any case, unknown names refused, no conversion of types,
//! and the first mistake in key order reported in Go's words.

use std::collections::BTreeMap;

use yaml::Value;

use crate::version::Profile;

/// Something that JSON can be read into.
pub(crate) trait Decode {
    /// The names of the fields of a struct.
    const FIELDS: &'static [&'static str] = &[];

    /// The Go type in messages.
    fn go_type() -> String;
    /// Takes over a value that is not null.
    fn decode(&mut self, value: &Value, cx: &mut Context);
}

/// The state of one reading.
#[derive(Debug)]
pub(crate) struct Context {
    /// Whether names that no field has are mistakes, and numbers and booleans no text.
    pub(crate) strict: bool,
    pub(crate) profile: &'static Profile,
    structs: Vec<&'static str>,
    fields: Vec<&'static str>,
    /// The Go type that is read; empty where it is read through a pointer to a pointer.
    root: &'static str,
    /// The keys and indices that lead to the value, as a JSON pointer has them.
    pointer: Vec<String>,
    mistake: Option<String>,
}

/// Reads a value; answers the first mistake in Go's words, after `json: `.
pub(crate) fn read<T: Decode + Default>(
    value: &Value,
    strict: bool,
    profile: &'static Profile,
) -> Result<T, String> {
    read_as("", value, strict, profile)
}

/// The same for a type that messages begin the place of a mistake with.
pub(crate) fn read_as<T: Decode + Default>(
    root: &'static str,
    value: &Value,
    strict: bool,
    profile: &'static Profile,
) -> Result<T, String> {
    let mut cx = Context {
        strict,
        profile,
        structs: Vec::new(),
        fields: Vec::new(),
        root,
        pointer: Vec::new(),
        mistake: None,
    };
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
            _ if self.profile.has_json_v2 => self.mismatch_at(kind, wanted),
            Some(name) => {
                let fields = self.fields.join(".");
                format!("cannot unmarshal {kind} into Go struct field {name}.{fields} of type {wanted}")
            }
            None => format!("cannot unmarshal {kind} into Go value of type {wanted}"),
        };
        self.mistake.get_or_insert(text);
    }

    /// The text of Go's second JSON library, which takes a place that ends in a number for one in a list.
    fn mismatch_at(&self, kind: &str, wanted: &str) -> String {
        let Some(last) = self.pointer.last() else {
            return format!("cannot unmarshal {kind} into Go value of type {wanted}");
        };
        let is_index = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit());
        let (what, root, place) =
            (if is_index { "" } else { "Go struct field " }, self.root, self.pointer.join("."));
        format!("cannot unmarshal {kind} into {what}{root}.{place} of type {wanted}")
    }

    /// Reads what is in an object under a key, or in a list at an index.
    fn within<T: Decode>(&mut self, step: &str, value: &Value, into: &mut T) {
        self.pointer.push(step.replace('~', "~0").replace('/', "~1"));
        self.fill(value, into);
        self.pointer.pop();
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

    /// Reads the field of a key; `path` is its name in messages.
    pub(crate) fn field<T: Decode>(
        &mut self,
        (key, path): (&str, &'static str),
        value: &Value,
        into: &mut T,
    ) {
        self.fields.push(path);
        self.within(key, value, into);
        self.fields.pop();
    }
}

impl Decode for String {
    fn go_type() -> String {
        "string".to_owned()
    }

    fn decode(&mut self, value: &Value, cx: &mut Context) {
        match value {
            Value::String(text) => {
                budget::note(text.len());
                *self = text.to_string();
            }
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
        for (at, item) in items.iter().enumerate() {
            if budget::charge(2 * size_of::<T>()).is_err() {
                // The budget remembers; what is wrong with the rest does not matter.
                return;
            }
            let mut out = T::default();
            cx.within(&at.to_string(), item, &mut out);
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
        let mut entries: Vec<_> = map.iter().collect();
        entries.sort_unstable_by_key(|(key, _)| *key);
        for (key, value) in entries {
            let mut out = T::default();
            cx.within(key, value, &mut out);
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

/// A struct with JSON names. `= "name"` is the name; `in "Path"` the embedded Go structs it lies in; `since V5_8_3` the
/// version of kustomize that brought it.
macro_rules! record {
    ($(#[$doc:meta])* $name:ident as $go:literal {
        $( $(#[$field_doc:meta])* $field:ident: $ty:ty = $json:literal $(in $path:literal)? $(since $since:ident)? ),* $(,)?
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub(crate) struct $name {
            $( $(#[$field_doc])* pub(crate) $field: $ty, )*
        }

        impl $crate::strict::Decode for $name {
            const FIELDS: &'static [&'static str] = &[$( $json, )*];

            fn go_type() -> String {
                concat!("types.", $go).to_owned()
            }

            fn decode(&mut self, value: &yaml::Value, cx: &mut $crate::strict::Context) {
                cx.object(($go, Self::go_type()), value, |key, value, cx| {
                    $( if key.eq_ignore_ascii_case($json)
                        $(&& cx.profile.version >= $crate::version::KustomizeVersion::$since)?
                    {
                        cx.field((key, concat!($($path, ".",)? $json)), value, &mut self.$field);
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
