//! One program on one input: started with nothing of our environment, ended when it takes too long.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::arguments::{Arguments, Engine};
use crate::input::Input;

/// How long a program may take; helm needs a twentieth of a second as a rule.
const MAX_TIME: Duration = Duration::from_secs(20);

/// How often a program that runs is looked at.
const TICK: Duration = Duration::from_millis(1);

/// The exit codes of a program that broke: Rust's panic, and Go's.
const BROKEN: [i32; 2] = [101, 2];

/// What a program made of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Its standard output.
    Done(Vec<u8>),
    /// Its standard error.
    Failed(String),
    /// It broke off by itself, or a signal ended it: its standard error.
    Crashed(String),
    /// It took too long.
    Late,
}

/// A folder to run programs in, and how they are started.
pub(crate) struct Runner {
    place: PathBuf,
    ours: PathBuf,
    theirs: PathBuf,
    version: Option<(&'static str, String)>,
}

/// Whether a program can be started.
pub(crate) fn is_there(program: &Path) -> bool {
    Command::new(program).arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

impl Runner {
    /// Runs the programs of `arguments` in the folder `place`.
    pub(crate) fn new(place: PathBuf, arguments: &Arguments) -> Self {
        let variable = match arguments.engine {
            Engine::Helm => "MANIFESTD_HELM_VERSION",
            Engine::Kustomize => "MANIFESTD_KUSTOMIZE_VERSION",
        };
        let version = arguments.version.clone().map(|version| (variable, version));
        let absolute = |path: &PathBuf| match path.components().count() {
            // A bare name is looked for on PATH.
            1 => path.clone(),
            _ => path.canonicalize().unwrap_or_else(|_| path.clone()),
        };
        Self { place, ours: absolute(&arguments.ours), theirs: absolute(&arguments.program), version }
    }

    /// What both programs make of an input, ours first.
    ///
    /// # Errors
    /// In words, when the files cannot be written or a program cannot be started.
    pub(crate) fn both(&self, input: &Input) -> Result<(Outcome, Outcome), String> {
        input.write(&self.place).map_err(|error| format!("writing an input: {error}"))?;
        let ours = self.start(&self.ours, input)?;
        let theirs = self.start(&self.theirs, input)?;
        Ok((self.finish(ours, "ours")?, self.finish(theirs, "theirs")?))
    }

    /// What the real program makes of the input that was written last.
    ///
    /// # Errors
    /// As [`Runner::both`].
    pub(crate) fn theirs_again(&self, input: &Input) -> Result<Outcome, String> {
        let theirs = self.start(&self.theirs, input)?;
        self.finish(theirs, "theirs")
    }

    fn start(&self, program: &Path, input: &Input) -> Result<Child, String> {
        let name = if program == self.ours { "ours" } else { "theirs" };
        let file = |end: &str| {
            let path = self.place.join(format!("{name}.{end}"));
            fs::File::create(&path).map_err(|error| format!("{}: {error}", path.display()))
        };
        let mut command = Command::new(program);
        command.env_clear().env("HOME", self.place.join("home")).env("PATH", "/usr/bin:/bin");
        command.envs(self.version.clone()).args(input.arguments()).current_dir(&self.place);
        // Files, so that neither program waits for a reader.
        command.stdin(Stdio::null()).stdout(file("out")?).stderr(file("err")?);
        command.spawn().map_err(|error| format!("{}: {error}", program.display()))
    }

    fn finish(&self, mut child: Child, name: &str) -> Result<Outcome, String> {
        let begun = Instant::now();
        let status = loop {
            match child.try_wait().map_err(|error| error.to_string())? {
                Some(status) => break status,
                None if begun.elapsed() > MAX_TIME => {
                    // It may have ended just now.
                    let _ = child.kill();
                    let _ = child.wait();
                    return Ok(Outcome::Late);
                }
                None => thread::sleep(TICK),
            }
        };
        let read = |end: &str| {
            let mut content = Vec::new();
            let file = fs::File::open(self.place.join(format!("{name}.{end}")));
            file.and_then(|mut file| file.read_to_end(&mut content)).map_err(|error| error.to_string())?;
            Ok::<_, String>(content)
        };
        let error = String::from_utf8_lossy(&read("err")?).into_owned();
        Ok(match status.code() {
            Some(0) => Outcome::Done(read("out")?),
            Some(code) if BROKEN.contains(&code) && is_crash(&error) => Outcome::Crashed(error),
            Some(_) => Outcome::Failed(error),
            None => Outcome::Crashed(error),
        })
    }
}

/// Whether the last words are those of a program that broke off.
fn is_crash(error: &str) -> bool {
    ["panicked at", "goroutine ", "fatal error:"].iter().any(|words| error.contains(words))
}
