//! FastCGI 1.0 (Open Market, 29 April 1996), both roles, and what real servers make of it.
//!
//! [`FastCgi`] is the gateway: one request at a time on a connection, always with id 1, whole name-value
//! pairs per record, no padding. [`Application`] is the other side. Multiplexing is refused by one and never
//! asked for by the other: no server that people run can do it (reference, section 1.7).

mod application;
mod exchange;
mod management;
mod pairs;
mod record;

pub use application::Application;
pub use exchange::FastCgi;
pub use management::{Capabilities, put_get_values};
pub use pairs::{PairDecoder, Pairs, put_pair};
pub use record::{BeginRequest, EndRequest, Flags, Header, Kind, ProtocolStatus, Role, UnknownType};
