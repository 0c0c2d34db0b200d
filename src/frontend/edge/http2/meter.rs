//! Counts the frames that pass between a client and h2: what a client sends has to stand in a proportion to what it is
//! sent. Knows no sockets, and of the clock only what it is told.
//!
//! A frame costs the library the same whether it does anything or not. So each kind of frame that moves no request on has
//! a [`Budget`]; requests, answers and bytes earn more of it. Beyond it, the connection ends.

use std::sync::Arc;

use tokio::time::Instant;

use super::budget::{Budget, Limit};
use super::frames::{self, Frame, Frames, Kind};
use super::window::ReceiveWindow;
use crate::frontend::violation::Violation;

/// Frames that one wake-up passes on: however small they are, other connections have their turn.
const TURN: u32 = 64;

/// A client sends some at its beginning, and hardly one later.
const SETTINGS: Limit = Limit {
    burst: 32,
    per_second: 4,
};

/// gRPC measures the way with one for each round trip in which something came: DATA earns.
const PINGS: Limit = Limit {
    burst: 64,
    per_second: 16,
};

/// Our PINGs earn: h2 logs an answer to none.
const PONGS: Limit = Limit {
    burst: 4,
    per_second: 0,
};

/// A browser drops whole pages of pictures at once. What was answered to its end earns.
const RESETS: Limit = Limit {
    burst: 256,
    per_second: 32,
};

/// Browsers send some for each stream, which earns.
const PRIORITIES: Limit = Limit {
    burst: 256,
    per_second: 16,
};

/// Two for each piece of DATA, of a client that saves nothing: what is sent earns.
const WINDOW_UPDATES: Limit = Limit {
    burst: 1024,
    per_second: 256,
};

/// DATA frames below [`SMALL`] bytes; each empty one counts as [`EMPTY`] of them. Bytes earn.
const SMALL_FRAMES: Limit = Limit {
    burst: 2048,
    per_second: 1024,
};

/// Extensions, and what browsers send so that servers get used to those.
const UNKNOWN_FRAMES: Limit = Limit {
    burst: 64,
    per_second: 8,
};

/// Bytes of a DATA frame that is no small one.
const SMALL: u32 = 256;

/// See [`SMALL_FRAMES`].
const EMPTY: u32 = 32;

/// Bytes of a DATA frame of ours that earns: a window that is opened byte by byte does not.
const LEAST: u32 = 64;

/// PRIORITY frames, and unknown ones, that a stream earns.
const A_STREAM: u32 = 4;

/// Streams of too large heads that are remembered.
const ANSWERED: usize = 64;

/// Error codes (RFC 9113, section 7).
const PROTOCOL_ERROR: u32 = 0x1;
const FLOW_CONTROL_ERROR: u32 = 0x3;
const STREAM_CLOSED: u32 = 0x5;
const REFUSED_STREAM: u32 = 0x7;

/// How the debug data of h2's own GOAWAYs begins, where it has limits of its own.
const LIBRARY: [(&[u8], Violation); 5] = [
    (b"header_list", Violation::HeaderBomb),
    (b"too_many_continu", Violation::Continuations),
    (b"too_many_data", Violation::SmallFrames),
    (b"too_many_interna", Violation::Resets),
    (b"too_many_resets", Violation::Resets),
];

/// The frames of one connection, in both directions.
#[derive(Debug)]
pub(super) struct FrameMeter {
    received: Frames,
    sent: Frames,
    budgets: Budgets,
    /// Frames since the last pause.
    turn: u32,
    /// Frames that came, but for answers to PINGs of ours.
    came: u64,
    head: Head,
    streams: Streams,
    refusals: Refusals,
    window: Arc<ReceiveWindow>,
    /// Streams that carry another protocol, whose messages are as small as they are.
    tunnels: u32,
    violation: Option<Violation>,
    /// A GOAWAY that names an error was sent.
    told: bool,
}

