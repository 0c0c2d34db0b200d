//! The architecture of `src/lib.rs`, executable: which module may use which, and that no files use each other in a
//! circle.

#![allow(clippy::unwrap_used)] // all of it is tests

mod circles;
mod graph;
mod imports;
mod layers;
mod sources;
mod tokens;
