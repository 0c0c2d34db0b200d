//! One direction of FastCGI: records out of a stream.

use super::remark::{Remarks, bytes};
use crate::trace::Origin;
use crate::wire::{self, Record};

/// What has arrived and is no whole record yet.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// At most a record: 8 + 65535 + 255 bytes, and one read.
    buffer: Vec<u8>,
    /// Bytes that were skipped since some were lost.
    skipped: Option<usize>,
}

impl Lane {
    /// Adds bytes, and gives every record that is whole now to `take`.
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
        records.iter().for_each(|record| take(record, out));
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

    /// Bytes are missing here.
    pub(super) fn lose(&mut self) {
        let skipped = self.skipped.unwrap_or(0).saturating_add(self.buffer.len());
        self.buffer = Vec::new();
        self.skipped = Some(skipped);
    }

    /// Whether bytes were lost, so that rules about what is missing say nothing.
    pub(super) fn is_lost(&self) -> bool {
        self.skipped.is_some()
    }

    /// Nothing more comes.
    pub(super) fn end(&mut self, from: Origin, out: &mut Remarks) {
        if !self.buffer.is_empty() {
            let (length, name) = (self.buffer.len(), from.name());
            let whole = match *self.buffer.as_slice() {
                [_, _, _, _, high, low, padding, ..] => {
                    let content = usize::from(u16::from_be_bytes([high, low]));
                    format!("{length} of {}", bytes(8 + content + usize::from(padding)))
                }
                _ => format!("{length} of its header's 8 bytes"),
            };
            out.blame(format!("the last record of the {name} is cut short: {whole}"));
        }
        self.buffer = Vec::new();
    }
}
