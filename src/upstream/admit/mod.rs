//! When a request gets a worker: slots, the queue in front of them, and what is known of the endpoints' health.

mod circuit_breaker;
mod endpoint_set;
pub mod pool;
mod registry;

pub use pool::{Pool, Snapshot};
pub use registry::Registry;
