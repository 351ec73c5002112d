//! Structs as `%v` prints them.

use super::Object;

/// `{a b}`, with `&` before what a pointer points to.
#[must_use]
pub fn struct_text(object: &(impl Object + ?Sized)) -> String {
    let mut out = if object.kind() == "ptr" { b"&{".to_vec() } else { b"{".to_vec() };
    for (at, (_, value)) in object.go_fields().unwrap_or_default().iter().enumerate() {
        if at > 0 {
            out.push(b' ');
        }
        crate::print::print_value(value, &mut out);
    }
    out.push(b'}');
    String::from_utf8_lossy(&out).into_owned()
}
