//! Whatever comes to the DNS responder.
#![no_main]

use bridgehead::acme::dns::Query;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    if let Ok(query) = Query::parse(input) {
        assert!(query.name.is_none_or(|name| name.len() <= 255));
    }
});
