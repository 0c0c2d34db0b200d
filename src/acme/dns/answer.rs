//! What resolvers get (RFC 1035, section 4.1).

use super::config::DnsConfig;
use super::name::{DomainName, put_label};
use super::query::{Code, HEADER, Malformed, OPT, Query};
use super::zones::{NS, SOA, Said, TXT, Zone, Zones};

/// Bytes of an answer over UDP, whatever the asker takes: what passes every network in one piece (DNS flag day 2020).
pub(super) const UDP: u16 = 1232;

/// Bytes that every asker takes over UDP (RFC 1035, section 4.2.1).
const LEAST: u16 = 512;

/// The way that an answer takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// One packet, which may go to an address that has not asked.
    Udp,
    /// The same, and its network has had many: the asker is to come over TCP.
    UdpInShort,
    /// A connection.
    Tcp,
}

/// How an answer comes about.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer<'a> {
    /// There is none.
    None,
    /// It is here.
    Whole(Vec<u8>),
    /// It has the records of a name.
    Of(DomainName, Pending<'a>),
}

/// An answer that lacks the records of a name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pending<'a> {
    query: Query<'a>,
    zone: Zone,
    way: Way,
}

/// What is answered to a message.
pub(super) fn answer<'a>(message: &'a [u8], way: Way, zones: &Zones) -> Answer<'a> {
    let query = match Query::parse(message) {
        Ok(query) => query,
        Err(Malformed::Ignored) => return Answer::None,
        Err(Malformed::Told { id, opcode, code }) => {
            let flags = ANSWER | u16::from(opcode) << 11 | code.low();
            return Answer::Whole(head(id, flags, [0; 4]));
        }
    };
    if query.edns.is_some_and(|edns| edns.version != 0) {
        return Answer::Whole(bare(&query, 0, Code::Version));
    }
    let name = query.name.as_deref().filter(|_| query.class == IN);
    let said = name.map_or(Said::NotOurs, |name| zones.say(name, query.kind));
    let mut records = Vec::new();
    let counts = match said {
        Said::NotOurs => return Answer::Whole(bare(&query, 0, Code::Refused)),
        _ if way == Way::UdpInShort => return Answer::Whole(in_short(&query)),
        Said::Challenges(zone, domain) => return Answer::Of(domain, Pending { query, zone, way }),
        Said::Start(zone) => {
            put_start(&zone, &mut records);
            [1, 0]
        }
        Said::Servers(zone) => {
            put_record(zone.start, NS, &mut records, |out| put_server(&zone, out));
            [1, 0]
        }
        Said::Nothing(zone) => {
            put_start(&zone, &mut records);
            [0, 1]
        }
    };
    Answer::Whole(fitting(&query, way, counts, &records))
}

impl Pending<'_> {
    /// The answer with these texts.
    pub(super) fn with(self, texts: &[String]) -> Vec<u8> {
        let mut records = Vec::new();
        for text in texts {
            put_record(0, TXT, &mut records, |out| put_label(text, out));
        }
        let mut counts = [texts.len() as u16, 0];
        if texts.is_empty() {
            // How long a resolver may rely on it stands in the record of the zone (RFC 2308, section 3).
            put_start(&self.zone, &mut records);
            counts = [0, 1];
        }
        fitting(&self.query, self.way, counts, &records)
    }
}

/// An answer with records, as far as the asker takes it.
fn fitting(query: &Query<'_>, way: Way, counts: [u16; 2], records: &[u8]) -> Vec<u8> {
    let answer = finish(query, AUTHORITATIVE, Code::NoError, counts, records);
    let size = query.edns.map_or(LEAST, |edns| edns.size.clamp(LEAST, UDP));
    match way == Way::Tcp || answer.len() <= size.into() {
        true => answer,
        false => in_short(query),
    }
}

/// An answer that has the asker come over TCP.
fn in_short(query: &Query<'_>) -> Vec<u8> {
    bare(query, AUTHORITATIVE | TRUNCATED, Code::NoError)
}

