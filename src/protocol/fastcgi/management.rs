//! GET_VALUES and its answer: FastCGI 1.0, section 4.1.
//!
//! A probe is optional at best: uWSGI never answers, libfcgi only after more bytes arrived, and some of its
//! versions crash on repeated names (reference, section 1.8).

use bytes::{BufMut, Bytes, BytesMut};

use super::pairs::{PairDecoder, put_pair};
use super::record::{Header, Kind};
use crate::protocol::{DecodeError, Limits, head};

/// What an application says about itself; `None` where it says nothing that makes sense.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// FCGI_MAX_CONNS: connections at a time.
    pub max_conns: Option<u32>,
    /// FCGI_MAX_REQS: requests at a time.
    pub max_reqs: Option<u32>,
    /// FCGI_MPXS_CONNS: whether connections can be multiplexed.
    pub mpxs_conns: Option<bool>,
}

impl Capabilities {
    /// Reads the content of a GET_VALUES_RESULT record.
    pub fn parse(content: BytesMut) -> Result<Self, DecodeError> {
        let mut found = Self::default();
        for (name, value) in read(content)? {
            match &name[..] {
                MAX_CONNS => found.max_conns = number(&value),
                MAX_REQS => found.max_reqs = number(&value),
                MPXS_CONNS => found.mpxs_conns = number(&value).map(|number| number != 0),
                _ => {}
            }
        }
        Ok(found)
    }

    /// Appends the GET_VALUES_RESULT record that answers the GET_VALUES record with this content. Every name
    /// is answered once, however often it is asked.
    pub fn put_result(&self, query: BytesMut, out: &mut impl BufMut) -> Result<(), DecodeError> {
        let asked = read(query)?;
        let mut content = BytesMut::new();
        for (name, value) in self.values() {
            if let Some(value) = value
                && asked.iter().any(|(asked, _)| asked == name)
            {
                put_pair(name, value.to_string().as_bytes(), &mut content);
            }
        }
        Header::new(Kind::GetValuesResult, 0, content.len()).put(out);
        out.put_slice(&content);
        Ok(())
    }

    fn values(&self) -> [(&'static [u8], Option<u32>); 3] {
        [
            (MAX_CONNS, self.max_conns),
            (MAX_REQS, self.max_reqs),
            (MPXS_CONNS, self.mpxs_conns.map(u32::from)),
        ]
    }
}

/// Appends a GET_VALUES record that asks for everything once. Never without padding: libfcgi answers only when it
/// can read on behind the content.
pub fn put_get_values(out: &mut impl BufMut) {
    let mut content = BytesMut::new();
    for name in [MAX_CONNS, MAX_REQS, MPXS_CONNS] {
        put_pair(name, b"", &mut content);
    }
    let padding = ALIGNMENT - content.len() % ALIGNMENT;
    let header = Header::new(Kind::GetValues, 0, content.len());
    Header {
        padding: padding as u8,
        ..header
    }
    .put(out);
    out.put_slice(&content);
    out.put_bytes(0, padding);
}

fn read(content: BytesMut) -> Result<Vec<(Bytes, Bytes)>, DecodeError> {
    let mut pairs = PairDecoder::new(LIMITS);
    pairs.push(content)?;
    pairs.finish()
}

/// Digits only, and few of them.
fn number(text: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(text).ok()?;
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then_some(text)?
        .parse()
        .ok()
}

const MAX_CONNS: &[u8] = b"FCGI_MAX_CONNS";
const MAX_REQS: &[u8] = b"FCGI_MAX_REQS";
const MPXS_CONNS: &[u8] = b"FCGI_MPXS_CONNS";

/// What section 3.3 recommends records to be aligned to.
const ALIGNMENT: usize = 8;

/// One record of content; names beyond the three that exist are of no use.
const LIMITS: Limits = Limits {
    block: u16::MAX as usize,
    params: 64,
    head: head::Limits { size: 0, fields: 0 },
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn question_is_padded_and_asks_once() {
        let mut wire = BytesMut::new();
        put_get_values(&mut wire);
        assert_eq!(wire.len() % 8, 0);
        let header = Header::take(&mut wire).unwrap();
        assert!(header.padding > 0);
        assert_eq!(
            (header.kind, header.id, header.rest()),
            (Kind::GetValues, 0, wire.len())
        );
        let names = read(wire.split_to(header.content.into())).unwrap();
        assert_eq!(names.len(), 3);
        assert!(names.iter().all(|(_, value)| value.is_empty()));
    }

    #[test]
    fn answer_holds_what_was_asked_and_is_known() {
        let ours = Capabilities {
            max_conns: Some(10),
            max_reqs: None,
            mpxs_conns: Some(false),
        };
        let mut query = BytesMut::new();
        for name in [MAX_CONNS, MAX_CONNS, MAX_REQS, MPXS_CONNS, b"OTHER"] {
            put_pair(name, b"", &mut query);
        }
        let mut wire = BytesMut::new();
        ours.put_result(query, &mut wire).unwrap();
        let header = Header::take(&mut wire).unwrap();
        assert_eq!(
            (header.kind, header.id, header.rest()),
            (Kind::GetValuesResult, 0, wire.len())
        );
        assert_eq!(Capabilities::parse(wire), Ok(ours));
    }

    #[test]
    fn nonsense_is_no_answer() {
        let mut content = BytesMut::new();
        put_pair(MAX_CONNS, b"+1", &mut content);
        put_pair(MAX_REQS, b"", &mut content);
        put_pair(MPXS_CONNS, b"99999999999", &mut content);
        assert_eq!(Capabilities::parse(content), Ok(Capabilities::default()));
        assert_eq!(
            Capabilities::parse(BytesMut::from(&b"\x05"[..])),
            Err(DecodeError::PairOverrun)
        );
    }
}
