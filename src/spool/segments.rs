//! Chunks in memory, kept as they came unless they are so small that keeping them would cost more than they hold.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// Chunks below this size are copied together: a `Bytes` of a few bytes may keep a whole read buffer alive, and
/// its own bookkeeping is some dozen bytes.
const COALESCE: usize = 4 * 1024;

/// Copied chunks are closed at this size, so that growing never moves much.
const SEGMENT: usize = 32 * 1024;

/// A sequence of bytes in pieces.
#[derive(Debug, Default)]
pub(super) struct Segments {
    closed: VecDeque<Bytes>,
    /// Small chunks, copied together; comes after `closed`.
    open: BytesMut,
    len: usize,
}

impl Segments {
    /// Appends a chunk.
    pub(super) fn push(&mut self, chunk: Bytes) {
        self.len += chunk.len();
        // The first chunk stays as it is: mostly it is the only one, and then nothing was copied.
        let keep = chunk.len() >= COALESCE || (self.closed.is_empty() && self.open.is_empty());
        if !keep {
            self.open.extend_from_slice(&chunk);
            if self.open.len() >= SEGMENT {
                self.close();
            }
        } else if !chunk.is_empty() {
            self.close();
            self.closed.push_back(chunk);
        }
    }

    /// Bytes in all pieces.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no bytes.
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Takes the first piece, never empty.
    pub(super) fn pop(&mut self) -> Option<Bytes> {
        if self.closed.is_empty() {
            self.close();
        }
        let piece = self.closed.pop_front()?;
        self.len -= piece.len();
        Some(piece)
    }

    /// Takes the first `limit` bytes, or as many as there are.
    pub(super) fn split_to(&mut self, limit: usize) -> Vec<Bytes> {
        let mut left = limit.min(self.len);
        let mut taken = Vec::new();
        while left > 0
            && let Some(mut piece) = self.pop()
        {
            let rest = piece.split_off(left.min(piece.len()));
            left -= piece.len();
            taken.push(piece);
            if !rest.is_empty() {
                self.len += rest.len();
                self.closed.push_front(rest);
            }
        }
        taken
    }

    /// The pieces, none of them empty.
    pub(super) fn into_pieces(mut self) -> Vec<Bytes> {
        self.close();
        self.closed.into()
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            let open = std::mem::take(&mut self.open);
            self.closed.push_back(open.freeze());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collect(chunks: &[Bytes]) -> Vec<Bytes> {
        let mut segments = Segments::default();
        chunks.iter().cloned().for_each(|chunk| segments.push(chunk));
        assert_eq!(segments.len(), chunks.concat().len());
        segments.into_pieces()
    }

    #[test]
    fn a_single_chunk_is_never_copied() {
        let chunk = Bytes::from(b"small".to_vec());
        let pieces = collect(std::slice::from_ref(&chunk));
        assert_eq!(pieces[0].as_ptr(), chunk.as_ptr());
    }

    #[test]
    fn large_chunks_are_never_copied() {
        let chunk = Bytes::from(vec![1; COALESCE]);
        let pieces = collect(&[Bytes::from_static(b"a"), Bytes::from_static(b"b"), chunk.clone()]);
        assert_eq!(pieces.len(), 3);
        assert_eq!(pieces[2].as_ptr(), chunk.as_ptr());
    }

    #[test]
    fn many_small_chunks_become_few_pieces() {
        let chunks = vec![Bytes::from_static(b"x"); 10 * SEGMENT];
        let pieces = collect(&chunks);
        assert!(pieces.len() <= 11, "{}", pieces.len());
        assert_eq!(pieces.concat(), chunks.concat());
    }

    #[test]
    fn taking_bytes_keeps_their_order() {
        let mut segments = Segments::default();
        let bytes: Vec<u8> = (0..=255).cycle().take(3 * COALESCE).collect();
        for chunk in bytes.chunks(COALESCE + 1).chain(bytes.chunks(100)) {
            segments.push(Bytes::copy_from_slice(chunk));
        }
        let all = [&bytes[..], &bytes[..]].concat();
        let mut taken = segments.split_to(COALESCE + 50).concat();
        assert_eq!(taken.len(), COALESCE + 50);
        taken.extend(segments.pop().unwrap());
        assert_eq!(segments.len(), all.len() - taken.len());
        taken.extend(segments.split_to(usize::MAX).concat());
        assert!(segments.is_empty() && segments.pop().is_none());
        assert_eq!(taken, all);
    }

    #[test]
    fn empty_chunks_leave_no_piece() {
        assert!(collect(&[Bytes::new(), Bytes::new()]).is_empty());
    }
}
