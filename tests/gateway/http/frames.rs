//! A client of HTTP/2 on frames made by hand.

use testbed::Client;

/// A connection. Header blocks are literals without Huffman coding or a table.
pub(crate) struct Http2(pub(crate) Client);

/// What became of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// An answer, whole.
    Answer(u16, String),
    /// RST_STREAM.
    Reset,
    /// GOAWAY, or the end of the connection.
    Gone,
}

impl Http2 {
    /// Begins with `client`.
    pub(crate) fn begin(client: Client) -> Self {
        let mut http = Self(client);
        http.0.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
        http.frame(SETTINGS, 0, 0, b"");
        http
    }

    /// Errors are seen by the next read.
    pub(crate) fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let _ = self.0.send(frame(kind, flags, stream, payload));
    }

    /// The next frame: type, flags, stream and payload; `None` at the end of the connection.
    pub(crate) fn next(&mut self) -> Option<(u8, u8, u32, Vec<u8>)> {
        let header = self.0.take(9).ok()?;
        let [a, b, c, kind, flags, s, t, u, v] = header[..] else {
            return None;
        };
        let payload = self.0.take(u32::from_be_bytes([0, a, b, c]) as usize).ok()?;
        Some((kind, flags, u32::from_be_bytes([s, t, u, v]), payload))
    }

    /// Reads to the end of the connection: last stream, error code and debug data of the last GOAWAY before it.
    pub(crate) fn goodbye(&mut self) -> Option<(u32, u32, String)> {
        let number = |bytes: &[u8]| u32::from_be_bytes(bytes.try_into().unwrap());
        let mut goodbye = None;
        while let Some((kind, _, _, payload)) = self.next() {
            if kind == GOAWAY {
                let why = String::from_utf8(payload[8..].to_vec()).unwrap();
                goodbye = Some((number(&payload[..4]), number(&payload[4..8]), why));
            }
        }
        goodbye
    }

    pub(crate) fn headers(&mut self, stream: u32, fields: &[(&str, &str)], flags: u8) {
        self.frame(HEADERS, END_HEADERS | flags, stream, &block(fields));
    }

    /// A whole request on stream 1.
    pub(crate) fn ask(&mut self, fields: &[(&str, &str)], body: &[u8]) -> Outcome {
        self.ask_on(1, fields, body)
    }

    /// A whole request.
    pub(crate) fn ask_on(&mut self, stream: u32, fields: &[(&str, &str)], body: &[u8]) -> Outcome {
        self.headers(stream, fields, if body.is_empty() { END_STREAM } else { 0 });
        if !body.is_empty() {
            self.frame(DATA, END_STREAM, stream, body);
        }
        self.outcome(stream)
    }

    /// Waits until the gateway has seen everything so far.
    pub(crate) fn sync(&mut self) {
        self.frame(PING, 0, 0, b"inorder!");
        loop {
            let header = self.0.take(9).unwrap();
            let length = u32::from_be_bytes([0, header[0], header[1], header[2]]);
            let payload = self.0.take(length as usize).unwrap();
            if header[3] == PING && header[4] & ACK != 0 && payload == b"inorder!" {
                return;
            }
        }
    }

    /// Reads the header block of a stream's answer.
    pub(crate) fn head(&mut self, wanted: u32) -> Vec<u8> {
        loop {
            let header = self.0.take(9).unwrap();
            let length = u32::from_be_bytes([0, header[0], header[1], header[2]]);
            let payload = self.0.take(length as usize).unwrap();
            if header[3] == HEADERS && header[5..] == wanted.to_be_bytes() {
                return payload;
            }
        }
    }

    /// Reads until a stream has ended.
    pub(crate) fn outcome(&mut self, wanted: u32) -> Outcome {
        let mut status = 0;
        let mut body = Vec::new();
        loop {
            let Ok(header) = self.0.take(9) else {
                return Outcome::Gone;
            };
            let [a, b, c, kind, flags, s, t, u, v] = header[..] else {
                return Outcome::Gone;
            };
            let length = u32::from_be_bytes([0, a, b, c]) as usize;
            let stream = u32::from_be_bytes([s, t, u, v]);
            let payload = self.0.take(length).unwrap();
            match kind {
                GOAWAY if payload[7] != NO_ERROR => return Outcome::Gone,
                PING if flags & ACK == 0 => self.frame(PING, ACK, 0, &payload),
                RST_STREAM if stream == wanted => return Outcome::Reset,
                // Interim answers come before.
                HEADERS if stream == wanted && status < 200 => status = status_of(&payload),
                DATA if stream == wanted => body.extend(payload),
                _ => continue,
            }
            if stream == wanted && flags & END_STREAM != 0 {
                return Outcome::Answer(status, String::from_utf8(body).unwrap());
            }
        }
    }
}

