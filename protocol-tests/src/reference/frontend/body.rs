//! The body of a request, read as a whole before the application is asked: it must know the length.

use super::Fault;
use super::chunks;
use super::client::Client;
use super::refusal::Refusal;
use super::request::{Field, Framing, Request, is_control, is_token};
use crate::reference::Seeded;

/// Reads the body. Trailers are dropped (RFC 9110, section 6.5.1).
pub(super) fn read(
    client: &mut Client,
    request: &mut Request,
    fault: Seeded<Fault>,
) -> Result<Vec<u8>, Refusal> {
    if fault.is(Fault::Eager100) {
        wait_for(client, request, fault)?;
    }
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
            let (body, trailers) = dechunk(client, limit, fault)?;
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
fn dechunk(
    client: &mut Client,
    limit: usize,
    fault: Seeded<Fault>,
) -> Result<(Vec<u8>, Vec<Field>), Refusal> {
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
        let size = chunks::size(&line, fault)?;
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
    Ok((body, trailers(client, fault)?))
}

fn trailers(client: &mut Client, fault: Seeded<Fault>) -> Result<Vec<Field>, Refusal> {
    if fault.is(Fault::TrailersSkipped) {
        return client.skip_trailers().map(|()| Vec::new());
    }
    let limit = if fault.is(Fault::EndlessTrailers) {
        usize::MAX
    } else {
        MAX_TRAILERS
    };
    let mut trailers = Vec::new();
    for _ in 0..limit {
        let line = client.line(MAX_TRAILER)?;
        if line.is_empty() {
            return Ok(trailers);
        }
        let colon = line.iter().position(|byte| *byte == b':');
        let colon = colon.ok_or(Refusal::bad("a trailer without a colon"))?;
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        let sound = is_token(name) && !value.iter().any(|byte| is_control(*byte));
        if !sound && !fault.is(Fault::TrailersMerged) {
            return Err(Refusal::bad("a trailer that is no field"));
        }
        trailers.push((name.to_vec(), value.trim_ascii().to_vec()));
    }
    Err(Refusal::bad("too many trailers"))
}

const LIMITED: &[u8] = b"/limited/"; // below this path bodies are small
const SMALL_BODY: usize = 64 << 10; // bytes
const MAX_BODY: usize = 16 << 20; // bytes
const MAX_SIZE_LINE: usize = 1 << 10; // bytes of a chunk's size and extensions
const MAX_TRAILERS: usize = 100; // lines
const MAX_TRAILER: usize = 8 << 10; // bytes of a line
