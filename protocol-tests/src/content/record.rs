//! FastCGI records, right and wrong (FastCGI 1.0, sections 3.3 and 5).

use super::{Content, Missing, PairList, Scope};
use crate::notation::{Complaint, Node, Table};
use crate::protocol::Protocol;

/// One or more records of one type, and what is wrong with them.
#[derive(Clone, Debug)]
pub struct Unit {
    kind: u8,
    body: Body,
    header: Header,
    /// Cuts the content into records of so many bytes.
    every: Option<usize>,
    /// So many pairs in each record.
    pairs_per_record: Option<usize>,
}

#[derive(Clone, Debug)]
enum Body {
    /// Exactly one record.
    One(Content),
    /// As many as the bytes need.
    Stream(Content),
    /// As many as whole pairs need.
    Pairs(PairList),
}

/// What the header says beside the type.
#[derive(Clone, Debug)]
struct Header {
    version: u8,
    /// Without it, that of the request.
    id: Option<u16>,
    length: Option<u16>,
    padding: u8,
    padding_length: Option<u8>,
    reserved: u8,
}

impl Unit {
    /// Reads the table if one of its keys names a record.
    pub(super) fn read(table: &mut Table<'_>) -> Result<Option<Self>, Complaint> {
        let Some((kind, body)) = read_body(table)? else {
            return Ok(None);
        };
        let management = matches!(kind, GET_VALUES | GET_VALUES_RESULT | UNKNOWN_TYPE);
        let header = Header {
            version: table.integer("version")?.unwrap_or(1),
            id: table.integer("id")?.or(management.then_some(0)),
            length: table.integer("length")?,
            padding: table.integer("padding")?.unwrap_or(0),
            padding_length: table.integer("padding_length")?,
            reserved: table.integer("reserved")?.unwrap_or(0),
        };
        let (every, pairs_per_record) = (table.integer("every")?, table.integer("pairs_per_record")?);
        Ok(Some(Self {
            kind,
            body,
            header,
            every,
            pairs_per_record,
        }))
    }

    /// BEGIN_REQUEST as it should be.
    pub(super) fn begin(id: u16, role: u16, flags: u8) -> Self {
        Self::plain(1, id, Body::One(Content::Bytes(begin_body(role, flags, 0))))
    }

    /// The PARAMS records of a request, without the last, empty one.
    pub(super) fn params(id: u16, pairs: PairList) -> Self {
        Self::plain(4, id, Body::Pairs(pairs))
    }

    /// Records of a stream; one empty record for empty content.
    pub(super) fn stream(kind: u8, id: u16, content: Content) -> Self {
        Self::plain(kind, id, Body::Stream(content))
    }

    /// END_REQUEST of a request that is complete.
    pub(super) fn end(id: u16) -> Self {
        Self::plain(3, id, Body::One(Content::Bytes(vec![0; 8])))
    }

    fn plain(kind: u8, id: u16, body: Body) -> Self {
        let header = Header {
            version: 1,
            id: Some(id),
            length: None,
            padding: 0,
            padding_length: None,
            reserved: 0,
        };
        Self {
            kind,
            body,
            header,
            every: None,
            pairs_per_record: None,
        }
    }

    /// The bytes of each record.
    pub(super) fn records(&self, scope: &Scope) -> Result<Vec<Vec<u8>>, Missing> {
        let pieces = self.pieces(scope)?;
        Ok(pieces
            .iter()
            .map(|content| self.header.encode(self.kind, content, scope.request_id))
            .collect())
    }

    fn pieces(&self, scope: &Scope) -> Result<Vec<Vec<u8>>, Missing> {
        let bytes = match &self.body {
            Body::One(content) | Body::Stream(content) => content.encode(scope)?,
            Body::Pairs(pairs) => {
                let pairs = pairs.encode(scope, Protocol::FastCgi)?;
                if self.every.is_none() {
                    return Ok(pack(pairs, self.pairs_per_record.unwrap_or(usize::MAX)));
                }
                pairs.concat()
            }
        };
        let most = match (self.every, &self.body) {
            (Some(every), _) => every.max(1),
            (None, Body::One(_)) => usize::MAX,
            (None, _) if bytes.len() <= MAX_RECORD => MAX_RECORD,
            (None, _) => PIECE,
        };
        Ok(match bytes.is_empty() {
            true => vec![bytes],
            false => bytes.chunks(most).map(<[u8]>::to_vec).collect(),
        })
    }
}