#[derive(Debug)]
struct Budgets {
    settings: Budget,
    pings: Budget,
    pongs: Budget,
    resets: Budget,
    priorities: Budget,
    window_updates: Budget,
    small_frames: Budget,
    unknown_frames: Budget,
}

/// The head of a request that is being received.
#[derive(Debug)]
struct Head {
    /// CONTINUATION frames of it, once it has begun.
    open: Option<u32>,
    /// The most that a head needs.
    most: u32,
    /// Heads that have begun, those of trailers included.
    number: u64,
}

/// Streams that the client has opened.
#[derive(Debug, Default)]
struct Streams {
    /// The last one that was seen.
    seen: u32,
    /// The last one that was passed on.
    passed: u32,
    /// Complete heads of new streams.
    heads: u64,
    /// Of these, the ones that h2 has refused.
    refused: u64,
    /// No more are taken.
    closed: bool,
}

/// Streams that the library has ended, perhaps because of their heads: see [`FrameMeter::refusals`].
#[derive(Debug)]
struct Refusals {
    malformed: u32,
    too_large: u32,
    declined: u32,
    /// The last streams whose heads the library answered to be too large: it resets those that go on.
    answered: [u32; ANSWERED],
    next: usize,
}

/// Heads that the library has refused without asking the service.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Refused {
    /// They break a rule.
    pub(super) malformed: u32,
    /// They are far above the limit.
    pub(super) too_large: u32,
}

impl FrameMeter {
    /// Of a connection that begins now, behind the preface. `head_size`: the largest head that the library takes.
    pub(super) fn new(head_size: usize, window: Arc<ReceiveWindow>, now: Instant) -> Self {
        Self {
            received: Frames::new(),
            sent: Frames::new(),
            budgets: Budgets::new(now),
            turn: 0,
            came: 0,
            head: Head {
                open: None,
                // Of frames of the size that every receiver takes, and no less than what clients do that never split
                // them evenly.
                most: u32::try_from(head_size / (16 * 1024)).unwrap_or(u32::MAX).max(4),
                number: 0,
            },
            streams: Streams::default(),
            refusals: Refusals {
                malformed: 0,
                too_large: 0,
                declined: 0,
                answered: [0; ANSWERED],
                next: 0,
            },
            window,
            tunnels: 0,
            violation: None,
            told: false,
        }
    }

    /// Looks at bytes of the client's; gives how many of them may be passed on now. The others are for the next turn.
    pub(super) fn receive(&mut self, bytes: &[u8], now: impl Fn() -> Instant) -> Result<usize, Violation> {
        let mut at = 0;
        while at < bytes.len() && !(self.is_turn_over() && self.received.is_between()) {
            let (taken, frame) = self.received.advance(&bytes[at..]);
            at += taken;
            let Some(frame) = frame else { continue };
            self.turn += 1;
            self.came += u64::from(frame.kind != Kind::Ping || !frame.is_ack());
            if let Err(violation) = self.count(frame, &now) {
                self.violation.get_or_insert(violation);
                break;
            }
        }
        match self.violation {
            Some(violation) => Err(violation),
            None => {
                self.streams.passed = self.streams.seen;
                Ok(at)
            }
        }
    }

    /// Looks at bytes that went to the client.
    pub(super) fn send(&mut self, mut bytes: &[u8], now: impl Fn() -> Instant) {
        while !bytes.is_empty() {
            let (taken, frame) = self.sent.advance(bytes);
            bytes = &bytes[taken..];
            if let Some(frame) = frame {
                self.earn(frame, &now);
            }
        }
    }

    /// Whether enough was passed on in this turn.
    pub(super) fn is_turn_over(&self) -> bool {
        self.turn >= TURN
    }

    /// The task of the connection lets others have their turn, and then has its next one.
    pub(super) fn pause(&mut self) {
        self.turn = 0;
    }

    /// How many frames came so far, but for answers to PINGs of ours.
    pub(super) fn frames_received(&self) -> u64 {
        self.came
    }

