//! Where the frames of HTTP/2 begin in the bytes of one direction, and what their heads say (RFC 9113, section 4.1), in
//! whatever pieces the bytes come. Payloads are skipped, but for the numbers that some of them consist of.

/// Bytes in front of each payload.
const HEAD: usize = 9;

/// Most bytes of a payload that are looked at: last stream, code and the beginning of the debug data of a GOAWAY.
const LOOK: usize = 24;

/// Most bytes of a header block that says a status and nothing else.
const BARE: usize = 5;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Data,
    Headers,
    Priority,
    Reset,
    Settings,
    Ping,
    GoAway,
    WindowUpdate,
    Continuation,
    /// RFC 9218, section 7.1.
    PriorityUpdate,
    /// A type that no rule is known for, or none that a client may send.
    Other,
}

/// The head of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: Kind,
    flags: u8,
    /// 0: the connection.
    pub(super) stream: u32,
    /// Bytes of its payload.
    pub(super) length: u32,
    /// The error code of RST_STREAM and GOAWAY, the increment of WINDOW_UPDATE; of others 0.
    pub(super) number: u32,
    /// HEADERS with one field in them: an answer that says its status and nothing else.
    pub(super) bare: bool,
}

/// One direction of a connection.
#[derive(Debug)]
pub(super) struct Frames {
    /// The front of the frame that begins.
    front: [u8; HEAD + LOOK],
    /// Bytes of it that came.
    have: usize,
    /// Bytes of the last frame's payload that did not come yet.
    left: usize,
}

impl Kind {
    fn of(number: u8) -> Self {
        match number {
            0x0 => Self::Data,
            0x1 => Self::Headers,
            0x2 => Self::Priority,
            0x3 => Self::Reset,
            0x4 => Self::Settings,
            0x6 => Self::Ping,
            0x7 => Self::GoAway,
            0x8 => Self::WindowUpdate,
            0x9 => Self::Continuation,
            0x10 => Self::PriorityUpdate,
            _ => Self::Other,
        }
    }

    /// Bytes of a payload that are looked at.
    fn look(self, length: usize) -> usize {
        match self {
            Self::Reset | Self::WindowUpdate => length.min(4),
            Self::GoAway => length.min(LOOK),
            Self::Headers => length.min(BARE),
            _ => 0,
        }
    }
}

impl Frame {
    /// END_STREAM of DATA and HEADERS.
    pub(super) fn ends_stream(self) -> bool {
        self.flags & 0x1 != 0
    }

    /// ACK of PING.
    pub(super) fn is_ack(self) -> bool {
        self.flags & 0x1 != 0
    }

    /// END_HEADERS of HEADERS and CONTINUATION.
    pub(super) fn ends_head(self) -> bool {
        self.flags & 0x4 != 0
    }
}

impl Frames {
    /// Behind the preface.
    pub(super) fn new() -> Self {
        Self {
            front: [0; HEAD + LOOK],
            have: 0,
            left: 0,
        }
    }

