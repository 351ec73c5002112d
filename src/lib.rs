//! The manifestd service: a repository goes in, Kubernetes manifests come out.
//!
//! The road of one request: `api` or `cli` → [`request`] → `pipeline` → `source` → `git`, then `render` → the engines.

pub mod api;
pub mod cli;
pub mod config;
pub mod credentials;
pub mod error;
pub mod git;
pub mod inspect;
pub mod pipeline;
pub mod process;
pub mod render;
pub mod request;
pub mod server;
pub mod service;
pub mod source;
pub mod telemetry;
