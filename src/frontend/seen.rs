//! A request as the logs see it: looked at only if one of them has something to say.

use std::borrow::Cow;
use std::cell::OnceCell;

use super::forwarded::Connected;
use super::received::Received;
use super::trust::Trust;
use crate::protocol::fields::{FieldName, Fields};
use crate::protocol::peer::Peer;
use crate::protocol::request::Client;
use crate::telemetry::Redaction;
use crate::telemetry::observer::Request;
use crate::telemetry::redaction::REDACTED;
use crate::variables::{NamedField, Scope, Variable, argument};

/// A request, and what is believed about its client.
pub(super) struct Seen<'a> {
    request: &'a Received,
    /// Of its answer.
    fields: &'a Fields,
    connected: &'a Connected,
    trust: &'a Trust,
    redaction: &'a Redaction,
    /// The target and the referer as they may be shown.
    target: OnceCell<Cow<'a, [u8]>>,
    referer: OnceCell<Option<Cow<'a, [u8]>>>,
    /// The client, where no application was told: what the proxies say.
    believed: OnceCell<Option<Client>>,
}

impl<'a> Seen<'a> {
    /// A request on a connection, and the fields of its answer.
    pub(super) fn new(
        request: &'a Received,
        fields: &'a Fields,
        connected: &'a Connected,
        trust: &'a Trust,
        redaction: &'a Redaction,
    ) -> Self {
        Self {
            request,
            fields,
            connected,
            trust,
            redaction,
            target: OnceCell::new(),
            referer: OnceCell::new(),
            believed: OnceCell::new(),
        }
    }

    /// What is known of the client apart from its connection.
    fn client(&self) -> Option<&Client> {
        let head = &self.request.head;
        let believed = || self.connected.believed(&head.fields, self.trust);
        match self.request.identified {
            true => Some(&head.client),
            false => self.believed.get_or_init(believed).as_ref(),
        }
    }

    fn peer(&self) -> Option<&Peer> {
        match self.client() {
            Some(client) => client.remote.as_ref(),
            None => self.connected.remote(),
        }
    }

    fn field(&self, name: FieldName) -> Option<&[u8]> {
        self.request.head.fields.get(name)
    }
}

/// What came, where the head says something else by now.
impl Scope for Seen<'_> {
    fn write(&self, variable: &Variable, sink: &mut dyn FnMut(&[u8])) {
        match variable {
            Variable::RemoteAddr => sink(self.peer().map_or(&b"unix:"[..], Peer::ip)),
            Variable::RemotePort | Variable::BinaryRemoteAddr => {
                if let Some(peer) = self.peer() {
                    peer.write(variable, sink);
                }
            }
            Variable::Scheme => {
                let scheme = self.client().map_or(self.connected.scheme(), Client::scheme);
                sink(scheme.as_bytes());
            }
            Variable::Tls(variable) => {
                if let Some(tls) = self.connected.tls() {
                    variable.write(tls, sink);
                }
            }
            Variable::ProxyProtocol(variable) => {
                if let Some(header) = self.connected.header() {
                    variable.write(header, sink);
                }
            }
            Variable::RequestUri => sink(self.target()),
            Variable::Field(field) if self.redaction.hides_field(field.name()) => {
                if self.request.head.fields.contains_named(field.name().as_bytes()) {
                    sink(REDACTED);
                }
            }
            Variable::Field(field) if field.name() == "referer" => {
                self.referer().into_iter().for_each(sink);
            }
            Variable::Args => {
                let query = self.request.head.target.query();
                query
                    .into_iter()
                    .for_each(|query| sink(&self.redaction.query(query)));
            }
            Variable::Argument(name) if self.redaction.hides_argument(name.as_bytes()) => {
                if argument(&self.request.head, name).is_some() {
                    sink(REDACTED);
                }
            }
            Variable::RequestMethod => sink(self.method().as_bytes()),
            _ => self.request.head.write(variable, sink),
        }
    }
}

impl Request for Seen<'_> {
    fn remote(&self) -> Option<&str> {
        self.peer().map(Peer::ip_text)
    }

    fn method(&self) -> &str {
        self.request.asked_method().as_str()
    }

    fn target(&self) -> &[u8] {
        let shown = || self.redaction.target(self.request.asked());
        self.target.get_or_init(shown)
    }

    fn host(&self) -> Option<&[u8]> {
        self.request.host()
    }

    fn version(&self) -> &'static str {
        self.request.head.version_text()
    }

    fn referer(&self) -> Option<&[u8]> {
        let referer = self.request.head.fields.get(FieldName::Referer);
        let shown = || Some(self.redaction.target(referer?));
        self.referer.get_or_init(shown).as_deref()
    }

    fn user_agent(&self) -> Option<&[u8]> {
        self.field(FieldName::UserAgent)
    }

    fn sent_field(&self, field: &NamedField, sink: &mut dyn FnMut(&[u8])) {
        match self.redaction.hides_field(field.name()) {
            true if self.fields.contains_named(field.name().as_bytes()) => sink(REDACTED),
            true => {}
            false => field.write(self.fields, sink),
        }
    }

    fn script(&self) -> Option<&[u8]> {
        self.request.head.script.filename.as_deref()
    }

    fn id(&self) -> u64 {
        self.request.head.id.0
    }
}
