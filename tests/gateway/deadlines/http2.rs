//! The states of HTTP/2.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::cell::{Cell, LIMIT, LIVES};
use super::place::MEDIUM;
use crate::http::frames::*;

/// A connection, and what was seen on it.
struct Watched<'a> {
    cell: &'a Cell,
    http: Http2,
    /// HEADERS of the stream.
    answered: bool,
    /// GOAWAY without an error.
    goodbye: bool,
    /// DATA of the stream.
    data: Vec<u8>,
    /// What may be sent, on the stream and on the connection.
    windows: [usize; 2],
    /// PINGs are answered.
    pongs: bool,
}

impl<'a> Watched<'a> {
    fn begin(cell: &'a Cell) -> Result<Self> {
        Ok(Self {
            cell,
            http: Http2::begin(cell.client()?),
            answered: false,
            goodbye: false,
            data: Vec::new(),
            windows: [WINDOW; 2],
            pongs: cell.pongs,
        })
    }

    /// With a request for `path`.
    fn ask(cell: &'a Cell, path: &str) -> Result<Self> {
        let mut watched = Self::begin(cell)?;
        let target = cell.target(path);
        watched.http.headers(STREAM, &fields("GET", &target), END_STREAM);
        Ok(watched)
    }

    /// With the head of a request whose body is to have that length.
    fn post(cell: &'a Cell, path: &str, length: usize) -> Result<Self> {
        let mut watched = Self::begin(cell)?;
        let (target, length) = (cell.target(path), length.to_string());
        let length = [("content-length", length.as_str())];
        let fields = [&fields("POST", &target)[..], &length].concat();
        watched.http.headers(STREAM, &fields, 0);
        Ok(watched)
    }

    /// Sends a body, of which `left` bytes are left, until the gateway has taken nothing more for as long as `patience`.
    fn upload(&mut self, left: &mut usize, patience: Duration) -> Result<Option<&'static str>> {
        while *left > 0 {
            while *left > 0 && self.windows.iter().all(|window| *window >= PIECE) {
                *left -= PIECE;
                let flags = if *left == 0 { END_STREAM } else { 0 };
                self.http.frame(DATA, flags, STREAM, &[b'x'; PIECE]);
                self.windows = self.windows.map(|window| window - PIECE);
            }
            if *left == 0 {
                break;
            }
            match self.next(Instant::now() + patience)? {
                Next::Frame => {}
                Next::End(how) => return Ok(Some(how)),
                Next::Nothing => break,
            }
        }
        Ok(None)
    }

    /// How the stream or the connection ends; `None` when neither does.
    fn end(&mut self) -> Result<Option<&'static str>> {
        let mut end = Instant::now() + self.cell.patience();
        loop {
            match self.next(end)? {
                Next::Frame if self.goodbye => end = end.min(Instant::now() + FAREWELL),
                Next::Frame => {}
                Next::End(how) => return Ok(Some(how)),
                Next::Nothing => return Ok(self.goodbye.then_some("told to go")),
            }
        }
    }

    /// The same with the line of its request.
    fn ended(&mut self) -> Result<Option<String>> {
        let end = self.end()?;
        end.map(|how| self.cell.logged(how)).transpose()
    }

    fn next(&mut self, end: Instant) -> Result<Next> {
        let left = end.saturating_duration_since(Instant::now());
        let stream = self.http.0.stream();
        stream.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
        let header = self.http.0.take(9);
        self.http.0.stream().set_read_timeout(Some(LIMIT))?;
        let header = match header {
            Ok(header) if header.len() == 9 => header,
            Ok(_) => return Ok(Next::End(if self.goodbye { "goodbye" } else { "closed" })),
            Err(error) if format!("{error:#}").contains("nothing came") => return Ok(Next::Nothing),
            Err(_) => return Ok(Next::End("closed")),
        };
        let number = |bytes: &[u8]| {
            bytes
                .iter()
                .fold(0, |number, byte| number << 8 | usize::from(*byte))
        };
        let payload = self.http.0.take(number(&header[..3]))?;
        let (kind, flags, stream) = (header[3], header[4], number(&header[5..]) as u32);
        match kind {
            PING if flags & ACK == 0 && self.pongs => self.http.frame(PING, ACK, 0, &payload),
            GOAWAY if number(&payload[4..8]) == usize::from(NO_ERROR) => self.goodbye = true,
            GOAWAY => bail!("GOAWAY {payload:?}"),
            WINDOW_UPDATE => self.windows[usize::from(stream == 0)] += number(&payload),
            HEADERS if stream == STREAM => self.answered = true,
            DATA if stream == STREAM => self.data.extend(payload),
            RST_STREAM if stream == STREAM && self.answered => return Ok(Next::End("cut")),
            RST_STREAM if stream == STREAM => return Ok(Next::End("reset")),
            _ => {}
        }
        match stream == STREAM && matches!(kind, HEADERS | DATA) && flags & END_STREAM != 0 {
            true => Ok(Next::End("answered")),
            false => Ok(Next::Frame),
        }
    }

    /// The rest of the answer, which is a good one.
    fn well(mut self) -> Result<String> {
        let end = Instant::now() + LIMIT;
        loop {
            match self.next(end)? {
                Next::Frame => {}
                Next::End("answered") => break,
                Next::End(how) => bail!("{how} instead of an answer"),
                Next::Nothing => bail!("no answer"),
            }
        }
        let logged = self.cell.logged(LIVES)?;
        ensure!(logged == format!("{LIVES} 200"), "{logged}");
        Ok(LIVES.to_owned())
    }

    /// A whole request on a stream of its own.
    fn asks(mut self, stream: u32) -> Result<String> {
        self.http.headers(stream, &fields("GET", "/fixed"), END_STREAM);
        let outcome = self.http.outcome(stream);
        ensure!(outcome == Outcome::Answer(200, "fixed".to_owned()), "{outcome:?}");
        Ok(LIVES.to_owned())
    }
}

