//! The bytes of one direction, without times.

use std::io::BufRead;
use std::time::Duration;

use super::{BadFile, Item};
use crate::decode::{Remark, guess_origin};
use crate::protocol::Protocol;
use crate::trace::{Entry, Event, Origin};

/// Gives the bytes as they are read, and then an end.
pub(super) fn read(
    mut file: impl BufRead,
    from: Option<Origin>,
    protocol: Option<Protocol>,
    sink: &mut dyn FnMut(Item),
) -> Result<(), BadFile> {
    let from = from.unwrap_or_else(|| guess_origin(protocol, file.fill_buf().unwrap_or_default()));
    let words = format!("raw bytes of a {}", from.name());
    sink(Item::Said(Some(ONLY), Remark::fact(words)));
    loop {
        let piece = file.fill_buf()?.to_vec();
        file.consume(piece.len());
        if piece.is_empty() {
            sink(entry(from, Event::Fin));
            return Ok(());
        }
        sink(entry(from, Event::Bytes(piece)));
    }
}

fn entry(from: Origin, event: Event) -> Item {
    Item::Entry(Entry {
        connection: ONLY,
        at: Duration::ZERO,
        from,
        event,
    })
}

const ONLY: u32 = 1; // the number of the connection
