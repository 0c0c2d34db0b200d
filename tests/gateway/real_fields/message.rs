//! Messages that are made of a number: fields of a request, and those of its answer.

use fastrand::Rng;

use super::client::Version;

/// Name and value.
pub(super) type Field = (Vec<u8>, Vec<u8>);

/// A request and its answer.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) number: u64,
    pub(super) version: Version,
    pub(super) request: Vec<Field>,
    pub(super) status: u16,
    pub(super) answer: Vec<Field>,
    pub(super) body: Vec<u8>,
}

impl Message {
    /// The same for the same number. What a client of HTTP/2 must not send is left out.
    pub(super) fn new(number: u64, version: Version) -> Self {
        let mut rng = Rng::with_seed(number);
        let mut request = Made::new(&mut rng, REQUEST, SPECIAL).fields;
        let answer = Made::new(&mut rng, ANSWER, &[]).fields;
        if version == Version::Http2 {
            request.retain(|(name, _)| !is_of_connection(name));
            request
                .iter_mut()
                .for_each(|(name, _)| name.make_ascii_lowercase());
        }
        let body = vec![b'x'; rng.usize(0..60)];
        Self {
            number,
            version,
            request,
            status: any(&mut rng, &[200, 200, 201, 202, 404, 410, 500]),
            answer,
            body,
        }
    }

    /// The fields of one of the two as lines of HTTP/1, with white space around the values that is no part of them.
    pub(super) fn lines(&self, fields: &[Field]) -> Vec<u8> {
        let mut rng = Rng::with_seed(self.number);
        let mut lines = Vec::new();
        for (name, value) in fields {
            let (before, after) = (any(&mut rng, BEFORE), any(&mut rng, AFTER));
            lines.extend([&name[..], b":", before, value, after, b"\r\n"].concat());
        }
        lines
    }
}

/// Fields as they are made, no two of which have names that one variable of CGI stands for.
struct Made<'a> {
    rng: &'a mut Rng,
    fields: Vec<Field>,
}

impl<'a> Made<'a> {
    fn new(rng: &'a mut Rng, known: &[&str], special: &[(&str, &str)]) -> Self {
        let mut made = Self {
            rng,
            fields: Vec::new(),
        };
        for _ in 0..made.rng.usize(0..10) {
            match made.rng.u8(0..10) {
                0..4 => {
                    let name = any(made.rng, known);
                    made.put(name.as_bytes().to_vec());
                }
                4 if !special.is_empty() => {
                    let (name, value) = any(made.rng, special);
                    if !made.has(name.as_bytes()) {
                        made.fields.push((name.into(), value.into()));
                    }
                }
                _ => made.own(),
            }
        }
        made
    }

    /// A field of a name that means nothing, perhaps two.
    fn own(&mut self) {
        let name = own_name(self.rng);
        if self.has(&name) {
            return;
        }
        self.put(name.clone());
        if self.rng.u8(0..4) == 0 {
            let value = value(self.rng);
            self.fields.push((name, value));
        }
    }

    fn put(&mut self, name: Vec<u8>) {
        let several = SEVERAL
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known.as_bytes()));
        if several || !self.has(&name) {
            let value = value(self.rng);
            self.fields.push((name, value));
        }
    }

    fn has(&self, name: &[u8]) -> bool {
        self.fields
            .iter()
            .any(|(known, _)| variable(known) == variable(name))
    }
}

/// As CGI writes a name (RFC 3875, section 4.1.18).
pub(super) fn variable(name: &[u8]) -> Vec<u8> {
    let letter = |byte: &u8| match byte.is_ascii_alphanumeric() {
        true => byte.to_ascii_uppercase(),
        false => b'_',
    };
    name.iter().map(letter).collect()
}

/// Whether a field speaks about one connection (RFC 9110, section 7.6.1).
pub(super) fn is_of_connection(name: &[u8]) -> bool {
    let names: [&[u8]; 3] = [b"keep-alive", b"proxy-connection", b"te"];
    names.contains(&&name.to_ascii_lowercase()[..])
}

/// Mostly letters and hyphens; sometimes all that a token may have (RFC 9110, section 5.6.2).
fn own_name(rng: &mut Rng) -> Vec<u8> {
    let odd = rng.u8(0..6) == 0;
    let mut name = b"x-".to_vec();
    for _ in 0..rng.usize(1..16) {
        name.push(match rng.u8(0..8) {
            0 if odd => any(rng, b"!#$%&'*+.^_`|~"),
            0 => b'-',
            1 => any(rng, b"0123456789"),
            2 | 3 => rng.uppercase() as u8,
            _ => rng.lowercase() as u8,
        });
    }
    name
}

/// Octets that a value may have (RFC 9110, section 5.5); no white space around them.
fn value(rng: &mut Rng) -> Vec<u8> {
    let length = match rng.u8(0..12) {
        0 => 0,
        1 => 1,
        2 => rng.usize(200..1500),
        _ => rng.usize(2..40),
    };
    let kind = rng.u8(0..4);
    let mut value: Vec<u8> = (0..length)
        .map(|_| match (kind, rng.u8(0..8)) {
            (0, _) => rng.alphanumeric() as u8,
            (1, 0..4) => rng.u8(0x80..=0xff),
            (_, 0) => any(rng, b" \t"),
            _ => rng.u8(0x21..0x7f),
        })
        .collect();
    for end in [0, length.wrapping_sub(1)] {
        if let Some(byte) = value.get_mut(end).filter(|byte| matches!(byte, b' ' | b'\t')) {
            *byte = b'.';
        }
    }
    value
}

/// One of `all`.
fn any<T: Copy>(rng: &mut Rng, all: &[T]) -> T {
    all[rng.usize(0..all.len())]
}

const REQUEST: &[&str] = &[
    "Accept",
    "Accept-Language",
    "Authorization",
    "Cache-Control",
    "Content-Type",
    "Cookie",
    "Origin",
    "Referer",
    "User-Agent",
    "X-Requested-With",
];

const ANSWER: &[&str] = &[
    "Cache-Control",
    "content-disposition",
    "Content-Language",
    "Content-Type",
    "ETag",
    "Expires",
    "Last-Modified",
    "Link",
    "Location",
    "Set-Cookie",
    "set-cookie",
    "Vary",
    "WWW-Authenticate",
    "X-Powered-By",
];

/// Lists, and cookies: there may be more than one of these.
const SEVERAL: &[&str] = &["accept", "cookie", "link", "set-cookie", "vary"];

/// What gateways have an opinion about, with values that they can read.
const SPECIAL: &[(&str, &str)] = &[
    ("Forwarded", "for=203.0.113.7"),
    ("Keep-Alive", "timeout=77"),
    ("Proxy", "http://203.0.113.7/"),
    ("Proxy-Connection", "keep-alive"),
    ("TE", "trailers"),
    ("Via", "1.1 a.example"),
    ("X-Forwarded-For", "203.0.113.7"),
    ("X-Forwarded-Host", "a.example"),
    ("X-Forwarded-Proto", "https"),
    ("X-Real-IP", "203.0.113.7"),
];

const BEFORE: &[&[u8]] = &[b" ", b" ", b" ", b"", b"  ", b"\t"];
const AFTER: &[&[u8]] = &[b"", b"", b"", b" ", b" \t"];
