//! Which header fields become variables (RFC 3875, section 4.1.18).

use super::Fault;
use super::list::Variables;
use super::proxied;
use super::request::Request;
use crate::reference::Seeded;

/// Adds HTTP_ variables: several fields of one name are one variable.
pub(super) fn add(variables: &mut Variables, request: &Request, fault: Seeded<Fault>) {
    variables.set("HTTP_HOST", &request.host);
    for (name, value) in &request.fields {
        let name = name.to_ascii_lowercase();
        if !is_passed(&name, request, fault) {
            continue;
        }
        let upper: Vec<u8> = name
            .iter()
            .map(|byte| {
                if byte.is_ascii_alphanumeric() {
                    byte.to_ascii_uppercase()
                } else {
                    b'_'
                }
            })
            .collect();
        let prefix: &[u8] = if fault.is(Fault::NamesWithoutPrefix) {
            b""
        } else {
            b"HTTP_"
        };
        let variable = [prefix, &upper].concat();
        // RFC 9113, section 8.2.3, for cookies; RFC 9110, section 5.3, for the others.
        let cookies = name == b"cookie" && !fault.is(Fault::CookiesJoinedWithCommas);
        let separator: &[u8] = if cookies { b"; " } else { b", " };
        match variables.value_mut(&variable) {
            Some(known) if !fault.is(Fault::TwoVariables) => {
                known.extend_from_slice(separator);
                known.extend_from_slice(value);
            }
            _ => variables.set(variable, value),
        }
    }
}

/// Whether a field, its name in lower case, is for the application.
pub(super) fn is_passed(name: &[u8], request: &Request, fault: Seeded<Fault>) -> bool {
    // A name with other signs would become the variable of a field that has hyphens there.
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    let permitted = match name {
        name if fault.is(Fault::UnderscoresPassed) => name.iter().all(|byte| plain(byte) || *byte == b'_'),
        name if fault.is(Fault::OddNamesPassed) => !name.contains(&b'_'),
        name => name.iter().all(plain),
    };
    if !permitted {
        return false;
    }
    match name {
        // httpoxy: CVE-2016-5385.
        b"proxy" => fault.is(Fault::ProxyPassed),
        // These are variables of their own.
        b"host" => false,
        b"content-length" | b"content-type" => fault.is(Fault::HttpLengthPassed),
        b"transfer-encoding" => fault.is(Fault::CodingPassed),
        b"upgrade" => fault.is(Fault::UpgradePassed),
        b"expect" => fault.is(Fault::ExpectPassed),
        b"connection" | b"keep-alive" | b"proxy-connection" | b"te" | b"trailer" | b"proxy-authorization" => {
            fault.is(Fault::HopFieldsPassed)
        }
        // Elsewhere no client is known to be a proxy.
        b"forwarded" | b"x-real-ip" => is_believed(request, fault),
        name if name.starts_with(b"x-forwarded-") => is_believed(request, fault),
        name => !is_named_by_connection(name, request, fault),
    }
}

/// Whether what the client says of another is passed on.
fn is_believed(request: &Request, fault: Seeded<Fault>) -> bool {
    let trusted = proxied::is_trusted(request) && !fault.is(Fault::TrustedFieldsDropped);
    trusted || fault.is(Fault::ForwardedPassed)
}

/// RFC 9110, section 7.6.1; but nobody can name away what others rely on.
fn is_named_by_connection(name: &[u8], request: &Request, fault: Seeded<Fault>) -> bool {
    let essential = matches!(name, b"cookie" | b"authorization") && !fault.is(Fault::ConnectionRemovesAll);
    let named = std::str::from_utf8(name).is_ok_and(|name| request.lists("connection", name));
    named && !essential && !fault.is(Fault::HopFieldsPassed)
}
