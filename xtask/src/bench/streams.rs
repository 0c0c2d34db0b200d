//! A client of HTTP/2 (RFC 9113) with many requests under way on one connection.

use std::collections::HashMap;
use std::io::{BufReader, Read, Write};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use crate::http2::{
    ACK, DATA, END_HEADERS, END_STREAM, Frame, GOAWAY, HEADERS, PING, PREFACE, RST_STREAM, SETTINGS,
    WINDOW_UPDATE, put,
};

/// A connection, and what is under way on it.
#[derive(Debug)]
pub(crate) struct Streams<S: Read> {
    stream: BufReader<S>,
    /// To be sent with the next write.
    out: Vec<u8>,
    /// Of the next request.
    next: u32,
    /// Bytes of the bodies that have not ended.
    bodies: HashMap<u32, u64>,
}

impl<S: Read + Write> Streams<S> {
    /// Begins a connection whose window never closes.
    pub(crate) fn new(stream: S) -> Self {
        let mut out = PREFACE.to_vec();
        put(SETTINGS, 0, 0, &[0, ENABLE_PUSH, 0, 0, 0, 0], &mut out);
        put(WINDOW_UPDATE, 0, 0, &WINDOW.to_be_bytes(), &mut out);
        Self {
            stream: BufReader::with_capacity(BUFFER, stream),
            out,
            next: 1,
            bodies: HashMap::new(),
        }
    }

    /// Sends `requests` with these fields, `at_once` of them at a time, and reads their answers.
    ///
    /// # Errors
    ///
    /// At the first answer that is not a 200 with `answer` bytes, and when the deadline passes.
    pub(crate) fn ask(
        &mut self,
        fields: &[u8],
        requests: usize,
        at_once: usize,
        answer: u64,
        deadline: Instant,
    ) -> Result<()> {
        let (mut begun, mut ended) = (0, 0);
        while ended < requests {
            ensure!(Instant::now() < deadline, "the load is not done in time");
            while begun < requests && begun - ended < at_once {
                self.begin(fields);
                begun += 1;
            }
            self.flush()?;
            ended += self.read(answer)?;
        }
        Ok(())
    }

    fn begin(&mut self, fields: &[u8]) {
        put(
            HEADERS,
            END_STREAM | END_HEADERS,
            self.next,
            fields,
            &mut self.out,
        );
        self.bodies.insert(self.next, 0);
        self.next += 2;
    }

    fn flush(&mut self) -> Result<()> {
        if !self.out.is_empty() {
            self.stream
                .get_mut()
                .write_all(&self.out)
                .context("cannot send")?;
            self.stream.get_mut().flush().context("cannot send")?;
            self.out.clear();
        }
        Ok(())
    }

    /// Reads what has come, at least a frame; gives the number of answers that have ended.
    fn read(&mut self, answer: u64) -> Result<usize> {
        let mut ended = 0;
        loop {
            let frame = Frame::read(&mut self.stream)?;
            ended += usize::from(self.take(&frame, answer)?);
            if self.stream.buffer().is_empty() {
                return Ok(ended);
            }
        }
    }

    /// Whether an answer has ended.
    fn take(&mut self, frame: &Frame, answer: u64) -> Result<bool> {
        let Frame {
            kind,
            flags,
            stream,
            payload,
        } = frame;
        match *kind {
            SETTINGS if flags & ACK == 0 => put(SETTINGS, ACK, 0, &[], &mut self.out),
            PING if flags & ACK == 0 => put(PING, ACK, 0, payload, &mut self.out),
            RST_STREAM | GOAWAY => bail!("refused, with a frame of type {kind}: {payload:?}"),
            HEADERS => ensure!(is_ok(payload), "not answered with 200: {payload:?}"),
            DATA => *self.body(*stream)? += payload.len() as u64,
            _ => {}
        }
        if !matches!(*kind, DATA | HEADERS) || flags & END_STREAM == 0 {
            return Ok(false);
        }
        let length = *self.body(*stream)?;
        self.bodies.remove(stream);
        ensure!(length == answer, "a body of {length} bytes, not {answer}");
        Ok(true)
    }

    fn body(&mut self, stream: u32) -> Result<&mut u64> {
        self.bodies.get_mut(&stream).context("an answer to nothing")
    }
}

/// Whether a head begins with `:status: 200` (RFC 7541, appendix A), behind a new size of the table at most.
fn is_ok(fields: &[u8]) -> bool {
    let is_size = |byte: &&u8| **byte & 0xe0 == 0x20;
    fields.iter().find(|byte| !is_size(byte)) == Some(&(0x80 | 8))
}

const ENABLE_PUSH: u8 = 2; // nginx could push
const WINDOW: u32 = (1 << 31) - (1 << 16); // bytes; a window begins with 65,535
const BUFFER: usize = 64 * 1024; // bytes

#[cfg(test)]
mod tests {
    use std::io;
    use std::time::Duration;

    use super::*;

    /// A server that says what it was told to, whatever it hears.
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

    fn ask(requests: usize, frames: &[(u8, u8, u32, &[u8])]) -> Result<Vec<u8>> {
        let mut said = Vec::new();
        for (kind, flags, stream, payload) in frames {
            put(*kind, *flags, *stream, payload, &mut said);
        }
        let mut streams = Streams::new(Peer {
            said: io::Cursor::new(said),
            heard: Vec::new(),
        });
        let deadline = Instant::now() + Duration::from_secs(60);
        streams.ask(b"fields", requests, 2, 5, deadline)?;
        Ok(streams.stream.into_inner().heard)
    }

    const OK: &[u8] = &[0x20, 0x88];

    #[test]
    fn answers_may_come_in_any_order() {
        let heard = ask(
            2,
            &[
                (SETTINGS, 0, 0, &[]),
                (HEADERS, END_HEADERS, 3, OK),
                (HEADERS, END_HEADERS, 1, OK),
                (DATA, 0, 1, b"he"),
                (DATA, END_STREAM, 3, b"hello"),
                (DATA, END_STREAM, 1, b"llo"),
            ],
        );
        let heard = heard.unwrap();
        assert_eq!(heard.windows(6).filter(|bytes| *bytes == b"fields").count(), 2);
    }

    #[test]
    fn no_more_requests_are_under_way_than_wanted() {
        let early = [
            (HEADERS, END_HEADERS, 5, OK),
            (DATA, END_STREAM, 5, b"hello".as_slice()),
        ];
        let error = ask(3, &early).unwrap_err();
        assert!(error.to_string().contains("an answer to nothing"), "{error:#}");
    }

    #[test]
    fn other_answers_are_errors() {
        assert!(ask(1, &[(HEADERS, END_HEADERS, 1, &[0x8d])]).is_err());
        assert!(ask(1, &[(HEADERS, END_HEADERS | END_STREAM, 1, OK)]).is_err());
        assert!(ask(1, &[(RST_STREAM, 0, 1, &[0; 4])]).is_err());
        assert!(ask(1, &[]).is_err());
    }
}
