//! What is known of an upstream before a request is sent: its settings, its endpoints, and what can go wrong.

pub mod adaptive;
pub mod config;
pub mod endpoint;
pub mod error;
pub mod fair;
pub mod hash_key;
pub mod latency;
pub mod occupancy;
pub mod profile;
pub mod tally;
mod token;
pub mod trace;
mod workers;

pub use config::UpstreamConfig;
pub use endpoint::Endpoint;
pub use error::{AdmissionError, BodyError, Failure};
pub use occupancy::{Claim, Occupancy, Offer};
pub use token::Token;
pub use trace::Trace;
pub use workers::Workers;
