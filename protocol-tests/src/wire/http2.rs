//! HTTP/2 frames (RFC 9113, section 4.1), and the header blocks in them.

use super::hpack::{BadBlock, Field, Hpack};

/// A frame that has arrived as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The frame's type.
    pub kind: u8,
    /// Their meaning depends on the type.
    pub flags: u8,
    /// 0 for the connection.
    pub stream: u32,
    /// What follows the header of nine bytes.
    pub payload: &'a [u8],
}

impl Frame<'_> {
    /// The code in RST_STREAM and GOAWAY (sections 6.4 and 6.8).
    pub fn error(&self) -> Option<u32> {
        let code = match self.kind {
            RST_STREAM => self.payload,
            GOAWAY => self.payload.get(4..)?,
            _ => return None,
        };
        code.first_chunk().map(|code| u32::from_be_bytes(*code))
    }
}

/// Types, streams and errors of the first frames, for reports.
pub fn words(frames: &[Frame<'_>]) -> String {
    let word = |frame: &Frame<'_>| {
        let error = frame.error();
        let error = error.map_or_else(String::new, |error| format!(" with error {error}"));
        format!("type {} on stream {}{error}", frame.kind, frame.stream)
    };
    let shown: Vec<_> = frames.iter().take(SHOWN).map(word).collect();
    match shown.is_empty() {
        true => "no frames".to_owned(),
        false => format!("frames of {}", shown.join(", ")),
    }
}

/// The whole frames in `bytes`.
pub fn frames(bytes: &[u8]) -> Vec<Frame<'_>> {
    let mut frames = Vec::new();
    let mut rest = bytes;
    while let Some((frame, after)) = frame(rest) {
        frames.push(frame);
        rest = after;
    }
    frames
}

fn frame(bytes: &[u8]) -> Option<(Frame<'_>, &[u8])> {
    let (header, rest) = bytes.split_first_chunk::<9>()?;
    let [l2, l1, l0, kind, flags, s3, s2, s1, s0] = *header;
    let length = u32::from_be_bytes([0, l2, l1, l0]);
    let (payload, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    // The highest bit is reserved.
    let stream = u32::from_be_bytes([s3 & 0x7f, s2, s1, s0]);
    let frame = Frame {
        kind,
        flags,
        stream,
        payload,
    };
    Some((frame, rest))
}

/// The fields of each HEADERS frame whose block is whole, by the frame's place. Blocks share a table: after one that
/// cannot be read there are no others.
pub fn blocks(frames: &[Frame<'_>]) -> Vec<(usize, Result<Vec<Field>, BadBlock>)> {
    let mut hpack = Hpack::default();
    let mut found = Vec::new();
    for (at, frame) in frames
        .iter()
        .enumerate()
        .filter(|(_, frame)| frame.kind == HEADERS)
    {
        let Some(block) = block(frame, &frames[at + 1..]) else {
            break;
        };
        let fields = hpack.block(&block);
        let over = fields.is_err();
        found.push((at, fields));
        if over {
            break;
        }
    }
    found
}

/// What a HEADERS frame and its CONTINUATIONs carry; `None` until the end has come.
fn block(first: &Frame<'_>, later: &[Frame<'_>]) -> Option<Vec<u8>> {
    let mut block = fragment(first)?.to_vec();
    if first.flags & END_HEADERS != 0 {
        return Some(block);
    }
    for frame in later.iter().take_while(|frame| frame.kind == CONTINUATION) {
        block.extend_from_slice(frame.payload);
        if frame.flags & END_HEADERS != 0 {
            return Some(block);
        }
    }
    None
}

/// The payload of HEADERS without padding and priority (section 6.2).
fn fragment<'a>(frame: &Frame<'a>) -> Option<&'a [u8]> {
    let mut bytes = frame.payload;
    if frame.flags & PADDED != 0 {
        let (padding, rest) = bytes.split_first()?;
        bytes = rest.get(..rest.len().checked_sub(usize::from(*padding))?)?;
    }
    match frame.flags & PRIORITY {
        0 => Some(bytes),
        _ => bytes.get(5..),
    }
}

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;

const SHOWN: usize = 8; // frames in a report

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_cut_at_their_lengths() {
        let bytes = b"\0\0\0\x04\0\0\0\0\0\0\0\x04\x03\0\x80\0\0\x01\0\0\0\x01\0\0";
        let found = frames(bytes);
        assert_eq!(found.len(), 2);
        let Frame {
            kind,
            stream,
            payload,
            ..
        } = found[1];
        assert_eq!((kind, stream, payload), (3, 1, &b"\0\0\0\x01"[..]));
    }

    #[test]
    fn a_block_goes_on_in_continuations() {
        let wire = b"\0\0\x05\x01\x08\0\0\0\x01\x02\x48\x82\0\0\0\0\x02\x09\x04\0\0\0\x01\x64\x02";
        let found = frames(wire);
        let fields = blocks(&found);
        assert_eq!(fields, [(0, Ok(vec![(b":status".to_vec(), b"302".to_vec())]))]);
        assert!(blocks(&found[..1]).is_empty(), "the end is missing");
    }

    #[test]
    fn what_is_no_http2_has_no_frames() {
        assert!(frames(b"HTTP/1.1 400 Bad Request\r\n\r\n").is_empty());
    }
}