/// An answer without records.
fn bare(query: &Query<'_>, flags: u16, code: Code) -> Vec<u8> {
    finish(query, flags, code, [0, 0], &[])
}

/// Head, question, records, and the extension, if the asker has it.
fn finish(
    query: &Query<'_>,
    flags: u16,
    code: Code,
    [answers, authority]: [u16; 2],
    records: &[u8],
) -> Vec<u8> {
    let asked = u16::from(query.recursion) << 8;
    let extended = u16::from(query.edns.is_some());
    let flags = ANSWER | flags | asked | code.low();
    let mut out = head(query.id, flags, [1, answers, authority, extended]);
    out.extend_from_slice(query.question);
    out.extend_from_slice(records);
    if extended == 1 {
        out.push(0);
        for number in [OPT, UDP, u16::from(code.high()) << 8, 0, 0] {
            out.extend_from_slice(&number.to_be_bytes());
        }
    }
    out
}

fn head(id: u16, flags: u16, counts: [u16; 4]) -> Vec<u8> {
    let mut out = Vec::with_capacity(LEAST.into());
    for number in [id, flags].into_iter().chain(counts) {
        out.extend_from_slice(&number.to_be_bytes());
    }
    out
}

/// A record of the name that begins at `start` in the one that was asked for.
fn put_record(start: usize, kind: u16, out: &mut Vec<u8>, put_data: impl FnOnce(&mut Vec<u8>)) {
    put_reference(start, out);
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&IN.to_be_bytes());
    out.extend_from_slice(&DnsConfig::TTL.to_be_bytes());
    let place = out.len();
    out.extend_from_slice(&[0, 0]);
    put_data(out);
    let length = (out.len() - place - 2) as u16;
    out[place..place + 2].copy_from_slice(&length.to_be_bytes());
}

/// Where the zone begins, and how long what it says holds.
fn put_start(zone: &Zone, out: &mut Vec<u8>) {
    put_record(zone.start, SOA, out, |out| {
        put_server(zone, out);
        put_label("hostmaster", out);
        put_reference(zone.start, out);
        for number in [SERIAL, REFRESH, RETRY, EXPIRE, DnsConfig::TTL] {
            out.extend_from_slice(&number.to_be_bytes());
        }
    });
}

fn put_server(zone: &Zone, out: &mut Vec<u8>) {
    match DomainName::new(&zone.server) {
        Some(server) => server.put(out),
        None => out.push(0),
    }
}

/// The name that was asked for, from a place on (RFC 1035, section 4.1.4). A dot of the text is a length in the message: the
/// places are the same.
fn put_reference(start: usize, out: &mut Vec<u8>) {
    let place = 0xc000 | (HEADER + start) as u16;
    out.extend_from_slice(&place.to_be_bytes());
}

impl Code {
    fn number(self) -> u8 {
        match self {
            Self::NoError => 0,
            Self::Format => 1,
            Self::NotImplemented => 4,
            Self::Refused => 5,
            Self::Version => 16,
        }
    }

    /// What fits into the head.
    fn low(self) -> u16 {
        u16::from(self.number() & 0xf)
    }

    /// What goes into the extension.
    fn high(self) -> u8 {
        self.number() >> 4
    }
}

/// The class of the internet.
const IN: u16 = 1;

const ANSWER: u16 = 0x8000;

const AUTHORITATIVE: u16 = 0x0400;

const TRUNCATED: u16 = 0x0200;

/// The number of the zone's state, for secondary servers, of which there are none.
const SERIAL: u32 = 1;

/// When they would look again, in seconds.
const REFRESH: u32 = 3600;

const RETRY: u32 = 600;

const EXPIRE: u32 = 86_400;

#[cfg(test)]
mod tests {
    use hickory_resolver::proto::op::{Edns, Message, MessageType, OpCode, Query as Question, ResponseCode};
    use hickory_resolver::proto::rr::{Name, RData, RecordType};
    use proptest::prelude::*;

