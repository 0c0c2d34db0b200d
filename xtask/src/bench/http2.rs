//! As much of HTTP/2 (RFC 9113) as one request with a small answer takes.

use std::io::{Read, Write};

use anyhow::{Context, Result, bail};

use super::scenario::{HOST, PATH};
use crate::http2::{
    ACK, DATA, END_HEADERS, END_STREAM, Frame, GOAWAY, HEADERS, PREFACE, RST_STREAM, SETTINGS, get, put,
};

/// Begins a connection with prior knowledge, asks for [`PATH`], and gives the body of the answer. The connection stays
/// open.
///
/// # Errors
///
/// When the server resets, closes, or sends more frames than such an answer has.
pub(crate) fn ask(stream: &mut (impl Read + Write), scheme: u8) -> Result<Vec<u8>> {
    let mut request = PREFACE.to_vec();
    put(SETTINGS, 0, 0, &[], &mut request);
    let fields = get(scheme, PATH, HOST);
    put(HEADERS, END_STREAM | END_HEADERS, STREAM, &fields, &mut request);
    send(stream, &request)?;
    let mut body = Vec::new();
    for _ in 0..FRAMES {
        let Frame {
            kind, flags, payload, ..
        } = Frame::read(stream)?;
        match kind {
            SETTINGS if flags & ACK == 0 => {
                let mut acknowledgement = Vec::new();
                put(SETTINGS, ACK, 0, &[], &mut acknowledgement);
                send(stream, &acknowledgement)?;
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

fn send(stream: &mut impl Write, bytes: &[u8]) -> Result<()> {
    stream.write_all(bytes).context("cannot send")?;
    stream.flush().context("cannot send")
}

const STREAM: u32 = 1;
const FRAMES: usize = 16; // SETTINGS and its ACK, WINDOW_UPDATE, HEADERS, DATA, and some more

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::http2::HTTP;

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
            put(*kind, *flags, STREAM, payload, &mut said);
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
        assert_eq!(ask(&mut peer, HTTP).unwrap(), b"hello world");
        assert!(peer.heard.starts_with(PREFACE));
        assert!(peer.heard.ends_with(&[0, 0, 0, SETTINGS, ACK, 0, 0, 0, 0]));
    }

    #[test]
    fn a_reset_an_end_and_no_end_are_errors() {
        assert!(ask(&mut peer(&[(RST_STREAM, 0, &[0; 4])]), HTTP).is_err());
        assert!(ask(&mut peer(&[(SETTINGS, 0, &[])]), HTTP).is_err());
        let endless = [(DATA, 0, b"x".as_slice()); FRAMES + 1];
        assert!(ask(&mut peer(&endless), HTTP).is_err());
    }
}
