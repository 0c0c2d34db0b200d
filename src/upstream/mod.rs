//! Which endpoint, which connection, when to give up: the upstream engine.
//!
//! [`Upstream::send`] is the whole of it as seen from the front end: a request goes down by value, an answer
//! comes up by value. Slots, connections and timers are owned by the answer's [`Body`] and end with it.
//!
//! Seven wings, each of which uses only those above it:
//!
//! | wing | what it is |
//! |---|---|
//! | [`model`] | settings, endpoints, failures, the trace of a request |
//! | [`select`] | which endpoint: balancing, sessions |
//! | [`admit`] | when: slots, the queue, circuit breakers |
//! | [`wire`] | how: one exchange on one connection |
//! | [`answer`] | what came of it, and its way to the reader |
//! | [`attempt`] | one endpoint after the other |
//! | [`care`] | what is asked of endpoints apart from requests: health, names |

pub mod admit;
pub mod answer;
pub mod attempt;
pub mod care;
pub mod model;
pub mod select;
pub mod wire;

pub use admit::Snapshot;
pub use answer::{Body, Interim, Options, Relays, Switched, UpstreamAnswer};
pub use attempt::{Forecast, Preview, Upstream};
pub use model::{BodyError, Endpoint, Failure, Trace, UpstreamConfig};
pub use wire::pump::Terms;
pub use wire::{RequestBody, Streaming};
