//! FastCGI GET_VALUES as a probe: an answer without a script, a file or a setting.
//!
//! PHP answers from a worker, so that a full pool is silent. uWSGI never answers and is not to be asked; libfcgi
//! answers when the record is padded; an empty answer is one (reference, section 1.8).

use std::ops::ControlFlow;

use bytes::{Buf, BytesMut};

use super::talk::{Listen, open, talk};
use super::verdict::{Cause, Verdict};
use crate::protocol::DecodeError;
use crate::protocol::fastcgi::{Capabilities, Header, Kind, put_get_values};
use crate::upstream::model::config::EndpointConfig;
use crate::upstream::wire::connection::Connection;
use crate::upstream::wire::dialer::Dialer;

/// Asks for the three values that there are; gives what it learned.
pub(super) async fn ask(dialer: &Dialer, endpoint: &EndpointConfig) -> Result<Capabilities, Verdict> {
    let mut connection = Connection::boxed(open(dialer, endpoint).await?);
    put_get_values(connection.queue.tail());
    talk(&mut connection, &mut Listener::default()).await
}

/// Waits for one record.
#[derive(Default)]
struct Listener {
    header: Option<Header>,
}

impl Listener {
    fn record(&mut self, received: &mut BytesMut) -> Result<Option<Capabilities>, DecodeError> {
        if self.header.is_none() {
            self.header = Header::take(received);
        }
        let Some(header) = self.header else {
            return Ok(None);
        };
        if header.version != Header::VERSION {
            return Err(DecodeError::Version(header.version));
        }
        let content = usize::from(header.content);
        match header.kind {
            _ if received.remaining() < content => Ok(None),
            Kind::GetValuesResult => Capabilities::parse(received.split_to(content)).map(Some),
            // It knows none of our questions, but it knows the protocol.
            Kind::UnknownType => Ok(Some(Capabilities::default())),
            kind => Err(DecodeError::Order(kind.number())),
        }
    }
}

impl Listen for Listener {
    type Heard = Result<Capabilities, Verdict>;

    fn hear(&mut self, received: &mut BytesMut) -> ControlFlow<Self::Heard> {
        match self.record(received) {
            Ok(None) => ControlFlow::Continue(()),
            Ok(Some(found)) => ControlFlow::Break(Ok(found)),
            Err(error) => ControlFlow::Break(Err(error.into())),
        }
    }

    fn end(&mut self) -> Self::Heard {
        Err(Verdict::Dead(Cause::Closed))
    }

    fn broken(&mut self, cause: Cause) -> Self::Heard {
        Err(Verdict::Dead(cause))
    }
}
