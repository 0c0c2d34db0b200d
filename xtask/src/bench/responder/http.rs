//! HTTP/1.1, as much as the bench's requests use: bodies have a length.

use std::io::{self, BufRead, Read, Write};

use super::{Answer, Connection, until_closed};

/// Answers each request on a connection.
pub(super) fn serve(mut stream: Connection, answer: &Answer) -> io::Result<()> {
    if answer.is_endless {
        return stream_events(stream, answer);
    }
    let body = &answer.body;
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let (first, rest) = body.split_at(body.len().min(WITH_HEAD));
    let first = [head.as_bytes(), first].concat();
    while let Some(length) = head_of(&mut stream)? {
        io::copy(&mut stream.by_ref().take(length), &mut io::sink())?;
        answer.wait();
        stream.get_mut().write_all(&first)?;
        stream.get_mut().write_all(rest)?;
    }
    Ok(())
}

/// Says the beginning of a stream, until its client has had enough.
fn stream_events(mut stream: Connection, answer: &Answer) -> io::Result<()> {
    if head_of(&mut stream)?.is_some() {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
        let size = format!("{:x}\r\n", answer.body.len());
        let event = [head.as_bytes(), size.as_bytes(), &answer.body, b"\r\n"].concat();
        stream.get_mut().write_all(&event)?;
        until_closed(&mut stream)?;
    }
    Ok(())
}

/// Reads a request head; gives the length of the body, or nothing at the end of the connection.
fn head_of(stream: &mut Connection) -> io::Result<Option<u64>> {
    let mut length = 0;
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        match line.trim_end().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
            None if line.trim_end().is_empty() => return Ok(Some(length)),
            _ => {}
        }
    }
}

const WITH_HEAD: usize = 4096; // bytes of a body that go out with the head
