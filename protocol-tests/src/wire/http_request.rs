//! What a front end has sent over HTTP/1, as the variables that CGI would make of it (RFC 3875, section 4.1).

use super::http::{dechunk, line};
use super::{Head, Request, Style};

/// Reads the request at the start of a connection.
pub(super) fn http(bytes: &[u8]) -> Request {
    let mut request = Request::default();
    let Some(first) = line(bytes, 0) else {
        return request;
    };
    let after = bytes.get(first.len() + 2..).unwrap_or_default();
    let Some((head, length)) = Head::parse(after, Style::Cgi) else {
        return request;
    };
    let Ok(head) = head else {
        request.blame("the head cannot be read");
        return request;
    };
    request.vars = variables(first, &head);
    request.has_vars = true;
    let body = after.get(length..).unwrap_or_default();
    if head.values("transfer-encoding").next().is_none() {
        request.take_body(body);
        return request;
    }
    if head.values("content-length").next().is_some() {
        request.blame("there are both Content-Length and Transfer-Encoding");
    }
    let (body, _, complete) = dechunk(body);
    (request.body, request.complete) = (body, complete);
    request
}

/// How many bytes a request takes that is complete; what follows is the next one.
pub(super) fn length(bytes: &[u8]) -> Option<usize> {
    let first = line(bytes, 0)?.len() + 2;
    let (Ok(head), length) = Head::parse(bytes.get(first..)?, Style::Cgi)? else {
        return None;
    };
    let start = first + length;
    if head.values("transfer-encoding").next().is_some() {
        let (_, used, complete) = dechunk(bytes.get(start..)?);
        return complete.then_some(start + used);
    }
    let announced = head.values("content-length").next().unwrap_or(b"0");
    let announced: usize = std::str::from_utf8(announced).ok()?.parse().ok()?;
    Some(start + announced)
}

/// The words of the request line, and the fields.
fn variables(first: &[u8], head: &Head) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut words = first.splitn(3, |byte| *byte == b' ');
    let mut word = || words.next().unwrap_or_default().to_vec();
    let (method, target, protocol) = (word(), word(), word());
    let query = target.splitn(2, |byte| *byte == b'?').nth(1);
    let mut vars = vec![
        (b"QUERY_STRING".to_vec(), query.unwrap_or_default().to_vec()),
        (b"REQUEST_METHOD".to_vec(), method),
        (b"REQUEST_URI".to_vec(), target),
        (b"SERVER_PROTOCOL".to_vec(), protocol),
    ];
    let field = |(name, value): &(String, Vec<u8>)| (variable(name), value.clone());
    vars.extend(head.fields.iter().map(field));
    vars
}

/// Length and type of the body are variables of their own.
fn variable(name: &str) -> Vec<u8> {
    let name = name.to_ascii_uppercase().replace('-', "_");
    match name.as_str() {
        "CONTENT_LENGTH" | "CONTENT_TYPE" => name.into_bytes(),
        _ => format!("HTTP_{name}").into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_as_variables() {
        let request = http(b"POST /a?b HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab");
        let first = |name| request.values(name).next();
        assert_eq!(first("REQUEST_METHOD"), Some(&b"POST"[..]));
        assert_eq!(first("REQUEST_URI"), Some(&b"/a?b"[..]));
        assert_eq!(first("QUERY_STRING"), Some(&b"b"[..]));
        assert_eq!(first("HTTP_HOST"), Some(&b"x"[..]));
        assert_eq!(first("CONTENT_LENGTH"), Some(&b"2"[..]));
        assert_eq!((request.body.as_slice(), request.complete), (&b"ab"[..], true));
    }

    #[test]
    fn requests_on_one_connection_are_told_apart() {
        let one = b"POST /1 HTTP/1.1\r\nContent-Length: 2\r\n\r\nab";
        let two = b"PUT /2 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nT: t\r\n\r\n";
        let both = [&one[..], two, b"GET /3 HTTP/1.1\r\n\r\n"].concat();
        assert_eq!(length(&both), Some(one.len()));
        assert_eq!(length(&both[one.len()..]), Some(two.len()));
        let target = |nth| {
            let request = Request::nth(crate::protocol::Protocol::Http, &both, nth)?;
            request.values("REQUEST_URI").next().map(<[u8]>::to_vec)
        };
        assert_eq!(
            (target(2), target(3)),
            (Some(b"/2".to_vec()), Some(b"/3".to_vec()))
        );
        assert_eq!(target(4), None);
    }

    #[test]
    fn chunks_end_a_request() {
        let wire = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n";
        assert_eq!(http(wire).body, b"ab");
        assert!(http(wire).complete);
        assert!(!http(&wire[..wire.len() - 1]).complete);
        assert!(!http(b"GET / HTTP/1.1\r\nHost: x\r\n").has_vars);
    }
}
