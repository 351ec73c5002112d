//! Everything that speaks git. [`Remote`] says where a repository is, [`Listing`] what it lists, [`Revision`] what is
//! wanted of it, [`Local`] reads one of this machine; the only place that knows git's libraries.

pub mod address;
mod attributes;
mod convert;
mod link;
mod local;
mod objects;
mod refs;
mod remote;
mod resolve;
mod snapshot;
mod stats;

/// The id of a commit.
pub use gix::ObjectId as CommitId;
pub use link::{Halt, Limits, Link};
pub use local::Local;
pub use objects::Objects;
pub use refs::Listing;
pub use remote::{Host, Place, Remote};
pub use resolve::{Revision, tip_with};
pub use snapshot::{Snapshot, is_lfs_pointer};
pub use stats::{Counted, Progress, Stats};
