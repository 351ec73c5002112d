//! What a tree holds, without rendering it: applications, files, folders. Pure functions; opening the tree and caching
//! the answer are their callers'.

mod apps;
mod directories;
mod files;

pub use apps::apps;
pub use directories::directories;
pub use files::{Budget, files};