    use super::*;

    const NAME: &str = "_acme-challenge.shop.example";

    fn zones() -> Zones {
        let config = DnsConfig {
            zone: DomainName::new("acme.gate.example"),
            ..DnsConfig::default()
        };
        Zones::new(config, DomainName::new("shop.example"))
    }

    fn question(name: &str, kind: RecordType) -> Message {
        let mut message = Message::new(7, MessageType::Query, OpCode::Query);
        let name = Name::from_ascii(name).unwrap();
        message.add_query(Question::query(name, kind));
        message
    }

    /// What is answered where a name has these texts.
    fn bytes(message: &[u8], way: Way, texts: &[&str]) -> Option<Vec<u8>> {
        match answer(message, way, &zones()) {
            Answer::None => None,
            Answer::Whole(answer) => Some(answer),
            Answer::Of(domain, pending) => {
                let is_it = domain.as_str() == "shop.example";
                let texts: Vec<String> = texts
                    .iter()
                    .filter(|_| is_it)
                    .map(|text| (*text).to_owned())
                    .collect();
                Some(pending.with(&texts))
            }
        }
    }

    fn asked(message: &Message, way: Way, texts: &[&str]) -> Message {
        Message::from_vec(&bytes(&message.to_vec().unwrap(), way, texts).unwrap()).unwrap()
    }

    fn texts(message: &Message) -> Vec<String> {
        let data = message.answers.iter().map(|record| match &record.data {
            RData::TXT(text) => String::from_utf8_lossy(&text.txt_data.concat()).into_owned(),
            other => panic!("{other}"),
        });
        data.collect()
    }

    #[test]
    fn a_text_is_answered_under_the_letters_that_were_asked_with() {
        let message = question("_aCmE-ChAlLeNgE.sHoP.eXaMpLe.", RecordType::TXT);
        let answer = asked(&message, Way::Udp, &["one", "two"]);
        assert_eq!(texts(&answer), ["one", "two"]);
        assert_eq!(
            answer.queries[0].name().to_ascii(),
            "_aCmE-ChAlLeNgE.sHoP.eXaMpLe."
        );
        assert_eq!(answer.answers[0].name.to_ascii(), "_aCmE-ChAlLeNgE.sHoP.eXaMpLe.");
        assert!(answer.metadata.authoritative && !answer.metadata.recursion_available);
        assert_eq!(answer.metadata.response_code, ResponseCode::NoError);
    }

    #[test]
    fn what_is_not_there_says_for_how_long() {
        for (name, kind, zone) in [
            (
                "_acme-challenge.shop.example.",
                RecordType::A,
                "_acme-challenge.shop.example.",
            ),
            (
                "x.example.acme.gate.example.",
                RecordType::TXT,
                "acme.gate.example.",
            ),
        ] {
            let answer = asked(&question(name, kind), Way::Udp, &[]);
            assert_eq!(answer.metadata.response_code, ResponseCode::NoError);
            assert!(answer.answers.is_empty());
            let start = &answer.authorities[0];
            assert_eq!(start.name.to_ascii(), zone);
            let RData::SOA(start) = &start.data else {
                panic!("{start}")
            };
            assert_eq!(start.minimum, DnsConfig::TTL);
            assert_eq!(start.rname.to_ascii(), format!("hostmaster.{zone}"));
        }
    }

    #[test]
    fn a_zone_tells_its_start_and_its_server() {
        let start = asked(&question(NAME, RecordType::SOA), Way::Udp, &[]);
        assert!(matches!(&start.answers[0].data, RData::SOA(soa) if soa.mname.to_ascii() == "shop.example."));
        let server = asked(&question(NAME, RecordType::NS), Way::Udp, &[]);
        assert!(
            matches!(&server.answers[0].data, RData::NS(server) if server.0.to_ascii() == "shop.example.")
        );
    }

