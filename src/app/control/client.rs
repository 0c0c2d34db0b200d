//! The operator's side.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;

use rustix::net::sockopt::socket_peercred;

use super::request::ControlRequest;
use super::{FAILED, FINE, address, is_trusted};

/// Asks the gateway of this process id, and waits for what comes of it, in words.
///
/// # Errors
///
/// When there is no such gateway, it cannot be asked, or does not answer.
pub fn ask(pid: u32, request: &ControlRequest) -> io::Result<Result<String, String>> {
    let mut stream = UnixStream::connect_addr(&address(pid)?)?;
    let peer = socket_peercred(&stream)?;
    if !is_trusted(peer.uid.as_raw()) && !rustix::process::geteuid().is_root() {
        return Err(io::Error::other("the process that answers is another user's"));
    }
    writeln!(stream, "{request}")?;
    stream.shutdown(Shutdown::Write)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    match answer.trim_end().split_once(' ') {
        Some((FINE, text)) => Ok(Ok(text.to_owned())),
        Some((FAILED, text)) => Ok(Err(text.to_owned())),
        _ => Err(io::Error::other(
            "it closed without an answer; does it run as another user?",
        )),
    }
}
