//! HTTP/2 frames, right and wrong (RFC 9113, sections 4 and 6).

use super::{Content, Missing, Scope};
use crate::notation::{Complaint, Node, Table};

/// One frame.
#[derive(Clone, Debug)]
pub struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    /// What is written as the length.
    length: Option<u32>,
    payload: Payload,
}

#[derive(Clone, Debug)]
enum Payload {
    Bytes(Content),
    /// A header block.
    Fields(Vec<Item>),
}

/// A part of a header block.
#[derive(Clone, Debug)]
enum Item {
    Field(Content, Content),
    /// The pseudo fields of a request: method, scheme, path and authority.
    Request([String; 4]),
}

impl Frame {
    /// Reads the table if it says that it is a frame.
    pub(super) fn read(table: &mut Table<'_>) -> Result<Option<Self>, Complaint> {
        let Some(node) = table.take("frame") else {
            return Ok(None);
        };
        let kind = frame_number(&node)?;
        let connection = matches!(kind, SETTINGS | PING | GOAWAY | WINDOW_UPDATE);
        Ok(Some(Self {
            kind,
            flags: table
                .take("flags")
                .map_or(Ok(usual_flags(kind)), |node| read_flags(&node))?,
            stream: table.integer("stream")?.unwrap_or(u32::from(!connection)),
            length: table.integer("length")?,
            payload: read_payload(kind, table)?,
        }))
    }

    pub(super) fn encode(&self, scope: &Scope) -> Result<Vec<u8>, Missing> {
        let payload = match &self.payload {
            Payload::Bytes(content) => content.encode(scope)?,
            Payload::Fields(items) => encode_items(items, scope)?,
        };
        let length = self.length.unwrap_or((payload.len() & 0xff_ffff) as u32);
        let header = [
            &length.to_be_bytes()[1..],
            &[self.kind, self.flags],
            &self.stream.to_be_bytes(),
        ];
        Ok([&header.concat()[..], &payload].concat())
    }
}

fn read_payload(kind: u8, table: &mut Table<'_>) -> Result<Payload, Complaint> {
    if let Some(fields) = table.take("fields") {
        let items: Result<_, _> = fields.items()?.iter().map(read_item).collect();
        return items.map(Payload::Fields);
    }
    if let Some(content) = table.take("payload") {
        return Content::read(&content).map(Payload::Bytes);
    }
    let mut bytes = Vec::new();
    if let Some(settings) = table.take("settings") {
        for pair in settings.items()? {
            let pair = pair.items()?;
            let [id, value] = pair.as_slice() else {
                return Err(settings.complaint("a setting is [ID, VALUE]"));
            };
            bytes.extend(id.integer::<u16>()?.to_be_bytes());
            bytes.extend(value.integer::<u32>()?.to_be_bytes());
        }
    }
    if kind == GOAWAY {
        bytes.extend(table.integer::<u32>("last")?.unwrap_or(0).to_be_bytes());
    }
    if let Some(error) = table.take("error") {
        bytes.extend(error_number(&error)?.to_be_bytes());
    }
    if let Some(increment) = table.integer::<u32>("increment")? {
        bytes.extend(increment.to_be_bytes());
    }
    Ok(Payload::Bytes(Content::Bytes(bytes)))
}

fn read_item(node: &Node<'_>) -> Result<Item, Complaint> {
    if node.is_array() {
        let items = node.items()?;
        let [name, value] = items.as_slice() else {
            return Err(node.complaint("a field is [\"name\", CONTENT]"));
        };
        return Ok(Item::Field(Content::read(name)?, Content::read(value)?));
    }
    let mut table = node.table()?;
    let mut text = |key, usual: &str| table.string(key).map(|text| text.unwrap_or(usual.to_owned()));
    let request = [
        text("method", "GET")?,
        text("scheme", "http")?,
        text("path", "/")?,
        text("authority", "${host}")?,
    ];
    table.finish()?;
    Ok(Item::Request(request))
}

fn encode_items(items: &[Item], scope: &Scope) -> Result<Vec<u8>, Missing> {
    let mut out = Vec::new();
    for item in items {
        match item {
            Item::Field(name, value) => literal(&name.encode(scope)?, &value.encode(scope)?, &mut out),
            Item::Request(values) => {
                for (name, value) in PSEUDO.iter().zip(values) {
                    literal(name, scope.expand(value)?.as_bytes(), &mut out);
                }
            }
        }
    }
    Ok(out)
}

/// RFC 7541, section 6.2.2: a field that is not indexed, with a new name, and without the Huffman code. It can
/// express every name and every value.
fn literal(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    out.push(0);
    for text in [name, value] {
        put_length(text.len(), out);
        out.extend_from_slice(text);
    }
}

