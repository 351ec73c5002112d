//! The same work on many texts, on several processors where there is enough of it: parsing templates, reading what they
//! printed. One large chart is then no slower than it has to be.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use budget::Budget;

/// How many bytes of text are worth a second thread: less is done before it has started.
const PAYS: usize = 32 << 10;

/// The most threads one render uses for this: others render at the same time.
const MAX_THREADS: usize = 4;

/// The stack of a helper: the parsers recurse by their own limits, some hundred levels. Only what is used costs memory.
const STACK: usize = 64 << 20;

/// What `work` makes of each item, in the order of the items. `bytes` says how much text an item is.
pub(crate) fn spread<T: Sync, R: Send>(
    items: &[T],
    bytes: impl Fn(&T) -> usize,
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let total: usize = items.iter().map(bytes).sum();
    let threads = if total < PAYS { 1 } else { threads().min(items.len()) };
    if threads < 2 {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    // The helpers work for the same engine call.
    let budget = Budget::current();
    let some = || {
        let mut done = Vec::new();
        while let Some((index, item)) = numbered(items, next.fetch_add(1, Ordering::Relaxed)) {
            done.push((index, work(item)));
        }
        done
    };
    thread::scope(|scope| {
        // Where no thread is left to be had, this one does it all.
        let within_budget = || budget.as_ref().map_or_else(some, |budget| budget.run(some));
        let help = |_| thread::Builder::new().stack_size(STACK).spawn_scoped(scope, within_budget).ok();
        let helpers: Vec<_> = (1..threads).filter_map(help).collect();
        let mut done = some();
        for helper in helpers {
            done.extend(helper.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        done.sort_unstable_by_key(|(index, _)| *index);
        done.into_iter().map(|(_, result)| result).collect()
    })
}

fn numbered<T>(items: &[T], index: usize) -> Option<(usize, &T)> {
    Some((index, items.get(index)?))
}

fn threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_the_items() {
        let items: Vec<usize> = (0..1_000).collect();
        for bytes in [0, PAYS] {
            let doubled = spread(&items, |_| bytes, |item| item * 2);
            assert_eq!(doubled, items.iter().map(|item| item * 2).collect::<Vec<_>>());
        }
        assert!(spread(&[0; 0], |_| PAYS, |item| *item).is_empty());
    }

    #[test]
    #[should_panic(expected = "item 7")]
    fn a_panic_of_a_helper_is_one_of_the_caller() {
        let items: Vec<usize> = (0..64).collect();
        spread(&items, |_| PAYS, |item| assert!(*item != 7, "item {item}"));
    }
}
