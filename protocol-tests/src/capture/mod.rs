//! Files with traffic in them, whatever their format: traces, pcap, pcapng, or the bytes of one direction.
//!
//! All become entries as a trace has them, one after another; no file is ever held as a whole.

mod flow;
mod link;
mod packets;
mod raw;
mod stream;

use std::io::{self, BufRead, BufReader, Cursor, Read};

use thiserror::Error;

use crate::decode::Remark;
use crate::protocol::Protocol;
use crate::trace::{self, BadTrace, Entry, Header, Origin};

/// Something out of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// What a trace says before its entries.
    Header(Header),
    /// What happened.
    Entry(Entry),
    /// What is to be said about a connection, or about the file.
    Said(Option<u32>, Remark),
    /// Nothing more is known of this connection.
    Forgotten(u32),
}

/// Formats of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Our own text.
    Trace,
    /// pcap or pcapng.
    Packets,
    /// The bytes of one direction of a connection.
    Raw,
}

/// Why a file cannot be read.
#[derive(Debug, Error)]
pub enum BadFile {
    /// The system could not.
    #[error("cannot read: {0}")]
    Io(#[from] io::Error),
    /// It is a trace with something wrong.
    #[error("{0}")]
    Trace(#[from] BadTrace),
    /// It is a capture with something wrong.
    #[error("{0}")]
    Packets(&'static str),
    /// There is nothing in it.
    #[error("the file is empty")]
    Empty,
}

/// Reads a file to its end. `from` says who sent raw bytes, where it is known.
///
/// # Errors
///
/// When the file cannot be read; what came before that was given to `sink`.
pub fn read(
    mut file: impl Read + Send,
    from: Option<Origin>,
    protocol: Option<Protocol>,
    sink: &mut dyn FnMut(Item),
) -> Result<Format, BadFile> {
    let mut start = Vec::new();
    (&mut file).take(PEEKED).read_to_end(&mut start)?;
    let format = format_of(&start).ok_or(BadFile::Empty)?;
    let whole = Cursor::new(start).chain(file);
    match format {
        Format::Trace => read_trace(BufReader::new(whole), sink)?,
        Format::Packets => packets::read(whole, sink)?,
        Format::Raw => raw::read(BufReader::new(whole), from, protocol, sink)?,
    }
    Ok(format)
}

fn format_of(start: &[u8]) -> Option<Format> {
    let magic = *start.first_chunk::<4>().unwrap_or(&[0; 4]);
    let is_packets = PACKETS
        .iter()
        .any(|known| *known == magic || known.iter().rev().eq(magic.iter()));
    match start {
        [] => None,
        _ if start.starts_with(trace::MAGIC.as_bytes()) => Some(Format::Trace),
        _ if is_packets => Some(Format::Packets),
        _ => Some(Format::Raw),
    }
}

fn read_trace(file: impl BufRead, sink: &mut dyn FnMut(Item)) -> Result<(), BadFile> {
    let mut reader = trace::Reader::open(file)?;
    sink(Item::Header(reader.header().clone()));
    while let Some(entry) = reader.entry()? {
        sink(Item::Entry(entry));
    }
    Ok(())
}

/// Magic numbers, which may stand in either order: pcap with micro- and nanoseconds, Kuznetzov's pcap, pcapng.
const PACKETS: [[u8; 4]; 4] = [
    [0xa1, 0xb2, 0xc3, 0xd4],
    [0xa1, 0xb2, 0x3c, 0x4d],
    [0xa1, 0xb2, 0xcd, 0x34],
    [0x0a, 0x0d, 0x0d, 0x0a],
];
const PEEKED: u64 = 64 << 10; // bytes; the first block of every pcapng is shorter

#[cfg(test)]
mod tests;
