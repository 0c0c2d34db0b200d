//! A request goes to one endpoint after the other.

mod forecast;
mod preview;
pub mod retry;
mod send;
mod skipped;
mod suspicion;
mod upstream;

pub use forecast::Forecast;
pub use preview::Preview;
pub use upstream::Upstream;
