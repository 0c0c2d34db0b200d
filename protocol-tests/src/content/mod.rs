//! What is sent, and what answers are compared with: bytes in a notation that can express wrong ones.
//!
//! Nothing here is shared with the program that the kit was written for: the coding of FastCGI, uwsgi and SCGI is
//! written down once more, from the specifications.

mod frame;
mod netstring;
mod packet;
mod pairs;
mod record;
mod reply;
mod request;
mod scope;

pub(crate) use frame::{error_number, frame_number};
pub(crate) use pairs::PairList;
pub(crate) use record::kind_number;
pub(crate) use request::Request;
pub use scope::{Missing, Scope};

use frame::Frame;
use netstring::Netstring;
use packet::Packet;
use record::Unit;
use reply::Reply;

use crate::notation::{Complaint, Node, Table};

/// A piece of what goes over the wire.
#[derive(Clone, Debug)]
pub enum Content {
    /// With references.
    Text(String),
    /// As they are.
    Bytes(Vec<u8>),
    /// A pattern, repeated up to a length in bytes.
    Fill(Box<Content>, usize),
    /// One after another.
    List(Vec<Content>),
    /// Each followed by CR LF.
    Lines(Vec<String>),
    /// An HTTP chunk, perhaps with another size line.
    Chunk(Box<Content>, Option<String>),
    /// Name-value pairs, coded as the protocol does it.
    Pairs(PairList),
    /// FastCGI records.
    Records(Box<Unit>),
    /// A uwsgi header with its block, or the block alone.
    Packet(Packet),
    /// An SCGI netstring.
    Netstring(Box<Netstring>),
    /// An HTTP/2 frame.
    Frame(Box<Frame>),
    /// A whole request of the protocol.
    Request(Box<Request>),
    /// A whole answer of the application, in the protocol of the run.
    Reply(Box<Reply>),
}

impl Content {
    /// Reads a string, a table or an array of them.
    pub(crate) fn read(node: &Node<'_>) -> Result<Self, Complaint> {
        if node.is_string() {
            return node.string().map(Self::Text);
        }
        if node.is_array() {
            let items = node.items()?;
            return items
                .iter()
                .map(Self::read)
                .collect::<Result<_, _>>()
                .map(Self::List);
        }
        Self::read_table(node)
    }

    fn read_table(node: &Node<'_>) -> Result<Self, Complaint> {
        let mut table = node.table()?;
        let content = match Self::read_bytes(&mut table)? {
            Some(content) => content,
            None => Self::read_unit(node, &mut table)?,
        };
        table.finish()?;
        Ok(content)
    }

    /// Contents of no protocol.
    fn read_bytes(table: &mut Table<'_>) -> Result<Option<Self>, Complaint> {
        if let Some(hex) = table.take("hex") {
            return read_hex(&hex).map(|bytes| Some(Self::Bytes(bytes)));
        }
        if let Some(pattern) = table.take("fill") {
            let pattern = Self::read(&pattern)?;
            return Ok(Some(Self::Fill(
                Box::new(pattern),
                limited(&table.need("length")?)?,
            )));
        }
        if let Some(length) = table.take("ramp") {
            return Ok(Some(Self::Bytes(ramp(limited(&length)?))));
        }
        if let Some(name) = table.take("use") {
            return defined(&name).map(Some);
        }
        if let Some(lines) = table.take("lines") {
            return Ok(Some(Self::Lines(lines.strings()?)));
        }
        if let Some(chunk) = table.take("chunk") {
            return Ok(Some(Self::Chunk(
                Box::new(Self::read(&chunk)?),
                table.string("size")?,
            )));
        }
        Ok(None)
    }

    /// Contents that belong to a protocol.
    fn read_unit(node: &Node<'_>, table: &mut Table<'_>) -> Result<Self, Complaint> {
        if let Some(pairs) = table.take("pairs") {
            return PairList::read(&pairs).map(Self::Pairs);
        }
        if let Some(request) = table.take("request") {
            return Ok(Self::Request(Box::new(Request::read(&request)?)));
        }
        if let Some(frame) = Frame::read(table)? {
            return Ok(Self::Frame(Box::new(frame)));
        }
        if let Some(reply) = table.take("reply") {
            return Ok(Self::Reply(Box::new(Reply::read(&reply)?)));
        }
        if let Some(packet) = Packet::read(table)? {
            return Ok(Self::Packet(packet));
        }
        if let Some(netstring) = Netstring::read(table)? {
            return Ok(Self::Netstring(Box::new(netstring)));
        }
        let unit = Unit::read(table)?;
        unit.map(|unit| Self::Records(Box::new(unit)))
            .ok_or_else(|| node.complaint("no key here says what is to be sent"))
    }

    /// The bytes.
    ///
    /// # Errors
    ///
    /// When a reference has no value.
    pub fn encode(&self, scope: &Scope) -> Result<Vec<u8>, Missing> {
        let mut out = Vec::new();
        self.encode_to(scope, &mut out)?;
        Ok(out)
    }

    /// The bytes of each item of a list, or of each record.
    ///
    /// # Errors
    ///
    /// When a reference has no value.
    pub fn units(&self, scope: &Scope) -> Result<Vec<Vec<u8>>, Missing> {
        match self {
            Self::List(items) => {
                let units: Result<Vec<_>, _> = items.iter().map(|item| item.units(scope)).collect();
                Ok(units?.concat())
            }
            Self::Records(unit) => unit.records(scope),
            Self::Request(request) => request.units(scope),
            Self::Reply(reply) => reply.units(scope),
            other => Ok(vec![other.encode(scope)?]),
        }
    }

