use std::time::Duration;

use super::super::frames::samples::frame;
use super::*;
use crate::spool::{SpoolConfig, Spools};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const PRIORITY_UPDATE: u8 = 0x10;
const GREASE: u8 = 0x2a;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// A connection without sockets, on a clock of its own.
struct Wire {
    meter: FrameMeter,
    spools: Spools,
    now: Instant,
}

impl Wire {
    fn new() -> Self {
        let spools = Spools::new(SpoolConfig::default());
        let window = Arc::new(ReceiveWindow::new(spools.share(), 0));
        let now = Instant::now();
        Self {
            meter: FrameMeter::new(64 * 1024, window, now),
            spools,
            now,
        }
    }

    /// The client sends all of it, in as many turns as that takes.
    fn receive(&mut self, mut bytes: &[u8]) -> Result<(), Violation> {
        while !bytes.is_empty() {
            self.meter.pause();
            let now = self.now;
            let passed = self.meter.receive(bytes, || now)?;
            assert!(passed > 0, "a turn passes something on");
            bytes = &bytes[passed..];
        }
        Ok(())
    }

    fn send(&mut self, bytes: &[u8]) {
        let now = self.now;
        self.meter.send(bytes, || now);
    }

    fn wait(&mut self, milliseconds: u64) {
        self.now += Duration::from_millis(milliseconds);
    }

    /// How many of the frames go through.
    fn flood(&mut self, frame: &[u8], most: usize) -> (usize, Option<Violation>) {
        for sent in 0..most {
            if let Err(violation) = self.receive(frame) {
                return (sent, Some(violation));
            }
        }
        (most, None)
    }

    fn asks(&mut self, stream: u32) -> Result<(), Violation> {
        self.receive(&frame(HEADERS, END_HEADERS | END_STREAM, stream, b"block"))
    }

    fn answers(&mut self, stream: u32) {
        self.send(&frame(HEADERS, END_HEADERS, stream, b"a block"));
        self.send(&frame(DATA, END_STREAM, stream, &[0; 16 * 1024]));
    }
}

/// Each kind of flood: a frame of it, how many go through at once and within the seconds after it, and what it is.
fn floods() -> Vec<(Vec<u8>, usize, usize, Violation)> {
    vec![
        (
            frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 255, 255]),
            32,
            4,
            Violation::Settings,
        ),
        (frame(SETTINGS, 1, 0, b""), 32, 4, Violation::Settings),
        (frame(PING, 0, 0, b"01234567"), 64, 16, Violation::Pings),
        (frame(PING, 1, 0, b"01234567"), 4, 0, Violation::Pings),
        (frame(RST_STREAM, 0, 1, &[0, 0, 0, 8]), 256, 32, Violation::Resets),
        (frame(PRIORITY, 0, 1, b"01234"), 256, 16, Violation::Priorities),
        (
            frame(PRIORITY_UPDATE, 0, 0, b"\0\0\0\x01u=1"),
            256,
            16,
            Violation::Priorities,
        ),
        (
            frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1]),
            1024,
            256,
            Violation::WindowUpdates,
        ),
        (frame(DATA, 0, 1, b""), 64, 32, Violation::SmallFrames),
        (frame(DATA, 0, 1, b"x"), 2048, 1024, Violation::SmallFrames),
        (frame(GREASE, 0, 0, b"grease"), 64, 8, Violation::UnknownFrames),
        (frame(GOAWAY, 0, 0, &[0; 8]), 64, 8, Violation::UnknownFrames),
    ]
}

#[test]
fn each_flood_ends_at_its_limit_and_is_named() {
    for (frame, burst, _, violation) in floods() {
        let sent = Wire::new().flood(&frame, 10_000);
        assert_eq!(sent, (burst, Some(violation)));
    }
}

#[test]
fn a_flood_within_what_a_second_brings_is_let_be() {
    for (frame, burst, per_second, violation) in floods() {
        let mut wire = Wire::new();
        for _ in 0..60 {
            assert_eq!(wire.flood(&frame, per_second).1, None, "{violation:?}");
            wire.wait(1000);
        }
        let most = burst + per_second;
        let (sent, ended) = wire.flood(&frame, 10_000);
        assert!(sent <= most, "{sent} of {violation:?}");
        assert_eq!(ended, Some(violation));
    }
}

