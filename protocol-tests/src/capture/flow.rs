//! TCP connections out of segments.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::Item;
use super::link::{Segment, Skipped};
use super::stream::{Order, Out, Stream};
use crate::decode::Remark;
use crate::trace::{Entry, Event, Origin};

/// All connections of a capture.
#[derive(Debug, Default)]
pub(super) struct Flows {
    open: HashMap<(SocketAddr, SocketAddr), Flow>,
    /// Connections so far.
    count: u32,
    /// The time of the first packet.
    start: Option<Duration>,
    /// The time of the last one.
    now: Duration,
    /// Bytes that wait for others, of all connections.
    held: usize,
    counts: Counts,
}

/// One connection.
#[derive(Debug)]
struct Flow {
    number: u32,
    client: SocketAddr,
    streams: [Stream; 2],
    seen: Duration,
}

/// What there was beside connections in good order.
#[derive(Debug, Default)]
struct Counts {
    segments: u64,
    early: u64,
    again: u64,
    overlapping: u64,
    cut: u64,
    other_links: u64,
    no_tcp: u64,
    fragments: u64,
    short: u64,
}

impl Flows {
    /// A packet without a segment.
    pub(super) fn skip(&mut self, skipped: Skipped) {
        let count = match skipped {
            Skipped::Link => &mut self.counts.other_links,
            Skipped::Other => &mut self.counts.no_tcp,
            Skipped::Fragment => &mut self.counts.fragments,
            Skipped::Short => &mut self.counts.short,
        };
        *count += 1;
    }

    /// A segment.
    pub(super) fn take(&mut self, at: Duration, segment: &Segment<'_>, sink: &mut dyn FnMut(Item)) {
        let start = *self.start.get_or_insert(at);
        self.now = at.saturating_sub(start);
        self.counts.segments += 1;
        self.counts.cut += u64::from(segment.missing > 0);
        let key = key(segment);
        let is_new = match self.open.get(&key) {
            Some(flow) => flow.is_followed_by(segment),
            None => true,
        };
        if is_new && !self.begin(key, segment, sink) {
            return;
        }
        let Some(mut flow) = self.open.remove(&key) else {
            return;
        };
        self.held -= flow.held();
        let order = flow.take(self.now, segment, self.held, sink);
        self.held += flow.held();
        self.open.insert(key, flow);
        match order {
            Order::Next => {}
            Order::Early => self.counts.early += 1,
            Order::Again => self.counts.again += 1,
            Order::Overlap => self.counts.overlapping += 1,
        }
    }

    /// The capture is over.
    pub(super) fn finish(&mut self, sink: &mut dyn FnMut(Item)) {
        let mut flows: Vec<_> = self.open.drain().map(|(_, flow)| flow).collect();
        flows.sort_by_key(|flow| flow.number);
        for mut flow in flows {
            flow.finish(self.now, sink);
        }
        for words in self.counts.words() {
            sink(Item::Said(None, Remark::fault(words)));
        }
        let words = format!("{} connections, {} segments", self.count, self.counts.segments);
        sink(Item::Said(None, Remark::fact(words)));
    }

    /// A connection begins with this segment; says whether it does.
    fn begin(
        &mut self,
        key: (SocketAddr, SocketAddr),
        segment: &Segment<'_>,
        sink: &mut dyn FnMut(Item),
    ) -> bool {
        // The last acknowledgement of a connection, or a reset of none, is no beginning.
        if !segment.syn && segment.payload.is_empty() && segment.missing == 0 {
            return false;
        }
        if let Some(before) = self.open.remove(&key) {
            self.end(before, sink);
        }
        if self.open.len() >= MAX_FLOWS {
            self.evict(sink);
        }
        self.count = self.count.saturating_add(1);
        let flow = Flow::new(self.count, self.now, segment);
        flow.introduce(segment, self.now, sink);
        self.open.insert(key, flow);
        true
    }

    /// Forgets the connection that was silent for the longest time; those that have ended go first.
    fn evict(&mut self, sink: &mut dyn FnMut(Item)) {
        let oldest = self
            .open
            .iter()
            .min_by_key(|(_, flow)| (!flow.is_over(), flow.seen, flow.number));
        if let Some(key) = oldest.map(|(key, _)| *key)
            && let Some(flow) = self.open.remove(&key)
        {
            if !flow.is_over() {
                let words = format!("not followed any more: more than {MAX_FLOWS} are open");
                sink(Item::Said(Some(flow.number), Remark::fault(words)));
            }
            self.end(flow, sink);
        }
    }

    fn end(&mut self, mut flow: Flow, sink: &mut dyn FnMut(Item)) {
        self.held -= flow.held();
        flow.finish(self.now, sink);
        sink(Item::Forgotten(flow.number));
    }
}

impl Flow {
    fn new(number: u32, now: Duration, segment: &Segment<'_>) -> Self {
        let is_client = match (segment.syn, segment.acknowledged) {
            (true, None) => true,
            (true, Some(_)) => false,
            // Servers have the low port, in most cases.
            (false, _) => segment.from.port() >= segment.to.port(),
        };
        let mut flow = Self {
            number,
            client: if is_client { segment.from } else { segment.to },
            streams: [Stream::default(), Stream::default()],
            seen: now,
        };
        if let Some(acknowledged) = segment.acknowledged {
            let peer = flow.origin(segment).other();
            flow.stream(peer).begin(acknowledged);
        }
        flow
    }

