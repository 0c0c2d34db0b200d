//! What the application is told about a request (RFC 3875, section 4.1).

use super::Fault;
use super::list::Variables;
use super::proxied;
use super::request::{Field, Framing, Request};
use crate::reference::Seeded;

/// Who talks to whom.
#[derive(Clone, Debug, Default)]
pub(super) struct Ends {
    /// Address and port of the client; none on a unix socket.
    pub(super) peer: Option<(String, u16)>,
    /// The port that it connected to.
    pub(super) port: u16,
}

/// The variables, each once.
pub(super) fn of(request: &Request, body: &[u8], ends: &Ends, fault: Seeded<Fault>) -> Vec<Field> {
    let mut variables = Variables(Vec::new());
    variables.set("GATEWAY_INTERFACE", "CGI/1.1");
    variables.set("SERVER_SOFTWARE", SOFTWARE);
    about_request(&mut variables, request, fault);
    about_connection(&mut variables, request, ends, fault);
    about_body(&mut variables, request, body, fault);
    super::fields::add(&mut variables, request, fault);
    variables.0
}

/// The first line of the request.
fn about_request(variables: &mut Variables, request: &Request, fault: Seeded<Fault>) {
    let method = match fault.is(Fault::MethodUppercased) {
        true => request.method.to_ascii_uppercase(),
        false => request.method.clone(),
    };
    variables.set("REQUEST_METHOD", method);
    variables.set("SCRIPT_NAME", "");
    variables.set("PATH_INFO", &request.target.path);
    let query = request.target.query.as_deref();
    if query.is_some() || !fault.is(Fault::NoQueryString) {
        variables.set("QUERY_STRING", query.unwrap_or_default());
    }
    let uri = match fault.is(Fault::UriDecoded) {
        true => &request.target.path,
        false => &request.target.uri,
    };
    variables.set("REQUEST_URI", uri);
    let https = proxied::of(request, fault).https == Some(true);
    variables.set("REQUEST_SCHEME", if https { "https" } else { "http" });
    let fixed = fault.is(Fault::ProtocolFixed);
    let minor = if fixed { 1 } else { request.minor };
    variables.set("SERVER_PROTOCOL", format!("HTTP/1.{minor}"));
}

/// The connection, not what the client says about it.
fn about_connection(variables: &mut Variables, request: &Request, ends: &Ends, fault: Seeded<Fault>) {
    let colon = request.host.iter().rposition(|byte| *byte == b':');
    let (name, port) = match colon {
        Some(colon) if !request.host.ends_with(b"]") => (&request.host[..colon], &request.host[colon + 1..]),
        _ => (&request.host[..], &b""[..]),
    };
    let unnamed = fault.is(Fault::NoNameWithoutHost) && request.values("host").next().is_none();
    variables.set("SERVER_NAME", if unnamed { b"" } else { name });
    let said = proxied::of(request, fault);
    match (port, &said.port) {
        (port, _) if fault.is(Fault::PortFromHost) && !port.is_empty() => variables.set("SERVER_PORT", port),
        (_, Some(port)) => variables.set("SERVER_PORT", port),
        _ => variables.set("SERVER_PORT", ends.port.to_string()),
    }
    let (mut address, port) = ends.peer.clone().unwrap_or_default();
    if let Some(said) = said.address {
        address = String::from_utf8_lossy(&said).into_owned();
    }
    if fault.is(Fault::AddressFromField)
        && let Some(said) = request.values("x-forwarded-for").next()
    {
        address = String::from_utf8_lossy(said).into_owned();
    }
    variables.set("REMOTE_ADDR", address);
    if port > 0 {
        variables.set("REMOTE_PORT", port.to_string());
    }
    let forged =
        fault.is(Fault::HttpsFromField) && request.values("x-forwarded-proto").next() == Some(b"https");
    if forged || said.https == Some(true) {
        variables.set("HTTPS", "on");
    }
    if fault.is(Fault::UserFromCredentials) && request.values("authorization").next().is_some() {
        variables.set("REMOTE_USER", "joe");
    }
}

/// The body, as it will be sent: without transfer coding.
fn about_body(variables: &mut Variables, request: &Request, body: &[u8], fault: Seeded<Fault>) {
    match request.framing {
        Framing::None => {}
        Framing::Chunked if fault.is(Fault::LengthMinusOne) => variables.set("CONTENT_LENGTH", "-1"),
        _ if body.is_empty() && fault.is(Fault::NoLengthForEmpty) => {}
        _ => variables.set("CONTENT_LENGTH", body.len().to_string()),
    }
    match request.values("content-type").next() {
        Some(kind) => variables.set("CONTENT_TYPE", kind),
        None if request.method != b"GET" && fault.is(Fault::DefaultType) => {
            variables.set("CONTENT_TYPE", "application/x-www-form-urlencoded");
        }
        None => {}
    }
}

const SOFTWARE: &str = concat!("bridgehead-conform/", env!("CARGO_PKG_VERSION"));
