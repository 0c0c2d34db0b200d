//! Single FastCGI records, for programs that want to see or send exactly those.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

use super::Error;
use crate::protocol::DecodeError;
use crate::protocol::fastcgi::{Header, Kind};

/// One record without its padding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What the record is.
    pub kind: Kind,
    /// 0 for management records.
    pub id: u16,
    /// Up to 65,535 bytes.
    pub content: Bytes,
}

/// Decodes and encodes records, each as a whole.
#[derive(Debug, Default)]
pub struct Records {
    /// The header of the record that is being received.
    header: Option<Header>,
}

impl Decoder for Records {
    type Item = Record;
    type Error = Error;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Record>, Error> {
        if self.header.is_none() {
            self.header = Header::take(src);
        }
        let Some(header) = self.header else {
            return Ok(None);
        };
        if header.version != Header::VERSION {
            return Err(DecodeError::Version(header.version).into());
        }
        if src.len() < header.rest() {
            src.reserve(header.rest() - src.len());
            return Ok(None);
        }
        self.header = None;
        let content = src.split_to(header.content.into()).freeze();
        src.advance(header.padding.into());
        Ok(Some(Record {
            kind: header.kind,
            id: header.id,
            content,
        }))
    }

    fn decode_eof(&mut self, src: &mut BytesMut) -> Result<Option<Record>, Error> {
        match self.decode(src)? {
            None if self.header.is_none() && src.is_empty() => Ok(None),
            None => Err(DecodeError::Truncated.into()),
            record => Ok(record),
        }
    }
}

impl Encoder<Record> for Records {
    type Error = Error;

    fn encode(&mut self, record: Record, dst: &mut BytesMut) -> Result<(), Error> {
        let length = record.content.len();
        let content = u16::try_from(length).map_err(|_| Error::RecordTooLarge(length))?;
        let header = Header::new(record.kind, record.id, 0);
        Header { content, ..header }.put(dst);
        dst.put(record.content);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(content: Vec<u8>) -> Record {
        Record {
            kind: Kind::Stdin,
            id: 7,
            content: content.into(),
        }
    }

    #[test]
    fn records_survive_the_wire() {
        let mut wire = BytesMut::new();
        for length in [0, 5, 65_535] {
            let sent = record(vec![b'x'; length]);
            Records::default().encode(sent.clone(), &mut wire).unwrap();
            assert_eq!(Records::default().decode_eof(&mut wire).unwrap(), Some(sent));
        }
        let refused = Records::default().encode(record(vec![0; 65_536]), &mut wire);
        assert!(matches!(refused, Err(Error::RecordTooLarge(65_536))));
    }

    #[test]
    fn padding_is_dropped_and_pieces_are_joined() {
        let wire = [1, 5, 0, 7, 0, 2, 3, 0, b'h', b'i', 0, 0, 0];
        let mut records = Records::default();
        let mut src = BytesMut::new();
        for (index, byte) in wire.iter().enumerate() {
            src.put_u8(*byte);
            let expected = (index == wire.len() - 1).then(|| record(b"hi".to_vec()));
            assert_eq!(records.decode(&mut src).unwrap(), expected);
        }
    }

    #[test]
    fn streams_end_between_records() {
        let truncated = |wire: &[u8]| {
            let error = Records::default()
                .decode_eof(&mut BytesMut::from(wire))
                .unwrap_err();
            assert!(matches!(error, Error::Decode(DecodeError::Truncated)));
        };
        truncated(&[1]);
        truncated(&[1, 5, 0, 7, 0, 2, 3, 0, b'h']);
        assert_eq!(Records::default().decode_eof(&mut BytesMut::new()).unwrap(), None);
    }
}
