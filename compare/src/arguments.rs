//! The command line of the comparison.

use std::path::PathBuf;
use std::time::Duration;

/// How it is used.
pub(crate) const USAGE: &str = "\
usage: manifestd-compare helm|kustomize --corpus FOLDER... [options]

  --corpus FOLDER    folders that hold charts or kustomizations, however deep, or cases.jsonl with input/; repeatable
  --program PATH     the real program [default: helm or kustomize on PATH]
  --ours PATH        our program [default: manifestd beside this one]
  --version VERSION  the version of the real program, which ours is to be equal to [default: our newest]
  --seconds N        how long to go on
  --runs N           how many inputs to compare [default: 1000, without a limit where --seconds is given]
  --first N          the number of the first run [default: 0]
  --seed N           where chance begins [default: 1]
  --jobs N           how many at a time [default: 1]
  --out FOLDER       where small cases of what differs are written [default: compare-out]
  --most N           stop after so many different differences [default: 100]
  --texts            compare the texts of failures too";

/// Which program ours is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    /// `helm template`.
    Helm,
    /// `kustomize build`.
    Kustomize,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub(crate) struct Arguments {
    pub(crate) engine: Engine,
    pub(crate) corpus: Vec<PathBuf>,
    pub(crate) program: PathBuf,
    pub(crate) ours: PathBuf,
    pub(crate) version: Option<String>,
    pub(crate) time: Option<Duration>,
    pub(crate) runs: u64,
    pub(crate) first: u64,
    pub(crate) seed: u64,
    pub(crate) jobs: usize,
    pub(crate) out: PathBuf,
    pub(crate) most: usize,
    pub(crate) texts: bool,
}

impl Arguments {
    /// Reads the command line behind the program's name.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let (engine, name) = match words.next().as_deref() {
            Some("helm") => (Engine::Helm, "helm"),
            Some("kustomize") => (Engine::Kustomize, "kustomize"),
            _ => return Err("say which program to compare with: helm or kustomize".to_owned()),
        };
        let beside = std::env::current_exe().map(|path| path.with_file_name("manifestd"));
        let mut arguments = Self {
            engine,
            corpus: Vec::new(),
            program: name.into(),
            ours: beside.unwrap_or_else(|_| "manifestd".into()),
            version: None,
            time: None,
            runs: 0,
            first: 0,
            seed: 1,
            jobs: 1,
            out: "compare-out".into(),
            most: 100,
            texts: false,
        };
        while let Some(flag) = words.next() {
            if flag == "--texts" {
                arguments.texts = true;
                continue;
            }
            let value = words.next().ok_or_else(|| format!("{flag} needs a value"))?;
            arguments.set(&flag, value)?;
        }
        if arguments.corpus.is_empty() {
            return Err("give at least one --corpus".to_owned());
        }
        if arguments.runs == 0 {
            arguments.runs = if arguments.time.is_some() { u64::MAX } else { 1000 };
        }
        Ok(arguments)
    }

    fn set(&mut self, flag: &str, value: String) -> Result<(), String> {
        let number = || value.parse::<u64>().map_err(|_| format!("{flag}: {value} is no number"));
        let count = || number().map(|number| usize::try_from(number).unwrap_or(usize::MAX).max(1));
        match flag {
            "--corpus" => self.corpus.push(value.into()),
            "--program" => self.program = value.into(),
            "--ours" => self.ours = value.into(),
            "--version" => self.version = Some(value),
            "--seconds" => self.time = Some(Duration::from_secs(number()?)),
            "--runs" => self.runs = number()?,
            "--first" => self.first = number()?,
            "--seed" => self.seed = number()?,
            "--jobs" => self.jobs = count()?,
            "--out" => self.out = value.into(),
            "--most" => self.most = count()?,
            _ => return Err(format!("there is no flag {flag}")),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, String> {
        Arguments::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn a_command_line_is_read() {
        let read = parse("helm --corpus a --corpus b --seconds 5 --seed 7 --texts --jobs 2").unwrap();
        assert_eq!((read.engine, read.corpus.len(), read.seed, read.jobs), (Engine::Helm, 2, 7, 2));
        assert_eq!((read.runs, read.time, read.texts), (u64::MAX, Some(Duration::from_secs(5)), true));
        assert_eq!(parse("kustomize --corpus a").unwrap().runs, 1000);
    }

    #[test]
    fn mistakes_are_told() {
        for (line, words) in [
            ("", "which program"),
            ("helm", "at least one --corpus"),
            ("helm --corpus", "needs a value"),
            ("helm --corpus a --seed x", "no number"),
            ("helm --corpus a --speed 1", "no flag --speed"),
        ] {
            assert!(parse(line).unwrap_err().contains(words), "{line}");
        }
    }
}
