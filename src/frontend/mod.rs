//! HTTP to clients.

pub mod config;
pub mod php;

pub use config::Config;