    /// A stream carries another protocol from now on.
    pub(super) fn tunnel_begins(&mut self) {
        self.tunnels += 1;
    }

    /// Such a stream has ended.
    pub(super) fn tunnel_ends(&mut self) {
        self.tunnels = self.tunnels.saturating_sub(1);
    }

    /// Why the connection ends, if it is to.
    pub(super) fn violation(&self) -> Option<Violation> {
        self.violation
    }

    /// The head of a request did not come in time.
    pub(super) fn give_up(&mut self) {
        self.violation.get_or_insert(Violation::SlowHead);
    }

    /// The number of a head of which a part has come, and not all of it.
    pub(super) fn unfinished_head(&self) -> Option<u64> {
        let unfinished = self.head.open.is_some() || self.received.is_in_head();
        unfinished.then_some(self.head.number)
    }

    /// Bytes that have to follow before the client can be sent a frame of ours.
    pub(super) fn unfinished(&self) -> usize {
        self.sent.missing()
    }

    /// What the client is to be told last, where it was not told by the library and can be told anything.
    pub(super) fn farewell(&self) -> Option<Vec<u8>> {
        let violation = self.violation.filter(|_| !self.told && self.sent.is_between())?;
        let word = violation.reason().as_str();
        Some(frames::goaway(self.streams.passed, violation.code(), word))
    }

    /// The heads refused by the library since the last call; `accepted`: requests that the service got so far.
    ///
    /// To be asked when the library has nothing left to do. A stream that it ends was refused if there is a head of which
    /// the service knows nothing; else it was ended later, by its body.
    pub(super) fn refusals(&mut self, accepted: u64) -> Refused {
        let refusals = &mut self.refusals;
        let streams = &mut self.streams;
        let unknown = streams.heads.saturating_sub(accepted + streams.refused);
        let mut unknown = u32::try_from(unknown).unwrap_or(u32::MAX);
        let mut take = |count: &mut u32| {
            let taken = std::mem::take(count).min(unknown);
            unknown -= taken;
            streams.refused += u64::from(taken);
            taken
        };
        take(&mut refusals.declined);
        Refused {
            too_large: take(&mut refusals.too_large),
            malformed: take(&mut refusals.malformed),
        }
    }

    /// Counts a frame of the client's.
    fn count(&mut self, frame: Frame, now: &impl Fn() -> Instant) -> Result<(), Violation> {
        let budgets = &mut self.budgets;
        let (budget, violation) = match frame.kind {
            Kind::Data => return self.data(frame, now),
            Kind::Headers | Kind::Continuation => return self.head(frame),
            Kind::Settings => (&mut budgets.settings, Violation::Settings),
            Kind::Ping if frame.is_ack() => (&mut budgets.pongs, Violation::Pings),
            Kind::Ping => (&mut budgets.pings, Violation::Pings),
            Kind::Reset => (&mut budgets.resets, Violation::Resets),
            Kind::Priority | Kind::PriorityUpdate => (&mut budgets.priorities, Violation::Priorities),
            Kind::WindowUpdate => (&mut budgets.window_updates, Violation::WindowUpdates),
            Kind::GoAway | Kind::Other => (&mut budgets.unknown_frames, Violation::UnknownFrames),
        };
        within(budget.spend(1, now), violation)
    }

    fn data(&mut self, frame: Frame, now: &impl Fn() -> Instant) -> Result<(), Violation> {
        self.window.received(frame.length);
        let budget = &mut self.budgets.small_frames;
        let cost = match frame.length {
            // Each stream has one last frame, however small.
            _ if frame.ends_stream() => return Ok(()),
            0 => EMPTY,
            1..SMALL if self.tunnels > 0 => return Ok(()),
            1..SMALL => 1,
            length => {
                budget.earn(length / SMALL);
                return Ok(());
            }
        };
        within(budget.spend(cost, now), Violation::SmallFrames)
    }

