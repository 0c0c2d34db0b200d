//! The target of a request: what the request line names behind the method (RFC 9112, section 3.2).

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;

use super::fields::scan;

/// A target in origin form, `/path?query`, exactly as it was received; or `*`, which stands for the whole server.
///
/// Octets above 0x7f and the printable ones that no URI has (`"`, `<`, `{`, `|`, …) pass: clients send them, and
/// applications decide what they mean.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    text: Bytes,
    /// Bytes of the path.
    path: u16,
}

/// Why bytes are not a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Longer than [`Target::LONGEST`].
    #[error("target of more than {} bytes", Target::LONGEST)]
    TooLong,
    /// Neither a path nor `*`.
    #[error("target that starts with no slash")]
    Form,
    /// A blank, a control byte or a fragment.
    #[error("byte {0:#04x} in the target")]
    Byte(u8),
}

impl Target {
    /// Bytes of the longest target.
    pub const LONGEST: usize = 65_535;

    /// The target that these bytes are.
    pub fn from_bytes(text: Bytes) -> Result<Self, TargetError> {
        let path = checked(&text)?;
        Ok(Self { text, path })
    }

    /// The target of a literal.
    ///
    /// # Panics
    ///
    /// When the literal is no target.
    pub fn from_static(text: &'static str) -> Self {
        match Self::from_bytes(Bytes::from_static(text.as_bytes())) {
            Ok(target) => target,
            Err(error) => panic!("{text:?}: {error}"),
        }
    }

    /// The target as it was received.
    pub fn as_bytes(&self) -> &[u8] {
        &self.text
    }

    /// What is in front of the `?`.
    pub fn path(&self) -> &[u8] {
        &self.text[..usize::from(self.path)]
    }

    /// What is in front of the `?`, shared.
    pub fn path_bytes(&self) -> Bytes {
        self.text.slice(..usize::from(self.path))
    }

    /// What is behind the `?`, where there is one.
    pub fn query(&self) -> Option<&[u8]> {
        self.text.get(usize::from(self.path) + 1..)
    }

    /// The target as shared bytes.
    pub fn to_bytes(&self) -> Bytes {
        self.text.clone()
    }
}

/// Checks a target; gives the length of its path.
fn checked(text: &[u8]) -> Result<u16, TargetError> {
    if text.len() > Target::LONGEST {
        return Err(TargetError::TooLong);
    }
    if text.first() != Some(&b'/') && text != b"*" {
        return Err(TargetError::Form);
    }
    let path = scan::path_len(text);
    let end = match text.get(path..) {
        Some([b'?', query @ ..]) => path + 1 + scan::reference_len(query),
        _ => path,
    };
    match text.get(end) {
        Some(refused) => Err(TargetError::Byte(*refused)),
        None => Ok(path as u16),
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        Self::from_bytes(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.text))
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(text: &[u8]) -> Result<Target, TargetError> {
        Target::from_bytes(Bytes::copy_from_slice(text))
    }

    #[test]
    fn the_first_question_mark_ends_the_path() {
        for (text, path, query) in [
            ("/", "/", None),
            ("*", "*", None),
            ("/a?", "/a", Some("")),
            ("/a%20b?x=1&y=?", "/a%20b", Some("x=1&y=?")),
            ("//a/../b", "//a/../b", None),
            ("/a{b}|\"<c>^`\\\u{e9}", "/a{b}|\"<c>^`\\\u{e9}", None),
        ] {
            let target: Target = text.parse().unwrap();
            assert_eq!(target.path(), path.as_bytes());
            assert_eq!(target.query(), query.map(str::as_bytes));
            assert_eq!(
                (target.as_bytes(), target.to_string()),
                (text.as_bytes(), text.to_owned())
            );
        }
    }

    #[test]
    fn other_forms_are_refused() {
        for text in ["", "a", "http://h/", "**", "*?x", "?x", "host:80"] {
            assert_eq!(target(text.as_bytes()), Err(TargetError::Form), "{text:?}");
        }
    }

    #[test]
    fn blanks_control_bytes_and_fragments_are_refused_everywhere() {
        for byte in 0..=u8::MAX {
            let refused = byte <= b' ' || byte == 0x7f || byte == b'#';
            for at in [1, 16, 40] {
                let mut text = vec![b'/'; 41];
                text[at] = byte;
                let expected = if refused {
                    Some(TargetError::Byte(byte))
                } else {
                    None
                };
                assert_eq!(target(&text).err(), expected, "{byte}");
            }
        }
    }

    #[test]
    fn the_length_is_bounded() {
        let mut text = vec![b'/'; Target::LONGEST];
        assert_eq!(target(&text).unwrap().path().len(), Target::LONGEST);
        text.push(b'/');
        assert_eq!(target(&text), Err(TargetError::TooLong));
    }
}
