//! What a connection has received for its streams and these have not taken yet, as a part of `spool.memory`.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::spool::Share;

/// The bytes of request bodies that wait in h2. Of a stream that ended unread nothing tells but the window, which the
/// client is given back after a while: until then its bytes are counted on.
#[derive(Debug)]
pub(super) struct ReceiveWindow {
    counts: Mutex<Counts>,
    share: Share,
}

/// Since the connection began.
#[derive(Debug)]
struct Counts {
    /// Came in DATA frames.
    received: u64,
    /// Were given to the readers of bodies.
    taken: u64,
    /// The client may send so many more.
    returned: i64,
}

impl ReceiveWindow {
    /// Nothing has come. `raise`: by how much the window of the connection is raised at its beginning.
    pub(super) fn new(share: Share, raise: u32) -> Self {
        let counts = Counts {
            received: 0,
            taken: 0,
            returned: -i64::from(raise),
        };
        Self {
            counts: Mutex::new(counts),
            share,
        }
    }

    /// A DATA frame of that length came.
    pub(super) fn received(&self, bytes: u32) {
        self.change(|counts| counts.received += u64::from(bytes));
    }

    /// The reader of a body has taken them.
    pub(super) fn taken(&self, bytes: usize) {
        self.change(|counts| counts.taken += bytes as u64);
    }

    /// A WINDOW_UPDATE of the connection went to the client.
    pub(super) fn returned(&self, bytes: u32) {
        self.change(|counts| counts.returned += i64::from(bytes));
    }

    fn change(&self, change: impl FnOnce(&mut Counts)) {
        let mut counts = self.lock();
        change(&mut counts);
        let gone = counts.taken.max(u64::try_from(counts.returned).unwrap_or(0));
        self.share.set(counts.received.saturating_sub(gone));
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::{SpoolConfig, Spools};

    #[test]
    fn what_waits_is_counted_and_given_back() {
        let spools = Spools::new(SpoolConfig::default());
        let window = ReceiveWindow::new(spools.share(), 1000);
        window.returned(1000);
        window.received(700);
        window.received(300);
        assert_eq!(spools.bytes_in_memory(), 1000);
        window.taken(700);
        assert_eq!(spools.bytes_in_memory(), 300);
        window.returned(700);
        assert_eq!(spools.bytes_in_memory(), 300, "the same bytes");
        drop(window);
        assert_eq!(spools.bytes_in_memory(), 0);
    }

    #[test]
    fn what_a_stream_left_unread_is_gone_when_its_window_is_given_back() {
        let spools = Spools::new(SpoolConfig::default());
        let window = ReceiveWindow::new(spools.share(), 0);
        window.received(1000);
        window.taken(200);
        // Reset: the library drops 800.
        window.returned(1000);
        assert_eq!(spools.bytes_in_memory(), 0);
        window.received(50);
        assert_eq!(spools.bytes_in_memory(), 50);
    }
}
