//! The wire types of manifestd.v1.
