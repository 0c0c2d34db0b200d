//! The body of a request, read as a whole before the application is asked: it must know the length.

use super::Fault;
use super::client::Client;
use super::refusal::Refusal;
use super::request::{Field, Framing, Request};
use crate::reference::Seeded;

/// Reads the body. Trailers are dropped (RFC 9110, section 6.5.1).
pub(super) fn read(
    client: &mut Client,
    request: &mut Request,
    fault: Seeded<Fault>,
) -> Result<Vec<u8>, Refusal> {
    let limited = request.target.path.starts_with(LIMITED);
    let limit = if limited { SMALL_BODY } else { MAX_BODY };
    match request.framing {
        Framing::None => Ok(Vec::new()),
        Framing::Length(length) if length > limit => Err(Refusal::Request(413, "the body is too long")),
        Framing::Length(length) => {
            wait_for(client, request, fault)?;
            client.take(length)
        }
        Framing::Chunked => {
            wait_for(client, request, fault)?;
            let (body, trailers) = chunks(client, limit, fault)?;
            if fault.is(Fault::TrailersMerged) {
                request.fields.extend(trailers);
            }
            Ok(body)
        }
    }
}

/// The client may be waiting for a word before it sends the body.
fn wait_for(client: &mut Client, request: &Request, fault: Seeded<Fault>) -> Result<(), Refusal> {
    match request.expects_continue(fault)? && !fault.is(Fault::No100) {
        true => Ok(client.send(b"HTTP/1.1 100 Continue\r\n\r\n")?),
        false => Ok(()),
    }
}

/// RFC 9112, section 7.1.
fn chunks(client: &mut Client, limit: usize, fault: Seeded<Fault>) -> Result<(Vec<u8>, Vec<Field>), Refusal> {
    let mut body = Vec::new();
    loop {
        let extensions = if fault.is(Fault::EndlessExtensions) {
            1 << 20
        } else {
            MAX_SIZE_LINE
        };
        let line = match client.line(extensions) {
            Err(Refusal::Client(_)) if fault.is(Fault::CutChunksSent) => return Ok((body, Vec::new())),
            line => line?,
        };
        let size = chunk_size(&line, fault)?;
        if size == 0 {
            break;
        }
        if size > limit.saturating_sub(body.len()) {
            return Err(Refusal::Request(413, "the body is too long"));
        }
        body.extend(client.take(size)?);
        let end = client.take(2)?;
        if end != b"\r\n" && !fault.is(Fault::ChunkEndUnchecked) {
            return Err(Refusal::bad("a chunk that does not end where it says"));
        }
    }
    Ok((body, trailers(client)?))
}

/// Hexadecimal digits; extensions mean nothing.
fn chunk_size(line: &[u8], fault: Seeded<Fault>) -> Result<usize, Refusal> {
    let size = line.split(|byte| *byte == b';').next().unwrap_or_default();
    let mut digits = String::from_utf8_lossy(size).into_owned();
    if fault.is(Fault::ChunkSizeAsInC) {
        digits = digits.trim_start_matches("0x").trim_start_matches('+').to_owned();
        digits.truncate(
            digits
                .find(|digit: char| !digit.is_ascii_hexdigit())
                .unwrap_or(digits.len()),
        );
    }
    let plain =
        (1..=MAX_DIGITS).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    if !plain || line.contains(&b'\r') {
        return Err(Refusal::bad("a chunk size that is no number"));
    }
    usize::from_str_radix(&digits, 16).map_err(|_| Refusal::Request(413, "the body is too long"))
}

fn trailers(client: &mut Client) -> Result<Vec<Field>, Refusal> {
    let mut trailers = Vec::new();
    for _ in 0..MAX_TRAILERS {
        let line = client.line(MAX_TRAILER)?;
        if line.is_empty() {
            return Ok(trailers);
        }
        let colon = line.iter().position(|byte| *byte == b':');
        let colon = colon.ok_or(Refusal::bad("a trailer without a colon"))?;
        trailers.push((line[..colon].to_vec(), line[colon + 1..].trim_ascii().to_vec()));
    }
    Err(Refusal::bad("too many trailers"))
}

const LIMITED: &[u8] = b"/limited/"; // below this path bodies are small
const SMALL_BODY: usize = 64 << 10; // bytes
const MAX_BODY: usize = 16 << 20; // bytes
const MAX_SIZE_LINE: usize = 1 << 10; // bytes of a chunk's size and extensions
const MAX_DIGITS: usize = 16; // of a chunk's size
const MAX_TRAILERS: usize = 100; // lines
const MAX_TRAILER: usize = 8 << 10; // bytes of a line
