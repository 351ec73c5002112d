//! The launcher: what this executable does between being started for a program and becoming it.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use rustix::process::{
    Pid, Resource, Rlimit, Signal, getppid, getrlimit, set_parent_process_death_signal, setrlimit,
};

use super::confine::confine;

/// The first argument that makes this executable a launcher.
pub(super) const LAUNCH: &str = "__launch";

/// What a launcher that failed itself ends with; [`MARK`] tells it from a program that ends with the same.
pub(super) const FAILED: i32 = 125;

/// What a launcher that failed itself begins its message with.
pub(super) const MARK: &str = "manifestd-launch: ";

/// Open files a program may have; programs need a few dozen.
const OPEN_FILES: u64 = 1024;

/// The largest file a program may write; helm and kustomize write next to nothing.
const FILE_BYTES: u64 = 64 << 20;

/// Becomes the program the arguments ask for, if they do:
/// `<self> __launch <data bytes> <parent> <room> <program> <argument>…`.
/// `main` calls it first and ends with the code if there is one.
pub fn launched(arguments: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let mut arguments = arguments.into_iter().skip(1);
    if arguments.next()? != LAUNCH {
        return None;
    }
    let error = become_program(arguments);
    // There is nobody to tell if even this fails.
    let _ = writeln!(std::io::stderr(), "{MARK}{error}");
    Some(ExitCode::from(125))
}

/// Returns only when it cannot.
fn become_program(mut arguments: impl Iterator<Item = OsString>) -> String {
    let (Some(data), Some(parent), Some(room), Some(program)) =
        (number(arguments.next()), number(arguments.next()), arguments.next(), arguments.next())
    else {
        return "wrong arguments".to_owned();
    };
    // What our own parents left open: ours are closed anyway.
    close_fds::set_fds_cloexec(3, &[]);
    let ready = limit(data, parent).and_then(|()| confine(room.as_ref(), program.as_ref()));
    match ready {
        Ok(()) => Command::new(&program).args(arguments).exec().to_string(),
        Err(error) => error,
    }
}

fn number(argument: Option<OsString>) -> Option<u64> {
    argument?.into_string().ok()?.parse().ok()
}

fn limit(data: u64, parent: u64) -> Result<(), String> {
    // Set before asking: a parent that dies in between is seen by one or the other.
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(|error| error.to_string())?;
    if !is_child_of(parent) {
        return Err("its parent is gone".to_owned());
    }
    let limits = [
        (Resource::Data, data),
        (Resource::Core, 0),
        (Resource::Nofile, OPEN_FILES),
        (Resource::Fsize, FILE_BYTES),
    ];
    limits.into_iter().try_for_each(|(resource, most)| lower(resource, most))
}

/// Whether the process of this number is our parent.
pub(super) fn is_child_of(parent: u64) -> bool {
    getppid().map(Pid::as_raw_nonzero).map(|pid| u64::from(pid.get().unsigned_abs())) == Some(parent)
}

/// Lowers a limit; one that is lower already stays.
pub(super) fn lower(resource: Resource, most: u64) -> Result<(), String> {
    let hard = getrlimit(resource).maximum.map_or(most, |hard| hard.min(most));
    let limit = Rlimit { current: Some(hard), maximum: Some(hard) };
    setrlimit(resource, limit).map_err(|error| format!("cannot limit itself: {error}"))
}
