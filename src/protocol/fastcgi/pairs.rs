//! Name-value pairs: FastCGI 1.0, section 3.4.
//!
//! The encoder never lets a pair cross a record, because PHP, uWSGI and flup lose such pairs; the decoder
//! takes pairs that cross any number of them, because the specification allows it.

use bytes::{BufMut, Bytes, BytesMut};
use nom::branch::alt;
use nom::combinator::{map, verify};
use nom::number::streaming::{be_u8, be_u32};
use nom::{IResult, Parser};

use super::record::{Header, Kind};
use crate::protocol::params::sink::{lengths, without_nul};
use crate::protocol::params::{Full, Name, Room, Sink, Value, Window};
use crate::protocol::{DecodeError, EncodeError, Limits};

/// Packs variables into PARAMS records.
pub struct Pairs<'a> {
    out: Window<'a>,
    id: u16,
    limits: Limits,
    /// Where the header of the open record is.
    record: usize,
    /// Bytes that the backend takes in this record and those behind it.
    block_left: usize,
    /// What the open record takes.
    room: Room,
}

impl<'a> Pairs<'a> {
    /// Opens the first record behind what is in `out`.
    pub fn new(out: &'a mut Vec<u8>, id: u16, limits: Limits) -> Self {
        let mut out = Window::new(out);
        let record = out.written();
        put_header(id, &mut out);
        let block_left = limits.block;
        Self {
            room: Room::new(out.written(), block_left.min(Header::MAX_CONTENT), limits.params),
            out,
            id,
            limits,
            record,
            block_left,
        }
    }

    /// Closes the last record and ends the stream with an empty one.
    pub fn finish(mut self) {
        if self.content() > 0 {
            self.close_record();
            put_header(self.id, &mut self.out);
        }
    }

    /// Bytes in the open record.
    fn content(&self) -> usize {
        self.out.written() - self.record - Header::LEN
    }

    /// Writes the length that is known now.
    fn close_record(&mut self) {
        let header = Header::new(Kind::Params, self.id, self.content());
        let place = self.out.at(self.record, Header::LEN);
        place.copy_from_slice(&header.to_bytes());
    }

    #[inline(always)]
    fn admit(&mut self, size: usize) -> Result<(), EncodeError> {
        match self.room.take(self.out.written().saturating_add(size)) {
            Ok(()) => Ok(()),
            Err(full) => self.make_room(size, full),
        }
    }

    /// Opens the next record for a pair that does not fit any more, or says why there is no room at all.
    #[cold]
    fn make_room(&mut self, size: usize, full: Full) -> Result<(), EncodeError> {
        let block_left = self.block_left - self.content();
        if size > Header::MAX_CONTENT {
            let limit = Header::MAX_CONTENT;
            return Err(EncodeError::ParamTooLarge { limit });
        }
        if size > block_left {
            let (limit, setting) = (self.limits.block, "max_block");
            return Err(EncodeError::BlockTooLarge { limit, setting });
        }
        if full == Full::Params {
            return Err(self.too_many());
        }
        self.close_record();
        self.record = self.out.written();
        self.block_left = block_left;
        put_header(self.id, &mut self.out);
        let start = self.out.written();
        self.room.renew(start, block_left.min(Header::MAX_CONTENT));
        self.room.take(start + size).map_err(|_| self.too_many())
    }

    fn too_many(&self) -> EncodeError {
        EncodeError::TooManyParams {
            limit: self.limits.params,
            setting: "max_params",
        }
    }
}

impl Sink for Pairs<'_> {
    fn param(&mut self, name: Name<'_>, value: Value<'_>) -> Result<(), EncodeError> {
        let (name_len, value_len) = lengths(&name, &value)?;
        let lengths = length_len(name_len) + length_len(value_len);
        let size = lengths.saturating_add(name_len).saturating_add(value_len);
        self.admit(size)?;
        let mut place = self.out.next(size);
        put_lengths(name_len, value_len, &mut place);
        name.put(&mut place);
        value.put(&mut place);
        Ok(())
    }

    #[inline(always)]
    fn bytes(&mut self, name: &'static str, value: &[u8]) -> Result<(), EncodeError> {
        self.text(name, without_nul(value)?)
    }

    /// Inlined, the name's length and bytes are constants: a few moves instead of calls.
    #[inline(always)]
    fn text(&mut self, name: &'static str, value: &[u8]) -> Result<(), EncodeError> {
        if name.len() | value.len() >= usize::from(LONG) {
            return self.param(Name::Literal(name), Value::Text(value));
        }
        let start = 2 + name.len();
        self.admit(start + value.len())?;
        let place = self.out.next(start + value.len());
        place[..2].copy_from_slice(&[name.len() as u8, value.len() as u8]);
        place[2..start].copy_from_slice(name.as_bytes());
        place[start..].copy_from_slice(value);
        Ok(())
    }
}

