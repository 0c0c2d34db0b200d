//! Passes an answer on to the client as it comes, in frames of the front end's own.

use std::time::SystemTime;

use super::Fault;
use super::client::Client;
use super::date;
use super::head::{self, Head, Style};
use super::refusal::{Refusal, reason};
use super::request::Request;
use crate::reference::Seeded;

/// An answer under way.
pub(super) struct Relay<'a> {
    pub(super) client: &'a mut Client,
    pub(super) request: &'a Request,
    style: Style,
    fault: Seeded<Fault>,
    /// The head as far as it has come.
    pending: Vec<u8>,
    /// How much of it has no blank line in it.
    searched: usize,
    state: State,
}

/// How far the answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Head,
    Body(Frame),
    Over,
}

/// How the client sees the end of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frame {
    /// There is no body: HEAD, 204, 304.
    None,
    /// So many bytes are still to come.
    Length(usize),
    Chunks,
    /// The end of the connection.
    Close,
}

impl<'a> Relay<'a> {
    pub(super) fn new(
        client: &'a mut Client,
        request: &'a Request,
        style: Style,
        fault: Seeded<Fault>,
    ) -> Self {
        Self {
            client,
            request,
            style,
            fault,
            pending: Vec::new(),
            searched: 0,
            state: State::Head,
        }
    }

    /// Whether the client has been sent anything.
    pub(super) fn has_started(&self) -> bool {
        self.state != State::Head
    }

    /// Whether the announced length has come.
    pub(super) fn is_full(&self) -> bool {
        matches!(
            self.state,
            State::Body(Frame::Length(0) | Frame::None) | State::Over
        )
    }

    /// Whether the next request may come on the same connection.
    pub(super) fn keeps(&self) -> bool {
        self.state == State::Over && self.request.keeps()
    }

    /// Takes output of the application.
    pub(super) fn output(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        match self.state {
            State::Head => {
                self.pending.extend_from_slice(bytes);
                self.head()
            }
            State::Body(frame) => self.body(frame, bytes),
            State::Over => Ok(()),
        }
    }

    /// Reads the head when it is whole, and begins the answer.
    fn head(&mut self) -> Result<(), Refusal> {
        while let Some(head) = self.next_head()? {
            if !self.is_interim(&head)? {
                self.start(&head)?;
                let rest = std::mem::take(&mut self.pending);
                return self.output(&rest);
            }
        }
        Ok(())
    }

    fn next_head(&mut self) -> Result<Option<Head>, Refusal> {
        let Some(length) = head::end(&self.pending, &mut self.searched, self.fault) else {
            let endless = self.pending.len() > MAX_HEAD && !self.fault.is(Fault::EndlessHead);
            let once = self.fault.is(Fault::HeadInOneRecord);
            return match endless || once {
                true => Err(Refusal::gateway("a head that does not end")),
                false => Ok(None),
            };
        };
        if length > MAX_HEAD {
            return Err(Refusal::gateway("a head that is too long"));
        }
        self.searched = 0;
        let rest = self.pending.split_off(length);
        let bytes = std::mem::replace(&mut self.pending, rest);
        Head::parse(&bytes, self.style, self.fault).map(Some)
    }

    /// Whether another head follows: an interim one says nothing that the client needs.
    fn is_interim(&self, head: &Head) -> Result<bool, Refusal> {
        match head.status {
            101 if self.style == Style::Http && !self.fault.is(Fault::SwitchingRelayed) => {
                Err(Refusal::gateway("an upgrade that nobody asked for"))
            }
            100 | 102..200 if self.style == Style::Http => Ok(!self.fault.is(Fault::InterimIsFinal)),
            _ => Ok(false),
        }
    }

    /// Sends the head.
    fn start(&mut self, head: &Head) -> Result<(), Refusal> {
        let frame = self.frame(head);
        let mut out = format!("HTTP/1.1 {} {}\r\n", head.status, reason(head.status)).into_bytes();
        if self.fault.is(Fault::VersionRelayed) {
            out.splice(..8, *b"HTTP/2.0");
        }
        let mut dated = false;
        for (name, value) in &head.fields {
            out.extend([name, &b": "[..], value, b"\r\n"].concat());
            dated |= name.eq_ignore_ascii_case(b"date");
        }
        out.extend_from_slice(b"Server: bridgehead-conform\r\n");
        // RFC 9110, section 6.6.1.
        if !dated {
            out.extend(format!("Date: {}\r\n", date::http(SystemTime::now())).into_bytes());
        }
        out.extend_from_slice(self.framing(head, frame).as_bytes());
        if !self.request.keeps() {
            out.extend_from_slice(b"Connection: close\r\n");
        }
        out.extend_from_slice(b"\r\n");
        self.state = State::Body(frame);
        Ok(self.client.send(&out)?)
    }

