//! Values as templates see them: Go's kinds, maps shared by reference, and nil in its several forms.
//!
//! A [`Value`] is what a Go `interface{}` holds. Whether a value *was taken out of* an interface, which Go's errors
//! tell, is the executor's knowledge (`exec/operand.rs`), and so is "no value at all".

mod structs;
mod walk;

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

use crate::function::Function;

pub use structs::struct_text;

/// A Go string: any bytes, usually UTF-8. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Str(Arc<[u8]>);

impl Str {
    /// The text, invalid UTF-8 replaced by U+FFFD.
    #[must_use]
    pub fn lossy(&self) -> Cow<'_, str> {
        lossy(&self.0)
    }
}

/// Text, invalid UTF-8 replaced by U+FFFD. The standard library's function goes byte by byte where nothing is invalid.
#[must_use]
pub fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

impl Deref for Str {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl std::borrow::Borrow<[u8]> for Str {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl From<&str> for Str {
    fn from(text: &str) -> Self {
        Self(Arc::from(text.as_bytes()))
    }
}

impl From<String> for Str {
    fn from(text: String) -> Self {
        Self(Arc::from(text.into_bytes()))
    }
}

impl From<&[u8]> for Str {
    fn from(bytes: &[u8]) -> Self {
        Self(Arc::from(bytes))
    }
}

impl From<Vec<u8>> for Str {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Arc::from(bytes))
    }
}

impl From<Arc<[u8]>> for Str {
    fn from(bytes: Arc<[u8]>) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.lossy(), f)
    }
}

/// The signed integer types of Go that occur.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IntType {
    /// `int`: constants in templates, `len`, `int`.
    Int,
    /// `int64`: `--set`, sprig arithmetic.
    Int64,
    /// `time.Duration`: nanoseconds.
    Duration,
    /// `time.Month`: from 1.
    Month,
    /// `time.Weekday`: from Sunday, 0.
    Weekday,
}

/// The unsigned integer types of Go that occur.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UintType {
    /// `uint8`: an element of a string or of bytes.
    Uint8,
    /// `uint64`
    Uint64,
}

/// What a Go `interface{}` holds. Cheap to clone: collections are shared.
#[derive(Clone)]
pub enum Value {
    /// A nil interface.
    Nil,
    /// `bool`
    Bool(bool),
    /// A signed integer of some width.
    Int(IntType, i64),
    /// An unsigned integer of some width.
    Uint(UintType, u64),
    /// `float64`
    Float(f64),
    /// `string`
    Str(Str),
    /// `[]uint8`
    Bytes(Str),
    /// A slice.
    List(List),
    /// A map with string keys.
    Map(Map),
    /// A value with fields or methods of its own.
    Object(Rc<dyn Object>),
}

/// The type of a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListType {
    /// `[]interface {}`
    Any,
    /// `[]string`
    Strings,
    /// `[]int`
    Ints,
    /// `[][]interface {}`
    Lists,
    /// A named type over `[]string`, such as `common.VersionSet`.
    Named(&'static str),
}

/// A slice: immutable, as no template function changes one in place.
#[derive(Clone)]
pub struct List {
    /// Its type.
    pub of: ListType,
    items: Option<Rc<Items>>,
}

/// What the clones of a slice share.
struct Items(Vec<Value>);

