//! uwsgi packets: four bytes of header, and a block of variables.

use super::{Missing, PairList, Scope};
use crate::notation::{Complaint, Table};
use crate::protocol::Protocol;

/// A packet, or its block alone.
#[derive(Clone, Debug)]
pub struct Packet {
    pairs: PairList,
    header: Option<Header>,
}

#[derive(Clone, Debug, Default)]
struct Header {
    modifier1: u8,
    modifier2: u8,
    /// The size that is written.
    size: Option<u16>,
}

impl Packet {
    pub(super) fn read(table: &mut Table<'_>) -> Result<Option<Self>, Complaint> {
        if let Some(pairs) = table.take("block") {
            return Ok(Some(Self {
                pairs: PairList::read(&pairs)?,
                header: None,
            }));
        }
        let Some(pairs) = table.take("packet") else {
            return Ok(None);
        };
        let header = Header {
            modifier1: table.integer("modifier1")?.unwrap_or(0),
            modifier2: table.integer("modifier2")?.unwrap_or(0),
            size: table.integer("size")?,
        };
        Ok(Some(Self {
            pairs: PairList::read(&pairs)?,
            header: Some(header),
        }))
    }

    /// A packet as it should be.
    pub(super) fn plain(pairs: PairList) -> Self {
        Self {
            pairs,
            header: Some(Header::default()),
        }
    }

    pub(super) fn encode(&self, scope: &Scope) -> Result<Vec<u8>, Missing> {
        let block = self.pairs.encode(scope, Protocol::Uwsgi)?.concat();
        let Some(header) = &self.header else {
            return Ok(block);
        };
        let [low, high] = header.size.unwrap_or((block.len() & 0xffff) as u16).to_le_bytes();
        Ok([&[header.modifier1, low, high, header.modifier2], &block[..]].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::encode;
    use super::*;

    #[test]
    fn the_size_is_between_the_modifiers() {
        let packet = encode(
            Protocol::Uwsgi,
            r#"{ packet = [["A", "b"]], modifier1 = 5, modifier2 = 6 }"#,
        );
        assert_eq!(packet, b"\x05\x06\0\x06\x01\0A\x01\0b");
        let packet = encode(
            Protocol::Uwsgi,
            r#"[{ packet = [], size = 258 }, { block = [["A", "b"]] }]"#,
        );
        assert_eq!(packet, b"\0\x02\x01\0\x01\0A\x01\0b");
    }
}