impl Header {
    fn encode(&self, kind: u8, content: &[u8], request_id: u16) -> Vec<u8> {
        let length = self
            .length
            .unwrap_or((content.len() & 0xffff) as u16)
            .to_be_bytes();
        let id = self.id.unwrap_or(request_id).to_be_bytes();
        let padding = self.padding_length.unwrap_or(self.padding);
        let header = [
            self.version,
            kind,
            id[0],
            id[1],
            length[0],
            length[1],
            padding,
            self.reserved,
        ];
        [&header[..], content, &vec![0; self.padding.into()]].concat()
    }
}

/// The key that says what the records are.
fn read_body(table: &mut Table<'_>) -> Result<Option<(u8, Body)>, Complaint> {
    if let Some(role) = table.take("begin") {
        return read_begin(&role, table).map(|body| Some((1, body)));
    }
    if let Some(status) = table.take("end") {
        return read_end(&status, table).map(|body| Some((3, body)));
    }
    if let Some(params) = table.take("params") {
        let pairs = if params.is_string() {
            None
        } else {
            Some(PairList::read(&params)?)
        };
        return Ok(Some((4, pairs.map_or(Body::One(Content::from("")), Body::Pairs))));
    }
    if let Some(names) = table.take("get_values") {
        let pairs = Content::Pairs(PairList::names(names.strings()?));
        return Ok(Some((GET_VALUES, Body::One(pairs))));
    }
    if let Some(pairs) = table.take("get_values_result") {
        let pairs = Content::Pairs(PairList::read(&pairs)?);
        return Ok(Some((GET_VALUES_RESULT, Body::One(pairs))));
    }
    if let Some(kind) = table.take("unknown_type") {
        let body = [kind.integer()?, 0, 0, 0, 0, 0, 0, 0];
        return Ok(Some((UNKNOWN_TYPE, Body::One(Content::Bytes(body.to_vec())))));
    }
    if let Some(content) = table.take("record") {
        let kind = kind_number(&table.need("type")?)?;
        return Ok(Some((kind, Body::One(Content::read(&content)?))));
    }
    for (key, kind) in STREAMS {
        if let Some(content) = table.take(key) {
            return Ok(Some((kind, Body::Stream(Content::read(&content)?))));
        }
    }
    Ok(None)
}

fn read_begin(role: &Node<'_>, table: &mut Table<'_>) -> Result<Body, Complaint> {
    let role = role_number(role)?;
    let keep = table.boolean("keep")?.unwrap_or_default();
    let flags = table.integer("flags")?.unwrap_or(u8::from(keep));
    let filler = table.integer("body_reserved")?.unwrap_or(0);
    Ok(Body::One(Content::Bytes(begin_body(role, flags, filler))))
}

fn read_end(status: &Node<'_>, table: &mut Table<'_>) -> Result<Body, Complaint> {
    let status: u32 = status.integer()?;
    let protocol = table.integer("protocol_status")?.unwrap_or(0);
    let filler = table.integer("body_reserved")?.unwrap_or(0);
    let [a, b, c, d] = status.to_be_bytes();
    Ok(Body::One(Content::Bytes(vec![
        a, b, c, d, protocol, filler, filler, filler,
    ])))
}

fn begin_body(role: u16, flags: u8, filler: u8) -> Vec<u8> {
    let [high, low] = role.to_be_bytes();
    vec![high, low, flags, filler, filler, filler, filler, filler]
}

/// A role by number or name.
pub(super) fn role_number(node: &Node<'_>) -> Result<u16, Complaint> {
    match node.is_string() && !node.string()?.starts_with('$') {
        true => node.one_of(&[("responder", 1), ("authorizer", 2), ("filter", 3)]),
        false => node.integer(),
    }
}

/// A record type by number or name.
pub(crate) fn kind_number(node: &Node<'_>) -> Result<u8, Complaint> {
    match node.is_string() && !node.string()?.starts_with('$') {
        true => node.one_of(&KINDS),
        false => node.integer(),
    }
}

