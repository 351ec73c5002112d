//! File descriptors: how many this process may have, and one that is kept for when there are no more.

use std::fs::File;
use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Above this a limit makes no difference to us.
const MAX_USEFUL: u64 = 65_536;

/// Raises the limit of this process as far as it may, and tells what it is now.
pub(super) fn raise_limit() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.unwrap_or(MAX_USEFUL).min(MAX_USEFUL);
    let have = current.unwrap_or(u64::MAX);
    if wanted <= have {
        return have;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum }) {
        Ok(()) => wanted,
        Err(_) => have,
    }
}

/// A descriptor that is kept open, to be given up for one connection when there are no others left.
#[derive(Debug)]
pub(super) struct SpareDescriptor(Option<File>);

impl SpareDescriptor {
    pub(super) fn new() -> Self {
        let mut spare = Self(None);
        spare.refill();
        spare
    }

    /// Opens it again, if it was given up and there is a descriptor to be had.
    pub(super) fn refill(&mut self) {
        if self.0.is_none() {
            self.0 = File::open("/dev/null").ok();
        }
    }

    /// Closes it; false when it is closed already.
    pub(super) fn give_up(&mut self) -> bool {
        self.0.take().is_some()
    }
}

/// Whether the system or this process has no descriptor, or no memory for one, left.
pub(super) fn is_exhausted(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let exhausted = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    error.raw_os_error().is_some_and(|code| exhausted.iter().any(|errno| errno.raw_os_error() == code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spare_descriptor_is_given_up_once() {
        let mut spare = SpareDescriptor::new();
        assert!(spare.give_up() && !spare.give_up());
        spare.refill();
        assert!(spare.give_up());
    }

    #[test]
    fn exhaustion_is_told_from_other_failures() {
        assert!(is_exhausted(&io::Error::from_raw_os_error(24)));
        assert!(!is_exhausted(&io::Error::from(io::ErrorKind::ConnectionAborted)));
    }
}
