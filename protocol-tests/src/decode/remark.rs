//! What is said about bytes.

use std::fmt;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// Whether a rule was broken, or something is missing.
    pub is_fault: bool,
    /// Without its mark.
    pub text: String,
}

impl Remark {
    /// Something as it should be.
    pub fn fact(text: impl Into<String>) -> Self {
        Self {
            is_fault: false,
            text: text.into(),
        }
    }

    /// Something irregular.
    pub fn fault(text: impl Into<String>) -> Self {
        Self {
            is_fault: true,
            text: text.into(),
        }
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.is_fault {
            true => write!(f, "! {}", self.text),
            false => f.write_str(&self.text),
        }
    }
}

/// Remarks in the making.
#[derive(Debug, Default)]
pub(super) struct Remarks(pub(super) Vec<Remark>);

impl Remarks {
    pub(super) fn say(&mut self, text: impl Into<String>) {
        self.0.push(Remark::fact(text));
    }

    pub(super) fn blame(&mut self, text: impl Into<String>) {
        self.0.push(Remark::fault(text));
    }
}

/// Bytes for people, in quotes, and cut when they are many.
pub(super) fn quote(bytes: &[u8]) -> String {
    match bytes.get(..SHOWN) {
        Some(shown) if bytes.len() > SHOWN => format!("\"{}\"…", shown.escape_ascii()),
        _ => format!("\"{}\"", bytes.escape_ascii()),
    }
}

/// `1 byte` or `7 bytes`.
pub(super) fn bytes(count: impl TryInto<u64>) -> String {
    match count.try_into().unwrap_or(u64::MAX) {
        1 => "1 byte".to_owned(),
        count => format!("{count} bytes"),
    }
}

/// Names and values on one line.
pub(super) fn pair_words(pairs: &[(&[u8], &[u8])]) -> String {
    let word = |(name, value): &(&[u8], &[u8])| {
        let plain = value.len() <= SHOWN && value.iter().all(|byte| byte.is_ascii_graphic());
        match plain && !value.contains(&b',') {
            true => format!("{}={}", name.escape_ascii(), value.escape_ascii()),
            false => format!("{}={}", name.escape_ascii(), quote(value)),
        }
    };
    pairs.iter().map(word).collect::<Vec<_>>().join(", ")
}

const SHOWN: usize = 120; // bytes of a value or body on a line
