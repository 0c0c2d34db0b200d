//! Captures of one exchange, in every format, complete and damaged.

use std::collections::BTreeMap;
use std::time::Duration;

use etherparse::PacketBuilder;
use proptest::prelude::*;

use super::*;
use crate::decode::Conversation;
use crate::trace::Event;

const REQUEST: &[u8] =
    b"\x01\x01\0\x01\0\x08\0\0\0\x01\0\0\0\0\0\0\x01\x04\0\x01\0\0\0\0\x01\x05\0\x01\0\0\0\0";
const ANSWER: &[u8] =
    b"\x01\x06\0\x01\0\x0c\0\0A: b\r\n\r\nbody\x01\x06\0\x01\0\0\0\0\x01\x03\0\x01\0\x08\0\0\0\0\0\0\0\0\0\0";

/// A packet and its time, from the IP header on.
type Packet = (Duration, Vec<u8>);

/// Flags of a segment.
#[derive(Clone, Copy, PartialEq)]
enum Flag {
    Syn,
    Data,
    Fin,
    Reset,
}

/// A connection in the making.
struct Wire {
    is_v6: bool,
    packets: Vec<Packet>,
    /// The next sequence numbers of the client and the server.
    next: [u32; 2],
}

impl Wire {
    fn new(is_v6: bool) -> Self {
        Self {
            is_v6,
            packets: Vec::new(),
            next: [u32::MAX - 5, 77],
        }
    }

    /// The exchange, cut into segments of so many bytes.
    fn exchange(is_v6: bool, size: usize) -> Vec<Packet> {
        let mut wire = Self::new(is_v6);
        wire.send(0, Flag::Syn, b"");
        wire.send(1, Flag::Syn, b"");
        wire.send(0, Flag::Data, b"");
        REQUEST
            .chunks(size)
            .for_each(|piece| wire.send(0, Flag::Data, piece));
        ANSWER
            .chunks(size)
            .for_each(|piece| wire.send(1, Flag::Data, piece));
        wire.send(1, Flag::Fin, b"");
        wire.send(0, Flag::Fin, b"");
        wire.send(1, Flag::Data, b"");
        wire.packets
    }

    fn send(&mut self, from: usize, flag: Flag, payload: &[u8]) {
        let at = Duration::new(1_700_000_000, 1_000_000 * self.packets.len() as u32);
        let packet = self.packet(from, flag, payload);
        self.packets.push((at, packet));
        self.next[from] = self.next[from]
            .wrapping_add(payload.len() as u32)
            .wrapping_add(u32::from(matches!(flag, Flag::Syn | Flag::Fin)));
    }

    fn packet(&self, from: usize, flag: Flag, payload: &[u8]) -> Vec<u8> {
        let ports = [40_000, 9_000];
        let (source, target) = (ports[from], ports[1 - from]);
        let builder = match self.is_v6 {
            true => PacketBuilder::ipv6([from as u8 + 1; 16], [2 - from as u8; 16], 64),
            false => PacketBuilder::ipv4([10, 0, 0, from as u8], [10, 0, 0, 1 - from as u8], 64),
        };
        let mut tcp = builder.tcp(source, target, self.next[from], 65_000);
        if !(flag == Flag::Syn && from == 0) {
            tcp = tcp.ack(self.next[1 - from]);
        }
        tcp = match flag {
            Flag::Syn => tcp.syn(),
            Flag::Data => tcp.psh(),
            Flag::Fin => tcp.fin(),
            Flag::Reset => tcp.rst(),
        };
        let mut packet = Vec::new();
        tcp.write(&mut packet, payload).expect("written");
        packet
    }
}

/// The header of a link type, before an IP packet.
fn link(kind: u32, packet: &[u8]) -> Vec<u8> {
    let ether_type: [u8; 2] = match packet[0] >> 4 {
        4 => [0x08, 0x00],
        _ => [0x86, 0xdd],
    };
    let header: Vec<u8> = match kind {
        0 => vec![2, 0, 0, 0],
        1 => [&[0; 12][..], &ether_type].concat(),
        108 => vec![0, 0, 0, 2],
        113 => [&[0; 14][..], &ether_type].concat(),
        276 => [&ether_type[..], &[0; 18]].concat(),
        _ => Vec::new(),
    };
    [&header, packet].concat()
}

/// Numbers in one of the two orders.
#[derive(Clone, Copy)]
struct Order {
    is_big: bool,
}

impl Order {
    fn short(self, number: u16) -> [u8; 2] {
        if self.is_big {
            number.to_be_bytes()
        } else {
            number.to_le_bytes()
        }
    }

    fn long(self, number: u32) -> [u8; 4] {
        if self.is_big {
            number.to_be_bytes()
        } else {
            number.to_le_bytes()
        }
    }
}

