//! What our own worker processes may reach and do, taken away for good before they see anything foreign: memory, files,
//! the network, other processes. Needs nothing of them but to read, to write, to compute and to end.

use std::collections::BTreeMap;
use std::io;

use landlock::{Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetError, Scope};
use rustix::process::{Resource, Signal, getpid, set_parent_process_death_signal};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};

use super::confine::RIGHTS;
use super::launch::{is_child_of, lower};

/// System calls that a worker may make with any arguments: those of the allocator, of threads and locks, of clocks, and
/// reading and writing what is open.
const CALLS: [libc::c_long; 31] = [
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_close,
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_sigaltstack,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_restart_syscall,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_getrusage,
    libc::SYS_getrandom,
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_membarrier,
];

/// Walls this process in: `data_bytes` of data (`RLIMIT_DATA`), no file, no network, no other process, no new
/// descriptor. It dies with the thread of `parent` that started it.
///
/// # Errors
/// What the system does not grant, in words. A kernel without Landlock does without: system calls are filtered in any
/// case.
pub fn wall_in(data_bytes: u64, parent: u64) -> Result<(), String> {
    // Set before asking: a parent that dies in between is seen by one or the other.
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(|error| error.to_string())?;
    if !is_child_of(parent) {
        return Err("its parent is gone".to_owned());
    }
    no_files().map_err(|error| format!("cannot give up files: {error}"))?;
    let limits = [
        (Resource::Data, data_bytes),
        (Resource::Core, 0),
        (Resource::Fsize, 0),
        // What is open stays open.
        (Resource::Nofile, 0),
    ];
    limits.into_iter().try_for_each(|(resource, most)| lower(resource, most))?;
    filter_calls().map_err(|error| format!("cannot filter system calls: {error}"))
}

fn no_files() -> Result<(), RulesetError> {
    Ruleset::default()
        .handle_access(AccessFs::from_all(RIGHTS))?
        .handle_access(AccessNet::from_all(RIGHTS))?
        .scope(Scope::from_all(RIGHTS))?
        .create()?
        .restrict_self()?;
    Ok(())
}

/// Calls that are not allowed answer as in a kernel that does not have them: libraries then do without.
fn filter_calls() -> Result<(), Box<dyn std::error::Error>> {
    let refuse = SeccompAction::Errno(u32::try_from(libc::ENOSYS)?);
    let target = std::env::consts::ARCH.try_into()?;
    let filter = SeccompFilter::new(rules()?, refuse, SeccompAction::Allow, target)?;
    seccompiler::apply_filter(&BpfProgram::try_from(filter)?)?;
    Ok(())
}

fn rules() -> Result<BTreeMap<i64, Vec<SeccompRule>>, seccompiler::BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        CALLS.into_iter().map(|call| (call, Vec::new())).collect();
    let set = |mask: libc::c_int| u64::from(mask.unsigned_abs());
    let conditional = [
        // Memory that could hold code is never given.
        (libc::SYS_mmap, 2, SeccompCmpOp::MaskedEq(set(libc::PROT_EXEC)), 0),
        (libc::SYS_mprotect, 2, SeccompCmpOp::MaskedEq(set(libc::PROT_EXEC)), 0),
        // Threads and no processes. `clone3`, whose arguments cannot be seen, is refused: libc then takes `clone`.
        (libc::SYS_clone, 0, SeccompCmpOp::MaskedEq(set(libc::CLONE_THREAD)), set(libc::CLONE_THREAD)),
        // A process that aborts signals itself.
        (libc::SYS_tgkill, 0, SeccompCmpOp::Eq, u64::from(getpid().as_raw_nonzero().get().unsigned_abs())),
        // Names of threads.
        (libc::SYS_prctl, 0, SeccompCmpOp::Eq, set(libc::PR_SET_NAME)),
    ];
    for (call, argument, operator, value) in conditional {
        let condition = SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)?;
        rules.insert(call, vec![SeccompRule::new(vec![condition])?]);
    }
    Ok(rules)
}

/// Makes sure that programs started from now on inherit no descriptor of this process but the ones they are given: what
/// our own parents left open would be theirs too.
pub fn keep_descriptors() {
    close_fds::set_fds_cloexec(3, &[]);
}

/// What of the things that [`wall_in`] takes away this process can do all the same, in words; for tests of the walls.
#[must_use]
pub fn breaches() -> Vec<String> {
    use std::fs::File;
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::os::unix::net::UnixStream;
    use std::process::Command;

    let tried: [(&str, bool); 12] = [
        ("read a file", File::open("/etc/passwd").is_ok()),
        ("read its environment", File::open("/proc/self/environ").is_ok()),
        ("list a folder", std::fs::read_dir("/").is_ok()),
        ("make a file", File::create(std::env::temp_dir().join("manifestd-breach")).is_ok()),
        (
            "remove a file",
            std::fs::remove_file("/nowhere").is_err_and(|error| error.kind() == io::ErrorKind::NotFound),
        ),
        ("listen", TcpListener::bind("127.0.0.1:0").is_ok()),
        (
            "connect",
            TcpStream::connect("127.0.0.1:1")
                .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused),
        ),
        ("send datagrams", UdpSocket::bind("127.0.0.1:0").is_ok()),
        ("make a socket", UnixStream::pair().is_ok()),
        ("run a program", Command::new("/bin/true").spawn().is_ok()),
        (
            "signal its parent",
            rustix::process::getppid()
                .is_some_and(|parent| rustix::process::test_kill_process(parent).is_ok()),
        ),
        ("see environment variables", std::env::vars_os().next().is_some()),
    ];
    tried.into_iter().filter(|(_, could)| *could).map(|(what, _)| what.to_owned()).collect()
}
