//! Limits that requests share: by a key of each request, so many in a time, and so many at a time.
//!
//! A [`Limit`] stands in the configuration once, and routes name it; requests of all of them count together. What is
//! counted outlives a reload ([`Limits`]). A request counts once for a limit (`Counted`), however often it is routed again.
//! The filter that asks them is `filter/limited.rs`.

mod asked;
mod concurrent;
mod counted;
mod key;
mod rate;
mod registry;
mod settings;

pub(super) use asked::{Asked, Kind, Outcome, Refused};
pub(super) use concurrent::Held;
pub(super) use counted::Counted;
pub use registry::Limits;
pub use settings::{Limit, RequestRate};

/// Limits of a configuration.
pub const MOST: usize = counted::MOST;
