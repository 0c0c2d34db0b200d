//! Both sides of uwsgi.
#![no_main]

use bridgehead::protocol::params::StyleKind;
use bridgehead::protocol::uwsgi::{Application, Uwsgi};
use bridgehead_fuzz::{GATEWAY_LIMITS, LIMITS, Pieces, check_application, check_gateway, style};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some(pieces) = Pieces::new(input) else {
        return;
    };
    let protocol = Uwsgi {
        modifier1: 0,
        modifier2: 0,
        reuse: true,
        style: style(StyleKind::Uwsgi),
        limits: GATEWAY_LIMITS,
    };
    check_gateway(&protocol, &pieces);
    check_application(|| Application::new(0, false, LIMITS), &pieces);
});
