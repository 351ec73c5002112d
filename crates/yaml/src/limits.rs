//! The budgets of one read. What reading takes in memory, and when it has to stop, is the affair of the thread's
//! [`budget::Budget`].

/// How much one read may use. Going over any of them is an error, never a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of input. Default 128 MiB: above the largest message the service takes. Never more than 4 GiB count.
    pub bytes: usize,
    /// Deepest nesting of lists and maps. Default 1,000: real manifests stay below 100, and everything that
    /// drops a value of this depth fits half of the smallest thread stack in use (2 MiB). Go stops at 10,000.
    pub depth: usize,
    /// Most nodes, counting every expansion of an alias again. Default 20 million, about 1 GiB of values.
    /// go-yaml's own rule against alias bombs (a falling ratio of aliased nodes) applies as well.
    pub nodes: usize,
    /// Most bytes of text that aliases bring in, counted again at each use. Default 64 MiB, half of what a document may
    /// have itself; real manifests stay below a few kilobytes.
    pub aliased_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 128 << 20, depth: 1_000, nodes: 20_000_000, aliased_bytes: 64 << 20 }
    }
}
