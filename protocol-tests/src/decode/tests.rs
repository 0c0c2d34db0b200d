//! What is said about conversations of every protocol, however they are cut.

use super::*;
use Origin::{Client, Server};

const REQUEST: &[u8] = b"\x01\x01\0\x01\0\x08\0\0\0\x01\0\0\0\0\0\0\
    \x01\x04\0\x01\0\x17\x01\0\x0e\x01CONTENT_LENGTH3\x01\x03Ab, _\
    \x01\x04\0\x01\0\0\0\0\x01\x05\0\x01\0\x03\0\0abc\x01\x05\0\x01\0\0\0\0";
const ANSWER: &[u8] = b"\x01\x06\0\x01\0\x0a\0\0A: b\n\nbody\x01\x07\0\x01\0\x02\0\0no\
    \x01\x06\0\x01\0\0\0\0\x01\x03\0\x01\0\x08\0\0\0\0\0\x02\0\0\0\0";

/// Hears some bytes, and then the end.
fn hear(protocol: Option<Protocol>, turns: &[(Origin, &[u8])], step: usize) -> Vec<String> {
    let mut conversation = Conversation::new(protocol);
    let mut remarks = Vec::new();
    for (from, wire) in turns {
        for piece in wire.chunks(step) {
            remarks.extend(conversation.hear(*from, &Event::Bytes(piece.to_vec())));
        }
    }
    remarks.extend(conversation.hear(Server, &Event::Fin));
    remarks.extend(conversation.hear(Client, &Event::Fin));
    remarks.iter().map(ToString::to_string).collect()
}

fn faults(protocol: Protocol, turns: &[(Origin, &[u8])]) -> Vec<String> {
    let all = hear(Some(protocol), turns, usize::MAX >> 1);
    all.into_iter()
        .filter_map(|text| text.strip_prefix("! ").map(str::to_owned))
        .collect()
}

#[test]
fn a_fastcgi_exchange_reads_the_same_at_every_split() {
    let turns = [(Client, REQUEST), (Server, ANSWER)];
    let wanted = [
        "BEGIN_REQUEST id 1: responder",
        "PARAMS id 1, 23 bytes, padding 1: CONTENT_LENGTH=3, A=\"b, \"",
        "PARAMS id 1 ends: 2 variables",
        "STDIN id 1, 3 bytes: \"abc\"",
        "STDIN id 1 ends: 3 bytes in all",
        "STDOUT id 1, 10 bytes",
        "status 200, A: b",
        "body, 4 bytes: \"body\"",
        "STDERR id 1, 2 bytes: \"no\"",
        "STDOUT id 1 ends",
        "END_REQUEST id 1: application status 2, complete",
        "the body ends: 4 bytes in all",
    ];
    for step in 1..=REQUEST.len() {
        assert_eq!(hear(Some(Protocol::FastCgi), &turns, step), wanted, "{step}");
        let guessed = hear(None, &turns, step);
        assert_eq!(
            guessed[0],
            "this seems to be fastcgi: version 1, a known type, reserved 0"
        );
        assert_eq!(guessed[1..], wanted, "{step}");
    }
}

