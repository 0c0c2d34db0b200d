//! A backend whose own cost does not matter: a thread for each connection, on a unix socket, in our process. What it
//! answers is always the same.

mod fastcgi;
mod http;
mod uwsgi;

use std::io::{self, BufReader};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, sleep};
use std::time::Duration;

use anyhow::{Context, Result};

use super::site::{Canned, Content, Wire};

/// A responder; it answers until our process ends.
#[derive(Debug)]
pub(crate) struct Responder {
    socket: PathBuf,
}

impl Responder {
    /// Listens in `dir`, and gives every request the same answer.
    ///
    /// # Errors
    ///
    /// When that fails.
    pub(crate) fn start(dir: &Path, canned: Canned) -> Result<Self> {
        let Canned {
            wire, pause, kind, ..
        } = canned;
        let socket = dir.join(format!("{wire:?}").to_lowercase());
        let listener = UnixListener::bind(&socket).context("cannot listen for the responder")?;
        let serve = match wire {
            Wire::Http => http::serve,
            Wire::Fastcgi => fastcgi::serve,
            Wire::Uwsgi => uwsgi::serve,
        };
        let answer = Arc::new(Answer {
            is_endless: kind == Content::Event,
            body: canned.content(),
            pause,
        });
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let answer = answer.clone();
                // An error is the server's way to close: the load sees it when an answer was wanted.
                thread::spawn(move || serve(BufReader::with_capacity(BUFFER, stream), &answer));
            }
        });
        Ok(Self { socket })
    }

    /// Where it listens.
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }
}

/// What is sent for each request.
#[derive(Debug)]
struct Answer {
    body: Vec<u8>,
    /// Whether nothing comes behind it, and no end either.
    is_endless: bool,
    pause: Duration,
}

impl Answer {
    /// Lets the server come to rest before the answer wakes it.
    fn wait(&self) {
        if !self.pause.is_zero() {
            sleep(self.pause);
        }
    }
}

/// Waits for the server to close, which knows that the answer is complete. An end of ours would reach it together with
/// the answer at one time and after it at another.
fn until_closed(stream: &mut Connection) -> io::Result<()> {
    io::copy(stream, &mut io::sink()).map(drop)
}

/// A connection of the responder.
type Connection = BufReader<UnixStream>;

const BUFFER: usize = 64 * 1024; // bytes

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    use tempfile::TempDir;

    use super::*;

    /// What comes back for `request` until the responder closes, or nothing comes after half the connection is closed.
    fn answer(wire: Wire, size: usize, request: &[u8]) -> Vec<u8> {
        let dir = TempDir::with_prefix("bh-").unwrap();
        let pause = Duration::ZERO;
        let responder = Responder::start(
            dir.path(),
            Canned {
                wire,
                size,
                pause,
                kind: Content::Hello,
            },
        )
        .unwrap();
        let mut stream = UnixStream::connect(responder.socket()).unwrap();
        stream.write_all(request).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        answer
    }

    #[test]
    fn http_requests_are_answered_one_by_one_behind_their_bodies() {
        let two = b"POST / HTTP/1.1\r\ncontent-length: 4\r\n\r\nbodyGET / HTTP/1.1\r\n\r\n";
        let text = String::from_utf8(answer(Wire::Http, 11, two)).unwrap();
        assert_eq!(text.matches("HTTP/1.1 200 OK\r\n").count(), 2);
        assert_eq!(text.matches("\r\n\r\nhello world").count(), 2);
    }

    #[test]
    fn fastcgi_answers_end_with_their_record_and_are_split_where_records_end() {
        let begin = [1, 1, 0, 1, 0, 8, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]; // responder, keep
        let rest = [1, 4, 0, 1, 0, 0, 0, 0, 1, 5, 0, 1, 0, 0, 0, 0]; // no parameters, no body
        let request = [begin, rest, begin, rest].concat();
        let bytes = answer(Wire::Fastcgi, 100_000, &request);
        let end = [1, 3, 0, 1, 0, 8, 0, 0];
        assert_eq!(bytes.windows(8).filter(|window| *window == end).count(), 2);
        assert!(bytes.len() > 2 * 100_000);
    }

    #[test]
    fn a_uwsgi_connection_takes_one_request() {
        let request = [0, 3, 0, 0, 1, 0, b'a'];
        let text = String::from_utf8(answer(Wire::Uwsgi, 11, &request)).unwrap();
        assert!(text.starts_with("HTTP/1.1 200 OK\r\n"));
        assert!(text.ends_with("\r\n\r\nhello world"));
    }
}
