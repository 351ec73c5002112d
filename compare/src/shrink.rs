//! From an input on which the programs differ to the smallest one found on which they differ in the same way.

use crate::difference::{self, Difference, Kind};
use crate::input::Input;
use crate::run::Runner;

/// The most inputs that are tried for one difference.
const MAX_TRIES: usize = 400;

/// Makes `input` smaller as long as it differs as `wanted` says.
///
/// # Errors
/// In words, when the programs cannot be run.
pub(crate) fn shrink(runner: &Runner, input: Input, wanted: &Difference) -> Result<Input, String> {
    let mut shrinking = Shrinking { runner, wanted, tries: 0, smallest: input };
    loop {
        let before = shrinking.smallest.clone();
        shrinking.files()?;
        shrinking.flags()?;
        let paths: Vec<String> = shrinking.smallest.files.keys().cloned().collect();
        for path in paths {
            shrinking.lines(&path)?;
        }
        if shrinking.smallest == before || shrinking.tries >= MAX_TRIES {
            return Ok(shrinking.smallest);
        }
    }
}

struct Shrinking<'a> {
    runner: &'a Runner,
    wanted: &'a Difference,
    tries: usize,
    smallest: Input,
}

impl Shrinking<'_> {
    /// Keeps `smaller` if it still differs in the same way.
    fn keep(&mut self, smaller: Input) -> Result<bool, String> {
        if self.tries >= MAX_TRIES {
            return Ok(false);
        }
        self.tries += 1;
        let (ours, theirs) = self.runner.both(&smaller)?;
        let texts = self.wanted.kind == Kind::Texts;
        let differs = difference::compare(&ours, &theirs, texts).is_some_and(|found| self.is_alike(&found));
        if differs {
            self.smallest = smaller;
        }
        Ok(differs)
    }

    /// Whether the same cause is likely: bytes change their shape as lines go, failures do not.
    fn is_alike(&self, found: &Difference) -> bool {
        found.kind == self.wanted.kind && (found.kind == Kind::Output || found.shape == self.wanted.shape)
    }

    /// Leaves out files, many at a time first.
    fn files(&mut self) -> Result<(), String> {
        let mut size = self.smallest.files.len().div_ceil(2);
        while size > 0 {
            let paths: Vec<String> = self.smallest.files.keys().cloned().collect();
            for some in paths.chunks(size) {
                let mut smaller = self.smallest.clone();
                smaller.files.retain(|path, _| !some.contains(path));
                self.keep(smaller)?;
            }
            size /= 2;
        }
        Ok(())
    }

    /// Leaves out flags, with what follows them.
    fn flags(&mut self) -> Result<(), String> {
        let mut at = 0;
        while at < self.smallest.flags.len() {
            let mut smaller = self.smallest.clone();
            let values = smaller.flags[at + 1..].iter().take_while(|word| !word.starts_with("--")).count();
            smaller.flags.drain(at..=at + values);
            if !self.keep(smaller)? {
                at += 1 + values;
            }
        }
        Ok(())
    }

    /// Leaves out lines of a file, many at a time first.
    fn lines(&mut self, path: &str) -> Result<(), String> {
        let count = |input: &Input| input.text(path).split_inclusive('\n').count();
        let mut size = count(&self.smallest).div_ceil(2);
        while size > 0 {
            let mut at = 0;
            while at < count(&self.smallest) {
                let text = self.smallest.text(path);
                let lines: Vec<&str> = text.split_inclusive('\n').collect();
                let end = (at + size).min(lines.len());
                let mut smaller = self.smallest.clone();
                smaller.put(path, [&lines[..at], &lines[end..]].concat().concat());
                if !self.keep(smaller)? {
                    at += size;
                }
                if self.tries >= MAX_TRIES {
                    return Ok(());
                }
            }
            size /= 2;
        }
        Ok(())
    }
}