#[test]
fn every_fault_of_a_fastcgi_client_has_its_name() {
    let samples: [(&[u8], &str); 12] = [
        (
            b"\x02\x01\0\x01\0\x08\0\0\0\x01\0\0\0\0\0\0",
            "a record of the client has version 2",
        ),
        (
            b"\x01\x01\0\x01\0\x08\0\x07\0\x01\0\0\0\0\0\0",
            "the reserved byte of a header is 7",
        ),
        (
            b"\x01\x01\0\x01\0\x08\0\0\0\x09\0\0\0\0\0\0",
            "role 9 is not known",
        ),
        (
            b"\x01\x01\0\x01\0\x08\0\0\0\x01\x80\0\0\0\0\0",
            "flags 0x80: only the lowest is defined",
        ),
        (
            b"\x01\x04\0\x01\0\0\x03\0___",
            "an empty record has 3 bytes of padding",
        ),
        (
            b"\x01\x05\0\x07\0\x01\0\0x",
            "id 7: no request has begun with this id",
        ),
        (
            b"\x01\x06\0\x01\0\x01\0\0x",
            "STDOUT id 1, 1 byte must not come from a client",
        ),
        (b"\x01\x63\0\x01\0\x01\0\0x", "type 99 is not known"),
        (b"\x01\x09\0\x01\0\0\0\0", "GET_VALUES has id 1, not 0"),
        (
            b"\x01\x04\0\0\0\0\0\0",
            "PARAMS id 0, 0 bytes: a record of this type must have an id",
        ),
        (
            b"\x01\x04\0",
            "the last record of the client is cut short: 3 of its header's 8 bytes",
        ),
        (
            b"\x01\x04\0\x01\0\x09\x01\0ab",
            "the last record of the client is cut short: 10 of 18 bytes",
        ),
    ];
    for (wire, wanted) in samples {
        let found = faults(Protocol::FastCgi, &[(Client, wire)]);
        assert!(found.iter().any(|fault| fault == wanted), "{wanted}: {found:?}");
    }
}

#[test]
fn rules_across_records_are_kept_in_mind() {
    let begin: &[u8] = &REQUEST[..16];
    let after = |wire: &[u8]| faults(Protocol::FastCgi, &[(Client, begin), (Client, wire)]);
    let has = |found: Vec<String>, wanted: &str| {
        assert!(found.iter().any(|fault| fault == wanted), "{wanted}: {found:?}");
    };
    has(after(begin), "id 1 is in use already");
    has(
        after(b"\x01\x05\0\x01\0\x01\0\0x"),
        "id 1: STDIN before the end of PARAMS",
    );
    has(
        after(b"\x01\x08\0\x01\0\x01\0\0x"),
        "id 1: DATA of a request that is no filter",
    );
    has(
        after(b"\x01\x04\0\x01\0\0\0\0\x01\x04\0\x01\0\0\0\0"),
        "id 1: PARAMS after its end",
    );
    has(
        after(b"\x01\x04\0\x01\0\x03\0\0\x01\x09A\x01\x04\0\x01\0\0\0\0"),
        "the last pair is cut short: \"\\x01\\tA\"",
    );
    let split = b"\x01\x04\0\x01\0\x02\0\0\x01\0\x01\x04\0\x01\0\x01\0\0A";
    has(
        after(split),
        "a pair goes across records; not every server can read that",
    );
    has(
        after(b"\x01\x04\0\x01\0\x06\0\0\x01\0A\x01\0A"),
        "A is there twice",
    );
    has(after(b""), "the server has left without END_REQUEST for id 1");
    let wrong_length = [&REQUEST[..56], b"\x01\x05\0\x01\0\0\0\0"].concat();
    let found = faults(Protocol::FastCgi, &[(Client, &wrong_length)]);
    has(found, "CONTENT_LENGTH is 3, and STDIN has 0 bytes");
}

#[test]
fn a_server_must_stop_when_it_has_ended() {
    let twice = [ANSWER, &ANSWER[..18]].concat();
    let found = faults(Protocol::FastCgi, &[(Client, REQUEST), (Server, &twice)]);
    assert_eq!(found, ["id 1: there is output after END_REQUEST"]);
    let late = [&ANSWER[28..36], &ANSWER[..18]].concat();
    let found = faults(Protocol::FastCgi, &[(Client, REQUEST), (Server, &late)]);
    assert_eq!(found[0], "id 1: STDOUT after its end");
    let again = [REQUEST, REQUEST].concat();
    let turns = [
        (Client, REQUEST),
        (Server, ANSWER),
        (Client, &again[..REQUEST.len()]),
    ];
    assert_eq!(
        faults(Protocol::FastCgi, &turns)[0],
        "a request follows the end of one that did not keep the connection"
    );
}

