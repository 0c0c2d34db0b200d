//! What a draft says about a recorded connection.

use std::time::Duration;

use super::*;
use crate::capture::Item;
use crate::trace::{Entry, Event, Header, Origin};
use Origin::{Client, Server};

const BEGIN: &[u8] = b"\x01\x01\0\x01\0\x08\0\0\0\x01\x01\0\0\0\0\0";
const REST: &[u8] = b"\x01\x04\0\x01\0\x04\0\0\x01\x01Ab\x01\x04\0\x01\0\0\0\0\x01\x05\0\x01\0\0\0\0";
const ANSWER: &[u8] = b"\x01\x06\0\x01\0\x06\0\0A: b\n\n\x01\x03\0\x01\0\x08\0\0\0\0\0\0\0\0\0\0";

/// The cases of one connection; each event comes so many milliseconds after the first.
fn draft(protocol: Protocol, side: SideName, redacted: bool, events: &[(u64, Origin, Event)]) -> Draft {
    let mut collector = Collector::new(None, None);
    collector.hear(Item::Header(Header {
        protocol: Some(protocol),
        redacted,
        ..Header::default()
    }));
    for (at, from, event) in events {
        collector.hear(Item::Entry(Entry {
            connection: 7,
            at: Duration::from_millis(*at),
            from: *from,
            event: event.clone(),
        }));
    }
    let wish = Wish {
        side,
        prefix: "TR",
        bodies: Bodies::Same,
    };
    Draft::new(&collector.finish().expect("a connection"), wish).expect("a draft")
}

fn server(events: &[(u64, Origin, Event)]) -> Draft {
    draft(Protocol::FastCgi, SideName::Server, false, events)
}

fn bytes(bytes: &[u8]) -> Event {
    Event::Bytes(bytes.to_vec())
}

/// The steps without their `[[case.step]]`.
fn steps(draft: &Draft) -> Vec<&str> {
    draft
        .text
        .split("[[case.step]]\n")
        .skip(1)
        .map(str::trim_end)
        .collect()
}

#[test]
fn requests_on_one_connection_are_sent_and_answered_in_turns() {
    let request = [BEGIN, REST].concat();
    let draft = server(&[
        (0, Client, bytes(&request)),
        (1, Server, bytes(ANSWER)),
        (2, Client, bytes(&request)),
        (3, Server, bytes(ANSWER)),
        (4, Client, Event::Close),
    ]);
    let steps = steps(&draft);
    assert_eq!(steps.len(), 4, "{}", draft.text);
    assert_eq!(
        steps[0],
        "send = [\n    { begin = \"responder\", keep = true },\n    { params = [\n        [\"A\", \"b\"],\n    ] },\n    \
         { params = \"\" },\n    { stdin = \"\" },\n]"
    );
    assert_eq!(
        steps[1],
        "[case.step.expect.answer]\nstatus = 200\nbody = \"\"\napp_status = 0"
    );
    assert!(steps[3].contains("\nnth = 2\n"), "{}", draft.text);
}

#[test]
fn pieces_and_pauses_are_those_of_the_recording() {
    let draft = server(&[
        (0, Client, bytes(&BEGIN[..5])),
        (1, Client, bytes(&BEGIN[5..])),
        (90, Client, bytes(REST)),
        (91, Server, bytes(ANSWER)),
        (92, Server, Event::Close),
    ]);
    let steps = steps(&draft);
    assert!(steps[0].ends_with("]\nsplit = [5]"), "{}", draft.text);
    assert_eq!(steps[1], "wait = \"89ms\"");
    assert_eq!(steps.last(), Some(&"expect = { closed = true }"));
}

#[test]
fn a_record_across_a_pause_is_in_hex_on_both_sides() {
    let draft = server(&[
        (0, Client, bytes(&BEGIN[..5])),
        (50, Client, bytes(&BEGIN[5..])),
        (51, Server, Event::Close),
    ]);
    assert!(
        draft
            .text
            .contains("# record of type 1, id 1: 5 bytes from byte 0 on"),
        "{}",
        draft.text
    );
    assert!(
        draft
            .text
            .contains("# record of type 1, id 1: 11 bytes from byte 5 on"),
        "{}",
        draft.text
    );
}

#[test]
fn who_leaves_early_expects_what_came_before() {
    let draft = server(&[
        (0, Client, bytes(BEGIN)),
        (1, Server, bytes(&ANSWER[..14])),
        (2, Client, Event::Close),
    ]);
    let steps = steps(&draft);
    assert_eq!(steps[1], "[case.step.expect.output]\nstatus = 200");
    assert_eq!(steps[2], "do = \"close\"");
    let draft = server(&[(0, Client, bytes(BEGIN)), (2, Client, Event::Reset)]);
    assert_eq!(draft.count, 0);
    assert!(
        draft
            .text
            .ends_with("# Connection 7 makes no case: the client has left before it heard anything.\n")
    );
}

