//! Endpoints that misbehave, in each protocol.

use anyhow::Result;
use testbed::{Kind, Scripted, ScriptedConnection, ScriptedRequest, fastcgi_record};

/// Takes every request and never answers.
///
/// # Errors
///
/// When it cannot listen.
pub(crate) fn silent(kind: Kind) -> Result<Scripted> {
    Scripted::start(move |mut connection| {
        read(kind, &mut connection)?;
        connection.wait_close().map(drop)
    })
}

/// Takes every request and closes in the middle of its answer: every other time within the head, every other time
/// after the head and some bytes of the body that it announced.
///
/// # Errors
///
/// When it cannot listen.
pub(crate) fn dying(kind: Kind) -> Result<Scripted> {
    Scripted::start(move |mut connection| {
        let request = read(kind, &mut connection)?;
        let answer = match connection.number % 2 {
            0 => "Content-Type: text/plain\r\nContent-Le",
            _ => "Content-Type: text/plain\r\nContent-Length: 1000\r\n\r\nonly this",
        };
        connection.write(match kind.protocol() {
            "fastcgi" => fastcgi_record(
                STDOUT,
                request.id,
                format!("Status: 200 OK\r\n{answer}").as_bytes(),
            )?,
            _ => format!("HTTP/1.1 200 OK\r\n{answer}").into_bytes(),
        })
    })
}

fn read(kind: Kind, connection: &mut ScriptedConnection) -> Result<ScriptedRequest> {
    match kind.protocol() {
        "fastcgi" => connection.read_fastcgi(),
        "uwsgi" => connection.read_uwsgi(),
        "scgi" => connection.read_scgi(),
        _ => connection.read_http(),
    }
}

const STDOUT: u8 = 6;
