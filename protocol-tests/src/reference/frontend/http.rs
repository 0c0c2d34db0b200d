//! Requests in HTTP/1.1 (RFC 9112, section 3): origin form, and a framing of our own.

use super::Fault;
use super::fields;
use super::request::{Framing, Request};
use crate::reference::Seeded;

/// A whole request. `keep`: the connection may be used again.
pub(super) fn request(request: &Request, body: &[u8], keep: bool, fault: Seeded<Fault>) -> Vec<u8> {
    let mut out = [&request.method[..], b" ", &uri(request, fault), b" HTTP/1.1\r\n"].concat();
    let mut put = |name: &[u8], value: &[u8]| {
        let lower = fault.is(Fault::NamesLowered);
        let name = if lower {
            name.to_ascii_lowercase()
        } else {
            name.to_vec()
        };
        out.extend([&name[..], b": ", value, b"\r\n"].concat());
    };
    let named = request.values("host").next().is_some() || request.target.authority.is_some();
    if named || !fault.is(Fault::NoHostAdded) {
        put(b"Host", &request.host);
    }
    for (name, value) in &request.fields {
        if is_passed(&name.to_ascii_lowercase(), request, fault) {
            put(name, value);
        }
    }
    if request.framing != Framing::None {
        put(b"Content-Length", body.len().to_string().as_bytes());
    }
    match request.upgrade() {
        Some(offered) => {
            put(b"Connection", b"upgrade");
            put(b"Upgrade", offered);
        }
        None if keep => {}
        None => put(b"Connection", b"close"),
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body);
    out
}

/// Path and query as they came (RFC 9110, section 7.7).
fn uri(request: &Request, fault: Seeded<Fault>) -> Vec<u8> {
    let target = &request.target;
    match (&target.query, fault.is(Fault::NormalTargetSent)) {
        (_, false) => target.uri.clone(),
        (None, true) => target.path.clone(),
        (Some(query), true) => [&target.path[..], b"?", query].concat(),
    }
}

/// Whether a field, its name in lower case, is for the application.
fn is_passed(name: &[u8], request: &Request, fault: Seeded<Fault>) -> bool {
    match name {
        b"content-type" => true,
        b"upgrade" if request.upgrade().is_some() => false,
        name => fields::is_passed(name, request, fault),
    }
}
