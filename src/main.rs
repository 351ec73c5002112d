//! Entry point of the manifestd binary.
fn main() {}
