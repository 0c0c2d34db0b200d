//! A unit of a stream and how the notation writes it.

use std::ops::Range;

use super::quote::{comment, hex};
use crate::content::{Content, Scope};
use crate::notation::{Source, Table};
use crate::protocol::Protocol;

/// Some bytes in notation.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    /// Where they stand in the stream.
    pub(super) range: Range<usize>,
    /// An item of a content list.
    pub(super) text: String,
    /// What it is, for people.
    pub(super) words: String,
}

impl Piece {
    pub(super) fn new(range: Range<usize>, text: String, words: impl Into<String>) -> Self {
        Self {
            range,
            text,
            words: words.into(),
        }
    }

    /// The bytes as they are.
    pub(super) fn hex(stream: &[u8], range: Range<usize>, words: &str) -> Self {
        let bytes = stream.get(range.clone()).unwrap_or_default();
        let text = format!("{{ hex = '''{}{}''' }}", comment(words), hex(bytes));
        Self::new(range, text, words)
    }
}

/// Some of a piece, where a step ends in its middle.
pub(super) fn part(stream: &[u8], piece: &Piece, range: Range<usize>) -> String {
    let from = range.start.saturating_sub(piece.range.start);
    let words = match piece.words.as_str() {
        "" => String::new(),
        words => format!("{words}: {} bytes from byte {from} on", range.len()),
    };
    Piece::hex(stream, range, &words).text
}

/// The pieces, each of which gives its bytes when it is coded; those that do not are in hex.
pub(super) fn checked(protocol: Protocol, stream: &[u8], pieces: Vec<Piece>) -> Vec<Piece> {
    let check = |piece: Piece| {
        let wanted = stream.get(piece.range.clone()).unwrap_or_default();
        match encode(protocol, &piece.text).is_some_and(|bytes| bytes == wanted) {
            true => piece,
            false => Piece::hex(stream, piece.range, &piece.words),
        }
    };
    pieces.into_iter().map(check).collect()
}

/// What a runner makes of some notation.
pub(super) fn encode(protocol: Protocol, text: &str) -> Option<Vec<u8>> {
    let text = format!("x = {text}\n");
    let source = Source::new("draft", &text);
    let document = source.parse().ok()?;
    let mut table = Table::new(document.get_ref(), document.span(), source);
    let content = Content::read(&table.need("x").ok()?).ok()?;
    content.encode(&Scope::new(protocol)).ok()
}
