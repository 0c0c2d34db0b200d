//! An application to try the gateway on, behind each of the three protocols, with nothing to install.
//!
//! [`Pool`] is what PHP-FPM or uWSGI is to the gateway: a socket and a fixed number of workers, each of which
//! serves one connection at a time. What the workers run has the URLs of `examples/apps` (its README lists
//! them). No security is needed here that the gateway would not have to provide anyway: the demo is also a
//! test of it.

mod exchange;
mod landing;
mod pages;
mod pool;
mod query;
mod tour;

pub use pages::PATHS;
pub use pool::{Pool, Protocol};
pub use tour::{Stop, stops};
