//! FastCGI records on a connection (FastCGI 1.0, section 3.3).

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::Shutdown;

use super::Fault;
use super::stop::Stop;
use crate::reference::Seeded;
use crate::reference::socket::Socket;

/// A record that has arrived.
pub(super) struct Record {
    pub(super) kind: u8,
    pub(super) id: u16,
    pub(super) content: Vec<u8>,
}

/// Both directions of a connection.
pub(super) struct Records {
    reader: BufReader<Socket>,
    fault: Seeded<Fault>,
}

impl Records {
    pub(super) fn new(socket: Socket, fault: Seeded<Fault>) -> Self {
        Self {
            reader: BufReader::new(socket),
            fault,
        }
    }

    /// The next record; `None` when the client has closed behind the last one.
    pub(super) fn read(&mut self) -> Result<Option<Record>, Stop> {
        let Some(header) = self.header()? else {
            return Ok(None);
        };
        let [version, kind, id1, id0, length1, length0, padding, reserved] = header;
        if version != VERSION && self.fault.is(Fault::BadVersionStalls) {
            self.reader.get_ref().stall();
        }
        if version != VERSION && !self.fault.is(Fault::AnyVersion) {
            return Err(Stop::Violation("a record of another version"));
        }
        if reserved != 0 && self.fault.is(Fault::ReservedChecked) {
            return Err(Stop::Violation("a reserved byte is not 0"));
        }
        let id = u16::from_be_bytes([id1, id0]);
        let mut length = usize::from(u16::from_be_bytes([length1, length0]));
        let mut padding = usize::from(padding);
        if length + padding > 65535 && self.fault.is(Fault::SumIn16Bits) {
            return Err(Stop::Violation("a record that is too long"));
        }
        if id == 0 && kind > UNKNOWN_TYPE && self.fault.is(Fault::UnknownContentUnread) {
            length = 0;
        }
        let unread = (kind == BEGIN && self.fault.is(Fault::BeginPaddingUnread))
            || (kind != BEGIN && length == 0 && self.fault.is(Fault::EmptyPaddingUnread))
            || self.fault.is(Fault::PaddingUnread);
        if unread {
            padding = 0;
        }
        let mut content = vec![0; length + padding];
        self.reader.read_exact(&mut content)?;
        if !self.fault.is(Fault::PaddingAsContent) {
            content.truncate(length);
        }
        Ok(Some(Record { kind, id, content }))
    }

    fn header(&mut self) -> Result<Option<[u8; HEADER]>, Stop> {
        let mut header = [0; HEADER];
        let count = self.reader.read(&mut header)?;
        if count == 0 {
            return Ok(None);
        }
        if count < HEADER && self.fault.is(Fault::HeaderInOneRead) {
            return Err(Stop::Violation("half a header"));
        }
        match self.reader.read_exact(&mut header[count..]) {
            Err(error)
                if error.kind() == ErrorKind::UnexpectedEof && self.fault.is(Fault::AnswersToNothing) =>
            {
                self.write(STDOUT, 1, b"")?;
                self.write(END, 1, &[0; 8])?;
                Err(error.into())
            }
            result => Ok(result.map(|()| Some(header))?),
        }
    }

    /// Sends one record.
    pub(super) fn write(&mut self, kind: u8, id: u16, content: &[u8]) -> Result<(), Stop> {
        let id = if id > 0 && self.fault.is(Fault::AnswersAsId1) {
            1
        } else {
            id
        };
        let ([id1, id0], length) = (id.to_be_bytes(), content.len().min(MAX_CONTENT) as u16);
        let [length1, length0] = length.to_be_bytes();
        let header = [VERSION, kind, id1, id0, length1, length0, 0, 0];
        self.write_all(&[&header, content].concat())
    }

    /// Sends a piece of a stream, which may need several records.
    pub(super) fn write_stream(&mut self, kind: u8, id: u16, content: &[u8]) -> Result<(), Stop> {
        let most = if self.fault.is(Fault::LongRecords) {
            usize::MAX
        } else {
            MAX_CONTENT
        };
        content
            .chunks(most)
            .try_for_each(|piece| self.write(kind, id, piece))
    }

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let socket = self.reader.get_mut();
        if self.fault.is(Fault::WritesOnce) {
            socket.set_nonblocking(true)?;
            let _ = socket.write(bytes);
            return Ok(socket.set_nonblocking(false)?);
        }
        Ok(socket.write_all(bytes)?)
    }

    /// Waits until something more has arrived.
    pub(super) fn wait(&mut self) -> Result<(), Stop> {
        self.reader.fill_buf()?;
        Ok(())
    }

    /// Whether something has arrived that was not read.
    pub(super) fn has_more(&self) -> bool {
        !self.reader.buffer().is_empty()
    }

    /// Whether the client has ended its direction.
    pub(super) fn ends_soon(&self) -> bool {
        self.reader.get_ref().ends_soon()
    }

    /// For faults: waits until the client leaves.
    pub(super) fn stall(&self) {
        self.reader.get_ref().stall();
    }

    /// Forgets what has arrived and was not read.
    pub(super) fn forget(&mut self) {
        let count = self.reader.buffer().len();
        self.reader.consume(count);
    }

    /// Closes for good.
    pub(super) fn close(self, gently: bool) {
        let socket = self.reader.into_inner();
        match gently {
            true => socket.close_gently(),
            false => socket.shutdown(Shutdown::Both),
        }
    }
}

pub(super) const VERSION: u8 = 1;
pub(super) const BEGIN: u8 = 1;
pub(super) const ABORT: u8 = 2;
pub(super) const END: u8 = 3;
pub(super) const PARAMS: u8 = 4;
pub(super) const STDIN: u8 = 5;
pub(super) const STDOUT: u8 = 6;
pub(super) const STDERR: u8 = 7;
pub(super) const DATA: u8 = 8;
pub(super) const GET_VALUES: u8 = 9;
pub(super) const GET_VALUES_RESULT: u8 = 10;
pub(super) const UNKNOWN_TYPE: u8 = 11; // the last that FastCGI 1.0 knows

const HEADER: usize = 8; // bytes
const MAX_CONTENT: usize = 65535; // bytes of a record