    fn encode_to(&self, scope: &Scope, out: &mut Vec<u8>) -> Result<(), Missing> {
        match self {
            Self::Text(text) => out.extend_from_slice(scope.expand(text)?.as_bytes()),
            Self::Bytes(bytes) => out.extend_from_slice(bytes),
            Self::Fill(pattern, length) => {
                out.extend(pattern.encode(scope)?.iter().cycle().take(*length));
            }
            Self::List(items) => items.iter().try_for_each(|item| item.encode_to(scope, out))?,
            Self::Lines(lines) => {
                for line in lines {
                    out.extend_from_slice(scope.expand(line)?.as_bytes());
                    out.extend_from_slice(b"\r\n");
                }
            }
            Self::Chunk(content, size) => encode_chunk(&content.encode(scope)?, size.as_deref(), out),
            Self::Pairs(pairs) => out.extend(pairs.encode(scope, scope.protocol)?.concat()),
            Self::Records(unit) => out.extend(unit.records(scope)?.concat()),
            Self::Packet(packet) => out.extend(packet.encode(scope)?),
            Self::Netstring(netstring) => out.extend(netstring.encode(scope)?),
            Self::Frame(frame) => out.extend(frame.encode(scope)?),
            Self::Request(request) => out.extend(request.units(scope)?.concat()),
            Self::Reply(reply) => out.extend(reply.units(scope)?.concat()),
        }
        Ok(())
    }
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

fn encode_chunk(content: &[u8], size: Option<&str>, out: &mut Vec<u8>) {
    let size = size.map_or_else(|| format!("{:x}", content.len()), str::to_owned);
    out.extend_from_slice(size.as_bytes());
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(content);
    out.extend_from_slice(b"\r\n");
}

/// The bytes that `/download` of the probe application gives.
pub(crate) fn ramp(length: usize) -> Vec<u8> {
    (0..length)
        .map(|i| (i.wrapping_mul(31).wrapping_add(7) & 0xff) as u8)
        .collect()
}

fn defined(name: &Node<'_>) -> Result<Content, Complaint> {
    let wanted = name.string()?;
    let found = name.source().defined.iter().find(|(known, _)| *known == wanted);
    found
        .map(|(_, content)| content.clone())
        .ok_or_else(|| name.complaint(format!("nothing is defined as `{wanted}`")))
}

fn limited(node: &Node<'_>) -> Result<usize, Complaint> {
    let length = node.integer()?;
    match length <= MAX_CONTENT {
        true => Ok(length),
        false => Err(node.complaint(format!("no content is longer than {MAX_CONTENT} bytes"))),
    }
}

/// Hexadecimal digits; white space and comments between the bytes.
fn read_hex(node: &Node<'_>) -> Result<Vec<u8>, Complaint> {
    let text = node.string()?;
    let lines = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default());
    let digits: Vec<char> = lines
        .flat_map(str::chars)
        .filter(|c| !c.is_whitespace())
        .collect();
    let byte = |pair: &[char]| {
        let [high, low] = pair else { return None };
        u8::try_from(high.to_digit(16)? * 16 + low.to_digit(16)?).ok()
    };
    let bytes: Option<Vec<u8>> = digits.chunks(2).map(byte).collect();
    bytes.ok_or_else(|| node.complaint("this is not a row of hexadecimal bytes"))
}

/// Bytes; larger than everything a case needs, smaller than what hurts.
const MAX_CONTENT: usize = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notation::Source;
    use crate::protocol::Protocol;

    /// The bytes of `x = TEXT`.
    pub(super) fn encode(protocol: Protocol, text: &str) -> Vec<u8> {
        let text = format!("x = {text}\n");
        let source = Source::new("x.toml", &text);
        let document = source.parse().expect("TOML");
        let mut table = Table::new(document.get_ref(), document.span(), source);
        let node = table.need("x").expect("x");
        let content = Content::read(&node).unwrap_or_else(|complaint| panic!("{complaint}"));
        let scope = Scope {
            params: params(),
            ..Scope::new(protocol).with("name", "value")
        };
        content.encode(&scope).expect("all values")
    }

    fn params() -> Vec<(String, String)> {
        let pairs = [
            ("M", "${method}"),
            ("P", "${path}"),
            ("CONTENT_LENGTH", "${length}"),
        ];
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec()
    }

    #[test]
    fn bytes_are_written_in_several_ways() {
        let http = |text| encode(Protocol::Http, text);
        assert_eq!(http(r#""a${name}""#), b"avalue");
        assert_eq!(http(r#"{ hex = "01 0a # x\n ff" }"#), [1, 10, 255]);
        assert_eq!(http(r#"{ fill = "ab", length = 5 }"#), b"ababa");
        assert_eq!(http(r#"{ ramp = 3 }"#), [7, 38, 69]);
        assert_eq!(http(r#"{ lines = ["a", ""] }"#), b"a\r\n\r\n");
        assert_eq!(
            http(r#"["a", { chunk = "bc" }, { chunk = "", size = "00;x" }]"#),
            b"a2\r\nbc\r\n00;x\r\n\r\n"
        );
    }
}
