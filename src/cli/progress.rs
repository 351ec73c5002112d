//! The progress of a fetch, on one line of the terminal that is gone when it is over.

use std::io::{self, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::git::Progress;

/// Short fetches show nothing, and nobody reads faster than this.
const BETWEEN: Duration = Duration::from_millis(200);

/// Shows what a fetch brings on a terminal.
#[derive(Debug)]
pub(super) struct Line(Mutex<State>);

#[derive(Debug)]
struct State {
    shown: Instant,
    visible: bool,
    bytes: u64,
    objects: u64,
}

impl Line {
    /// A line that shows nothing yet.
    pub(super) fn new() -> Self {
        Self(Mutex::new(State { shown: Instant::now(), visible: false, bytes: 0, objects: 0 }))
    }

    /// Takes the line away.
    pub(super) fn clear(&self) {
        self.change(|state| {
            if std::mem::take(&mut state.visible) {
                write("\r\u{1b}[K");
            }
        });
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        // Who panicked while holding it left nothing half done that matters.
        change(&mut self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    }
}

impl Progress for Line {
    fn bytes(&self, total: u64) {
        self.change(|state| {
            state.bytes = total;
            state.show();
        });
    }

    fn objects(&self, count: u64) {
        self.change(|state| {
            state.objects = count;
            state.show();
        });
    }
}

impl State {
    fn show(&mut self) {
        if self.shown.elapsed() < BETWEEN {
            return;
        }
        self.shown = Instant::now();
        self.visible = true;
        write(&format!("\r\u{1b}[K{}", text(self.bytes, self.objects)));
    }
}

fn text(bytes: u64, objects: u64) -> String {
    let tenths = bytes / 100_000;
    let objects = if objects == 0 { String::new() } else { format!(", {objects} objects") };
    format!("fetching: {}.{} MB{objects}", tenths / 10, tenths % 10)
}

fn write(text: &str) {
    let mut out = io::stderr().lock();
    // A terminal that is gone needs no progress.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn megabytes_and_objects() {
        assert_eq!(text(12_345_678, 42), "fetching: 12.3 MB, 42 objects");
        assert_eq!(text(99_999, 0), "fetching: 0.0 MB");
    }
}
