//! FastCGI 1.0, one request after the other.

use std::io::{self, Read, Write};

use super::{Answer, Connection, until_closed};

/// Answers each request on a connection, and closes when one does not want it kept.
pub(super) fn serve(mut stream: Connection, answer: &Answer) -> io::Result<()> {
    let body = &answer.body;
    let mut records = Vec::new();
    while let Some(request) = Request::read(&mut stream)? {
        answer.wait();
        // PHP says no more than this by itself.
        let head = b"X-Powered-By: PHP/8.2\r\nContent-type: text/html; charset=UTF-8\r\n\r\n".as_slice();
        let (first, rest) = body.split_at(body.len().min(CONTENT - head.len()));
        records.clear();
        record(STDOUT, request.id, &[head, first].concat(), &mut records);
        for content in rest.chunks(CONTENT) {
            stream.get_mut().write_all(&records)?;
            records.clear();
            record(STDOUT, request.id, content, &mut records);
        }
        record(END_REQUEST, request.id, &[0; 8], &mut records); // status 0, request complete
        stream.get_mut().write_all(&records)?;
        if !request.keep {
            return until_closed(&mut stream);
        }
    }
    Ok(())
}

struct Request {
    id: u16,
    keep: bool,
}

impl Request {
    /// Reads up to the empty record of STDIN; nothing at the end of the connection.
    fn read(stream: &mut Connection) -> io::Result<Option<Self>> {
        let mut request = Self { id: 0, keep: false };
        let mut content = Vec::new();
        loop {
            let mut header = [0; 8];
            match stream.read_exact(&mut header) {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
                result => result?,
            }
            let [_, kind, id_high, id_low, high, low, padding, _] = header;
            let length = u16::from_be_bytes([high, low]);
            content.resize(usize::from(length) + usize::from(padding), 0);
            stream.read_exact(&mut content)?;
            match kind {
                BEGIN_REQUEST => {
                    request.id = u16::from_be_bytes([id_high, id_low]);
                    request.keep = content.get(2).is_some_and(|flags| flags & 1 == 1);
                }
                STDIN if length == 0 => return Ok(Some(request)),
                _ => {}
            }
        }
    }
}

fn record(kind: u8, id: u16, content: &[u8], out: &mut Vec<u8>) {
    let [id_high, id_low] = id.to_be_bytes();
    let padding = content.len().wrapping_neg() % 8;
    let length = u16::try_from(content.len()).unwrap_or(u16::MAX); // at most CONTENT
    let [high, low] = length.to_be_bytes();
    out.extend_from_slice(&[1, kind, id_high, id_low, high, low, padding as u8, 0]);
    out.extend_from_slice(content);
    out.extend_from_slice(&[0; 8][..padding]);
}

const BEGIN_REQUEST: u8 = 1;
const END_REQUEST: u8 = 3;
const STDIN: u8 = 5;
const STDOUT: u8 = 6;
const CONTENT: usize = 0xfff8; // bytes: what PHP puts into a record at most
