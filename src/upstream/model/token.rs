//! The name of an endpoint in the cookies of its sessions.

use std::fmt;

/// Names an endpoint in a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token([u8; 16]);

impl Token {
    /// Of a digest.
    pub(in crate::upstream) fn new(digest: [u8; 16]) -> Self {
        Self(digest)
    }

    /// Reads what [`Display`](fmt::Display) writes.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (pairs, []) = text.as_chunks::<2>() else {
            return None;
        };
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let mut token = [0; 16];
        if pairs.len() != token.len() {
            return None;
        }
        for (byte, [high, low]) in token.iter_mut().zip(pairs) {
            *byte = (digit(*high)? * 16 + digit(*low)?) as u8;
        }
        Some(Self(token))
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
