//! HTTP to clients.

pub mod config;

pub use config::Config;