/// Whole pairs, as many as go into a record.
fn pack(pairs: Vec<Vec<u8>>, most: usize) -> Vec<Vec<u8>> {
    let (mut records, mut record, mut count) = (Vec::new(), Vec::new(), 0);
    for pair in pairs {
        if !record.is_empty() && (record.len() + pair.len() > PIECE || count == most) {
            records.push(std::mem::take(&mut record));
            count = 0;
        }
        record.extend(pair);
        count += 1;
    }
    records.push(record);
    // A pair that is larger than a record has to be cut.
    records.into_iter().flat_map(|record| cut(&record)).collect()
}

fn cut(record: &[u8]) -> Vec<Vec<u8>> {
    match record.len() <= MAX_RECORD {
        true => vec![record.to_vec()],
        false => record.chunks(PIECE).map(<[u8]>::to_vec).collect(),
    }
}

const GET_VALUES: u8 = 9;
const GET_VALUES_RESULT: u8 = 10;
const UNKNOWN_TYPE: u8 = 11;

const STREAMS: [(&str, u8); 5] = [
    ("abort", 2),
    ("stdin", 5),
    ("stdout", 6),
    ("stderr", 7),
    ("data", 8),
];

const KINDS: [(&str, u8); 11] = [
    ("begin", 1),
    ("abort", 2),
    ("end", 3),
    ("params", 4),
    ("stdin", 5),
    ("stdout", 6),
    ("stderr", 7),
    ("data", 8),
    ("get_values", GET_VALUES),
    ("get_values_result", GET_VALUES_RESULT),
    ("unknown_type", UNKNOWN_TYPE),
];

const MAX_RECORD: usize = 65535; // bytes of content; the header has 16 bits for it
const PIECE: usize = 65528; // the largest content that needs no padding for alignment

#[cfg(test)]
mod tests {
    use super::super::tests::encode;
    use super::*;

    fn fastcgi(text: &str) -> Vec<u8> {
        encode(Protocol::FastCgi, text)
    }

    #[test]
    fn records_have_a_header_and_their_padding() {
        assert_eq!(
            fastcgi(r#"{ stdin = "abc", id = 258, padding = 2 }"#),
            b"\x01\x05\x01\x02\0\x03\x02\0abc\0\0"
        );
        assert_eq!(fastcgi(r#"{ params = "" }"#), b"\x01\x04\0\x01\0\0\0\0");
        assert_eq!(
            fastcgi(r#"{ begin = "filter", keep = true, body_reserved = 9 }"#),
            b"\x01\x01\0\x01\0\x08\0\0\0\x03\x01\x09\x09\x09\x09\x09"
        );
        assert_eq!(
            fastcgi(r#"{ end = 258, protocol_status = 2 }"#),
            b"\x01\x03\0\x01\0\x08\0\0\0\0\x01\x02\x02\0\0\0"
        );
    }

    #[test]
    fn management_records_have_id_0() {
        assert_eq!(
            fastcgi(r#"{ get_values = ["A"] }"#),
            b"\x01\x09\0\0\0\x03\0\0\x01\0A"
        );
        assert_eq!(
            fastcgi(r#"{ unknown_type = 99 }"#),
            b"\x01\x0b\0\0\0\x08\0\0\x63\0\0\0\0\0\0\0"
        );
    }

    #[test]
    fn everything_can_be_wrong() {
        let text =
            r#"{ record = "ab", type = 99, version = 2, length = 7, padding_length = 5, reserved = 1 }"#;
        assert_eq!(fastcgi(text), b"\x02\x63\0\x01\0\x07\x05\x01ab");
    }

    #[test]
    fn pairs_stay_whole_unless_told_otherwise() {
        let pairs = r#"[["A", "b"], ["C", "d"]]"#;
        let one = fastcgi(&format!("{{ params = {pairs}, pairs_per_record = 1 }}"));
        assert_eq!(
            one,
            b"\x01\x04\0\x01\0\x04\0\0\x01\x01Ab\x01\x04\0\x01\0\x04\0\0\x01\x01Cd"
        );
        let cut = fastcgi(&format!("{{ params = {pairs}, every = 5 }}"));
        assert_eq!(
            cut,
            b"\x01\x04\0\x01\0\x05\0\0\x01\x01Ab\x01\x01\x04\0\x01\0\x03\0\0\x01Cd"
        );
    }
}
