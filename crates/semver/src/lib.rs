//! Semantic versions and constraints as github.com/Masterminds/semver v3.5.0 reads them: what helm compares, and how a
//! range over tags finds its tag.
//!
//! ```
//! use manifestd_semver::{Constraint, Version};
//! let range = Constraint::parse("^1.2 || >=3.0.0-0").unwrap();
//! assert!(range.allows(&Version::parse("v1.9").unwrap()));
//! assert_eq!(range.highest(["v1.2.0", "v2.0.0", "v1.10.1", "main"]), Some("v1.10.1"));
//! ```

mod constraint;
mod error;
mod scan;
mod version;

pub use constraint::Constraint;
pub use error::Error;
pub use version::Version;
