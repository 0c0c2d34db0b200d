//! Requests through the application's decoders.

use bridgehead::protocol::application::{Application, Received};
use bridgehead::protocol::{DecodeError, WriteQueue};
use bytes::{Buf, Bytes, BytesMut};

use crate::Pieces;

/// Replays the input in one piece and cut.
pub fn check<A: Application>(application: impl Fn() -> A, pieces: &Pieces<'_>) {
    let whole = replay(application(), pieces.whole());
    let cut = replay(application(), pieces.cut());
    assert_eq!(whole, cut);
    for event in &whole.0 {
        if let Received::Request(request) = event {
            let size: usize = request
                .params
                .iter()
                .map(|(name, value)| name.len() + value.len())
                .sum();
            assert!(size <= crate::LIMITS.block && request.params.len() <= crate::LIMITS.params);
        }
    }
}

/// Events with their pieces joined, answers of the protocol, the error.
type Seen = (Vec<Received>, Vec<u8>, Option<DecodeError>);

fn replay<'a>(mut application: impl Application, pieces: impl Iterator<Item = &'a [u8]>) -> Seen {
    let (mut out, mut src) = (WriteQueue::new(), BytesMut::new());
    let mut all = Vec::new();
    for piece in pieces {
        src.extend_from_slice(piece);
        loop {
            match application.decode(&mut src, &mut out) {
                Ok(Some(event)) => join(&mut all, event),
                Ok(None) => break,
                Err(error) => return (all, bytes(out), Some(error)),
            }
        }
    }
    let error = application.decode_eof().err();
    (all, bytes(out), error)
}

fn join(all: &mut Vec<Received>, event: Received) {
    match (all.last_mut(), event) {
        (Some(Received::Body(before)), Received::Body(piece))
        | (Some(Received::Data(before)), Received::Data(piece)) => {
            assert!(!piece.is_empty());
            *before = Bytes::from([&before[..], &piece].concat());
        }
        (_, event) => all.push(event),
    }
}

fn bytes(mut out: WriteQueue) -> Vec<u8> {
    let length = out.remaining();
    out.copy_to_bytes(length).to_vec()
}
