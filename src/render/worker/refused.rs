//! Inputs that killed a worker: the same ones are refused for a while, so that they do not take worker after worker.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::death::Cause;
use crate::error::{Error, Result};

/// How long inputs are refused: a controller that asks again every few minutes costs one worker each time, a loop none.
const REFUSED_FOR: Duration = Duration::from_secs(5 * 60);

/// The most inputs that are remembered; those that killed longest ago are forgotten first.
const MAX_INPUTS: usize = 1024;

/// Inputs that killed a worker lately, by the key of their order.
#[derive(Default)]
pub(super) struct RefusedInputs(Mutex<HashMap<[u8; 32], Killing>>);

struct Killing {
    at: Instant,
    times: u32,
    cause: Cause,
    error: Error,
}

impl RefusedInputs {
    /// Fails for inputs that killed a worker lately.
    ///
    /// # Errors
    /// The failure of then, which says that it is one.
    pub(super) fn check(&self, key: &[u8; 32]) -> Result<()> {
        let killings = self.killings();
        let Some(killing) = killings.get(key).filter(|killing| killing.is_fresh(Instant::now())) else {
            return Ok(());
        };
        // Who was killed by somebody else may be innocent, once.
        if killing.cause == Cause::Killed && killing.times < 2 {
            return Ok(());
        }
        let left = REFUSED_FOR.saturating_sub(killing.at.elapsed()).as_secs().max(1);
        let context =
            format!("the same inputs ended a render a short while ago and are refused for {left} seconds");
        Err(killing.error.clone().context(context))
    }

    /// Notes that the inputs of this key killed a worker, with the error their request got.
    pub(super) fn note(&self, key: [u8; 32], cause: Cause, error: &Error) {
        let mut killings = self.killings();
        let now = Instant::now();
        killings.retain(|_, killing| killing.is_fresh(now));
        let times = killings.get(&key).map_or(0, |killing| killing.times) + 1;
        if killings.len() >= MAX_INPUTS {
            let oldest = killings.iter().min_by_key(|(_, killing)| killing.at).map(|(key, _)| *key);
            oldest.and_then(|oldest| killings.remove(&oldest));
        }
        killings.insert(key, Killing { at: now, times, cause, error: error.clone() });
    }

    fn killings(&self) -> MutexGuard<'_, HashMap<[u8; 32], Killing>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Killing {
    fn is_fresh(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.at) < REFUSED_FOR
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    fn over() -> Error {
        Error::new(Kind::OverBudget, "too much")
    }

    #[test]
    fn what_killed_is_refused_and_the_rest_is_not() {
        let refused = RefusedInputs::default();
        refused.note([1; 32], Cause::Memory, &over());
        let error = refused.check(&[1; 32]).unwrap_err();
        assert_eq!(error.kind(), Kind::OverBudget);
        assert!(error.message().starts_with("the same inputs ended a render"), "{error}");
        assert!(refused.check(&[2; 32]).is_ok());
    }

    #[test]
    fn a_kill_from_outside_is_forgiven_once() {
        let refused = RefusedInputs::default();
        refused.note([1; 32], Cause::Killed, &over());
        assert!(refused.check(&[1; 32]).is_ok());
        refused.note([1; 32], Cause::Killed, &over());
        assert!(refused.check(&[1; 32]).is_err());
    }

    #[test]
    fn only_so_many_are_remembered() {
        let refused = RefusedInputs::default();
        let key = |number: usize| {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&number.to_le_bytes());
            key
        };
        (0..=MAX_INPUTS).for_each(|number| refused.note(key(number), Cause::Time, &over()));
        assert_eq!(refused.killings().len(), MAX_INPUTS);
        assert!(refused.check(&key(0)).is_ok(), "the oldest is forgotten");
        assert!(refused.check(&key(MAX_INPUTS)).is_err());
    }
}
