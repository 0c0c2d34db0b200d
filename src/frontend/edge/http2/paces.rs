//! Which stream is whose: hyper does not say the number of a stream, and only the frames that are sent show how much of an
//! answer its client has taken.
//!
//! In each turn, hyper takes the complete heads in the order in which they came, and begins a task for each. Where it
//! refuses one, the numbers of that turn are not known: then the pieces of an answer count, not its bytes.

use std::sync::Arc;

use tokio::time::Instant;

use super::stream_pace::StreamPace;

/// The paces of a connection.
#[derive(Debug, Default)]
pub(super) struct Paces {
    /// Streams whose heads became complete in this turn.
    heads: Vec<u32>,
    /// Tasks that began in this turn.
    begun: Vec<Arc<StreamPace>>,
    /// Of the streams that have not ended, few.
    known: Vec<(u32, Arc<StreamPace>)>,
}

impl Paces {
    /// The head of a stream is complete.
    pub(super) fn opened(&mut self, stream: u32) {
        self.heads.push(stream);
    }

    /// A task begins.
    pub(super) fn begun(&mut self, pace: Arc<StreamPace>) {
        self.begun.push(pace);
    }

    /// Hyper has nothing left to do in this turn.
    pub(super) fn bind(&mut self) {
        let (heads, begun) = (self.heads.drain(..), self.begun.drain(..));
        if heads.len() == begun.len() {
            self.known.extend(heads.zip(begun));
        }
    }

    /// A part of an answer goes to the client.
    pub(super) fn sent(&self, stream: u32, bytes: u32, now: &impl Fn() -> Instant) {
        if let Some((_, pace)) = self.known.iter().find(|(known, _)| *known == stream) {
            pace.sent(bytes, now);
        }
    }

    /// A stream has ended.
    pub(super) fn ended(&mut self, stream: u32) {
        if let Some(at) = self.known.iter().position(|(known, _)| *known == stream) {
            self.known.swap_remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_told_apart_by_the_order_of_their_heads() {
        let mut paces = Paces::default();
        let new = || Arc::new(StreamPace::default());
        let [first, second] = [new(), new()];
        paces.opened(1);
        paces.opened(3);
        paces.begun(first.clone());
        paces.begun(second.clone());
        paces.bind();
        let now = Instant::now();
        paces.sent(3, 5000, &|| now);
        assert_eq!((first.progress(), second.progress()), (None, Some(now)));
        paces.ended(3);
        paces.sent(3, 5000, &|| panic!("it has ended"));
    }

    #[test]
    fn a_turn_with_a_refused_head_names_no_stream() {
        let mut paces = Paces::default();
        let pace = Arc::new(StreamPace::default());
        paces.opened(1);
        paces.opened(3);
        paces.begun(pace.clone());
        paces.bind();
        paces.sent(3, 5000, &Instant::now);
        assert_eq!(pace.progress(), None);
        paces.opened(5);
        paces.begun(pace.clone());
        paces.bind();
        paces.sent(5, 5000, &Instant::now);
        assert!(pace.progress().is_some(), "the next turn does");
    }
}