/// A pcap file.
fn pcap(order: Order, is_nano: bool, kind: u32, snaplen: usize, packets: &[Packet]) -> Vec<u8> {
    let magic = if is_nano { 0xa1b2_3c4d } else { 0xa1b2_c3d4 };
    let mut file = [
        order.long(magic).to_vec(),
        order.short(2).to_vec(),
        order.short(4).to_vec(),
    ]
    .concat();
    for number in [0, 0, snaplen as u32, kind] {
        file.extend(order.long(number));
    }
    for (at, packet) in packets {
        let frame = link(kind, packet);
        let captured = &frame[..frame.len().min(snaplen)];
        let fraction = if is_nano {
            at.subsec_nanos()
        } else {
            at.subsec_micros()
        };
        for number in [
            at.as_secs() as u32,
            fraction,
            captured.len() as u32,
            frame.len() as u32,
        ] {
            file.extend(order.long(number));
        }
        file.extend(captured);
    }
    file
}

fn block(order: Order, kind: u32, body: &[u8]) -> Vec<u8> {
    let padding = vec![0; body.len().wrapping_neg() % 4];
    let length = order.long((12 + body.len() + padding.len()) as u32);
    [&order.long(kind)[..], &length, body, &padding, &length].concat()
}

/// A pcapng file whose clock counts in units of 10^-9 s.
fn pcapng(order: Order, kind: u32, packets: &[Packet]) -> Vec<u8> {
    let section = [
        &order.long(0x1a2b_3c4d)[..],
        &order.short(1),
        &order.short(0),
        &[0xff; 8],
    ]
    .concat();
    let resolution = [&order.short(9)[..], &order.short(1), &[9, 0, 0, 0], &[0; 4]].concat();
    let interface = [&order.short(kind as u16)[..], &[0; 2], &[0; 4], &resolution].concat();
    let mut file = [block(order, 0x0a0d_0d0a, &section), block(order, 1, &interface)].concat();
    for (at, packet) in packets {
        let frame = link(kind, packet);
        let units = at.as_nanos() as u64;
        let numbers = [
            0,
            (units >> 32) as u32,
            units as u32,
            frame.len() as u32,
            frame.len() as u32,
        ];
        let head: Vec<u8> = numbers
            .into_iter()
            .flat_map(|number| order.long(number))
            .collect();
        file.extend(block(order, 6, &[&head[..], &frame].concat()));
    }
    file
}

/// What a file holds: the bytes of the client and the server, the ends, and what was said about the file.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    bytes: [Vec<u8>; 2],
    lost: [u64; 2],
    ends: Vec<(Origin, Event)>,
    last: Duration,
    said: Vec<String>,
}

fn see(file: &[u8]) -> Seen {
    let mut seen = Seen::default();
    let mut conversations: BTreeMap<u32, Conversation> = BTreeMap::new();
    let result = read(file, None, None, &mut |item| match item {
        Item::Entry(entry) => {
            let unknown = || Conversation::new(None);
            let conversation = conversations.entry(entry.connection).or_insert_with(unknown);
            conversation.hear(entry.from, &entry.event);
            let side = usize::from(entry.from == Origin::Server);
            seen.last = entry.at;
            match entry.event {
                Event::Bytes(bytes) => seen.bytes[side].extend(bytes),
                Event::Lost(count) => seen.lost[side] += count,
                Event::Open => {}
                end => seen.ends.push((entry.from, end)),
            }
        }
        Item::Said(_, remark) => seen.said.push(remark.to_string()),
        Item::Header(_) | Item::Forgotten(_) => {}
    });
    seen.said.extend(result.err().map(|error| error.to_string()));
    seen
}

fn assert_whole(seen: &Seen) {
    assert_eq!(seen.bytes, [REQUEST, ANSWER], "{:?}", seen.said);
    assert_eq!((seen.lost, seen.ends.len()), ([0, 0], 2), "{:?}", seen.said);
}

const LITTLE: Order = Order { is_big: false };
const LINKS: [u32; 8] = [0, 1, 101, 108, 113, 276, 12, 14];

#[test]
fn every_format_link_and_order_gives_the_same_bytes() {
    for is_v6 in [false, true] {
        let packets = Wire::exchange(is_v6, 11);
        for kind in LINKS {
            for is_big in [false, true] {
                let order = Order { is_big };
                let files = [
                    pcap(order, false, kind, 65_535, &packets),
                    pcap(order, true, kind, 65_535, &packets),
                    pcapng(order, kind, &packets),
                ];
                for file in files {
                    let seen = see(&file);
                    assert_whole(&seen);
                    let last = Duration::from_millis(packets.len() as u64 - 2);
                    assert_eq!(seen.last, last, "{kind} {is_big}");
                }
            }
        }
    }
}

#[test]
fn the_order_of_packets_does_not_matter_between_the_ends() {
    let packets = Wire::exchange(false, 5);
    let data = 3..packets.len() - 3;
    for step in 1..5 {
        let mut mixed = packets.clone();
        mixed[data.clone()].chunks_mut(step + 1).for_each(<[_]>::reverse);
        let seen = see(&pcap(LITTLE, false, 1, 65_535, &mixed));
        assert_whole(&seen);
        assert!(
            seen.said
                .iter()
                .any(|said| said.contains("belong in front of them")),
            "{:?}",
            seen.said
        );
    }
}