#[test]
fn it_makes_no_difference_in_which_pieces_a_flood_comes() {
    for seed in 0..200 {
        let mut random = fastrand::Rng::with_seed(seed);
        let all = floods();
        let (frame, burst, _, violation) = &all[random.usize(..all.len())];
        let bytes = frame.repeat(burst + 1);
        let mut wire = Wire::new();
        let mut at = 0;
        let ended = loop {
            let end = (at + random.usize(1..=100)).min(bytes.len());
            if let Err(violation) = wire.receive(&bytes[at..end]) {
                break violation;
            }
            at = end;
        };
        assert_eq!(ended, *violation, "seed {seed}");
        assert!(at + 100 > frame.len() * burst, "seed {seed}: after {at} bytes");
    }
}

#[test]
fn a_head_has_as_many_frames_as_it_needs() {
    let head = |frames: usize| {
        let mut bytes = frame(HEADERS, 0, 1, b"block");
        for _ in 1..frames {
            bytes.extend(frame(CONTINUATION, 0, 1, b"more"));
        }
        bytes.extend(frame(CONTINUATION, END_HEADERS, 1, b"last"));
        bytes
    };
    let mut wire = Wire::new();
    for stream in 0..100 {
        assert_eq!(wire.receive(&head(4)), Ok(()), "{stream}");
    }
    assert_eq!(wire.receive(&head(5)), Err(Violation::Continuations));
}

#[test]
fn a_head_is_being_received_until_its_last_byte() {
    let head = [
        frame(HEADERS, 0, 1, b"block"),
        frame(CONTINUATION, END_HEADERS, 1, b"and more"),
    ]
    .concat();
    for came in 4..head.len() {
        let mut wire = Wire::new();
        wire.receive(&head[..came]).unwrap();
        let number = u64::from(came >= 14);
        assert_eq!(wire.meter.unfinished_head(), Some(number), "{came}");
        wire.receive(&head[came..]).unwrap();
        assert_eq!(wire.meter.unfinished_head(), None, "{came}");
    }
}

#[test]
fn a_turn_ends_between_two_frames() {
    let mut wire = Wire::new();
    let bytes = frame(HEADERS, END_HEADERS | END_STREAM, 1, b"block").repeat(100);
    let now = wire.now;
    let first = wire.meter.receive(&bytes, || now).unwrap();
    assert_eq!(first, 64 * 14);
    assert!(wire.meter.is_turn_over());
    wire.meter.pause();
    assert_eq!(
        wire.meter.receive(&bytes[first..], || now),
        Ok(bytes.len() - first)
    );
    // A frame that has begun is passed on to its end, whatever comes behind it.
    let mut wire = Wire::new();
    let body = frame(DATA, 0, 1, &[0; 1000]);
    let bytes = [&bytes[..63 * 14], &body, &body].concat();
    for split in 63 * 14 + 9..bytes.len() {
        wire.meter.pause();
        let mut other = Wire::new();
        let passed = other.meter.receive(&bytes[..split], || now).unwrap();
        assert_eq!(passed, split.min(63 * 14 + 1009), "{split}");
    }
}

// What browsers, gRPC and download tools do.
#[test]
fn what_is_accounted_for_is_never_a_flood() {
    for seed in 0..50 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut wire = Wire::new();
        wire.receive(&frame(SETTINGS, 0, 0, &[0, 4, 0, 96, 0, 0]))
            .unwrap();
        wire.receive(&frame(SETTINGS, 1, 0, b"")).unwrap();
        let mut stream = 1;
        for _ in 0..2_000 {
            wire.asks(stream).unwrap();
            for _ in 0..random.u32(0..=3) {
                wire.receive(&frame(PRIORITY_UPDATE, 0, 0, b"\0\0\0\x01u=3,i"))
                    .unwrap();
            }
            match random.u32(..4) {
                // Dropped, as one in four answers.
                0 => wire
                    .receive(&frame(RST_STREAM, 0, stream, &[0, 0, 0, 8]))
                    .unwrap(),
                _ => {
                    wire.answers(stream);
                    wire.answers(stream + 2);
                    // Both windows, for each frame.
                    for window in [0, stream, 0, stream + 2] {
                        wire.receive(&frame(WINDOW_UPDATE, 0, window, &[0, 0, 64, 0]))
                            .unwrap();
                    }
                    wire.receive(&frame(PING, 0, 0, b"the way?")).unwrap();
                }
            }
            stream += 4;
        }
        assert_eq!(wire.meter.violation(), None, "seed {seed}");
    }
}

