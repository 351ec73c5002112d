//! The one integration binary: manifestd as its users meet it, and the rules its sources keep.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has to fail")]

mod runner {
    mod architecture;
    mod asking;
    mod bad_calls;
    mod bad_files;
    mod bad_input;
    mod bad_repositories;
    mod bad_servers;
    mod bombs;
    mod build;
    mod chart;
    mod cli;
    mod examples;
    mod exec;
    mod full_disk;
    mod history;
    mod hostile_packs;
    mod hostile_renders;
    mod hostile_servers;
    mod idle;
    mod killed;
    mod kustomization;
    mod once;
    mod over_ssh;
    mod overlays;
    mod process;
    mod remote_bases;
    mod render;
    mod road;
    mod scope;
    mod service;
    mod siege;
    mod sources;
    mod stealing_server;
    mod template;
    mod unreachable;
    mod workers;
}