    /// Says who they are, and that the connection is open.
    fn introduce(&self, segment: &Segment<'_>, now: Duration, sink: &mut dyn FnMut(Item)) {
        let server = if segment.from == self.client {
            segment.to
        } else {
            segment.from
        };
        let words = format!("from {} to {server}", self.client);
        sink(Item::Said(Some(self.number), Remark::fact(words)));
        match segment.syn {
            true => sink(self.entry(now, Origin::Client, Event::Open)),
            false => {
                let words = "its beginning was not captured; who the client is, is a guess";
                sink(Item::Said(Some(self.number), Remark::fault(words)));
            }
        }
    }

    /// Whether a segment belongs to another connection between the same two.
    fn is_followed_by(&self, segment: &Segment<'_>) -> bool {
        let at = index(self.origin(segment));
        segment.syn && segment.acknowledged.is_none() && self.streams[at].begins_elsewhere(segment.sequence)
    }

    fn is_over(&self) -> bool {
        self.streams.iter().all(|stream| stream.is_over)
    }

    fn held(&self) -> usize {
        self.streams.iter().map(Stream::held).sum()
    }

    fn origin(&self, segment: &Segment<'_>) -> Origin {
        if segment.from == self.client {
            Origin::Client
        } else {
            Origin::Server
        }
    }

    fn stream(&mut self, origin: Origin) -> &mut Stream {
        &mut self.streams[index(origin)]
    }

    /// Takes a segment; others hold so many bytes already.
    fn take(
        &mut self,
        now: Duration,
        segment: &Segment<'_>,
        held: usize,
        sink: &mut dyn FnMut(Item),
    ) -> Order {
        self.seen = now;
        let from = self.origin(segment);
        if let Some(number) = segment.acknowledged {
            let mut out = Vec::new();
            self.stream(from.other()).acknowledge(number, &mut out);
            self.tell(now, from.other(), out, sink);
        }
        let mut out = Vec::new();
        let stream = self.stream(from);
        let is_first = !stream.has_begun();
        let order = stream.take(segment, &mut out);
        while stream.held() > MAX_STREAM_HELD || (stream.held() > 0 && stream.held() + held > MAX_HELD) {
            stream.give_up(&mut out);
        }
        self.tell(now, from, out, sink);
        if segment.syn && from == Origin::Server && is_first {
            sink(self.entry(now, from, Event::Open));
        }
        if segment.rst && !self.stream(from).is_over {
            self.finish(now, sink);
            self.streams.iter_mut().for_each(|stream| stream.is_over = true);
            sink(self.entry(now, from, Event::Reset));
        }
        order
    }

    fn finish(&mut self, now: Duration, sink: &mut dyn FnMut(Item)) {
        for origin in [Origin::Client, Origin::Server] {
            let mut out = Vec::new();
            self.stream(origin).finish(&mut out);
            self.tell(now, origin, out, sink);
        }
    }

    fn tell(&self, now: Duration, from: Origin, out: Vec<Out>, sink: &mut dyn FnMut(Item)) {
        for out in out {
            let event = match out {
                Out::Bytes(bytes) => Event::Bytes(bytes),
                Out::Lost(count) => Event::Lost(count),
                Out::Fin => Event::Fin,
            };
            sink(self.entry(now, from, event));
        }
    }

    fn entry(&self, at: Duration, from: Origin, event: Event) -> Item {
        Item::Entry(Entry {
            connection: self.number,
            at,
            from,
            event,
        })
    }
}

impl Counts {
    /// What was irregular.
    fn words(&self) -> Vec<String> {
        let lines = [
            (
                self.early,
                "segments came before others that belong in front of them",
            ),
            (self.again, "segments came again"),
            (self.overlapping, "segments overlapped others"),
            (self.cut, "segments were not captured as a whole (snaplen)"),
            (
                self.other_links,
                "packets have a link type that is not known here",
            ),
            (self.no_tcp, "packets are not TCP"),
            (
                self.fragments,
                "packets are IP fragments, which are not put together",
            ),
            (self.short, "packets are too short for their headers"),
        ];
        let lines = lines.iter().filter(|(count, _)| *count > 0);
        lines.map(|(count, words)| format!("{count} {words}")).collect()
    }
}

/// Both directions of a connection have one key.
fn key(segment: &Segment<'_>) -> (SocketAddr, SocketAddr) {
    (segment.from.min(segment.to), segment.from.max(segment.to))
}

fn index(origin: Origin) -> usize {
    match origin {
        Origin::Client => 0,
        Origin::Server => 1,
    }
}

const MAX_FLOWS: usize = 4096; // connections that are followed at once
const MAX_STREAM_HELD: usize = 4 << 20; // bytes of a direction behind a gap; more than a window on most links
const MAX_HELD: usize = 64 << 20; // the same, of all directions together
