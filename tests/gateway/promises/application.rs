//! One worker, in each protocol: what has a connection to it has the worker.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Result, bail};
use testbed::{Scripted, ScriptedConnection, ScriptedRequest, fastcgi_record};

use crate::marks::Marks;

/// Starts the worker of an upstream; `name` is what it waits for where the target says so.
pub(super) fn start(protocol: &'static str, name: &'static str, marks: &Arc<Marks>) -> Scripted {
    let (worker, marks) = (Mutex::new(()), marks.clone());
    let serve = move |mut connection| {
        let _busy = worker.lock().unwrap_or_else(PoisonError::into_inner);
        serve(protocol, name, &mut connection, &marks)
    };
    Scripted::start(serve).expect("the application starts")
}

/// Serves requests until the gateway closes, or the protocol wants the application to.
fn serve(protocol: &str, name: &str, connection: &mut ScriptedConnection, marks: &Marks) -> Result<()> {
    loop {
        let request = read(protocol, connection)?;
        let path = path(protocol, &request);
        match path.rsplit('/').next() {
            Some("wait") => marks.wait(name)?,
            // The first time.
            Some("die") if !marks.is_set(&path, std::time::Duration::ZERO) => {
                marks.set(&path);
                marks.wait(name)?;
                bail!("died");
            }
            Some("off") => {
                let head = b"Content-Type: text/plain\r\nContent-Length: 100\r\n\r\nonly this";
                connection.write(match protocol {
                    "fastcgi" => fastcgi_record(STDOUT, request.id, head)?,
                    "scgi" => head.to_vec(),
                    _ => [b"HTTP/1.1 200 OK\r\n".as_slice(), head].concat(),
                })?;
                marks.wait(name)?;
                bail!("cut off");
            }
            _ => {}
        }
        let body = match path.ends_with("/large") {
            true => vec![b'x'; LARGE],
            false => b"done".to_vec(),
        };
        answer(protocol, &request, connection, &body)?;
        if protocol == "scgi" {
            return Ok(());
        }
    }
}

fn read(protocol: &str, connection: &mut ScriptedConnection) -> Result<ScriptedRequest> {
    match protocol {
        "fastcgi" => connection.read_fastcgi(),
        "uwsgi" => connection.read_uwsgi(),
        "scgi" => connection.read_scgi(),
        _ => connection.read_http(),
    }
}

fn path(protocol: &str, request: &ScriptedRequest) -> String {
    let path = match protocol {
        "http" => request.line.split(' ').nth(1),
        _ => request.param("REQUEST_URI"),
    };
    path.unwrap_or_default().to_owned()
}

fn answer(
    protocol: &str,
    request: &ScriptedRequest,
    connection: &mut ScriptedConnection,
    body: &[u8],
) -> Result<()> {
    let head = format!(
        "Content-Type: text/plain\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    match protocol {
        "fastcgi" => connection.fastcgi_response(request.id, &[head.as_bytes(), body].concat()),
        "scgi" => connection.write([head.as_bytes(), body].concat()),
        _ => connection.write([b"HTTP/1.1 200 OK\r\n", head.as_bytes(), body].concat()),
    }
}

/// Bytes of a large answer: more than the sockets on its way hold.
pub(super) const LARGE: usize = 12 * 1024 * 1024;

const STDOUT: u8 = 6;
