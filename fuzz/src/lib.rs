//! What the targets share: bytes cut into pieces that the fuzzer chooses, and both roles of every protocol
//! replayed on them. Whatever the cut, the outcome has to be the same.

mod application;
mod gateway;
mod pieces;

pub use application::check as check_application;
pub use gateway::{check as check_gateway, request, style};
pub use pieces::Pieces;

use bridgehead::protocol::{Limits, head};

/// Of an application: small enough for the fuzzer to reach every one.
pub const LIMITS: Limits = Limits {
    block: 512,
    params: 8,
    head: HEAD,
};

/// Of a gateway: the variables of its own request have to fit, only the answer is limited tightly.
pub const GATEWAY_LIMITS: Limits = Limits {
    block: 4096,
    params: 100,
    head: HEAD,
};

const HEAD: head::Limits = head::Limits { size: 256, fields: 8 };
