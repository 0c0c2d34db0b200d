//! Whatever an HTTP/1 client sends.
#![no_main]

use bridgehead_fuzz::{Pieces, check_http1_client};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some(pieces) = Pieces::new(input) else {
        return;
    };
    check_http1_client(&pieces);
});
