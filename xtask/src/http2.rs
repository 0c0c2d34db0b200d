//! As much of HTTP/2's framing (RFC 9113) as clients of ours need that do what no library would.

use std::io::Read;

use anyhow::{Context, Result, ensure};

/// What a client with prior knowledge sends first (section 3.4).
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Frame types (section 6).
pub(crate) const DATA: u8 = 0;
/// See there.
pub(crate) const HEADERS: u8 = 1;
/// See there.
pub(crate) const RST_STREAM: u8 = 3;
/// See there.
pub(crate) const SETTINGS: u8 = 4;
/// See there.
pub(crate) const PING: u8 = 6;
/// See there.
pub(crate) const GOAWAY: u8 = 7;
/// See there.
pub(crate) const WINDOW_UPDATE: u8 = 8;

/// Schemes, by their place in the static table (RFC 7541, appendix A).
pub(crate) const HTTP: u8 = 6;
/// See there.
pub(crate) const HTTPS: u8 = 7;

/// Flags.
pub(crate) const END_STREAM: u8 = 1;
/// Of SETTINGS and PING.
pub(crate) const ACK: u8 = 1;
/// Of HEADERS.
pub(crate) const END_HEADERS: u8 = 4;

/// A frame as received.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Its type.
    pub(crate) kind: u8,
    /// Its flags.
    pub(crate) flags: u8,
    /// The stream it belongs to; 0 for the connection.
    pub(crate) stream: u32,
    /// What it carries.
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    /// The next frame of a stream.
    ///
    /// # Errors
    ///
    /// When the stream ends before it does, or it is larger than allowed.
    pub(crate) fn read(stream: &mut impl Read) -> Result<Self> {
        let mut header = [0; HEADER];
        stream.read_exact(&mut header).context("no frame")?;
        let (mut frame, length) = Self::begin(&header)?;
        frame.payload.resize(length, 0);
        stream.read_exact(&mut frame.payload).context("half a frame")?;
        Ok(frame)
    }

    /// Takes a frame from the beginning of `bytes`; `None` as long as it is not there as a whole.
    ///
    /// # Errors
    ///
    /// When it is larger than allowed.
    pub(crate) fn take(bytes: &mut Vec<u8>) -> Result<Option<Self>> {
        let Some(header) = bytes.first_chunk::<HEADER>() else {
            return Ok(None);
        };
        let (mut frame, length) = Self::begin(header)?;
        if bytes.len() < HEADER + length {
            return Ok(None);
        }
        frame.payload = bytes.drain(..HEADER + length).skip(HEADER).collect();
        Ok(Some(frame))
    }

    /// A frame without its payload, and how long that is.
    fn begin(header: &[u8; HEADER]) -> Result<(Self, usize)> {
        let [high, middle, low, kind, flags, s, t, u, v] = *header;
        let length = u32::from_be_bytes([0, high, middle, low]);
        ensure!(length <= LARGEST, "a frame of {length} bytes");
        let frame = Self {
            kind,
            flags,
            stream: u32::from_be_bytes([s & 0x7f, t, u, v]),
            payload: Vec::new(),
        };
        Ok((frame, length as usize))
    }
}

/// Appends a frame.
pub(crate) fn put(kind: u8, flags: u8, stream: u32, payload: &[u8], out: &mut Vec<u8>) {
    let length = (payload.len() as u32).to_be_bytes();
    out.extend_from_slice(&length[1..]);
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
}

/// The fields of a GET (RFC 7541): two from the static table, two with a name from there. `path` and `authority` have
/// less than 127 bytes each.
pub(crate) fn get(scheme: u8, path: &str, authority: &str) -> Vec<u8> {
    let mut block = vec![0x80 | 2, 0x80 | scheme]; // :method GET, :scheme
    for (name, value) in [(4, path), (1, authority)] {
        block.push(name); // :path, :authority, without indexing
        block.push(value.len() as u8); // below 127: one byte
        block.extend_from_slice(value.as_bytes());
    }
    block
}

const HEADER: usize = 9; // bytes
const LARGEST: u32 = 16_384; // bytes: SETTINGS_MAX_FRAME_SIZE, which we do not raise

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_taken_when_it_is_whole() {
        let mut wire = Vec::new();
        put(DATA, END_STREAM, 3, b"abc", &mut wire);
        put(PING, 0, 0, &[7; 8], &mut wire);
        let whole = wire.clone();
        let mut bytes = Vec::new();
        let mut frames = Vec::new();
        for byte in wire {
            bytes.push(byte);
            frames.extend(Frame::take(&mut bytes).unwrap());
        }
        assert!(bytes.is_empty());
        let mut rest = whole.as_slice();
        for frame in &frames {
            assert_eq!(*frame, Frame::read(&mut rest).unwrap());
        }
        assert_eq!((frames[0].stream, frames[0].payload.as_slice()), (3, &b"abc"[..]));
        assert_eq!((frames[1].kind, frames.len()), (PING, 2));
    }

    #[test]
    fn a_frame_beyond_measure_is_an_error() {
        assert!(Frame::take(&mut vec![0, 64, 1, 0, 0, 0, 0, 0, 1]).is_err());
    }
}
