//! One exchange on one connection.

pub mod announcement;
pub(in crate::upstream) mod codec;
pub mod connection;
pub mod dialer;
pub mod pump;
pub mod request_body;
pub mod stderr;
pub mod timers;

pub use announcement::Announcement;
pub use connection::Connection;
pub use dialer::Dialer;
pub use request_body::{RequestBody, Streaming};
