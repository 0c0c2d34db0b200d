//! Damaged traffic: nothing panics, what is blanked keeps its length, and every draft can be read and gives its bytes.

#![allow(clippy::unwrap_used)] // all of it is tests

use std::time::Duration;

use bridgehead_conform::capture::Item;
use bridgehead_conform::content::Scope;
use bridgehead_conform::decode::Conversation;
use bridgehead_conform::draft::{Bodies, Collector, Draft, Wish};
use bridgehead_conform::notation::{Action, File, SideName, Suite};
use bridgehead_conform::protocol::Protocol;
use bridgehead_conform::trace::{Entry, Event, Header, Origin, Reader, Redactor, Writer};
use proptest::prelude::*;
use proptest::sample::Index;

/// Traffic of a protocol, from the client and from the server.
const SAMPLES: [(Protocol, &[u8], &[u8]); 4] = [
    (
        Protocol::FastCgi,
        b"\x01\x01\0\x01\0\x08\0\0\0\x01\x01\0\0\0\0\0\x01\x04\0\x01\0\x24\x03\0\x0e\x01CONTENT_LENGTH3\x0b\x03HTTP_COOKIEa=b\x01\0A___\
        \x01\x04\0\x01\0\0\0\0\x01\x05\0\x01\0\x03\0\0abc\x01\x05\0\x01\0\0\0\0\x01\x09\0\0\0\x03\0\0\x01\0A",
        b"\x01\x06\0\x01\0\x17\x06\0Content-Length: 4\n\nbody______\x01\x07\0\x01\0\x02\0\0no\x01\x06\0\x01\0\0\0\0\
        \x01\x03\0\x01\0\x08\0\0\0\0\0\x02\0\0\0\0\x01\x0b\0\0\0\x08\0\0\x63\0\0\0\0\0\0\0",
    ),
    (
        Protocol::Uwsgi,
        b"\0\x3b\0\0\x0e\0REQUEST_METHOD\x04\0POST\x0e\0CONTENT_LENGTH\x01\x004\x0b\0HTTP_COOKIE\x03\0a=bbody",
        b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 2\r\n\r\nok",
    ),
    (
        Protocol::Scgi,
        b"40:CONTENT_LENGTH\x004\0SCGI\x001\0HTTP_COOKIE\0a=b\0,body",
        b"Status: 404 Not Found\r\nSet-Cookie: a=b\r\n\r\nbody",
    ),
    (
        Protocol::Http,
        b"POST / HTTP/1.1\r\nHost: x\r\nCookie: a=b\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\nHTTP/1.1 204 No\r\n\r\n",
    ),
];

/// How traffic is damaged and cut.
#[derive(Clone, Debug)]
struct Damage {
    sample: usize,
    changes: Vec<(bool, Index, u8)>,
    cuts: Vec<(bool, Index)>,
    end: u8,
}

fn damage() -> impl Strategy<Value = Damage> {
    let changes = prop::collection::vec((any::<bool>(), any::<Index>(), any::<u8>()), 0..6);
    let cuts = prop::collection::vec((any::<bool>(), any::<Index>()), 0..8);
    (0..SAMPLES.len(), changes, cuts, any::<u8>()).prop_map(|(sample, changes, cuts, end)| Damage {
        sample,
        changes,
        cuts,
        end,
    })
}

impl Damage {
    fn protocol(&self) -> Protocol {
        SAMPLES[self.sample].0
    }

