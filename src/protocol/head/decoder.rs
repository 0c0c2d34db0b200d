//! Collects a head from whatever pieces it comes in.

use bytes::{Buf, BytesMut};

use super::blank::BlankLine;
use super::fields::Reading;
use super::{AnyHead, HeadError, Limits, ResponseHead, Shape};

/// The head of one answer, until it is complete.
///
/// A head that is complete in the first piece is read at once and not copied. One that spans pieces is collected, and
/// read when its blank line is there. Either way no byte is looked at more than a few times, however small the pieces
/// are.
#[derive(Debug)]
pub struct HeadDecoder {
    shape: Shape,
    limits: Limits,
    blank: BlankLine,
    /// Earlier pieces of the block.
    partial: Vec<u8>,
    /// Bytes seen, skipped interim heads included.
    seen: usize,
    /// The line that was refused.
    culprit: Option<Box<str>>,
}

impl HeadDecoder {
    /// A decoder for one answer.
    pub fn new(shape: Shape, limits: Limits) -> Self {
        Self {
            shape,
            limits,
            blank: BlankLine::default(),
            partial: Vec::new(),
            seen: 0,
            culprit: None,
        }
    }

    /// What was wrong with a head that was refused: its line, or the name in it; escaped, and short.
    pub fn culprit(&self) -> Option<&str> {
        self.culprit.as_deref()
    }

    /// Takes the final head, or as much as there is before its end, off the first `available` bytes of `src`. Interim
    /// heads are skipped.
    ///
    /// With `Ok(None)` all available bytes are taken. With a head, what follows it is left.
    pub fn decode(
        &mut self,
        src: &mut BytesMut,
        mut available: usize,
    ) -> Result<Option<Box<ResponseHead>>, HeadError> {
        debug_assert!(available <= src.len());
        loop {
            let before = src.len();
            match self.next(src, available)? {
                Some(AnyHead::Final(head)) => return Ok(Some(head)),
                Some(AnyHead::Interim(_)) => available -= before - src.len(),
                None => return Ok(None),
            }
        }
    }

    /// The same, interim heads included.
    pub fn next(&mut self, src: &mut BytesMut, available: usize) -> Result<Option<AnyHead>, HeadError> {
        if self.partial.is_empty() {
            let mut reading = Reading::new(self.shape);
            if let Ok(Some(end)) = reading.read(&src[..available], &self.limits)
                && self.seen + end <= self.limits.size
            {
                self.seen += end;
                return reading.finish(src.split_to(end).freeze()).map(Some);
            }
        }
        self.collect(src, available)
    }

    /// Finds the end first: errors count only in a head that is complete and not too large.
    fn collect(&mut self, src: &mut BytesMut, available: usize) -> Result<Option<AnyHead>, HeadError> {
        match self.find(&src[..available])? {
            Some(end) => self.parse(src, end),
            None => {
                self.partial.extend_from_slice(&src[..available]);
                src.advance(available);
                Ok(None)
            }
        }
    }

    fn find(&mut self, piece: &[u8]) -> Result<Option<usize>, HeadError> {
        let end = self.blank.find(piece);
        self.seen += end.unwrap_or(piece.len());
        if self.seen > self.limits.size {
            return Err(HeadError::TooLarge(self.limits.size));
        }
        Ok(end)
    }

