//! Everything that speaks git. [`Remote`] says where a repository is, [`Listing`] what it lists, [`Revision`] what is
//! wanted of it; [`Repositories`] has the commits, fetched over the [`Network`] into [`Stores`], and [`Local`] reads a
//! repository of this machine. [`Snapshot`] is a commit as a tree. The only place that knows git's libraries.

pub mod address;
mod attributes;
mod convert;
mod fetch;
mod held;
mod link;
mod local;
mod objects;
mod refs;
mod remote;
mod resolve;
mod snapshot;
mod stats;
mod store;
mod wire;

pub use fetch::Repositories;
/// The id of a commit.
pub use gix::ObjectId as CommitId;
/// The beginning of the id of a commit.
pub use gix::hash::Prefix;
pub use held::Held;
pub use link::{Halt, Limits};
pub use local::Local;
pub use objects::Objects;
pub use refs::Listing;
pub use remote::{Host, Place, Remote};
pub use resolve::{Revision, tip_with};
pub use snapshot::{Snapshot, is_lfs_pointer};
pub use stats::{Counted, Progress, Stats};
pub use store::Stores;
pub use wire::{Ask, Gate, Network, Page};
