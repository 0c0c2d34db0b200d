//! Buffers for heads, shared by the connections of a thread, to clients and to backends: a connection holds one only
//! while it has bytes to read or to write.

use std::cell::RefCell;

use bytes::BytesMut;

/// Bytes of a buffer: the head of nearly every request, and of several when they are pipelined.
pub const SIZE: usize = 8 * 1024;

/// Buffers that a thread keeps for later.
const KEPT: usize = 64;

/// Bytes of the heads that are written that a buffer may have grown to.
const LARGEST_OUTPUT: usize = 8 * 1024;

thread_local! {
    static BUFFERS: RefCell<Vec<BytesMut>> = const { RefCell::new(Vec::new()) };
    static OUTPUTS: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// An empty buffer for a head that is to be written.
pub fn take_output() -> Vec<u8> {
    OUTPUTS.with_borrow_mut(Vec::pop).unwrap_or_default()
}

/// Takes such a buffer back.
pub fn give_output(mut buffer: Vec<u8>) {
    if buffer.capacity() == 0 || buffer.capacity() > LARGEST_OUTPUT {
        return;
    }
    buffer.clear();
    OUTPUTS.with_borrow_mut(|outputs| {
        if outputs.len() < KEPT {
            outputs.push(buffer);
        }
    });
}

/// An empty buffer with room for [`SIZE`] bytes.
pub fn take() -> BytesMut {
    BUFFERS
        .with_borrow_mut(Vec::pop)
        .unwrap_or_else(|| BytesMut::with_capacity(SIZE))
}

/// Takes a buffer back. One that others still read from, or that has grown, is only dropped.
pub fn give(mut buffer: BytesMut) {
    buffer.clear();
    if buffer.try_reclaim(SIZE) && buffer.capacity() <= 2 * SIZE {
        BUFFERS.with_borrow_mut(|buffers| {
            if buffers.len() < KEPT {
                buffers.push(buffer);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_that_is_still_read_from_does_not_come_back() {
        let mut buffer = take();
        buffer.extend_from_slice(&[b'x'; 100]);
        let shared = buffer.split_to(50).freeze();
        give(buffer);
        let mut other = take();
        other.extend_from_slice(&[b'y'; SIZE]);
        assert_eq!(shared, [b'x'; 50].as_slice());
    }

    #[test]
    fn a_buffer_comes_back_empty_and_whole() {
        let mut buffer = take();
        buffer.extend_from_slice(b"GET /");
        drop(buffer.split_to(3).freeze());
        give(buffer);
        let again = take();
        assert!(again.is_empty() && again.capacity() >= SIZE);
    }
}
