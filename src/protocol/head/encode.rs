//! Writes response heads, for applications.

use bytes::BufMut;
use http::StatusCode;

use super::Shape;
use crate::protocol::fields::Fields;

/// Appends a head with its blank line. Fields are written as they are.
pub fn put(shape: Shape, status: StatusCode, fields: &Fields, out: &mut impl BufMut) {
    out.put_slice(match shape {
        Shape::Cgi => b"Status: ",
        Shape::Http | Shape::Http1 => b"HTTP/1.1 ",
    });
    out.put_slice(status.as_str().as_bytes());
    out.put_u8(b' ');
    out.put_slice(status.canonical_reason().unwrap_or_default().as_bytes());
    out.put_slice(b"\r\n");
    for field in fields.iter() {
        out.put_slice(field.spelling);
        out.put_slice(b": ");
        out.put_slice(field.value);
        out.put_slice(b"\r\n");
    }
    out.put_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::*;
    use crate::protocol::head::{HeadDecoder, Limits};

    #[test]
    fn written_heads_read_back() {
        let pairs = [
            ("Content-Type", "a/b"),
            ("Set-Cookie", "a=1"),
            ("set-cookie", "b=2"),
        ];
        let fields: Fields = pairs.into_iter().collect();
        for shape in [Shape::Cgi, Shape::Http] {
            let mut wire = BytesMut::new();
            put(shape, StatusCode::NOT_FOUND, &fields, &mut wire);
            let available = wire.len();
            let head = HeadDecoder::new(shape, Limits::default())
                .decode(&mut wire, available)
                .unwrap()
                .unwrap();
            assert_eq!((head.status, &head.fields), (StatusCode::NOT_FOUND, &fields));
            assert!(wire.is_empty());
        }
    }
}
