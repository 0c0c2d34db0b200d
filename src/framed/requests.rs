//! Requests of any protocol as a `tokio_util` codec.

use bytes::{BufMut, Bytes, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

use super::Error;
use crate::protocol::application::{Application, Output, Received};
use crate::protocol::{DecodeError, WriteQueue};

/// Decodes what a web server sends and encodes what the application answers.
#[derive(Debug)]
pub struct Requests<A> {
    application: A,
    /// What the protocol itself answers; goes out in front of the next reply.
    answers: WriteQueue,
}

/// A piece of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Head and body of the response.
    Response(Bytes),
    /// Text for the log.
    Diagnostics(Bytes),
    /// What the protocol itself has to say, and nothing else.
    Flush,
    /// The end of the response, with the status of the application.
    End(u32),
}

impl<A: Application> Requests<A> {
    /// A codec for one connection.
    pub fn new(application: A) -> Self {
        Self {
            application,
            answers: WriteQueue::new(),
        }
    }
}

impl<A: Application> Decoder for Requests<A> {
    type Item = Received;
    type Error = Error;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Received>, Error> {
        Ok(self.application.decode(src, &mut self.answers)?)
    }

    fn decode_eof(&mut self, src: &mut BytesMut) -> Result<Option<Received>, Error> {
        match self.decode(src)? {
            None if src.is_empty() => Ok(self.application.decode_eof().map(|()| None)?),
            None => Err(DecodeError::Truncated.into()),
            event => Ok(event),
        }
    }
}

impl<A: Application> Encoder<Reply> for Requests<A> {
    type Error = Error;

    fn encode(&mut self, reply: Reply, dst: &mut BytesMut) -> Result<(), Error> {
        let out = &mut self.answers;
        match reply {
            Reply::Response(chunk) => self.application.write(Output::Response, chunk, out),
            Reply::Diagnostics(chunk) => self.application.write(Output::Diagnostics, chunk, out),
            Reply::Flush => {}
            Reply::End(status) => {
                self.application.end(status, out);
            }
        }
        dst.put(out);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Limits, scgi};

    fn requests() -> Requests<scgi::Application> {
        Requests::new(scgi::Application::new(Limits::default()))
    }

    #[test]
    fn request_comes_in_and_answer_goes_out() {
        let mut requests = requests();
        let mut src = BytesMut::from(&b"24:CONTENT_LENGTH\x002\0SCGI\x001\0,hi"[..]);
        assert!(matches!(
            requests.decode(&mut src),
            Ok(Some(Received::Request(_)))
        ));
        assert!(matches!(requests.decode(&mut src), Ok(Some(Received::Body(body))) if body == "hi"));
        assert!(matches!(requests.decode(&mut src), Ok(Some(Received::BodyEnd))));
        let mut dst = BytesMut::new();
        for reply in [
            Reply::Response(Bytes::from_static(b"Status: 200\n\n")),
            Reply::Diagnostics(Bytes::from_static(b"nobody hears")),
            Reply::Flush,
            Reply::End(0),
        ] {
            requests.encode(reply, &mut dst).unwrap();
        }
        assert_eq!(dst, "Status: 200\n\n");
        assert!(matches!(requests.decode_eof(&mut src), Ok(None)));
    }

    #[test]
    fn streams_end_between_requests() {
        for wire in ["2", "24:", "24:CONTENT_LENGTH\x002\0SCGI\x001\0"] {
            let error = requests().decode_eof(&mut BytesMut::from(wire)).unwrap_err();
            assert!(matches!(error, Error::Decode(DecodeError::Truncated)), "{wire:?}");
        }
    }
}