/// RFC 7541, section 5.1, with seven bits in the first byte.
fn put_length(length: usize, out: &mut Vec<u8>) {
    if length < 0x7f {
        return out.push((length & 0x7f) as u8);
    }
    out.push(0x7f);
    let mut rest = length - 0x7f;
    while rest > 0x7f {
        out.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    out.push((rest & 0x7f) as u8);
}

/// A type by name or number.
pub(crate) fn frame_number(node: &Node<'_>) -> Result<u8, Complaint> {
    if node.is_string() {
        return node.one_of(&KINDS);
    }
    node.integer()
}

/// An error code by name or number.
pub(crate) fn error_number(node: &Node<'_>) -> Result<u32, Complaint> {
    if node.is_string() {
        return node.one_of(&ERRORS);
    }
    node.integer()
}

/// A number, or a list of names.
fn read_flags(node: &Node<'_>) -> Result<u8, Complaint> {
    if !node.is_array() {
        return node.integer();
    }
    let flags = node.items()?;
    flags
        .iter()
        .try_fold(0, |flags, name| Ok(flags | name.one_of(&FLAGS)?))
}

/// What a frame needs to be all that there is.
fn usual_flags(kind: u8) -> u8 {
    match kind {
        DATA => END_STREAM,
        HEADERS => END_STREAM | END_HEADERS,
        CONTINUATION => END_HEADERS,
        _ => 0,
    }
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;

const PSEUDO: [&[u8]; 4] = [b":method", b":scheme", b":path", b":authority"];

/// RFC 9113, section 6.
const KINDS: [(&str, u8); 10] = [
    ("data", DATA),
    ("headers", HEADERS),
    ("priority", 2),
    ("rst_stream", 3),
    ("settings", SETTINGS),
    ("push_promise", 5),
    ("ping", PING),
    ("goaway", GOAWAY),
    ("window_update", WINDOW_UPDATE),
    ("continuation", CONTINUATION),
];

const FLAGS: [(&str, u8); 5] = [
    ("end_stream", END_STREAM),
    ("ack", 0x1),
    ("end_headers", END_HEADERS),
    ("padded", 0x8),
    ("priority", 0x20),
];

/// RFC 9113, section 7.
const ERRORS: [(&str, u32); 14] = [
    ("no_error", 0x0),
    ("protocol_error", 0x1),
    ("internal_error", 0x2),
    ("flow_control_error", 0x3),
    ("settings_timeout", 0x4),
    ("stream_closed", 0x5),
    ("frame_size_error", 0x6),
    ("refused_stream", 0x7),
    ("cancel", 0x8),
    ("compression_error", 0x9),
    ("connect_error", 0xa),
    ("enhance_your_calm", 0xb),
    ("inadequate_security", 0xc),
    ("http_1_1_required", 0xd),
];

#[cfg(test)]
mod tests {
    use super::super::tests::encode;
    use crate::protocol::Protocol;

    fn http(text: &str) -> Vec<u8> {
        encode(Protocol::Http, text)
    }

    #[test]
    fn every_payload_can_be_written() {
        assert_eq!(http(r#"{ frame = "settings" }"#), b"\0\0\0\x04\0\0\0\0\0");
        assert_eq!(
            http(r#"{ frame = "settings", settings = [[4, 1]] }"#),
            b"\0\0\x06\x04\0\0\0\0\0\0\x04\0\0\0\x01"
        );
        assert_eq!(
            http(r#"{ frame = "rst_stream", stream = 3, error = "cancel" }"#),
            b"\0\0\x04\x03\0\0\0\0\x03\0\0\0\x08"
        );
        assert_eq!(
            http(r#"{ frame = "goaway", last = 1, error = 2 }"#),
            b"\0\0\x08\x07\0\0\0\0\0\0\0\0\x01\0\0\0\x02"
        );
        assert_eq!(
            http(r#"{ frame = "data", payload = "ab" }"#),
            b"\0\0\x02\0\x01\0\0\0\x01ab"
        );
        assert_eq!(
            http(r#"{ frame = "headers", flags = ["end_headers"], fields = [["a", "b"]] }"#),
            b"\0\0\x05\x01\x04\0\0\0\x01\0\x01a\x01b"
        );
    }

    #[test]
    fn frames_can_be_wrong() {
        assert_eq!(
            http(r#"{ frame = 99, flags = 255, stream = 7, length = 66051, payload = "x" }"#),
            b"\x01\x02\x03\x63\xff\0\0\0\x07x"
        );
    }

    #[test]
    fn long_values_have_long_lengths() {
        let frame = http(r#"{ frame = "headers", fields = [["a", { fill = "x", length = 300 }]] }"#);
        // 300 is 127 and 173, which is 45 and 1 times 128.
        assert_eq!(&frame[9..15], b"\0\x01a\x7f\xad\x01");
        assert_eq!(frame.len(), 9 + 6 + 300);
    }
}