#[test]
fn a_client_that_answers_our_pings_may_do_so_for_ever() {
    let mut wire = Wire::new();
    for _ in 0..1000 {
        wire.send(&frame(PING, 0, 0, b"alive???"));
        wire.receive(&frame(PING, 1, 0, b"alive???")).unwrap();
    }
}

#[test]
fn a_window_that_is_opened_byte_by_byte_earns_nothing() {
    let mut wire = Wire::new();
    wire.asks(1).unwrap();
    let mut drips = 0;
    while wire.receive(&frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1])).is_ok() {
        wire.send(&frame(DATA, 0, 1, b"x"));
        drips += 1;
    }
    assert_eq!(drips, 1024);
}

#[test]
fn messages_of_a_tunnel_are_as_small_as_they_are() {
    let mut wire = Wire::new();
    wire.receive(&frame(HEADERS, END_HEADERS, 1, b"block")).unwrap();
    wire.meter.tunnel_begins();
    for _ in 0..10_000 {
        wire.receive(&frame(DATA, 0, 1, b"hi")).unwrap();
        wire.send(&frame(DATA, 0, 1, b"hi"));
        // For the stream and for the connection.
        for stream in [0, 1] {
            wire.receive(&frame(WINDOW_UPDATE, 0, stream, &[0, 0, 0, 2]))
                .unwrap();
        }
    }
    // Nothing is no message.
    let (_, violation) = wire.flood(&frame(DATA, 0, 1, b""), 1000);
    assert_eq!(violation, Some(Violation::SmallFrames));
    let mut wire = Wire::new();
    wire.meter.tunnel_begins();
    wire.meter.tunnel_ends();
    let (_, violation) = wire.flood(&frame(DATA, 0, 1, b"hi"), 10_000);
    assert_eq!(violation, Some(Violation::SmallFrames));
}

#[test]
fn an_upload_in_small_pieces_goes_on_while_it_comes_in_large_ones_too() {
    let mut wire = Wire::new();
    wire.receive(&frame(HEADERS, END_HEADERS, 1, b"block")).unwrap();
    for _ in 0..10_000 {
        wire.receive(&frame(DATA, 0, 1, &[0; 1024])).unwrap();
        wire.receive(&frame(DATA, 0, 1, b"trailing part")).unwrap();
    }
}

#[test]
fn streams_that_end_through_their_errors_count_as_reset() {
    for code in [PROTOCOL_ERROR, FLOW_CONTROL_ERROR, STREAM_CLOSED, REFUSED_STREAM] {
        let mut wire = Wire::new();
        let reset = frame(RST_STREAM, 0, 1, &code.to_be_bytes());
        let sent = (0..1000).find(|_| {
            wire.send(&reset);
            wire.meter.violation().is_some()
        });
        assert_eq!(
            (sent, wire.meter.violation()),
            (Some(256), Some(Violation::Resets))
        );
    }
    // Ours: an answer before the end of the body, a failure.
    for code in [0u32, 2, 8] {
        let mut wire = Wire::new();
        wire.send(&frame(RST_STREAM, 0, 1, &code.to_be_bytes()).repeat(1000));
        assert_eq!(wire.meter.violation(), None);
    }
}

