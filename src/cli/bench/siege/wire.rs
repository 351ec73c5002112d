//! Messages that are small on the wire and large in memory, as bytes: what a client library would have to build first.

use prost::encoding::encode_varint;

/// Elements of a bomb of 2 MB.
const MILLION: usize = 1 << 20;

/// A request of two million bytes: a million empty elements of the field with this number in `RenderRequest`.
pub(super) fn elements(number: u32) -> Vec<u8> {
    field(number, b"").repeat(MILLION)
}

/// A million empty elements of field `number` of the renderer's options, which are field `options` of a source.
pub(super) fn option_elements(options: u32, number: u32) -> Vec<u8> {
    field(1, &field(options, &field(number, b"").repeat(MILLION)))
}

/// A request of 94 MB of empty sources.
pub(super) fn many_sources() -> Vec<u8> {
    field(1, b"").repeat(47 * MILLION)
}

/// A request of 60,000 sources with one short field each.
pub(super) fn small_sources() -> Vec<u8> {
    field(1, &field(1, &field(1, b"git://localhost/a"))).repeat(60_000)
}

/// A request of 99 MiB with one text.
pub(super) fn large_text() -> Vec<u8> {
    field(5, &vec![b'x'; 99 * MILLION])
}

/// Bytes that say they are a source and are none, by a fixed sequence of numbers.
pub(super) fn garbage() -> Vec<u8> {
    let mut state = 1_u64;
    let bytes = (0..4096).map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    });
    field(1, &bytes.collect::<Vec<_>>())
}

/// A field that holds bytes.
fn field(number: u32, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(content.len() + 12);
    encode_varint(u64::from(number << 3 | 2), &mut bytes);
    encode_varint(content.len() as u64, &mut bytes);
    bytes.extend_from_slice(content);
    bytes
}
