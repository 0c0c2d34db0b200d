//! SCGI (2008-06-23), both roles: a netstring of variables, then the raw body; the answer is a CGI response.

mod application;
mod exchange;
mod netstring;

pub use application::Application;
pub use exchange::Scgi;
pub use netstring::{Netstring, parse as parse_block, size};
