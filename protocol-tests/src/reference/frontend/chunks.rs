//! The chunked coding (RFC 9112, section 7.1): the line of a size, and an answer's body in pieces.

use super::Fault;
use super::refusal::Refusal;
use super::request::{is_control, is_token_byte, trim_start};
use crate::reference::Seeded;

/// Takes chunks off as they come.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    /// What has come and is not used yet.
    pending: Vec<u8>,
    state: State,
    /// Bytes of trailers so far.
    trailers: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Size,
    /// So many bytes, and then CR LF.
    Data(usize),
    Trailers,
    Over,
}

impl Chunks {
    /// The content in some bytes more.
    pub(super) fn feed(&mut self, bytes: &[u8], fault: Seeded<Fault>) -> Result<Vec<u8>, Refusal> {
        self.pending.extend_from_slice(bytes);
        let mut content = Vec::new();
        while self.step(&mut content, fault)? {}
        Ok(content)
    }

    /// Whether the last chunk and its trailers have come.
    pub(super) fn is_over(&self) -> bool {
        self.state == State::Over
    }

    /// Whether there are bytes behind the end.
    pub(super) fn has_surplus(&self) -> bool {
        self.is_over() && !self.pending.is_empty()
    }

    /// One line or some data; says whether there was enough for it.
    fn step(&mut self, content: &mut Vec<u8>, fault: Seeded<Fault>) -> Result<bool, Refusal> {
        match self.state {
            State::Size => {
                let Some(line) = self.line()? else {
                    return Ok(false);
                };
                let size = size(&line, fault).map_err(|_| Refusal::gateway("a chunk size that is none"))?;
                self.state = if size == 0 {
                    State::Trailers
                } else {
                    State::Data(size)
                };
            }
            State::Data(0) => {
                let Some(end) = self.pending.get(..2) else {
                    return Ok(false);
                };
                if end != b"\r\n" && !fault.is(Fault::ChunkEndUnchecked) {
                    return Err(Refusal::gateway("a chunk that does not end where it says"));
                }
                self.pending.drain(..2);
                self.state = State::Size;
            }
            State::Data(left) => {
                let count = left.min(self.pending.len());
                content.extend(self.pending.drain(..count));
                self.state = State::Data(left - count);
                return Ok(count > 0);
            }
            // They are dropped (RFC 9110, section 6.5.1).
            State::Trailers => match self.line()? {
                None => return Ok(false),
                Some(line) if line.is_empty() => self.state = State::Over,
                Some(line) => {
                    self.trailers += line.len();
                    if self.trailers > MAX_LINE && fault.is(Fault::LongTrailersFatal) {
                        return Err(Refusal::gateway("trailers that are too long"));
                    }
                    if fault.is(Fault::TrailersAreContent) {
                        content.extend(line);
                    }
                }
            },
            State::Over => return Ok(false),
        }
        Ok(true)
    }

    fn line(&mut self) -> Result<Option<Vec<u8>>, Refusal> {
        let Some(end) = self.pending.iter().position(|byte| *byte == b'\n') else {
            return match self.pending.len() > MAX_LINE {
                true => Err(Refusal::gateway("a chunk line that is too long")),
                false => Ok(None),
            };
        };
        let mut line: Vec<u8> = self.pending.drain(..=end).collect();
        line.pop();
        match line.pop() {
            Some(b'\r') => Ok(Some(line)),
            _ => Err(Refusal::gateway("a chunk line without CR")),
        }
    }
}

/// Hexadecimal digits, and extensions by their grammar, which mean nothing.
pub(super) fn size(line: &[u8], fault: Seeded<Fault>) -> Result<usize, Refusal> {
    let mut line = line;
    if fault.is(Fault::ChunkSizeAsInC) {
        line = line
            .strip_prefix(b"0x")
            .or(line.strip_prefix(b"+"))
            .unwrap_or(line);
    }
    let count = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let (digits, extensions) = line.split_at(count);
    let lenient = fault.is(Fault::ChunkSizeAsInC) || fault.is(Fault::AnyExtension);
    let known = lenient || are_extensions(extensions);
    if count > MAX_DIGITS || count == 0 || !known {
        return Err(Refusal::bad("a chunk size that is no number"));
    }
    if !extensions.is_empty() && fault.is(Fault::ExtensionsRefused) {
        return Err(Refusal::bad("a chunk extension"));
    }
    let digits = std::str::from_utf8(digits).ok();
    let size = digits.and_then(|digits| usize::from_str_radix(digits, 16).ok());
    size.ok_or(Refusal::Request(413, "the body is too long"))
}

/// RFC 9112, section 7.1.1.
fn are_extensions(mut text: &[u8]) -> bool {
    while !text.is_empty() {
        let Some(rest) = trim_start(text).strip_prefix(b";") else {
            return false;
        };
        let (name, rest) = token(trim_start(rest));
        let rest = match trim_start(rest).strip_prefix(b"=") {
            Some(value) => without_value(trim_start(value)),
            None => Some(rest),
        };
        match rest {
            Some(rest) if !name.is_empty() => text = rest,
            _ => return false,
        }
    }
    true
}

/// What is behind a token or a quoted string.
fn without_value(text: &[u8]) -> Option<&[u8]> {
    let Some(mut quoted) = text.strip_prefix(b"\"") else {
        let (value, rest) = token(text);
        return (!value.is_empty()).then_some(rest);
    };
    loop {
        quoted = match quoted {
            [b'"', rest @ ..] => return Some(rest),
            [b'\\', byte, rest @ ..] | [byte, rest @ ..] if !is_control(*byte) => rest,
            _ => return None,
        };
    }
}

fn token(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(text.iter().take_while(|byte| is_token_byte(**byte)).count())
}

const MAX_DIGITS: usize = 16; // of a chunk's size
const MAX_LINE: usize = 8 << 10; // bytes of a size and its extensions, or of a trailer

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_have_a_grammar() {
        for good in ["5", "5;a", "5 ; a = b\t;c", "5;a=\"b;\\\"c\"", "005;a=b"] {
            assert!(
                size(good.as_bytes(), Seeded::NONE).is_ok_and(|size| size == 5),
                "{good}"
            );
        }
        for bad in [
            "",
            "5 ",
            "5;",
            "5;;a",
            "5;a=",
            "5;=b",
            "5;a b",
            "5;a=\"b",
            "5;a=\"b\"c",
            "5;a\0",
            "5;a\rb",
            "0x5",
            "+5",
            "-5",
            "g",
            "10000000000000005",
        ] {
            assert!(size(bad.as_bytes(), Seeded::NONE).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn chunks_are_taken_off_wherever_they_are_cut() {
        let wire = b"5;a\r\nhello\r\n1\r\n!\r\n0\r\nX-T: t\r\n\r\n";
        for step in 1..=wire.len() {
            let (mut chunks, mut content) = (Chunks::default(), Vec::new());
            for piece in wire.chunks(step) {
                assert!(!chunks.is_over());
                content.extend(chunks.feed(piece, Seeded::NONE).expect("sound"));
            }
            assert_eq!((content.as_slice(), chunks.is_over()), (&b"hello!"[..], true));
            assert!(!chunks.has_surplus());
        }
        let mut chunks = Chunks::default();
        assert!(chunks.feed(b"0\r\n\r\nx", Seeded::NONE).is_ok() && chunks.has_surplus());
        assert!(Chunks::default().feed(b"1\r\nabc", Seeded::NONE).is_err());
    }
}
