//! Counts what the objects of a pack unpack to while they are unpacked, and stops when that is out of proportion: some
//! bytes of differences can ask for any amount of memory, each within what a single object may take.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use gix::progress::{Count, Id, MessageLevel, NestedProgress, Progress, Step, StepShared, UNKNOWN, Unit};

use crate::error::{Error, Kind, Result};

use super::super::link::Link;

/// How many times the bytes that were sent objects may unpack to. Manifests that are nearly the same, sent as
/// differences, come to ten times.
const MAX_FACTOR: u64 = 20;

/// How often the count is looked at.
const INTERVAL: Duration = Duration::from_millis(20);

/// What the library calls its count of the bytes that objects unpacked to (gix-pack `index::write::ProgressId`).
const DECODED_BYTES: Id = *b"IWDB";

/// The library's progress, of which only the bytes that objects unpacked to are of interest.
#[derive(Clone, Default)]
pub(super) struct Unpacked {
    bytes: StepShared,
    /// What else the library counts.
    other: StepShared,
    counts_bytes: bool,
}

impl Unpacked {
    /// Stops the conversation once too much has been unpacked; ends with this.
    pub(super) fn watch(&self, link: &Arc<Link>) {
        let (bytes, watched) = (Arc::downgrade(&self.bytes), Arc::clone(link));
        link.spawn(async move {
            while let Some(bytes) = bytes.upgrade() {
                if let Err(error) = check(&bytes, &watched) {
                    return watched.stop(error);
                }
                drop(bytes);
                tokio::time::sleep(INTERVAL).await;
            }
        });
    }

    /// Fails when too much has been unpacked.
    pub(super) fn check(&self, link: &Link) -> Result<()> {
        check(&self.bytes, link)
    }

    fn counter(&self) -> &StepShared {
        if self.counts_bytes { &self.bytes } else { &self.other }
    }
}

fn check(bytes: &StepShared, link: &Link) -> Result<()> {
    let most = link.unpack_bytes().max(link.received().saturating_mul(MAX_FACTOR));
    if bytes.load(Ordering::Relaxed) as u64 <= most {
        return Ok(());
    }
    let most = most >> 20;
    let message = format!("what the remote sent unpacks to more than {most} MiB, which is out of proportion");
    Err(Error::new(Kind::OverBudget, message))
}

impl Count for Unpacked {
    fn set(&self, step: Step) {
        self.counter().store(step, Ordering::Relaxed);
    }

    fn step(&self) -> Step {
        self.counter().load(Ordering::Relaxed)
    }

    fn inc_by(&self, step: Step) {
        self.counter().fetch_add(step, Ordering::Relaxed);
    }

    fn counter(&self) -> StepShared {
        Arc::clone(Self::counter(self))
    }
}

impl Progress for Unpacked {
    fn init(&mut self, _max: Option<Step>, _unit: Option<Unit>) {}

    fn set_name(&mut self, _name: String) {}

    fn name(&self) -> Option<String> {
        None
    }

    fn id(&self) -> Id {
        UNKNOWN
    }

    fn message(&self, _level: MessageLevel, _message: String) {}
}

impl NestedProgress for Unpacked {
    type SubProgress = Self;

    fn add_child(&mut self, name: impl Into<String>) -> Self {
        self.add_child_with_id(name, UNKNOWN)
    }

    fn add_child_with_id(&mut self, _name: impl Into<String>, id: Id) -> Self {
        // What is neither counts anew, and nobody looks at it.
        Self { bytes: self.bytes.clone(), other: StepShared::default(), counts_bytes: id == DECODED_BYTES }
    }
}
