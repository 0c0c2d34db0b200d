//! zstd (RFC 8878): one frame, or several where the encoder has rested.

use std::io;

use zstd::stream::raw::{InBuffer, Operation, OutBuffer};

use super::contexts::{Contexts, ZstdContext};

/// Room that the library is given at a time.
const ROOM: usize = 4 * 1024;

/// Frames under way.
#[derive(Default)]
pub(super) struct Zstd {
    /// Only within a frame.
    context: Option<ZstdContext>,
    begun: bool,
}

impl Zstd {
    /// Codes some bytes.
    pub(super) fn write(&mut self, input: &[u8], contexts: &Contexts, out: &mut Vec<u8>) -> io::Result<()> {
        let context = self.within(contexts)?;
        let mut input = InBuffer::around(input);
        while input.pos() < input.src.len() {
            give(out, |room| context.run(&mut input, room))?;
        }
        Ok(())
    }

    /// Gives out everything that went in.
    pub(super) fn flush(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        let Some(context) = &mut self.context else {
            return Ok(());
        };
        while give(out, |room| context.flush(room))? > 0 {}
        Ok(())
    }

    /// Ends the frame and gives the context back. Another frame may follow (section 3.1).
    pub(super) fn rest(&mut self, contexts: &Contexts, out: &mut Vec<u8>) -> io::Result<()> {
        let Some(mut context) = self.context.take() else {
            return Ok(());
        };
        while give(out, |room| context.finish(room, true))? > 0 {}
        contexts.keep_zstd(context)
    }

    /// Gives the context back in the middle of a frame, which has no end.
    pub(super) fn abandon(&mut self, contexts: &Contexts) {
        if let Some(context) = self.context.take() {
            // One that cannot be used again is dropped.
            let _ = contexts.keep_zstd(context);
        }
    }

    /// Ends the frame; there is at least one.
    pub(super) fn finish(&mut self, contexts: &Contexts, out: &mut Vec<u8>) -> io::Result<()> {
        if !self.begun {
            self.within(contexts)?;
        }
        self.rest(contexts, out)
    }

    fn within(&mut self, contexts: &Contexts) -> io::Result<&mut ZstdContext> {
        self.begun = true;
        Ok(match &mut self.context {
            Some(context) => context,
            none => none.insert(contexts.zstd()?),
        })
    }
}

/// Gives the library room behind what is there already.
fn give(
    out: &mut Vec<u8>,
    step: impl FnOnce(&mut OutBuffer<'_, Vec<u8>>) -> io::Result<usize>,
) -> io::Result<usize> {
    out.reserve(ROOM);
    let end = out.len();
    step(&mut OutBuffer::around_pos(out, end))
}
