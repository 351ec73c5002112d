//! YAML as Go sees it: read, resolve, emit.
