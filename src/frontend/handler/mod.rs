//! What answers requests: one file each.

pub mod php;
pub mod status;
