//! A request as the router sees it.

use std::net::IpAddr;

use super::condition::Conditional;
use super::exchange::Exchange;
use super::router::Asked;
use crate::protocol::RequestHead;
use crate::protocol::fields::{FieldName, Fields};
use crate::protocol::request::{Client, without_port};

/// An exchange whose route is sought. Nothing is looked up before a route asks for it.
pub(super) struct Sought<'a>(&'a Exchange);

impl<'a> Sought<'a> {
    /// The request of an exchange.
    #[inline]
    pub(super) fn new(exchange: &'a Exchange) -> Self {
        Self(exchange)
    }

    /// What the gateway takes for the client, which may not be settled yet.
    fn client<T>(&self, of: impl FnOnce(&Client) -> T) -> T {
        let request = &self.0.request;
        match request.identified {
            true => of(&request.head.client),
            false => of(&self
                .0
                .connection
                .connected
                .seen(&request.head.fields, &self.0.context.trust)),
        }
    }
}

impl Conditional for Sought<'_> {
    fn head(&self) -> &RequestHead {
        &self.0.request.head
    }

    fn client(&self) -> Option<IpAddr> {
        let remote = |client: &Client| client.remote.as_ref().map(|peer| peer.address.ip());
        self.client(remote)
    }

    fn is_secure(&self) -> bool {
        self.client(|client| client.secure)
    }

    fn port(&self) -> Option<u16> {
        self.0.connection.connected.local_port()
    }

    fn listener(&self) -> Option<&str> {
        let through = self.0.connection.listener.as_deref()?;
        let mut listeners = self.0.context.listeners.iter();
        let (_, name) = listeners.find(|(id, _)| id == through)?;
        name.as_deref()
    }
}

impl Asked for Sought<'_> {
    #[inline]
    fn host(&self) -> &[u8] {
        host(&self.0.request.head.fields)
    }
}

/// The host without its port.
#[inline]
pub(super) fn host(fields: &Fields) -> &[u8] {
    fields.get(FieldName::Host).map_or(b"", without_port)
}
