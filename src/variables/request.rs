//! The values of variables in a request.

use std::borrow::Cow;
use std::net::IpAddr;

use super::{Scope, Variable, normal_path};
use crate::protocol::RequestHead;
use crate::protocol::fields::FieldName;
use crate::protocol::peer::Peer;
use crate::protocol::request::without_port;

impl Scope for RequestHead {
    fn write(&self, variable: &Variable, sink: &mut dyn FnMut(&[u8])) {
        match variable {
            Variable::Uri => sink(&normal_path::normal(self.target.path())),
            Variable::RequestUri => sink(self.target.as_bytes()),
            Variable::Args => sink(self.target.query().unwrap_or_default()),
            Variable::Host => host(self, sink),
            Variable::RemoteAddr => sink(remote(self).map_or(b"", |remote| remote.ip())),
            Variable::BinaryRemoteAddr => match remote(self).map(|remote| remote.address.ip()) {
                Some(IpAddr::V4(address)) => sink(&address.octets()),
                Some(IpAddr::V6(address)) => sink(&address.octets()),
                None => {}
            },
            Variable::Scheme => sink(self.client.scheme().as_bytes()),
            Variable::RequestMethod => sink(self.method.as_str().as_bytes()),
            Variable::ProxyProtocol(variable) => {
                if let Some(header) = &self.client.announced {
                    variable.write(header, sink);
                }
            }
            Variable::Field(name) => field(self, name, sink),
            Variable::Cookie(name) => sink(cookies(self, name).next().unwrap_or_default()),
            Variable::Argument(name) => sink(argument(self, name).unwrap_or_default()),
        }
    }
}

/// The client; none on a unix socket.
fn remote(head: &RequestHead) -> Option<&Peer> {
    head.client.remote.as_ref()
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

/// All values of a field, joined as RFC 9110, section 5.2 says; cookies as RFC 9113, section 8.2.3 does.
fn field(head: &RequestHead, name: &str, sink: &mut dyn FnMut(&[u8])) {
    let comma: &[u8] = match FieldName::of(name.as_bytes()) {
        FieldName::Cookie => b"; ",
        _ => b", ",
    };
    for (number, value) in head.fields.all_named(name.as_bytes()).enumerate() {
        if number > 0 {
            sink(comma);
        }
        sink(value);
    }
}

/// The values of the cookies with that name. Names of variables know no case, as in nginx.
pub fn cookies<'a>(head: &'a RequestHead, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    let fields = head.fields.all(FieldName::Cookie);
    let pairs = fields.flat_map(|field| field.split(|byte| *byte == b';'));
    pairs.filter_map(move |pair| value(pair.trim_ascii(), name))
}

fn argument<'a>(head: &'a RequestHead, name: &str) -> Option<&'a [u8]> {
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
