//! Where one connection is listened to.

use std::io::Write;
use std::time::Instant;

use super::{Recorder, Secrecy};
use crate::decode::Conversation;
use crate::protocol::Protocol;
use crate::trace::{Entry, Event, Origin, Redactor};

/// One connection of a trace under way.
#[derive(Debug)]
pub(super) struct Tap<'a, W> {
    recorder: &'a Recorder<W>,
    number: u32,
    conversation: Conversation,
    redactor: Option<Redactor>,
}

impl<'a, W: Write> Tap<'a, W> {
    pub(super) fn new(recorder: &'a Recorder<W>, number: u32, protocol: Protocol, secrecy: Secrecy) -> Self {
        let redactor = match secrecy {
            Secrecy::Open => None,
            Secrecy::Redacted => Some(Redactor::new(protocol)),
        };
        Self {
            recorder,
            number,
            conversation: Conversation::new(Some(protocol)),
            redactor,
        }
    }

    /// Writes down what happened just now.
    pub(super) fn note(&mut self, from: Origin, event: Event) {
        self.note_at(Instant::now(), from, event);
    }

    /// Writes down what happened a moment ago. Secrets are gone before anybody finds words for them.
    pub(super) fn note_at(&mut self, then: Instant, from: Origin, event: Event) {
        let event = match &mut self.redactor {
            Some(redactor) => redactor.redact(from, event),
            None => event,
        };
        let remarks = self.conversation.hear(from, &event);
        let entry = Entry {
            connection: self.number,
            at: then.saturating_duration_since(self.recorder.start()),
            from,
            event,
        };
        self.recorder.write(&entry, &remarks);
    }
}
