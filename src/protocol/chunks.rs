//! A body that its application has put into chunks itself, in a protocol that has no use for them.
//!
//! RFC 3875, section 6.3.4, leaves framing to the server. Passed on as they are, chunks would be text for the client; so
//! they are undone, as those of an HTTP server are.

use bytes::{Bytes, BytesMut};

use super::http1::{BodyDecoder, BodyPart, ChunkError, ChunkLimits, Framing};

/// Such a body.
#[derive(Debug)]
pub(crate) struct Chunks {
    decoder: BodyDecoder,
    /// What has come and was not decoded: between two pieces, at most a line.
    held: BytesMut,
    done: bool,
    /// There was something behind the end.
    surplus: bool,
}

impl Chunks {
    /// In front of the first chunk.
    pub(crate) fn new() -> Self {
        Self {
            decoder: BodyDecoder::new(Framing::Chunked, ChunkLimits::default()),
            held: BytesMut::new(),
            done: false,
            surplus: false,
        }
    }

    /// More of it has come.
    pub(crate) fn push(&mut self, coded: BytesMut) {
        if self.done {
            self.surplus |= !coded.is_empty();
        } else if self.held.is_empty() {
            self.held = coded;
        } else {
            self.held.extend_from_slice(&coded);
        }
    }

    /// The next piece of the content, never empty; `None` asks for more, unless it [is done](Self::is_done).
    pub(crate) fn piece(&mut self) -> Result<Option<Bytes>, ChunkError> {
        if self.done {
            return Ok(None);
        }
        match self.decoder.decode(&mut self.held) {
            Ok(Some(BodyPart::Data(piece))) => return Ok(Some(piece)),
            Ok(None) => return Ok(None),
            Ok(Some(BodyPart::End(_))) => {}
            // The content is whole; what comes behind it ends here in any case.
            Err(_) if self.decoder.is_behind_content() => {}
            Err(error) => return Err(error),
        }
        self.done = true;
        self.surplus |= !self.held.is_empty();
        self.held = BytesMut::new();
        Ok(None)
    }

    /// Whether all of the content was given out.
    pub(crate) fn is_done(&self) -> bool {
        self.done
    }

    /// Whether there was something behind the end.
    pub(crate) fn has_surplus(&self) -> bool {
        self.surplus
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn undone(text: &str, step: usize) -> Result<(Vec<u8>, bool, bool), ChunkError> {
        let (mut chunks, mut content) = (Chunks::new(), Vec::new());
        for piece in text.as_bytes().chunks(step) {
            chunks.push(BytesMut::from(piece));
            while let Some(piece) = chunks.piece()? {
                content.extend_from_slice(&piece);
            }
        }
        Ok((content, chunks.is_done(), chunks.has_surplus()))
    }

    #[test]
    fn chunks_are_undone_at_every_split_point() {
        for (text, expected) in [
            ("5\r\nhello\r\n0\r\n\r\n", Ok(("hello", true, false))),
            (
                "2;a\r\nhe\r\n3\r\nllo\r\n0\r\nX: y\r\n\r\n",
                Ok(("hello", true, false)),
            ),
            ("5\r\nhello\r\n0\r\n\r\nEVIL", Ok(("hello", true, true))),
            ("5\r\nhello\r\n0\r\nno field\r\n\r\n", Ok(("hello", true, true))),
            ("5\r\nhello\r\n", Ok(("hello", false, false))),
            ("hello", Err(ChunkError::Size)),
            ("5\r\nhelloXX", Err(ChunkError::DataEnd)),
        ] {
            for step in 1..=text.len() {
                let expected =
                    expected.map(|(content, done, surplus)| (content.as_bytes().to_vec(), done, surplus));
                assert_eq!(undone(text, step), expected, "{text:?} in pieces of {step}");
            }
        }
    }
}
