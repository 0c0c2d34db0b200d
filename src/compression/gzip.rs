//! gzip (RFC 1952): its frame is ours, its blocks are the library's.

use std::io;

use crc32fast::Hasher;
use flate2::{Compress, FlushCompress, Status};

use super::contexts::Contexts;

/// Magic, deflate, no flags, no time, no hint, an unknown system (section 2.3).
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// A last block without a byte (RFC 1951, section 3.2.6).
const LAST_BLOCK: [u8; 2] = [0x03, 0x00];

/// Room that the library is given at a time.
const ROOM: usize = 4 * 1024;

/// One gzip member under way.
#[derive(Default)]
pub(super) struct Gzip {
    /// Only while there is something to remember.
    context: Option<Compress>,
    sum: Hasher,
    /// Bytes that went in, modulo 2^32 (section 2.3.1).
    length: u32,
    begun: bool,
}

impl Gzip {
    /// Codes some bytes.
    pub(super) fn write(&mut self, input: &[u8], contexts: &Contexts, out: &mut Vec<u8>) -> io::Result<()> {
        self.begin(out);
        self.sum.update(input);
        self.length = self.length.wrapping_add(input.len() as u32);
        self.run(input, FlushCompress::None, contexts, out)
    }

    /// Gives out everything that went in. What follows begins at a byte, whether the context is the same or another.
    pub(super) fn flush(&mut self, contexts: &Contexts, out: &mut Vec<u8>) -> io::Result<()> {
        self.begin(out);
        match self.context.is_some() {
            true => self.run(&[], FlushCompress::Sync, contexts, out),
            false => Ok(()),
        }
    }

    /// Gives the context back; everything was flushed. The blocks to come refer to nothing before them.
    pub(super) fn rest(&mut self, contexts: &Contexts) {
        if let Some(context) = self.context.take() {
            contexts.keep_gzip(context);
        }
    }

    /// Ends the member.
    pub(super) fn finish(&mut self, contexts: &Contexts, out: &mut Vec<u8>) -> io::Result<()> {
        self.begin(out);
        match self.context.is_some() {
            true => self.run(&[], FlushCompress::Finish, contexts, out)?,
            false => out.extend_from_slice(&LAST_BLOCK),
        }
        self.rest(contexts);
        out.extend_from_slice(&self.sum.clone().finalize().to_le_bytes());
        out.extend_from_slice(&self.length.to_le_bytes());
        Ok(())
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.begun, true) {
            out.extend_from_slice(&HEADER);
        }
    }

    fn run(
        &mut self,
        mut input: &[u8],
        flush: FlushCompress,
        contexts: &Contexts,
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        let context = self.context.get_or_insert_with(|| contexts.gzip());
        loop {
            out.reserve(ROOM);
            let before = context.total_in();
            let status = context.compress_vec(input, out, flush)?;
            input = &input[(context.total_in() - before) as usize..];
            let has_room = out.len() < out.capacity();
            if status == Status::StreamEnd || input.is_empty() && has_room && flush != FlushCompress::Finish {
                return Ok(());
            }
        }
    }
}
