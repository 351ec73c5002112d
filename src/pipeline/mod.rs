//! The road of one request: resolve, key, cache, flight, open, reuse, permit, render, finish.

mod body;

pub use body::Body;
