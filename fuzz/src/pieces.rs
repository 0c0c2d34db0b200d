//! The input of every target: how to cut, then what to cut.

/// Bytes in pieces.
pub struct Pieces<'a> {
    sizes: &'a [u8],
    wire: &'a [u8],
}

impl<'a> Pieces<'a> {
    /// The first byte says how many sizes follow; the rest is the wire.
    pub fn new(input: &'a [u8]) -> Option<Self> {
        let (count, rest) = input.split_first()?;
        let (sizes, wire) = rest.split_at_checked(usize::from(count % 16))?;
        Some(Self { sizes, wire })
    }

    /// Everything at once.
    pub fn whole(&self) -> impl Iterator<Item = &'a [u8]> {
        std::iter::once(self.wire)
    }

    /// Pieces of the chosen sizes, again and again; single bytes without a choice.
    pub fn cut(&self) -> impl Iterator<Item = &'a [u8]> {
        let sizes: &[u8] = match self.sizes {
            [] => &[0],
            sizes => sizes,
        };
        let mut sizes = sizes.iter().cycle();
        let mut rest = self.wire;
        std::iter::from_fn(move || {
            let size = sizes.next().map_or(1, |size| usize::from(*size) + 1);
            let (piece, after) = rest.split_at(size.min(rest.len()));
            rest = after;
            (!piece.is_empty()).then_some(piece)
        })
    }
}
