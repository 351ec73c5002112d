//! File name patterns in the three languages the field uses, each as its Go library reads it.
//!
//! - [`gobwas`]: include and exclude patterns of directories, allow-lists (github.com/gobwas/glob v0.2.3);
//! - [`doublestar`]: globs of files and values files (github.com/bmatcuk/doublestar v4.10.0);
//! - [`path`]: Go's own `filepath.Match`.
//!
//! A pattern is compiled once into a non-deterministic automaton (`nfa`) and run without backtracking: the time is
//! bounded by (length of the name) × (length of the pattern), whatever the pattern. A pattern is wrong or right as a
//! whole, before any name is looked at, where the Go libraries sometimes notice only on the way.
//!
//! ```
//! use manifestd_glob as glob;
//! let pattern = glob::gobwas::Pattern::compile("{apps,infra}/*.y?ml", &[]).unwrap();
//! assert!(pattern.matches("apps/web/service.yaml"));
//! assert!(glob::doublestar::matches("apps/**/values-*.yaml", "apps/a/b/values-prod.yaml").unwrap());
//! assert!(!glob::path::matches("*.yaml", "apps/service.yaml").unwrap());
//! ```

pub mod doublestar;
mod error;
pub mod gobwas;
mod nfa;
pub mod path;

pub use error::Error;

/// The longest pattern in bytes: as long as the longest path Linux takes. It bounds the work per character of a name.
pub const MAX_PATTERN: usize = 4096;

/// The deepest nesting of `{…}` groups; real patterns nest two deep.
pub const MAX_NESTING: usize = 32;
