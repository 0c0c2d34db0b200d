//! Where a body ends, found while it arrives: by a length, by chunks (RFC 9112, section 7.1), or by closing.

use thiserror::Error;

/// A body under way.
#[derive(Debug)]
pub(crate) struct Body {
    framing: Framing,
    content: u64,
}

#[derive(Debug)]
enum Framing {
    /// So many bytes are left.
    Length(u64),
    /// The line of a chunk's size.
    Size(Vec<u8>),
    /// So many bytes of a chunk are left.
    Chunk(u64),
    /// The line end behind a chunk.
    ChunkEnd(Vec<u8>),
    /// A line of the trailer.
    Trailer(Vec<u8>),
    Close,
}

/// Some bytes of a body that are of one sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// At least 1.
    pub(crate) length: usize,
    /// Whether they are what the sender wanted to say, and not its framing.
    pub(crate) is_content: bool,
}

/// Why chunks cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum BadChunk {
    #[error("the size of a chunk is no number")]
    Size,
    #[error("a chunk is not followed by a line end")]
    End,
    #[error("a line of the chunked coding is too long")]
    Line,
}

impl Body {
    pub(crate) fn of_length(length: u64) -> Self {
        Self::new(Framing::Length(length))
    }

    pub(crate) fn chunked() -> Self {
        Self::new(Framing::Size(Vec::new()))
    }

    pub(crate) fn until_close() -> Self {
        Self::new(Framing::Close)
    }

    fn new(framing: Framing) -> Self {
        Self { framing, content: 0 }
    }

    /// How many bytes of content there were.
    pub(crate) fn content(&self) -> u64 {
        self.content
    }

    pub(crate) fn is_over(&self) -> bool {
        matches!(self.framing, Framing::Length(0))
    }

    /// What is missing when nothing more comes.
    pub(crate) fn missing(&self) -> Option<String> {
        match &self.framing {
            Framing::Length(0) | Framing::Close => None,
            Framing::Length(left) => Some(format!(
                "the body is cut short: {} of {} bytes",
                self.content,
                self.content.saturating_add(*left)
            )),
            _ => Some(format!(
                "the chunked body is cut short after {} bytes",
                self.content
            )),
        }
    }

    /// Takes the first of some bytes; at least one, unless the body is over or there is none.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Result<Run, BadChunk> {
        let run = match &mut self.framing {
            Framing::Length(left) => content(left, bytes),
            Framing::Close => Run {
                length: bytes.len(),
                is_content: true,
            },
            Framing::Chunk(left) => {
                let run = content(left, bytes);
                if *left == 0 {
                    self.framing = Framing::ChunkEnd(Vec::new());
                }
                run
            }
            Framing::Size(line) | Framing::ChunkEnd(line) | Framing::Trailer(line) => {
                let (length, ended) = fill(line, bytes)?;
                if ended {
                    self.framing = self.after_line()?;
                }
                Run {
                    length,
                    is_content: false,
                }
            }
        };
        if run.is_content {
            self.content = self.content.saturating_add(run.length as u64);
        }
        Ok(run)
    }

    fn after_line(&self) -> Result<Framing, BadChunk> {
        match &self.framing {
            Framing::Size(line) => match size(line).ok_or(BadChunk::Size)? {
                0 => Ok(Framing::Trailer(Vec::new())),
                size => Ok(Framing::Chunk(size)),
            },
            Framing::ChunkEnd(line) if line.is_empty() => Ok(Framing::Size(Vec::new())),
            Framing::ChunkEnd(_) => Err(BadChunk::End),
            Framing::Trailer(line) if !line.is_empty() => Ok(Framing::Trailer(Vec::new())),
            _ => Ok(Framing::Length(0)),
        }
    }
}

fn content(left: &mut u64, bytes: &[u8]) -> Run {
    let length = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
    *left -= length as u64;
    Run {
        length,
        is_content: true,
    }
}

/// Adds to a line until it ends; says how many bytes that took. The line end is left out.
fn fill(line: &mut Vec<u8>, bytes: &[u8]) -> Result<(usize, bool), BadChunk> {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    let taken = &bytes[..end.unwrap_or(bytes.len())];
    if line.len() + taken.len() > MAX_LINE {
        return Err(BadChunk::Line);
    }
    line.extend_from_slice(taken);
    if end.is_some() && line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok((end.map_or(bytes.len(), |end| end + 1), end.is_some()))
}

fn size(line: &[u8]) -> Option<u64> {
    let digits = line.split(|byte| *byte == b';').next()?.trim_ascii();
    let is_hex = !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit);
    let text = std::str::from_utf8(digits).ok().filter(|_| is_hex)?;
    u64::from_str_radix(text, 16).ok()
}

const MAX_LINE: usize = 8 << 10; // bytes; chunk extensions and trailer fields are shorter

#[cfg(test)]
mod tests {
    use super::*;

    /// The content, what was left over, and whether the body was over.
    fn replay(mut body: Body, wire: &[u8], step: usize) -> Result<(Vec<u8>, usize, bool), BadChunk> {
        let (mut seen, mut left) = (Vec::new(), wire.len());
        for mut piece in wire.chunks(step) {
            while !piece.is_empty() && !body.is_over() {
                let run = body.take(piece)?;
                assert!(run.length > 0, "progress");
                seen.extend_from_slice(&piece[..if run.is_content { run.length } else { 0 }]);
                piece = &piece[run.length..];
                left -= run.length;
            }
        }
        Ok((seen, left, body.is_over()))
    }

    #[test]
    fn a_body_ends_in_the_same_place_however_it_is_cut() {
        let chunks = b"3;x=y\r\nabc\r\n0A\r\n0123456789\r\n0\r\nA: b\r\n\r\nmore";
        for step in 1..=chunks.len() {
            assert_eq!(
                replay(Body::chunked(), chunks, step),
                Ok((b"abc0123456789".to_vec(), 4, true))
            );
            assert_eq!(
                replay(Body::of_length(5), chunks, step),
                Ok((chunks[..5].to_vec(), chunks.len() - 5, true))
            );
            assert_eq!(
                replay(Body::until_close(), chunks, step),
                Ok((chunks.to_vec(), 0, false))
            );
        }
    }

    #[test]
    fn wrong_chunks_are_named_and_missing_ends_too() {
        assert_eq!(replay(Body::chunked(), b"x\r\n", 1), Err(BadChunk::Size));
        assert_eq!(replay(Body::chunked(), b"1\r\nab\r\n", 1), Err(BadChunk::End));
        assert_eq!(replay(Body::chunked(), &[b'0'; 9000], 9000), Err(BadChunk::Line));
        let mut body = Body::of_length(5);
        assert!(body.take(b"ab").is_ok());
        assert_eq!(
            body.missing().as_deref(),
            Some("the body is cut short: 2 of 5 bytes")
        );
    }
}