    /// Goes on by some of the bytes, up to where the next frame can be told at most: gives how many, and that frame. Of
    /// bytes, it takes at least one.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> (usize, Option<Frame>) {
        if self.left > 0 {
            let skipped = self.left.min(bytes.len());
            self.left -= skipped;
            return (skipped, None);
        }
        let mut taken = self.fill(bytes, HEAD);
        if self.have < HEAD {
            return (taken, None);
        }
        let wanted = self.wanted();
        taken += self.fill(&bytes[taken..], wanted);
        if self.have < wanted {
            return (taken, None);
        }
        let frame = self.frame();
        self.left = frame.length as usize - (wanted - HEAD);
        self.have = 0;
        (taken, Some(frame))
    }

    /// Whether the next byte is the first one of a frame.
    pub(super) fn is_between(&self) -> bool {
        self.have == 0 && self.left == 0
    }

    /// Whether a frame that has anything to do with a head is not complete.
    pub(super) fn is_in_head(&self) -> bool {
        let kind = Kind::of(self.front[3]);
        let known = self.left > 0 || self.have > 3;
        known && matches!(kind, Kind::Headers | Kind::Continuation)
    }

    /// Bytes that are certain to belong to the frame that has begun; 0 between two.
    pub(super) fn missing(&self) -> usize {
        match self.have {
            0 => self.left,
            1..HEAD => HEAD - self.have,
            _ => self.wanted() - self.have,
        }
    }

    /// The beginning of the debug data of the GOAWAY that was told last.
    pub(super) fn debug_data(&self, goaway: Frame) -> &[u8] {
        let end = HEAD + goaway.kind.look(goaway.length as usize);
        self.front.get(HEAD + 8..end).unwrap_or_default()
    }

    fn fill(&mut self, bytes: &[u8], wanted: usize) -> usize {
        let count = wanted.saturating_sub(self.have).min(bytes.len());
        self.front[self.have..self.have + count].copy_from_slice(&bytes[..count]);
        self.have += count;
        count
    }

    /// Bytes of a frame whose head is there that are looked at.
    fn wanted(&self) -> usize {
        HEAD + Kind::of(self.front[3]).look(self.number(0, 3) as usize)
    }

    fn frame(&self) -> Frame {
        let kind = Kind::of(self.front[3]);
        let length = self.number(0, 3);
        let at = match kind {
            Kind::Reset | Kind::WindowUpdate if length >= 4 => Some(HEAD),
            Kind::GoAway if length >= 8 => Some(HEAD + 4),
            _ => None,
        };
        Frame {
            kind,
            flags: self.front[4],
            stream: self.number(5, 4) & 0x7fff_ffff,
            length,
            number: at.map_or(0, |at| self.number(at, 4)),
            bare: kind == Kind::Headers && is_bare(&self.front[HEAD..], length),
        }
    }

    /// A number in network order.
    fn number(&self, at: usize, count: usize) -> u32 {
        let bytes = &self.front[at..at + count];
        bytes
            .iter()
            .fold(0, |number, byte| number << 8 | u32::from(*byte))
    }
}

/// Whether a header block of that length is one indexed field, or a status that is not in the table (RFC 7541, section 6).
fn is_bare(block: &[u8], length: u32) -> bool {
    match (length, block) {
        (1, _) | (2, [0xff, ..]) => true,
        (5, [name, length, ..]) => matches!(name, 0x08 | 0x48) && *length == 0x80 | 3,
        _ => false,
    }
}

/// A GOAWAY frame (RFC 9113, section 6.8).
pub(super) fn goaway(last: u32, code: u32, debug_data: &str) -> Vec<u8> {
    let length = 8 + debug_data.len() as u32;
    let mut frame = length.to_be_bytes()[1..].to_vec();
    frame.extend([0x7, 0, 0, 0, 0, 0]);
    frame.extend(last.to_be_bytes());
    frame.extend(code.to_be_bytes());
    frame.extend(debug_data.as_bytes());
    frame
}

#[cfg(test)]
pub(super) mod samples {
    /// A frame of any type.
    pub(in super::super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let mut frame = (payload.len() as u32).to_be_bytes()[1..].to_vec();
        frame.extend([kind, flags]);
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        frame
    }
}

#[cfg(test)]
mod tests {
    use super::samples::frame;
    use super::*;

    /// The frames in pieces that end at `ends`, and what was there between two.
    fn told(pieces: &[&[u8]]) -> Vec<Frame> {
        let mut frames = Frames::new();
        let mut told = Vec::new();
        for piece in pieces {
            let mut at = 0;
            while at < piece.len() {
                let (taken, frame) = frames.advance(&piece[at..]);
                assert!(taken > 0, "goes on");
                at += taken;
                told.extend(frame);
            }
        }
        assert!(frames.is_between(), "{frames:?}");
        told
    }

