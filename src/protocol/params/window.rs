//! Room behind an output that variables are written into.

/// Bytes behind an output that are there before they are written: a variable looks once whether there is room for all
/// of it, and not once for each of its parts. Dropped: the output ends behind what was written.
#[derive(Debug)]
pub(in crate::protocol) struct Window<'a> {
    out: &'a mut Vec<u8>,
    /// Bytes of the output that were written.
    written: usize,
}

impl<'a> Window<'a> {
    /// Opens a window behind what is in `out`.
    pub(in crate::protocol) fn new(out: &'a mut Vec<u8>) -> Self {
        let written = out.len();
        out.resize(written + USUAL, 0);
        Self { out, written }
    }

    /// Bytes of the output that were written.
    #[inline(always)]
    pub(in crate::protocol) fn written(&self) -> usize {
        self.written
    }

    /// The next bytes: all of them are to be written.
    #[inline(always)]
    pub(in crate::protocol) fn next(&mut self, size: usize) -> &mut [u8] {
        let start = self.written;
        self.written += size;
        if self.written > self.out.len() {
            self.grow();
        }
        &mut self.out[start..self.written]
    }

    /// Bytes that were written before.
    pub(in crate::protocol) fn at(&mut self, start: usize, size: usize) -> &mut [u8] {
        &mut self.out[start..start + size]
    }

    /// Moves what is behind `from`, `size` bytes, and lets the output end behind it.
    pub(in crate::protocol) fn shift(&mut self, from: usize, to: usize, size: usize) {
        self.written = to + size;
        if self.written > self.out.len() {
            self.grow();
        }
        self.out.copy_within(from..from + size, to);
    }

    #[cold]
    fn grow(&mut self) {
        self.out.resize(self.written + USUAL, 0);
    }
}

impl Drop for Window<'_> {
    fn drop(&mut self) {
        self.out.truncate(self.written);
    }
}

/// Bytes that a window grows by: the variables of a usual request.
const USUAL: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_ends_behind_what_was_written() {
        let mut out = b"before".to_vec();
        let mut window = Window::new(&mut out);
        window.next(4).copy_from_slice(b"some");
        window.at(6, 1).copy_from_slice(b"S");
        assert_eq!(window.written(), 10);
        drop(window);
        assert_eq!(out, b"beforeSome");
    }

    #[test]
    fn a_window_grows_with_what_is_written() {
        let mut out = Vec::new();
        let mut window = Window::new(&mut out);
        window.next(USUAL - 1).fill(b'a');
        window.next(2 * USUAL).fill(b'b');
        window.shift(USUAL - 1, USUAL, 2 * USUAL);
        drop(window);
        assert_eq!(out.len(), 3 * USUAL);
        assert!(out[..USUAL - 1].iter().all(|byte| *byte == b'a') && out.ends_with(&[b'b'; 2 * USUAL]));
    }
}