/// The type of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapType {
    /// `map[string]interface {}`
    Any,
    /// `map[string]string`
    Strings,
    /// A named type over `map[string]interface {}`, such as `common.Values`: assignable to it, with methods.
    Named(&'static str),
    /// A named type over another map, such as `engine.files`: not assignable to `map[string]interface {}`.
    Other(&'static str),
}

/// A map with string keys, in Go's printing order (bytewise). Clones share one map, as in Go.
#[derive(Clone)]
pub struct Map {
    /// Its type.
    pub of: MapType,
    entries: Option<Rc<Entries>>,
}

/// What the clones of a map share.
#[derive(Default)]
struct Entries {
    map: RefCell<BTreeMap<Str, Value>>,
    /// Whether anybody looked inside.
    touched: Cell<bool>,
}

/// A value with fields or methods of its own: a struct, or a pointer to one.
pub trait Object {
    /// Go's name of the type, such as `*semver.Version`.
    fn type_name(&self) -> &'static str;

    /// Go's kind: `ptr` or `struct`.
    fn kind(&self) -> &'static str {
        "struct"
    }

    /// The exported field `name`.
    fn field(&self, name: &str) -> Option<Value>;

    /// The method `name`; its function gets the value as first argument, undeclared.
    fn method(&self, name: &str) -> Option<&'static Function> {
        let _ = name;
        None
    }

    /// What printing shows (`%v`): `String()` where the type has one, else the fields of the struct.
    fn print(&self) -> String {
        structs::struct_text(self)
    }

    /// Whether `String()` is in the method set of the value as functions get it: verbs for texts print it then.
    fn is_stringer(&self) -> bool {
        false
    }

    /// What a template prints of the value in place, where a pointer stands for what it points to.
    fn print_in_place(&self) -> String {
        let text = self.print();
        let is_pointer = self.kind() == "ptr" && !self.is_stringer();
        if is_pointer { text.strip_prefix('&').map_or(text.clone(), str::to_owned) } else { text }
    }

    /// The fields of the struct as Go declares them, unexported ones too; `None` where only the text is known.
    fn go_fields(&self) -> Option<Vec<(&'static str, Value)>> {
        None
    }

    /// What `%#v` shows of a type with a `GoString` method.
    fn go_string(&self) -> Option<String> {
        None
    }

    /// The value a function gets, where passing it changes its method set: a copy of a struct has no methods of
    /// the pointer to it.
    fn as_argument(&self) -> Option<Value> {
        None
    }

    /// The value as `encoding/json` marshals it, as other values.
    fn json(&self) -> Value;

    /// The members of a struct whose JSON is an object, in the order of their declaration; [`Self::json`] has them
    /// in the order of a map.
    fn json_members(&self) -> Option<Vec<(&'static str, Value)>> {
        None
    }

    /// No fewer bytes than its text and its JSON take, escapes not counted.
    fn size(&self) -> usize {
        256
    }

    /// Go's `reflect.DeepEqual` with another object of the same type.
    fn equal(&self, other: &dyn Object) -> bool {
        self.type_name() == other.type_name() && self.print() == other.print()
    }

    /// For functions that know the type.
    fn as_any(&self) -> &dyn std::any::Any;
}

impl List {
    /// A slice of `of` holding `items`.
    #[must_use]
    pub fn new(of: ListType, items: Vec<Value>) -> Self {
        Self { of, items: Some(Rc::new(Items(items))) }
    }

    /// `[]interface {}` holding `items`.
    #[must_use]
    pub fn any(items: Vec<Value>) -> Self {
        Self::new(ListType::Any, items)
    }

    /// A nil slice.
    #[must_use]
    pub fn nil(of: ListType) -> Self {
        Self { of, items: None }
    }

    /// Whether it is a nil slice.
    #[must_use]
    pub fn is_nil(&self) -> bool {
        self.items.is_none()
    }

    /// Go's name of the type.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self.of {
            ListType::Any => "[]interface {}",
            ListType::Strings => "[]string",
            ListType::Ints => "[]int",
            ListType::Lists => "[][]interface {}",
            ListType::Named(name) => name,
        }
    }
}

impl Deref for List {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        self.items.as_ref().map_or(&[], |items| &items.0)
    }
}

impl Map {
    /// An empty map.
    #[must_use]
    pub fn new(of: MapType) -> Self {
        Self { of, entries: Some(Rc::default()) }
    }

    /// `map[string]interface {}` with these entries; the last of a key wins.
    pub fn any(entries: impl IntoIterator<Item = (Str, Value)>) -> Self {
        let entries: BTreeMap<Str, Value> = entries.into_iter().collect();
        Self {
            of: MapType::Any,
            entries: Some(Rc::new(Entries { map: RefCell::new(entries), touched: Cell::new(false) })),
        }
    }

    /// A nil map.
    #[must_use]
    pub fn nil(of: MapType) -> Self {
        Self { of, entries: None }
    }

    /// The same entries seen as another type; changes show in both.
    #[must_use]
    pub fn seen_as(&self, of: MapType) -> Self {
        Self { of, entries: self.entries.clone() }
    }

    /// Whether it is a nil map.
    #[must_use]
    pub fn is_nil(&self) -> bool {
        self.entries.is_none()
    }

    /// Whether anybody has looked inside: what a map nobody looked into holds made no difference.
    #[must_use]
    pub fn was_touched(&self) -> bool {
        self.entries.as_ref().is_some_and(|entries| entries.touched.get())
    }

    fn touch(&self) -> Option<&RefCell<BTreeMap<Str, Value>>> {
        let entries = self.entries.as_ref()?;
        entries.touched.set(true);
        Some(&entries.map)
    }