/// Appends the header of a record whose length is not known yet, or that ends the stream.
fn put_header(id: u16, out: &mut Window<'_>) {
    let header = Header::new(Kind::Params, id, 0).to_bytes();
    out.next(header.len()).copy_from_slice(&header);
}

/// Appends one pair without looking at record boundaries.
pub fn put_pair(name: &[u8], value: &[u8], out: &mut impl BufMut) {
    put_lengths(name.len(), value.len(), out);
    out.put_slice(name);
    out.put_slice(value);
}

/// Reads pairs out of a stream that comes in pieces.
#[derive(Debug)]
pub struct PairDecoder {
    limits: Limits,
    /// A pair that is not complete.
    partial: BytesMut,
    /// Bytes of the complete pairs.
    total: usize,
    pairs: Vec<(Bytes, Bytes)>,
}

impl PairDecoder {
    /// A decoder for one stream. Of the limits, block and params count.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            partial: BytesMut::new(),
            total: 0,
            pairs: Vec::new(),
        }
    }

    /// Takes the next piece of the stream. Pairs within one piece stay slices of it.
    pub fn push(&mut self, mut piece: BytesMut) -> Result<(), DecodeError> {
        if !self.partial.is_empty() {
            self.partial.extend_from_slice(&piece);
            piece = std::mem::take(&mut self.partial);
        }
        while let Some((lengths, name, value)) = self.next_size(&piece)? {
            let size = lengths + name + value;
            if piece.len() < size {
                break;
            }
            let mut pair = piece.split_to(size).freeze();
            let value = pair.split_off(lengths + name);
            self.pairs.push((pair.split_off(lengths), value));
            self.total += size;
        }
        self.partial = piece;
        Ok(())
    }

    /// Ends the stream.
    pub fn finish(self) -> Result<Vec<(Bytes, Bytes)>, DecodeError> {
        match self.partial.is_empty() {
            true => Ok(self.pairs),
            false => Err(DecodeError::PairOverrun),
        }
    }

    /// Sizes of the lengths, the name and the value of the pair at the start of `piece`, checked before
    /// anything of that size is waited for.
    fn next_size(&self, piece: &[u8]) -> Result<Option<(usize, usize, usize)>, DecodeError> {
        let room = self.limits.block - self.total;
        let Ok((rest, (name, value))) = (length, length).parse(piece) else {
            return match piece.len() > room {
                true => Err(DecodeError::BlockTooLarge(self.limits.block)),
                false => Ok(None),
            };
        };
        let lengths = piece.len() - rest.len();
        if lengths.saturating_add(name).saturating_add(value) > room {
            return Err(DecodeError::BlockTooLarge(self.limits.block));
        }
        if self.pairs.len() == self.limits.params {
            return Err(DecodeError::TooManyParams(self.limits.params));
        }
        Ok(Some((lengths, name, value)))
    }
}

/// One byte below 128, else four with the top bit set. Small numbers in four bytes are taken, too.
fn length(input: &[u8]) -> IResult<&[u8], usize> {
    alt((
        map(verify(be_u8, |&first| first < LONG), usize::from),
        map(be_u32, |number| (number & 0x7fff_ffff) as usize),
    ))
    .parse(input)
}

/// Both lengths of a pair; nearly always one byte each.
#[inline]
fn put_lengths(name: usize, value: usize, out: &mut impl BufMut) {
    if name | value < usize::from(LONG) {
        return out.put_slice(&[name as u8, value as u8]);
    }
    put_length(name, out);
    put_length(value, out);
}

fn put_length(length: usize, out: &mut impl BufMut) {
    match u8::try_from(length) {
        Ok(short) if short < LONG => out.put_u8(short),
        _ => out.put_u32(length as u32 | 0x8000_0000),
    }
}

/// Bytes of an encoded length.
fn length_len(length: usize) -> usize {
    if length < usize::from(LONG) { 1 } else { 4 }
}

