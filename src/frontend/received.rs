//! A request from its arrival to its application: one head, which is checked, cleaned and completed in place.

use std::sync::Arc;

use bytes::Bytes;
use http::Method;

use super::request::Request;
use crate::protocol::fields::FieldName;
use crate::protocol::request::{Client, RequestId, Script};
use crate::protocol::{RequestHead, Target};

/// A request.
#[derive(Debug)]
pub struct Received {
    /// Its head: everything that came, until [`inspect`](super::inspect) leaves what may go on; in the end what the
    /// application gets.
    pub head: RequestHead,
    /// The authority of a target in absolute form, or `:authority`.
    pub authority: Option<Box<Bytes>>,
    /// What was found out before the fields were cleaned.
    pub inspected: Inspected,
    /// Whether the head says which client has sent it, and has no forwarding field any more.
    pub(super) identified: bool,
    /// How often it was routed again.
    pub(super) rounds: u8,
    /// The method as it came, where it stands in for an answer that was dropped: it is a GET without a body then.
    pub(super) replaced: Option<Box<Method>>,
    /// Whether the gateway itself asks: nothing has to be proved.
    pub(super) vouched: bool,
}

/// What was found out about a request, before its header fields were cleaned.
#[derive(Debug, Default)]
pub struct Inspected {
    /// `Content-Length`.
    pub announced: Option<u64>,
    /// The protocol that the client wants to switch to, if it may.
    pub upgrade: Option<Bytes>,
    /// Whether the client sends its body only when it is asked to.
    pub awaited: bool,
    /// Fields dropped because no variable may come from them.
    pub dropped: usize,
}

impl Received {
    /// A request of which nothing is checked yet.
    #[inline(always)] // it is large: made where it stays
    pub fn new(request: Request, id: RequestId) -> Self {
        Self {
            head: RequestHead {
                method: request.method,
                target: request.target,
                version: request.version,
                fields: request.fields,
                client: Client::default(),
                script: Script::default(),
                server_name: None,
                host: None,
                content_length: None,
                chunked: false,
                upgrade: false,
                trailers: false,
                extra: Arc::default(),
                routed: None,
                id,
            },
            authority: request.authority.map(Box::new),
            inspected: Inspected::default(),
            identified: false,
            rounds: 0,
            replaced: None,
            vouched: false,
        }
    }

    /// Gives the head another target; the one that came is still [`asked`](Self::asked).
    pub fn retarget(&mut self, target: Target) {
        let before = std::mem::replace(&mut self.head.target, target);
        let routed = self.head.routed.get_or_insert_default();
        routed.asked.get_or_insert_with(|| before.to_bytes());
    }

    /// The gateway itself asks.
    pub fn vouch(&mut self) {
        self.vouched = true;
    }

    /// The client has proved to have this name.
    pub(super) fn authenticated(&mut self, name: &[u8]) {
        self.head.routed.get_or_insert_default().user = Some(name.into());
    }

    /// The target is shown as it came, though it is none.
    pub fn seen(&mut self, target: &[u8]) {
        if !target.is_empty() {
            let routed = self.head.routed.get_or_insert_default();
            routed.asked = Some(Bytes::copy_from_slice(target));
        }
    }

    /// The method as it came.
    pub fn asked_method(&self) -> &Method {
        self.replaced.as_deref().unwrap_or(&self.head.method)
    }

    /// Makes it a GET, or a HEAD, without a body.
    pub(super) fn replace(&mut self) {
        let head = &mut self.head;
        let before = match head.method {
            Method::HEAD => Method::HEAD,
            _ => std::mem::replace(&mut head.method, Method::GET),
        };
        self.replaced.get_or_insert_with(|| Box::new(before));
        self.inspected.announced = None;
        self.inspected.upgrade = None;
        if std::mem::take(&mut head.upgrade) {
            head.fields.remove(FieldName::Connection);
            head.fields.remove(FieldName::Upgrade);
        }
    }

    /// The host that it names, with its port; of a request that was refused, as the client says it.
    pub fn host(&self) -> Option<&[u8]> {
        let host = self.head.fields.get(FieldName::Host);
        host.or(self.authority.as_deref().map(|authority| &authority[..]))
    }

    /// The target as it came.
    pub fn asked(&self) -> &[u8] {
        self.head.asked()
    }
}
