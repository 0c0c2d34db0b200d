//! The compressed header blocks of HTTP/2 answers: RFC 7541, as far as answers need it.
//!
//! Of the Huffman code only ASCII is known (all that a field of an answer should have); what uses more cannot be read.

use std::collections::VecDeque;

use thiserror::Error;

/// A name and its value.
pub type Field = (Vec<u8>, Vec<u8>);

/// Why a block cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadBlock {
    /// It ends in the middle of something.
    #[error("the header block is cut short")]
    Short,
    /// There is no such entry in the tables.
    #[error("the header block names an entry that is not there")]
    Index,
    /// A length or index beyond all measure.
    #[error("the header block has a number that is too large")]
    Number,
    /// Bits that are no character we know.
    #[error("the header block has a Huffman code that is not ASCII")]
    Huffman,
}

/// What the blocks of one connection share.
#[derive(Clone, Debug)]
pub(super) struct Hpack {
    /// The newest first.
    dynamic: VecDeque<Field>,
    /// Bytes, counted as the RFC does it (section 4.1).
    size: usize,
    max: usize,
}

impl Default for Hpack {
    fn default() -> Self {
        Self {
            dynamic: VecDeque::new(),
            size: 0,
            max: TABLE_SIZE,
        }
    }
}

impl Hpack {
    /// Reads the next block of the connection.
    ///
    /// # Errors
    ///
    /// What is wrong with it; no later block can be read then.
    pub(super) fn block(&mut self, mut bytes: &[u8]) -> Result<Vec<Field>, BadBlock> {
        let mut fields = Vec::new();
        while let Some(first) = bytes.first() {
            bytes = match first {
                0x80.. => {
                    let (index, rest) = number(bytes, 7)?;
                    fields.push(self.entry(index)?);
                    rest
                }
                0x20..0x40 => self.resize(bytes)?,
                _ => {
                    let kept = *first >= 0x40;
                    let (field, rest) = self.literal(bytes, if kept { 6 } else { 4 })?;
                    if kept {
                        self.keep(field.clone());
                    }
                    fields.push(field);
                    rest
                }
            };
        }
        Ok(fields)
    }

    fn literal<'a>(&self, bytes: &'a [u8], prefix: u32) -> Result<(Field, &'a [u8]), BadBlock> {
        let (index, rest) = number(bytes, prefix)?;
        let (name, rest) = match index {
            0 => string(rest)?,
            index => (self.entry(index)?.0, rest),
        };
        let (value, rest) = string(rest)?;
        Ok(((name, value), rest))
    }

    fn entry(&self, index: usize) -> Result<Field, BadBlock> {
        let index = index.checked_sub(1).ok_or(BadBlock::Index)?;
        let fixed = STATIC.get(index);
        let fixed = fixed.map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()));
        fixed
            .or_else(|| self.dynamic.get(index.checked_sub(STATIC.len())?).cloned())
            .ok_or(BadBlock::Index)
    }

    fn keep(&mut self, field: Field) {
        self.size += cost(&field);
        self.dynamic.push_front(field);
        self.evict();
    }

    fn resize<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], BadBlock> {
        let (max, rest) = number(bytes, 5)?;
        if max > TABLE_SIZE {
            return Err(BadBlock::Number);
        }
        self.max = max;
        self.evict();
        Ok(rest)
    }

    fn evict(&mut self) {
        while self.size > self.max
            && let Some(oldest) = self.dynamic.pop_back()
        {
            self.size -= cost(&oldest);
        }
    }
}

fn cost((name, value): &Field) -> usize {
    name.len() + value.len() + 32
}

/// Section 5.1: a number whose first bits share a byte with something else.
fn number(bytes: &[u8], prefix: u32) -> Result<(usize, &[u8]), BadBlock> {
    let (first, mut rest) = bytes.split_first().ok_or(BadBlock::Short)?;
    let most = (1_usize << prefix) - 1;
    let mut value = usize::from(*first) & most;
    if value < most {
        return Ok((value, rest));
    }
    for shift in (0..MAX_SHIFT).step_by(7) {
        let (byte, after) = rest.split_first().ok_or(BadBlock::Short)?;
        value += usize::from(byte & 0x7f) << shift;
        rest = after;
        if byte & 0x80 == 0 {
            return Ok((value, rest));
        }
    }
    Err(BadBlock::Number)
}

/// Section 5.2.
fn string(bytes: &[u8]) -> Result<(Vec<u8>, &[u8]), BadBlock> {
    let coded = bytes.first().ok_or(BadBlock::Short)? & 0x80 != 0;
    let (length, rest) = number(bytes, 7)?;
    let (text, rest) = rest.split_at_checked(length).ok_or(BadBlock::Short)?;
    let text = if coded { huffman(text)? } else { text.to_vec() };
    Ok((text, rest))
}

/// Appendix B: within a length the codes are numbered on, in the order of the characters.
fn huffman(bytes: &[u8]) -> Result<Vec<u8>, BadBlock> {
    let bits = bytes
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |bit| u32::from(byte >> bit & 1)));
    let (mut text, mut code, mut length) = (Vec::new(), 0, 0);
    for bit in bits {
        (code, length) = (code << 1 | bit, length + 1);
        if let Some(character) = character(code, length) {
            text.push(character);
            (code, length) = (0, 0);
        } else if length > LONGEST {
            return Err(BadBlock::Huffman);
        }
    }
    // The last byte is filled up with ones.
    match length < 8 && code == (1 << length) - 1 {
        true => Ok(text),
        false => Err(BadBlock::Huffman),
    }
}

