//! Entry point of the manifestd binary.

use std::process::ExitCode;

/// Rendering makes and drops very many small things; the system's allocator takes a fourth of its time with them.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    // Started for another program, this process is about to become it; started by a server, it is a worker.
    manifestd::process::launched(std::env::args_os())
        .or_else(|| manifestd::render::worker::worked(std::env::args_os()))
        .unwrap_or_else(manifestd::cli::run)
}
