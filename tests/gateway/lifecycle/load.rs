//! Clients that never stop asking, and that notice everything.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// Where to ask.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// Clients at work.
pub(super) struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    clients: Vec<JoinHandle<Vec<String>>>,
}

impl Load {
    /// At each place one client that keeps its connection, and one that takes a new one for every request.
    pub(super) fn start(places: &[Place]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let answered = Arc::new(AtomicUsize::new(0));
        let all = places
            .iter()
            .flat_map(|place| [true, false].map(|kept| (place.clone(), kept)));
        let clients = all.map(|(place, kept)| {
            let (stop, answered) = (stop.clone(), answered.clone());
            spawn(move || ask(&place, kept, &stop, &answered))
        });
        Self {
            clients: clients.collect(),
            stop,
            answered,
        }
    }

    /// Requests answered so far.
    pub(super) fn answered(&self) -> usize {
        self.answered.load(Ordering::Relaxed)
    }

    /// Waits for some more answers.
    #[track_caller]
    pub(super) fn go_on(&self, more: usize) {
        let enough = self.answered() + more;
        super::eventually("answers", || {
            self.answered() >= enough || self.clients.iter().all(JoinHandle::is_finished)
        });
    }

    /// What went wrong.
    pub(super) fn finish(self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.clients.into_iter().map(JoinHandle::join);
        ended.flat_map(|failures| failures.expect("a client")).collect()
    }
}

trait Socket: Read + Write + Send {}
impl<T: Read + Write + Send> Socket for T {}

fn connect(place: &Place) -> Result<BufReader<Box<dyn Socket>>> {
    let socket: Box<dyn Socket> = match place {
        Place::Tcp(address) => {
            let stream = TcpStream::connect(address)?;
            stream.set_read_timeout(Some(LIMIT))?;
            Box::new(stream)
        }
        Place::Unix(path) => {
            let stream = UnixStream::connect(path)?;
            stream.set_read_timeout(Some(LIMIT))?;
            Box::new(stream)
        }
    };
    Ok(BufReader::new(socket))
}

/// Asks until it is stopped; gives what went wrong.
fn ask(place: &Place, kept: bool, stop: &AtomicBool, answered: &AtomicUsize) -> Vec<String> {
    let mut failures = Vec::new();
    let mut open = None;
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) && failures.len() < 10 {
        number += 1;
        match exchange(place, kept, &mut open, number) {
            Ok(()) => {
                answered.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => {
                failures.push(format!("{place:?} kept={kept} request {number}: {error:#}"));
                open = None;
            }
        }
        // The pace of a client.
        sleep(Duration::from_millis(1));
    }
    failures
}

fn exchange(
    place: &Place,
    kept: bool,
    open: &mut Option<BufReader<Box<dyn Socket>>>,
    number: usize,
) -> Result<()> {
    let body = if number.is_multiple_of(3) {
        "some bytes"
    } else {
        ""
    };
    let socket = match open {
        Some(socket) => socket,
        None => open.insert(connect(place).context("connect")?),
    };
    let close = if kept { "" } else { "Connection: close\r\n" };
    let request = format!(
        "POST /{number} HTTP/1.1\r\nHost: a\r\n{close}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.get_mut().write_all(request.as_bytes()).context("write")?;
    let (last, text) = answer(socket)?;
    ensure!(text == format!("/{number} {}", body.len()), "wrong body {text:?}");
    if last {
        let rest = socket.read(&mut [0]).context("after the last answer")?;
        ensure!(rest == 0, "something came after the last answer");
        *open = None;
    }
    Ok(())
}

/// Whether it was the last one, and the body.
fn answer(socket: &mut BufReader<Box<dyn Socket>>) -> Result<(bool, String)> {
    let (mut length, mut last) = (0, false);
    let mut status = String::new();
    socket.read_line(&mut status).context("status line")?;
    ensure!(status.starts_with("HTTP/1.1 200 "), "answered {status:?}");
    loop {
        let mut line = String::new();
        socket.read_line(&mut line).context("head")?;
        match line.trim().to_ascii_lowercase().split_once(": ") {
            Some(("content-length", value)) => length = value.parse()?,
            Some(("connection", "close")) => last = true,
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    socket.read_exact(&mut body).context("body")?;
    Ok((last, String::from_utf8(body)?))
}

const LIMIT: Duration = Duration::from_secs(20);
