//! What cannot be read is put aside: it is renamed, so that somebody can look at it, and what it held is fetched anew.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use gix::odb::pack;
use sha1::{Digest, Sha1};

/// How many damaged things are kept to be looked at; the oldest go.
const MAX_ASIDE: usize = 4;

/// The bytes at the end of packs and indexes that are the SHA-1 of what comes before.
const CHECKSUM: usize = 20;

/// Where damaged things are put.
#[derive(Debug)]
pub(super) struct Aside {
    /// The data folder.
    root: PathBuf,
    /// What all of them together may take.
    max_bytes: u64,
    /// Tells apart what is put aside within one second.
    count: AtomicU32,
}

impl Aside {
    /// Damaged things are kept beneath the data folder `root`, within a tenth of what it may take.
    pub(super) fn new(root: &Path, max_bytes: u64) -> Self {
        Self { root: root.to_owned(), max_bytes: max_bytes / 10, count: AtomicU32::new(0) }
    }

    /// Moves `path` out of the way, and says so in the log. What has vanished meanwhile is out of the way too.
    pub(super) fn put(&self, path: &Path, why: &str) {
        let shown = path.strip_prefix(&self.root).unwrap_or(path).display().to_string();
        let folder = self.root.join("damaged");
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let place = folder.join(format!("{seconds:012}-{}-{number:06}-{name}", std::process::id()));
        let moved = std::fs::create_dir_all(&folder).and_then(|()| std::fs::rename(path, &place));
        match moved {
            Ok(()) => tracing::warn!(
                what = shown,
                why,
                "something in the data folder was damaged: put aside, to be fetched anew"
            ),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                tracing::warn!(what = shown, why, %error, "something in the data folder is damaged and cannot be put aside");
            }
        }
        self.prune(&folder);
    }

    /// Removes the oldest of what was put aside until few enough and little enough is left.
    fn prune(&self, folder: &Path) {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut found: Vec<(PathBuf, u64)> =
            entries.map(|entry| (entry.path(), bytes_of(&entry.path()))).collect();
        found.sort();
        let mut total: u64 = found.iter().map(|(_, bytes)| bytes).sum();
        let mut left = found.len();
        for (path, bytes) in found {
            if left <= MAX_ASIDE && total <= self.max_bytes {
                return;
            }
            // What cannot be removed now is tried again with the next.
            let _ = if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
            (left, total) = (left - 1, total - bytes);
        }
    }
}

fn bytes_of(path: &Path) -> u64 {
    match std::fs::symlink_metadata(path) {
        Ok(about) if about.is_dir() => {
            let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
            entries.map(|entry| bytes_of(&entry.path())).sum()
        }
        Ok(about) => about.len(),
        Err(_) => 0,
    }
}

/// How closely packs are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// Indexes whole, and of packs their beginnings and ends: what opening a store can afford.
    Ends,
    /// Everything: once something could not be read.
    Whole,
}

/// What is wrong with the packs of a folder, as far as one can see; `None` when nothing is. A pack without an index is
/// an unfinished one and nobody's concern.
pub(super) fn find(packs: &Path, depth: Depth) -> Option<String> {
    let entries = match std::fs::read_dir(packs) {
        Ok(entries) => entries,
        Err(error) => return Some(format!("the folder of packs: {}", error.kind())),
    };
    let indexes = entries.flatten().map(|entry| entry.path());
    let mut indexes = indexes.filter(|path| path.extension().is_some_and(|end| end == "idx"));
    indexes.find_map(|index| {
        let what = index.file_name().unwrap_or_default().to_string_lossy().into_owned();
        check_pair(&index, depth).err().map(|error| format!("{what}: {error}"))
    })
}

/// An index and its pack.
fn check_pair(index: &Path, depth: Depth) -> io::Result<()> {
    let mut content = Vec::new();
    File::open(index)?.read_to_end(&mut content)?;
    let Some((body, checksum)) = content.split_last_chunk::<CHECKSUM>() else {
        return Err(wrong("an index is cut short"));
    };
    if Sha1::digest(body)[..] != checksum[..] {
        return Err(wrong("the checksum of an index is wrong"));
    }
    let of_pack = body.last_chunk::<CHECKSUM>().copied().ok_or_else(|| wrong("an index is cut short"))?;
    // It says how many objects it has, so a hostile one is not believed before its checksum.
    pack::index::File::from_data(content, index.to_owned(), gix::hash::Kind::Sha1)
        .map_err(|_| wrong("an index cannot be read"))?;
    check_pack(&index.with_extension("pack"), of_pack, depth)
}

fn check_pack(path: &Path, checksum: [u8; CHECKSUM], depth: Depth) -> io::Result<()> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let body = length.checked_sub(CHECKSUM as u64).ok_or_else(|| wrong("a pack is cut short"))?;
    let mut magic = [0; 4];
    file.read_exact(&mut magic)?;
    let mut end = [0; CHECKSUM];
    file.seek(SeekFrom::Start(body))?;
    file.read_exact(&mut end)?;
    if magic != *b"PACK" || end != checksum {
        return Err(wrong("a pack is not the one its index was made of"));
    }
    if depth == Depth::Ends {
        return Ok(());
    }
    file.seek(SeekFrom::Start(0))?;
    let (mut hash, mut body, mut buffer) = (Sha1::new(), file.take(body), vec![0; 64 << 10]);
    loop {
        let count = body.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        hash.update(&buffer[..count]);
    }
    if hash.finalize()[..] == checksum[..] { Ok(()) } else { Err(wrong("the checksum of a pack is wrong")) }
}

fn wrong(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_of_the_newest_are_kept() {
        let root = tempfile::tempdir().unwrap();
        let aside = Aside::new(root.path(), 1 << 20);
        for number in 0..10 {
            let path = root.path().join(format!("file-{number}"));
            std::fs::write(&path, "x").unwrap();
            aside.put(&path, "a test");
            assert!(!path.exists());
        }
        let names = || {
            let entries = std::fs::read_dir(root.path().join("damaged")).unwrap();
            let mut names: Vec<_> =
                entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        };
        assert_eq!(names().len(), MAX_ASIDE);
        assert!(names().last().unwrap().ends_with("file-9"), "{:?}", names());
        // One that alone is too much is not kept.
        let large = root.path().join("large");
        std::fs::create_dir(&large).unwrap();
        std::fs::write(large.join("pack"), vec![0; 200_000]).unwrap();
        aside.put(&large, "a test");
        assert!(names().is_empty() && !large.exists(), "{:?}", names());
        aside.put(&large, "it is gone already");
    }
}
