//! Field names, without work for those that nearly every answer has.

use http::header::{self, HeaderName};

use super::HeadError;

/// A lower-case token; what is wrong with it otherwise.
pub(super) fn name(text: &[u8]) -> Result<HeaderName, HeadError> {
    match usual(text) {
        Some(name) => Ok(name),
        None => HeaderName::from_bytes(text).map_err(|_| match text {
            [] => HeadError::EmptyName,
            [.., b' ' | b'\t'] => HeadError::SpaceBeforeColon,
            _ => HeadError::Name,
        }),
    }
}

/// The spellings that PHP, Python and Perl applications use.
fn usual(text: &[u8]) -> Option<HeaderName> {
    Some(match text {
        b"Content-Type" | b"Content-type" => header::CONTENT_TYPE,
        b"Content-Length" => header::CONTENT_LENGTH,
        b"Cache-Control" => header::CACHE_CONTROL,
        b"Set-Cookie" => header::SET_COOKIE,
        b"X-Powered-By" => X_POWERED_BY,
        b"Connection" => header::CONNECTION,
        b"Location" => header::LOCATION,
        b"Expires" => header::EXPIRES,
        b"Status" => STATUS,
        b"Pragma" => header::PRAGMA,
        b"Server" => header::SERVER,
        b"Date" => header::DATE,
        b"Vary" => header::VARY,
        _ => return None,
    })
}

/// PHP sends it with every answer.
const X_POWERED_BY: HeaderName = HeaderName::from_static("x-powered-by");

/// The status of a CGI answer.
const STATUS: HeaderName = HeaderName::from_static("status");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortcuts_lead_to_the_same_names() {
        for text in [
            "Content-Type",
            "Content-type",
            "Content-Length",
            "Cache-Control",
            "Set-Cookie",
            "X-Powered-By",
            "Connection",
            "Location",
            "Expires",
            "Status",
            "Pragma",
            "Server",
            "Date",
            "Vary",
        ] {
            let slow = HeaderName::from_bytes(text.as_bytes()).unwrap();
            assert_eq!(usual(text.as_bytes()), Some(slow), "{text}");
        }
        assert_eq!(name(b"X-ODD").unwrap(), "x-odd");
    }

    #[test]
    fn what_is_no_token_is_named() {
        for (text, error) in [
            (&b""[..], HeadError::EmptyName),
            (b"a ", HeadError::SpaceBeforeColon),
            (b"a\t", HeadError::SpaceBeforeColon),
            (b"a b", HeadError::Name),
            (b"a\0", HeadError::Name),
            (b"\xe4", HeadError::Name),
        ] {
            assert_eq!(name(text), Err(error), "{text:?}");
        }
    }
}
