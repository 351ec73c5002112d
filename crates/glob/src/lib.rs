//! File name patterns as the Go libraries of the field read them.
