//! What a message was to be, and what became of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::application::Protocol;
use super::client::{Answer, Version};
use super::front::Front;
use super::message::{Field, Message, is_of_connection, variable};

/// Which way a field went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Request,
    Answer,
}

/// A field that arrived otherwise than RFC 9110 and RFC 3875 have it.
#[derive(Debug)]
pub(super) struct Difference {
    pub(super) number: u64,
    pub(super) front: Front,
    pub(super) way: Way,
    pub(super) protocol: Protocol,
    pub(super) version: Version,
    /// Of a field or variable; empty for the order of all.
    pub(super) name: Vec<u8>,
    pub(super) wanted: Vec<Vec<u8>>,
    pub(super) found: Vec<Vec<u8>>,
}

/// A name whose values are not the same; the empty one for the order of all.
struct Gap {
    name: Vec<u8>,
    wanted: Vec<Vec<u8>>,
    found: Vec<Vec<u8>>,
}

/// Values by name, those of one name in their order.
type Values = BTreeMap<Vec<u8>, Vec<Vec<u8>>>;

/// Both ways of one message.
pub(super) fn differences(
    front: Front,
    protocol: Protocol,
    message: &Message,
    asked: &[Field],
    answer: &Answer,
) -> Vec<Difference> {
    assert_eq!(
        answer.status, message.status,
        "message {} through {front:?}",
        message.number
    );
    assert_eq!(
        answer.body, message.body,
        "message {} through {front:?}",
        message.number
    );
    let make = |way, gap: Gap| Difference {
        number: message.number,
        front,
        way,
        protocol,
        version: message.version,
        name: gap.name,
        wanted: gap.wanted,
        found: gap.found,
    };
    let mut sent = passed(&message.request);
    if message.version == Version::Http2 {
        sent = together(sent);
    }
    let came = asked
        .iter()
        .filter(|(name, _)| !is_framing(name))
        .cloned()
        .collect();
    let request = match protocol {
        Protocol::Http => between(sent, came, true),
        Protocol::FastCgi | Protocol::Uwsgi | Protocol::Scgi => {
            between(as_variables(sent), variables(came), false)
        }
    };
    let mut given = passed(&message.answer);
    if message.version == Version::Http2 {
        given.iter_mut().for_each(|(name, _)| name.make_ascii_lowercase());
    }
    let got = answer
        .fields
        .iter()
        .filter(|(name, _)| !is_framing(name))
        .cloned()
        .collect();
    let answer = between(given, got, message.version == Version::Http1);
    let request = request
        .into_iter()
        .map(|difference| make(Way::Request, difference));
    let answer = answer.into_iter().map(|difference| make(Way::Answer, difference));
    request.chain(answer).collect()
}

/// What is for the other end.
fn passed(fields: &[Field]) -> Vec<Field> {
    let kept = fields.iter().filter(|(name, _)| !is_of_connection(name));
    kept.cloned().collect()
}

/// As a client of HTTP/2 sends them: those of one name together, since nothing else has an order (RFC 9110, section 5.3);
/// and crumbs of cookies are one field everywhere else (RFC 9113, section 8.2.3).
fn together(fields: Vec<Field>) -> Vec<Field> {
    let mut all: Vec<Field> = Vec::new();
    for (name, value) in fields {
        let last = all.iter().rposition(|(known, _)| *known == name);
        match last {
            Some(at) if name == b"cookie" => all[at].1.extend([b"; ", &value[..]].concat()),
            Some(at) => all.insert(at + 1, (name, value)),
            None => all.push((name, value)),
        }
    }
    all
}

/// What each connection has of its own.
fn is_framing(name: &[u8]) -> bool {
    let names: [&[u8]; 7] = [
        b"host",
        b"connection",
        b"content-length",
        b"transfer-encoding",
        b"date",
        b"server",
        b"keep-alive",
    ];
    names.contains(&&name.to_ascii_lowercase()[..])
}

/// RFC 3875, section 4.1.18: one variable for each name, which has letters, digits and hyphens only.
fn as_variables(fields: Vec<Field>) -> Vec<Field> {
    let mut all: Vec<Field> = Vec::new();
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    for (name, value) in fields.into_iter().filter(|(name, _)| name.iter().all(plain)) {
        let name = variable(&name);
        if name == b"CONTENT_TYPE" && value.is_empty() {
            continue; // no type at all: section 4.1.3
        }
        let separator: &[u8] = if name == b"COOKIE" { b"; " } else { b", " };
        let name = match &name[..] {
            b"CONTENT_TYPE" => name,
            _ => [b"HTTP_", &name[..]].concat(),
        };
        match all.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => known.extend([separator, &value].concat()),
            None => all.push((name, value)),
        }
    }
    all
}

/// Those that are made of fields.
fn variables(all: Vec<Field>) -> Vec<Field> {
    let of_fields = |(name, value): &Field| {
        let typed = name == b"CONTENT_TYPE" && !value.is_empty();
        typed || name.starts_with(b"HTTP_") && !is_framing(&name[5..])
    };
    all.into_iter().filter(of_fields).collect()
}

/// Names whose values are not the same; and the order of the others, where it counts.
fn between(wanted: Vec<Field>, found: Vec<Field>, in_order: bool) -> Vec<Gap> {
    let (want, have) = (by_name(&wanted), by_name(&found));
    let names: BTreeSet<_> = want.keys().chain(have.keys()).collect();
    let of = |values: &Values, name: &Vec<u8>| values.get(name).cloned().unwrap_or_default();
    let mut all: Vec<_> = names
        .into_iter()
        .map(|name| Gap {
            name: name.clone(),
            wanted: of(&want, name),
            found: of(&have, name),
        })
        .filter(|gap| gap.wanted != gap.found)
        .collect();
    // Those that are as wanted are in the order that is wanted.
    let same = |fields: Vec<Field>| -> Vec<Vec<u8>> {
        let names = fields.into_iter().map(|(name, _)| name);
        names
            .filter(|name| all.iter().all(|gap| gap.name != *name))
            .collect()
    };
    let (wanted, found) = (same(wanted), same(found));
    if in_order && wanted != found {
        all.push(Gap {
            name: Vec::new(),
            wanted,
            found,
        });
    }
    all
}

fn by_name(fields: &[Field]) -> Values {
    let mut values = Values::new();
    for (name, value) in fields {
        values.entry(name.clone()).or_default().push(value.clone());
    }
    values
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |values: &[Vec<u8>]| {
            let texts: Vec<_> = values
                .iter()
                .map(|value| format!("<{}>", value.escape_ascii()))
                .collect();
            texts.join(" ")
        };
        write!(
            f,
            "{:?}, {:?}, {:?}, {:?}, {}: wanted {}, found {} (message {})",
            self.front,
            self.way,
            self.protocol,
            self.version,
            self.name.escape_ascii(),
            text(&self.wanted),
            text(&self.found),
            self.number
        )
    }
}
