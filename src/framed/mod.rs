//! The codecs on asynchronous streams, for applications: the demo pool, tests, and programs that embed us.
//!
//! [`Connection`] is one connection of an application over any stream: take a request, read its body, answer,
//! repeat. [`Requests`] and [`Records`] are the same codecs as `tokio_util` decoders and encoders, for programs
//! that have their own framing loop. The gateway itself uses none of this: it drives the codecs directly.

mod connection;
mod error;
mod records;
mod requests;

pub use connection::Connection;
pub use error::Error;
pub use records::{Record, Records};
pub use requests::{Reply, Requests};
