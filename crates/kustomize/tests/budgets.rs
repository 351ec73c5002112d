//! Every field, transformer and generator against inputs made to take all memory or all time: what the allocator hands
//! out stays near what was charged, and a raised flag ends the build at once. A new field or plugin has to be attacked
//! here, or the count fails.

#![expect(clippy::unwrap_used, reason = "a test may stop at once")]

mod attacks;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use budget::Budget;
use manifestd_kustomize::{
    Error, ErrorKind, GeneratorKind, HelmOptions, HelmRequest, Options, Output, Parsed, TransformerKind,
    build, kustomization_fields,
};
use testkit::allocation::{Jemalloc, measure_allocated, thread_time};
use tree::{MemoryTree, TreePath};

use attacks::{Attack, attacks};

#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// The memory budget of a build here: a debug build uses it up in a moment.
const BYTES: usize = 48 << 20;

/// What may be taken for each byte that is charged or read. Lists grow by doubling, and the counter does not see what is
/// given back.
const TAKEN_PER_CHARGED: u64 = 4;

/// What a build takes whatever it builds: the schema and the field specs, read once for each process.
const FIXED: u64 = 16 << 20;

/// How long a build may go on after its flag was raised, in processor time of a debug build.
const GRACE: Duration = Duration::from_millis(100);

/// Builds on a thread with the stack the service gives its engines.
fn on_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(256 << 20);
        thread.spawn_scoped(scope, work).unwrap().join().unwrap()
    })
}

fn build_attack(attack: &Attack, parsed: Option<&Parsed>) -> Result<Output, Error> {
    let tree = MemoryTree::from_files(attack.files.iter().map(|(path, text)| (path.as_str(), text.clone())));
    let render = |_: &HelmRequest<'_>| Ok(attack.chart.clone());
    let helm = HelmOptions { renderer: &render, kube_version: "", api_versions: &[], debug: false };
    let options = Options { helm: Some(helm), parsed, ..Options::default() };
    build(&tree.unwrap(), &TreePath::parse("app").unwrap(), &options)
}

#[test]
fn what_is_taken_was_charged() {
    for attack in attacks() {
        let read: u64 = attack.files.iter().map(|(_, text)| text.len() as u64).sum();
        let budget = Budget::new(BYTES, || false);
        let (result, taken) = on_stack(|| measure_allocated(|| budget.run(|| build_attack(&attack, None))));
        let most = FIXED + TAKEN_PER_CHARGED * (budget.charged() as u64 + read);
        let name = attack.name;
        assert!(taken <= most, "{name}: took {} MiB of {} MiB", taken >> 20, most >> 20);
        match result {
            Ok(_) => assert!(!attack.refused, "{name}: was built"),
            Err(error) => assert!(!attack.refused || error.kind() == ErrorKind::Limit, "{name}: {error}"),
        }
        assert!(attack.refused || budget.exhausted().is_none(), "{name}: {:?}", budget.exhausted());
    }
}

#[test]
fn a_raised_flag_ends_every_build() {
    for attack in attacks() {
        // Early, in the middle and late: wherever the work is, somebody looks.
        for after in [1, 40, 300] {
            let after = Duration::from_millis(after);
            let (late, raised) = on_stack(|| time_since_raised(after, || build_attack(&attack, None)));
            let name = attack.name;
            assert!(late <= GRACE, "{name}: went on for {late:?} after it was stopped at {after:?}");
            if !raised {
                break;
            }
        }
    }
}

/// How long work goes on after the flag of its budget was raised, and whether it came to that.
fn time_since_raised<T>(after: Duration, work: impl FnOnce() -> T) -> (Duration, bool) {
    let begin = thread_time();
    let raised_at = Arc::new(AtomicU64::new(0));
    let flag = Arc::clone(&raised_at);
    let budget = Budget::new(usize::MAX / 4, move || {
        let now = thread_time();
        let is_raised = now.saturating_sub(begin) >= after;
        if is_raised {
            let nanoseconds = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
            let _ = flag.compare_exchange(0, nanoseconds, Ordering::Relaxed, Ordering::Relaxed);
        }
        is_raised
    });
    budget.run(work);
    // The flag counts from when it was due, whether or not somebody looked.
    let late = thread_time().saturating_sub(begin + after);
    (late, raised_at.load(Ordering::Relaxed) != 0)
}

#[test]
fn a_file_that_was_parsed_before_is_charged_again() {
    let many = |count: usize| -> String {
        (0..count).map(|at| format!("---\nkind: A\napiVersion: v1\nmetadata: {{name: n{at}}}\n")).collect()
    };
    let files = vec![
        ("app/kustomization.yaml".to_owned(), "resources: [cm.yaml]\n".to_owned()),
        ("app/cm.yaml".to_owned(), many(3_000)),
    ];
    let attack = Attack { name: "parsed", covers: &[], files, chart: String::new(), refused: false };
    let parsed = Parsed::new(256 << 20);
    on_stack(|| build_attack(&attack, Some(&parsed))).unwrap();
    let budget = Budget::new(1 << 20, || false);
    let error = on_stack(|| budget.run(|| build_attack(&attack, Some(&parsed)))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
}

#[test]
fn every_field_and_plugin_is_attacked() {
    let covered: BTreeSet<&str> = attacks().iter().flat_map(|attack| attack.covers.iter().copied()).collect();
    let plugins = TransformerKind::ALL
        .iter()
        .map(|one| one.name())
        .chain(GeneratorKind::ALL.iter().map(|one| one.name()));
    let all: BTreeSet<&str> = kustomization_fields().iter().copied().chain(plugins).collect();
    let missing: Vec<_> = all.difference(&covered).collect();
    let unknown: Vec<_> = covered.difference(&all).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "not attacked: {missing:?}; not there: {unknown:?}");
}
