//! One direction of a TCP connection, put together from segments.

use std::collections::BTreeMap;

use super::link::Segment;

/// The bytes of a direction, in their order.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// The sequence number of the next byte; `None` before the first segment.
    next: Option<u32>,
    /// Segments that came too early, by their distance from the first byte.
    early: BTreeMap<u64, Piece>,
    /// Bytes in them.
    held: usize,
    /// Bytes that were given out, or lost.
    given: u64,
    /// Whether its SYN came.
    has_syn: bool,
    /// Where the FIN stands.
    fin: Option<u64>,
    /// Whether the FIN was given out, or a reset came.
    pub(super) is_over: bool,
}

#[derive(Debug)]
struct Piece {
    bytes: Vec<u8>,
    /// Bytes behind them that were not captured.
    missing: usize,
}

/// What comes out of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Out {
    Bytes(Vec<u8>),
    Lost(u64),
    Fin,
}

/// What a segment was beside its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Next,
    /// It came too early.
    Early,
    /// All of it was there already.
    Again,
    /// Some of it was.
    Overlap,
}

impl Stream {
    /// The next byte is this one, when nothing is known better.
    pub(super) fn begin(&mut self, sequence: u32) {
        self.next.get_or_insert(sequence);
    }

    /// Whether a SYN with this number would begin another connection.
    pub(super) fn begins_elsewhere(&self, syn: u32) -> bool {
        let first = |next: u32| next.wrapping_sub(self.given as u32);
        self.next.is_some_and(|next| first(next) != syn.wrapping_add(1))
    }

    /// Whether its SYN or anything else of it came before.
    pub(super) fn has_begun(&self) -> bool {
        self.given > 0 || self.has_syn
    }

    /// Bytes that wait for others.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// Takes a segment.
    pub(super) fn take(&mut self, segment: &Segment<'_>, out: &mut Vec<Out>) -> Order {
        let first = segment.sequence.wrapping_add(u32::from(segment.syn));
        let next = *self.next.get_or_insert(first);
        self.has_syn |= segment.syn;
        // Half of all numbers are before the next byte, and half behind it (RFC 9293, section 3.4).
        let distance = i64::from(first.wrapping_sub(next) as i32);
        let length = segment.payload.len() + segment.missing;
        if segment.fin {
            self.fin = self
                .given
                .checked_add_signed(distance + length as i64)
                .or(self.fin);
        }
        let order = match self.given.checked_add_signed(distance) {
            _ if length == 0 => Order::Next,
            Some(start) if distance > 0 => self.keep(start, segment),
            _ => self.give_new(distance.unsigned_abs() as usize, segment, out),
        };
        self.give_early(out);
        order
    }

    /// The peer has received everything before this number: what we miss of it was lost to us.
    pub(super) fn acknowledge(&mut self, number: u32, out: &mut Vec<Out>) {
        let Some(next) = self.next else { return };
        let distance = i64::from(number.wrapping_sub(next) as i32);
        let is_ahead = |start: u64| self.given.saturating_add_signed(distance) >= start;
        let gap = self.early.keys().next().copied().filter(|start| is_ahead(*start));
        // A few packets may be in another order in the file than they were on the wire.
        if gap.is_some() && self.early.len() >= PATIENCE {
            self.give_up(out);
        }
    }

    /// Takes the nearest missing bytes for lost.
    pub(super) fn give_up(&mut self, out: &mut Vec<Out>) {
        if let Some(start) = self.early.keys().next().copied() {
            self.lose(start.saturating_sub(self.given), out);
            self.give_early(out);
        }
    }

    /// Nothing more comes: everything that is there is given out.
    pub(super) fn finish(&mut self, out: &mut Vec<Out>) {
        while !self.early.is_empty() {
            self.give_up(out);
        }
        if let Some(fin) = self.fin.filter(|fin| *fin > self.given && !self.is_over) {
            self.lose(fin - self.given, out);
        }
        self.give_fin(out);
    }

    fn keep(&mut self, start: u64, segment: &Segment<'_>) -> Order {
        let piece = Piece {
            bytes: segment.payload.to_vec(),
            missing: segment.missing,
        };
        self.held += piece.bytes.len();
        // Of two that begin in the same place the longer one knows more.
        match self.early.insert(start, piece) {
            Some(before) if before.bytes.len() > segment.payload.len() => {
                self.held -= segment.payload.len();
                self.early.insert(start, before);
            }
            Some(before) => self.held -= before.bytes.len(),
            None => {}
        }
        Order::Early
    }

    /// Gives out what is new of a segment that begins so many bytes before the next one.
    fn give_new(&mut self, known: usize, segment: &Segment<'_>, out: &mut Vec<Out>) -> Order {
        let (captured, all) = (segment.payload.len(), segment.payload.len() + segment.missing);
        if known >= all {
            return Order::Again;
        }
        self.give(segment.payload.get(known..).unwrap_or_default(), out);
        let missing = all - known.max(captured);
        if missing > 0 {
            self.lose(missing as u64, out);
        }
        if known > 0 { Order::Overlap } else { Order::Next }
    }

