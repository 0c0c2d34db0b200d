//! A request as the logs see it: looked at only if one of them has something to say.

use std::cell::OnceCell;

use http::Version;

use super::forwarded::Connected;
use super::received::Received;
use super::trust::Trust;
use crate::protocol::fields::FieldName;
use crate::protocol::peer::Peer;
use crate::protocol::request::Client;
use crate::telemetry::observer::Request;

/// A request, and what is believed about its client.
pub(super) struct Seen<'a> {
    request: &'a Received,
    connected: &'a Connected,
    trust: &'a Trust,
    /// The client, where no application was told: what the proxies say.
    believed: OnceCell<Option<Client>>,
}

impl<'a> Seen<'a> {
    /// A request on a connection.
    pub(super) fn new(request: &'a Received, connected: &'a Connected, trust: &'a Trust) -> Self {
        Self {
            request,
            connected,
            trust,
            believed: OnceCell::new(),
        }
    }

    fn field(&self, name: FieldName) -> Option<&[u8]> {
        self.request.head.fields.get(name)
    }
}

impl Request for Seen<'_> {
    fn remote(&self) -> Option<&str> {
        let head = &self.request.head;
        let believed = || self.connected.believed(&head.fields, self.trust);
        let client = match self.request.identified {
            true => Some(&head.client),
            false => self.believed.get_or_init(believed).as_ref(),
        };
        match client {
            Some(client) => client.remote.as_ref().map(Peer::ip_text),
            None => self.connected.ip(),
        }
    }

    fn method(&self) -> &str {
        self.request.asked_method().as_str()
    }

    fn target(&self) -> &[u8] {
        self.request.asked()
    }

    fn host(&self) -> Option<&[u8]> {
        self.request.host()
    }

    fn version(&self) -> &'static str {
        match self.request.head.version {
            Version::HTTP_10 => "HTTP/1.0",
            Version::HTTP_2 => "HTTP/2.0",
            _ => "HTTP/1.1",
        }
    }

    fn referer(&self) -> Option<&[u8]> {
        self.field(FieldName::Referer)
    }

    fn user_agent(&self) -> Option<&[u8]> {
        self.field(FieldName::UserAgent)
    }

    fn script(&self) -> Option<&[u8]> {
        self.request.head.script.filename.as_deref()
    }

    fn id(&self) -> u64 {
        self.request.head.id.0
    }
}
