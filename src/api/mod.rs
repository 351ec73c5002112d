//! Wire in, wire out, no decisions: messages become our words, our words become messages.

mod convert;
mod routes;
mod status;
mod stream;
mod v1;

use std::sync::Arc;

use crate::pipeline::ReplyRoom;

pub use routes::{Options, SERVICE, routes, rpc};
pub use status::{code_name, plain as plain_status, status};
pub use v1::{Api, Limits};

/// How an answer came about (`cache`, `reuse`, `rendered`), as an extension of a response, for the metrics.
#[derive(Clone, Copy, Debug)]
pub struct Counted(pub &'static str);

/// A share of the reply budget, as an extension of a response: to be dropped when the last byte is sent.
#[derive(Clone, Debug)]
pub struct Held(pub Arc<ReplyRoom>);

#[cfg(test)]
mod tests;
