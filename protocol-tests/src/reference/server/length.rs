//! CONTENT_LENGTH (RFC 3875, section 4.1.2).

use super::{Fault, Variables};
use crate::reference::Seeded;

/// What is said about the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    /// Nothing.
    Unknown,
    /// So many bytes.
    Known(usize),
    /// Something that is no number.
    Bad,
}

impl Length {
    /// Digits and nothing else.
    pub(super) fn of(variables: &Variables, fault: Seeded<Fault>) -> Self {
        let Some(text) = variables.get(&b"CONTENT_LENGTH"[..]) else {
            return Self::Unknown;
        };
        let text = String::from_utf8_lossy(text);
        if fault.is(Fault::LengthAsInC) {
            let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '-');
            let number = text[..end.unwrap_or(text.len())].parse::<i64>().unwrap_or(0);
            return Self::Known(usize::try_from(number).unwrap_or(usize::MAX));
        }
        match text.bytes().all(|byte| byte.is_ascii_digit()) {
            true => text.parse().map_or(Self::Bad, Self::Known),
            false => Self::Bad,
        }
    }
}
