//! Both sides of SCGI.
#![no_main]

use bridgehead::protocol::params::StyleKind;
use bridgehead::protocol::scgi::{Application, Scgi};
use bridgehead_fuzz::{GATEWAY_LIMITS, LIMITS, Pieces, check_application, check_gateway, style};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some(pieces) = Pieces::new(input) else {
        return;
    };
    let protocol = Scgi {
        style: style(StyleKind::Scgi),
        limits: GATEWAY_LIMITS,
    };
    check_gateway(&protocol, &pieces);
    check_application(|| Application::new(LIMITS), &pieces);
});
