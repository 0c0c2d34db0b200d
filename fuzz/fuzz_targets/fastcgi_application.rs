//! Whatever a web server sends to a FastCGI application, GET_VALUES included.
#![no_main]

use bridgehead::protocol::fastcgi::{Application, Capabilities, Role};
use bridgehead_fuzz::{LIMITS, Pieces, check_application};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some(pieces) = Pieces::new(input) else {
        return;
    };
    let ours = Capabilities {
        max_conns: Some(1),
        max_reqs: Some(1),
        mpxs_conns: Some(false),
    };
    let roles = &[Role::Responder, Role::Authorizer, Role::Filter];
    check_application(|| Application::new(roles, ours, LIMITS), &pieces);
});
