//! The uwsgi protocol, both roles: a packet of variables, then the raw body; the answer is raw HTTP.
//!
//! The specification is the documentation and source of uWSGI (reference, section 2). The modifiers select
//! what a packet does, code execution included: they come from the configuration and from nowhere else.

mod application;
mod block;
mod exchange;
mod packet;

pub use application::Application;
pub use block::{Block, parse as parse_block};
pub use exchange::Uwsgi;
pub use packet::Packet;
