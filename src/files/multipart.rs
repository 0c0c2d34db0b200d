//! Several parts of a file in one body: `multipart/byteranges` (RFC 9110, section 14.6).

use std::io;
use std::ops::Range;

use bytes::Bytes;

use super::body::Body;
use super::file::Content;

/// Parts of a file, and what stands between them.
pub(super) struct Multipart<'a> {
    /// The media type of the file, with its parameters.
    pub(super) content_type: &'a [u8],
    /// Bytes of the whole file.
    pub(super) size: u64,
    /// Stands in no file: nothing can know it before.
    pub(super) boundary: u64,
}

impl Multipart<'_> {
    /// The value of `Content-Type`.
    pub(super) fn content_type(&self) -> String {
        format!("multipart/byteranges; boundary={:016x}", self.boundary)
    }

    /// The body with these parts.
    pub(super) fn body(&self, content: &Content, parts: &[Range<u64>]) -> io::Result<Body> {
        let texts = parts.iter().map(|part| (self.head(part), part.clone()));
        let texts: Vec<_> = texts.collect();
        let end = format!("\r\n--{:016x}--\r\n", self.boundary);
        Body::parts(content, texts.into_iter(), end.into())
    }

    /// What stands before a part.
    fn head(&self, part: &Range<u64>) -> Bytes {
        let mut head = format!("\r\n--{:016x}\r\nContent-Type: ", self.boundary).into_bytes();
        head.extend_from_slice(self.content_type);
        let (first, last) = (part.start, part.end - 1);
        let range = format!("\r\nContent-Range: bytes {first}-{last}/{}\r\n\r\n", self.size);
        head.extend_from_slice(range.as_bytes());
        head.into()
    }
}
