//! Certificates that the gateway gets for itself (ACME, RFC 8555), and keeps.
//!
//! A [`Keeper`] looks after the certificates for the hosts of routes: it orders those that are missing, renews them in
//! time, and goes on when something fails, for a while. What it knows is in a [`Store`]: a directory, which several
//! processes and machines may share. A certificate in the store is served like any other file (`transport::tls`): this
//! module knows nothing of handshakes, nor of requests. What directories look for is in the store, too: [`Challenges`].
//!
//! An order is a state machine without input and output (`order`); what drives it (`attempt`) writes down where it is
//! before each step, so that an order may end anywhere and is gone on with. When something is due is a function of the
//! time (`schedule`). The protocol is our own: signatures in `jose`, what is said in `message`, requests over one
//! connection each in `http`. instant-acme has no chains to choose from, does not look for orders that were lost, and does
//! not say how long it is to wait.

#[cfg(not(feature = "tls"))]
mod absent;
#[cfg(feature = "tls")]
mod account;
#[cfg(feature = "tls")]
mod advice;
#[cfg(feature = "tls")]
mod answer;
#[cfg(feature = "tls")]
mod attempt;
#[cfg(feature = "tls")]
mod base64;
#[cfg(feature = "tls")]
mod challenges;
#[cfg(feature = "tls")]
mod client;
mod config;
#[cfg(feature = "tls")]
mod disk;
pub mod dns;
#[cfg(feature = "tls")]
mod failure;
pub mod hook;
#[cfg(feature = "tls")]
mod http;
#[cfg(feature = "tls")]
mod jose;
#[cfg(feature = "tls")]
mod keeper;
#[cfg(feature = "tls")]
pub mod local;
#[cfg(feature = "tls")]
mod message;
mod names;
#[cfg(feature = "tls")]
mod order;
#[cfg(feature = "tls")]
mod pem;
#[cfg(feature = "tls")]
mod request;
#[cfg(feature = "tls")]
mod schedule;
#[cfg(feature = "tls")]
mod state;
pub mod store;

pub use config::{AcmeConfig, ChallengeKind, DirectoryConfig, Eab, KeyKind};
pub use names::Reach;
pub use store::Store;

#[cfg(not(feature = "tls"))]
pub use absent::{Challenges, Keeper, Names, local};
#[cfg(feature = "tls")]
pub use {
    challenges::Challenges,
    keeper::{Keeper, Names},
};
