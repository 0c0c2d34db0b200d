//! Carries out an exchange and keeps its bytes.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::case::{Turn, Until};

/// What went over the connection.
#[derive(Debug)]
pub(crate) struct Traffic {
    /// Request and answer, turn by turn.
    pub(crate) turns: Vec<(Vec<u8>, Vec<u8>)>,
    /// Whether the server closed the connection after the last answer.
    pub(crate) is_closed: bool,
}

/// Takes the turns one after the other on one connection.
///
/// # Errors
///
/// When the server does not answer in time, or with less than was asked for.
pub(crate) fn perform(socket: &Path, turns: &[Turn]) -> Result<Traffic> {
    let mut stream = UnixStream::connect(socket).context("cannot connect")?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut traffic = Traffic {
        turns: Vec::new(),
        is_closed: false,
    };
    for turn in turns {
        stream.write_all(&turn.request).context("cannot send")?;
        let answer = receive(&mut stream, turn.until)?;
        traffic.turns.push((turn.request.clone(), answer));
    }
    traffic.is_closed = is_closed(&mut stream)?;
    Ok(traffic)
}

fn receive(stream: &mut UnixStream, until: Until) -> Result<Vec<u8>> {
    let mut answer = Vec::new();
    let mut piece = vec![0; 65536];
    while !is_complete(&answer, until) {
        match stream.read(&mut piece) {
            Ok(0) if until == Until::Eof => break,
            Ok(0) => bail!("EOF after {} bytes, before {until:?}", answer.len()),
            Ok(count) => answer.extend(&piece[..count]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset && until == Until::Eof => break,
            Err(error) => return Err(error).with_context(|| format!("nothing after {} bytes", answer.len())),
        }
    }
    Ok(answer)
}

/// Whether the server has closed, or does so within a moment.
fn is_closed(stream: &mut UnixStream) -> Result<bool> {
    stream.set_read_timeout(Some(MOMENT))?;
    match stream.read(&mut [0]) {
        Ok(0) => Ok(true),
        Ok(_) => bail!("more bytes came than belong to the answer"),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
        Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(true),
        Err(error) => Err(error.into()),
    }
}

fn is_complete(answer: &[u8], until: Until) -> bool {
    match until {
        Until::Eof => false,
        Until::Record(kind) => has_record(answer, kind),
        Until::Length => has_length(answer),
    }
}

fn has_record(mut answer: &[u8], wanted: u8) -> bool {
    while let [_, kind, _, _, high, low, padding, _, rest @ ..] = answer {
        let size = usize::from(u16::from_be_bytes([*high, *low])) + usize::from(*padding);
        if rest.len() < size {
            return false;
        }
        if *kind == wanted {
            return true;
        }
        answer = &rest[size..];
    }
    false
}

fn has_length(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else {
        return false;
    };
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    answer.len() >= end + 4 + length.unwrap_or(0)
}

const PATIENCE: Duration = Duration::from_secs(8); // uWSGI gives up after 4
const MOMENT: Duration = Duration::from_millis(300); // Gunicorn keeps a connection for two seconds
