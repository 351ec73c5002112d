//! A `RenderResponse` whose first fields are encoded already. Concatenated encodings of protobuf messages are the
//! encoding of the merged message, so a cached body is sent as it is, followed by the caller's own fields.

use prost::Message;
use prost::bytes::{Buf, BufMut, Bytes};
use prost::encoding::{DecodeContext, WireType};

use crate::v1::RenderResponse;

/// On the wire a [`RenderResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply {
    /// The encoding of a [`RenderResponse`]: fields that many answers share.
    pub body: Bytes,
    /// The fields of this answer; repeated fields follow those of the body.
    pub own: RenderResponse,
}

impl Message for Reply {
    fn encode_raw(&self, buf: &mut impl BufMut) {
        buf.put_slice(&self.body);
        self.own.encode_raw(buf);
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), prost::DecodeError> {
        self.own.merge_field(tag, wire_type, buf, context)
    }

    fn encoded_len(&self) -> usize {
        self.body.len() + self.own.encoded_len()
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1::{Answered, Manifest};

    #[test]
    fn body_and_own_fields_decode_as_one_response() {
        let shared = RenderResponse {
            manifests: vec![Manifest { json: "{}".into(), source: 1, ..Manifest::default() }],
            renderers: vec!["Helm".into(), String::new()],
            warnings: vec!["mind the gap".into()],
            ..RenderResponse::default()
        };
        let own = RenderResponse {
            revisions: vec!["abc".into()],
            answered: Answered::Cache.into(),
            ..RenderResponse::default()
        };
        let reply = Reply { body: shared.encode_to_vec().into(), own: own.clone() };
        let decoded = RenderResponse::decode(&*reply.encode_to_vec()).unwrap();
        let expected = RenderResponse { revisions: own.revisions, answered: own.answered, ..shared };
        assert_eq!(decoded, expected);
        assert_eq!(reply.encoded_len(), expected.encoded_len());
    }
}