    fn parse(&mut self, src: &mut BytesMut, end: usize) -> Result<Option<AnyHead>, HeadError> {
        self.partial.extend_from_slice(&src[..end]);
        src.advance(end);
        let block = std::mem::take(&mut self.partial);
        let mut reading = Reading::new(self.shape);
        match reading.read(&block, &self.limits) {
            Ok(Some(_)) => reading.finish(block.into()).map(Some),
            Ok(None) => Ok(None),
            Err(error) => {
                self.culprit = reading.line(&block).and_then(|line| error.shown(line));
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Found = Result<Option<Box<ResponseHead>>, HeadError>;

    fn replay(shape: Shape, text: &[u8], step: usize) -> (Found, BytesMut) {
        let mut decoder = HeadDecoder::new(shape, Limits { size: 64, fields: 4 });
        let mut src = BytesMut::new();
        for piece in text.chunks(step) {
            src.extend_from_slice(piece);
            let available = src.len();
            match decoder.decode(&mut src, available) {
                Ok(None) => {}
                done => return (done, src),
            }
        }
        (Ok(None), src)
    }

    #[test]
    fn pieces_of_every_size_give_the_same_head() {
        let texts: [&[u8]; 6] = [
            b"Content-Type: a/b\r\nX-A: 1\n\r\nbody",
            b"Status: 404\n\n",
            b"Status: 404\nno colon\n\n",
            b"Status: 200\nX-Long: 0123456789012345678901234567890123456789012345678901234567890\n\n",
            b"Status: 200\nnever ends",
            b"a:1\nb:1\nc:1\nd:1\ne:1\n\n",
        ];
        for text in texts {
            let (whole, _) = replay(Shape::Cgi, text, text.len());
            for step in 1..text.len() {
                assert_eq!(replay(Shape::Cgi, text, step).0, whole, "step {step}");
            }
        }
    }

    #[test]
    fn what_follows_the_head_is_left() {
        let (head, rest) = replay(Shape::Cgi, b"A: b\n\nbody", 100);
        assert!(head.unwrap().is_some());
        assert_eq!(rest, "body");
    }

    #[test]
    fn size_is_bounded_with_and_without_an_end() {
        let exact = format!("X: {}\n\n", "a".repeat(59));
        assert!(replay(Shape::Cgi, exact.as_bytes(), 64).0.unwrap().is_some());
        let long = format!("X: {}\n\n", "a".repeat(60));
        assert_eq!(
            replay(Shape::Cgi, long.as_bytes(), 65).0,
            Err(HeadError::TooLarge(64))
        );
        assert_eq!(replay(Shape::Cgi, &[b'x'; 65], 7).0, Err(HeadError::TooLarge(64)));
    }

    #[test]
    fn the_line_of_a_refused_head_is_told() {
        for (shape, text, culprit) in [
            (Shape::Cgi, "A: 1\nNotice: <b>\nhello\n\n", Some("hello")),
            (Shape::Cgi, "hello\n\n", Some("hello")),
            (
                Shape::Cgi,
                "A: 1\nContent-Length: 5x\n\n",
                Some("Content-Length: 5x"),
            ),
            (Shape::Cgi, "Set-Cookie: secret\x01\n\n", Some("Set-Cookie")),
            (Shape::Cgi, "A b: secret\n\n", Some("A b")),
            (Shape::Cgi, "A: 1\n folded\n\n", Some(" folded")),
            (Shape::Cgi, "Status: 2000\n\n", Some("Status: 2000")),
            (Shape::Cgi, "\n", None),
            (Shape::Cgi, "HTTP/1.1 200 OK\n\n", None),
            (
                Shape::Http1,
                "HTTP/1.1 200 OK\nA: 1\nB\x07: 2\n\n",
                Some("B\\x07"),
            ),
            (Shape::Http1, "HTTP/1.1 200 OK\nA: 1\nB\n\n", Some("B")),
            (Shape::Http1, "HTTP/2 200 OK\nA: 1\n\n", None),
            (Shape::Cgi, "a:1\nb:1\nc:1\nd:1\ne:1\n\n", None),
        ] {
            for step in 1..=text.len() {
                let mut decoder = HeadDecoder::new(shape, Limits { size: 64, fields: 4 });
                let mut src = BytesMut::new();
                let mut refused = false;
                for piece in text.as_bytes().chunks(step) {
                    src.extend_from_slice(piece);
                    let available = src.len();
                    refused |= decoder.decode(&mut src, available).is_err();
                }
                assert!(refused, "{text:?}");
                assert_eq!(decoder.culprit(), culprit, "{text:?} in pieces of {step}");
            }
        }
        let mut decoder = HeadDecoder::new(Shape::Cgi, Limits::default());
        let mut src = BytesMut::from(format!("{}\n\n", "x".repeat(1000)).as_bytes());
        let available = src.len();
        assert_eq!(decoder.decode(&mut src, available), Err(HeadError::NoColon));
        assert_eq!(decoder.culprit().map(str::len), Some(64));
    }

    #[test]
    fn interim_heads_are_skipped_but_counted() {
        let text = b"HTTP/1.1 100 X\n\nHTTP/1.1 103 X\n\nHTTP/1.1 200 OK\n\n";
        for step in 1..=text.len() {
            let head = replay(Shape::Http, text, step).0.unwrap().unwrap();
            assert_eq!(head.status, 200, "step {step}");
        }
        let endless = b"HTTP/1.1 100 X\n\n".repeat(5);
        assert_eq!(replay(Shape::Http, &endless, 3).0, Err(HeadError::TooLarge(64)));
    }
}
