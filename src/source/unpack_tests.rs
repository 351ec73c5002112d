//! What a pack unpacks to is in proportion to what was sent.

use testkit::http::Scripted;
use testkit::pack::{EntryKind, Pack, base_distance, deflate_stored, deflate_zeros, delta_copy, delta_size};

use super::Here;
use crate::error::Kind;

/// A file of a mebibyte and a chain of so many differences, each of which makes the same size again.
fn chain(length: usize) -> Scripted {
    const SIZE: u32 = 1 << 20;
    let mut pack = Pack::new();
    let file = pack.blob("x");
    let mut at = pack.length();
    pack.raw(EntryKind::Blob, u64::from(SIZE), &deflate_zeros(u64::from(SIZE)));
    for number in 0..length {
        let text = format!("{number:08}");
        let head = [delta_size(u64::from(SIZE)), delta_size(u64::from(SIZE))].concat();
        let insert = [&[8][..], text.as_bytes()].concat();
        let delta = [head, insert, delta_copy(0, SIZE - 8)].concat();
        let distance = base_distance((pack.length() - at) as u64);
        at = pack.length();
        pack.raw(EntryKind::OffsetDelta, delta.len() as u64, &[distance, deflate_stored(&delta)].concat());
    }
    let tree = pack.tree(&[("100644", "f", file)]);
    let commit = pack.commit(tree);
    Scripted { commit, pack: pack.bytes() }
}

#[tokio::test(flavor = "multi_thread")]
async fn differences_that_make_far_more_than_was_sent_are_refused() {
    let here = Here::with(|settings| settings.limits.unpack_bytes = 10 << 20);
    let (few, many) = (chain(5).start(), chain(40).start());
    assert_eq!(here.read(&few.url("r.git"), "main", "f").await.unwrap(), "x");
    let error = here.read(&many.url("r.git"), "main", "f").await.unwrap_err();
    assert_eq!(error.kind(), Kind::OverBudget, "{error}");
    assert!(error.message().contains("unpacks to more than 10 MiB"), "{error}");
}
