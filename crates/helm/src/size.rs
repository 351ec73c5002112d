//! How large the files of a chart may be: each of them before helm 4.3, all of them together since then.
//!
//! Only what is read counts: what nobody asks for is never looked at.

use std::cell::Cell;

use crate::version::Profile;

/// The largest file of a chart.
pub(crate) const MAX_FILE: u64 = 5 << 20;

/// The most bytes of a folder or of what an archive unpacks to.
pub(crate) const MAX_TOTAL: u64 = 100 << 20;

/// What may still be read of a chart's folder.
#[derive(Debug)]
pub(crate) struct ReadBudget {
    limits_files: bool,
    left: Cell<u64>,
}

impl ReadBudget {
    pub(crate) fn new(profile: &Profile) -> Self {
        // Old versions have no limit of a folder; ours keeps the memory of a render within bounds.
        let total = if profile.limits_folders { MAX_TOTAL } else { 10 * MAX_TOTAL };
        Self { limits_files: profile.limits_files, left: Cell::new(total) }
    }

    /// Takes a file of `size` bytes from the budget.
    ///
    /// # Errors
    /// Helm's text.
    pub(crate) fn take(&self, name: &str, size: u64) -> Result<(), String> {
        if self.limits_files && size > MAX_FILE {
            return Err(format!("chart file {name:?} is larger than the maximum file size {MAX_FILE}"));
        }
        let left = self.left.get().checked_sub(size).ok_or_else(|| {
            format!("error reading {name}: chart exceeds maximum decompressed size of {MAX_TOTAL} bytes")
        })?;
        self.left.set(left);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HelmVersion;

    #[test]
    fn files_have_a_limit_each_or_one_together() {
        let old = ReadBudget::new(HelmVersion::V4_2_4.profile());
        assert_eq!(old.take("a", MAX_FILE), Ok(()));
        let told = old.take("a", MAX_FILE + 1).unwrap_err();
        assert_eq!(told, "chart file \"a\" is larger than the maximum file size 5242880");
        let new = ReadBudget::new(HelmVersion::V4_3_2.profile());
        assert_eq!(new.take("a", MAX_FILE + 1), Ok(()));
        let told = new.take("b/c", MAX_TOTAL).unwrap_err();
        assert_eq!(told, "error reading b/c: chart exceeds maximum decompressed size of 104857600 bytes");
    }
}
