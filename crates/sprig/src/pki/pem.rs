//! PEM: a label and base64 in lines of 64 characters.

use data_encoding::BASE64;

use crate::encode;

/// A decoded block.
pub(super) struct Block {
    pub(super) label: String,
    pub(super) data: Vec<u8>,
}

/// The block as text, a newline at the end.
pub(super) fn encode(label: &str, data: &[u8]) -> String {
    let mut out = format!("-----BEGIN {label}-----\n");
    for line in data.chunks(48) {
        out.push_str(&BASE64.encode(line));
        out.push('\n');
    }
    out.push_str(&format!("-----END {label}-----\n"));
    out
}

/// The first block in `text`; what stands before it, and headers in it, are passed over.
pub(super) fn decode(text: &str) -> Option<Block> {
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let label = line.trim_end().strip_prefix("-----BEGIN ").and_then(|rest| rest.strip_suffix("-----"));
        let Some(label) = label else { continue };
        let end = format!("-----END {label}-----");
        let mut body = String::new();
        let closed = lines.by_ref().any(|line| {
            let ends = line.trim_end() == end;
            if !ends && !line.contains(':') {
                body.push_str(line.trim());
            }
            ends
        });
        if let (true, Ok(data)) = (closed, encode::decode_base64(body.as_bytes())) {
            return Some(Block { label: label.to_owned(), data });
        }
    }
    None
}
