//! The program as a user has it: what it prints, and how it ends.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod call;
mod configuration;
mod demo;
mod explain;
mod process;
mod terminal;
#[cfg(feature = "tls")]
mod trust;
