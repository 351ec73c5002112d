//! The function library that Helm charts use in templates (Masterminds/sprig 3.3): one file per family, one table.
//!
//! ```
//! use gotmpl::Value;
//!
//! let functions = manifestd_sprig::functions();
//! assert!(functions.iter().any(|function| function.name == "nindent"));
//! ```

mod args;
mod case;
mod chance;
mod date;
mod decimal;
mod dicts;
mod encode;
pub mod json;
mod kinds;
mod lists;
mod logic;
mod names;
mod numbers;
mod passwords;
mod paths;
mod pki;
mod regex;
mod strings;
mod urls;
mod versions;

use gotmpl::Function;

pub use date::{check_time, method, moment};

/// Every function of the library.
#[must_use]
pub fn functions() -> Vec<Function> {
    [
        strings::FUNCTIONS,
        case::FUNCTIONS,
        numbers::FUNCTIONS,
        logic::FUNCTIONS,
        kinds::FUNCTIONS,
        lists::FUNCTIONS,
        dicts::FUNCTIONS,
        json::FUNCTIONS,
        encode::FUNCTIONS,
        paths::FUNCTIONS,
        regex::FUNCTIONS,
        urls::FUNCTIONS,
        date::FUNCTIONS,
        versions::FUNCTIONS,
        chance::FUNCTIONS,
        passwords::FUNCTIONS,
        pki::FUNCTIONS,
    ]
    .concat()
}

/// What helm 4.3 has besides: durations as values.
#[must_use]
pub fn duration_functions() -> &'static [Function] {
    date::DURATIONS
}

/// Every method of the values that functions of the library make.
#[must_use]
pub fn methods() -> Vec<&'static Function> {
    date::METHODS.iter().chain(date::duration_methods()).chain(versions::METHODS).collect()
}