/// The first length that needs four bytes.
const LONG: u8 = 0x80;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ROOMY: Limits = Limits {
        block: 1 << 20,
        params: 10_000,
        head: crate::protocol::head::Limits { size: 0, fields: 0 },
    };

    fn write(pairs: &[(Vec<u8>, Vec<u8>)], limits: Limits) -> Result<BytesMut, EncodeError> {
        let mut out = Vec::new();
        let mut writer = Pairs::new(&mut out, 1, limits);
        for (name, value) in pairs {
            let name = std::str::from_utf8(name).unwrap();
            writer.param(Name::Plain(name), Value::One(value))?;
        }
        writer.finish();
        Ok(BytesMut::from(&out[..]))
    }

    /// Contents of the records, the empty one at the end left out.
    fn contents(mut wire: BytesMut) -> Vec<BytesMut> {
        let mut all = Vec::new();
        while let Some(header) = Header::take(&mut wire) {
            assert_eq!((header.kind, header.id, header.padding), (Kind::Params, 1, 0));
            all.push(wire.split_to(header.content.into()));
        }
        assert!(wire.is_empty());
        assert_eq!(all.pop().unwrap(), "", "ends with an empty record");
        all
    }

    fn read(stream: &[u8], step: usize, limits: Limits) -> Result<Vec<(Bytes, Bytes)>, DecodeError> {
        let mut decoder = PairDecoder::new(limits);
        for piece in stream.chunks(step) {
            decoder.push(BytesMut::from(piece))?;
        }
        decoder.finish()
    }

    #[test]
    fn boundary_lengths_survive() {
        for length in [0, 1, 127, 128, 255, 256, 16_383, 65_515] {
            let pairs = [(b"N".to_vec(), vec![b'v'; length])];
            let wire = write(&pairs, ROOMY).unwrap();
            let contents = contents(wire);
            let read = read(&contents[0], 100, ROOMY).unwrap();
            assert_eq!(
                read,
                [(Bytes::from("N"), Bytes::from(pairs[0].1.clone()))],
                "{length}"
            );
        }
    }

    #[test]
    fn small_number_in_four_bytes_is_taken() {
        let read = read(b"\x80\0\0\x01\x80\0\0\x02Nvw", 1, ROOMY).unwrap();
        assert_eq!(read, [(Bytes::from("N"), Bytes::from("vw"))]);
    }

    #[test]
    fn largest_pair_fills_a_record_and_one_byte_more_is_refused() {
        let largest = Header::MAX_CONTENT - 1 - 4 - 1;
        let wire = write(&[(b"N".to_vec(), vec![b'v'; largest])], ROOMY).unwrap();
        assert_eq!(contents(wire)[0].len(), Header::MAX_CONTENT);
        let refused = write(&[(b"N".to_vec(), vec![b'v'; largest + 1])], ROOMY);
        assert_eq!(refused.unwrap_err(), EncodeError::ParamTooLarge { limit: 65_528 });
    }

    #[test]
    fn no_variables_are_one_empty_record() {
        assert_eq!(&write(&[], ROOMY).unwrap()[..], [1, 4, 0, 1, 0, 0, 0, 0]);
    }

    #[test]
    fn block_and_count_are_limited_on_both_sides() {
        let pairs = vec![(b"N".to_vec(), b"vw".to_vec()); 4];
        let stream = contents(write(&pairs, ROOMY).unwrap()).concat();
        let block = |block| Limits { block, ..ROOMY };
        let params = |params| Limits { params, ..ROOMY };
        assert!(write(&pairs, block(20)).is_ok());
        assert!(matches!(
            write(&pairs, block(19)),
            Err(EncodeError::BlockTooLarge { limit: 19, .. })
        ));
        assert!(matches!(
            write(&pairs, params(3)),
            Err(EncodeError::TooManyParams { limit: 3, .. })
        ));
        for step in 1..=stream.len() {
            assert_eq!(read(&stream, step, block(20)).unwrap().len(), 4);
            assert_eq!(
                read(&stream, step, block(19)),
                Err(DecodeError::BlockTooLarge(19))
            );
            assert_eq!(read(&stream, step, params(3)), Err(DecodeError::TooManyParams(3)));
        }
    }

    #[test]
    fn huge_announcements_are_refused_before_they_are_waited_for() {
        for stream in [
            b"\xff\xff\xff\xff\x00".as_slice(),
            b"\x00\xff\xff\xff\xff",
            &[0xff; 8],
        ] {
            assert_eq!(read(stream, 1, ROOMY), Err(DecodeError::BlockTooLarge(1 << 20)));
        }
    }

    #[test]
    fn streams_that_end_inside_a_pair_are_refused() {
        for stream in [b"\x01".as_slice(), b"\x01\x01N", b"\x80\0\0", b"\x01\x00Nx"] {
            for step in 1..=stream.len() {
                assert_eq!(read(stream, step, ROOMY), Err(DecodeError::PairOverrun));
            }
        }
    }

    #[test]
    fn nul_is_refused() {
        let refused = write(&[(b"N".to_vec(), b"a\0b".to_vec())], ROOMY);
        assert_eq!(refused.unwrap_err(), EncodeError::Nul);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn pairs_survive_the_wire_and_stay_whole(
            pairs in prop::collection::vec(("[A-Z_]{1,140}", prop::collection::vec(1u8.., 0..20_000)), 0..12),
            step in 1usize..70_000,
        ) {
            let pairs: Vec<_> = pairs.into_iter().map(|(name, value)| (name.into_bytes(), value)).collect();
            let contents = contents(write(&pairs, ROOMY).unwrap());
            for content in &contents {
                prop_assert!(content.len() <= Header::MAX_CONTENT);
                prop_assert!(read(content, step, ROOMY).is_ok(), "a pair crosses a record");
            }
            let read = read(&contents.concat(), step, ROOMY).unwrap();
            let read: Vec<_> = read.into_iter().map(|(n, v)| (n.to_vec(), v.to_vec())).collect();
            prop_assert_eq!(read, pairs);
        }
    }
}