    fn wire() -> Vec<u8> {
        [
            frame(4, 0, 0, &[0, 4, 0, 0, 0, 0]),
            frame(1, 0x5, 1, b"block"),
            frame(0, 0, 1, b""),
            frame(3, 0, 1, &[0, 0, 0, 8]),
            frame(8, 0, 0x8000_0003, &[0, 1, 0, 0]),
            frame(0x10, 0, 0, b"\0\0\0\x01u=1"),
            frame(0, 0x1, 3, &[7; 300]),
            goaway(9, 0xb, "ping_flood"),
            frame(0xbe, 0xff, 0, b"grease"),
        ]
        .concat()
    }

    #[test]
    fn heads_are_told_whatever_the_pieces_are() {
        let wire = wire();
        let whole = told(&[&wire]);
        let kinds: Vec<_> = whole.iter().map(|frame| frame.kind).collect();
        assert_eq!(
            kinds,
            [
                Kind::Settings,
                Kind::Headers,
                Kind::Data,
                Kind::Reset,
                Kind::WindowUpdate,
                Kind::PriorityUpdate,
                Kind::Data,
                Kind::GoAway,
                Kind::Other
            ]
        );
        let numbers: Vec<_> = whole.iter().map(|frame| (frame.stream, frame.number)).collect();
        assert_eq!(numbers[3..5], [(1, 8), (3, 0x10000)]);
        assert_eq!(numbers[7], (0, 0xb));
        assert!(whole[1].ends_head() && whole[1].ends_stream() && !whole[2].ends_stream());
        for split in 0..=wire.len() {
            let (first, second) = wire.split_at(split);
            assert_eq!(told(&[first, second]), whole, "{split}");
        }
        let single: Vec<_> = wire.chunks(1).collect();
        assert_eq!(told(&single), whole);
    }

    #[test]
    fn what_is_missing_leads_from_one_frame_to_the_next() {
        let wire = wire();
        for start in 0..wire.len() {
            let mut frames = Frames::new();
            let mut at = 0;
            while at < start {
                at += frames.advance(&wire[at..start]).0;
            }
            while !frames.is_between() {
                let missing = frames.missing();
                assert!(missing > 0, "{start}");
                let end = at + missing;
                while at < end {
                    at += frames.advance(&wire[at..end]).0;
                }
            }
            let rest = told(&[&wire[at..]]);
            assert_eq!(rest, told(&[&wire])[9 - rest.len()..], "{start}");
        }
    }

    #[test]
    fn an_answer_that_is_nothing_but_a_status_is_told() {
        for (block, bare) in [
            (&b"\x8d"[..], true),
            (b"\xff\x01", true),
            (b"\x48\x83\x69\x90\xff", true),
            (b"\x88\xbe", false),
            (b"\x48\x83\x69\x90\xff\xbe", false),
            (b"\x88\xbe\xbf\xc0\xc1", false),
            (b"", false),
        ] {
            let wire = frame(1, 0x5, 1, block);
            assert_eq!(told(&[&wire])[0].bare, bare, "{block:x?}");
        }
        assert!(!told(&[&frame(9, 0x4, 1, b"\x8d")])[0].bare);
    }

    #[test]
    fn a_head_is_begun_as_soon_as_that_can_be_known() {
        let wire = [frame(1, 0x4, 1, b"0123456789"), frame(0, 0, 1, b"body")].concat();
        let mut frames = Frames::new();
        let mut in_head = Vec::new();
        let mut at = 0;
        while at < wire.len() {
            at += frames.advance(&wire[at..at + 1]).0;
            in_head.push(frames.is_in_head());
        }
        let expected: Vec<_> = (1..=wire.len()).map(|came| (4..19).contains(&came)).collect();
        assert_eq!(in_head, expected);
    }

    #[test]
    fn a_goaway_says_why_in_words() {
        let mut frames = Frames::new();
        let wire = goaway(5, 0xb, "header_list_way_too_large");
        let (_, goaway) = frames.advance(&wire);
        assert_eq!(frames.debug_data(goaway.unwrap()), b"header_list_way_");
        let (_, short) = Frames::new().advance(&frame(7, 0, 0, &[0; 4]));
        assert_eq!(short.unwrap().number, 0);
        assert_eq!(Frames::new().debug_data(short.unwrap()), b"");
    }
}
