//! The gateway's side.

use super::block::Block;
use super::packet::Packet;
use crate::protocol::head::Shape;
use crate::protocol::params::{self, Style};
use crate::protocol::unframed::Unframed;
use crate::protocol::{EncodeError, Exchange, Limits, Protocol, RequestHead, WriteQueue};

/// uwsgi.
///
/// An answer ends at its `Content-Length` or, without one, at the end of the stream: uWSGI closes after every
/// answer, Gunicorn keeps the connection open.
#[derive(Clone, Copy, Debug)]
pub struct Uwsgi {
    /// What kind of application it is; never from client input.
    pub modifier1: u8,
    /// Details of the kind; never from client input.
    pub modifier2: u8,
    /// Connections may be used again when the answer allows it: Gunicorn, not uWSGI.
    pub reuse: bool,
    /// How the application wants its variables.
    pub style: Style,
    /// What the application takes, and how large its heads may be.
    pub limits: Limits,
}

impl Protocol for Uwsgi {
    fn name(&self) -> &'static str {
        "uwsgi"
    }

    fn begin(&self, head: &RequestHead, out: &mut WriteQueue) -> Result<Box<dyn Exchange>, EncodeError> {
        if head.chunked {
            return Err(EncodeError::LengthRequired);
        }
        let tail = out.tail();
        let start = tail.len();
        if let Err(error) = self.put_head(head, tail) {
            tail.truncate(start);
            return Err(error);
        }
        Ok(Box::new(Unframed::new(
            head,
            Shape::Http,
            self.limits.head,
            self.reuse,
        )))
    }
}

impl Uwsgi {
    fn put_head(&self, head: &RequestHead, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let packet = Packet {
            modifier1: self.modifier1,
            size: 0,
            modifier2: self.modifier2,
        };
        let mut block = Block::new(out, packet, self.limits);
        params::walk(head, &self.style, &mut block)?;
        block.finish();
        Ok(())
    }
}
