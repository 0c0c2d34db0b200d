//! What an application says in the protocol that it speaks.

use anyhow::Result;
use testbed::{ScriptedConnection, ScriptedRequest};

/// All of them.
pub(crate) const PROTOCOLS: [&str; 4] = ["fastcgi", "uwsgi", "scgi", "http"];

/// The next request.
pub(crate) fn read(protocol: &str, connection: &mut ScriptedConnection) -> Result<ScriptedRequest> {
    match protocol {
        "fastcgi" => connection.read_fastcgi(),
        "uwsgi" => connection.read_uwsgi(),
        "scgi" => connection.read_scgi(),
        _ => connection.read_http(),
    }
}

/// What it asks for.
pub(crate) fn target(protocol: &str, request: &ScriptedRequest) -> String {
    let path = match protocol {
        "http" => request.line.split(' ').nth(1),
        _ => request.param("REQUEST_URI"),
    };
    path.unwrap_or_default().to_owned()
}

/// A plain answer of known length.
pub(crate) fn answer(
    protocol: &str,
    request: &ScriptedRequest,
    connection: &mut ScriptedConnection,
    body: &[u8],
) -> Result<()> {
    let head = format!(
        "Content-Type: text/plain\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    say(protocol, request, connection, &[head.as_bytes(), body].concat())
}

/// An answer of status 200 with these fields and this body.
pub(crate) fn say(
    protocol: &str,
    request: &ScriptedRequest,
    connection: &mut ScriptedConnection,
    text: &[u8],
) -> Result<()> {
    match protocol {
        "fastcgi" => connection.fastcgi_response(request.id, text),
        "scgi" => connection.write(text),
        _ => connection.write([b"HTTP/1.1 200 OK\r\n", text].concat()),
    }
}
