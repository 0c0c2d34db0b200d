//! The client side (reference, sections 4 and 6.5): what comes in, what goes out, and what must never happen.
//!
//! The numbers GH-01 to GH-30 in the comments are those of section 6.5.

mod announcing;
mod answer;
mod bodiless;
mod compression;
mod edge;
mod errors;
mod fields;
mod files;
mod floods;
pub(crate) mod frames;
mod framing;
mod http2;
mod kept;
mod leaving;
mod log;
mod memory;
mod onward;
pub(crate) mod proxy_protocol;
mod sending;
mod signals;
pub(crate) mod site;
mod strict;
mod target;
mod trailers;
mod tunnel;
mod upload;