    fn head(&mut self, frame: Frame) -> Result<(), Violation> {
        let continued = match (frame.kind, self.head.open) {
            (Kind::Continuation, Some(before)) => before + 1,
            // Anything else that the library refuses is its own to name.
            _ => 0,
        };
        self.head.number += u64::from(frame.kind == Kind::Headers);
        if frame.kind == Kind::Headers && frame.stream > self.streams.seen {
            self.streams.seen = frame.stream;
            self.streams.heads += u64::from(!self.streams.closed);
            self.budgets.priorities.earn(A_STREAM);
            self.budgets.unknown_frames.earn(A_STREAM);
        }
        self.head.open = (!frame.ends_head()).then_some(continued);
        within(continued <= self.head.most, Violation::Continuations)
    }

    /// What a frame that was sent accounts for.
    fn earn(&mut self, frame: Frame, now: &impl Fn() -> Instant) {
        match frame.kind {
            Kind::Data if frame.length >= LEAST || self.tunnels > 0 && frame.length > 0 => {
                self.budgets.window_updates.earn(2 + frame.length / 1024);
                self.budgets.pings.earn(1);
            }
            // The service's answers have a date at least.
            Kind::Headers if frame.bare && frame.ends_stream() => self.refusals.answered(frame.stream),
            Kind::Ping if !frame.is_ack() => self.budgets.pongs.earn(1),
            Kind::WindowUpdate if frame.stream == 0 => self.window.returned(frame.number),
            Kind::Reset => self.reset(frame, now),
            Kind::GoAway => self.goaway(frame),
            _ => {}
        }
        if matches!(frame.kind, Kind::Data | Kind::Headers) && frame.ends_stream() {
            self.budgets.resets.earn(1);
        }
    }

    /// We end a stream, perhaps because of the client.
    fn reset(&mut self, frame: Frame, now: &impl Fn() -> Instant) {
        let refusals = &mut self.refusals;
        match frame.number {
            PROTOCOL_ERROR if refusals.answered.contains(&frame.stream) => {}
            PROTOCOL_ERROR => refusals.malformed += 1,
            REFUSED_STREAM => refusals.declined += 1,
            FLOW_CONTROL_ERROR | STREAM_CLOSED => {}
            // For reasons of ours.
            _ => return,
        }
        if !self.budgets.resets.spend(1, now) {
            self.violation.get_or_insert(Violation::Resets);
        }
    }

    /// The library ends the connection, or says that it will.
    fn goaway(&mut self, frame: Frame) {
        let code = frame.number;
        self.streams.closed = true;
        if code == 0 {
            return;
        }
        self.told = true;
        let why = self.sent.debug_data(frame);
        let named = LIBRARY.iter().find(|(word, _)| why.starts_with(word));
        let violation = named.map_or(Violation::Protocol(code), |(_, violation)| *violation);
        self.violation.get_or_insert(violation);
    }
}

impl Budgets {
    fn new(now: Instant) -> Self {
        Self {
            settings: Budget::new(SETTINGS, now),
            pings: Budget::new(PINGS, now),
            pongs: Budget::new(PONGS, now),
            resets: Budget::new(RESETS, now),
            priorities: Budget::new(PRIORITIES, now),
            window_updates: Budget::new(WINDOW_UPDATES, now),
            small_frames: Budget::new(SMALL_FRAMES, now),
            unknown_frames: Budget::new(UNKNOWN_FRAMES, now),
        }
    }
}

impl Refusals {
    /// The library has answered 431.
    fn answered(&mut self, stream: u32) {
        self.too_large += 1;
        self.answered[self.next % ANSWERED] = stream;
        self.next = self.next.wrapping_add(1);
    }
}

fn within(within: bool, violation: Violation) -> Result<(), Violation> {
    match within {
        true => Ok(()),
        false => Err(violation),
    }
}

#[cfg(test)]
mod tests;
