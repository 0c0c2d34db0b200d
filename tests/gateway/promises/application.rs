//! One worker, in each protocol: what has a connection to it has the worker.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Result, bail};
use testbed::{Scripted, ScriptedConnection, fastcgi_record};

use crate::marks::Marks;
use crate::spoken;

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
        let request = spoken::read(protocol, connection)?;
        let path = spoken::target(protocol, &request);
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
        spoken::answer(protocol, &request, connection, &body)?;
        if protocol == "scgi" {
            return Ok(());
        }
    }
}

/// Bytes of a large answer: more than the sockets on its way hold.
pub(super) const LARGE: usize = 12 * 1024 * 1024;

const STDOUT: u8 = 6;