#[test]
fn heads_that_the_library_refused_are_told_from_bodies_that_it_did() {
    let mut wire = Wire::new();
    let reset = |stream, code: u32| frame(RST_STREAM, 0, stream, &code.to_be_bytes());
    for stream in [1, 3, 5, 7, 9] {
        wire.asks(stream).unwrap();
    }
    assert_eq!(wire.meter.refusals(1), Refused::default(), "nothing was ended");
    // 1 is taken, and its body breaks a rule; 3 is malformed, 5 one too many, 7 and 9 too large, and 9 goes on.
    wire.send(&reset(3, PROTOCOL_ERROR));
    wire.send(&reset(5, REFUSED_STREAM));
    wire.send(&frame(
        HEADERS,
        END_HEADERS | END_STREAM,
        7,
        b"\x48\x83\x69\x90\xff",
    ));
    wire.send(&frame(HEADERS, END_HEADERS | END_STREAM, 9, b"\xbe"));
    wire.send(&reset(9, PROTOCOL_ERROR));
    let refused = Refused {
        malformed: 1,
        too_large: 2,
    };
    assert_eq!(wire.meter.refusals(1), refused);
    wire.send(&reset(1, PROTOCOL_ERROR));
    assert_eq!(
        wire.meter.refusals(1),
        Refused::default(),
        "has a line of its own"
    );
    // Trailers that look like a bare status.
    wire.asks(11).unwrap();
    wire.send(&frame(HEADERS, END_HEADERS, 11, b"\x88\xbf"));
    wire.send(&frame(HEADERS, END_HEADERS | END_STREAM, 11, b"\xc0"));
    assert_eq!(wire.meter.refusals(2), Refused::default());
}

#[test]
fn the_library_ends_a_connection_by_a_name_of_ours() {
    for (code, debug, violation) in [
        (0xb, "header_list_way_too_large", Violation::HeaderBomb),
        (0xb, "too_many_continuations", Violation::Continuations),
        (0xb, "too_many_data_frames", Violation::SmallFrames),
        (0xb, "too_many_internal_resets", Violation::Resets),
        (0xb, "too_many_resets", Violation::Resets),
        (0xb, "", Violation::Protocol(0xb)),
        (0x1, "", Violation::Protocol(0x1)),
    ] {
        let mut wire = Wire::new();
        wire.send(&frames::goaway(1, code, debug));
        assert_eq!(wire.meter.violation(), Some(violation));
        assert_eq!(wire.meter.farewell(), None, "one is enough");
    }
    let mut wire = Wire::new();
    wire.send(&frames::goaway(0x7fff_ffff, 0, ""));
    assert_eq!(wire.meter.violation(), None, "a farewell is no violation");
}

#[test]
fn the_farewell_says_which_streams_were_looked_at_and_why() {
    let mut wire = Wire::new();
    wire.asks(1).unwrap();
    wire.asks(3).unwrap();
    let (now, pings) = (wire.now, frame(PING, 0, 0, b"01234567").repeat(64));
    wire.receive(&pings).unwrap();
    wire.meter.pause();
    // Stream 5 comes with what ends the connection: it is not passed on.
    let last = [
        frame(HEADERS, END_HEADERS | END_STREAM, 5, b"block"),
        frame(PING, 0, 0, b"01234567"),
    ]
    .concat();
    assert_eq!(wire.meter.receive(&last, || now), Err(Violation::Pings));
    assert_eq!(wire.meter.farewell(), Some(frames::goaway(3, 0xb, "ping_flood")));
    // In the middle of a frame, there is no place for another one.
    wire.send(&frame(DATA, 0, 1, &[0; 100])[..50]);
    assert_eq!((wire.meter.farewell(), wire.meter.unfinished()), (None, 59));
    wire.send(&[0; 59]);
    assert!(wire.meter.farewell().is_some());
}

#[test]
fn a_head_that_does_not_come_is_no_violation_to_calm_down_from() {
    let mut wire = Wire::new();
    wire.receive(&frame(HEADERS, 0, 1, b"block")).unwrap();
    wire.meter.give_up();
    assert_eq!(
        wire.meter.farewell(),
        Some(frames::goaway(1, 0, "client_timeout"))
    );
}

#[test]
fn bodies_that_wait_are_a_part_of_the_memory_of_all() {
    let mut wire = Wire::new();
    wire.receive(&frame(HEADERS, END_HEADERS, 1, b"block")).unwrap();
    wire.receive(&frame(DATA, 0, 1, &[0; 1000])).unwrap();
    assert_eq!(wire.spools.bytes_in_memory(), 1000);
    wire.send(&frame(WINDOW_UPDATE, 0, 0, &1000_u32.to_be_bytes()));
    assert_eq!(wire.spools.bytes_in_memory(), 0);
}
