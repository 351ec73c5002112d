//! The memory budget of one engine call: what reading, changing and printing may hold in this process.

use budget::{Budget, Exhausted};

use super::Stop;
use crate::error::{Error, Kind, Result};

/// The bytes an engine may hold: the largest public charts and kustomizations stay below a tenth of it, and what the
/// allocator really hands out stays below one and a half times of it.
const ENGINE_BYTES: usize = 1 << 30;

/// What to do about inputs that need too much memory.
const SPLIT: &str =
    "look for aliases, prefixes, labels or patches that multiply a long text, or split the application";

/// The budget of one engine call, whose flag is `stop`.
pub(crate) fn engine_budget(stop: &Stop) -> Budget {
    let flag = stop.clone();
    Budget::new(ENGINE_BYTES, move || flag.check().is_err())
}

/// Does the work of an engine within its memory budget, and no longer than `stop` allows: a result that was made after
/// the budget had refused something is none.
///
/// # Errors
/// What the work says; [`Kind::OverBudget`], and what `stop` says, where the budget ended it.
pub(super) fn within_budget<T>(stop: &Stop, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let budget = engine_budget(stop);
    let result = budget.run(work);
    match (result, budget.exhausted()) {
        (result, None) => result,
        (Err(error), Some(Exhausted::Bytes(_))) if error.kind() == Kind::OverBudget => Err(error.help(SPLIT)),
        (Err(error), Some(Exhausted::Bytes(_))) => {
            let over = Error::new(Kind::OverBudget, error.message().to_owned()).help(SPLIT);
            Err(error.place().cloned().map_or(over.clone(), |place| over.at(place)))
        }
        (Ok(_), Some(refused @ Exhausted::Bytes(_))) => {
            Err(Error::new(Kind::OverBudget, format!("rendering was broken off: {refused}")).help(SPLIT))
        }
        (result, Some(Exhausted::Stopped)) => {
            stop.check()?;
            result.and_then(|_| Err(Error::new(Kind::Cancelled, "rendering was stopped")))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn stop() -> Stop {
        Stop::after(Duration::from_secs(600))
    }

    #[test]
    fn a_refusal_that_nobody_reports_is_an_error_all_the_same() {
        let error = within_budget(&stop(), || {
            let _ = budget::charge(ENGINE_BYTES + 1);
            Ok(1)
        });
        assert_eq!(error.unwrap_err().kind(), Kind::OverBudget);
        let error = within_budget(&stop(), || {
            budget::charge(ENGINE_BYTES + 1).map_err(|refused| Error::new(Kind::Invalid, refused.to_string()))
        });
        assert_eq!(error.unwrap_err().kind(), Kind::OverBudget);
        assert_eq!(within_budget(&stop(), || Ok(1)).unwrap(), 1);
    }

    #[test]
    fn the_reason_of_a_stop_is_told() {
        let stop = Stop::after(Duration::ZERO);
        let error = within_budget(&stop, || Ok(budget::look().is_err()));
        assert_eq!(error.unwrap_err().kind(), Kind::Deadline);
    }
}
