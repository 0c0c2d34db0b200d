//! An HTTP backend whose own cost does not matter: a thread for each connection, on a unix socket, in our process.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result};

use super::load::BODY;

/// A responder; it answers until our process ends, or its socket is gone and the connections are closed.
#[derive(Debug)]
pub(crate) struct Responder {
    socket: PathBuf,
}

impl Responder {
    /// Listens in `dir`.
    ///
    /// # Errors
    ///
    /// When that fails.
    pub(crate) fn start(dir: &Path) -> Result<Self> {
        let socket = dir.join("h");
        let listener = UnixListener::bind(&socket).context("cannot listen for the responder")?;
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || serve(stream));
            }
        });
        Ok(Self { socket })
    }

    /// Where it listens.
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }
}

/// Answers each request on a connection. Requests have no body, and nobody sends two at once.
fn serve(mut stream: UnixStream) {
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{BODY}",
        BODY.len()
    );
    let mut request = Vec::new();
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut bytes) {
        request.extend_from_slice(&bytes[..count]);
        if request.ends_with(b"\r\n\r\n") {
            request.clear();
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }
}
