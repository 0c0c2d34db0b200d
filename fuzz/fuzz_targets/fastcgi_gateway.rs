//! Whatever a FastCGI application sends.
#![no_main]

use bridgehead::protocol::fastcgi::FastCgi;
use bridgehead::protocol::params::StyleKind;
use bridgehead_fuzz::{GATEWAY_LIMITS, Pieces, check_gateway, style};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some(pieces) = Pieces::new(input) else {
        return;
    };
    let protocol = FastCgi {
        keep_conn: true,
        style: style(StyleKind::FastCgi),
        limits: GATEWAY_LIMITS,
    };
    check_gateway(&protocol, &pieces);
});
