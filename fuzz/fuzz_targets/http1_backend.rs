//! The client's side of HTTP/1: answers of backends.
#![no_main]

use bridgehead::protocol::http1::Http1;
use bridgehead_fuzz::{GATEWAY_LIMITS, Pieces, check_gateway};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some(pieces) = Pieces::new(input) else {
        return;
    };
    let protocol = Http1 {
        keep: true,
        limits: GATEWAY_LIMITS.head,
    };
    check_gateway(&protocol, &pieces);
});