    /// Both directions in pieces, and an end.
    fn entries(&self) -> Vec<Entry> {
        let (_, client, server) = SAMPLES[self.sample];
        let mut events = Vec::new();
        for (is_server, bytes, from) in [(false, client, Origin::Client), (true, server, Origin::Server)] {
            let mut bytes = bytes.to_vec();
            for (_, at, byte) in self
                .changes
                .iter()
                .filter(|(of_server, ..)| *of_server == is_server)
            {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            let mut cuts: Vec<_> = self
                .cuts
                .iter()
                .filter(|(of_server, _)| *of_server == is_server)
                .collect();
            cuts.sort_by_key(|(_, at)| at.index(bytes.len()));
            let mut start = 0;
            for at in cuts
                .iter()
                .map(|(_, at)| at.index(bytes.len()))
                .chain([bytes.len()])
            {
                events.push((from, Event::Bytes(bytes[start..at].to_vec())));
                start = at;
            }
        }
        let ends = [Event::Fin, Event::Close, Event::Reset, Event::Lost(7)];
        let from = [Origin::Client, Origin::Server][usize::from(self.end & 1)];
        events.push((from, ends[usize::from(self.end >> 1 & 3)].clone()));
        let entry = |(nth, (from, event)): (u64, _)| Entry {
            connection: 1,
            at: Duration::from_millis(nth * u64::from(self.end & 31)),
            from,
            event,
        };
        (0..).zip(events).map(entry).collect()
    }
}

/// The bytes of a direction.
fn bytes_of(entries: &[Entry], origin: Origin) -> Vec<u8> {
    let ours = entries.iter().filter(|entry| entry.from == origin);
    ours.flat_map(|entry| match &entry.event {
        Event::Bytes(bytes) => bytes.clone(),
        _ => Vec::new(),
    })
    .collect()
}

fn draft(damage: &Damage, side: SideName) -> Option<Draft> {
    let mut collector = Collector::new(Some(damage.protocol()), None);
    damage
        .entries()
        .into_iter()
        .for_each(|entry| collector.hear(Item::Entry(entry)));
    let wish = Wish {
        side,
        prefix: "TR",
        bodies: Bodies::Same,
    };
    Draft::new(&collector.finish().expect("a connection"), wish).ok()
}

/// What the cases of a draft send.
fn sent(draft: &Draft, protocol: Protocol, side: SideName) -> Vec<u8> {
    let file = File {
        path: "drafted.toml".to_owned(),
        text: draft.text.clone(),
    };
    let suite = Suite::read_alone(&file, protocol, side);
    let suite = suite.unwrap_or_else(|complaints| panic!("{}\n{}", complaints[0], draft.text));
    let scope = ["token", "base", "host"]
        .into_iter()
        .fold(Scope::new(protocol), |scope, name| scope.with(name, "x"));
    let steps = suite.cases.iter().flat_map(|case| &case.variants[0].steps);
    steps
        .flat_map(|step| match &step.action {
            Action::Send { content, .. } => content.encode(&scope).expect("no value is missing"),
            _ => Vec::new(),
        })
        .collect()
}

#[test]
fn what_is_not_damaged_is_written_in_words() {
    for sample in 0..3 {
        let whole = Damage {
            sample,
            changes: Vec::new(),
            cuts: Vec::new(),
            end: 1,
        };
        for side in [SideName::Server, SideName::Frontend] {
            let draft = draft(&whole, side).unwrap();
            // The content of UNKNOWN_TYPE, as it is expected of servers, is no text.
            let hex = draft.text.matches("hex = ").count();
            let wanted = usize::from(sample == 0 && side == SideName::Server);
            assert_eq!((draft.count, hex), (1, wanted), "{}", draft.text);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn words_are_found_for_everything(damage in damage()) {
        for protocol in [None, Some(damage.protocol()), Some(Protocol::FastCgi), Some(Protocol::Http)] {
            let mut conversation = Conversation::new(protocol);
            for entry in damage.entries() {
                for remark in conversation.hear(entry.from, &entry.event) {
                    prop_assert!(!remark.text.contains('\n'), "{remark}");
                }
            }
        }
    }

    #[test]
    fn what_is_blanked_keeps_its_length_and_its_pieces(damage in damage()) {
        let (mut pieces, mut whole) = (Redactor::new(damage.protocol()), Redactor::new(damage.protocol()));
        let entries = damage.entries();
        for origin in [Origin::Client, Origin::Server] {
            let mut seen = Vec::new();
            for entry in entries.iter().filter(|entry| entry.from == origin) {
                if let Event::Bytes(bytes) = pieces.redact(origin, entry.event.clone()) {
                    seen.extend(bytes);
                }
            }
            let all = whole.redact(origin, Event::Bytes(bytes_of(&entries, origin)));
            prop_assert_eq!(all, Event::Bytes(seen));
        }
    }

    #[test]
    fn a_trace_is_read_back_as_it_was_written(damage in damage()) {
        let mut text = Vec::new();
        let mut writer = Writer::begin(&mut text, &Header::default()).expect("written");
        let entries = damage.entries();
        let mut conversation = Conversation::new(None);
        for entry in &entries {
            let remarks = conversation.hear(entry.from, &entry.event);
            writer.entry(entry, &remarks).expect("written");
        }
        let mut reader = Reader::open(text.as_slice()).expect("a trace");
        let read: Vec<_> = std::iter::from_fn(|| reader.entry().expect("an entry")).collect();
        prop_assert_eq!(read, entries);
    }

    #[test]
    fn every_draft_for_servers_sends_what_was_sent(damage in damage()) {
        if let Some(draft) = draft(&damage, SideName::Server).filter(|draft| draft.count > 0) {
            let wanted = bytes_of(&damage.entries(), Origin::Client);
            prop_assert!(sent(&draft, damage.protocol(), SideName::Server) == wanted, "{}", draft.text);
        }
    }

    #[test]
    fn every_draft_for_front_ends_can_be_read(damage in damage()) {
        if let Some(draft) = draft(&damage, SideName::Frontend).filter(|draft| draft.count > 0) {
            sent(&draft, damage.protocol(), SideName::Frontend);
        }
    }
}