#[test]
fn an_open_request_without_an_answer_is_followed_by_silence() {
    let draft = server(&[(0, Client, bytes(BEGIN)), (2, Client, Event::Fin)]);
    let steps = steps(&draft);
    assert_eq!(steps[1], "do = \"half-close\"");
    assert_eq!(steps[2], "expect = { nothing = true }\nafter = \"200ms\"");
}

#[test]
fn missing_bytes_make_no_case() {
    let draft = server(&[(0, Client, bytes(BEGIN)), (2, Client, Event::Lost(3))]);
    assert_eq!(draft.count, 0);
    assert!(draft.text.contains("some of its bytes are missing"));
}

#[test]
fn of_blanked_bodies_only_the_length_is_expected() {
    let events = [
        (0, Client, bytes(b"24:CONTENT_LENGTH\x000\0SCGI\x001\0,")),
        (1, Server, bytes(b"A: b\n\n*****")),
        (2, Server, Event::Close),
    ];
    let draft = draft(Protocol::Scgi, SideName::Server, true, &events);
    assert!(draft.text.contains("body = { length = 5 }"), "{}", draft.text);
    assert!(draft.text.contains("# Secrets and bodies are blanked"));
}

#[test]
fn a_body_that_a_server_did_not_wait_for_is_made_whole_for_front_ends() {
    let events = [
        (0, Client, bytes(b"26:CONTENT_LENGTH\x00100\0SCGI\x001\0,ab")),
        (1, Server, bytes(b"Status: 413 x\r\n\r\n")),
        (2, Server, Event::Close),
    ];
    let draft = draft(Protocol::Scgi, SideName::Frontend, false, &events);
    let steps = steps(&draft);
    assert!(
        steps[0].contains("    \"ab\",\n    { fill = \"x\", length = 98 },\n"),
        "{}",
        draft.text
    );
    assert_eq!(steps[1], "on = \"backend\"\nexpect = { request = { vars = {} } }");
    assert_eq!(
        steps[2],
        "on = \"backend\"\nsend = [\n    { lines = [\"Status: 413 x\", \"\"] },\n]"
    );
    assert_eq!(steps[3], "on = \"backend\"\ndo = \"close\"");
    assert_eq!(steps[4], "expect = { answer = { status = 413 } }");
}

#[test]
fn ids_become_those_of_the_kit_for_front_ends() {
    let with_id = |wire: &[u8]| fastcgi::with_id(wire, 1, 9);
    let events = [
        (0, Client, bytes(&with_id(&[BEGIN, REST].concat()))),
        (1, Server, bytes(&with_id(ANSWER))),
    ];
    let draft = draft(Protocol::FastCgi, SideName::Frontend, false, &events);
    assert!(
        draft.text.contains("{ stdout = \"A: b\\n\\n\" }"),
        "{}",
        draft.text
    );
    assert!(!draft.text.contains("id = 9"), "{}", draft.text);
}

#[test]
fn who_did_not_ask_to_keep_the_connection_sees_it_close_for_front_ends() {
    let case = |begin: &[u8]| {
        let request = [begin, REST].concat();
        let events = [
            (0, Client, bytes(&request)),
            (1, Server, bytes(ANSWER)),
            (2, Client, Event::Close),
            (3, Server, Event::Close),
        ];
        draft(Protocol::FastCgi, SideName::Frontend, false, &events).text
    };
    let close = "on = \"backend\"\ndo = \"close\"";
    let unkept = [&BEGIN[..10], &[0], &BEGIN[11..]].concat();
    assert!(case(&unkept).contains(close), "{}", case(&unkept));
    assert!(!case(BEGIN).contains(close), "{}", case(BEGIN));
}

#[test]
fn an_answer_without_a_length_ends_with_its_connection_for_front_ends() {
    let case = |answer: &[u8]| {
        let events = [
            (0, Client, bytes(b"24:CONTENT_LENGTH\x000\0SCGI\x001\0,")),
            (1, Server, bytes(answer)),
            (2, Client, Event::Close),
            (3, Server, Event::Close),
        ];
        draft(Protocol::Scgi, SideName::Frontend, false, &events).text
    };
    let close = "on = \"backend\"\ndo = \"close\"";
    assert!(case(b"A: b\r\n\r\nx").contains(close));
    assert!(!case(b"Content-Length: 1\r\n\r\nx").contains(close));
}
