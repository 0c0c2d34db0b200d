//! Counters, histograms, logging set-up.

pub mod config;

pub use config::Config;
