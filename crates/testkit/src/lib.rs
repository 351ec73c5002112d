//! Git repositories, servers and folder cases made by code, for tests only.
