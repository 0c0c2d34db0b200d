//! What an application would get of a request, without sending it.

use http::Method;

use super::upstream::Upstream;
use crate::protocol::fields::{FieldValue, Fields, trim};
use crate::protocol::params::{self, List};
use crate::protocol::{EncodeError, RequestHead, Target, WriteQueue};
use crate::upstream::wire::codec;

/// A request as its application would get it.
#[derive(Debug)]
pub enum Preview {
    /// FastCGI, uwsgi, SCGI.
    Variables {
        /// In the order on the wire.
        list: List,
        /// Bytes of the request up to its body; or why it would not be sent.
        size: Result<usize, EncodeError>,
    },
    /// HTTP.
    Http {
        /// In the request line.
        method: Method,
        /// In the request line.
        target: Target,
        /// In the order of sending.
        fields: Fields,
    },
}

impl Upstream {
    /// What the application would get. Made by the same functions as what it does get.
    pub fn preview(&self, head: &RequestHead) -> Result<Preview, EncodeError> {
        let mut queue = WriteQueue::new();
        let begun = self.protocol.begin(head, &mut queue);
        let Some(style) = codec::variables(&self.config) else {
            begun?;
            return Ok(Preview::Http {
                method: head.method_onward().clone(),
                target: head.target.clone(),
                fields: fields(queue.tail()),
            });
        };
        let mut list = List::default();
        params::walk(head, &style, &mut list)?;
        let size = begun.map(|_| queue.len());
        Ok(Preview::Variables { list, size })
    }
}

/// The fields of a request that was written for an HTTP server.
fn fields(wire: &[u8]) -> Fields {
    let mut fields = Fields::new();
    for line in wire.split(|byte| *byte == b'\n').skip(1) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        if let Some(value) = FieldValue::new(trim(&line[colon + 1..])) {
            fields.append_named(&line[..colon], value);
        }
    }
    fields
}
