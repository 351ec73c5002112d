//! From a tree and options to manifests: one engine call. Runs on the blocking pool, under the budgets of its job.

mod job;

pub use job::{Budgets, Job, Lent, Stop};
