//! Conformance tests for FastCGI, uwsgi and SCGI. `README.md` describes the notation of the cases.
//!
//! | module | what it is | uses |
//! |---|---|---|
//! | [`protocol`] | the names of the protocols | – |
//! | [`net`] | links that one thread drives | – |
//! | [`wire`] | what arrives, as units of the protocols | – |
//! | [`content`] | what is sent, as written in cases | notation (nodes), protocol |
//! | [`expect`] | what must be observed | content, wire, net |
//! | [`notation`] | case files, complaints | content, expect |
//! | [`capability`] | what a target can do, by name | notation |
//! | [`run`] | playing cases | all above, side, launch |
//! | [`side`] | who is tested | expect, net |
//! | [`launch`] | targets that the kit starts | side, net |
//! | [`profile`], [`known`] | what is known about a target | notation |
//! | [`report`] | results | run |
//! | [`decode`] | connections in words | wire, trace (events) |
//! | [`trace`] | what went over connections, as text | decode (remarks) |
//! | [`capture`] | the same out of pcap files | trace |
//! | [`relay`] | between a front end and a server | trace, decode, net |
//! | [`draft`] | cases out of traces | trace, wire, content |
//! | [`mod@reference`] | a correct application and front end, and their faults | net (addresses), protocol |
//! | [`cli`] | the command line | all |
//!
//! The kit judges Bridgehead, among others. So it uses none of its code: what a record, a packet or a head is, is
//! written down here once more, from the specifications.

pub mod capability;
pub mod capture;
pub mod cli;
pub mod content;
pub mod decode;
pub mod draft;
pub mod expect;
pub mod known;
pub mod launch;
pub mod net;
pub mod notation;
pub mod profile;
pub mod protocol;
pub mod reference;
pub mod relay;
pub mod report;
pub mod run;
pub mod side;
pub mod trace;
pub mod wire;
