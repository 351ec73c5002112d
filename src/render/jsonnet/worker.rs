//! The Jsonnet worker: our own binary, started again by the server, limits itself and evaluates programs that come
//! over standard input. A program that takes all memory or never ends takes this process with it and nothing else.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::process::ExitCode;
use std::rc::Rc;

use rustix::process::{Resource, Rlimit, Signal, getrlimit, set_parent_process_death_signal, setrlimit};

use super::program::{self, Importer, Input, Source};
use super::wire::{self, Answer, Order};

/// The first argument that makes this process a worker; the second is its memory limit in bytes, the third its limit
/// of processor time in seconds.
pub(super) const ARGUMENT: &str = "__jsonnet";

/// Works if the arguments ask for a worker: `<self> __jsonnet <data bytes> <seconds>`. `main` calls it before anything
/// else and ends with the code if there is one.
pub fn worked(arguments: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let mut arguments = arguments.into_iter().skip(1);
    if arguments.next()? != ARGUMENT {
        return None;
    }
    let mut limit = || arguments.next()?.to_str()?.parse::<u64>().ok();
    let (Some(memory), Some(seconds)) = (limit(), limit()) else { return Some(ExitCode::FAILURE) };
    let done =
        confine(memory, seconds).and_then(|()| serve(&mut io::stdin().lock(), &mut io::stdout().lock()));
    Some(if done.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Takes away what the process may not use up, for good. It dies with the server.
fn confine(memory: u64, seconds: u64) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let limits =
        [(Resource::Data, memory), (Resource::Cpu, seconds), (Resource::Core, 0), (Resource::Fsize, 0)];
    limits.into_iter().try_for_each(|(resource, most)| lower(resource, most))
}

/// Lowers a limit; one that is lower already stays.
fn lower(resource: Resource, most: u64) -> io::Result<()> {
    let hard = getrlimit(resource).maximum.map_or(most, |hard| hard.min(most));
    setrlimit(resource, Rlimit { current: Some(hard), maximum: Some(hard) })?;
    Ok(())
}

/// Evaluates program after program until the server closes its end.
fn serve(orders: &mut dyn Read, answers: &mut dyn Write) -> io::Result<()> {
    let mut line = Line { orders, answers, broken: None };
    while let Some((order, content)) = wire::receive(&mut line.orders, wire::MOST)? {
        let Order::Evaluate { file, ext_vars, tlas } = order else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        let input =
            Input { source: Source { file: Rc::from(file), content: Rc::from(content) }, ext_vars, tlas };
        let (answer, body) = match program::evaluate(&input, &mut line) {
            Ok(json) => (Answer::Done, json),
            Err(failure) => (Answer::Failed(failure), String::new()),
        };
        line.broken.take().map_or(Ok(()), Err)?;
        wire::send(&mut line.answers, &answer, body.as_bytes())?;
    }
    Ok(())
}

/// The two pipes to the server.
struct Line<'a> {
    orders: &'a mut dyn Read,
    answers: &'a mut dyn Write,
    /// Why the server can no longer be asked.
    broken: Option<io::Error>,
}

impl Importer for Line<'_> {
    fn import(&mut self, from: &str, path: &str) -> Option<Source> {
        let answered = self.ask(from, path);
        answered.unwrap_or_else(|error| {
            self.broken = Some(error);
            None
        })
    }
}

impl Line<'_> {
    fn ask(&mut self, from: &str, path: &str) -> io::Result<Option<Source>> {
        let question = Answer::Import { from: from.to_owned(), path: path.to_owned() };
        wire::send(&mut self.answers, &question, &[])?;
        let (order, content) =
            wire::receive(&mut self.orders, wire::MOST)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        match order {
            Order::Found { file } => Ok(Some(Source { file: Rc::from(file), content: Rc::from(content) })),
            Order::Refused => Ok(None),
            Order::Evaluate { .. } => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}
