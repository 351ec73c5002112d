//! Structs as `%v` prints them.

use super::Object;
use crate::budget::Budget;
use crate::text::TextBuffer;

/// `{a b}`, with `&` before what a pointer points to.
#[must_use]
pub fn struct_text(object: &(impl Object + ?Sized)) -> String {
    // Whoever prints an object has charged its size.
    let budget = Budget::unlimited();
    let mut out = TextBuffer::new(&budget);
    out.put(if object.kind() == "ptr" { b"&{" } else { b"{" });
    for (at, (_, value)) in object.go_fields().unwrap_or_default().iter().enumerate() {
        if at > 0 {
            out.put_byte(b' ');
        }
        crate::print::print_value(value, &mut out);
    }
    out.put_byte(b'}');
    crate::value::lossy(&out.into_bytes().unwrap_or_default()).into_owned()
}
