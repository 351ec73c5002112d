//! A disk that is full while a repository is fetched.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use tempfile::TempDir;
use testkit::wide;
use tonic::Code;

use super::asking::ask;
use super::bad_input::Bench;
use super::service::Settings;

/// A mounted file system of one megabyte, unmounted on drop.
struct Small(Arc<TempDir>);

impl Small {
    /// `None` where mounting is not allowed.
    fn mount() -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(folder.path()).output();
        mounted.is_ok_and(|done| done.status.success()).then(|| Self(Arc::new(folder)))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(self.0.path()).status();
        assert!(unmounted.is_ok_and(|status| status.success()), "the test's file system is still mounted");
    }
}

#[tokio::test]
async fn a_full_disk_is_told_and_small_repositories_still_work() {
    let small = Small::mount();
    let settings = match &small {
        Some(small) => Settings { data: small.0.clone(), ..Settings::flags(&["--fetch-timeout=30s"]) },
        None => limited(),
    };
    let mut bench = Bench::with(&settings);
    wide(&bench.root.repo("app.git"), 20_000);
    for _ in 0..2 {
        let request = ask(&bench.server.url("app.git"), "main", "apps/app-0000");
        let status = bench.fails(request, &[Code::Unavailable, Code::ResourceExhausted]).await;
        let told =
            ["space", "full", "large", "disk", "size"].iter().any(|word| status.message().contains(word));
        assert!(told, "{status:?}");
    }
    assert_empty_of_leftovers(settings.data.path());
    // Nothing may hold files open in the small file system when it is unmounted.
    drop(bench);
}

/// Where mounting is not allowed a limit on the size of files stands in for the end of the disk.
fn limited() -> Settings {
    let wrapper = "trap '' XFSZ; ulimit -f 1024; exec \"$@\"".to_owned();
    Settings { wrapper: Some(wrapper), ..Settings::flags(&["--fetch-timeout=30s"]) }
}

/// A failed fetch must not keep the space it filled.
fn assert_empty_of_leftovers(data: &Path) {
    let left = bytes(data);
    assert!(left < 600_000, "{left} bytes are left behind");
}

fn bytes(path: &Path) -> u64 {
    let kind = path.symlink_metadata().unwrap();
    if !kind.is_dir() {
        return kind.len();
    }
    std::fs::read_dir(path).unwrap().map(|entry| bytes(&entry.unwrap().path())).sum()
}
