//! Git repositories, servers and folder cases made by code, for tests only.
//!
//! A test makes a [`Root`] of repositories, serves it with [`http`], [`ssh`] or lets a [`Raw`] server misbehave, and
//! asks manifestd for what is in it. Everything is deterministic, on loopback, and gone when its value is dropped.
//! What cannot run because a program is missing says so on stderr through [`Program`].
//!
//! ```
//! use manifestd_testkit::Root;
//! let root = Root::new();
//! let repo = root.repo("app.git");
//! let first = repo.commit("main").file("web/config.yaml", "kind: ConfigMap\n").write();
//! repo.tag("v1.0.0", first);
//! assert_eq!(first.to_string().len(), 40);
//! ```

pub mod allocation;
mod big;
mod cases;
mod certificates;
pub mod http;
pub mod pack;
mod program;
mod random;
mod raw;
mod repo;
mod self_signed;
pub mod ssh;

pub use big::{app_folder, apps, wide};
pub use cases::{Case, cases};
pub use certificates::Certificates;
pub use git2::Oid;
pub use program::{Program, shared};
pub use random::Random;
pub use raw::{Raw, Script};
pub use repo::{Commit, Repo, Root};
pub use self_signed::SelfSigned;
