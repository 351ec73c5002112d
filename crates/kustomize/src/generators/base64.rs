//! Base64 as kyaml puts it into manifests: long texts in lines of 70.

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Characters per line; a text that is as long gets a line break behind it too.
const LINE: usize = 70;

/// Encodes bytes.
pub(crate) fn wrapped(bytes: &[u8]) -> String {
    let text = encode(bytes);
    if text.len() < LINE {
        return text;
    }
    let mut out = String::with_capacity(text.len() + text.len() / LINE + 1);
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(LINE));
        out.push_str(line);
        out.push('\n');
        rest = more;
    }
    out
}

fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let mut word = [0; 3];
        word[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes([0, word[0], word[1], word[2]]);
        for digit in 0..4 {
            let at = (bits >> (18 - 6 * digit)) as usize & 63;
            out.push(if digit <= chunk.len() { DIGITS[at] as char } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_and_lines() {
        assert_eq!(wrapped(b""), "");
        assert_eq!(wrapped(b"a"), "YQ==");
        assert_eq!(wrapped(b"abc"), "YWJj");
        let long = wrapped(&[0; 54]);
        assert_eq!(long.lines().map(str::len).collect::<Vec<_>>(), [70, 2]);
        assert!(long.ends_with('\n'));
    }
}
