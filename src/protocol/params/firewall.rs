//! What a client's header fields may become: the check before any variable is made.
//!
//! CGI folds `-` to `_` and upper case, so that `X_Real-Ip` would shadow `X-Real-IP` (reference, section
//! 3.2, rule 5). Only letters, digits and hyphens pass; `Proxy` never does (httpoxy, CVE-2016-5385).

use http::{HeaderMap, HeaderName};

/// Two fields of one request that would become the same variable: somebody tries to shadow one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("two header fields become one variable")]
pub struct Conflict;

/// Removes the fields that must not become variables; gives their number.
///
/// Costs one look at each name, and more only where there is something to remove.
pub fn screen(headers: &mut HeaderMap) -> Result<usize, Conflict> {
    let odd: Vec<HeaderName> = headers.keys().filter(|name| !passes(name)).cloned().collect();
    if odd.iter().any(|name| twin(name, headers).is_some()) {
        return Err(Conflict);
    }
    for name in &odd {
        headers.remove(name);
    }
    Ok(odd.len())
}

/// The two fields that [`screen`] refuses a request for.
pub fn conflict(headers: &HeaderMap) -> Option<(&HeaderName, &HeaderName)> {
    let mut odd = headers.keys().filter(|name| !passes(name));
    odd.find_map(|name| Some((name, twin(name, headers)?)))
}

/// Another field that would become the same variable as `name`.
fn twin<'a>(name: &HeaderName, headers: &'a HeaderMap) -> Option<&'a HeaderName> {
    headers
        .keys()
        .find(|other| *other != name && folds_alike(name, other))
}

/// Whether the name survives the way to a variable and back, and harms nobody there.
fn passes(name: &HeaderName) -> bool {
    let name = name.as_str();
    name.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && name != "proxy"
}

fn folds_alike(one: &HeaderName, other: &HeaderName) -> bool {
    let (one, other) = (one.as_str(), other.as_str());
    one.len() == other.len() && one.bytes().map(fold).eq(other.bytes().map(fold))
}

/// The widest folding that any server is known to do: everything but letters and digits is one character.
fn fold(byte: u8) -> u8 {
    if byte.is_ascii_alphanumeric() {
        byte.to_ascii_lowercase()
    } else {
        b'_'
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(names: &[&str]) -> HeaderMap {
        let pairs = names
            .iter()
            .map(|name| (name.parse::<HeaderName>().unwrap(), "1".parse().unwrap()));
        HeaderMap::from_iter(pairs)
    }

    #[test]
    fn ordinary_fields_pass() {
        let mut headers = fields(&["host", "x-forwarded-for", "sec-ch-ua"]);
        assert_eq!(screen(&mut headers), Ok(0));
        assert_eq!(headers.len(), 3);
    }

    #[test]
    fn odd_names_and_proxy_are_dropped_and_counted() {
        let mut headers = fields(&["x_under", "x.dot", "proxy", "host"]);
        assert_eq!(screen(&mut headers), Ok(3));
        assert_eq!(
            headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(),
            ["host"]
        );
    }

    #[test]
    fn a_field_that_shadows_another_is_an_attack() {
        for names in [
            ["x-real-ip", "x_real_ip"],
            ["content-length", "content_length"],
            ["x_a", "x.a"],
        ] {
            assert_eq!(screen(&mut fields(&names)), Err(Conflict), "{names:?}");
        }
    }
}
