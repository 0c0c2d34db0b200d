//! Content codings that are made while an answer goes out (RFC 9110, section 8.4): gzip (RFC 1952) and zstd (RFC 8878,
//! with the window that RFC 9659 permits).
//!
//! An [`Encoder`] is pushed: bytes go in, and what they have become is appended to a buffer. It knows nothing of
//! answers. What a coding needs while it works is a context of some hundred KiB, which comes from [`Contexts`] and goes
//! back there as soon as an encoder [rests](Encoder::rest).

mod coding;
mod contexts;
mod encoder;
mod gzip;
#[cfg(feature = "zstd")]
mod zstd;

pub use coding::Coding;
pub use contexts::{Contexts, Levels};
pub use encoder::Encoder;

#[cfg(test)]
mod tests;
