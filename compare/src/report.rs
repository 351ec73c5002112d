//! A difference on disk: the input, the command line, and what each program made of it.

use std::fs;
use std::io;
use std::path::Path;

use crate::difference::Difference;
use crate::input::Input;
use crate::run::Outcome;

/// A difference, small, with where it came from.
pub(crate) struct Finding<'a> {
    pub(crate) input: &'a Input,
    pub(crate) difference: &'a Difference,
    pub(crate) ours: &'a Outcome,
    pub(crate) theirs: &'a Outcome,
    pub(crate) seed: u64,
    pub(crate) run: u64,
}

/// Writes a finding into the folder `place`.
///
/// # Errors
/// Those of the system.
pub(crate) fn write(finding: &Finding<'_>, place: &Path) -> io::Result<()> {
    fs::create_dir_all(place)?;
    finding.input.write(place)?;
    fs::write(place.join("arguments"), finding.input.arguments().join("\n") + "\n")?;
    let Difference { kind, shape } = finding.difference;
    let about = format!("{kind:?}: {shape}\nseed {}, run {}\n", finding.seed, finding.run);
    fs::write(place.join("about"), about)?;
    write_outcome(finding.ours, &place.join("ours"))?;
    write_outcome(finding.theirs, &place.join("theirs"))
}

fn write_outcome(outcome: &Outcome, path: &Path) -> io::Result<()> {
    match outcome {
        Outcome::Done(output) => fs::write(path.with_extension("out"), output),
        Outcome::Failed(error) | Outcome::Crashed(error) => fs::write(path.with_extension("err"), error),
        Outcome::Late => fs::write(path.with_extension("err"), "it took too long\n"),
    }
}
