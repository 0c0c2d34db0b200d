//! Bytes waiting to be written to a backend: small framing is gathered, large payloads are kept as they are.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes};

/// Payloads up to this size are copied behind the framing before them: one slice instead of three is
/// cheaper than the copy.
const INLINE: usize = 2 * 1024;

/// A queue of byte chunks that is written with vectored writes.
///
/// The order of writing is the order of queueing. When everything was written the gathering buffer is
/// reused, so that a kept connection does not allocate per request.
#[derive(Debug, Default)]
pub struct WriteQueue {
    /// Finished chunks, in front of `tail`.
    chunks: VecDeque<Bytes>,
    /// Framing and small payloads, gathered. A plain vector: what fills it appends a few bytes at a time.
    tail: Vec<u8>,
    /// Bytes of `tail` that were written.
    written: usize,
    /// Bytes in `chunks`.
    queued: usize,
}

impl WriteQueue {
    /// An empty queue; allocates on first use.
    pub fn new() -> Self {
        Self::default()
    }

    /// The gathering buffer, for framing and variables. Append only.
    pub fn tail(&mut self) -> &mut Vec<u8> {
        &mut self.tail
    }

    /// Gives the gathering buffer away while nothing is queued: a connection at rest needs none.
    pub fn release(&mut self) -> Vec<u8> {
        debug_assert!(self.is_empty());
        self.written = 0;
        std::mem::take(&mut self.tail)
    }

    /// Takes an empty gathering buffer, unless there is one.
    pub fn adopt(&mut self, buffer: impl FnOnce() -> Vec<u8>) {
        if self.tail.capacity() == 0 {
            self.tail = buffer();
        }
    }

    /// Queues a payload; large ones are not copied.
    pub fn push(&mut self, chunk: Bytes) {
        if chunk.len() <= INLINE {
            self.tail.extend_from_slice(&chunk);
            return;
        }
        if self.written < self.tail.len() {
            let framing = Bytes::from(std::mem::take(&mut self.tail)).slice(self.written..);
            self.written = 0;
            self.queued += framing.len();
            self.chunks.push_back(framing);
        }
        self.queued += chunk.len();
        self.chunks.push_back(chunk);
    }

    /// Forgets everything that was queued.
    pub fn clear(&mut self) {
        self.chunks.clear();
        self.tail.clear();
        self.written = 0;
        self.queued = 0;
    }

    /// Bytes not yet written.
    pub fn len(&self) -> usize {
        self.queued + self.tail.len() - self.written
    }

    /// All that is not yet written, where it is one piece: most requests and answers.
    #[inline]
    pub fn single(&self) -> Option<&[u8]> {
        self.chunks.is_empty().then(|| self.unwritten())
    }

    fn unwritten(&self) -> &[u8] {
        &self.tail[self.written..]
    }

    /// Whether everything was written.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Buf for WriteQueue {
    fn remaining(&self) -> usize {
        self.len()
    }

    fn chunk(&self) -> &[u8] {
        self.chunks.front().map_or(self.unwritten(), |chunk| &chunk[..])
    }

    fn advance(&mut self, mut count: usize) {
        while let Some(front) = self.chunks.front_mut() {
            if count < front.len() {
                front.advance(count);
                self.queued -= count;
                return;
            }
            count -= front.len();
            self.queued -= front.len();
            self.chunks.pop_front();
        }
        self.written += count;
        debug_assert!(
            self.written <= self.tail.len(),
            "more was written than was queued"
        );
        if self.written >= self.tail.len() {
            self.tail.clear();
            self.written = 0;
        }
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let queued = self.chunks.iter().map(|chunk| &chunk[..]);
        let all = queued
            .chain(std::iter::once(self.unwritten()))
            .filter(|chunk| !chunk.is_empty());
        let mut count = 0;
        for (slot, chunk) in slices.iter_mut().zip(all) {
            *slot = IoSlice::new(chunk);
            count += 1;
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(queue: &mut WriteQueue, step: usize) -> Vec<u8> {
        let mut all = Vec::new();
        while queue.has_remaining() {
            let mut slices = [IoSlice::new(&[]); 4];
            let filled = queue.chunks_vectored(&mut slices);
            let joined: Vec<u8> = slices[..filled].iter().flat_map(|s| s.iter().copied()).collect();
            let taken = step.min(joined.len());
            all.extend_from_slice(&joined[..taken]);
            queue.advance(taken);
        }
        all
    }

    #[test]
    fn order_survives_every_write_size() {
        for step in 1..6000 {
            let mut queue = WriteQueue::new();
            queue.tail().extend_from_slice(b"head");
            queue.push(Bytes::from_static(b"small"));
            queue.push(Bytes::from(vec![b'x'; INLINE + 1]));
            queue.tail().extend_from_slice(b"tail");
            let expected = [b"headsmall".as_slice(), &vec![b'x'; INLINE + 1], b"tail"].concat();
            assert_eq!(queue.len(), expected.len());
            assert_eq!(drain(&mut queue, step), expected, "step {step}");
            assert!(queue.is_empty());
        }
    }

    #[test]
    fn clear_forgets_everything() {
        let mut queue = WriteQueue::new();
        queue.tail().extend_from_slice(b"head");
        queue.push(Bytes::from(vec![0; INLINE + 1]));
        queue.clear();
        assert!(queue.is_empty());
        assert_eq!(queue.chunk(), b"");
    }
}
