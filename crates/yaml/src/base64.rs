//! `!!binary` scalars: base64 with Go's strictness, then text as Go's JSON writes it.

/// Decodes standard base64: line breaks are skipped, padding is required. `None` for anything else.
///
/// Bytes that are no UTF-8 become replacement characters, one each, as `encoding/json` writes them.
pub(crate) fn decode(text: &str) -> Option<String> {
    let digits: Vec<u8> = text.bytes().filter(|b| !matches!(b, b'\n' | b'\r')).collect();
    let (groups, rest) = digits.as_chunks::<4>();
    if !rest.is_empty() {
        return None;
    }
    let mut bytes = Vec::with_capacity(groups.len() * 3);
    for (at, group) in groups.iter().enumerate() {
        let padding = match group {
            [_, _, b'=', b'='] => 2,
            [_, _, _, b'='] => 1,
            _ => 0,
        };
        if padding > 0 && at + 1 < groups.len() {
            return None;
        }
        let value = group[..4 - padding].iter().try_fold(0_u32, |v, &b| Some((v << 6) | sextet(b)?))?;
        let octets = (value << (6 * padding)).to_be_bytes();
        bytes.extend_from_slice(&octets[1..4 - padding]);
    }
    Some(to_utf8(&bytes))
}

fn sextet(b: u8) -> Option<u32> {
    let value = match b {
        b'A'..=b'Z' => b - b'A',
        b'a'..=b'z' => b - b'a' + 26,
        b'0'..=b'9' => b - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

fn to_utf8(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strict_as_go() {
        assert_eq!(decode("aGk=").as_deref(), Some("hi"));
        assert_eq!(decode("aG\nk=").as_deref(), Some("hi"));
        assert_eq!(decode("//79").as_deref(), Some("\u{FFFD}\u{FFFD}\u{FFFD}"));
        assert_eq!(decode("").as_deref(), Some(""));
        for bad in ["aGk", "a===", "aGk=a", "a Gk=", "=", "aGk===", "aGk=aGk="] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }
}
