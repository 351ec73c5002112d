//! The whole road, over stages that are counted, held up and broken at will.
