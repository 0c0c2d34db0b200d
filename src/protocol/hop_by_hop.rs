//! Fields that concern one connection only (RFC 9110, section 7.6.1): removed before anything is passed on.

use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue};

/// Never removed because `Connection` names them: a client must not be able to hide what we or the
/// application rely on (reference, section 4, "Connection-named fields").
const ESSENTIAL: [HeaderName; 6] = [
    header::HOST,
    header::COOKIE,
    header::AUTHORIZATION,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::SET_COOKIE,
];

/// Removes every hop-by-hop field, and those that `Connection` names.
///
/// Costs one look at each name, and more only where there is something to remove.
pub fn strip(headers: &mut HeaderMap) {
    let mut doomed: Vec<HeaderName> = headers
        .keys()
        .filter(|name| is_hop_by_hop(name))
        .cloned()
        .collect();
    if doomed.contains(&header::CONNECTION) {
        doomed.extend(named(headers));
    }
    for name in doomed {
        headers.remove(name);
    }
}

/// Whether a field is always about one connection, whether `Connection` names it or not.
fn is_hop_by_hop(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
            | "proxy-authenticate"
            | "keep-alive"
            | "proxy-connection"
            | "http2-settings"
    )
}

/// Whether `Connection` lists `option`.
pub fn connection_has(headers: &HeaderMap, option: &str) -> bool {
    let values = headers.get_all(header::CONNECTION).iter();
    values
        .flat_map(members)
        .any(|member| member.eq_ignore_ascii_case(option))
}

/// The fields that `Connection` names and that may be removed.
fn named(headers: &HeaderMap) -> Vec<HeaderName> {
    let values = headers.get_all(header::CONNECTION).iter();
    let names = values.flat_map(members).filter_map(|member| member.parse().ok());
    names
        .filter(|name: &HeaderName| !ESSENTIAL.contains(name) && !name.as_str().starts_with("x-forwarded-"))
        .collect()
}

fn members(value: &HeaderValue) -> impl Iterator<Item = &str> {
    value.to_str().unwrap_or("").split(',').map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(fields: &[(&str, &str)]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        strip(&mut headers);
        let mut names: Vec<_> = headers.keys().map(ToString::to_string).collect();
        names.sort();
        names
    }

    #[test]
    fn the_known_ones_go() {
        let fields = [
            ("keep-alive", "5"),
            ("te", "trailers"),
            ("upgrade", "h2c"),
            ("trailer", "x"),
            ("transfer-encoding", "chunked"),
            ("proxy-connection", "close"),
            ("accept", "*/*"),
        ];
        assert_eq!(left(&fields), ["accept"]);
    }

    #[test]
    fn named_ones_go_except_what_others_rely_on() {
        let fields = [
            ("connection", "close, X-Secret"),
            ("connection", "Host , cookie,x-forwarded-for"),
            ("x-secret", "1"),
            ("host", "a"),
            ("cookie", "a=1"),
            ("x-forwarded-for", "192.0.2.1"),
        ];
        assert_eq!(left(&fields), ["cookie", "host", "x-forwarded-for"]);
    }

    #[test]
    fn an_option_is_found_in_any_member() {
        let mut headers = HeaderMap::new();
        headers.append(
            header::CONNECTION,
            HeaderValue::from_static("keep-alive, Upgrade"),
        );
        assert!(connection_has(&headers, "upgrade"));
        assert!(!connection_has(&headers, "close"));
    }
}