    /// The field that says how the body ends.
    fn framing(&self, head: &Head, frame: Frame) -> String {
        let announced = match head.status {
            204 if !self.fault.is(Fault::LengthOf204) => None,
            205 => Some(0),
            _ => head.length,
        };
        let relayed = self.fault.is(Fault::AnyLengthRelayed) || self.fault.is(Fault::TwoLengthsRelayed);
        match (frame, announced) {
            _ if relayed => String::new(),
            (Frame::Chunks, _) if self.fault.is(Fault::CodingRelayed) => String::new(),
            (Frame::Chunks, _) => "Transfer-Encoding: chunked\r\n".to_owned(),
            (Frame::Length(_) | Frame::None, Some(length)) => format!("Content-Length: {length}\r\n"),
            _ => String::new(),
        }
    }

    /// RFC 9112, section 6.3: which framing an answer has.
    fn frame(&self, head: &Head) -> Frame {
        let bodyless = matches!(head.status, 204 | 304) && !self.fault.is(Fault::BodyOf204);
        let head_only = self.request.method == b"HEAD" && !self.fault.is(Fault::BodyOfHead);
        match head.length {
            _ if bodyless || head_only => Frame::None,
            _ if head.status == 205 => Frame::Length(0),
            Some(length) if !self.fault.is(Fault::LengthForgotten) => Frame::Length(length),
            _ if self.request.minor == 1 => Frame::Chunks,
            _ => Frame::Close,
        }
    }

    fn body(&mut self, frame: Frame, bytes: &[u8]) -> Result<(), Refusal> {
        if bytes.is_empty() {
            return Ok(()); // an empty chunk would end the body
        }
        match frame {
            Frame::None => Ok(()),
            Frame::Close => Ok(self.client.send(bytes)?),
            Frame::Chunks if self.fault.is(Fault::CodingRelayed) => Ok(self.client.send(bytes)?),
            Frame::Chunks => {
                let size = format!("{:x}\r\n", bytes.len());
                Ok(self.client.send(&[size.as_bytes(), bytes, b"\r\n"].concat())?)
            }
            Frame::Length(left) => {
                // What goes beyond the length would be the next answer.
                let taken = bytes.len().min(left);
                self.state = State::Body(Frame::Length(left - taken));
                let sent = if self.fault.is(Fault::OverrunRelayed) {
                    bytes
                } else {
                    &bytes[..taken]
                };
                Ok(self.client.send(sent)?)
            }
        }
    }

    /// The application says that this was all.
    pub(super) fn end(&mut self) -> Result<(), Refusal> {
        match self.state {
            State::Head if self.fault.is(Fault::TextIsBody) && !self.pending.is_empty() => {
                let text = std::mem::take(&mut self.pending);
                self.pending = b"Content-Type: text/html\r\n\r\n".to_vec();
                self.head()?;
                self.output(&text)?;
                return self.end();
            }
            State::Head if self.fault.is(Fault::NothingIs200) && self.pending.is_empty() => {
                self.pending = b"Content-Type: text/html\r\nContent-Length: 0\r\n\r\n".to_vec();
                self.head()?;
            }
            State::Head => return Err(Refusal::gateway("no whole head")),
            State::Body(Frame::Length(left)) if left > 0 => {
                return Err(Refusal::gateway("less than the announced length"));
            }
            State::Body(Frame::Chunks) if !self.fault.is(Fault::CodingRelayed) => {
                self.client.send(b"0\r\n\r\n")?;
            }
            State::Body(_) | State::Over => {}
        }
        self.state = State::Over;
        Ok(())
    }

    /// For faults: bytes to the client without any frame.
    pub(super) fn raw(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        Ok(self.client.send(bytes)?)
    }
}

const MAX_HEAD: usize = 64 << 10; // bytes of an answer
