//! SCGI: the headers of a request in a netstring.

use super::{Content, Missing, PairList, Scope};
use crate::notation::{Complaint, Table};
use crate::protocol::Protocol;

/// A length, a colon, the content, a comma.
#[derive(Clone, Debug)]
pub struct Netstring {
    content: Content,
    /// What is written before the colon.
    length: Option<String>,
    end: Content,
    /// Whether the content is all.
    bare: bool,
}

impl Netstring {
    pub(super) fn read(table: &mut Table<'_>) -> Result<Option<Self>, Complaint> {
        if let Some(pairs) = table.take("headers") {
            let content = Content::Pairs(PairList::read(&pairs)?);
            return Ok(Some(Self {
                content,
                length: None,
                end: Content::from(""),
                bare: true,
            }));
        }
        let Some(content) = table.take("netstring") else {
            return Ok(None);
        };
        Ok(Some(Self {
            content: Content::read(&content)?,
            length: table.string("length")?,
            end: table
                .take("end")
                .map_or(Ok(Content::from(",")), |node| Content::read(&node))?,
            bare: false,
        }))
    }

    pub(super) fn encode(&self, scope: &Scope) -> Result<Vec<u8>, Missing> {
        let scope = Scope {
            protocol: Protocol::Scgi,
            ..scope.clone()
        };
        let content = self.content.encode(&scope)?;
        if self.bare {
            return Ok(content);
        }
        let length = self.length.clone().unwrap_or_else(|| content.len().to_string());
        Ok([length.as_bytes(), b":", &content, &self.end.encode(&scope)?].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::encode;
    use super::*;

    #[test]
    fn length_and_end_can_be_wrong() {
        assert_eq!(
            encode(Protocol::Scgi, r#"{ netstring = { headers = [["A", "b"]] } }"#),
            b"4:A\0b\0,"
        );
        assert_eq!(
            encode(
                Protocol::Scgi,
                r#"{ netstring = "x", length = "007", end = ";" }"#
            ),
            b"007:x;"
        );
    }
}
