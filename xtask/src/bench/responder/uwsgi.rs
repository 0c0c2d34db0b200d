//! uwsgi, requests without a body.

use std::io::{self, Read, Write};

use super::{Answer, Connection, until_closed};

/// Answers one request.
pub(super) fn serve(mut stream: Connection, answer: &Answer) -> io::Result<()> {
    let body = &answer.body;
    let mut header = [0; 4];
    stream.read_exact(&mut header)?;
    let [_, low, high, _] = header;
    let length = u64::from(u16::from_le_bytes([low, high]));
    io::copy(&mut stream.by_ref().take(length), &mut io::sink())?;
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    answer.wait();
    stream
        .get_mut()
        .write_all(&[head.as_bytes(), body.as_slice()].concat())?;
    until_closed(&mut stream)
}
