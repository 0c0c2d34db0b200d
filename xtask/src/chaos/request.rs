//! One request to the ledger application, and the only answer to it that is right.

use super::content::{content, digest};

/// A request whose id nothing else has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// What the application notes, and what all content is made from.
    pub(crate) id: String,
    /// POST instead of GET.
    pub(crate) posts: bool,
    /// On a kept connection, and leaves it open.
    pub(crate) kept: bool,
    /// Over HTTP/2, where that is spoken.
    pub(crate) multiplexed: bool,
    /// The body goes in chunks, without a length.
    pub(crate) chunked: bool,
    /// Bytes of the request body.
    pub(crate) body: usize,
    /// Bytes of content in the answer.
    pub(crate) answer: usize,
    /// Milliseconds that the application works.
    pub(crate) work: u64,
}

impl Request {
    /// The `number`th request of the ordinary load `run`: GET or POST, a kept or a fresh connection of one version or the other, small bodies and
    /// now and then one that no buffer holds at once, short work and, where `long` is wanted, now and then
    /// some that outlasts a restart. One of `fresh` requests comes on a connection of its own. Not in turn: a balancer takes turns too.
    pub(crate) fn ordinary(run: &str, number: usize, long: bool, fresh: u64) -> Self {
        let dice = scatter(number as u64);
        let posts = (dice >> 60) % 2 == 1;
        let size = |dice: u64, small: u64, large: usize| match dice % 16 {
            0 => large,
            _ => usize::try_from(dice % small).unwrap_or(0),
        };
        Self {
            id: format!("{run}-{number}"),
            posts,
            kept: !((dice >> 43) % 32).is_multiple_of(fresh),
            multiplexed: (dice >> 62).is_multiple_of(2),
            chunked: posts && (dice >> 40).is_multiple_of(8),
            body: if posts {
                size(dice >> 8, 16 * 1024, 128 * 1024)
            } else {
                0
            },
            answer: size(dice >> 24, 8 * 1024, 96 * 1024),
            work: if long && (dice >> 50).is_multiple_of(512) {
                LONG
            } else {
                1 + (dice >> 48) % 4
            },
        }
    }

    /// What it asks for.
    pub(crate) fn target(&self) -> String {
        let Self { id, answer, work, .. } = self;
        format!("/ledger?id={id}&bytes={answer}&ms={work}")
    }

    /// The head as it goes out over HTTP/1.
    pub(crate) fn head(&self) -> String {
        let method = if self.posts { "POST" } else { "GET" };
        let length = match (self.posts, self.chunked) {
            (true, true) => "Transfer-Encoding: chunked\r\n".to_owned(),
            (true, false) => format!("Content-Length: {}\r\n", self.body),
            (false, _) => String::new(),
        };
        let close = if self.kept { "" } else { "Connection: close\r\n" };
        format!(
            "{method} {} HTTP/1.1\r\nHost: chaos.example\r\n{length}{close}\r\n",
            self.target()
        )
    }

    /// The body as it goes out over HTTP/1.
    pub(crate) fn body(&self) -> Vec<u8> {
        let body = self.upload();
        if !self.chunked {
            return body;
        }
        let mut wire = Vec::new();
        for piece in body.chunks(CHUNK) {
            wire.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
            wire.extend_from_slice(piece);
            wire.extend_from_slice(b"\r\n");
        }
        wire.extend_from_slice(b"0\r\n\r\n");
        wire
    }

    /// The body of the right answer.
    pub(crate) fn expected(&self) -> Vec<u8> {
        let digest = digest(&self.upload());
        let mut body = format!("{} {} {digest}\n", self.id, self.body).into_bytes();
        body.extend(content(&self.id, self.answer));
        body
    }

    /// The body.
    pub(crate) fn upload(&self) -> Vec<u8> {
        content(&format!("{}-upload", self.id), self.body)
    }
}

/// Numbers in a row become numbers all over the range (splitmix64): every run sends the same mix.
fn scatter(number: u64) -> u64 {
    let mut z = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

const LONG: u64 = 400; // milliseconds
const CHUNK: usize = 5000; // bytes; not a power of two, so that chunks and buffers end at different places

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mix_holds_everything() {
        let mix: Vec<Request> = (0..2000)
            .map(|number| Request::ordinary("x", number, true, 2))
            .collect();
        for kept in [true, false] {
            for posts in [true, false] {
                let same = mix.iter().filter(|r| r.kept == kept && r.posts == posts);
                assert!((450..550).contains(&same.count()));
            }
        }
        assert!(mix.iter().any(|r| r.chunked) && mix.iter().any(|r| r.body == 128 * 1024));
        assert!(mix.iter().any(|r| r.answer == 96 * 1024) && mix.iter().any(|r| r.work == LONG));
        assert!(mix.iter().all(|r| r.posts || r.body == 0));
    }

    #[test]
    fn a_chunked_body_ends_with_an_empty_chunk() {
        let request = Request {
            chunked: true,
            body: 5001,
            posts: true,
            ..Request::ordinary("x", 0, false, 2)
        };
        let wire = request.body();
        assert!(wire.starts_with(b"1388\r\n") && wire.ends_with(b"\r\n0\r\n\r\n"));
    }
}
