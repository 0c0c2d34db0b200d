//! What a backend still takes of a request's variables.

/// Where a block of variables has to end, and how many more it may hold.
#[derive(Clone, Copy, Debug)]
pub(in crate::protocol) struct Room {
    /// The length of the output that the block must not exceed.
    end: usize,
    /// Variables.
    params: usize,
}

/// What there is no room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::protocol) enum Full {
    /// The bytes of the variable.
    Bytes,
    /// One variable more.
    Params,
}

impl Room {
    /// For a block that starts when the output has `start` bytes.
    pub(in crate::protocol) fn new(start: usize, bytes: usize, params: usize) -> Self {
        Self {
            end: start.saturating_add(bytes),
            params,
        }
    }

    /// Makes room for `bytes` behind `start` in place of what there was.
    pub(in crate::protocol) fn renew(&mut self, start: usize, bytes: usize) {
        self.end = start.saturating_add(bytes);
    }

    /// Takes the room of one variable that makes the output `end` bytes long.
    #[inline(always)]
    pub(in crate::protocol) fn take(&mut self, end: usize) -> Result<(), Full> {
        if end > self.end {
            return Err(Full::Bytes);
        }
        self.params = self.params.checked_sub(1).ok_or(Full::Params)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_variables_are_counted() {
        let mut room = Room::new(10, 5, 2);
        assert_eq!(room.take(15), Ok(()));
        assert_eq!(room.take(16), Err(Full::Bytes));
        room.renew(20, usize::MAX);
        assert_eq!(room.take(usize::MAX), Ok(()));
        assert_eq!(room.take(21), Err(Full::Params));
    }
}
