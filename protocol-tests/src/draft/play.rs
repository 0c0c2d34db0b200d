//! Steps that send what was sent, in the pieces and about at the times of the recording.

use std::ops::Range;
use std::time::Duration;

use super::piece::{Piece, part};

/// One direction: its bytes, and where each read ended.
#[derive(Clone, Debug, Default)]
pub(super) struct Stream {
    bytes: Vec<u8>,
    /// When a read came, and where it began.
    reads: Vec<(Duration, usize)>,
}

/// Reads that came shortly after one another.
struct Burst {
    /// The time since the one before.
    pause: Option<Duration>,
    range: Range<usize>,
    /// Where it is cut, from its beginning.
    cuts: Vec<usize>,
}

impl Stream {
    pub(super) fn push(&mut self, at: Duration, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.reads.push((at, self.bytes.len()));
            self.bytes.extend_from_slice(bytes);
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The same reads of other bytes, as many.
    pub(super) fn with_bytes(&self, bytes: Vec<u8>) -> Self {
        debug_assert_eq!(bytes.len(), self.bytes.len());
        Self {
            bytes,
            reads: self.reads.clone(),
        }
    }

    /// The steps that send a part of it.
    pub(super) fn steps(&self, pieces: &[Piece], range: &Range<usize>, on: Option<&str>) -> String {
        let bursts = self.bursts(range);
        bursts.iter().map(|burst| self.step(pieces, burst, on)).collect()
    }

    fn bursts(&self, range: &Range<usize>) -> Vec<Burst> {
        let mut bursts: Vec<Burst> = Vec::new();
        let mut before = None;
        for (nth, (at, start)) in self.reads.iter().enumerate() {
            let end = self
                .reads
                .get(nth + 1)
                .map_or(self.bytes.len(), |(_, start)| *start);
            let (start, end) = ((*start).max(range.start), end.min(range.end));
            if start >= end {
                continue;
            }
            let pause = before
                .map(|before| at.saturating_sub(before))
                .filter(|pause| *pause >= NOTABLE);
            before = Some(*at);
            match bursts.last_mut() {
                Some(burst) if pause.is_none() => {
                    burst.cuts.push(start - burst.range.start);
                    burst.range.end = end;
                }
                _ => bursts.push(Burst {
                    pause,
                    range: start..end,
                    cuts: Vec::new(),
                }),
            }
        }
        bursts
    }

    fn step(&self, pieces: &[Piece], burst: &Burst, on: Option<&str>) -> String {
        let on = on.map_or_else(String::new, |on| format!("on = \"{on}\"\n"));
        let mut text = String::new();
        if let Some(pause) = burst.pause {
            let pause = pause.min(LONGEST).as_millis();
            text.push_str(&format!("[[case.step]]\nwait = \"{pause}ms\"\n"));
        }
        text.push_str(&format!("[[case.step]]\n{on}send = [\n"));
        for piece in pieces {
            let (start, end) = (
                piece.range.start.max(burst.range.start),
                piece.range.end.min(burst.range.end),
            );
            if start >= end {
                continue;
            }
            let item = match (start..end) == piece.range {
                true => piece.text.clone(),
                false => part(&self.bytes, piece, start..end),
            };
            text.push_str(&format!("    {item},\n"));
        }
        text.push_str("]\n");
        text.push_str(&split(&burst.cuts, burst.range.len()));
        text
    }
}

/// The key that cuts as the reads were cut.
fn split(cuts: &[usize], length: usize) -> String {
    let [first, rest @ ..] = cuts else {
        return String::new();
    };
    let is_even =
        rest.iter().zip(2..).all(|(cut, nth)| *cut == first * nth) && length <= first * (cuts.len() + 1);
    match is_even && !rest.is_empty() {
        true if *first == 1 => "split = \"bytewise\"\n".to_owned(),
        true => format!("split = {{ every = {first} }}\n"),
        false => {
            let cuts: Vec<_> = cuts.iter().map(usize::to_string).collect();
            format!("split = [{}]\n", cuts.join(", "))
        }
    }
}

const NOTABLE: Duration = Duration::from_millis(20); // a pause that is worth a step of its own
const LONGEST: Duration = Duration::from_secs(1); // what is left of longer ones

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_pieces_have_short_names() {
        assert_eq!(split(&[], 9), "");
        assert_eq!(split(&[4], 9), "split = [4]\n");
        assert_eq!(split(&[1, 2, 3], 4), "split = \"bytewise\"\n");
        assert_eq!(split(&[4, 8], 9), "split = { every = 4 }\n");
        assert_eq!(split(&[4, 8], 30), "split = [4, 8]\n");
    }

    #[test]
    fn pauses_make_steps_and_short_ones_make_cuts() {
        let mut stream = Stream::default();
        for (at, bytes) in [(0, b"ab"), (5, b"cd"), (500, b"ef")] {
            stream.push(Duration::from_millis(at), bytes);
        }
        let piece = Piece::hex(b"abcdef", 0..6, "");
        let text = stream.steps(&[piece], &(0..6), Some("x"));
        assert_eq!(text.matches("send = ").count(), 2, "{text}");
        assert!(
            text.contains("split = [2]") && text.contains("wait = \"495ms\""),
            "{text}"
        );
    }
}
