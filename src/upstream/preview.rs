//! What an application would get of a request, without sending it.

use http::Method;

use super::{Engine, Upstream, codec, http as wire};
use crate::protocol::fields::Fields;
use crate::protocol::params::{self, List};
use crate::protocol::{EncodeError, RequestHead, Target, WriteQueue};

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
        let (Engine::Framed(protocol, _), Some(style)) = (&self.engine, codec::style(&self.config)) else {
            return Ok(Preview::Http {
                method: head.method.clone(),
                target: head.target.clone(),
                fields: wire::fields(head),
            });
        };
        let mut list = List::default();
        params::walk(head, &style, &mut list)?;
        let mut queue = WriteQueue::new();
        let size = protocol.begin(head, &mut queue).map(|_| queue.len());
        Ok(Preview::Variables { list, size })
    }
}
