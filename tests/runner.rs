//! The one integration binary: manifestd as its users meet it, and the rules its sources keep.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has to fail")]

mod runner {
    mod architecture;
    mod cli;
    mod exec;
    mod process;
    mod render;
    mod road;
    mod sources;
}
