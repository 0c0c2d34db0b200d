//! The user that a client names by the Basic scheme (RFC 7617). Whether it is that user is not asked here.

use crate::protocol::RequestHead;
use crate::protocol::fields::FieldName;

/// The name in `Authorization: Basic …`, if there is one.
pub(super) fn user(head: &RequestHead) -> Option<Vec<u8>> {
    let mut pair = credentials(head)?;
    let colon = pair.iter().position(|byte| *byte == b':')?;
    pair.truncate(colon);
    Some(pair)
}

/// `NAME:PASSWORD` of `Authorization: Basic …`, if there is one.
pub fn credentials(head: &RequestHead) -> Option<Vec<u8>> {
    let value = head.fields.get(FieldName::Authorization)?;
    let (scheme, rest) = value.split_at_checked(SCHEME.len())?;
    if !scheme.eq_ignore_ascii_case(SCHEME) {
        return None;
    }
    decode(rest.trim_ascii())
}

/// Base64 (RFC 4648, section 4), with its padding or without.
fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let padding = text.iter().rev().take_while(|byte| **byte == b'=').count();
    let digits = text.get(..text.len().checked_sub(padding).filter(|_| padding <= 2)?)?;
    let mut bytes = Vec::with_capacity(digits.len() / 4 * 3 + 2);
    for group in digits.chunks(4) {
        let mut bits = 0_u32;
        for digit in group {
            bits = bits << 6 | digit_value(*digit)?;
        }
        let [_, first, second, third] = (bits << (6 * (4 - group.len()))).to_be_bytes();
        match group.len() {
            4 => bytes.extend_from_slice(&[first, second, third]),
            3 => bytes.extend_from_slice(&[first, second]),
            2 => bytes.push(first),
            _ => return None,
        }
    }
    Some(bytes)
}

fn digit_value(digit: u8) -> Option<u32> {
    let value = match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(value.into())
}

const SCHEME: &[u8] = b"Basic ";

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::protocol::fields::Fields;
    use crate::protocol::samples;

    fn named(authorization: &str) -> Option<String> {
        let mut head = samples::request(Method::GET);
        head.fields = Fields::from_iter([("authorization", authorization)]);
        user(&head).map(|user| String::from_utf8(user).unwrap())
    }

    #[test]
    fn a_user_is_named_before_the_colon() {
        for (authorization, name) in [
            ("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin"),
            ("basic   YTpi", "a"),
            ("Basic YTo=", "a"),
            ("Basic YTo", "a"),
            ("Basic Og==", ""),
            ("Basic w7w6eA==", "ü"),
            ("Basic YTpiOmM=", "a"),
        ] {
            assert_eq!(named(authorization).as_deref(), Some(name), "{authorization}");
        }
    }

    #[test]
    fn what_is_not_basic_names_none() {
        for authorization in [
            "Bearer YTpi",
            "Basic",
            "Basic ",
            "Basic YWI=",
            "Basic Y!pi",
            "Basic YTpi=====",
            "Basic Y",
        ] {
            assert_eq!(named(authorization), None, "{authorization}");
        }
    }
}
