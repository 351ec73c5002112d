//! The wire types of manifestd.v1, generated from `manifestd/v1/*.proto`; `tests/generate.rs` makes and checks them.
//!
//! ```
//! use manifestd_proto::v1::{Git, Source, source::Origin};
//! let git = Git { url: "https://host/org/repo.git".into(), ..Git::default() };
//! let source = Source { origin: Some(Origin::Git(git)), renderer: None };
//! # assert!(source.origin.is_some());
//! ```

mod redact;
mod reply;

pub use reply::Reply;

/// Messages and the client of `manifestd.v1`.
#[expect(clippy::allow_attributes_without_reason, reason = "generated")]
pub mod v1 {
    include!("gen/manifestd.v1.rs");
}

/// The server of `manifestd.v1`: the same service, but a render is answered with a [`Reply`].
#[expect(
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::too_many_lines,
    reason = "generated"
)]
pub mod v1_server {
    include!("gen/manifestd.v1.server.rs");
}

/// The message of `grpc-status-details-bin`.
pub mod rpc {
    include!("gen/google.rpc.rs");
}

/// The encoded descriptors of `manifestd.v1`, for reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!("gen/descriptors.bin");
