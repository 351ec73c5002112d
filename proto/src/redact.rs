//! Credentials print nothing, whatever prints them.

use std::fmt;

use crate::v1::Credential;

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(..)")
    }
}