fn character(code: u32, length: u32) -> Option<u8> {
    let (_, first, characters) = CODES.iter().find(|(of, ..)| *of == length)?;
    let at = usize::try_from(code.checked_sub(*first)?).ok()?;
    characters.as_bytes().get(at).copied()
}

const TABLE_SIZE: usize = 4096; // bytes; the kit's SETTINGS never say anything else
const MAX_SHIFT: u32 = 28; // bits; enough for every length that fits into a connection of a case
const LONGEST: u32 = 19; // bits of a code for ASCII

/// Bits, the first code, and the characters of that length.
const CODES: [(u32, u32, &str); 11] = [
    (5, 0x0, "012aceiost"),
    (6, 0x14, " %-./3456789=A_bdfghlmnpru"),
    (7, 0x5c, ":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz"),
    (8, 0xf8, "&*,;XZ"),
    (10, 0x3f8, "!\"()?"),
    (11, 0x7fa, "'+|"),
    (12, 0xffa, "#>"),
    (13, 0x1ff8, "\0$@[]~"),
    (14, 0x3ffc, "^}"),
    (15, 0x7ffc, "<`{"),
    (19, 0x7fff0, "\\"),
];

/// Appendix A.
const STATIC: [(&str, &str); 61] = [
    (":authority", ""),
    (":method", "GET"),
    (":method", "POST"),
    (":path", "/"),
    (":path", "/index.html"),
    (":scheme", "http"),
    (":scheme", "https"),
    (":status", "200"),
    (":status", "204"),
    (":status", "206"),
    (":status", "304"),
    (":status", "400"),
    (":status", "404"),
    (":status", "500"),
    ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"),
    ("accept-language", ""),
    ("accept-ranges", ""),
    ("accept", ""),
    ("access-control-allow-origin", ""),
    ("age", ""),
    ("allow", ""),
    ("authorization", ""),
    ("cache-control", ""),
    ("content-disposition", ""),
    ("content-encoding", ""),
    ("content-language", ""),
    ("content-length", ""),
    ("content-location", ""),
    ("content-range", ""),
    ("content-type", ""),
    ("cookie", ""),
    ("date", ""),
    ("etag", ""),
    ("expect", ""),
    ("expires", ""),
    ("from", ""),
    ("host", ""),
    ("if-match", ""),
    ("if-modified-since", ""),
    ("if-none-match", ""),
    ("if-range", ""),
    ("if-unmodified-since", ""),
    ("last-modified", ""),
    ("link", ""),
    ("location", ""),
    ("max-forwards", ""),
    ("proxy-authenticate", ""),
    ("proxy-authorization", ""),
    ("range", ""),
    ("referer", ""),
    ("refresh", ""),
    ("retry-after", ""),
    ("server", ""),
    ("set-cookie", ""),
    ("strict-transport-security", ""),
    ("transfer-encoding", ""),
    ("user-agent", ""),
    ("vary", ""),
    ("via", ""),
    ("www-authenticate", ""),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<char> = hex.chars().filter(|c| !c.is_whitespace()).collect();
        let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16);
        digits.chunks(2).map(byte).collect::<Result<_, _>>().expect("hex")
    }

    fn texts(fields: Vec<Field>) -> Vec<String> {
        let text = |(name, value): Field| {
            format!(
                "{}={}",
                String::from_utf8_lossy(&name),
                String::from_utf8_lossy(&value)
            )
        };
        fields.into_iter().map(text).collect()
    }

    /// RFC 7541, appendix C.6.
    #[test]
    fn the_answers_of_the_rfc_are_read() {
        let mut hpack = Hpack {
            max: 256,
            ..Hpack::default()
        };
        let first = bytes(
            "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6
             2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
        );
        let wanted = [
            ":status=302",
            "cache-control=private",
            "date=Mon, 21 Oct 2013 20:13:21 GMT",
            "location=https://www.example.com",
        ];
        assert_eq!(
            hpack.block(&first).map(texts),
            Ok(wanted.map(str::to_owned).to_vec())
        );
        let second = hpack.block(&bytes("4883 640e ffc1 c0bf"));
        assert_eq!(second.map(texts).expect("read")[0], ":status=307");
        assert_eq!(hpack.dynamic.len(), 4);
    }

    #[test]
    fn a_block_that_is_cut_or_wrong_is_no_block() {
        let whole = bytes("4882 6402");
        for cut in 1..whole.len() {
            assert_eq!(Hpack::default().block(&whole[..cut]), Err(BadBlock::Short));
        }
        assert_eq!(Hpack::default().block(&[0x80]), Err(BadBlock::Index));
        assert_eq!(Hpack::default().block(&[0xff, 0x00]), Err(BadBlock::Index));
        assert_eq!(
            Hpack::default().block(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
            Err(BadBlock::Number)
        );
        assert_eq!(
            Hpack::default().block(&[0x48, 0x84, 0xff, 0xff, 0xff, 0xff]),
            Err(BadBlock::Huffman)
        );
    }
}
