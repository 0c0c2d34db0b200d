//! Bridgehead.
fn main() {}
