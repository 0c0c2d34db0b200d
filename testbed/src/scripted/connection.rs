//! One accepted connection in the hands of a script.

use std::io::{BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};

use super::Log;
use super::request::{self, Record, ScriptedRequest};

/// A connection from the gateway. Every read and write fails after ten seconds; the connection closes when the
/// script ends.
#[derive(Debug)]
pub struct ScriptedConnection {
    /// How many connections were accepted before this one.
    pub number: usize,
    stream: BufReader<UnixStream>,
    log: Arc<Log>,
}

impl ScriptedConnection {
    pub(super) fn new(stream: UnixStream, number: usize, log: Arc<Log>) -> Self {
        // Setting a timeout that is not zero cannot fail on a socket.
        let _ = stream.set_read_timeout(Some(LIMIT));
        let _ = stream.set_write_timeout(Some(LIMIT));
        Self {
            number,
            stream: BufReader::new(stream),
            log,
        }
    }

    /// A whole FastCGI request.
    ///
    /// # Errors
    ///
    /// When the connection ends before it, or it is malformed.
    pub fn read_fastcgi(&mut self) -> Result<ScriptedRequest> {
        let request = request::fastcgi(&mut self.stream)?;
        self.log.request(&request);
        Ok(request)
    }

    /// One FastCGI record.
    ///
    /// # Errors
    ///
    /// As [`ScriptedConnection::read_fastcgi`].
    pub fn read_record(&mut self) -> Result<Record> {
        request::record(&mut self.stream)
    }

    /// A whole uwsgi request.
    ///
    /// # Errors
    ///
    /// As [`ScriptedConnection::read_fastcgi`].
    pub fn read_uwsgi(&mut self) -> Result<ScriptedRequest> {
        let request = request::uwsgi(&mut self.stream)?;
        self.log.request(&request);
        Ok(request)
    }

    /// A whole SCGI request.
    ///
    /// # Errors
    ///
    /// As [`ScriptedConnection::read_fastcgi`].
    pub fn read_scgi(&mut self) -> Result<ScriptedRequest> {
        let request = request::scgi(&mut self.stream)?;
        self.log.request(&request);
        Ok(request)
    }

    /// A whole HTTP/1 request.
    ///
    /// # Errors
    ///
    /// As [`ScriptedConnection::read_fastcgi`].
    pub fn read_http(&mut self) -> Result<ScriptedRequest> {
        let request = request::http(&mut self.stream)?;
        self.log.request(&request);
        Ok(request)
    }

    /// Up to `buffer.len()` bytes as they come; 0 at the end.
    ///
    /// # Errors
    ///
    /// When the connection is reset, or nothing comes for ten seconds.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.stream.read(buffer).context("cannot read")
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    ///
    /// When the gateway has closed, or takes nothing for ten seconds.
    pub fn write(&mut self, bytes: impl AsRef<[u8]>) -> Result<()> {
        self.stream
            .get_mut()
            .write_all(bytes.as_ref())
            .context("cannot write")
    }

    /// Sends one FastCGI record without padding.
    ///
    /// # Errors
    ///
    /// As [`ScriptedConnection::write`], or when `content` is longer than 65535 bytes.
    pub fn write_record(&mut self, kind: u8, id: u16, content: &[u8]) -> Result<()> {
        self.write(fastcgi_record(kind, id, content)?)
    }

    /// Sends a complete FastCGI response: STDOUT in as many records as needed, its end, END_REQUEST.
    ///
    /// # Errors
    ///
    /// As [`ScriptedConnection::write`].
    pub fn fastcgi_response(&mut self, id: u16, stdout: &[u8]) -> Result<()> {
        let mut wire = Vec::new();
        for content in stdout.chunks(RECORD) {
            wire.extend(fastcgi_record(STDOUT, id, content)?);
        }
        wire.extend(fastcgi_record(STDOUT, id, b"")?);
        wire.extend(fastcgi_record(END_REQUEST, id, &[0; 8])?);
        self.write(wire)
    }

    /// Waits until the gateway closes, and gives what it sent before. A reset is a close.
    ///
    /// # Errors
    ///
    /// When it has not closed after ten seconds of silence.
    pub fn wait_close(&mut self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        match self.stream.read_to_end(&mut bytes) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                Err(error).context("the gateway has not closed")
            }
            _ => Ok(bytes),
        }
    }

    /// Closes the sending side.
    pub fn shutdown_write(&self) {
        // Gone already is as good.
        let _ = self.stream.get_ref().shutdown(Shutdown::Write);
    }

    /// The socket, for options and for threads of their own. Bytes that were read ahead are not in it any more.
    pub fn stream(&self) -> &UnixStream {
        self.stream.get_ref()
    }
}

/// A FastCGI record without padding.
///
/// # Errors
///
/// When `content` is longer than 65535 bytes.
pub fn fastcgi_record(kind: u8, id: u16, content: &[u8]) -> Result<Vec<u8>> {
    let length = u16::try_from(content.len()).context("record too long")?;
    let [id_high, id_low] = id.to_be_bytes();
    let [high, low] = length.to_be_bytes();
    let mut wire = vec![1, kind, id_high, id_low, high, low, 0, 0];
    wire.extend_from_slice(content);
    Ok(wire)
}

const STDOUT: u8 = 6;
const END_REQUEST: u8 = 3;
const RECORD: usize = 32 * 1024; // stays below the limit of 65535
const LIMIT: Duration = Duration::from_secs(10);
