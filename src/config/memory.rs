//! How the memory budget is divided between the server's own caches and its workers.

use std::fs;

use super::Settings;
use crate::render::worker::WorkerSettings;

/// What the server takes besides results, requests and replies: the program, objects of repositories, listings.
const BASE: u64 = 256 << 20;

/// How memory is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryPlan {
    /// Bytes for everything together.
    pub budget: u64,
    /// Workers.
    pub workers: usize,
    /// Bytes each of them is limited to, its stack included.
    pub worker_bytes: u64,
    /// Bytes of the server itself: its caches, replies, and what else it needs.
    pub own_bytes: u64,
}

impl MemoryPlan {
    /// As many of the `wanted` workers as the budget has room for; one at least.
    #[must_use]
    pub fn new(budget: u64, wanted: usize, settings: &Settings) -> Self {
        let worker =
            WorkerSettings { memory: settings.rendering.worker_memory_bytes, ..WorkerSettings::default() };
        let worker_bytes = worker.data_bytes();
        let server = &settings.server;
        let own_bytes = [settings.cache.max_bytes, server.request_memory_bytes, server.reply_memory_bytes]
            .into_iter()
            .fold(BASE, u64::saturating_add);
        let room = budget.saturating_sub(own_bytes) / worker_bytes.max(1);
        let workers = usize::try_from(room).unwrap_or(usize::MAX).clamp(1, wanted.max(1));
        Self { budget, workers, worker_bytes, own_bytes }
    }

    /// Whether all of it is within the budget: a machine may be too small even for one worker.
    #[must_use]
    pub fn fits(&self) -> bool {
        let workers = (self.workers as u64).saturating_mul(self.worker_bytes);
        workers.saturating_add(self.own_bytes) <= self.budget
    }
}

/// Bytes of memory that this process may use: the machine's, or the least that one of its control groups allows.
pub(super) fn available() -> Option<u64> {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| total_of(&text));
    let group =
        fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse().ok());
    machine.into_iter().chain(group).min()
}

fn total_of(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_is_read() {
        assert_eq!(total_of("MemFree: 1 kB\nMemTotal:       2048 kB\n"), Some(2 << 20));
        assert_eq!(total_of(""), None);
        assert!(available().is_some());
    }
}