    /// Gives out what came early and is next now.
    fn give_early(&mut self, out: &mut Vec<Out>) {
        while let Some(entry) = self
            .early
            .first_entry()
            .filter(|entry| *entry.key() <= self.given)
        {
            let (start, piece) = entry.remove_entry();
            self.held -= piece.bytes.len();
            let known = usize::try_from(self.given - start).unwrap_or(usize::MAX);
            let new = piece.bytes.get(known..).unwrap_or_default();
            let behind = known.saturating_sub(piece.bytes.len());
            self.give(new, out);
            self.lose(piece.missing.saturating_sub(behind) as u64, out);
        }
        self.give_fin(out);
    }

    fn give_fin(&mut self, out: &mut Vec<Out>) {
        if self.fin.is_some_and(|fin| fin <= self.given) && !self.is_over {
            self.is_over = true;
            out.push(Out::Fin);
        }
    }

    fn give(&mut self, bytes: &[u8], out: &mut Vec<Out>) {
        if !bytes.is_empty() {
            out.push(Out::Bytes(bytes.to_vec()));
            self.advance(bytes.len() as u64);
        }
    }

    fn lose(&mut self, count: u64, out: &mut Vec<Out>) {
        if count > 0 {
            out.push(Out::Lost(count));
            self.advance(count);
        }
    }

    fn advance(&mut self, count: u64) {
        self.given = self.given.saturating_add(count);
        // Sequence numbers begin again behind 2^32.
        self.next = self.next.map(|next| next.wrapping_add(count as u32));
    }
}

const PATIENCE: usize = 3; // segments behind a gap, before an acknowledgement says that it stays

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(sequence: u32, payload: &[u8]) -> Segment<'_> {
        let nobody = std::net::SocketAddr::from(([127, 0, 0, 1], 1));
        Segment {
            from: nobody,
            to: nobody,
            sequence,
            acknowledged: None,
            syn: false,
            fin: false,
            rst: false,
            payload,
            missing: 0,
        }
    }

    fn text(out: &[Out]) -> String {
        let word = |out: &Out| match out {
            Out::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Out::Lost(count) => format!("[{count}]"),
            Out::Fin => ".".to_owned(),
        };
        out.iter().map(word).collect()
    }

    /// What comes out of segments that begin at these distances, around the end of the numbers.
    fn replay(segments: &[(u32, &str)]) -> String {
        let start = u32::MAX - 3;
        let mut stream = Stream::default();
        stream.begin(start);
        let mut out = Vec::new();
        for (at, payload) in segments {
            let fin = payload.ends_with('.');
            let payload = payload.trim_end_matches('.').as_bytes();
            let segment = segment(start.wrapping_add(*at), payload);
            stream.take(&Segment { fin, ..segment }, &mut out);
        }
        stream.finish(&mut out);
        assert_eq!(stream.held(), 0);
        text(&out)
    }

    #[test]
    fn segments_in_any_order_make_the_same_stream() {
        assert_eq!(replay(&[(0, "abcd"), (4, "efgh"), (8, "ij.")]), "abcdefghij.");
        assert_eq!(replay(&[(8, "ij."), (4, "efgh"), (0, "abcd")]), "abcdefghij.");
        assert_eq!(
            replay(&[(4, "efgh"), (0, "abcd"), (10, "."), (8, "ij")]),
            "abcdefghij."
        );
    }

    #[test]
    fn what_comes_again_is_given_out_once() {
        assert_eq!(replay(&[(0, "abc"), (0, "abc"), (2, "cde"), (1, "bc")]), "abcde");
        assert_eq!(
            replay(&[(3, "def"), (3, "d"), (5, "fgh"), (0, "abcd")]),
            "abcdefgh"
        );
        assert_eq!(replay(&[(3, "d"), (3, "def"), (0, "abc")]), "abcdef");
    }

    #[test]
    fn what_never_comes_is_lost() {
        assert_eq!(replay(&[(0, "ab"), (5, "fg.")]), "ab[3]fg.");
        assert_eq!(replay(&[(0, "ab"), (4, ".")]), "ab[2].");
        assert_eq!(replay(&[(3, "d"), (6, "g")]), "[3]d[2]g");
    }

    #[test]
    fn an_acknowledgement_says_that_a_gap_stays() {
        let mut stream = Stream::default();
        stream.begin(100);
        let mut out = Vec::new();
        for at in [102, 103, 104] {
            stream.take(&segment(at, b"x"), &mut out);
            stream.acknowledge(101, &mut out);
        }
        assert!(out.is_empty());
        stream.acknowledge(105, &mut out);
        assert_eq!(text(&out), "[2]xxx");
    }

    #[test]
    fn what_was_not_captured_is_lost_where_it_was() {
        let mut stream = Stream::default();
        let mut out = Vec::new();
        let short = Segment {
            missing: 4,
            ..segment(7, b"ab")
        };
        stream.take(&short, &mut out);
        stream.take(&segment(13, b"gh"), &mut out);
        stream.take(&short, &mut out);
        assert_eq!(text(&out), "ab[4]gh");
    }
}
