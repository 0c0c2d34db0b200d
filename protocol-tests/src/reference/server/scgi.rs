//! SCGI: a netstring of headers, a body; the answer is one of CGI.

use std::io::{BufReader, Read};

use super::length::Length;
use super::plain::Plain;
use super::stop::Stop;
use super::{Fault, MAX_VARIABLES, Variables, insert};
use crate::reference::Seeded;
use crate::reference::socket::Socket;

/// Serves the one request of a connection.
pub(super) fn serve(socket: Socket, fault: Seeded<Fault>) {
    let mut reader = BufReader::new(socket);
    // Whatever is wrong, the client sees no more than the end of the connection: SCGI has no errors.
    let _ = request(&mut reader, fault);
    reader.into_inner().close_gently();
}

fn request(reader: &mut BufReader<Socket>, fault: Seeded<Fault>) -> Result<(), Stop> {
    let headers = netstring(reader, fault)?;
    let variables = variables(&headers, fault)?;
    let plain = Plain {
        reader,
        length: Length::of(&variables, fault),
        status_line: b"Status: ".to_vec(),
        fault,
    };
    plain.answer(&variables)
}

/// A decimal length without leading zeros, a colon, the bytes, a comma.
fn netstring(reader: &mut BufReader<Socket>, fault: Seeded<Fault>) -> Result<Vec<u8>, Stop> {
    let length = netstring_length(reader, fault)?;
    if length > 4096 && fault.is(Fault::SmallBuffer) {
        return Err(Stop::Violation("headers that do not fit the buffer"));
    }
    let mut bytes = vec![0; length];
    if fault.is(Fault::HeadersInOneRead) {
        let count = reader.read(&mut bytes)?;
        bytes.truncate(count);
    } else {
        reader.read_exact(&mut bytes)?;
    }
    match byte(reader)? {
        b',' => Ok(bytes),
        _ if fault.is(Fault::AnyTerminator) => Ok(bytes),
        _ if fault.is(Fault::CommaSought) => {
            while byte(reader)? != b',' {}
            Ok(bytes)
        }
        _ => Err(Stop::Violation("a netstring that does not end with a comma")),
    }
}

fn netstring_length(reader: &mut BufReader<Socket>, fault: Seeded<Fault>) -> Result<usize, Stop> {
    let mut digits = String::new();
    loop {
        match byte(reader)? {
            b':' if !digits.is_empty() => break,
            digit if digit.is_ascii_digit() => digits.push(digit.into()),
            _ => return Err(Stop::Violation("a length that is no number")),
        }
        if digits.len() > MAX_DIGITS && !fault.is(Fault::EndlessLength) {
            return Err(Stop::Violation("a length with too many digits"));
        }
    }
    if digits.starts_with('0') && digits.len() > 1 && !fault.is(Fault::LeadingZero) {
        return Err(Stop::Violation("a length with a leading zero"));
    }
    let length = digits
        .parse::<usize>()
        .ok()
        .filter(|length| *length <= MAX_VARIABLES);
    length.ok_or(Stop::Violation("headers that are too long"))
}

/// Names and values, a NUL behind each; CONTENT_LENGTH first, and SCGI = 1 somewhere.
fn variables(headers: &[u8], fault: Seeded<Fault>) -> Result<Variables, Stop> {
    let mut strings: Vec<&[u8]> = headers.split(|byte| *byte == 0).collect();
    let whole = strings.pop().is_some_and(<[u8]>::is_empty);
    if fault.is(Fault::EmptyValueSkipped) {
        strings.retain(|string| !string.is_empty());
    }
    let lenient = fault.is(Fault::CommaSought) || fault.is(Fault::EmptyValueSkipped);
    if (!whole || !strings.len().is_multiple_of(2)) && !lenient {
        return Err(Stop::Violation("a name without a value"));
    }
    if strings.first() != Some(&&b"CONTENT_LENGTH"[..])
        && !fault.is(Fault::LengthAnywhere)
        && !(strings.is_empty() && fault.is(Fault::EmptyHeadersServed))
    {
        return Err(Stop::Violation("CONTENT_LENGTH is not the first header"));
    }
    let mut variables = Variables::new();
    for pair in strings.chunks_exact(2) {
        insert(&mut variables, pair[0], pair[1], fault);
    }
    let named = variables.get(&b"SCGI"[..]).is_some_and(|value| value == b"1");
    match named || fault.is(Fault::ScgiNotNeeded) || fault.is(Fault::EmptyHeadersServed) {
        true => Ok(variables),
        false => Err(Stop::Violation("SCGI is not 1")),
    }
}

fn byte(reader: &mut BufReader<Socket>) -> Result<u8, Stop> {
    let mut byte = [0];
    reader.read_exact(&mut byte)?;
    Ok(byte[0])
}

const MAX_DIGITS: usize = 10; // of the length: enough for every one that is permitted
