//! The chunked transfer coding (RFC 9112, section 7.1), to the letter of its grammar.

use bytes::{Buf, BytesMut};
use memchr::memchr;

use super::body_part::BodyPart;
use crate::protocol::fields::{FieldValue, Fields, has_control, is_token, is_token_byte, trim};

/// How much may be in a chunked body that is not content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkLimits {
    /// Bytes of one line: a size with its extensions, or a trailer.
    pub line: usize,
    /// Bytes of extensions in the whole body.
    pub extensions: usize,
    /// Bytes of trailers.
    pub trailers: usize,
    /// Trailer lines.
    pub fields: usize,
}

impl Default for ChunkLimits {
    fn default() -> Self {
        Self {
            line: 4 * 1024,
            extensions: 16 * 1024,
            trailers: 16 * 1024,
            fields: 100,
        }
    }
}

/// Why bytes are no chunked body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    /// Not `HEX [; extension] CRLF`.
    #[error("chunk size is not in hexadecimal digits, or too large")]
    Size,
    /// Blanks without an extension, an empty or malformed one, a control byte.
    #[error("malformed chunk extension")]
    Extension,
    /// LF alone, or CR alone.
    #[error("chunk line does not end with CR LF")]
    LineEnd,
    /// Other bytes than CR LF behind the data.
    #[error("chunk data is longer than its size")]
    DataEnd,
    /// A trailer that is no field line.
    #[error("malformed trailer")]
    Trailer,
    /// A line, the extensions or the trailers are above their limit.
    #[error("chunk extensions or trailers above their limit")]
    TooLarge,
}

/// A chunked body that is being read.
#[derive(Debug)]
pub struct Chunked {
    state: ChunkedState,
    limits: ChunkLimits,
    /// Bytes at the front of the source in which no line end was found.
    searched: usize,
    /// Bytes of extensions so far.
    extensions: usize,
    /// Bytes and lines of trailers so far.
    trailers: (usize, usize),
    /// They are wanted.
    keeps: bool,
    /// Those that came.
    kept: Option<Box<Fields>>,
}

#[derive(Clone, Copy, Debug)]
enum ChunkedState {
    /// The line in front of data.
    Size,
    /// Bytes of data still to come.
    Data(u64),
    /// The line end behind data.
    DataEnd,
    /// Trailers, and the blank line.
    Trailers,
}

impl Chunked {
    /// In front of the first chunk.
    pub(super) fn new(limits: ChunkLimits) -> Self {
        Self {
            state: ChunkedState::Size,
            limits,
            searched: 0,
            extensions: 0,
            trailers: (0, 0),
            keeps: false,
            kept: None,
        }
    }

    /// Trailers are to be given out with the end.
    pub(super) fn keep_trailers(&mut self) {
        self.keeps = true;
    }

    /// Whether the last chunk was taken.
    pub(super) fn is_behind_content(&self) -> bool {
        matches!(self.state, ChunkedState::Trailers)
    }

    /// Takes the next part off `src`; `Ok(None)` asks for more bytes.
    pub(super) fn decode(&mut self, src: &mut BytesMut) -> Result<Option<BodyPart>, ChunkError> {
        loop {
            match self.state {
                ChunkedState::Data(_) if src.is_empty() => return Ok(None),
                ChunkedState::Data(left) => {
                    let count = usize::try_from(left).map_or(src.len(), |left| left.min(src.len()));
                    let left = left - count as u64;
                    self.state = if left == 0 {
                        ChunkedState::DataEnd
                    } else {
                        ChunkedState::Data(left)
                    };
                    return Ok(Some(BodyPart::Data(src.split_to(count).freeze())));
                }
                ChunkedState::DataEnd => match &src[..] {
                    [b'\r', b'\n', ..] => {
                        src.advance(2);
                        self.state = ChunkedState::Size;
                    }
                    [] | [b'\r'] => return Ok(None),
                    _ => return Err(ChunkError::DataEnd),
                },
                ChunkedState::Size => {
                    if src.first().is_some_and(|byte| !byte.is_ascii_hexdigit()) {
                        return Err(ChunkError::Size);
                    }
                    let Some(line) = self.line(src)? else {
                        return Ok(None);
                    };
                    let (size, extensions) = size_line(&line)?;
                    self.extensions += extensions;
                    if self.extensions > self.limits.extensions {
                        return Err(ChunkError::TooLarge);
                    }
                    self.state = if size == 0 {
                        ChunkedState::Trailers
                    } else {
                        ChunkedState::Data(size)
                    };
                }
                ChunkedState::Trailers => {
                    let Some(line) = self.line(src)? else {
                        return Ok(None);
                    };
                    if line.is_empty() {
                        return Ok(Some(BodyPart::End(self.kept.take())));
                    }
                    self.trailer(&line)?;
                }
            }
        }
    }

