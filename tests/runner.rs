//! The one integration binary: manifestd as its users meet it, and the rules its sources keep.

mod runner {
    mod architecture;
    mod process;
    mod render;
    mod sources;
}
