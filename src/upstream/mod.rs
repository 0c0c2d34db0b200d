//! Which endpoint, which connection, when to give up: the upstream engine.

pub mod config;
pub mod profile;

pub use config::Config;
