//! Headers of the PROXY protocol; what is accepted is written again and read again.
#![no_main]

use bridgehead::protocol::proxy_protocol::{Header, HeaderError, MAX_HEADER, Origin, Version, decode};
use bridgehead_fuzz::Pieces;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some(pieces) = Pieces::new(input) else {
        return;
    };
    let whole = replay(pieces.whole());
    assert_eq!(whole, replay(pieces.cut()));
    if let Ok(Some((header, length))) = whole {
        assert!(length <= MAX_HEADER);
        check(&header);
    }
});

/// The header and its length are the same for every cut.
fn replay<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Result<Option<(Header, usize)>, HeaderError> {
    let mut bytes = Vec::new();
    for piece in pieces {
        bytes.extend_from_slice(piece);
        if let Some(found) = decode(&bytes)? {
            return Ok(Some(found));
        }
    }
    assert!(bytes.len() < MAX_HEADER);
    Ok(None)
}

fn check(header: &Header) {
    let again = |version| {
        let bytes = header.encode(version);
        let (header, length) = decode(&bytes).expect("no error").expect("a header");
        assert_eq!(length, bytes.len());
        header
    };
    let (line, binary) = (again(Version::V1), again(Version::V2));
    match header.origin {
        // One family in version 1, and no TLVs.
        Origin::Tcp(ends) => {
            assert_eq!(line.ends().map(|ends| ends.source.port()), Some(ends.source.port()));
            assert_eq!(binary.origin, header.origin);
        }
        Origin::Local => assert_eq!(binary.origin, Origin::Local),
        Origin::Unknown | Origin::Unix => assert_eq!(binary.origin, Origin::Unknown),
    }
    assert_eq!(binary.is_secure(), header.is_secure());
}