#[test]
fn records_go_on_behind_lost_bytes() {
    let mut conversation = Conversation::new(Some(Protocol::FastCgi));
    let mut remarks = conversation.hear(Client, &Event::Bytes(REQUEST[..20].to_vec()));
    remarks.extend(conversation.hear(Client, &Event::Lost(10)));
    remarks.extend(conversation.hear(Client, &Event::Bytes(b"middle of a record".to_vec())));
    remarks.extend(conversation.hear(Client, &Event::Bytes(b"\x01\x05\0\x01\0\x03\0\0abc".to_vec())));
    let texts: Vec<_> = remarks.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts[1..],
        [
            "! 10 bytes of the client are lost",
            "records go on, 22 bytes skipped",
            "STDIN id 1, 3 bytes: \"abc\""
        ]
    );
}

#[test]
fn what_is_lost_within_a_record_hurts_only_that() {
    let mut conversation = Conversation::new(None);
    let mut remarks = conversation.hear(Client, &Event::Bytes(REQUEST[..30].to_vec()));
    remarks.extend(conversation.hear(Client, &Event::Lost(18)));
    remarks.extend(conversation.hear(Client, &Event::Bytes(REQUEST[48..].to_vec())));
    let texts: Vec<_> = remarks.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts[2..],
        [
            "! 18 bytes of the client are lost",
            "! PARAMS id 1, 23 bytes, padding 1: some of it is lost",
            "PARAMS id 1 ends: 0 variables",
            "STDIN id 1, 3 bytes: \"abc\"",
            "STDIN id 1 ends: 3 bytes in all",
        ]
    );
}

#[test]
fn uwsgi_and_scgi_are_read_with_their_bodies_and_answers() {
    let answer: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let packet: &[u8] = b"\0\x15\0\0\x0e\0CONTENT_LENGTH\x01\x003xyz";
    let turns = [(Client, packet), (Server, answer)];
    assert_eq!(
        hear(Some(Protocol::Uwsgi), &turns, 999),
        [
            "uwsgi packet, modifiers 0 and 0, 21 bytes: CONTENT_LENGTH=3",
            "! the last pair is cut short: \"xy\"",
            "request body, 1 byte: \"z\"",
            "status 200, Content-Length: 2",
            "body, 2 bytes: \"ok\"",
            "! the body is cut short: 1 of 3 bytes",
        ]
    );
    let netstring: &[u8] = b"24:CONTENT_LENGTH\x001\0SCGI\x001\0,xy";
    for step in 1..netstring.len() {
        let all = hear(None, &[(Client, netstring), (Server, b"Status: 404 x\n\n")], step);
        assert!(
            all.contains(&"netstring, 24 bytes: CONTENT_LENGTH=1, SCGI=1".to_owned()),
            "{all:?}"
        );
        assert!(
            all.iter().any(|text| text.contains("behind the request")),
            "{all:?}"
        );
        assert!(all.contains(&"status 404, Status: 404 x".to_owned()), "{all:?}");
    }
    let found = faults(Protocol::Scgi, &[(Client, b"4:A\0b\0;"), (Server, b"")]);
    assert_eq!(found, ["there is no comma behind the headers"]);
    let found = faults(Protocol::Scgi, &[(Client, b"4:A\0b\0,")]);
    assert_eq!(
        found,
        [
            "CONTENT_LENGTH is not the first header",
            "there is no header SCGI with the value 1",
            "the server has left without an answer"
        ]
    );
}

#[test]
fn http_answers_to_head_have_no_body() {
    let requests = b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n";
    let answers = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n";
    for step in 1..answers.len() {
        let all = hear(None, &[(Client, requests), (Server, answers)], step);
        assert_eq!(all.len(), 5, "{all:?}");
        assert!(!all.iter().any(|text| text.starts_with('!')), "{all:?}");
    }
}

#[test]
fn nonsense_is_called_nonsense() {
    let all = hear(None, &[(Client, b"\x16\x03\x01\x02\x03\x04\x05\x06")], 99);
    assert_eq!(all[0], "! this is none of fastcgi, uwsgi, scgi and http");
}