    /// Whether both are one map.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        match (&self.entries, &other.entries) {
            (Some(a), Some(b)) => Rc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        }
    }

    /// The value of `key`.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<Value> {
        self.touch()?.borrow().get(key).cloned()
    }

    /// Whether there is `key`.
    #[must_use]
    pub fn has(&self, key: &[u8]) -> bool {
        self.touch().is_some_and(|entries| entries.borrow().contains_key(key))
    }

    /// Sets `key`; false for a nil map, where Go panics.
    pub fn set(&self, key: Str, value: Value) -> bool {
        let Some(entries) = self.touch() else { return false };
        entries.borrow_mut().insert(key, value);
        true
    }

    /// Removes `key`.
    pub fn remove(&self, key: &[u8]) -> Option<Value> {
        self.touch()?.borrow_mut().remove(key)
    }

    /// Takes everything out, so that a map that holds itself can be freed.
    pub fn clear(&self) {
        if let Some(entries) = &self.entries {
            let taken = std::mem::take(&mut *entries.map.borrow_mut());
            drop(taken);
        }
    }

    /// The number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.touch().map_or(0, |entries| entries.borrow().len())
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Shows the entries to `visit`, sorted by key, until it says no. It must not change the map.
    pub fn each(&self, mut visit: impl FnMut(&Str, &Value) -> bool) {
        let Some(entries) = self.touch() else { return };
        for (key, value) in &*entries.borrow() {
            if !visit(key, value) {
                return;
            }
        }
    }

    /// The entries as they are now, sorted by key.
    #[must_use]
    pub fn entries(&self) -> Vec<(Str, Value)> {
        let Some(entries) = self.touch() else { return Vec::new() };
        entries.borrow().iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// The keys as they are now, sorted.
    #[must_use]
    pub fn keys(&self) -> Vec<Str> {
        self.touch().map_or_else(Vec::new, |entries| entries.borrow().keys().cloned().collect())
    }

    /// Go's name of the type.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self.of {
            MapType::Any => "map[string]interface {}",
            MapType::Strings => "map[string]string",
            MapType::Named(name) | MapType::Other(name) => name,
        }
    }

    /// What a missing key yields: the zero value of the element type.
    #[must_use]
    pub fn zero(&self) -> Value {
        match self.of {
            MapType::Strings => Value::from(""),
            MapType::Other(_) => Value::Bytes(Str::from("")),
            MapType::Any | MapType::Named(_) => Value::Nil,
        }
    }

    /// Whether elements are `interface {}`.
    #[must_use]
    pub fn holds_any(&self) -> bool {
        matches!(self.of, MapType::Any | MapType::Named(_))
    }
}

impl Value {
    /// An `int`.
    #[must_use]
    pub fn int(value: i64) -> Self {
        Self::Int(IntType::Int, value)
    }

    /// An `int64`.
    #[must_use]
    pub fn int64(value: i64) -> Self {
        Self::Int(IntType::Int64, value)
    }

    /// `[]string`
    pub fn strings<T: Into<Str>>(items: impl IntoIterator<Item = T>) -> Self {
        Self::List(List::new(
            ListType::Strings,
            items.into_iter().map(|item| Self::Str(item.into())).collect(),
        ))
    }

    /// Go's name of the dynamic type (`%T`); `<nil>` for nil.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Nil => "<nil>",
            Self::Bool(_) => "bool",
            Self::Int(of, _) => of.name(),
            Self::Uint(UintType::Uint8, _) => "uint8",
            Self::Uint(UintType::Uint64, _) => "uint64",
            Self::Float(_) => "float64",
            Self::Str(_) => "string",
            Self::Bytes(_) => "[]uint8",
            Self::List(list) => list.type_name(),
            Self::Map(map) => map.type_name(),
            Self::Object(object) => object.type_name(),
        }
    }

    /// Go's kind (`reflect.Kind`); `invalid` for nil.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Nil => "invalid",
            Self::Bytes(_) | Self::List(_) => "slice",
            Self::Map(_) => "map",
            Self::Object(object) => object.kind(),
            Self::Int(of, _) => of.kind(),
            simple => simple.type_name(),
        }
    }

    /// Whether it counts as true in `if`, `and`, `default`: neither zero nor empty.
    #[must_use]
    pub fn truth(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(value) => *value,
            Self::Int(_, value) => *value != 0,
            Self::Uint(_, value) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::Str(text) | Self::Bytes(text) => !text.is_empty(),
            Self::List(list) => !list.is_empty(),
            Self::Map(map) => !map.is_empty(),
            Self::Object(_) => true,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Str(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Str(text.into())
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Str(bytes.into())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Self {
        Self::Map(map)
    }
}

impl From<List> for Value {
    fn from(list: List) -> Self {
        Self::List(list)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&crate::print::sprint_value(self)))
    }
}
