//! Certificates by themselves: what proves that names are ours, and certificates for names that no public authority can
//! prove.

pub mod dns;
pub mod hook;
#[cfg(feature = "tls")]
pub mod local;
mod names;

pub use names::Reach;
