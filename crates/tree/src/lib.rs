//! Read-only trees of files with content ids, and the recorder of what was read.
