//! The head of a request, as a client writes it (RFC 9112, sections 3 and 5): origin form, and our own framing.

use crate::protocol::RequestHead;
use crate::protocol::fields::{DIGITS, FieldName, FieldNames, decimal, put_line};
use crate::protocol::tls::ClientTls;

/// Appends a head with its blank line. `keep`: the connection may carry another request.
///
/// The end-to-end fields keep the order and the spelling of the client. What follows them is ours: the addresses of the
/// client, how the body is delimited, and what becomes of the connection.
pub(super) fn put_head(head: &RequestHead, keep: bool, out: &mut Vec<u8>) {
    out.reserve(head.fields.wire_len() + head.target.as_bytes().len() + RESERVE);
    out.extend_from_slice(head.method_onward().as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(head.target.as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\n");
    match &head.host {
        Some(host) => put_line(b"Host", host, out),
        None if head.fields.contains(FieldName::Host) => {}
        None => put_own_host(head, out),
    }
    put_fields(head, out);
    put_framing(head, out);
    out.extend_from_slice(match (head.upgrade, head.trailers, keep) {
        (true, ..) => b"Connection: upgrade\r\n",
        (false, false, true) => b"",
        (false, false, false) => b"Connection: close\r\n",
        (false, true, true) => b"TE: trailers\r\nConnection: TE\r\n",
        (false, true, false) => b"TE: trailers\r\nConnection: TE, close\r\n",
    });
    out.extend_from_slice(b"\r\n");
}

/// A client of HTTP/1.0 may name no host; a request of HTTP/1.1 without one is refused (RFC 9112, section 3.2). So it
/// gets the address that the client connected to (RFC 9112, section 3.3), as in `SERVER_NAME`; a unix socket has none that
/// means anything.
fn put_own_host(head: &RequestHead, out: &mut Vec<u8>) {
    out.extend_from_slice(b"Host: ");
    match &head.client.local {
        None => out.extend_from_slice(b"localhost"),
        Some(local) => {
            out.extend_from_slice(&local.host());
            let default = if head.client.secure { 443 } else { 80 };
            if local.address.port() != default {
                out.push(b':');
                out.extend_from_slice(local.port());
            }
        }
    }
    out.extend_from_slice(b"\r\n");
}

fn put_fields(head: &RequestHead, out: &mut Vec<u8>) {
    let forwarding = head.forwarding();
    let told = [
        (FieldName::XForwardedFor, forwarding.chain),
        (FieldName::XRealIp, forwarding.ip),
        (FieldName::XForwardedHost, forwarding.host),
        (FieldName::XForwardedProto, Some(forwarding.proto.as_bytes())),
    ];
    let known = told.iter().filter(|(_, value)| value.is_some());
    let mut left_out = known.fold(OURS, |names, (name, _)| names.with(*name));
    if head.upgrade {
        left_out = left_out.without(FieldName::Upgrade);
    }
    if head.host.is_some() {
        left_out = left_out.with(FieldName::Host);
    }
    match head.fields.repeated().contains(FieldName::Cookie) {
        false => head.fields.put_lines(left_out, out),
        true => put_crumbs(head, left_out, out),
    }
    for (name, value) in told {
        if let Some(value) = value {
            put_line(name.as_str().as_bytes(), value, out);
        }
    }
    if let Some(tls) = &head.client.tls {
        put_identity(tls, out);
    }
}

/// The certificate of a client that was asked for one. What a client says of that itself has been removed.
fn put_identity(tls: &ClientTls, out: &mut Vec<u8>) {
    let Some(verify) = tls.verify() else { return };
    put_line(b"X-SSL-Client-Verify", verify.as_bytes(), out);
    if let Some(holder) = &tls.holder {
        put_line(b"X-SSL-Client-S-DN", holder.subject.as_bytes(), out);
        put_line(b"X-SSL-Client-I-DN", holder.issuer.as_bytes(), out);
        put_line(b"X-SSL-Client-Serial", holder.serial.as_bytes(), out);
        put_line(b"X-SSL-Client-Fingerprint", holder.fingerprint.as_bytes(), out);
    }
}

/// HTTP/2 splits cookies for its compression; HTTP/1.1 wants one field (RFC 9113, section 8.2.3).
fn put_crumbs(head: &RequestHead, left_out: FieldNames, out: &mut Vec<u8>) {
    for field in head.fields.iter() {
        match field.name {
            FieldName::Cookie if field.again => {}
            FieldName::Cookie => put_cookies(head, field.spelling, out),
            name if left_out.contains(name) => {}
            _ => put_line(field.spelling, field.value, out),
        }
    }
}

fn put_cookies(head: &RequestHead, spelling: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(spelling);
    let mut separator: &[u8] = b": ";
    for crumb in head.fields.all(FieldName::Cookie) {
        out.extend_from_slice(separator);
        out.extend_from_slice(crumb);
        separator = b"; ";
    }
    out.extend_from_slice(b"\r\n");
}

fn put_framing(head: &RequestHead, out: &mut Vec<u8>) {
    match head.content_length {
        _ if head.chunked => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
        Some(length) => put_line(b"Content-Length", decimal(length, &mut [0; DIGITS]), out),
        None => {}
    }
}

/// Fields of the connection and of its framing, which are written anew or not at all.
const OURS: FieldNames = FieldNames::of(&[
    FieldName::Connection,
    FieldName::ContentLength,
    FieldName::Expect,
    FieldName::Http2Settings,
    FieldName::KeepAlive,
    FieldName::ProxyConnection,
    FieldName::Te,
    FieldName::Trailer,
    FieldName::TransferEncoding,
    FieldName::Upgrade,
]);

/// Bytes of the lines that are not fields of the client.
const RESERVE: usize = 320;

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::Arc;

    use bytes::Bytes;
    use http::Method;

    use super::*;
    use crate::protocol::peer::Peer;
    use crate::protocol::request::{Client, ForwardedFor};
    use crate::protocol::samples;

    fn head(fields: &[(&str, &str)]) -> RequestHead {
        let mut head = samples::request(Method::GET);
        head.fields = fields.iter().copied().collect();
        head
    }

    fn written(head: &RequestHead, keep: bool) -> String {
        let mut out = Vec::new();
        put_head(head, keep, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn fields_keep_their_order_and_spelling() {
        let mut head = head(&[("x-B", "1"), ("Host", "a"), ("X-b", "2"), ("X_C", "")]);
        head.content_length = Some(5);
        assert_eq!(
            written(&head, true),
            "GET /x?q=1 HTTP/1.1\r\nx-B: 1\r\nHost: a\r\nX-b: 2\r\nX_C: \r\nX-Forwarded-Host: a\r\n\
             X-Forwarded-Proto: http\r\nContent-Length: 5\r\n\r\n"
        );
    }

    #[test]
    fn framing_and_connection_are_ours_alone() {
        let mut head = head(&[
            ("Host", "a"),
            ("Content-Length", "9"),
            ("Transfer-Encoding", "gzip"),
            ("Connection", "x"),
            ("Expect", "100-continue"),
            ("Upgrade", "h2c"),
        ]);
        head.chunked = true;
        let ours = "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
        assert_eq!(
            written(&head, false),
            format!(
                "GET /x?q=1 HTTP/1.1\r\nHost: a\r\nX-Forwarded-Host: a\r\nX-Forwarded-Proto: http\r\n{ours}"
            )
        );
    }

    #[test]
    fn an_upgrade_is_asked_for() {
        let mut head = head(&[("Host", "a"), ("Connection", "upgrade"), ("Upgrade", "websocket")]);
        head.upgrade = true;
        for keep in [false, true] {
            let text = written(&head, keep);
            assert!(text.contains("\r\nUpgrade: websocket\r\n"));
            assert!(text.ends_with("\r\nConnection: upgrade\r\n\r\n"));
        }
    }

    #[test]
    fn an_application_is_told_that_trailers_are_taken() {
        let mut head = head(&[("Host", "a"), ("TE", "gzip, trailers")]);
        head.trailers = true;
        let kept = written(&head, true);
        assert!(
            kept.ends_with("\r\nTE: trailers\r\nConnection: TE\r\n\r\n"),
            "{kept}"
        );
        let last = written(&head, false);
        assert!(
            last.ends_with("\r\nTE: trailers\r\nConnection: TE, close\r\n\r\n"),
            "{last}"
        );
        head.trailers = false;
        assert!(!written(&head, true).contains("TE"));
    }

    #[test]
    fn crumbs_of_a_cookie_become_one_field() {
        let head = head(&[("cookie", "a=1"), ("host", "a"), ("cookie", "b=2")]);
        assert!(written(&head, true).contains("\r\ncookie: a=1; b=2\r\nhost: a\r\nX-"));
    }

    #[test]
    fn the_application_believes_us_alone() {
        let mut head = head(&[
            ("Host", "a"),
            ("x-real-ip", "6.6.6.6"),
            ("x-forwarded-for", "6.6.6.6"),
        ]);
        head.client = Client {
            remote: Some(Peer::from("192.0.2.1:5".parse::<SocketAddr>().unwrap())),
            forwarded_for: ForwardedFor::Chain(Bytes::from_static(b"192.0.2.7, 192.0.2.1").into()),
            secure: true,
            ..Client::default()
        };
        let text = written(&head, true);
        assert!(!text.contains("6.6.6.6"));
        assert!(text.ends_with(
            "X-Forwarded-For: 192.0.2.7, 192.0.2.1\r\nX-Real-IP: 192.0.2.1\r\nX-Forwarded-Host: a\r\n\
             X-Forwarded-Proto: https\r\n\r\n"
        ));
    }

    #[test]
    fn another_host_takes_the_place_of_the_clients() {
        for fields in [
            &[("Accept", "*/*"), ("host", "a")][..],
            &[("cookie", "a=1"), ("Host", "a"), ("cookie", "b=2")],
            &[],
        ] {
            let mut head = head(fields);
            head.host = Some(Box::new(Bytes::from_static(b"b.example:81")));
            let text = written(&head, true);
            assert!(
                text.starts_with("GET /x?q=1 HTTP/1.1\r\nHost: b.example:81\r\n"),
                "{text}"
            );
            assert_eq!(text.to_lowercase().matches("\r\nhost: ").count(), 1, "{text}");
            let told = text.contains("\r\nX-Forwarded-Host: a\r\n");
            assert_eq!(told, !fields.is_empty(), "{text}");
        }
    }

    #[test]
    fn a_request_without_a_host_gets_our_address() {
        for (local, host) in [
            (None, "localhost"),
            (Some("192.0.2.1:80"), "192.0.2.1"),
            (Some("192.0.2.1:8080"), "192.0.2.1:8080"),
            (Some("[::1]:443"), "[::1]:443"),
        ] {
            let mut head = head(&[]);
            let local = local.map(|text| Arc::new(Peer::from(text.parse::<SocketAddr>().unwrap())));
            head.client = Client {
                local,
                ..Client::default()
            };
            let start = format!("GET /x?q=1 HTTP/1.1\r\nHost: {host}\r\n");
            assert!(written(&head, true).starts_with(&start), "{host}");
        }
    }
}
