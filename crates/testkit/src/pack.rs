//! Packs written by hand, for what no git program would send: objects that are missing, sizes and counts that lie, files
//! that unpack to a gigabyte.

pub use git2::ObjectType;
use git2::Oid;
use sha1::{Digest, Sha1};

/// A pack being put together, object by object.
#[derive(Clone, Debug, Default)]
pub struct Pack {
    entries: Vec<u8>,
    count: u32,
}

/// The kinds of entries of a pack, as their headers have them (git `pack-format`).
#[derive(Clone, Copy, Debug)]
pub enum EntryKind {
    /// A commit.
    Commit = 1,
    /// A tree.
    Tree = 2,
    /// A blob.
    Blob = 3,
    /// A tag.
    Tag = 4,
    /// A difference to the entry so many bytes before.
    OffsetDelta = 6,
    /// A difference to the object with an id.
    IdDelta = 7,
}

impl Pack {
    /// An empty pack.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a blob and returns its id.
    pub fn blob(&mut self, content: impl AsRef<[u8]>) -> Oid {
        self.object(EntryKind::Blob, content.as_ref())
    }

    /// Adds a tree of entries (`100644`, name, id) and returns its id. The ids may name anything.
    pub fn tree(&mut self, entries: &[(&str, &str, Oid)]) -> Oid {
        self.object(EntryKind::Tree, &tree(entries))
    }

    /// Adds a commit of a tree without parents and returns its id.
    pub fn commit(&mut self, tree: Oid) -> Oid {
        let who = "Test Author <author@example.com> 1704067200 +0000";
        let text = format!("tree {tree}\nauthor {who}\ncommitter {who}\n\nscripted\n");
        self.object(EntryKind::Commit, text.as_bytes())
    }

    /// Adds a whole object and returns its id.
    ///
    /// # Panics
    /// For the kind of a difference.
    pub fn object(&mut self, kind: EntryKind, content: &[u8]) -> Oid {
        self.raw(kind, content.len() as u64, &deflate_stored(content));
        let kind = match kind {
            EntryKind::Commit => ObjectType::Commit,
            EntryKind::Tree => ObjectType::Tree,
            EntryKind::Blob => ObjectType::Blob,
            EntryKind::Tag => ObjectType::Tag,
            EntryKind::OffsetDelta | EntryKind::IdDelta => panic!("a difference has no id of its own"),
        };
        Oid::hash_object(kind, content).expect("an id can be computed")
    }

    /// Adds an entry whose header says `kind` and `size`, whatever follows it.
    pub fn raw(&mut self, kind: EntryKind, size: u64, rest: &[u8]) {
        self.entries.extend(header(kind, size));
        self.entries.extend_from_slice(rest);
        self.count += 1;
    }

    /// How many bytes the entries take, and so the place of the next one, counted from the first.
    #[must_use]
    pub fn length(&self) -> usize {
        self.entries.len()
    }

    /// The entries, without what comes before and after them in a pack.
    #[must_use]
    pub fn entries(&self) -> &[u8] {
        &self.entries
    }

    /// The pack, whole and with its checksum.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.claiming(self.count)
    }

    /// The pack with its checksum, whose head claims that it holds `count` objects.
    #[must_use]
    pub fn claiming(&self, count: u32) -> Vec<u8> {
        let mut bytes = b"PACK\0\0\0\x02".to_vec();
        bytes.extend(count.to_be_bytes());
        bytes.extend_from_slice(&self.entries);
        let checksum = Sha1::digest(&bytes);
        bytes.extend_from_slice(&checksum);
        bytes
    }
}

/// A tree object of entries (`100644`, name, id), unchecked, in the order git wants them.
fn tree(entries: &[(&str, &str, Oid)]) -> Vec<u8> {
    let mut sorted = entries.to_vec();
    let key =
        |(mode, name, _): &(&str, &str, Oid)| format!("{name}{}", if *mode == "40000" { "/" } else { "" });
    sorted.sort_by_key(key);
    let entry = |(mode, name, id): (&str, &str, Oid)| {
        [mode.as_bytes(), b" ", name.as_bytes(), b"\0", id.as_bytes()].concat()
    };
    sorted.into_iter().flat_map(entry).collect()
}

fn header(kind: EntryKind, mut size: u64) -> Vec<u8> {
    let mut byte = ((kind as u8) << 4) | (size & 15) as u8;
    size >>= 4;
    let mut bytes = Vec::new();
    while size > 0 {
        bytes.push(byte | 0x80);
        byte = (size & 0x7f) as u8;
        size >>= 7;
    }
    bytes.push(byte);
    bytes
}

/// A number as the heads of differences have it: seven bits a byte, the lowest first.
#[must_use]
pub fn delta_size(mut size: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while size > 0x7f {
        bytes.push((size & 0x7f) as u8 | 0x80);
        size >>= 7;
    }
    bytes.push(size as u8);
    bytes
}

/// The distance to the base of an [`EntryKind::OffsetDelta`].
#[must_use]
pub fn base_distance(mut distance: u64) -> Vec<u8> {
    let mut bytes = vec![(distance & 0x7f) as u8];
    while distance > 0x7f {
        distance = (distance >> 7) - 1;
        bytes.insert(0, (distance & 0x7f) as u8 | 0x80);
    }
    bytes
}