    #[test]
    fn the_questions_of_others_are_refused() {
        for name in ["example.", ".", "www.shop.example.", "a\\.b.example."] {
            let answer = asked(&question(name, RecordType::TXT), Way::Udp, &[]);
            assert_eq!(answer.metadata.response_code, ResponseCode::Refused, "{name}");
            assert!(answer.answers.is_empty() && answer.authorities.is_empty());
        }
    }

    #[test]
    fn a_version_of_the_extension_that_is_not_known_is_told() {
        let mut message = question(NAME, RecordType::TXT);
        let mut edns = Edns::new();
        edns.set_version(1).set_max_payload(4096);
        message.edns = Some(edns);
        let answer = asked(&message, Way::Udp, &[]);
        assert_eq!(u16::from(answer.metadata.response_code), 16);
        assert_eq!(answer.edns.unwrap().version(), 0);
    }

    #[test]
    fn what_does_not_fit_is_to_be_asked_for_over_tcp() {
        let long = "x".repeat(60);
        let all = [long.as_str(); 8];
        let mut message = question(NAME, RecordType::TXT);
        let answer = asked(&message, Way::Udp, &all);
        assert!(answer.metadata.truncation && answer.answers.is_empty());
        assert_eq!(texts(&asked(&message, Way::Tcp, &all)), all);
        let mut edns = Edns::new();
        edns.set_max_payload(1232);
        message.edns = Some(edns);
        assert_eq!(texts(&asked(&message, Way::Udp, &all)), all);
        let answer = asked(&message, Way::UdpInShort, &all);
        assert!(answer.metadata.truncation && answer.answers.is_empty());
    }

    #[test]
    fn no_answer_in_short_is_larger_than_its_question() {
        for name in [NAME, "example.", "acme.gate.example."] {
            let message = question(name, RecordType::TXT).to_vec().unwrap();
            let answer = bytes(&message, Way::UdpInShort, &["digest"]).unwrap();
            assert!(answer.len() <= message.len(), "{name}");
        }
    }

    #[test]
    fn answers_and_rubbish_are_not_answered() {
        let mut message = question(NAME, RecordType::TXT).to_vec().unwrap();
        message[2] |= 0x80;
        for message in [&message[..], b"", b"GET / HTTP/"] {
            assert_eq!(bytes(message, Way::Udp, &[]), None);
        }
        let rubbish = [&[0, 7][..], &[0x20; 20]].concat();
        let answer = bytes(&rubbish, Way::Udp, &[]).unwrap();
        assert_eq!(answer.len(), HEADER);
    }

    proptest! {
        #[test]
        fn every_answer_can_be_read(
            labels in proptest::collection::vec("[a-zA-Z0-9][a-zA-Z0-9_-]{0,18}[a-zA-Z0-9]", 0..6),
            ours in 0..4usize,
            kind: u16,
            size in proptest::option::of(any::<u16>()),
            many in 0..8usize,
        ) {
            let end = ["_acme-challenge.shop.example.", "acme.gate.example.", "shop.example.acme.gate.example.", "x."][ours];
            let name = format!("{}{end}", labels.iter().map(|label| format!("{label}.")).collect::<String>());
            let mut message = question(&name, RecordType::from(kind));
            if let Some(size) = size {
                let mut edns = Edns::new();
                edns.set_max_payload(size);
                message.edns = Some(edns);
            }
            let bytes = bytes(&message.to_vec().unwrap(), Way::Udp, &vec!["digest"; many]).unwrap();
            prop_assert!(bytes.len() <= size.unwrap_or(0).clamp(LEAST, UDP).into());
            let read = Message::from_vec(&bytes).unwrap();
            prop_assert_eq!(read.queries, message.queries);
            prop_assert_eq!(read.edns.is_some(), size.is_some());
        }

        #[test]
        fn no_bytes_make_it_panic(message in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = bytes(&message, Way::Udp, &[]);
        }
    }
}
