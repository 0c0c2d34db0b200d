//! The codecs on asynchronous streams: for the demo pool, `bridgehead call`, tests, and programs that embed us.
//!
//! [`Connection`] is one connection of an application over any stream: take a request, read its body, answer,
//! repeat. [`Exchange`] is the other side: one request, and its answer as events. [`Requests`] and [`Records`]
//! are the same codecs as `tokio_util` decoders and encoders, for programs that have their own framing loop.
//! The gateway itself uses none of this: it drives the codecs directly.

mod connection;
mod error;
mod exchange;
mod records;
mod requests;

pub use connection::Connection;
pub use error::Error;
pub use exchange::Exchange;
pub use records::{Record, Records};
pub use requests::{Reply, Requests};
