//! The values of variables in a request.

use std::borrow::Cow;
use std::net::IpAddr;

use super::{Scope, Variable, basic, normal_path};
use crate::protocol::RequestHead;
use crate::protocol::fields::FieldName;
use crate::protocol::peer::Peer;
use crate::protocol::request::without_port;

impl Scope for RequestHead {
    fn write(&self, variable: &Variable, sink: &mut dyn FnMut(&[u8])) {
        match variable {
            Variable::Uri => sink(&normal_path::normal(self.target.path())),
            Variable::RequestUri => sink(self.asked()),
            Variable::Args => some(self.target.query(), sink),
            Variable::IsArgs => {
                let query = self.target.query().filter(|query| !query.is_empty());
                some(query.map(|_| &b"?"[..]), sink);
            }
            Variable::Host => host(self, sink),
            Variable::RemoteAddr | Variable::RemotePort | Variable::BinaryRemoteAddr => {
                if let Some(remote) = &self.client.remote {
                    remote.write(variable, sink);
                }
            }
            Variable::RemoteUser => some(basic::user(self).as_deref(), sink),
            Variable::Scheme => sink(self.client.scheme().as_bytes()),
            Variable::ServerName => sink(&self.server_name()),
            Variable::ServerProtocol => sink(self.version_text().as_bytes()),
            Variable::RequestMethod => sink(self.method.as_str().as_bytes()),
            Variable::ProxyProtocol(variable) => {
                if let Some(header) = &self.client.announced {
                    variable.write(header, sink);
                }
            }
            Variable::RequestId => sink(self.id.to_string().as_bytes()),
            Variable::Field(field) => field.write(&self.fields, sink),
            Variable::Cookie(name) => some(cookies(self, name).next(), sink),
            Variable::Argument(name) => some(argument(self, name), sink),
            Variable::Capture(name) => {
                let routed = self.routed.as_deref();
                some(routed.and_then(|routed| routed.captures.get(name)), sink);
            }
            Variable::Tls(variable) => {
                if let Some(tls) = &self.client.tls {
                    variable.write(tls, sink);
                }
            }
        }
    }
}

/// Knows the variables about the client's address; the others have no value here.
impl Scope for Peer {
    fn write(&self, variable: &Variable, sink: &mut dyn FnMut(&[u8])) {
        match (variable, self.address.ip()) {
            (Variable::RemoteAddr, _) => sink(self.ip()),
            (Variable::RemotePort, _) => sink(self.port()),
            (Variable::BinaryRemoteAddr, IpAddr::V4(address)) => sink(&address.octets()),
            (Variable::BinaryRemoteAddr, IpAddr::V6(address)) => sink(&address.octets()),
            _ => {}
        }
    }
}

fn some(value: Option<&[u8]>, sink: &mut dyn FnMut(&[u8])) {
    if let Some(value) = value {
        sink(value);
    }
}

fn host(head: &RequestHead, sink: &mut dyn FnMut(&[u8])) {
    let host = head.fields.get(FieldName::Host).map(without_port);
    let host = host.map_or_else(|| head.server_name(), Cow::Borrowed);
    for piece in host.chunks(64) {
        let mut lower = [0; 64];
        let lower = &mut lower[..piece.len()];
        lower.copy_from_slice(piece);
        lower.make_ascii_lowercase();
        sink(lower);
    }
}

/// The values of the cookies with that name. Names of variables know no case, as in nginx.
pub fn cookies<'a>(head: &'a RequestHead, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    let fields = head.fields.all(FieldName::Cookie);
    let pairs = fields.flat_map(|field| field.split(|byte| *byte == b';'));
    pairs.filter_map(move |pair| value(pair.trim_ascii(), name))
}

/// The value of the first argument in the query with that name, as it was sent.
pub fn argument<'a>(head: &'a RequestHead, name: &str) -> Option<&'a [u8]> {
    head.target
        .query()?
        .split(|byte| *byte == b'&')
        .find_map(|pair| value(pair, name))
}

/// `value` of `name=value`.
fn value<'a>(pair: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let (own, value) = pair.split_at_checked(name.len())?;
    own.eq_ignore_ascii_case(name.as_bytes())
        .then_some(value)?
        .strip_prefix(b"=")
}
