//! Tunnels that clients of HTTP/2 ask for (RFC 8441): to everything behind, they are what HTTP/1 has for them, a GET that
//! wants to switch protocols.

use h2::ext::Protocol;
use http::Method;

use crate::frontend::request::Request;
use crate::protocol::fields::FieldName;

/// Digits of base64 (RFC 4648, section 4).
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Makes a request for `protocol` one of HTTP/1.
pub(super) fn switching(request: &mut Request, protocol: &Protocol) {
    let fields = &mut request.fields;
    request.method = Method::GET;
    fields.append(FieldName::Connection, "upgrade");
    fields.try_set(FieldName::Upgrade, protocol.as_str().as_bytes());
    if protocol.as_str().eq_ignore_ascii_case("websocket") {
        // Clients of HTTP/2 send none, and servers of HTTP/1 want one (RFC 6455, section 4.1). What the server makes of it
        // proves that it is no cache: its 101 does, too.
        fields.try_set(FieldName::SecWebsocketKey, &key(fastrand::u128(..)));
    }
}

/// Sixteen bytes in base64.
fn key(nonce: u128) -> [u8; 24] {
    let mut key = [b'='; 24];
    for (place, digit) in key.iter_mut().take(22).enumerate() {
        // The last digit has two bits, and four that are zero.
        let bits = match 122_u32.checked_sub(6 * place as u32) {
            Some(behind) => nonce >> behind,
            None => nonce << 4,
        };
        *digit = DIGITS[(bits & 0x3f) as usize];
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_sixteen_bytes_in_base64() {
        // RFC 6455, section 1.3: "the sample nonce".
        let nonce = u128::from_be_bytes(*b"the sample nonce");
        assert_eq!(&key(nonce), b"dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(&key(u128::MAX), b"/////////////////////w==");
        assert_eq!(&key(0), b"AAAAAAAAAAAAAAAAAAAAAA==");
    }

    #[test]
    fn a_tunnel_is_a_get_that_wants_to_switch() {
        let mut request = Request {
            method: Method::CONNECT,
            ..Request::unparsed()
        };
        switching(&mut request, &Protocol::from_static("websocket"));
        assert_eq!(request.method, Method::GET);
        assert_eq!(request.fields.get(FieldName::Upgrade), Some(&b"websocket"[..]));
        assert_eq!(request.fields.get(FieldName::SecWebsocketKey).unwrap().len(), 24);
        switching(&mut request, &Protocol::from_static("other"));
        assert_eq!(request.fields.get(FieldName::Upgrade), Some(&b"other"[..]));
    }
}
