//! The gateway's side.

use super::netstring::Netstring;
use crate::protocol::head::Shape;
use crate::protocol::params::{self, Style};
use crate::protocol::unframed::Unframed;
use crate::protocol::{EncodeError, Exchange, Limits, Protocol, RequestHead, WriteQueue};

/// SCGI: one request per connection.
#[derive(Clone, Copy, Debug)]
pub struct Scgi {
    /// How the application wants its variables.
    pub style: Style,
    /// What the application takes, and how large its heads may be.
    pub limits: Limits,
}

impl Protocol for Scgi {
    fn name(&self) -> &'static str {
        "scgi"
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
        Ok(Box::new(Unframed::new(head, Shape::Cgi, self.limits.head, false)))
    }
}

impl Scgi {
    fn put_head(&self, head: &RequestHead, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let mut netstring = Netstring::new(out, self.limits);
        params::walk(head, &self.style, &mut netstring)?;
        netstring.finish();
        Ok(())
    }
}
