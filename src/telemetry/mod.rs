//! Counters, the access log, the error log.
//!
//! Both logs go through a [`Sink`]: a bounded buffer and a thread that writes it out, so that a slow disk or a
//! stuck pipe never holds up a request. What does not fit is dropped and counted.

pub mod config;
pub mod sink;

pub use config::Config;
pub use sink::{Guard, Sink};
