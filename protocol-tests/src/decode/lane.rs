//! One direction of FastCGI: records out of a stream.

use super::remark::{Remarks, bytes};
use super::title::title;
use crate::trace::Origin;
use crate::wire::{self, Record};

/// What has arrived and is no whole record yet.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// At most a record: 8 + 65535 + 255 bytes, and one read.
    buffer: Vec<u8>,
    /// Whether some bytes of the record in the buffer are lost, and stand there as 0.
    has_hole: bool,
    /// Bytes that were skipped since some were lost.
    skipped: Option<usize>,
}

impl Lane {
    /// Adds bytes, and gives every record that is whole now to `take`. Of one with lost bytes only the header counts.
    pub(super) fn feed(
        &mut self,
        input: &[u8],
        out: &mut Remarks,
        mut take: impl FnMut(&Record<'_>, &mut Remarks),
    ) {
        if !self.resume(input, out) {
            return;
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.extend_from_slice(input);
        let (records, rest) = wire::records(&buffer);
        for record in &records {
            match std::mem::take(&mut self.has_hole) {
                true => out.blame(format!("{}: some of it is lost", title(record))),
                false => take(record, out),
            }
        }
        let used = buffer.len() - rest.len();
        buffer.drain(..used);
        self.buffer = buffer;
    }

    /// After a loss reading goes on where a piece begins like a record.
    fn resume(&mut self, input: &[u8], out: &mut Remarks) -> bool {
        let Some(skipped) = self.skipped else { return true };
        let begins = matches!(input, [1, 1..=11, _, _, _, _, _, 0, ..]);
        match begins {
            true => {
                out.say(format!("records go on, {} skipped", bytes(skipped)));
                self.skipped = None;
            }
            false => self.skipped = Some(skipped.saturating_add(input.len())),
        }
        begins
    }

    /// So many bytes are missing here. Within a record whose header is there that hurts only this record.
    pub(super) fn lose(&mut self, count: u64) {
        let left = wanted(&self.buffer).map_or(0, |length| length.saturating_sub(self.buffer.len()));
        match usize::try_from(count) {
            Ok(count) if (1..=left).contains(&count) => {
                self.buffer.resize(self.buffer.len() + count, 0);
                self.has_hole = true;
            }
            _ => {
                let skipped = self.skipped.unwrap_or(0).saturating_add(self.buffer.len());
                self.buffer = Vec::new();
                self.has_hole = false;
                self.skipped = Some(skipped);
            }
        }
    }

    /// Whether bytes were lost, so that rules about what is missing say nothing.
    pub(super) fn is_lost(&self) -> bool {
        self.skipped.is_some()
    }

    /// Nothing more comes.
    pub(super) fn end(&mut self, from: Origin, out: &mut Remarks) {
        if !self.buffer.is_empty() {
            let (length, name) = (self.buffer.len(), from.name());
            let whole = match wanted(&self.buffer) {
                Some(wanted) => format!("{length} of {}", bytes(wanted)),
                None => format!("{length} of its header's 8 bytes"),
            };
            out.blame(format!("the last record of the {name} is cut short: {whole}"));
        }
        self.buffer = Vec::new();
    }
}

/// How long a record is whose header is there.
fn wanted(record: &[u8]) -> Option<usize> {
    let [_, _, _, _, high, low, padding, _, ..] = *record else {
        return None;
    };
    Some(8 + usize::from(u16::from_be_bytes([high, low])) + usize::from(padding))
}
