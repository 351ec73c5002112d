//! Bytes by key: bounded, expiring, checked.
