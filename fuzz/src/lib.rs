//! What the targets share: bytes cut into pieces that the fuzzer chooses, and both roles of every protocol
//! replayed on them. Whatever the cut, the outcome has to be the same.

mod application;
mod gateway;
mod http1_client;
mod pieces;

pub use application::check as check_application;
pub use gateway::{check as check_gateway, request, style};
pub use http1_client::check as check_http1_client;
pub use pieces::Pieces;

use bridgehead::protocol::{Limits, head};

/// Small enough for the fuzzer to reach every limit.
pub const LIMITS: Limits = Limits {
    block: 512,
    params: 8,
    head: HEAD,
};

/// The same for a gateway, whose own request has to fit.
pub const GATEWAY_LIMITS: Limits = Limits {
    block: 16 * 1024,
    params: 64,
    head: HEAD,
};

/// Small enough that a fuzzer reaches them.
const HEAD: head::Limits = head::Limits { size: 256, fields: 8 };
