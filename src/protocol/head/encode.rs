//! Writes response heads, for applications.

use bytes::BufMut;
use http::{HeaderMap, StatusCode};

use super::Shape;

/// Appends a head with its blank line. Fields are written as they are.
pub fn put(shape: Shape, status: StatusCode, headers: &HeaderMap, out: &mut impl BufMut) {
    out.put_slice(match shape {
        Shape::Cgi => b"Status: ",
        Shape::Http => b"HTTP/1.1 ",
    });
    out.put_slice(status.as_str().as_bytes());
    out.put_u8(b' ');
    out.put_slice(status.canonical_reason().unwrap_or_default().as_bytes());
    out.put_slice(b"\r\n");
    for (name, value) in headers {
        out.put_slice(name.as_str().as_bytes());
        out.put_slice(b": ");
        out.put_slice(value.as_bytes());
        out.put_slice(b"\r\n");
    }
    out.put_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use http::header::{CONTENT_TYPE, HeaderValue, SET_COOKIE};

    use super::*;
    use crate::protocol::head::{HeadDecoder, Limits};

    #[test]
    fn written_heads_read_back() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("a/b"));
        headers.append(SET_COOKIE, HeaderValue::from_static("a=1"));
        headers.append(SET_COOKIE, HeaderValue::from_static("b=2"));
        for shape in [Shape::Cgi, Shape::Http] {
            let mut wire = BytesMut::new();
            put(shape, StatusCode::NOT_FOUND, &headers, &mut wire);
            let available = wire.len();
            let head = HeadDecoder::new(shape, Limits::default())
                .decode(&mut wire, available)
                .unwrap()
                .unwrap();
            assert_eq!((head.status, &head.headers), (StatusCode::NOT_FOUND, &headers));
            assert!(wire.is_empty());
        }
    }
}
