//! Counters and times, the access log, the error log.
//!
//! Both logs go through a [`Sink`]: a bounded buffer and a thread that writes it out, so that a slow disk or a
//! stuck pipe never holds up a request. What does not fit is dropped and counted.

pub mod access;
pub mod clock;
pub mod config;
pub mod counters;
pub mod escape;
pub mod exposition;
pub mod histogram;
pub mod line;
pub mod log;
pub mod number;
pub mod sink;

pub use access::AccessLog;
pub use config::Config;
pub use counters::Counters;
pub use exposition::Exposition;
pub use histogram::Histogram;
pub use line::Entry;
pub use sink::{Guard, Opened, Sink};
