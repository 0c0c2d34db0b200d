//! As much of HTTP/2 (RFC 9113) as one request with a small answer takes.

use std::io::{Read, Write};

use anyhow::{Context, Result, bail, ensure};

use super::scenario::PATH;

/// Begins a connection with prior knowledge, asks for [`PATH`], and gives the body of the answer. The connection stays
/// open.
///
/// # Errors
///
/// When the server resets, closes, or sends more frames than such an answer has.
pub(crate) fn ask(stream: &mut (impl Read + Write)) -> Result<Vec<u8>> {
    let mut request = PREFACE.to_vec();
    frame(SETTINGS, 0, 0, &[], &mut request);
    frame(HEADERS, END_STREAM | END_HEADERS, STREAM, &fields(), &mut request);
    stream.write_all(&request).context("cannot send")?;
    let mut body = Vec::new();
    for _ in 0..FRAMES {
        let Frame { kind, flags, payload } = Frame::read(stream)?;
        match kind {
            SETTINGS if flags & ACK == 0 => {
                let mut acknowledgement = Vec::new();
                frame(SETTINGS, ACK, 0, &[], &mut acknowledgement);
                stream.write_all(&acknowledgement).context("cannot send")?;
            }
            DATA => body.extend_from_slice(&payload),
            RST_STREAM | GOAWAY => bail!("refused, with a frame of type {kind}: {payload:?}"),
            _ => {}
        }
        if matches!(kind, DATA | HEADERS) && flags & END_STREAM != 0 {
            return Ok(body);
        }
    }
    bail!("no end of the answer after {FRAMES} frames")
}

struct Frame {
    kind: u8,
    flags: u8,
    payload: Vec<u8>,
}

impl Frame {
    fn read(stream: &mut impl Read) -> Result<Self> {
        let mut header = [0; 9];
        stream.read_exact(&mut header).context("no frame")?;
        let [high, middle, low, kind, flags, ..] = header;
        let length = u32::from_be_bytes([0, high, middle, low]);
        ensure!(length <= LARGEST, "a frame of {length} bytes");
        let mut payload = vec![0; length as usize];
        stream.read_exact(&mut payload).context("half a frame")?;
        Ok(Self { kind, flags, payload })
    }
}

/// The request's fields (RFC 7541): two from the static table, two with a name from there.
fn fields() -> Vec<u8> {
    let mut block = vec![0x80 | 2, 0x80 | 6]; // :method GET, :scheme http
    for (name, value) in [(4, PATH), (1, "bench.example")] {
        block.push(name); // :path, :authority, without indexing
        block.push(value.len() as u8); // below 127: one byte
        block.extend_from_slice(value.as_bytes());
    }
    block
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8], out: &mut Vec<u8>) {
    let length = (payload.len() as u32).to_be_bytes();
    out.extend_from_slice(&length[1..]);
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const ACK: u8 = 1;
const STREAM: u32 = 1;
const LARGEST: u32 = 16_384; // bytes: SETTINGS_MAX_FRAME_SIZE, which we do not raise
const FRAMES: usize = 16; // SETTINGS and its ACK, WINDOW_UPDATE, HEADERS, DATA, and some more

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    /// A server that has said everything already.
    struct Peer {
        said: io::Cursor<Vec<u8>>,
        heard: Vec<u8>,
    }

    impl Read for Peer {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.said.read(buffer)
        }
    }

    impl Write for Peer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.heard.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn peer(frames: &[(u8, u8, &[u8])]) -> Peer {
        let mut said = Vec::new();
        for (kind, flags, payload) in frames {
            frame(*kind, *flags, STREAM, payload, &mut said);
        }
        Peer {
            said: io::Cursor::new(said),
            heard: Vec::new(),
        }
    }

    #[test]
    fn settings_are_acknowledged_and_the_body_is_given() {
        let mut peer = peer(&[
            (SETTINGS, 0, &[]),
            (SETTINGS, ACK, &[]),
            (HEADERS, END_HEADERS, &[0x88]),
            (DATA, 0, b"hello "),
            (DATA, END_STREAM, b"world"),
        ]);
        assert_eq!(ask(&mut peer).unwrap(), b"hello world");
        assert!(peer.heard.starts_with(PREFACE));
        assert!(peer.heard.ends_with(&[0, 0, 0, SETTINGS, ACK, 0, 0, 0, 0]));
    }

    #[test]
    fn a_reset_an_end_and_no_end_are_errors() {
        assert!(ask(&mut peer(&[(RST_STREAM, 0, &[0; 4])])).is_err());
        assert!(ask(&mut peer(&[(SETTINGS, 0, &[])])).is_err());
        let endless = [(DATA, 0, b"x".as_slice()); FRAMES + 1];
        assert!(ask(&mut peer(&endless)).is_err());
    }
}
