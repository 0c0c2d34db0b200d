//! The format of the captures; `fixtures/wire/README.md` describes it.

use std::path::Path;

/// The protocol of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    FastCgi,
    Uwsgi,
    Scgi,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Fixture {
    pub(crate) name: String,
    pub(crate) wire: Wire,
    /// Requests and answers in turn.
    pub(crate) exchanges: Vec<Turn>,
}

/// One request, its answer, and what is in the answer.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    pub(crate) sent: Vec<u8>,
    pub(crate) received: Vec<u8>,
    pub(crate) expected: Expected,
}

/// What a decoder must see.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    pub(crate) status: Option<u16>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Body>,
    pub(crate) stderr: Vec<u8>,
    /// `stderr` is only its beginning.
    pub(crate) stderr_begins: bool,
    pub(crate) values: Vec<(String, String)>,
    /// FastCGI END_REQUEST: appStatus and protocolStatus.
    pub(crate) end: Option<(u32, u8)>,
    pub(crate) length: bool,
    pub(crate) eof: bool,
    pub(crate) truncated: bool,
}

#[derive(Debug)]
pub(crate) enum Body {
    Bytes(Vec<u8>),
    /// Hexadecimal digest and length.
    Sha256(String, usize),
}

impl Wire {
    /// By the name of the folder.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        match path.parent()?.file_name()?.to_str()? {
            "fastcgi" => Some(Self::FastCgi),
            "uwsgi" => Some(Self::Uwsgi),
            "scgi" => Some(Self::Scgi),
            _ => None,
        }
    }
}

impl Fixture {
    pub(crate) fn read(path: &Path, wire: Wire) -> Self {
        let text = std::fs::read_to_string(path).expect("a readable capture");
        let mut exchanges = vec![Turn::default()];
        let mut expected: Vec<Expected> = Vec::new();
        for line in text.lines() {
            let (mark, rest) = line.split_once(' ').unwrap_or((line, ""));
            let turn = exchanges.last_mut().expect("at least one");
            match mark {
                ">" if turn.received.is_empty() => turn.sent.extend(unescape(rest)),
                ">" => exchanges.push(Turn {
                    sent: unescape(rest),
                    ..Turn::default()
                }),
                "<" => turn.received.extend(unescape(rest)),
                "=" => expect(&mut expected, rest),
                "" | "#" => {}
                _ => panic!("{}: {line}", path.display()),
            }
        }
        assert_eq!(exchanges.len(), expected.len().max(1), "{}", path.display());
        for (turn, expected) in exchanges.iter_mut().zip(expected) {
            turn.expected = expected;
        }
        Self {
            name: path.display().to_string(),
            wire,
            exchanges,
        }
    }
}

fn expect(all: &mut Vec<Expected>, line: &str) {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    if all.is_empty() || word == "status" && all.last().is_some_and(|last| last.status.is_some()) {
        all.push(Expected::default());
    }
    let expected = all.last_mut().expect("just made");
    match word {
        "status" => expected.status = Some(rest.parse().expect("a status")),
        "header" => expected.headers.push(pair(rest, ": ")),
        "value" => expected.values.push(pair(rest, "=")),
        "body" => expected.body = Some(Body::Bytes(unescape(rest))),
        "body-sha256" => {
            let (digest, length) = pair(rest, " ");
            expected.body = Some(Body::Sha256(digest, length.parse().expect("a length")));
        }
        "stderr" => expected.stderr.extend(unescape(rest)),
        "stderr-begins" => {
            expected.stderr.extend(unescape(rest));
            expected.stderr_begins = true;
        }
        "end" => expected.end = Some(end(rest)),
        "length" => expected.length = true,
        "eof" => expected.eof = true,
        "truncated" => expected.truncated = true,
        _ => panic!("unknown expectation: {line}"),
    }
}

/// `app_status=0 protocol_status=0`.
fn end(text: &str) -> (u32, u8) {
    let (app, protocol) = pair(text, " ");
    let number = |text: &str| pair(text, "=").1;
    (
        number(&app).parse().expect("a number"),
        number(&protocol).parse().expect("a number"),
    )
}

fn pair(text: &str, separator: &str) -> (String, String) {
    let (left, right) = text.split_once(separator).expect("a pair");
    (left.to_owned(), right.to_owned())
}

/// The bytes of a quoted string.
fn unescape(quoted: &str) -> Vec<u8> {
    let inside = quoted
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .expect("a quoted string");
    let mut bytes = inside.bytes();
    let mut all = Vec::new();
    while let Some(byte) = bytes.next() {
        all.push(match byte {
            b'\\' => escape(&mut bytes),
            plain => plain,
        });
    }
    all
}

fn escape(bytes: &mut impl Iterator<Item = u8>) -> u8 {
    match bytes.next().expect("an escape") {
        b'r' => b'\r',
        b'n' => b'\n',
        b't' => b'\t',
        b'0' => 0,
        b'x' => {
            let mut digit = || {
                char::from(bytes.next().expect("a digit"))
                    .to_digit(16)
                    .expect("a digit")
            };
            (digit() * 16 + digit()) as u8
        }
        other => other,
    }
}
