//! Response heads in both shapes; what is accepted is written again and read again.
#![no_main]

use bridgehead::protocol::ResponseHead;
use bridgehead::protocol::head::{self, HeadDecoder, HeadError, Shape};
use bridgehead_fuzz::{LIMITS, Pieces};
use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some(pieces) = Pieces::new(input) else {
        return;
    };
    for shape in [Shape::Cgi, Shape::Http] {
        let whole = replay(shape, LIMITS.head, pieces.whole());
        assert_eq!(whole, replay(shape, LIMITS.head, pieces.cut()));
        if let Ok(Some((head, _))) = whole {
            check(shape, head);
        }
    }
});

/// The head and how many bytes were left behind it are the same for every cut.
fn replay<'a>(
    shape: Shape,
    limits: head::Limits,
    pieces: impl Iterator<Item = &'a [u8]>,
) -> Result<Option<(ResponseHead, usize)>, HeadError> {
    let mut decoder = HeadDecoder::new(shape, limits);
    let mut src = BytesMut::new();
    let mut pieces = pieces.fuse();
    while let Some(piece) = pieces.next() {
        src.extend_from_slice(piece);
        let available = src.len();
        if let Some(head) = decoder.decode(&mut src, available)? {
            let later: usize = pieces.map(<[u8]>::len).sum();
            return Ok(Some((*head, src.len() + later)));
        }
        assert!(src.is_empty());
    }
    Ok(None)
}

fn check(shape: Shape, head: ResponseHead) {
    assert!(head.fields.len() <= LIMITS.head.fields);
    if head.upgrade {
        return;
    }
    let mut text = BytesMut::new();
    head::put(shape, head.status, &head.fields, &mut text);
    let again = replay(shape, head::Limits::default(), std::iter::once(&text[..]));
    let (again, left) = again.expect("no error").expect("a head");
    assert_eq!(
        (again.status, &again.fields, left),
        (head.status, &head.fields, 0)
    );
}