    /// The next line without its end.
    fn line(&mut self, src: &mut BytesMut) -> Result<Option<BytesMut>, ChunkError> {
        let found = memchr(b'\n', &src[self.searched..]).map(|at| self.searched + at);
        if found.unwrap_or(src.len()) > self.limits.line {
            return Err(ChunkError::TooLarge);
        }
        let Some(end) = found else {
            self.searched = src.len();
            return Ok(None);
        };
        self.searched = 0;
        let mut line = src.split_to(end + 1);
        if end == 0 || line[end - 1] != b'\r' {
            return Err(ChunkError::LineEnd);
        }
        line.truncate(end - 1);
        if memchr(b'\r', &line).is_some() {
            return Err(ChunkError::LineEnd);
        }
        Ok(Some(line))
    }

    /// Trailers are checked, and end here unless they are wanted: none may become a variable or a field of a head.
    fn trailer(&mut self, line: &[u8]) -> Result<(), ChunkError> {
        self.trailers = (self.trailers.0 + line.len() + 2, self.trailers.1 + 1);
        if self.trailers.0 > self.limits.trailers || self.trailers.1 > self.limits.fields {
            return Err(ChunkError::TooLarge);
        }
        let colon = memchr(b':', line).ok_or(ChunkError::Trailer)?;
        let (name, value) = (&line[..colon], FieldValue::new(trim(&line[colon + 1..])));
        let value = value.filter(|_| is_token(name)).ok_or(ChunkError::Trailer)?;
        if self.keeps {
            self.kept.get_or_insert_default().append_named(name, value);
        }
        Ok(())
    }
}

/// Appends the line in front of `size` bytes of data.
pub fn put_chunk_size(size: usize, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let digits = (usize::BITS - size.leading_zeros()).div_ceil(4).max(1);
    for digit in (0..digits).rev() {
        out.push(HEX[size >> (4 * digit) & 0xf]);
    }
    out.extend_from_slice(b"\r\n");
}

/// The size of a chunk, and the bytes of its extensions.
fn size_line(line: &[u8]) -> Result<(u64, usize), ChunkError> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    if digits == 0 || digits > LONGEST_SIZE {
        return Err(ChunkError::Size);
    }
    let size = line[..digits].iter().fold(0u64, |size, byte| {
        let digit = (*byte as char).to_digit(16).unwrap_or(0);
        size << 4 | u64::from(digit)
    });
    let rest = &line[digits..];
    match rest {
        [] => Ok((size, 0)),
        [b';' | b' ' | b'\t', ..] => extensions(rest).map(|()| (size, rest.len())),
        _ => Err(ChunkError::Size),
    }
}

/// `*( BWS ";" BWS name [ BWS "=" BWS value ] )`, from its first byte to its last.
fn extensions(mut rest: &[u8]) -> Result<(), ChunkError> {
    while !rest.is_empty() {
        rest = byte(blanks(rest), b';')?;
        rest = token(blanks(rest))?;
        if let Ok(value) = byte(blanks(rest), b'=') {
            let value = blanks(value);
            rest = match value.first() {
                Some(b'"') => quoted(&value[1..])?,
                _ => token(value)?,
            };
        }
    }
    Ok(())
}

fn blanks(text: &[u8]) -> &[u8] {
    let count = text
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count();
    &text[count..]
}

fn byte(text: &[u8], wanted: u8) -> Result<&[u8], ChunkError> {
    match text {
        [first, rest @ ..] if *first == wanted => Ok(rest),
        _ => Err(ChunkError::Extension),
    }
}

fn token(text: &[u8]) -> Result<&[u8], ChunkError> {
    match text.iter().take_while(|byte| is_token_byte(**byte)).count() {
        0 => Err(ChunkError::Extension),
        count => Ok(&text[count..]),
    }
}

/// What follows a quoted string whose first quote is gone (RFC 9110, section 5.6.4).
fn quoted(mut text: &[u8]) -> Result<&[u8], ChunkError> {
    loop {
        text = match text {
            [b'"', rest @ ..] => return Ok(rest),
            [b'\\', escaped, rest @ ..] if !has_control(&[*escaped]) => rest,
            [plain, rest @ ..] if *plain != b'\\' && !has_control(&[*plain]) => rest,
            _ => return Err(ChunkError::Extension),
        }
    }
}

