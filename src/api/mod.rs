//! Wire in, wire out, no decisions: messages become our words, our words become messages.

mod convert;
mod routes;
mod status;
mod stream;
mod v1;
mod weighing;

use std::sync::Arc;

use crate::pipeline::ReplyRoom;

pub use routes::{Guard, Options, SERVICE, routes, rpc, schema};
pub use status::{code_name, plain as plain_status, status};
pub use v1::{Api, Limits};
pub use weighing::{Method, Refusal, Schema, Weigher};

/// How an answer came about (`cache`, `reuse`, `rendered`), as an extension of a response, for the metrics.
#[derive(Clone, Copy, Debug)]
pub struct Counted(pub &'static str);

/// A share of the reply budget, as an extension of a response: to be dropped when the last byte is sent.
#[derive(Clone, Debug)]
pub struct Held(pub Arc<ReplyRoom>);

#[cfg(test)]
mod tests;
