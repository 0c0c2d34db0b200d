//! A server for the tests of clients: it says what it was told to, whatever it hears.

use std::io::{Cursor, Read, Result, Write};

use crate::http2::put;

/// The server, as a stream.
pub(super) struct Peer {
    said: Cursor<Vec<u8>>,
    /// What the client has said.
    pub(super) heard: Vec<u8>,
}

impl Peer {
    /// Says frames of HTTP/2: type, flags, stream, payload.
    pub(super) fn saying<'f>(frames: impl IntoIterator<Item = (u8, u8, u32, &'f [u8])>) -> Self {
        let mut said = Vec::new();
        for (kind, flags, stream, payload) in frames {
            put(kind, flags, stream, payload, &mut said);
        }
        Self {
            said: Cursor::new(said),
            heard: Vec::new(),
        }
    }
}

impl Read for Peer {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.said.read(buffer)
    }
}

impl Write for Peer {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.heard.write(bytes)
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}