/// The instruction of a difference that copies `size` bytes from `offset` of its base.
#[must_use]
pub fn delta_copy(offset: u32, size: u32) -> Vec<u8> {
    let mut bytes = vec![0xff];
    bytes.extend(offset.to_le_bytes());
    bytes.extend(&size.to_le_bytes()[..3]);
    bytes
}

/// `content` as zlib has it, not compressed.
#[must_use]
pub fn deflate_stored(content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x78, 0x01];
    let mut blocks = content.chunks(0xffff).peekable();
    if blocks.peek().is_none() {
        bytes.extend([1, 0, 0, 0xff, 0xff]);
    }
    while let Some(block) = blocks.next() {
        let length = block.len() as u16;
        bytes.push(u8::from(blocks.peek().is_none()));
        bytes.extend(length.to_le_bytes());
        bytes.extend((!length).to_le_bytes());
        bytes.extend_from_slice(block);
    }
    bytes.extend(adler32(content).to_be_bytes());
    bytes
}

/// So many zero bytes as zlib has them, compressed a hundred and fifty times.
#[must_use]
pub fn deflate_zeros(count: u64) -> Vec<u8> {
    let mut bits = Bits::default();
    // The last block, with the fixed codes.
    bits.push(1, 1);
    bits.push(1, 2);
    // The literal 0, then runs of 258 bytes at the distance 1, then the literals that are left, then the end.
    let runs = count.saturating_sub(1) / 258;
    let literals = count - 258 * runs;
    for _ in 0..literals {
        bits.push_code(0b0011_0000, 8);
    }
    for _ in 0..runs {
        bits.push_code(0b1100_0101, 8);
        bits.push_code(0, 5);
    }
    bits.push_code(0, 7);
    let mut bytes = vec![0x78, 0x9c];
    bytes.extend(bits.finish());
    // The sum of nothing but zeros: 1 in the low half, how often that was added in the high one.
    let checksum = ((count % 65_521) as u32) << 16 | 1;
    bytes.extend(checksum.to_be_bytes());
    bytes
}

/// Bits, put into bytes from the lowest on.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    held: u64,
    count: u32,
}

impl Bits {
    fn push(&mut self, value: u64, count: u32) {
        self.held |= value << self.count;
        self.count += count;
        while self.count >= 8 {
            self.bytes.push(self.held as u8);
            self.held >>= 8;
            self.count -= 8;
        }
    }

    /// A Huffman code, whose highest bit comes first.
    fn push_code(&mut self, code: u8, count: u32) {
        self.push(u64::from(code.reverse_bits() >> (8 - count)), count);
    }

    fn finish(mut self) -> Vec<u8> {
        if self.count > 0 {
            self.bytes.push(self.held as u8);
        }
        self.bytes
    }
}

fn adler32(content: &[u8]) -> u32 {
    let step = |(low, high): (u32, u32), byte: &u8| {
        let low = (low + u32::from(*byte)) % 65_521;
        (low, (high + low) % 65_521)
    };
    let (low, high) = content.iter().fold((1, 0), step);
    high << 16 | low
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::Root;

    /// A pack that git's own library takes in, and the objects that are then there.
    #[test]
    fn a_pack_is_what_git_reads() {
        let mut pack = Pack::new();
        let small = pack.blob("hello\n");
        let large = pack.blob(vec![b'x'; 200_000]);
        let zeros = vec![0; 1_000_000];
        pack.raw(EntryKind::Blob, zeros.len() as u64, &deflate_zeros(zeros.len() as u64));
        let zeros = Oid::hash_object(ObjectType::Blob, &zeros).unwrap();
        let distance = pack.length() as u64;
        let delta = [delta_size(6), delta_size(12), delta_copy(0, 6), delta_copy(0, 6)].concat();
        pack.raw(
            EntryKind::OffsetDelta,
            delta.len() as u64,
            &[base_distance(distance), deflate_stored(&delta)].concat(),
        );
        let twice = Oid::hash_object(ObjectType::Blob, b"hello\nhello\n").unwrap();
        let inner = pack.tree(&[("100644", "b", small), ("100644", "a", large)]);
        let root = pack.tree(&[("40000", "d", inner), ("100644", "d.x", twice), ("100644", "zeros", zeros)]);
        let commit = pack.commit(root);

        let folder = Root::new();
        let repo = folder.repo("r.git");
        let odb = repo.git().odb().unwrap();
        let mut writer = odb.packwriter().unwrap();
        writer.write_all(&pack.bytes()).unwrap();
        writer.commit().unwrap();
        let again = git2::Repository::open_bare(repo.path()).unwrap();
        let tree = again.find_commit(commit).unwrap().tree().unwrap();
        for (path, size) in [("d/a", 200_000), ("d/b", 6), ("d.x", 12), ("zeros", 1_000_000)] {
            let entry = tree.get_path(std::path::Path::new(path)).unwrap();
            assert_eq!(again.find_blob(entry.id()).unwrap().size(), size, "{path}");
        }
    }
}
