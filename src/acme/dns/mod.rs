//! The DNS responder: what proves to a directory that a name is ours by a record (RFC 8555, section 8.4).
//!
//! It answers `TXT` for `_acme-challenge.NAME`, of names that it was given, and for `NAME.ZONE` in a zone of its own, which
//! records elsewhere may point to (`CNAME`). It answers `SOA` and `NS` for these, as far as resolvers ask for them on
//! their way, and refuses everything else. It is no name server: it knows no other records, and asks nothing of others.
//!
//! An answer is little larger than its question, and one network gets so many of them a second: above that, it is told to
//! ask over TCP, where nothing is answered to an address that is not the asker's. So it is of no use to those that want others
//! to be flooded (RFC 5358).
//!
//! `query` and `answer` are functions of bytes; `records` is what may be asked for; `sockets` are what
//! is listened on, `responder` is what answers there.

mod answer;
mod config;
mod name;
mod query;
mod rates;
mod records;
mod responder;
mod sockets;
mod zones;

pub use config::DnsConfig;
pub use name::DomainName;
pub use query::{Malformed, Query};
pub use records::Records;
pub use responder::Responder;
pub use sockets::{DnsSocket, DnsSockets};
pub use zones::Zones;