/// Hexadecimal digits of the largest 64-bit number.
const LONGEST_SIZE: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    /// The content, and what is left behind the body. `None`: not complete.
    type Read = Result<Option<(Vec<u8>, Vec<u8>)>, ChunkError>;

    fn read(text: &[u8], step: usize) -> Read {
        let limits = ChunkLimits {
            line: 40,
            extensions: 60,
            trailers: 40,
            fields: 2,
        };
        let mut chunked = Chunked::new(limits);
        let (mut src, mut body, mut done) = (BytesMut::new(), Vec::new(), false);
        for piece in text.chunks(step) {
            src.extend_from_slice(piece);
            while !done {
                match chunked.decode(&mut src)? {
                    Some(BodyPart::Data(data)) => body.extend_from_slice(&data),
                    Some(BodyPart::End(trailers)) => {
                        assert_eq!(trailers, None, "none is wanted");
                        done = true;
                    }
                    None => break,
                }
            }
        }
        Ok(done.then(|| (body, src.to_vec())))
    }

    fn everywhere(text: &str) -> Read {
        let whole = read(text.as_bytes(), text.len());
        for step in 1..text.len() {
            assert_eq!(read(text.as_bytes(), step), whole, "{text:?} in pieces of {step}");
        }
        whole
    }

    #[test]
    fn chunks_become_content_at_every_split_point() {
        for (text, body, rest) in [
            ("0\r\n\r\n", "", ""),
            ("5\r\nhello\r\n0\r\n\r\nGET", "hello", "GET"),
            ("005\r\nhello\r\n1\r\n!\r\n000\r\n\r\n", "hello!", ""),
            ("A\r\n0123456789\r\n0\r\n\r\n", "0123456789", ""),
            ("1;a\r\nx\r\n0;b=c\r\n\r\n", "x", ""),
            ("1 ; a = b;c=\"d;\\\"\"\r\nx\r\n0\r\n\r\n", "x", ""),
            ("1\r\nx\r\n0\r\nX-A: 1\r\nX-B:\r\n\r\n", "x", ""),
        ] {
            let found = everywhere(text).unwrap().unwrap();
            assert_eq!(
                found,
                (body.as_bytes().to_vec(), rest.as_bytes().to_vec()),
                "{text:?}"
            );
        }
    }

    #[test]
    fn every_broken_rule_has_its_name() {
        use ChunkError as E;
        for (text, error) in [
            ("\r\n", E::Size),
            ("g\r\n", E::Size),
            ("-1\r\n", E::Size),
            ("0x5\r\n", E::Size),
            ("5,\r\n", E::Size),
            ("11111111111111111\r\n", E::Size),
            ("5 \r\nhello\r\n", E::Extension),
            ("5\t\r\nhello\r\n", E::Extension),
            ("5;\r\nhello\r\n", E::Extension),
            ("5;;\r\nhello\r\n", E::Extension),
            ("5;a=\r\nhello\r\n", E::Extension),
            ("5;=a\r\nhello\r\n", E::Extension),
            ("5;a \r\nhello\r\n", E::Extension),
            ("5;a=\"b\r\nhello\r\n", E::Extension),
            ("5;a=\"\u{1}\"\r\nhello\r\n", E::Extension),
            ("5;a\0\r\nhello\r\n", E::Extension),
            ("5\nhello\r\n", E::LineEnd),
            ("5\rx\r\nhello\r\n", E::LineEnd),
            ("5;a\r\r\nhello\r\n", E::LineEnd),
            ("5\r\nhello!\r\n", E::DataEnd),
            ("5\r\nhello\n", E::DataEnd),
            ("0\r\n\n", E::LineEnd),
            ("0\r\nno colon\r\n\r\n", E::Trailer),
            ("0\r\na b: 1\r\n\r\n", E::Trailer),
            ("0\r\n folded: 1\r\n\r\n", E::Trailer),
            ("0\r\na: \0\r\n\r\n", E::Trailer),
            ("0\r\na:1\r\nb:1\r\nc:1\r\n\r\n", E::TooLarge),
            (
                "0\r\na:01234567890123456789\r\nb:012345678901234\r\n\r\n",
                E::TooLarge,
            ),
            ("1;a=01234567890123456789012345678901234567890\r\n", E::TooLarge),
        ] {
            assert_eq!(everywhere(text), Err(error), "{text:?}");
        }
        let extended = "1;a=0123456789012345678901234567\r\nx\r\n".repeat(3);
        assert_eq!(everywhere(&extended), Err(E::TooLarge));
    }

    #[test]
    fn trailers_that_are_wanted_come_with_the_end() {
        for (text, expected) in [
            ("0\r\n\r\n", None),
            ("0\r\nX-A:1 \r\nx-b: \r\n\r\n", Some([("X-A", "1"), ("x-b", "")])),
        ] {
            for step in 1..=text.len() {
                let mut chunked = Chunked::new(ChunkLimits::default());
                chunked.keep_trailers();
                let (mut src, mut end) = (BytesMut::new(), None);
                for piece in text.as_bytes().chunks(step) {
                    src.extend_from_slice(piece);
                    end = chunked.decode(&mut src).unwrap().or(end);
                }
                let fields = expected.map(|pairs| Box::new(pairs.into_iter().collect()));
                assert_eq!(end, Some(BodyPart::End(fields)), "{text:?} in pieces of {step}");
            }
        }
    }

    #[test]
    fn sizes_are_written_as_they_are_read() {
        for size in [0, 1, 9, 10, 15, 16, 255, 256, 0x0fff, 0x1_0000, usize::MAX] {
            let mut line = Vec::new();
            put_chunk_size(size, &mut line);
            assert_eq!(line, format!("{size:x}\r\n").into_bytes());
        }
    }
}