/// The head of a request for a WebSocket (RFC 8441, section 5).
pub(crate) fn websocket(path: &str) -> [(&str, &str); 6] {
    [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "a.example"),
        ("sec-websocket-version", "13"),
    ]
}

/// A frame on the wire.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut wire = length[1..].to_vec();
    wire.extend([kind, flags]);
    wire.extend(stream.to_be_bytes());
    wire.extend(payload);
    wire
}

pub(crate) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0); // literal, not indexed, new name
        string(&mut block, name);
        string(&mut block, value);
    }
    block
}

/// RFC 7541, section 5.2.
fn string(block: &mut Vec<u8>, text: &str) {
    match u8::try_from(text.len()).ok().filter(|length| *length < 127) {
        Some(length) => block.push(length),
        None => {
            let mut rest = text.len() - 127;
            block.push(127);
            while rest >= 128 {
                block.push((rest % 128) as u8 | 128);
                rest /= 128;
            }
            block.push(rest as u8);
        }
    }
    block.extend(text.as_bytes());
}

/// The status is the first field: of the static table, or a literal of three digits, Huffman coded or not
/// (RFC 7541, appendices A and B).
pub(crate) fn status_of(block: &[u8]) -> u16 {
    match block {
        [indexed @ 0x88..=0x8e, ..] => [200, 204, 206, 304, 400, 404, 500][usize::from(indexed - 0x88)],
        [0x48 | 0x08, 3, digits @ ..] => std::str::from_utf8(&digits[..3]).unwrap().parse().unwrap(),
        [0x48 | 0x08, length @ 0x82..=0x83, coded @ ..] => {
            let coded = coded[..usize::from(length & 0x7f)].iter();
            let bits = coded.fold(0u32, |bits, byte| bits << 8 | u32::from(*byte));
            let mut left = 8 * u32::from(length & 0x7f);
            (0..3).fold(0, |status, _| {
                let five = bits >> (left - 5) & 0x1f;
                let (digit, used) = match five {
                    0..=2 => (five, 5),
                    _ => ((bits >> (left - 6) & 0x3f) - 0x19 + 3, 6),
                };
                left -= used;
                status * 10 + u16::try_from(digit).unwrap()
            })
        }
        other => panic!("a header block that does not begin with a status: {other:02x?}"),
    }
}

/// Whether a header block has a `bridgehead-error`, whose name is in no table: a literal, Huffman coded or not
/// (RFC 7541, appendix B).
pub(crate) fn says_error(block: &[u8]) -> bool {
    const CODED: [u8; 12] = [
        0x8e, 0xc3, 0x49, 0x31, 0x67, 0x28, 0xe4, 0x58, 0xb6, 0x58, 0x7b, 0x3f,
    ];
    let has = |name: &[u8]| block.windows(name.len()).any(|window| window == name);
    has(b"bridgehead-error") || has(&CODED)
}

/// The head of a request.
pub(crate) const GET: [(&str, &str); 4] = [
    (":method", "GET"),
    (":scheme", "http"),
    (":path", "/first"),
    (":authority", "a.example"),
];

/// The same with a body.
pub(crate) const POST: [(&str, &str); 4] = [
    (":method", "POST"),
    (":scheme", "http"),
    (":path", "/first"),
    (":authority", "a.example"),
];

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;
pub(crate) const PRIORITY_UPDATE: u8 = 0x10;
pub(crate) const NO_ERROR: u8 = 0;
pub(crate) const PROTOCOL_ERROR: u32 = 1;
pub(crate) const CANCEL: u8 = 8;
pub(crate) const ENHANCE_YOUR_CALM: u32 = 0xb;
pub(crate) const ACK: u8 = 1;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