enum Next {
    Frame,
    End(&'static str),
    Nothing,
}

fn fields<'a>(method: &'a str, target: &'a str) -> [(&'a str, &'a str); 4] {
    [
        (":method", method),
        (":scheme", "http"),
        (":path", target),
        (":authority", "a.example"),
    ]
}

pub(super) fn preface(cell: &Cell) -> Result<String> {
    let mut client = cell.client()?;
    let (begin, rest) = PREFACE.split_at(17);
    client.send(begin)?;
    if cell.stirs(&client)? {
        ensure!(client.rest()? == b"");
        return Ok("closed".to_owned());
    }
    client.send(rest)?;
    let mut watched = Watched::begin(cell)?;
    watched.http.0 = client;
    watched.http.frame(SETTINGS, 0, 0, b"");
    watched.asks(1)
}

pub(super) fn greeted(cell: &Cell) -> Result<String> {
    let mut watched = Watched::begin(cell)?;
    watched.http.0 = cell.client()?;
    watched.http.0.send(PREFACE)?;
    if let Some(end) = watched.end()? {
        return Ok(end.to_owned());
    }
    watched.http.frame(SETTINGS, 0, 0, b"");
    watched.asks(1)
}

pub(super) fn idle(cell: &Cell) -> Result<String> {
    let mut watched = Watched::begin(cell)?;
    watched.http.headers(3, &fields("GET", "/fixed"), END_STREAM);
    ensure!(watched.http.outcome(3) == Outcome::Answer(200, "fixed".to_owned()));
    match watched.end()? {
        Some(end) => Ok(end.to_owned()),
        None => watched.asks(5),
    }
}

pub(super) fn head(cell: &Cell) -> Result<String> {
    let mut watched = Watched::begin(cell)?;
    // In the middle of a head there is no place for an answer.
    watched.pongs = false;
    let target = cell.target("/");
    let fields = fields("GET", &target);
    let (first, rest) = fields.split_at(2);
    watched.http.frame(HEADERS, END_STREAM, STREAM, &block(first));
    if let Some(end) = watched.end()? {
        return Ok(end.to_owned());
    }
    watched
        .http
        .frame(CONTINUATION, END_HEADERS, STREAM, &block(rest));
    watched.well()
}

pub(super) fn body(cell: &Cell) -> Result<String> {
    half_a_body(cell, "/")
}

pub(super) fn streamed_body(cell: &Cell) -> Result<String> {
    half_a_body(cell, "/streamed")
}

fn half_a_body(cell: &Cell, path: &str) -> Result<String> {
    let mut watched = Watched::post(cell, path, 8)?;
    watched.http.frame(DATA, 0, STREAM, b"half");
    if let Some(end) = watched.ended()? {
        return Ok(end);
    }
    watched.http.frame(DATA, END_STREAM, STREAM, b"rest");
    watched.well()
}

pub(super) fn refused_body(cell: &Cell) -> Result<String> {
    let mut left = MEDIUM;
    let mut watched = Watched::post(cell, "/deaf", left)?;
    if let Some(how) = watched.upload(&mut left, PAUSE)? {
        return cell.logged(how);
    }
    ensure!(left > 0, "all of it was taken");
    if let Some(end) = watched.ended()? {
        return Ok(end);
    }
    cell.place.marks.set("deaf");
    match watched.upload(&mut left, LIMIT)? {
        None => watched.well(),
        Some(how) => bail!("{how}, with {left} bytes left"),
    }
}

pub(super) fn queued(cell: &Cell) -> Result<String> {
    let mut watched = Watched::ask(cell, "/one")?;
    if let Some(end) = watched.ended()? {
        return Ok(end);
    }
    cell.place.marks.set("occupant");
    watched.well()
}

pub(super) fn working(cell: &Cell) -> Result<String> {
    let mut watched = Watched::ask(cell, "/wait")?;
    let end = watched.ended()?;
    cell.go_on();
    end.map_or_else(|| watched.well(), Ok)
}

pub(super) fn pausing(cell: &Cell) -> Result<String> {
    let mut watched = Watched::ask(cell, "/streamed/pause")?;
    let end = watched.ended()?;
    cell.go_on();
    ensure!(watched.data == b"one", "{:?}", watched.data);
    end.map_or_else(|| watched.well(), Ok)
}

/// Without any window.
pub(super) fn sending(cell: &Cell) -> Result<String> {
    let mut watched = Watched::begin(cell)?;
    watched.http.frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]);
    watched.http.sync();
    let target = cell.target("/streamed/medium");
    watched.http.headers(STREAM, &fields("GET", &target), END_STREAM);
    if let Some(end) = watched.ended()? {
        return Ok(end);
    }
    for stream in [0, STREAM] {
        let window = u32::try_from(MEDIUM).context("a window")?;
        watched
            .http
            .frame(WINDOW_UPDATE, 0, stream, &window.to_be_bytes());
    }
    watched.well()
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const STREAM: u32 = 1;
const WINDOW: usize = 65_535; // bytes, before anything is said about it
const PIECE: usize = 16_384; // bytes
const PAUSE: Duration = Duration::from_millis(500);
const FAREWELL: Duration = Duration::from_secs(3); // for the end of a connection whose client was told to go
