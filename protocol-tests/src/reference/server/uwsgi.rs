//! uwsgi: a header of four bytes, a block of variables, a body; the answer is one of HTTP.

use std::io::{BufReader, Read, Write};

use super::length::Length;
use super::plain::Plain;
use super::stop::Stop;
use super::{Fault, Variables, insert};
use crate::reference::Seeded;
use crate::reference::percent::decode_leniently;
use crate::reference::socket::Socket;

/// Serves the one request of a connection.
pub(super) fn serve(socket: Socket, fault: Seeded<Fault>) {
    let mut reader = BufReader::new(socket);
    let mut result = request(&mut reader, fault);
    if result.is_ok() && fault.is(Fault::LeftoversServed) && !reader.buffer().is_empty() {
        result = request(&mut reader, fault);
        if result.is_err() {
            let _ = reader.get_mut().write_all(ERROR_PAGE);
        }
    }
    if matches!(result, Err(Stop::Died)) && fault.is(Fault::UnderrunLeftOpen) {
        let _ = request(&mut reader, fault);
    }
    reader.into_inner().close_gently();
}

fn request(reader: &mut BufReader<Socket>, fault: Seeded<Fault>) -> Result<(), Stop> {
    let mut header = [0; 4];
    let arrived = reader.read_exact(&mut header);
    if arrived.is_err() && fault.is(Fault::AnswersToNothing) {
        reader.get_mut().write_all(ERROR_PAGE)?;
    }
    arrived?;
    if &header == b"GET " && fault.is(Fault::HttpServed) {
        let variables = Variables::from([(b"PATH_INFO".to_vec(), b"/env".to_vec())]);
        return answer(reader, &variables, fault);
    }
    let [modifier1, low, high, _] = header;
    let size = match fault.is(Fault::SizeBigEndian) {
        true => u16::from_be_bytes([low, high]),
        false => u16::from_le_bytes([low, high]),
    };
    if header == PING && !fault.is(Fault::AnyModifier) {
        let pong = if fault.is(Fault::PingEchoed) { PING } else { PONG };
        return Ok(reader.get_mut().write_all(&pong)?);
    }
    if modifier1 != 0 && !fault.is(Fault::AnyModifier) {
        return Err(Stop::Violation("a modifier of a plugin that is not there"));
    }
    if size > 4096 && fault.is(Fault::SmallBuffer) {
        return Err(Stop::Violation("a block that does not fit the buffer"));
    }
    let variables = variables(reader, size.into(), fault)?;
    answer(reader, &variables, fault)
}

fn answer(reader: &mut BufReader<Socket>, variables: &Variables, fault: Seeded<Fault>) -> Result<(), Stop> {
    let plain = Plain {
        reader,
        length: Length::of(variables, fault),
        status_line: status_line(variables, fault),
        fault,
    };
    plain.answer(variables)
}

fn variables(reader: &mut BufReader<Socket>, size: usize, fault: Seeded<Fault>) -> Result<Variables, Stop> {
    let mut block = Vec::new();
    reader.take(size as u64).read_to_end(&mut block)?;
    if block.len() < size && !fault.is(Fault::ShortBlockServed) {
        return Err(Stop::cut());
    }
    if block.is_empty() && fault.is(Fault::NoVariablesStall) {
        reader.get_ref().stall();
    }
    let mut variables = Variables::new();
    let mut rest = block.as_slice();
    while !rest.is_empty() {
        let Some((name, value, after)) = pair(rest, fault) else {
            match fault.is(Fault::ShortPairsServed) || (rest.len() < 3 && fault.is(Fault::StrayBytesServed)) {
                true => break,
                false => return Err(Stop::Violation("a length beyond the block")),
            }
        };
        if name.is_empty() && fault.is(Fault::EmptyNameStalls) {
            reader.get_ref().stall();
        }
        insert(&mut variables, name, value, fault);
        rest = after;
    }
    if variables.len() > 128 && fault.is(Fault::FewVariables) {
        return Err(Stop::Violation("too many variables"));
    }
    Ok(spoilt(variables, fault))
}

/// Two strings, each behind its length of two bytes.
fn pair(bytes: &[u8], fault: Seeded<Fault>) -> Option<(&[u8], &[u8], &[u8])> {
    let (name, rest) = string(bytes)?;
    if rest == [0, 0] && fault.is(Fault::EmptyValueAtEndRefused) {
        return None;
    }
    let (value, rest) = string(rest)?;
    Some((name, value, rest))
}

fn string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(u16::from_le_bytes(*length).into())
}

/// What faults do to the variables.
fn spoilt(mut variables: Variables, fault: Seeded<Fault>) -> Variables {
    if fault.is(Fault::PathDecodedAgain)
        && let Some(path) = variables.get_mut(&b"PATH_INFO"[..])
    {
        *path = decode_leniently(path);
    }
    if fault.is(Fault::ConnectionVariablesLost) {
        variables
            .retain(|name, _| !matches!(name.as_slice(), b"REMOTE_ADDR" | b"REMOTE_USER" | b"SERVER_NAME"));
    }
    if fault.is(Fault::HttpLengthWins)
        && let Some(length) = variables.get(&b"HTTP_CONTENT_LENGTH"[..]).cloned()
    {
        variables.insert(b"CONTENT_LENGTH".to_vec(), length);
    }
    variables
}

/// Always one of HTTP/1.1, whatever the front end says that its client speaks.
fn status_line(variables: &Variables, fault: Seeded<Fault>) -> Vec<u8> {
    let protocol = variables.get(&b"SERVER_PROTOCOL"[..]).cloned();
    let mut protocol = protocol.unwrap_or_else(|| b"HTTP/1.0".to_vec());
    if fault.is(Fault::VersionMirrored) {
        protocol.truncate(8);
    } else if !fault.is(Fault::ProtocolMirrored) {
        protocol = b"HTTP/1.1".to_vec();
    }
    [&protocol[..], b" "].concat()
}

const PING: [u8; 4] = [100, 0, 0, 0];
const PONG: [u8; 4] = [100, 0, 0, 1];
const ERROR_PAGE: &[u8] = b"HTTP/1.1 500 Error\r\nConnection: close\r\nContent-Length: 6\r\n\r\nerror\n";
