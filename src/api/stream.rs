//! A body in parts: cut between its fields, never copied.

use bytes::{Buf, Bytes};

/// Parts are filled up to this many bytes: few enough to start sending at once, enough to make a frame worth it.
const PART: usize = 1 << 20;

/// The encoded message cut between its fields into parts that are messages themselves; `None` when it is no encoding
/// of length-delimited fields.
pub(super) fn parts(body: &Bytes) -> Option<Vec<Bytes>> {
    let mut parts = Vec::new();
    let (mut start, mut end) = (0, 0);
    while end < body.len() {
        let next = end.checked_add(field(&body[end..])?).filter(|next| *next <= body.len())?;
        if next - start > PART && end > start {
            parts.push(body.slice(start..end));
            start = end;
        }
        end = next;
    }
    if end > start {
        parts.push(body.slice(start..end));
    }
    Some(parts)
}

/// How many bytes the first field takes, its tag and length included.
fn field(bytes: &[u8]) -> Option<usize> {
    let mut rest = bytes;
    let (_, wire) = prost::encoding::decode_key(&mut rest).ok()?;
    if wire != prost::encoding::WireType::LengthDelimited {
        return None;
    }
    let length = usize::try_from(prost::encoding::decode_varint(&mut rest).ok()?).ok()?;
    (bytes.len() - rest.remaining()).checked_add(length)
}

#[cfg(test)]
mod tests {
    use prost::Message;
    use proto::v1::{Manifest, RenderResponse};

    use super::*;

    fn encoded(sizes: &[usize]) -> (RenderResponse, Bytes) {
        let manifest = |size: &usize| Manifest { json: "x".repeat(*size), ..Manifest::default() };
        let response = RenderResponse {
            manifests: sizes.iter().map(manifest).collect(),
            renderers: vec!["Helm".into()],
            warnings: vec!["mind".into()],
            ..RenderResponse::default()
        };
        let bytes = response.encode_to_vec().into();
        (response, bytes)
    }

    #[test]
    fn parts_are_messages_and_together_the_whole() {
        for sizes in [&[][..], &[10], &[PART, PART, 10], &[3 * PART, 10, 3 * PART], &[PART / 3; 10]] {
            let (whole, body) = encoded(sizes);
            let mut merged = RenderResponse::default();
            for part in parts(&body).unwrap() {
                assert!(!part.is_empty());
                merged.merge(part).unwrap();
            }
            assert!(merged == whole, "{sizes:?}");
        }
    }

    #[test]
    fn parts_are_as_large_as_they_may() {
        let (_, body) = encoded(&[PART / 3; 10]);
        let sizes: Vec<usize> = parts(&body).unwrap().iter().map(Bytes::len).collect();
        assert!(sizes.len() == 5 && sizes.iter().all(|size| *size <= PART), "{sizes:?}");
    }

    #[test]
    fn what_is_no_message_is_not_cut() {
        for bytes in [
            &[0x0a, 5, 1][..],
            &[0x08, 1],
            &[0xff],
            &[0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
        ] {
            assert_eq!(parts(&Bytes::copy_from_slice(bytes)), None, "{bytes:?}");
        }
    }
}
