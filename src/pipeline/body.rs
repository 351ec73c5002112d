//! The part of an answer that is the same for every caller, encoded once.

use bytes::Bytes;

/// Encoded manifests: the protobuf encoding of `manifestd.v1.RenderResponse` with only its first fields set
/// (manifests, renderers, warnings), so that an answer is this body followed by the caller's own fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body(pub Bytes);