#[test]
fn retransmissions_and_overlaps_are_given_out_once() {
    let packets = Wire::exchange(false, 5);
    let doubled: Vec<_> = packets
        .iter()
        .flat_map(|packet| [packet.clone(), packet.clone()])
        .collect();
    let seen = see(&pcap(LITTLE, false, 1, 65_535, &doubled));
    assert_whole(&seen);
    assert!(
        seen.said.iter().any(|said| said.contains("segments came again")),
        "{:?}",
        seen.said
    );
    let mut wire = Wire::new(false);
    wire.send(0, Flag::Data, &REQUEST[..10]);
    wire.next[0] = wire.next[0].wrapping_sub(4);
    wire.send(0, Flag::Data, &REQUEST[6..20]);
    let seen = see(&pcap(LITTLE, false, 1, 65_535, &wire.packets));
    assert_eq!(seen.bytes[0], &REQUEST[..20]);
    assert!(
        seen.said.iter().any(|said| said.contains("overlapped")),
        "{:?}",
        seen.said
    );
    assert!(
        seen.said
            .iter()
            .any(|said| said.contains("its beginning was not captured"))
    );
}

#[test]
fn a_packet_that_was_not_captured_is_a_gap() {
    let packets = Wire::exchange(false, 5);
    for missing in 3..3 + REQUEST.len() / 5 {
        let mut some = packets.clone();
        some.remove(missing);
        let seen = see(&pcap(LITTLE, false, 1, 65_535, &some));
        assert_eq!(
            (seen.lost, seen.bytes[0].len()),
            ([5, 0], REQUEST.len() - 5),
            "{missing}"
        );
    }
}

#[test]
fn short_packets_lose_what_they_lack() {
    let packets = Wire::exchange(false, 1000);
    let seen = see(&pcap(LITTLE, false, 1, 14 + 40 + 10, &packets));
    assert_eq!(seen.bytes, [&REQUEST[..10], &ANSWER[..10]]);
    assert_eq!(seen.lost, [REQUEST.len() as u64 - 10, ANSWER.len() as u64 - 10]);
    assert!(
        seen.said.iter().any(|said| said.contains("snaplen")),
        "{:?}",
        seen.said
    );
    let seen = see(&pcap(LITTLE, false, 1, 20, &packets));
    assert!(
        seen.said
            .iter()
            .any(|said| said.contains("too short for their headers")),
        "{:?}",
        seen.said
    );
}

#[test]
fn a_reset_and_another_connection_of_the_same_ports_are_told_apart() {
    let mut wire = Wire::new(false);
    for _ in 0..2 {
        wire.send(0, Flag::Syn, b"");
        wire.send(1, Flag::Syn, b"");
        wire.send(0, Flag::Data, REQUEST);
        wire.send(1, Flag::Reset, b"");
        wire.next = [5_000_000, 6_000_000];
    }
    let seen = see(&pcap(LITTLE, false, 1, 65_535, &wire.packets));
    assert_eq!(seen.ends, vec![(Origin::Server, Event::Reset); 2]);
    assert_eq!(seen.bytes[0], [REQUEST, REQUEST].concat());
    assert_eq!(
        seen.said.last().map(String::as_str),
        Some("2 connections, 8 segments")
    );
}

#[test]
fn a_file_that_ends_too_early_says_so() {
    let file = pcap(LITTLE, false, 1, 65_535, &Wire::exchange(false, 5));
    for end in (0..file.len()).step_by(3) {
        let seen = see(&file[..end]);
        assert!(!seen.said.is_empty(), "{end}");
    }
    assert_eq!(see(b"").said, ["the file is empty"]);
}

#[test]
fn raw_bytes_are_of_whoever_must_have_sent_them() {
    assert_eq!(see(REQUEST).bytes[0], REQUEST);
    assert_eq!(see(ANSWER).bytes[1], ANSWER);
    assert_eq!(see(b"GET / HTTP/1.1\r\n\r\n").said, ["raw bytes of a client"]);
    assert_eq!(see(b"HTTP/1.1 200 OK\r\n\r\n").said, ["raw bytes of a server"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_in_a_capture_makes_a_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        format in 0..3,
        kind in prop::sample::select(LINKS.to_vec()),
        is_big: bool,
        size in 1..40_usize,
    ) {
        let packets = Wire::exchange(size % 2 == 0, size);
        let order = Order { is_big };
        let mut file = match format {
            0 => pcap(order, false, kind, 65_535, &packets),
            1 => pcap(order, true, kind, 60, &packets),
            _ => pcapng(order, kind, &packets),
        };
        for (at, byte) in changes {
            let at = at.index(file.len());
            file[at] = byte;
        }
        see(&file);
    }
}
