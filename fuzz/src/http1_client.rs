//! Requests through the HTTP/1 server's decoders.

use bridgehead::protocol::http1::{
    BodyDecoder, BodyPart, ChunkError, ChunkLimits, Limits, Request, RequestDecoder, Rule,
};
use bytes::BytesMut;

use crate::Pieces;

/// Small enough that a fuzzer reaches them.
const HEAD: Limits = Limits { size: 512, fields: 8 };

const CHUNKS: ChunkLimits = ChunkLimits {
    line: 32,
    extensions: 48,
    trailers: 48,
    fields: 2,
};

/// Requests with their bodies, and why there are no more. How much of a refused head is shown depends on the cut.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    requests: Vec<(String, Vec<u8>)>,
    end: End,
}

#[derive(Debug, PartialEq, Eq)]
enum End {
    /// More bytes are needed.
    Open,
    Head(Rule, String),
    Body(ChunkError),
    /// The last request of its connection.
    Close,
}

/// Replays the input in one piece and cut.
pub fn check(pieces: &Pieces<'_>) {
    assert_eq!(replay(pieces.whole()), replay(pieces.cut()));
}

fn replay<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Seen {
    let mut decoder = RequestDecoder::new(HEAD);
    let (mut src, mut pieces) = (BytesMut::new(), pieces);
    let mut requests = Vec::new();
    let end = loop {
        match decoder.decode(&mut src) {
            Ok(Some(request)) => {
                let body = body(&request, &mut src, &mut pieces, &mut requests);
                if body.is_err() || !request.persistent {
                    break body.err().unwrap_or(End::Close);
                }
            }
            Ok(None) => match pieces.next() {
                Some(piece) => src.extend_from_slice(piece),
                None => break End::Open,
            },
            Err(error) => break End::Head(error.rule, error.field),
        }
    };
    Seen { requests, end }
}

fn body<'a>(
    request: &Request,
    src: &mut BytesMut,
    pieces: &mut impl Iterator<Item = &'a [u8]>,
    requests: &mut Vec<(String, Vec<u8>)>,
) -> Result<(), End> {
    check_head(request);
    let mut decoder = BodyDecoder::new(request.framing, CHUNKS);
    requests.push((format!("{request:?}"), Vec::new()));
    loop {
        match decoder.decode(src).map_err(End::Body)? {
            Some(BodyPart::Data(data)) => {
                assert!(!data.is_empty());
                if let Some((_, body)) = requests.last_mut() {
                    body.extend_from_slice(&data);
                }
            }
            Some(BodyPart::End(_)) => {
                assert!(decoder.is_done());
                return Ok(());
            }
            None => src.extend_from_slice(pieces.next().ok_or(End::Open)?),
        }
    }
}

/// What no peer behind us may see.
fn check_head(request: &Request) {
    assert!(request.fields.len() <= HEAD.fields);
    let target = request.target.as_bytes();
    assert!(target.starts_with(b"/") || target == b"*");
    assert!(
        target
            .iter()
            .all(|byte| *byte > b' ' && *byte != 0x7f && *byte != b'#')
    );
    for field in request.fields.iter() {
        assert!(!field.spelling.is_empty());
        assert!(
            field
                .spelling
                .iter()
                .all(|byte| byte.is_ascii_graphic() && *byte != b':')
        );
        assert!(
            field
                .value
                .iter()
                .all(|byte| *byte >= b' ' && *byte != 0x7f || *byte == b'\t')
        );
        assert_eq!(field.value.trim_ascii(), field.value);
    }
}
