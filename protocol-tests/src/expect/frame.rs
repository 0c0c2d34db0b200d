//! What a front end must answer in HTTP/2 frames.

use super::{Matcher, Notes, Seen, Unmet};
use crate::content::{Scope, error_number, frame_number};
use crate::notation::{Complaint, Node};
use crate::wire::{self, Frame, HeaderField};

/// Conditions on one of the frames that have arrived.
#[derive(Clone, Debug)]
pub struct FramePattern {
    kind: u8,
    stream: Option<u32>,
    /// Flags that are set.
    flags: Option<u8>,
    /// Permitted error codes; empty: any.
    error: Vec<u32>,
    fields: Vec<(String, Matcher)>,
    payload: Option<Matcher>,
    /// How many are like this; without it at least one.
    count: Option<usize>,
}

impl FramePattern {
    pub(super) fn read(node: &Node<'_>) -> Result<Self, Complaint> {
        let mut table = node.table()?;
        let fields = table
            .take("fields")
            .map_or(Ok(Vec::new()), |node| node.entries())?;
        let pattern = Self {
            kind: frame_number(&table.need("type")?)?,
            stream: table.integer("stream")?,
            flags: table.integer("flags")?,
            error: table
                .take("error")
                .map_or(Ok(Vec::new()), |node| read_errors(&node))?,
            fields: fields
                .into_iter()
                .map(|(name, node)| Ok((name, Matcher::read(&node)?)))
                .collect::<Result<_, _>>()?,
            payload: table
                .take("payload")
                .map(|node| Matcher::read(&node))
                .transpose()?,
            count: table.integer("count")?,
        };
        table.finish()?;
        Ok(pattern)
    }

    pub(super) fn check(&self, seen: &Seen<'_>) -> Result<Notes, Unmet> {
        let frames = wire::frames(seen.bytes());
        let blocks = wire::blocks(&frames);
        let fields_at = |at: usize| {
            let block = blocks.iter().find(|(of, _)| *of == at);
            block.and_then(|(_, fields)| fields.as_ref().ok())
        };
        let like = |(at, frame): &(usize, &Frame<'_>)| self.fits(frame, fields_at(*at), seen.scope());
        let found = frames.iter().enumerate().filter(like).count();
        match self.count {
            None if found > 0 => Ok(Notes::new()),
            Some(count) if found == count => Ok(Notes::new()),
            Some(count) if found > count => Err(Unmet::Never(format!("{found} frames are like this"))),
            _ => {
                let why = format!("no such frame; there are {}", wire::frame_words(&frames));
                match self.stream.is_some() && frames.iter().any(|frame| self.is_meant(frame)) {
                    true if self.count.is_none() => Err(seen.otherwise(why)),
                    _ => Err(seen.unmet(why)),
                }
            }
        }
    }

    /// Whether it is of the type and stream, whatever is in it.
    fn is_meant(&self, frame: &Frame<'_>) -> bool {
        frame.kind == self.kind && self.stream.is_none_or(|stream| stream == frame.stream)
    }

    fn fits(&self, frame: &Frame<'_>, fields: Option<&Vec<HeaderField>>, scope: &Scope) -> bool {
        let same = self.is_meant(frame) && self.flags.is_none_or(|flags| flags & frame.flags == flags);
        let error = self.error.is_empty() || frame.error().is_some_and(|error| self.error.contains(&error));
        let payload = self.payload.as_ref();
        let payload = payload.is_none_or(|matcher| matcher.check(frame.payload, scope).is_ok());
        same && error && payload && self.fields_fit(fields, scope)
    }

    fn fields_fit(&self, fields: Option<&Vec<HeaderField>>, scope: &Scope) -> bool {
        if self.fields.is_empty() {
            return true;
        }
        let Some(fields) = fields else { return false };
        self.fields.iter().all(|(name, matcher)| {
            let same = fields.iter().filter(|(own, _)| own == name.as_bytes());
            let values: Vec<_> = same.map(|(_, value)| value.as_slice()).collect();
            matcher.check_all(name, &values, scope).is_ok()
        })
    }
}

fn read_errors(node: &Node<'_>) -> Result<Vec<u32>, Complaint> {
    if node.is_array() {
        return node.items()?.iter().map(error_number).collect();
    }
    error_number(node).map(|error| vec![error])
}
