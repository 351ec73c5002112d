//! Finds bytes in long runs of uninteresting ones, sixteen at a time.

/// The first place from `from` on whose byte is a hit, or the end. The test should be comparisons joined by `|`,
/// which the compiler turns into vector instructions.
#[inline]
pub(crate) fn find(bytes: &[u8], from: usize, is_hit: impl Fn(u8) -> bool) -> usize {
    let mut at = from;
    while let Some(chunk) = bytes.get(at..at + 16) {
        if chunk.iter().fold(false, |hit, &b| hit | is_hit(b)) {
            break;
        }
        at += 16;
    }
    while bytes.get(at).is_some_and(|&b| !is_hit(b)) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn finds_the_first_or_the_end() {
        let mut bytes = [b'a'; 50];
        assert_eq!(find(&bytes, 3, |b| b == b'x'), 50);
        for at in [3, 15, 16, 17, 48, 49] {
            bytes[at] = b'x';
            assert_eq!(find(&bytes, 3, |b| (b == b'x') | (b == b'y')), at);
            bytes[at] = b'a';
        }
        assert_eq!(find(&bytes, 60, |b| b == b'x'), 60);
    }
}
